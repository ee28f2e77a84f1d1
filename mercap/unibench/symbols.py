"""The names NumPy writes into a pickle, as symbols: what each stands for, computed here and never imported or called.

A pickled array of objects names five things: the function that makes an array, the class of the array, the dtype, the
function that makes a scalar, and (in protocol 2) the one that encodes bytes. `pickled` reads the instructions and asks
here what comes of them. Every other name is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

_DTYPE_CODE = re.compile(r"O[48]|b1|[iu][1248]|f[248]|U[1-9]\d{0,6}")
_PLAIN_NAME = re.compile(r"[\w.]{1,100}")


class NotData(ValueError):
    """The text completes the sentence "FILE: MEMBER holds ..."."""


@dataclass(frozen=True)
class Symbol:
    """A name in a pickle that is known, and still only a name."""

    name: str


@dataclass(eq=False)
class Kind:
    """A dtype: its code, such as ``f8``, and its byte order."""

    code: str
    order: str = "|"


@dataclass(eq=False)
class Array:
    """An array of objects with at most one dimension; without items until the pickle has given them."""

    items: list[Any] | None = None


_KNOWN = {
    "numpy.core.multiarray _reconstruct": Symbol("array"),  # NumPy 1
    "numpy._core.multiarray _reconstruct": Symbol("array"),  # NumPy 2
    "numpy ndarray": Symbol("class"),
    "numpy dtype": Symbol("dtype"),
    "numpy.core.multiarray scalar": Symbol("scalar"),
    "numpy._core.multiarray scalar": Symbol("scalar"),
    "_codecs encode": Symbol("encode"),
}


def symbol(full: str) -> Symbol:
    """The symbol for ``module name``. Raises NotData for any that NumPy does not write."""
    if full not in _KNOWN:
        shown = full.replace(" ", ".")
        raise NotData(f"a pickled {shown if _PLAIN_NAME.fullmatch(shown) else ascii(shown[:60])}, which is not data")
    return _KNOWN[full]


def result(called: Any, arguments: Any) -> Any:
    """What a call in the pickle stands for, if it is one NumPy writes. Raises NotData for any other."""
    match called, arguments:
        case Symbol("array"), (Symbol("class"), (0,), b"b"):
            return Array()
        case Symbol("dtype"), (str(code), bool() | 0 | 1, bool() | 0 | 1) if _DTYPE_CODE.fullmatch(code):
            return Kind(code)
        case Symbol("scalar"), (Kind() as kind, bytes(raw)):
            return _scalar(kind, raw)
        case Symbol("encode"), (str(text), "latin1"):
            return text.encode("latin1")
    raise NotData("a pickle that calls something, which is not data")


def set_state(target: Any, state: Any) -> None:
    """Give an array its items, or a dtype its byte order. Raises NotData for any other state."""
    match target, state:
        case Kind(), (int(), "<" | ">" | "|" | "=" as order, *_):
            target.order = order
        case Array(), (int(), (int(),) | (), Kind("O8" | "O4"), bool() | 0 | 1, list(items)):
            target.items = items
        case _:
            raise NotData("an array that is not a plain list of objects")


def _scalar(kind: Kind, raw: bytes) -> Any:
    """A NumPy number or text as Python's."""
    if kind.code[0] == "O":
        raise NotData("a pickle that calls something, which is not data")
    dtype = np.dtype(kind.order + kind.code)
    if len(raw) != dtype.itemsize:
        raise NotData("a damaged number or text")
    return texts(raw, dtype)[0] if dtype.kind == "U" else np.frombuffer(raw, dtype)[0].item()


def texts(raw: bytes, dtype: np.dtype[Any]) -> list[str]:
    """The texts of an array of dtype U, padding off. Raises ValueError where four bytes are no character.

    NumPy itself fails for such bytes in ways that are no ordinary error.
    """
    encoding = "utf-32-be" if dtype.str[0] == ">" else "utf-32-le"
    pieces = (raw[start : start + dtype.itemsize] for start in range(0, len(raw), dtype.itemsize))
    return [piece.decode(encoding).rstrip("\0") for piece in pieces]
