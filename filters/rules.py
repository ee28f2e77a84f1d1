"""The measures a rule may name, and what it means that a rule holds.

Rules are data of the recipe (`mercap.recipe.Rule`): keep the clip if ``measure comparator threshold``. Costs nothing.
"""

from __future__ import annotations

import difflib
import operator
from collections.abc import Callable, Iterable, Mapping

from mercap.errors import UsageError
from mercap.recipe import Rule

MEASURES: dict[str, str] = {
    # the text
    "has_narrative": "1 when a narrative was composed, else 0",
    "narrative_words": "words of the narrative; each Chinese character counts as one",
    "narrative_chars": "characters of the narrative",
    "words": "words of the transcript; 0 when there is none",
    "transcript_confidence": "confidence of the recogniser, 0 to 1; none for a supplied subtitle",
    "injection_suspect": "1 when the subtitle reads like an instruction to a model, else 0",
    "conflict": "1 when words, face and voice disagree in the narrative, else 0",
    # speech
    "duration_s": "seconds of media",
    "speech_s": "seconds of speech",
    "speech_ratio": "speech / duration",
    "speakers": "different speakers; none where the back-end cannot tell them apart",
    # picture and sound
    "face_ratio": "frames with the main face / frames looked at",
    "face_height_ratio": "median height of the main face / frame height",
    "people_max": "most faces in one frame",
    "synchrony": "correlation of the main face's mouth with the voice, about 0.2 to 0.35 by chance",
    "voice_over": "1 when speech is heard, a face is visible and its mouth does not follow the voice, else 0",
    "black_ratio": "black frames / frames",
    "frozen_ratio": "frames equal to the one before / frames",
    "sharpness": "median variance of the Laplacian of the main face or the frame",
    "level_dbfs": "level of the whole audio",
    "clipped_ratio": "samples at full scale / samples",
    "snr_db": "level of speech over the rest",
    # all together
    "modalities": "how many of words, face and voice there are, 0 to 3",
}

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def check_rules(rules: Iterable[Rule]) -> None:
    """Raise `UsageError` for a rule that names a measure which does not exist."""
    for rule in rules:
        for name in (rule.measure, rule.when):
            if name is not None and name not in MEASURES:
                near = difflib.get_close_matches(name, MEASURES, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(MEASURES))}."
                raise UsageError(f"The rule {rule.name!r} names the unknown measure {name!r}; {hint}")


def holds(rule: Rule, values: Mapping[str, float | None]) -> bool:
    """True if ``rule`` keeps a clip with these measures. A rule that does not apply (``when``) keeps it."""
    if rule.when is not None and not (values[rule.when] or 0) > 0:
        return True
    value = values[rule.measure]
    if value is None:
        return rule.missing == "keep"
    return _COMPARE[rule.comparator](value, rule.threshold)
