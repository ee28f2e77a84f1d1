"""Where a model's files are: a folder as given, or a repository's snapshot in the local Hugging Face cache.

Workers have no network (mercap/workers/network.py), so the process that starts a run looks, and fetches if the recipe
says so; workers then find the same snapshot. Nothing is loaded here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError

from mercap.errors import UsageError


def find_model(
    kind: str,
    model: str,
    *,
    revision: str | None = None,
    token: str | None = None,
    download: bool = False,
    files: Sequence[str] | None = None,
) -> Path:
    """The model's folder. ``kind`` names the model to a person ("pyannote pipeline").

    ``download`` lets a repository that is not in the cache be fetched from the hub, as ``token``, and only those of
    its files that match one of the patterns in ``files``. Raises UsageError.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    wanted = None if files is None else list(files)
    try:
        found = snapshot_download(
            model, revision=revision, token=token, local_files_only=not download, allow_patterns=wanted
        )
    except HfHubHTTPError as fault:
        raise UsageError(
            f"The {kind} {model!r} cannot be fetched from the hub: {first_line(fault)}; accept its conditions on its "
            "page and log in with a token that may read it, or give a folder."
        ) from fault
    except Exception as fault:  # the hub's client raises what its HTTP library and its validators raise, too
        if download:
            raise UsageError(
                f"The {kind} {model!r} is not a folder and cannot be fetched from the hub: {first_line(fault)}."
            ) from fault
        raise UsageError(
            f"The {kind} {model!r} is neither a folder nor in the local Hugging Face cache; "
            "give its folder, or set download = true to fetch it."
        ) from fault
    return Path(found)


def first_line(fault: BaseException) -> str:
    """What went wrong, in one line without its full stop, to be put inside a sentence."""
    return str(fault).strip().partition("\n")[0].rstrip(". :") or type(fault).__name__
