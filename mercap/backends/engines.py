"""The engines of this process, each loaded when it is first asked and kept: a model on a GPU is loaded once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mercap.backends import make_engine
from mercap.roles import Vllm

if TYPE_CHECKING:
    from mercap.backends.vllm import VllmEngine


class Engines:
    """One thread at a time asks: an engine fills its GPU by itself. Roles that name the same model share it."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._loaded: dict[str, VllmEngine] = {}

    @contextmanager
    def turn(self, options: Vllm) -> Iterator[VllmEngine]:
        """Raises UsageError where the engine cannot be loaded."""
        with self._turn:
            name = f"{options.model}@{options.revision} {options.dtype} {options.max_model_len}"
            if name not in self._loaded:
                self._loaded[name] = make_engine(options)
            yield self._loaded[name]
