"""Small tables in the layout of the official ones, written without a spreadsheet library."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

# Three groups on every wheel; "calm" is on wheel 1 only, and "glee" stands for happy and, on wheel 5, also for mad.
WHEEL = (
    ("Happy", "cheerful", "joyful"),
    ("", "proud", "confident"),
    ("Sad", "lonely", "isolated"),
    ("", "", "abandoned"),
    ("Mad", "furious", "hostile"),
)
SYNONYMS = (("happy", "glee, delighted"), ("sad", "unhappy"), ("mad", "angry, annoyed"), ("joyful", "merry"))
OTHER_RUN = (("isolated", "apart"), ("furious", "glee"), ("abandoned", "joyless"), ("", ""))
FORMS = (
    ("happy", "happy,happiness,happily"),
    ("delighted", "delight,delighted"),
    ("glee", "glee,gleeful"),
    ("sad", "sad,sadness"),
    ("angry", "angry,anger"),
    ("mad", "mad"),
    ("joyless", "joyless,joy"),
    ("joyful", "joyful,joy"),
    ("calm", "calm"),
    ("table", "table,tables"),
    ("lonely", "lonely,loneliness"),
    ("hostile", "hostile"),
)


def write_tables(folder: Path) -> Path:
    """All seven files."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, 6):
        extra = (("", "calm", "peaceful"),) if number == 1 else ()
        # "calm" follows the last level-1 word, so it belongs to mad: odd, but told apart from the rest.
        write_sheet(folder / f"wheel{number}.xlsx", [("level1", "level2", "level3"), *WHEEL, *extra])
    header = ("word_run1", "synonym_run1", "word_run2", "synonym_run2")
    rows = [(*one, *other) for one, other in zip(SYNONYMS, OTHER_RUN, strict=True)]
    own = [(word, "", "", "") for word in ("joyless", "lonely", "hostile", "calm")]
    write_sheet(folder / "synonym.xlsx", [header, *rows, *own])
    lines = ["name,format", *(f'{name},"{forms}"' for name, forms in FORMS)]
    (folder / "format.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def write_sheet(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """A workbook of one sheet of texts; empty texts are empty cells."""
    cells = "".join(
        f'<row r="{number}">'
        + "".join(
            f'<c r="{chr(65 + place)}{number}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
            for place, text in enumerate(row)
            if text
        )
        + "</row>"
        for number, row in enumerate(rows, 1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
