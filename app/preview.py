"""`mercap preview` as text or JSON."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.text import Text

from app.render import spend_table
from app.terminal import console, plain, print_json
from flows.preview import Preview, PreviewedClip
from storage.inspect import CellView

SHOWN = ("transcribe", "describe_visual", "describe_audio", "merge", "label", "vote", "verdict")


def show_preview(found: Preview, as_json: bool) -> None:
    """What was asked, what came back, and what became of it."""
    if as_json:
        print_json({"clips": [_as_json(clip) for clip in found.clips], "spend": found.spend})
        return
    out = console()
    for clip in found.clips:
        out.rule(plain(clip.name), align="left")
        for source in clip.clip.sources:
            if source.cause:
                out.print(plain(f"{source.status}  {source.cause}: {source.message}"))
        for cell in clip.clip.cells:
            if cell.stage_key.partition(":")[0] in SHOWN:
                _show_cell(out, cell, clip.asked.get(cell.cell_id))
    if found.spend:
        out.rule("What it cost", align="left")
        out.print(spend_table(found.spend))


def _show_cell(out: Console, cell: CellView, asked: list[tuple[str, str]] | None) -> None:
    out.print()
    out.print(Text(f"{cell.stage_key}  {cell.status}", style="bold"))
    for role, text in asked or []:
        out.print(Text(f"  {role}:", style="dim"))
        out.print(plain(_indented(text)), soft_wrap=True)
    row = cell.row or {}
    if row.get("raw"):
        out.print(Text("  reply:", style="dim"))
        out.print(plain(_indented(row["raw"])), soft_wrap=True)
    if row.get("cause"):
        out.print(plain(f"  {row['cause']}: {row['message']}"))
    if row.get("payload"):
        out.print(plain(f"  → {_gist(cell.stage_key, json.loads(row['payload']))}"), soft_wrap=True)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _gist(stage_key: str, payload: dict[str, Any]) -> str:
    """The payload in a line."""
    stage = stage_key.partition(":")[0]
    if stage == "transcribe":
        return " ".join(segment["text"] for segment in payload["segments"])
    if stage == "label":
        return f"{', '.join(label['text'] for label in payload['labels'])} ({payload['sentiment']})"
    if stage == "vote":
        shares = payload["emotions"] or payload["sentiments"]
        return ", ".join(f"{name} {share:.2f}" for name, share in sorted(shares.items(), key=lambda one: -one[1])[:3])
    if stage == "verdict":
        return "kept" if payload["kept"] else f"dropped: {', '.join(payload['reasons'])}"
    return str(payload["text"])


def _as_json(clip: PreviewedClip) -> dict[str, Any]:
    cells = []
    for cell in clip.clip.cells:
        row = cell.row or {}
        cells.append(
            {
                "stage": cell.stage_key,
                "status": cell.status,
                "asked": [{"role": role, "text": text} for role, text in clip.asked.get(cell.cell_id, [])],
                "reply": row.get("raw"),
                "cause": row.get("cause"),
                "message": row.get("message"),
                "payload": json.loads(row["payload"]) if row.get("payload") else None,
            }
        )
    return {"name": clip.name, "cells": cells}
