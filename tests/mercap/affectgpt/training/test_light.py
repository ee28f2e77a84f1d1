"""What plans and watches a run needs no torch."""

from __future__ import annotations

import subprocess
import sys


def test_options_plans_and_events_load_nothing_heavy() -> None:
    modules = ", ".join(
        f"mercap.affectgpt.training.{name}" for name in ("options", "schedule", "order", "packs", "events", "prefetch")
    )
    code = f"import sys, {modules}; print(sorted({{'torch', 'transformers', 'peft', 'matplotlib'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
