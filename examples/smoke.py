"""``make smoke``: the whole DAG on six names, in a store that is thrown away, compared with a golden answer.

Prints one JSON object (the run's report with its ledger) on standard output. ``--write`` renews the golden file after
a change that is meant. Numbers inside a narrative are left out of the comparison: they may move in their last digit
from one processor to another; words, labels, sentiment, statuses and verdicts may not.
"""

from __future__ import annotations

import difflib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = Path(__file__).with_name("smoke_golden.json")
CAPTIONS = "SELECT name, caption, labels, sentiment, majority, kept, reasons, consent FROM captions ORDER BY name"
# The set holds a truncated and a missing file: two of its six names end in quarantine.
ANNOTATE = ["annotate", "examples/clips/smoke.csv", "--runner", "plain", "--max-quarantine", "40%", "--json"]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="mercap-smoke-") as folder:
        report = mercap(*ANNOTATE, "--store", folder)
        captions = mercap("query", "--store", folder, CAPTIONS, "--json")
    print(json.dumps(report))
    found = golden(report, captions)
    if "--write" in sys.argv[1:]:
        GOLDEN.write_text(found, encoding="utf-8")
        return 0
    return compare(found, GOLDEN.read_text(encoding="utf-8"))


def mercap(*arguments: str) -> Any:
    done = subprocess.run([sys.executable, "-m", "app", *arguments], cwd=ROOT, check=False, stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit(done.returncode)
    return json.loads(done.stdout)


def golden(report: dict[str, Any], captions: list[dict[str, Any]]) -> str:
    """What must not change without being meant, as text that a diff reads well."""
    for caption in captions:
        caption["caption"] = re.sub(r"-?\d+(\.\d+)?", "#", caption["caption"])
    return (
        json.dumps({"captions": captions, "ledger": report["ledger"]}, indent=1, ensure_ascii=False, sort_keys=True)
        + "\n"
    )


def compare(found: str, expected: str) -> int:
    if found == expected:
        print("The captions are as they should be.", file=sys.stderr)
        return 0
    sys.stderr.writelines(difflib.unified_diff(expected.splitlines(True), found.splitlines(True), "golden", "found"))
    print("The captions changed; if that is meant: python -m examples.smoke --write", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
