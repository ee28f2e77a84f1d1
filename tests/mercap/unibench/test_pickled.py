from __future__ import annotations

import builtins
import os
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mercap.errors import UsageError
from mercap.unibench import pickled
from mercap.unibench.npz import read_corpus, read_results
from mercap.unibench.pickled import read_pickle
from mercap.unibench.symbols import NotData
from tests.mercap.unibench.archives import PROTOCOLS, member, packed, program, text


class Calls:
    """Pickles to a call of anything, as attackers do."""

    def __init__(self, called: Callable[..., Any], *arguments: Any) -> None:
        self.call = (called, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read_results(path)
    with pytest.raises(UsageError):
        read_corpus(path, "name2reason")
    return str(caught.value)


def attacks(canary: Path) -> dict[str, Any]:
    touch, open_it = f"touch {canary}", f"open({str(canary)!r}, 'w').close()"
    return {
        "posix.system": Calls(os.system, touch),
        "builtins.eval": Calls(builtins.eval, open_it),
        "builtins.exec": Calls(builtins.exec, open_it),
        "builtins.getattr": Calls(builtins.getattr, "", "join"),
        "subprocess.Popen": Calls(subprocess.Popen, ["touch", str(canary)]),
        "pathlib.PosixPath": canary,
        "numpy.load": Calls(np.load, str(canary)),
    }


NAMES = list(attacks(Path("canary")))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("called", NAMES)
def test_a_pickle_that_calls_something_is_refused_and_not_run(tmp_path: Path, called: str, protocol: int) -> None:
    canary = tmp_path / "canary"
    attack = attacks(canary)[called]
    places: list[Any] = [attack, {"a": attack}, {"a": {"emo": attack}}, {"a": "b", "c": [("d", {"e": attack})]}]
    for place in places:
        words = refusal(packed(tmp_path / "a.npz", name2reason=member(place, protocol)))
        assert called.rpartition(".")[2] in words
        assert words.endswith("which is not data; nothing of it was run.")
    assert not canary.exists()


def test_the_attacks_would_work_on_a_real_unpickler(tmp_path: Path) -> None:
    for called in ("posix.system", "builtins.eval", "builtins.exec"):
        canary = tmp_path / called
        pickle.loads(pickle.dumps(attacks(canary)[called]))
        assert canary.exists(), called


def test_a_name_in_a_pickle_is_not_even_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lurking.py").write_text("open(__file__ + '.ran', 'w').close()\nclass Thing: pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "a pickled lurking.Thing" in refusal(packed(tmp_path / "a.npz", name2reason=program(b"clurking\nThing\n")))
    assert not (tmp_path / "lurking.py.ran").exists()


@pytest.mark.parametrize(
    ("instructions", "words"),
    [
        (b"cposix\nsystem\n" + text("ls") + b"\x85R", "a pickled posix.system"),
        (b"\x8c\x05posix\x8c\x06system\x93" + text("ls") + b"\x85R", "a pickled posix.system"),
        (b"(" + text("ls") + b"iposix\nsystem\n", "a pickle with INST"),
        (b"(" + text("ls") + b"o", "a pickle with OBJ"),
        (b"cnumpy\nndarray\n)\x81", "a pickle with NEWOBJ"),
        (b"Pexternal\n", "a pickle with PERSID"),
        (b"\x82\x01", "a pickle with EXT1"),
        (b"\x97", "a pickle with NEXT_BUFFER"),
        (b"cnumpy\nndarray\n)R", "a pickle that calls something"),
        (b"cnumpy\ndtype\n" + text("O8") + b"\x85R", "a pickle that calls something"),
        (b"cnumpy\ndtype\n(" + text("M8[s]") + b"\x89\x88tR", "a pickle that calls something"),
        (b"cnumpy\ndtype\n(cposix\nsystem\n\x89\x88tR", "a pickled posix.system"),
        (b"c_codecs\nencode\n" + text("ls") + text("rot13") + b"\x86R", "a pickle that calls something"),
        (b"c_codecs\nencode\n" + text("快") + text("latin1") + b"\x86R", "a damaged pickle"),
        (b"c_codecs\ndecode\n", "a pickled _codecs.decode"),
        (b"cnumpy.core.multiarray\nscalar\nN" + text("ls") + b"\x86R", "a pickle that calls something"),
        (b"cnumpy.core\nmultiarray.scalar\n", "a pickled numpy.core.multiarray.scalar"),
        (b"c\x1b[2Jnumpy\nnd array\n", r"a pickled '\x1b[2Jnumpy.nd.array'"),
        (b"]}b", "an array that is not a plain list"),
        (text("ls") + text("ls") + b"R", "a pickle that calls something"),
    ],
)
def test_a_pickle_that_is_more_than_data_is_refused(tmp_path: Path, instructions: bytes, words: str) -> None:
    found = refusal(packed(tmp_path / "a.npz", name2reason=program(instructions)))
    assert f"name2reason holds {words}" in found


def test_a_call_hidden_in_a_dtype_is_refused(tmp_path: Path) -> None:
    dtype = b"cnumpy\ndtype\n" + text("f8") + b"\x89\x88\x87R(K\x03" + text("<") + b"cposix\nsystem\ntb"
    assert "a pickled posix.system" in refusal(packed(tmp_path / "a.npz", name2reason=program(dtype)))


@pytest.mark.parametrize(
    "instructions",
    [
        b"]q\xfah\xfaa",
        b"}q\xfa" + text("a") + b"h\xfas",
        b"}q\xfa" + text("a") + b"}" + text("emo") + b"h\xfass",
        b"]" * 9000 + b"a" * 8999,
        b"]" + b"\x85" * 9000,
    ],
)
def test_what_contains_itself_or_nests_deeply_is_refused_at_once(tmp_path: Path, instructions: bytes) -> None:
    path = packed(tmp_path / "a.npz", name2reason=program(instructions))
    with pytest.raises(UsageError):
        read_results(path)


def test_a_key_that_would_take_for_ever_to_hash_is_not_hashed(tmp_path: Path) -> None:
    doubled = b")" + b"q\xfah\xfa\x86" * 200
    found = refusal(packed(tmp_path / "a.npz", name2reason=program(b"}" + doubled + text("a") + b"s")))
    assert "a key that is no text" in found


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    instructions = b"}(" + 2 * (text("clip") + text("happy")) + b"u"
    found = refusal(packed(tmp_path / "a.npz", name2reason=program(instructions)))
    assert "in which 'clip' comes twice" in found


def test_bytes_decoded_again_and_again_are_stopped() -> None:
    once = b"c_codecs\nencode\n" + text("a" * 1_000_000) + b"q\x01" + text("latin1") + b"\x86q\x02R"
    again = b"c_codecs\nencode\nh\x02R" * 100
    with pytest.raises(NotData, match="more than 64 MiB of encoded values"):
        read_pickle(b"\x80\x03(" + once + again + b"t.")


@pytest.mark.parametrize("size", [0, 4, 7, 9, 16])
def test_a_number_of_another_size_than_its_dtype_is_refused(size: int) -> None:
    whole = pickle.dumps(np.float64(0.5), protocol=3)
    raw = b"C\x08" + np.float64(0.5).tobytes()
    assert read_pickle(whole) == 0.5
    with pytest.raises(NotData, match="a damaged number or text"):
        read_pickle(whole.replace(raw, b"C" + bytes([size, *range(size)])))


def test_a_pickle_of_very_many_instructions_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickled, "MAX_INSTRUCTIONS", 1000)
    assert read_pickle(b"\x80\x03]" + b"Na" * 400 + b".") == [None] * 400
    with pytest.raises(NotData, match="more than 1,000 instructions"):
        read_pickle(b"\x80\x03" + b"]" * 1000 + b".")


@pytest.mark.parametrize(
    "data",
    [
        b"", b".", b"\x80\x03.", b"N", b"NN.", b"(.", b"N(.", b"t.", b"a.", b"Na.", b"]a.", b"h\x00.", b"\x94.", b"K",
        b"NNs.", b"}Ns.", b"}(Nu.", b"R.", b"NR.", b"b.", b"NNb.", b"\x93.", b"NN\x93.", b"X\xff\xff\xff\x7fa.",
        b"X\x01\0\0\0\xff.", b"\xff.", b"cnumpy\nndarray", b"cnumpy\\.\nndarray\n.", b"\x8d" + b"\xff" * 8 + b".",
    ],
)  # fmt: skip
def test_a_pickle_that_does_not_add_up_is_refused(data: bytes) -> None:
    with pytest.raises(NotData):
        read_pickle(data)


def test_an_integer_of_any_length_is_refused() -> None:
    assert read_pickle(pickle.dumps(2**64 - 1)) == 2**64 - 1
    for value in (2**64, -(2**63) - 1, 10**600):
        with pytest.raises(NotData, match="an integer of more than 64 bits"):
            read_pickle(pickle.dumps(value))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "value",
    [None, True, 0, 255, 65536, -7, 1 << 40, 0.25, float("inf"), "", "é" * 300, "a" * 70000, b"\xff\x00", b"x" * 300,
     (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], [1, [2]], list(range(3000)), {}, {"a": {"b": (None, 1.5)}}],
)  # fmt: skip
def test_plain_data_come_back_as_pickle_would_give_them(value: Any, protocol: int) -> None:
    found = read_pickle(pickle.dumps(value, protocol=protocol))
    assert found == pickle.loads(pickle.dumps(value, protocol=protocol))
    assert type(found) is type(value)
