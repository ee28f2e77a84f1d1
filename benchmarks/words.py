"""How many words of the example clips the embedded recogniser gets right. Exits with 1 below the bound.

    python -m benchmarks.words [--json]

Word accuracy is 1 - word error rate: insertions, deletions and substitutions over the words said; it can be negative.
Every clip of examples/clips/sentences.csv is heard, those with supplied subtitles too. The voices are flite's. The
bound is on voices left as flite speaks them (`unmodified_pitch`: pitch its own, spoken, no noise added). A whisper,
whose pitch was taken away, and speech in street noise are a total of their own. A total is over words, not clips. Ten
seconds.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.five_second_clips import EXAMPLES
from mercap.backends.pocketsphinx import SAMPLE_RATE, PocketsphinxTranscriber
from mercap.backends.silero import SileroDetector
from mercap.errors import NothingToDo
from mercap.measures.clip import measure as measure_clip
from mercap.media.subtitles import guess_language

LEAST_ACCURACY = 0.85  # over voices at their own pitch

Audio = NDArray[np.int16]


def words_of(text: str) -> list[str]:
    """Lower-case words; punctuation is not said."""
    return re.sub(r"[^a-z' ]", " ", text.lower().replace("\u2019", "'")).split()


def word_errors(said: str, recognised: str) -> int:
    """The fewest insertions, deletions and substitutions that turn one into the other."""
    truth, guess = words_of(said), words_of(recognised)
    distances = list(range(len(guess) + 1))
    for row, word in enumerate(truth, 1):
        above, distances[0] = distances[:], row
        for column, other in enumerate(guess, 1):
            distances[column] = min(above[column] + 1, distances[column - 1] + 1, above[column - 1] + (word != other))
    return distances[-1]


def word_accuracy(said: str, recognised: str) -> float:
    """1 - word error rate. Raises ValueError where nothing was said."""
    count = len(words_of(said))
    if not count:
        raise ValueError("no words were said")
    return 1.0 - word_errors(said, recognised) / count


def total(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Clips, words and accuracy over all words of ``rows``; accuracy is ``None`` without any."""
    chosen = list(rows)
    words = sum(row["words"] for row in chosen)
    errors = sum(row["errors"] for row in chosen)
    return {"clips": len(chosen), "words": words, "word_accuracy": 1.0 - errors / words if words else None}


def hear(path: Path) -> tuple[Audio, str | None]:
    """All sound that can be decoded, (n,) at 16 kHz, and why there is no more, if so."""
    pieces: list[Audio] = []
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    damage: str | None = None
    with av.open(str(path)) as media:
        try:
            for frame in media.decode(audio=0):
                pieces += [piece.to_ndarray().reshape(-1) for piece in resampler.resample(frame)]
        except av.error.FFmpegError as error:
            damage = f"its sound is damaged: {error.strerror}"
        stated_s = (media.duration or 0) / av.time_base
    pieces += [piece.to_ndarray().reshape(-1) for piece in resampler.resample(None)]
    audio = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
    heard_s = len(audio) / SAMPLE_RATE
    if damage is None and stated_s - heard_s > 0.5:
        damage = f"its sound ends after {heard_s:.1f} of {stated_s:.1f} s"
    return audio, damage


def foreign(name: str) -> str | None:
    """Why a clip is not for an English recogniser: its subtitle is in another language."""
    subtitle = EXAMPLES / f"{name}.srt"
    language = guess_language(subtitle.read_text(encoding="utf-8")) if subtitle.exists() else "en"
    return None if language == "en" else f"it is not in English: its subtitle is in {language}"


def measure_one(sentence: dict[str, str], path: Path, recogniser: PocketsphinxTranscriber) -> dict[str, Any]:
    """One row of the table; ``left_out`` says why the clip is in no total, if it is not."""
    audio, damage = hear(path)
    speech = SileroDetector().diarize(audio, SAMPLE_RATE)
    try:
        transcript = recogniser.transcribe(audio, SAMPLE_RATE, speech.speech)
        heard, confidence = transcript.text, transcript.confidence
    except NothingToDo:
        heard, confidence = "", None
    return {
        "clip": sentence["clip"], "sentence": sentence["sentence"], "recognised": heard,
        "words": len(words_of(sentence["sentence"])), "errors": word_errors(sentence["sentence"], heard),
        "accuracy": word_accuracy(sentence["sentence"], heard), "confidence": confidence,
        "pitch_modified": sentence["pitch_modified"] == "yes", "effort": sentence["effort"],
        "clear": sentence["effort"] != "whispered" and not sentence["noise_snr_db"],
        "snr_db": measure_clip(None, audio, SAMPLE_RATE, speech).quality.snr_db,
        "left_out": damage or foreign(sentence["clip"]),
    }  # fmt: skip


def measure() -> dict[str, Any]:
    with (EXAMPLES / "sentences.csv").open(encoding="utf-8", newline="") as file:
        sentences = list(csv.DictReader(file))
    recogniser = PocketsphinxTranscriber()
    files = {path.stem: path for path in EXAMPLES.iterdir() if path.suffix in (".mp4", ".webm", ".m4a")}
    rows = [measure_one(sentence, files[sentence["clip"]], recogniser) for sentence in sentences]
    return {**totals(rows), "bound": LEAST_ACCURACY, "rows": rows}


def totals(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    counted = [row for row in rows if row["left_out"] is None]
    return {
        "unmodified_pitch": total(row for row in counted if row["clear"] and not row["pitch_modified"]),
        "modified_pitch": total(row for row in counted if row["clear"] and row["pitch_modified"]),
        "whisper_or_noise": total(row for row in counted if not row["clear"]),
        "all": total(counted),
    }


def show(found: dict[str, Any]) -> None:
    print(f"{'clip':<26}{'accuracy':>9}{'confidence':>12}{'pitch':>10}{'effort':>11}{'SNR dB':>8}")
    for row in found["rows"]:
        confidence, snr = (f"{row[key]:.2f}" if row[key] is not None else "-" for key in ("confidence", "snr_db"))
        pitch = "modified" if row["pitch_modified"] else "own"
        print(f"{row['clip']:<26}{row['accuracy']:>9.2f}{confidence:>12}{pitch:>10}{row['effort']:>11}{snr:>8}")
        print(f"    said:  {row['sentence']}\n    heard: {row['recognised']}")
        if row["left_out"]:
            print(f"    left out of the totals: {row['left_out']}")
    print(f"\n{'total':<24}{'clips':>6}{'words':>7}{'word accuracy':>15}")
    for name in ("unmodified_pitch", "modified_pitch", "whisper_or_noise", "all"):
        one = found[name]
        accuracy = "-" if one["word_accuracy"] is None else f"{one['word_accuracy']:.3f}"
        print(f"{name:<24}{one['clips']:>6}{one['words']:>7}{accuracy:>15}")
    print(f"the bound, at unmodified pitch, is {found['bound']}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measure()
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        show(found)
    accuracy = found["unmodified_pitch"]["word_accuracy"]
    return int(accuracy is None or accuracy < LEAST_ACCURACY)


if __name__ == "__main__":
    sys.exit(main())
