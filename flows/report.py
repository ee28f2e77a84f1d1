"""A finished run in Markdown, for the Prefect artifact. Small: counts, never captions."""

from __future__ import annotations

from flows.run import Report
from storage.ledger import COUNTS


def ledger_markdown(report: Report) -> str:
    """The ledger as a table; every cell is a number or one of our own words, so nothing untrusted gets in."""
    lines = [
        f"# Run {report.run_id}",
        "",
        (
            f"{report.names} names, {report.clips} clips, {report.captions} captions, {report.kept} kept, "
            f"{report.quarantined} quarantined; snapshot {report.snapshot}; {report.seconds:.1f} s."
        ),
        "",
        "| stage | " + " | ".join(COUNTS) + " | computed | causes |",
        "|---|" + "---:|" * (len(COUNTS) + 1) + "---|",
    ]
    for row in report.ledger:
        counts = " | ".join(str(getattr(row, name)) for name in COUNTS)
        causes = ", ".join(f"{cause} {count}" for cause, count in row.causes.items())
        lines.append(f"| {row.stage_key} | {counts} | {report.computed.get(row.stage_key, 0)} | {causes} |")
    return "\n".join([*lines, "", *(f"{caveat}\n" for caveat in report.caveats)])
