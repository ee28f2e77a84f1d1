"""``make demo``: annotate the example clips, then look at what came of them as a curator would.

Every line that begins with ``$`` is a command that can be typed as it stands.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STORE = "demo.store"
# Two of the 22 names are a truncated and a text file, on purpose: 9 % in quarantine is what this run should come to.
ANNOTATE = ["annotate", "examples/clips/manifest.csv", "--store", STORE, "--runner", "plain", "--max-quarantine", "10%"]
CAPTIONS = (
    "SELECT name, caption, labels, sentiment FROM captions WHERE name IN ('smiling_bright', 'sad_low', 'mixed_smile')"
)
QUESTIONS = {
    "Which clips passed every filter, and with how many voters behind them?": (
        "SELECT name, labels, majority, round(agreement, 2) AS agreement FROM captions_plus"
    ),
    "Where do words, face and voice disagree?": (
        "SELECT name, transcript, labels FROM captions WHERE conflict"
    ),
    "What was not kept, and why?": (
        "SELECT name, cause AS reason FROM quarantine UNION ALL "
        "SELECT name, array_to_string(reasons, ', ') FROM captions WHERE NOT kept ORDER BY name"
    ),
}  # fmt: skip


def main() -> None:
    mercap(*ANNOTATE)
    print("\nThree captions:\n")
    mercap("query", "--store", STORE, CAPTIONS)
    for question, sql in QUESTIONS.items():
        print(f"\n{question}\n")
        mercap("query", "--store", STORE, sql)
    print(
        f"""
Try next:
  .venv/bin/mercap show mixed_smile --store {STORE}      one clip through every stage
  .venv/bin/mercap query --store {STORE}                 the views and their columns
  .venv/bin/mercap plan YOUR_CLIPS --store my.store      what a run would do
  .venv/bin/mercap annotate YOUR_CLIPS --store my.store --runner plain"""
    )


def mercap(*arguments: str) -> None:
    """Run one command as a person would, and stop with its exit code if it fails."""
    print("$ mercap", *map(quoted, arguments), end="\n\n", flush=True)
    done = subprocess.run([sys.executable, "-m", "app", *arguments], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def quoted(argument: str) -> str:
    """As a person would quote it: SQL with its own quotes goes between double ones."""
    return f'"{argument}"' if "'" in argument else shlex.quote(argument)


if __name__ == "__main__":
    main()
