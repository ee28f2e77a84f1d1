"""Publishing within its memory limit, whatever the number of clips and the size of their payloads."""

from __future__ import annotations

import duckdb
import pytest

from storage.views import VIEWS

CLIPS = 5000
SERIES = ",".join(["0.123"] * 250)  # a clip of 20 s: the series is most of the payload


@pytest.mark.parametrize("view", ["measures", "clips"])
def test_a_view_with_many_columns_of_long_payloads_fits_into_half_of_the_limit(view: str) -> None:
    # One parse per row; a parse per column needed more than 256 MB for 4,200 clips of 5 s.
    with duckdb.connect(config={"threads": 2, "memory_limit": "128MB"}) as connection:
        connection.execute(
            """
            CREATE TABLE cell AS
            SELECT md5('' || i) AS clip, stage, 'ok' AS status, CAST(? AS JSON) AS payload
            FROM range(?) t(i), (VALUES ('measure'), ('ingest')) AS s(stage)""",
            [f'{{"face":{{"frames":62,"series":[{SERIES}]}},"format":"mp4","duration_s":5.0}}', CLIPS],
        )
        connection.execute(
            """
            CREATE TABLE source AS
            SELECT clip, clip AS name, 'CC0' AS licence, 'research' AS consent FROM cell WHERE stage = 'ingest'"""
        )
        rows = connection.execute(f"SELECT * FROM ({VIEWS[view].sql})").fetchall()
        known = connection.execute(
            f"SELECT count(frames) FROM ({VIEWS[view].sql})"
            if view == "measures"
            else f"SELECT count(duration_s) FROM ({VIEWS[view].sql})"
        ).fetchone()
    assert len(rows) == CLIPS
    assert known == (CLIPS,)
