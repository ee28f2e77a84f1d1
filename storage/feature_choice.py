"""Whether features on disk are those of the encoder that somebody names, and the command that would make them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mercap.affectgpt.encoders.options import EncoderOptions
from mercap.affectgpt.encoders.table import ENCODERS
from mercap.identity import digest_folder


def fits(identity: dict[str, Any], wanted: EncoderOptions) -> bool:
    """Is this encoder the one that is wanted? What ``wanted`` leaves open may be anything.

    A folder is known by its files; a commit may be shortened.
    """
    if identity["kind"] != wanted.kind or identity["sampling"].get("crop", wanted.crop) != wanted.crop:
        return False
    if wanted.model is None:
        return _at(identity, wanted)
    folder = Path(wanted.model).expanduser()
    if folder.is_dir():
        return bool(identity["revision"] == digest_folder(folder)[:32])
    return bool(identity["model"] == wanted.model) and _at(identity, wanted)


def _at(identity: dict[str, Any], wanted: EncoderOptions) -> bool:
    return wanted.revision == "main" or str(identity["revision"]).startswith(wanted.revision)


def made_by(identity: dict[str, Any]) -> EncoderOptions:
    """The encoder that made these features, as far as a person can name it: a folder is known by its files alone."""
    kind, crop = identity["kind"], identity["sampling"].get("crop", "face")
    if ENCODERS[kind].model is None or identity["model"] == "folder":
        return EncoderOptions(kind=kind, crop=crop)
    return EncoderOptions(kind=kind, crop=crop, model=identity["model"], revision=identity["revision"])


def command(wanted: EncoderOptions, root: Path) -> str:
    """What a person types to encode with it into the store at ``root``."""
    words = ["mercap features SOURCE --store", str(root), f"--{wanted.reads}", wanted.kind]
    words += [f"--{wanted.reads}-model", wanted.model] if wanted.model else []
    words += [f"--{wanted.reads}-revision", wanted.revision] if wanted.revision != "main" else []
    words += ["--crop", wanted.crop] if wanted.crop != "face" else []
    return " ".join(words)
