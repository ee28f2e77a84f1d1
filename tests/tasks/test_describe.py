from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from mercap.records import Cue, Measures, QualityMeasures, VoiceMeasures
from mercap.roles import EmbeddedDescriber
from mercap.stages import Stage
from tasks import describe
from tasks.context import Context
from tasks.spec import CellSpec

QUALITY = QualityMeasures(
    black_ratio=None, frozen_ratio=None, sharpness=None, level_dbfs=-20.0, clipped_ratio=None, snr_db=None
)
VOICE = VoiceMeasures(
    voiced_ratio=0.8, pitch_median_hz=231.0, pitch_range_st=5.0, pitch_slope_st_per_s=None, loudness_dbfs=-24.0,
    loudness_range_db=20.0, pause_ratio=0.0, pauses=0, syllables_per_s=4.0, spectral_tilt_db_per_octave=None,
)  # fmt: skip


class Index:
    """Answers every cell with the same payload."""

    def __init__(self, payload: str) -> None:
        self._payload = payload

    def payload(self, _key: str, _place: int) -> str:
        return self._payload


def described(options: EmbeddedDescriber) -> Cue:
    measures = Measures(face=None, voice=VOICE, synchrony=None, quality=QUALITY)
    context: Any = SimpleNamespace(
        recipe=SimpleNamespace(describe_audio=options), cells=Index(measures.model_dump_json())
    )
    spec = CellSpec(Stage("describe_audio", ("measure",), {}), cast("Any", None), 0, "cell", ("m",))
    ((_, outcome),) = describe.run_audio(cast("Context", context), [spec])
    assert outcome.payload is not None, outcome.raw
    return Cue.model_validate_json(outcome.payload)


@pytest.mark.parametrize(("language", "start"), [("en", "The voice is high"), ("zh", "音调较高")])
def test_the_recipe_chooses_the_language_of_a_cue(language: Any, start: str) -> None:
    cue = described(EmbeddedDescriber(language=language))
    assert cue.language == language
    assert cue.text.startswith(start)


def test_a_cue_is_english_unless_the_recipe_says_otherwise() -> None:
    assert described(EmbeddedDescriber()).language == "en"
