"""One tiny model of every kind, built once. Imports nothing heavy: without torch every test here is skipped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Load = Callable[..., Any]


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """``load(kind, **changes)``: an encoder; its folder is ``encoder.options.model``."""
    import torch

    from mercap.affectgpt.encoders import load_encoder
    from tests.mercap.affectgpt.encoders import tiny

    torch.set_num_threads(1)
    made: dict[str, Any] = {}

    def loaded(kind: str, **changes: Any) -> Any:
        if kind not in made:
            made[kind] = tiny.options(kind, tmp_path_factory.mktemp(kind))
        return load_encoder(made[kind].model_copy(update=changes))

    return loaded
