"""The published views: their SQL, and one sentence for each view and column.

The sentences travel inside the published file (``COMMENT ON``), are what `mercap query` lists without SQL, and make
docs/views.md. Each view is materialised: curators open one file with no path to anything else in it.

The SQL reads the relations that storage/publish.py lays out: ``cell`` (the rows that count), ``source``, ``run`` and
``run_ledger``. Payloads are JSON of the records in mercap/records.py.
"""

from __future__ import annotations

from typing import NamedTuple

from mercap.sources.rows import CONSENT
from storage.columns import CONTAINER_PATHS, CONTAINER_PICKS, MEASURE_COLUMNS, MEASURE_PATHS, MEASURE_PICKS


class View(NamedTuple):
    """``columns`` maps each column to its sentence, in order; ``sql`` is the body of the table."""

    about: str
    columns: dict[str, str]
    sql: str


_SEGMENTS = '[{"start_s":"DOUBLE","end_s":"DOUBLE","text":"VARCHAR","confidence":"DOUBLE"}]'
_EVIDENCE = '[{"observation":"VARCHAR","text":"VARCHAR","emotions":["VARCHAR"],"strength":"DOUBLE"}]'
_FAILED = '[{"rule":"VARCHAR","reason":"VARCHAR","measure":"VARCHAR","value":"DOUBLE"}]'

_STRICTNESS = " ".join(f"WHEN '{level}' THEN {rank}" for rank, level in enumerate(CONSENT))
_CLIP = "SHA-256 of the clip's media bytes"

_CAPTION_COLUMNS = {
    "name": "first name of the clip, in alphabetical order",
    "clip": _CLIP,
    "caption": "the narrative: which words, face and voice evidence support which emotion",
    "labels": "open-vocabulary labels, in the order of the narrative",
    "sentiment": "positive, negative or neutral",
    "transcript": "the words that were said",
    "visual_cue": "what was seen, in words",
    "audio_cue": "what was heard, in words",
    "conflict": "whether words, face and voice disagree",
    "injection_suspect": "whether the subtitle reads like an instruction to a model",
    "majority": "emotion that most voters chose",
    "agreement": "share of voters behind it",
    "kept": "whether the clip passed `screen` and `verdict`",
    "reasons": "why it was not kept; empty when kept",
    "duration_s": "length of the clip, seconds",
    "licence": "licences of the clip's sources, joined by comma",
    "consent": "the strictest consent among the clip's sources",
    "cell_id": "identity of the narrative: one row of `cells`, which leads to prompt, model and inputs",
}

VIEWS: dict[str, View] = {
    "sources": View(
        "Every name of every collection, with the clip it holds and how it came in.",
        {
            "collection": "the SOURCE it was read from",
            "name": "name in that collection",
            "path": "path relative to the collection",
            "clip": f"{_CLIP}; null where the file could not be read",
            "status": "ok, duplicate or quarantined",
            "duplicate_of": "name of the source that stands for the same content",
            "cause": "typed cause, when quarantined",
            "message": "one sentence about it",
            "subtitle": "digest of the supplied words, if any",
            "licence": "as the manifest says",
            "consent": "any, unstated, research, internal or withdrawn",
            "extra": "the manifest's other columns, as JSON",
        },
        "SELECT * FROM source ORDER BY collection, name",
    ),
    "clips": View(
        "One row per distinct content, with the facts of its container.",
        {
            "clip": _CLIP,
            "name": "first name of the clip, in alphabetical order",
            "names": "number of sources that hold it",
            "status": "status of `ingest`",
            "format": "container format",
            "duration_s": "seconds",
            "size_bytes": "bytes",
            "width": "pixels",
            "height": "pixels",
            "frame_rate": "frames per second as the container says",
            "video_codec": "null where there is no video",
            "audio_codec": "null where there is no audio",
            "sample_rate": "Hz, of the original audio",
            "channels": "of the original audio",
            "licence": "licences of its sources, joined by comma",
            "consent": "the strictest among its sources",
        },
        f"""
        SELECT c.clip, s.name, s.names, c.status, {CONTAINER_PICKS}, s.licence, s.consent
        FROM (SELECT clip, status, payload ->> [{CONTAINER_PATHS}] AS found FROM cell WHERE stage = 'ingest') AS c
        JOIN (SELECT clip, min(name) AS name, count(*) AS names,
                     string_agg(DISTINCT licence, ',' ORDER BY licence) AS licence,
                     arg_max(consent, CASE consent {_STRICTNESS} END) AS consent
              FROM source WHERE clip IS NOT NULL GROUP BY clip) AS s USING (clip)
        ORDER BY c.clip""",
    ),
    "transcripts": View(
        "The words of each clip, supplied or recognised.",
        {
            "clip": _CLIP,
            "text": "all segments joined",
            "language": "language code; null where unknown",
            "origin": "supplied or recognised",
            "confidence": "mean confidence of a recogniser, 0 to 1; null for supplied words",
            "segments": "list of start_s, end_s, text, confidence",
        },
        f"""
        SELECT clip, list_reduce(list_prepend('', list_transform(segments, lambda s: s.text)),
                                 lambda a, b: trim(a || ' ' || b)) AS text,
               language, origin, confidence, segments
        FROM (SELECT clip, payload ->> '$.language' AS language, payload ->> '$.origin' AS origin,
                     CAST(payload ->> '$.confidence' AS DOUBLE) AS confidence,
                     from_json(payload -> '$.segments', '{_SEGMENTS}') AS segments
              FROM cell WHERE stage = 'transcribe' AND status = 'ok')
        ORDER BY clip""",
    ),
    "measures": View(
        "The numbers behind the cues; null where a thing could not be measured.",
        {
            "clip": _CLIP,
            **MEASURE_COLUMNS,
            "speech_s": "seconds of detected speech",
            "speech_ratio": "speech / duration",
        },
        f"""
        SELECT m.clip, {MEASURE_PICKS},
               CAST(d.payload ->> '$.speech_s' AS DOUBLE) AS speech_s,
               CAST(d.payload ->> '$.speech_ratio' AS DOUBLE) AS speech_ratio
        FROM (SELECT clip, payload ->> [{MEASURE_PATHS}] AS found
              FROM cell WHERE stage = 'measure' AND status = 'ok') AS m
        LEFT JOIN cell AS d ON d.clip = m.clip AND d.stage = 'diarize' AND d.status = 'ok'
        ORDER BY m.clip""",
    ),
    "cues": View(
        "What was seen and what was heard, in words, with the evidence each statement rests on.",
        {
            "clip": _CLIP,
            "modality": "visual or audio",
            "status": "ok or absent",
            "cause": "why it is absent",
            "text": "the cue",
            "language": "language code",
            "evidence": "list of observation, text, emotions it speaks for, strength 0 to 1",
        },
        f"""
        SELECT clip, CASE stage WHEN 'describe_visual' THEN 'visual' ELSE 'audio' END AS modality, status, cause,
               payload ->> '$.text' AS text, payload ->> '$.language' AS language,
               from_json(payload -> '$.evidence', '{_EVIDENCE}') AS evidence
        FROM cell WHERE stage IN ('describe_visual', 'describe_audio') AND status IN ('ok', 'absent')
        ORDER BY clip, modality DESC""",
    ),
    "votes": View(
        "What each voter said of each clip, with its probabilities.",
        {
            "clip": _CLIP,
            "voter": "name of the voter",
            "status": "ok or absent (the voter's modality is missing)",
            "emotion": "most probable emotion",
            "sentiment": "most probable sentiment",
            "emotions": "probability by emotion",
            "sentiments": "probability by sentiment",
        },
        """
        SELECT clip, voter, status,
               map_keys(emotions)[list_position(map_values(emotions), list_max(map_values(emotions)))]
                   AS emotion,
               map_keys(sentiments)[list_position(map_values(sentiments), list_max(map_values(sentiments)))]
                   AS sentiment,
               emotions, sentiments
        FROM (SELECT clip, voter, status,
                     CAST(payload -> '$.emotions' AS MAP(VARCHAR, DOUBLE)) AS emotions,
                     CAST(payload -> '$.sentiments' AS MAP(VARCHAR, DOUBLE)) AS sentiments
              FROM cell WHERE stage = 'vote' AND status IN ('ok', 'absent'))
        ORDER BY clip, voter""",
    ),
    "verdicts": View(
        "Why each clip was kept or not: the rules of `screen`, the voters' majority, and whether the labels agree.",
        {
            "clip": _CLIP,
            "kept": "passed `screen` and `verdict`",
            "reasons": "why not; empty when kept",
            "screen_kept": "passed every rule of `screen`",
            "screen_failed": "the rules that failed: rule, reason, measure, value",
            "screen_measures": "every measure that `screen` took, by name",
            "majority": "emotion that most voters chose",
            "majority_sentiment": "sentiment that most voters chose",
            "emotion_agrees": "labels against the majority",
            "sentiment_agrees": "sentiment of the labels against the majority",
            "agreement": "share of voters behind the majority emotion",
            "voters": "voters that answered",
        },
        f"""
        SELECT clip, CAST(verdict ->> '$.kept' AS BOOLEAN) AS kept,
               from_json(verdict -> '$.reasons', '["VARCHAR"]') AS reasons,
               CAST(screen ->> '$.kept' AS BOOLEAN) AS screen_kept,
               from_json(screen -> '$.failed', '{_FAILED}') AS screen_failed,
               CAST(screen -> '$.measures' AS MAP(VARCHAR, DOUBLE)) AS screen_measures,
               verdict ->> '$.emotion' AS majority, verdict ->> '$.sentiment' AS majority_sentiment,
               CAST(verdict ->> '$.emotion_agrees' AS BOOLEAN) AS emotion_agrees,
               CAST(verdict ->> '$.sentiment_agrees' AS BOOLEAN) AS sentiment_agrees,
               CAST(verdict ->> '$.agreement' AS DOUBLE) AS agreement,
               CAST(verdict ->> '$.voters' AS INTEGER) AS voters
        FROM (SELECT clip, any_value(payload) FILTER (stage = 'verdict' AND status = 'ok') AS verdict,
                     any_value(payload) FILTER (stage = 'screen') AS screen
              FROM cell WHERE stage IN ('verdict', 'screen') GROUP BY clip)
        WHERE verdict IS NOT NULL ORDER BY clip""",
    ),
    "captions": View(
        "MER-Caption: every clip with a narrative and labels.",
        _CAPTION_COLUMNS,
        """
        SELECT c.name, n.clip, n.payload ->> '$.text' AS caption,
               list_transform(from_json(l.payload -> '$.labels', '[{"text":"VARCHAR"}]'), lambda x: x.text) AS labels,
               l.payload ->> '$.sentiment' AS sentiment,
               t.text AS transcript, vis.text AS visual_cue, aud.text AS audio_cue,
               CAST(n.payload ->> '$.conflict' AS BOOLEAN) AS conflict,
               CAST(n.payload ->> '$.injection_suspect' AS BOOLEAN) AS injection_suspect,
               v.majority, v.agreement, coalesce(v.kept, false) AS kept, v.reasons,
               c.duration_s, c.licence, c.consent, n.cell_id
        FROM cell AS n
        JOIN cell AS l ON l.clip = n.clip AND l.stage = 'label' AND l.status = 'ok'
        JOIN clips AS c ON c.clip = n.clip
        LEFT JOIN transcripts AS t ON t.clip = n.clip
        LEFT JOIN cues AS vis ON vis.clip = n.clip AND vis.modality = 'visual'
        LEFT JOIN cues AS aud ON aud.clip = n.clip AND aud.modality = 'audio'
        LEFT JOIN verdicts AS v ON v.clip = n.clip
        WHERE n.stage = 'merge' AND n.status = 'ok' ORDER BY c.name""",
    ),
    "captions_plus": View(
        "MER-Caption+: the captions that passed `screen` and `verdict`.",
        _CAPTION_COLUMNS,
        "SELECT * FROM captions WHERE kept ORDER BY name",
    ),
    "quarantine": View(
        "Everything that failed, with its typed cause; nothing here is published as a caption.",
        {
            "name": "name of the source",
            "clip": f"{_CLIP}; null where the file could not be read",
            "stage": "where it failed; `source` = before it became a clip",
            "voter": "for stage vote",
            "cause": "typed cause (docs/causes.md)",
            "message": "one sentence about it",
            "retryable": "whether a later run tries again by itself",
            "attempts": "how often it was tried",
            "raw": "the model's reply, where there was one",
            "run_id": "the run that tried last",
        },
        """
        SELECT s.name, q.clip, q.stage, q.voter, q.cause, q.message, q.retryable, q.attempts, q.raw, q.run_id
        FROM cell AS q JOIN source AS s ON s.clip = q.clip AND s.status = 'ok' WHERE q.status = 'quarantined'
        UNION ALL BY NAME
        SELECT name, clip, 'source' AS stage, cause, message, true AS retryable, 1 AS attempts
        FROM source WHERE status = 'quarantined'
        ORDER BY name, stage""",
    ),
    "runs": View(
        "The runs this snapshot covers.",
        {
            "run_id": "sortable by time",
            "collection": "the SOURCE",
            "recipe": "name of the recipe",
            "recipe_digest": "what binds the snapshot",
            "started_at": "UTC",
            "finished_at": "UTC",
            "seconds": "wall clock",
            "names": "names in",
            "computed": "cells computed by this run",
            "runner": "prefect or plain",
            "versions": "versions of mercap and the libraries, as JSON",
        },
        "SELECT * FROM run ORDER BY run_id",
    ),
    "ledger": View(
        "Per run and stage: names in = sum over statuses.",
        {
            "run_id": "the run",
            "place": "order of the stage in the DAG",
            "stage": "stage, or vote:<voter>",
            "names": "names in",
            "ok": "answered",
            "absent": "nothing to do",
            "quarantined": "failed, typed",
            "blocked": "an input is quarantined",
            "duplicate": "same content as another name",
            "pending": "not computed yet",
            "causes": "number of names by cause, as JSON",
        },
        "SELECT * FROM run_ledger ORDER BY run_id, place",
    ),
    "cells": View(
        "Provenance: the row that counts for every cell, without its payload.",
        {
            "clip": _CLIP,
            "stage": "stage",
            "voter": "for stage vote",
            "cell_id": "digest of stage, config and inputs",
            "row_id": "part and place in it",
            "status": "ok, absent or quarantined",
            "cause": "when absent or quarantined",
            "config": "digest of the stage's own config; see `configs`",
            "inputs": "raw digests and cell ids it was computed from",
            "run_id": "the run that computed it",
            "worker": "host and process",
            "seconds": "time spent on it",
            "committed_at": "UTC",
        },
        """
        SELECT clip, stage, voter, cell_id, row_id, status, cause, config, inputs, run_id, worker, seconds, committed_at
        FROM cell ORDER BY clip, stage, voter""",
    ),
    "usage": View(
        "What answers of models cost, a row per answer; one that two attempts at a cell share was paid once.",
        {
            "key": "digest of everything that was asked",
            "clip": _CLIP,
            "stage": "stage",
            "model": "model that answered",
            "prompt_tokens": "tokens of the question, as the endpoint counts them",
            "completion_tokens": "tokens of the answer",
            "cached_tokens": "tokens of the question that the endpoint had in its cache",
            "audio_s": "seconds of audio in the question",
            "price": "by the recipe's prices; null where it states none",
            "latency_s": "seconds to the answer",
            "attempts": "calls it took",
            "run_id": "the run that computed the cell",
        },
        """
        SELECT key, min(clip) AS clip, min(stage) AS stage, min(model) AS model, max(prompt_tokens) AS prompt_tokens,
               max(completion_tokens) AS completion_tokens, max(cached_tokens) AS cached_tokens,
               coalesce(max(audio_s), 0) AS audio_s, max(price) AS price,
               max(latency_s) AS latency_s, max(attempts) AS attempts, min(run_id) AS run_id
        FROM (SELECT clip, stage, run_id, unnest(from_json(usage, '{"key":"VARCHAR","model":"VARCHAR",
                     "prompt_tokens":"BIGINT","completion_tokens":"BIGINT","cached_tokens":"BIGINT",
                     "audio_s":"DOUBLE","price":"DOUBLE","latency_s":"DOUBLE","attempts":"INTEGER"}'))
              FROM cell WHERE usage IS NOT NULL)
        GROUP BY key ORDER BY clip, stage, key""",
    ),
    "configs": View(
        "What each stage was configured with: code version, back-end, model, prompt digest, decoding.",
        {"config": "digest", "stage": "stage", "body": "the config, as JSON"},
        "SELECT DISTINCT config, stage, body FROM config JOIN cell USING (config) ORDER BY stage, config",
    ),
}


def views_markdown() -> str:
    """The text of docs/views.md."""
    lines = ["# Views of the published file", "", "Made from `storage/views.py`; a test holds this page to it.", ""]
    for name, view in VIEWS.items():
        lines += [f"## {name}", "", view.about, "", "| column | |", "|---|---|"]
        lines += [f"| `{column}` | {about} |" for column, about in view.columns.items()] + [""]
    return "\n".join(lines)
