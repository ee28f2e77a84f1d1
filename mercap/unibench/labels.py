"""Lists of labels as MER-UniBench writes them: ``[happy, sad]``, with or without brackets and quotes."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SEPARATORS = re.compile(r"['\",]")


def parse_labels(text: str | Sequence[str]) -> tuple[str, ...]:
    """The labels of one answer, trimmed, lower-cased, in order; a list of texts is taken as it is.

    The official rule, quirks included: one opening and one closing bracket are dropped and the rest is split at every
    apostrophe, quote and comma. So ``[happy, sad].`` gives ``sad].``, and ``don't care`` gives ``don`` and ``t care``.
    """
    if isinstance(text, str):
        text = text.strip()
        pieces = _SEPARATORS.split(text.removeprefix("[").removesuffix("]"))
    else:
        pieces = list(text)
    return tuple(label for piece in pieces if (label := piece.strip().lower()))
