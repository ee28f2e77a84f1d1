"""The exceptions of mercap, and the typed causes a cell can fail with.

    MercapError                     one sentence a person can act on; shown without a traceback
    ├── UsageError                  wrong flags, recipe, manifest or SQL: nothing was run (exit 2)
    ├── MissingExtra                a back-end whose packages are not installed (exit 2)
    ├── StoreError                  the store on disk cannot be used as it is
    ├── EndpointError               a model endpoint answers nothing, or nothing that can be asked of it (exit 6)
    └── LedgerImbalance             names went missing between stages (exit 5)

    CellFailure                     one clip could not get through one stage; becomes a quarantined cell

A full disk (`is_disk_full`) is for a person to mend too. Anything else that escapes is a bug: it keeps its traceback
and ends the process with exit code 1.
"""

from __future__ import annotations

import errno
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says to the shell (README, "Exit codes")."""

    DONE = 0
    BUG = 1
    USAGE = 2
    TOO_MANY_QUARANTINED = 3
    INTERRUPTED = 4
    LEDGER_IMBALANCE = 5
    ENDPOINT = 6


def is_disk_full(error: BaseException) -> bool:
    """Whether there was no room to write, or no more than the user may have."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


class MercapError(Exception):
    """A fault that a person can mend; its text is one sentence naming the file, field or command that mends it."""

    exit_code = ExitCode.USAGE


class UsageError(MercapError):
    """Wrong flags, recipe, manifest or SQL. Raised before anything runs."""


class MissingExtra(MercapError):
    """A back-end was asked for whose packages are not installed."""

    def __init__(self, backend: str, enable: str) -> None:
        super().__init__(f"The {backend} back-end is not installed; install it with: {enable}")


class StoreError(MercapError):
    """The store on disk is missing, newer than this program, or damaged."""


class EndpointError(MercapError):
    """Nothing that is asked of a model endpoint can succeed: wrong key, unknown model or path, nobody there.

    What was answered until then is kept.
    """

    exit_code = ExitCode.ENDPOINT


class LedgerImbalance(MercapError):
    """At some stage, names in differ from the sum over statuses."""

    exit_code = ExitCode.LEDGER_IMBALANCE


# Every cause a quarantined or absent cell, or a quarantined source, may carry. One word per thing:
# the `quarantine` view, the ledger and the documentation use exactly these.
CAUSES: dict[str, str] = {
    # sources
    "missing_file": "the manifest names a file that is not there",
    "unreadable_file": "the file cannot be opened for reading",
    "bad_row": "the manifest row breaks a rule of the manifest format",
    "bad_subtitle": "the supplied subtitle cannot be read as SRT, VTT or UTF-8 text",
    "consent_withdrawn": "at least one source of this content withdrew consent",
    # media
    "format": "not a media container this program accepts",
    "decode": "the container or a stream is damaged or truncated",
    "limits": "the media exceeds a limit of the recipe (seconds, pixels, frames, bytes)",
    "no_streams": "the container holds neither video nor audio",
    # guarded worker processes
    "timeout": "the work did not end within its wall-clock limit",
    "memory": "the work asked for more memory than its limit",
    "signal": "the worker process died twice on this clip",
    # back-ends
    "unreadable_reply": "the model's reply could not be parsed",
    "empty_reply": "the model's reply was empty",
    "refusal": "the model refused, or a content filter stopped it",
    "boilerplate": "the model's reply speaks of the request instead of the clip",
    "cut_off": "the model's reply was cut off by its limit of tokens",
    "backend": "the back-end reported an error",
    "internal_error": "a bug of mercap's own; the traceback is in `raw`, and the run ends with exit code 1",
    # absent: there was nothing to do
    "no_audio": "the clip has no audio stream",
    "no_video": "the clip has no video stream",
    "no_face": "no face was found in any frame",
    "no_speech": "no speech was found in the audio",
    "no_words": "no words were supplied or recognised",
    "unread_words": "the words are in a language the lexicon does not read, or look like an instruction to a model",
    "no_evidence": "neither words nor cues exist for this clip",
    "no_labels": "the narrative names no emotion",
}


class CellFailure(Exception):
    """One clip could not get through one stage.

    ``cause`` is a key of `CAUSES`. ``retryable`` says whether another run may try again;
    ``raw`` keeps the model's reply, where there was one, beside the failure.
    """

    def __init__(self, cause: str, message: str, *, retryable: bool = False, raw: str | None = None) -> None:
        assert cause in CAUSES, cause
        super().__init__(message)
        self.cause = cause
        self.message = message
        self.retryable = retryable
        self.raw = raw


class NothingToDo(Exception):
    """A stage found nothing to work on; becomes an ``absent`` cell. ``cause`` is a key of `CAUSES`."""

    def __init__(self, cause: str) -> None:
        assert cause in CAUSES, cause
        super().__init__(cause)
        self.cause = cause
