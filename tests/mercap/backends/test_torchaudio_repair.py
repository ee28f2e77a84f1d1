"""The compiled part of a package can only fail once in a process, so each case has a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ASK = """
from mercap.backends.torchaudio_repair import repair_torchaudio
repair_torchaudio()
repair_torchaudio()
"""
LOADS = "_IS_TORCHAUDIO_EXT_AVAILABLE = True\nfail_if_no_align = lambda function: function"
BREAKS = "raise OSError('libc10_cuda.so: cannot open shared object file')"


def answer(tmp_path: Path, question: str, extension: str | None) -> str:
    """What a fresh process prints that finds a torchaudio with this compiled part, or none."""
    if extension is not None:
        (tmp_path / "torchaudio").mkdir()
        (tmp_path / "torchaudio" / "__init__.py").write_text("from torchaudio import _extension\n")
        (tmp_path / "torchaudio" / "_extension.py").write_text(extension)
    block = "import sys\nsys.modules.pop('torchaudio', None)\n" if extension is not None else HIDE
    run = subprocess.run(
        [sys.executable, "-c", f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n{block}{ASK}{question}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    return run.stdout.strip()


HIDE = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "torchaudio" else found(name, package)
"""


def test_a_compiled_part_that_loads_is_kept(tmp_path: Path) -> None:
    asked = "import torchaudio; print(torchaudio._extension._IS_TORCHAUDIO_EXT_AVAILABLE)"
    assert answer(tmp_path, asked, LOADS) == "True"


def test_a_compiled_part_that_does_not_load_is_left_out(tmp_path: Path) -> None:
    asked = "import torchaudio; print(torchaudio._extension._IS_TORCHAUDIO_EXT_AVAILABLE)"
    assert answer(tmp_path, asked, BREAKS) == "False"


def test_what_needs_the_compiled_part_says_so(tmp_path: Path) -> None:
    asked = """
from torchaudio._extension import fail_if_no_align
try:
    fail_if_no_align(print)("aligned")
except RuntimeError as fault:
    print(fault)
"""
    assert (
        answer(tmp_path, asked, BREAKS) == "print needs the compiled part of torchaudio, which does not fit this torch"
    )


def test_nothing_is_imported_where_torchaudio_is_not_installed(tmp_path: Path) -> None:
    assert answer(tmp_path, "print('torchaudio' in sys.modules)", None) == "False"


@pytest.mark.parametrize("fault", ["ImportError('no')", "RuntimeError('CUDA versions differ')"])
def test_any_other_fault_of_torchaudio_is_not_hidden(tmp_path: Path, fault: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as ended:
        answer(tmp_path, "print('went on')", f"raise {fault}")
    assert fault.partition("(")[0] in ended.value.stderr
