"""A pickle read as data: no name in it is imported and nothing in it is called.

A pickle is a program. This follows only the instructions that build texts, numbers, lists, tuples and dictionaries,
and those NumPy writes around them, whose names stay `symbols`. Any other instruction is refused before its argument is
read.
"""

from __future__ import annotations

import io
import pickletools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from mercap.unibench.symbols import NotData, result, set_state, symbol

MAX_INSTRUCTIONS = 2_000_000  # each pushes and remembers at most one thing, so this bounds stack, marks and memo, too
MAX_DECODED_BYTES = 64 << 20  # of NumPy scalars and encoded bytes: what is remembered can be decoded again and again
_INTEGERS = range(-(1 << 63), 1 << 64)


def read_pickle(data: bytes) -> Any:
    """The one object of a pickle: None, bool, int, float, str, bytes, list, tuple, dict (of str) or `symbols.Array`.

    It may contain itself. Raises NotData for anything else, and for what is damaged or too large.
    """
    machine = _Machine()
    try:
        with warnings.catch_warnings(action="ignore"):  # pickletools warns of odd escapes in names
            for name, argument in _instructions(data):
                _ACTIONS[name](machine, argument)
    except NotData:
        raise
    except ValueError:  # pickletools' word for a pickle that ends early or garbles a text; NumPy's for a garbled text
        raise _damaged() from None
    if machine.below or len(machine.stack) != 1:
        raise _damaged()
    return machine.stack[0]


def _instructions(data: bytes) -> Iterator[tuple[str, Any]]:
    """Name and argument of every instruction before STOP. One that is refused is not even parsed."""
    stream = io.BytesIO(data)
    parsed = pickletools.genops(stream)
    for _ in range(MAX_INSTRUCTIONS):
        name = _NAMES.get(data[stream.tell() : stream.tell() + 1])
        if name is None:
            raise _damaged()
        if name != "STOP" and name not in _ACTIONS:
            raise NotData(f"a pickle with {name}, which is not data")
        _, argument, _ = next(parsed)
        if name == "STOP":
            return
        yield name, argument
    raise NotData(f"a pickle of more than {MAX_INSTRUCTIONS:,} instructions")


def _damaged() -> NotData:
    return NotData("a damaged pickle")


class _Machine:
    """Stack, marks and memo of a pickle, able to hold data and to do nothing else."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # the stacks under each open mark
        self.memo: dict[int, Any] = {}
        self.decoded_bytes = 0

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def push_integer(self, value: int) -> None:
        if value not in _INTEGERS:
            raise NotData("an integer of more than 64 bits")
        self.push(value)

    def pop(self) -> Any:
        self.top()
        return self.stack.pop()

    def top(self) -> Any:
        if not self.stack:
            raise _damaged()
        return self.stack[-1]

    def mark(self, _: None) -> None:
        self.below.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        if not self.below:
            raise _damaged()
        found, self.stack = self.stack, self.below.pop()
        return found

    def remember(self, place: int | None) -> None:
        self.memo[len(self.memo) if place is None else place] = self.top()

    def recall(self, place: int) -> None:
        if place not in self.memo:
            raise _damaged()
        self.push(self.memo[place])

    def make_tuple(self, size: int) -> None:
        self.push(tuple([self.pop() for _ in range(size)][::-1]))

    def extend(self, items: list[Any]) -> None:
        target = self.top()
        if type(target) is not list:
            raise _damaged()
        target.extend(items)

    def set_items(self, items: list[Any]) -> None:
        target = self.top()
        if type(target) is not dict:
            raise _damaged()
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) is not str:  # a tuple of tuples of tuples could take for ever to hash
                raise NotData("a dictionary with a key that is no text")
            if key in target:
                raise NotData(f"a dictionary in which {key[:60]!a} comes twice")
            target[key] = value

    def name(self, full: str) -> None:
        self.push(symbol(full))

    def name_from_stack(self, _: None) -> None:
        name, module = self.pop(), self.pop()
        if type(name) is not str or type(module) is not str:
            raise _damaged()
        self.name(f"{module} {name}")

    def call(self, _: None) -> None:
        arguments, called = self.pop(), self.pop()
        value = result(called, arguments)
        self.decoded_bytes += len(value) if isinstance(value, (str, bytes)) else 0
        if self.decoded_bytes > MAX_DECODED_BYTES:
            raise NotData(f"more than {MAX_DECODED_BYTES >> 20} MiB of encoded values")
        self.push(value)

    def set_state(self, _: None) -> None:
        state = self.pop()
        set_state(self.top(), state)


_NAMES = {one.code.encode("latin1"): one.name for one in pickletools.opcodes}
_ACTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME"), lambda _machine, _argument: None),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1"), _Machine.push_integer),
    **dict.fromkeys(("BINFLOAT", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"), _Machine.push),
    **dict.fromkeys(("SHORT_BINBYTES", "BINBYTES", "BINBYTES8"), _Machine.push),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT", "MEMOIZE"), _Machine.remember),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _Machine.recall),
    "MARK": _Machine.mark,
    "TUPLE": lambda machine, _: machine.push(tuple(machine.since_mark())),
    "TUPLE1": lambda machine, _: machine.make_tuple(1),
    "TUPLE2": lambda machine, _: machine.make_tuple(2),
    "TUPLE3": lambda machine, _: machine.make_tuple(3),
    "APPEND": lambda machine, _: machine.extend([machine.pop()]),
    "APPENDS": lambda machine, _: machine.extend(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.set_items([machine.pop(), machine.pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "GLOBAL": _Machine.name,
    "STACK_GLOBAL": _Machine.name_from_stack,
    "REDUCE": _Machine.call,
    "BUILD": _Machine.set_state,
}
