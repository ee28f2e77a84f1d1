"""The folder of a pyannote pipeline: what of its config.yaml is used, and whether everything it names is there.

pyannote would import and call whatever class config.yaml names, and fetch models from elsewhere. Here a pipeline is one
of speaker diarization whose parts lie in its own folder, so that its files say all there is to say about it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mercap.errors import UsageError

WANTED = ("config.yaml", "*/pytorch_model.bin", "*/*.npz")  # patterns of the files to fetch
_PIPELINES = "pyannote.audio.pipelines"
_NAMES = (f"{_PIPELINES}.SpeakerDiarization", f"{_PIPELINES}.speaker_diarization.SpeakerDiarization")
_PARTS = {
    "segmentation": ("pytorch_model.bin",),
    "embedding": ("pytorch_model.bin",),
    "plda": ("plda.npz", "xvec_transform.npz"),
}
_OWN = "$model/"


def read_pipeline(folder: Path, model: str) -> dict[str, Any]:
    """What is handed to pyannote: the pipeline, its parameters, and where its parts are; nothing else of the file.

    ``model`` is the name a person knows the pipeline by. Raises UsageError.
    """
    try:
        given = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
        name, options = given["pipeline"]["name"], dict(given["pipeline"]["params"])
        rest = {key: dict(given[key]) for key in ("dependencies", "params") if given.get(key)}
    except OSError:
        raise UsageError(f"The pyannote pipeline {model!r} lacks config.yaml; fetch it again.") from None
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError):
        raise UsageError(f"The config.yaml of the pyannote pipeline {model!r} describes no pipeline.") from None
    if name not in _NAMES:
        raise UsageError(f"The pyannote pipeline {model!r} is a {name!r}, not one of speaker diarization.")
    for part, files in _PARTS.items():
        place = _own_place(part, options.get(part), model)
        if lost := [file for file in files if not (folder / place / file).is_file()]:
            raise UsageError(f"The pyannote pipeline {model!r} lacks {place}/{lost[0]}; fetch it again.")
        options[part] = {"checkpoint": str(folder), "subfolder": place}
    return {"pipeline": {"name": name, "params": options}, **rest}


def _own_place(part: str, value: Any, model: str) -> str:
    if not isinstance(value, str) or not value.startswith(_OWN) or "@" in value:
        raise UsageError(
            f"The {part} of the pyannote pipeline {model!r} lies outside its folder; put it inside and name it "
            f"{_OWN}{part} in config.yaml, or take a complete one: pyannote/speaker-diarization-community-1."
        )
    return value.removeprefix(_OWN)
