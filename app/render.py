"""Answers as text for people, or as one JSON value for scripts. Nothing is computed here."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.table import Table
from rich.text import Text

from app.doctor import DoctorReport
from app.terminal import console, plain, print_json, table
from flows.forecast import RunForecast
from flows.republish import Published
from flows.run import Report
from storage.inspect import ClipView
from storage.ledger import COUNTS, ledger_json
from storage.query import ROWS_MAX, Answer
from storage.verify import Finding
from storage.views import View


# --- annotate ------------------------------------------------------------------------------------------------
def show_report(report: Report, as_json: bool) -> None:
    if as_json:
        print_json(report.as_json())
        return
    out = console()
    out.print(_ledger_table(ledger_json(report.ledger), report.computed))
    computed = sum(report.computed.values())
    out.print(
        f"\n{report.names} names, {report.clips} clips: {report.captions} captions, {report.kept} of them kept, "
        f"{report.quarantined} names quarantined. {computed} cells computed in {report.seconds:.1f} s."
    )
    out.print(plain(f"Snapshot {report.snapshot} is published: {report.published}"), soft_wrap=True)
    for caveat in report.caveats:
        out.print(caveat, style="dim")


def _ledger_table(rows: list[dict[str, Any]], computed: dict[str, int] | None = None) -> Table:
    extra = ("computed",) if computed is not None else ()
    shown = table("stage", *COUNTS, *extra, "causes", right=(*COUNTS, *extra))
    for row in rows:
        causes = ", ".join(f"{cause} {count}" for cause, count in row["causes"].items())
        done = (str(computed.get(row["stage"], 0)),) if computed is not None else ()
        shown.add_row(row["stage"], *(str(row[name]) if row[name] else "·" for name in COUNTS), *done, causes)
    return shown


# --- plan ----------------------------------------------------------------------------------------------------
def show_forecast(found: RunForecast, as_json: bool) -> None:
    if as_json:
        stages = [{**row._asdict(), "cost": row.cost._asdict()} for row in found.stages]
        print_json({**found._asdict(), "stages": stages})
        return
    out = console()
    shown = table("stage", "compute", "done", "blocked", "why", right=("compute", "done", "blocked"))
    for row in found.stages:
        why = "; ".join(f"{reason} ({count})" for reason, count in row.reasons.items())
        shown.add_row(row.stage_key, *(str(n) if n else "·" for n in (row.compute, row.done, row.blocked)), plain(why))
    out.print(shown)
    out.print(
        f"\n{found.names} names, {found.clips} clips, {found.duplicates} duplicates, "
        f"{found.quarantined} quarantined at the door. "
        f"At most {sum(row.compute for row in found.stages)} cells would be computed."
    )
    if any(row.cost.basis for row in found.stages):
        out.print("\nWhat that would take, at most; measured: as the newest cells of the stage, estimate: a guess.")
        out.print(_cost_table(found))


def _cost_table(found: RunForecast) -> Table:
    numbers = ("calls", "tokens in", "tokens out", found.currency, "seconds")
    shown = table("stage", *numbers, "basis", right=numbers)
    for row in found.stages:
        cost = row.cost
        if cost.basis:
            counts = (f"{count:,}" if count else "·" for count in cost[:3])
            shown.add_row(row.stage_key, *counts, *map(_amount, (cost.price, cost.seconds)), cost.basis)
    prices = [row.cost.price for row in found.stages if row.cost.price is not None]
    totals = [sum(column) for column in zip(*(row.cost[:3] for row in found.stages), strict=True)]
    counts = (f"{total:,}" if total else "·" for total in totals)
    shown.add_row("all", *counts, _amount(sum(prices) if prices else None))
    return shown


def _amount(value: float | None) -> str:
    return "·" if value is None else f"{value:,.2f}" if value >= 0.01 or value == 0 else f"{value:.2g}"


# --- show, status --------------------------------------------------------------------------------------------
def show_clip(found: ClipView, as_json: bool) -> None:
    if as_json:
        cells = [{**cell._asdict(), "row": cell.row} for cell in found.cells]
        print_json({"sources": [source._asdict() for source in found.sources], "cells": cells})
        return
    out = console()
    for source in found.sources:
        out.print(plain(f"{source.name}  {source.status}  {source.path or ''}  clip {(source.clip or 'none')[:12]}"))
        if source.cause:
            out.print(plain(f"  {source.cause}: {source.message}"))
    for cell in found.cells:
        out.print()
        seconds = f"  {cell.row['seconds']:.2f} s" if cell.row else ""
        out.print(Text(f"{cell.stage_key}  {cell.status}{seconds}", style="bold"))
        if cell.row and cell.row["cause"]:
            out.print(plain(f"  {cell.row['cause']}: {cell.row['message']}"))
        for line in _payload_lines(cell.row):
            out.print(plain(f"  {line}"))


def _payload_lines(row: dict[str, Any] | None) -> list[str]:
    """A payload a line a field; long series of numbers are counted, not printed."""
    lines = []
    for key, value in (json.loads(row["payload"]) if row and row["payload"] else {}).items():
        if isinstance(value, dict):
            inner = {
                name: f"({len(one)} values)" if isinstance(one, list) and len(one) > 8 else one
                for name, one in value.items()
            }
            lines.append(f"{key}: " + ", ".join(f"{name} {one}" for name, one in inner.items()))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [f"{key}:", *("  " + ", ".join(f"{name} {one}" for name, one in item.items()) for item in value)]
        else:
            lines.append(f"{key}: {value}")
    return lines


def show_status(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    out = console()
    shown = table(
        "run",
        "state",
        "recipe",
        "runner",
        "names",
        "computed",
        "seconds",
        "collection",
        right=("names", "computed", "seconds"),
    )
    for run in found["runs"][-10:]:
        shown.add_row(
            run["run_id"],
            run["state"],
            run["recipe"],
            run["runner"],
            str(run["names"]),
            str(run["computed"]),
            f"{run['seconds']:.1f}",
            plain(run["collection"]),
        )
    out.print(shown)
    if found["ledger"]:
        out.print("\nLedger of the newest finished run:")
        out.print(_ledger_table(found["ledger"]))
    if found["spend"]:
        out.print("\nAnswers of models, by run:")
        out.print(spend_table(found["spend"]))
    newest = found["published_snapshot"]
    out.print(
        f"\n{len(found['snapshots'])} snapshots; published: {'none' if newest is None else newest}. "
        f"Cells {found['cells_bytes'] / 1e6:.1f} MB, derived media {found['derived_bytes'] / 1e6:.1f} MB."
    )


def spend_table(rows: list[dict[str, Any]]) -> Table:
    numbers = ("answers", "calls", "prompt_tokens", "completion_tokens", "cached_tokens", "audio_s")
    shown = table("run", "stage", "model", *(name.replace("_", " ") for name in numbers), "price",
                  right=(*(name.replace("_", " ") for name in numbers), "price"))  # fmt: skip
    for row in rows:
        price = "" if row["price"] is None else f"{row['price']:.4f}"
        cells = (row["run_id"], row["stage"], row["model"], *(f"{row[name]:,}" for name in numbers), price)
        shown.add_row(*map(plain, cells))
    return shown


# --- query, publish, verify, doctor --------------------------------------------------------------------------
def show_answer(answer: Answer, as_json: bool) -> None:
    if as_json:
        print_json([dict(zip(answer.columns, row, strict=True)) for row in answer.rows])
    else:
        shown = table(*answer.columns)
        for row in answer.rows:
            shown.add_row(*(plain(value) for value in row))
        console().print(shown)
    if answer.cut:
        sys.stderr.write(f"mercap: only the first {ROWS_MAX} rows are shown; ask for fewer.\n")


def show_views(views: dict[str, View], as_json: bool) -> None:
    if as_json:
        print_json({name: {"about": view.about, "columns": view.columns} for name, view in views.items()})
        return
    shown = table("view", "about", "columns")
    for name, view in views.items():
        shown.add_row(name, view.about, ", ".join(view.columns))
    console().print(shown)


def show_published(found: Published, as_json: bool) -> None:
    if as_json:
        print_json(found._asdict())
    else:
        text = f"Snapshot {found.snapshot} of recipe {found.recipe} is published: {found.path}"
        console().print(plain(text), soft_wrap=True)


def show_findings(findings: list[Finding], as_json: bool) -> None:
    if as_json:
        print_json([finding._asdict() for finding in findings])
        return
    out = console()
    for finding in findings:
        out.print(plain(f"{finding.level}  {finding.where}: {finding.message}"))
    errors = sum(finding.level == "error" for finding in findings)
    out.print(f"{errors} errors, {len(findings) - errors} notices.")


def show_doctor(report: DoctorReport, as_json: bool) -> None:
    if as_json:
        print_json({**report._asdict(), "roles": [row._asdict() for row in report.roles]})
        return
    out = console()
    out.print(
        f"Python {report.python}; "
        + ", ".join(f"{name} {found or 'missing'}" for name, found in report.versions.items())
    )
    shown = table("role", "back-end", "here", "about")
    for row in report.roles:
        shown.add_row(
            row.role,
            row.backend,
            "ready" if row.ready else "no",
            row.about if row.ready else f"enable with: {row.enable}",
        )
    out.print(shown)
    for problem in report.problems:
        out.print(f"Problem: {problem}", soft_wrap=True)
