"""What a run may spend on models, in money or in tokens.

Before a request is sent, the most it can cost is set aside; when its answer is there, what it did cost takes the place
of that. So a run never spends more than it was given, whatever is under way, as long as the endpoint counts as we do.
Answers that the journal holds cost nothing.
"""

from __future__ import annotations

import re
import threading
from typing import NamedTuple

from mercap.errors import ExitCode, MercapError, UsageError

_BUDGET = re.compile(r"(\d+(?:\.\d+)?)\s*([kM]?tok|[A-Z]{3})")
_TOKENS = {"tok": 1.0, "ktok": 1e3, "Mtok": 1e6}


class Cost(NamedTuple):
    """``money`` is ``None`` where the recipe states no price."""

    tokens: float
    money: float | None


class BudgetSpent(MercapError):
    """The next request might not have fitted. What was answered is kept."""

    exit_code = ExitCode.INTERRUPTED


class Budget:
    """Threads may share one. ``unit`` is ``tok`` or a currency."""

    def __init__(self, limit: float, unit: str) -> None:
        self.limit, self.unit = limit, unit
        self.spent = self._aside = 0.0
        self.refused = False
        self._lock = threading.Lock()

    def admits(self, cost: Cost) -> bool:
        """Set the most that a request can cost aside, if it fits."""
        amount = self._amount(cost)
        with self._lock:
            if self.spent + self._aside + amount > self.limit:
                self.refused = True
                return False
            self._aside += amount
            return True

    def settle(self, aside: Cost, paid: Cost) -> None:
        """The request is over: what it cost takes the place of what was set aside."""
        with self._lock:
            self._aside -= self._amount(aside)
            self.spent += self._amount(paid)

    def check(self) -> None:
        """Raises BudgetSpent where a request was refused."""
        if self.refused:
            raise BudgetSpent(
                f"The budget of {self.limit:g} {self.unit} is used up ({self.spent:.4g} {self.unit} spent, the next "
                "request might not fit); what was answered is kept, the same command goes on from there."
            )

    def _amount(self, cost: Cost) -> float:
        if self.unit == "tok":
            return cost.tokens
        assert cost.money is not None, "a budget in money is refused where a model has no price"
        return cost.money


def parse_budget(text: str, currency: str) -> Budget:
    """``20USD``, ``1.5Mtok``, ``300ktok``. Raises UsageError; money is in the recipe's ``currency``."""
    match = _BUDGET.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"--budget is an amount such as 20{currency} or 1.5Mtok, not {text!r}.")
    amount, unit = float(match[1]), match[2]
    if unit in _TOKENS:
        return Budget(amount * _TOKENS[unit], "tok")
    if unit != currency:
        raise UsageError(f"--budget is in {unit}, but the prices of the recipe are in {currency}.")
    return Budget(amount, unit)
