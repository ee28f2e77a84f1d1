"""Which task runs Prefect should try again."""

from __future__ import annotations

from typing import Any

from mercap.errors import MercapError


def is_worth_a_retry(_task: Any, _run: Any, state: Any) -> bool:
    """What a person must mend (a wrong option, a full disk) will not mend itself."""
    try:
        state.result()
    except MercapError:
        return False
    except Exception:
        return True
    return False
