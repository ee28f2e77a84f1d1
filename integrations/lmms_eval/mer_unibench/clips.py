"""The clips of MER-UniBench for lmms-eval: gold, media and subtitles from the folder in MERCAP_UNIBENCH.

The YAML files beside this one name its functions. lmms-eval runs the file anew for each of them, by path: it keeps no
state, and it can import mercap, but nothing that lies beside it. README.md, one folder up, shows the layout.
"""

from __future__ import annotations

import os
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mercap.errors import UsageError
from mercap.unibench.datasets import DATASETS
from mercap.unibench.datasets.dataset import load_gold
from mercap.unibench.protocols import Task
from mercap.unibench.rows import read_columns, unique
from mercap.unibench.score import groups_for
from mercap.unibench.scoring import Setting

ENVIRONMENT = "MERCAP_UNIBENCH"  # the folder of the datasets

# What a dataset's folder may hold: names of our own layout and of the release (of two versions, the one it uses first).
VIDEO_FOLDERS = ("video_new", "video", "subvideo_new", "subvideo-tgt", "subvideo")
AUDIO_FOLDERS = ("audio", "subaudio")
VIDEO = (".mp4", ".avi", ".mkv", ".mov", ".webm")
AUDIO = (".wav",)
SUBTITLES = {  # file -> column, beside the column "name"
    "subtitles.csv": "subtitle",
    "transcription-engchi-polish.csv": "english",
    "transcription_merge.csv": "english",
    "subtitle_eng.csv": "sentence",
}


def from_folder(docs: Any) -> Any:
    """For process_docs: the clips of the dataset that the split of ``docs`` is named after, as a dataset like ``docs``.

    Whatever scoring will need is looked for here, before anything is generated. Raises UsageError.
    """
    given = os.environ.get(ENVIRONMENT)
    if not given:
        raise UsageError(
            f"{ENVIRONMENT} is not set; it names the folder that holds {docs.split} and the other datasets."
        )
    rows = read_clips(Path(given).expanduser(), str(docs.split))
    groups_for(Setting(Task(rows[0]["task"])), None)
    return type(docs).from_list(rows)


def read_clips(root: Path, name: str) -> list[dict[str, Any]]:
    """A row per gold clip of the dataset ``name``, in the order of its gold.

    Raises UsageError where the gold is missing or a clip has neither video nor sound.
    """
    dataset = DATASETS[name]
    gold = load_gold(dataset, root)
    folder = next((found for one in (name, dataset.folder) if (found := root / one).is_dir()), root / name)
    said = _subtitles(folder)
    rows = [
        {
            "task": str(dataset.task),
            "name": clip,
            "video": _media_file(folder, VIDEO_FOLDERS, clip, VIDEO),
            "audio": _media_file(folder, AUDIO_FOLDERS, clip, AUDIO),
            "said": said.get(clip, ""),
            "gold": gold.values[clip] if dataset.task is Task.SENTIMENT else list(gold.labels[clip]),
        }
        for clip in gold.names
    ]
    lacking = [str(row["name"]) for row in rows if not row["video"] and not row["audio"]]
    if lacking:
        raise UsageError(
            f"{folder} has neither video/{lacking[0]}.mp4 nor audio/{lacking[0]}.wav; "
            f"{len(lacking)} of {len(rows)} clips have neither."
        )
    return rows


def media(doc: Mapping[str, Any], lmms_eval_specific_kwargs: Mapping[str, Any] | None = None) -> list[Any]:
    """For doc_to_visual: what the model is given of a clip, by default its video, a path.

    Raises UsageError where the clip has none of it.
    """
    kinds = (lmms_eval_specific_kwargs or {}).get("media", ["video"])
    for kind in kinds:
        if not doc[kind]:
            raise UsageError(f"The model needs the {kind} of {doc['name']!r}, and the clip has none.")
    return [_sound(Path(doc[kind])) if kind == "audio" else doc[kind] for kind in kinds]


def _subtitles(folder: Path) -> dict[str, str]:
    found = next(((path, column) for file, column in SUBTITLES.items() if (path := folder / file).is_file()), None)
    return unique(found[0], read_columns(found[0], ("name", found[1]))) if found else {}


def _media_file(folder: Path, places: Sequence[str], clip: str, suffixes: Sequence[str]) -> str | None:
    candidates = (folder / place / f"{clip}{suffix}" for place in places for suffix in suffixes)
    return next((str(path) for path in candidates if path.is_file()), None)


def _sound(path: Path) -> dict[str, Any]:
    """Samples of a WAV file as lmms-eval's models take them: mono, float32 from -1 to 1."""
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise UsageError(f"{path} cannot be read as WAV: {error}.") from None
    if width != 2:
        raise UsageError(f"{path} has samples of {8 * width} bits; WAV files of 16 bits are needed.")
    samples = np.frombuffer(data, "<i2").reshape(-1, channels).mean(axis=1, dtype=np.float32) / np.float32(32768)
    return {"type": "audio", "array": samples, "sampling_rate": rate}
