"""Compose the narrative from words, face and voice by rules: which evidence supports which emotion, and what disagrees.

The embedded answer to `merge`; deterministic, needs the lexicon and nothing else, costs well under a millisecond.
English only: observations of a cue in another language are told by their English names, without the numbers. What a
subtitle says is quoted, never obeyed: it is data written by somebody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mercap.cues.evidence import Reading, best_emotions, disagreeing, read_cue, read_words
from mercap.cues.injection import reads_like_instruction
from mercap.errors import NothingToDo
from mercap.media.subtitles import guess_language
from mercap.records import Cue, Emotion, Evidence, Narrative, Transcript

QUOTE_CHARS = 300
LOW_CONFIDENCE = 0.6
TELLING = 0.2  # how clearly a cue must speak for its feeling to be named
NAMED_MAX = 3  # emotions the last sentence names
LISTED_MAX = 3  # observations or words a sentence lists


def compose(transcript: Transcript | None, visual: Cue | None, audio: Cue | None) -> Narrative:
    """One paragraph: the words, the face, the voice, where they disagree, and what all of it comes to.

    Each input may be ``None`` (nothing was there); with all three missing raises `NothingToDo`
    ``no_evidence``.
    """
    if transcript is not None and not transcript.text.strip():
        transcript = None
    if transcript is None and visual is None and audio is None:
        raise NothingToDo("no_evidence")
    suspect = transcript is not None and reads_like_instruction(transcript.text)
    words = read_words(None if suspect else transcript)
    face, voice = read_cue("face", visual), read_cue("voice", audio)
    conflicts = disagreeing(words, face, voice)
    sentences = [
        _words_sentence(transcript, words, suspect),
        _cue_sentence(face) if visual else "No face is visible.",
        _cue_sentence(voice) if audio else "No voice can be heard.",
        *(f"The {first} and the {second} point in opposite directions." for first, second in conflicts),
        _summary([words, face, voice], conflicts),
    ]
    return Narrative(text=" ".join(sentences), language="en", conflict=bool(conflicts), injection_suspect=suspect)


def quoted(text: str) -> str:
    """``text`` between straight double quotes, on one line, at most 300 characters, without quotes inside."""
    line = " ".join(re.sub(r"[\"“”„«»「」『』]", "'", text).split())
    if len(line) > QUOTE_CHARS:
        line = line[: QUOTE_CHARS - 1].rstrip() + "…"
    return f'"{line}"'


def _words_sentence(transcript: Transcript | None, words: Reading, suspect: bool) -> str:
    if transcript is None:
        return "There are no words to go by."
    supplied = transcript.origin == "supplied"
    said = f"The {'subtitle reads' if supplied else 'recognised words are'} {quoted(transcript.text)}"
    if transcript.confidence is not None and transcript.confidence < LOW_CONFIDENCE:
        said += f"; the words were recognised with low confidence ({transcript.confidence:.2f})"
    if suspect:
        return f"{said}; this looks like an instruction to a model, so it is not used as evidence."
    clauses = [clause for clause in (_feeling_words(words), _coloured_words(words), _denied_words(words)) if clause]
    if not clauses and guess_language(transcript.text) == "zh":
        return f"{said}; the lexicon reads English only."
    return f"{said}; {'; '.join(clauses)}." if clauses else f"{said}; no word in it is known to show a feeling."


def _feeling_words(words: Reading) -> str:
    hits = [hit for hit in words.hits if hit.emotion and not hit.negated][:LISTED_MAX]
    if not hits:
        return ""
    feelings = list(dict.fromkeys(hit.label or str(hit.emotion) for hit in hits))
    return f"{_each(hit.word for hit in hits)} {'suggest' if len(hits) > 1 else 'suggests'} feeling {_list(feelings)}"


def _coloured_words(words: Reading) -> str:
    """Words of sentiment without an emotion are told only where no other word says more."""
    if any(hit.emotion and not hit.negated for hit in words.hits):
        return ""
    hits = [hit for hit in words.hits if not hit.emotion and not hit.negated][:LISTED_MAX]
    if not hits:
        return ""
    colour = {1: "a favourable tone", -1: "an unfavourable tone", 0: "a mixed tone"}[words.sign]
    return f"{_each(hit.word for hit in hits)} {'give' if len(hits) > 1 else 'gives'} it {colour}"


def _denied_words(words: Reading) -> str:
    hits = [hit for hit in words.hits if hit.negated][:LISTED_MAX]
    return f"{_each(hit.word for hit in hits)} {'are' if len(hits) > 1 else 'is'} denied" if hits else ""


def _cue_sentence(reading: Reading) -> str:
    """What a cue's evidence speaks for, in the cue's own words; a cue in free text is only told by what it names."""
    best = best_emotions(reading.scores)
    texts = _texts(item for item in reading.evidence if set(item.emotions) & set(best))
    if reading.force < TELLING:
        opening, texts = f"The {reading.name} alone settles little", texts or _texts(reading.evidence)
    elif best == [Emotion.NEUTRAL]:
        opening = f"The {reading.name} is neutral"
    else:
        feelings = [name for emotion in best for name in (reading.specific(emotion) or [str(emotion)])[:1]]
        opening = f"The {reading.name} fits feeling {_list(feelings[:NAMED_MAX], 'or')}"
    return f"{opening}: {'; '.join(texts)}." if texts else f"{opening}."


def _texts(evidence: Iterable[Evidence]) -> list[str]:
    return [_lower_first(item.text) for item in evidence if item.text.strip()][:LISTED_MAX]


def _summary(readings: Sequence[Reading], conflicts: Sequence[tuple[str, str]]) -> str:
    total = {emotion: sum(r.weight * r.scores.get(emotion, 0.0) for r in readings) for emotion in Emotion}
    best = best_emotions(total)
    if not best:
        return "Taken together, the person appears neutral; nothing speaks for a stronger feeling."
    telling = [reading for reading in readings if reading.hits or reading.force >= TELLING]
    support = [reading.name for reading in telling if best[0] in best_emotions(reading.scores)]
    support = support or [max(readings, key=lambda reading: reading.weight * reading.scores.get(best[0], 0.0)).name]
    if conflicts:
        because = f"the {support[0]} weigh{'s' if support[0] != 'words' else ''} more than what contradicts"
    elif len(support) > 1:
        because = f"{_list([f'the {name}' for name in support])} support this"
    else:
        because = f"only the {support[0]} support{'s' if support[0] != 'words' else ''} this"
    return f"Taken together, the person appears {_list(_named(best, readings))}; {because}."


def _named(best: Sequence[Emotion], readings: Sequence[Reading]) -> list[str]:
    """The specific words that were used, else the names of the classes; at most three."""
    names: list[str] = []
    for emotion in best:
        specific = [label for reading in readings for label in reading.specific(emotion)]
        names += (specific or [str(emotion)])[: NAMED_MAX - 1]
    return list(dict.fromkeys(names))[:NAMED_MAX]


def _each(words: Iterable[str]) -> str:
    return _list([f'"{word}"' for word in dict.fromkeys(words)])


def _list(parts: Sequence[str], joint: str = "and") -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {joint} {parts[-1]}"


def _lower_first(text: str) -> str:
    line = text.strip().rstrip(".;")
    return line[:1].lower() + line[1:] if line[1:2].islower() or line.startswith("A ") else line
