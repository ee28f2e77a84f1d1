"""Draws and speaks the example clips, with their subtitles and manifest.

    python examples/make_clips.py [--out DIR]

About two minutes on one core. Needs Debian's `flite` for the voices; everything else is in this folder. The same
library versions give the same bytes. `table.py` is the whole design; `clips/sentences.csv` repeats what is said.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
from pathlib import Path

if not __package__:  # run as a file: let `examples` and `mercap` be found
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from examples.acting import frames
from examples.cast import pitch_modified
from examples.clip import Clip
from examples.encode import write
from examples.speech import SAMPLE_RATE, Spoken, in_the_street, panned, speak
from examples.table import CLIPS, COPIES, TEXTS
from mercap.errors import MercapError

LICENCE, CONSENT = "Apache-2.0", "any"


def make(clip: Clip, folder: Path) -> None:
    """Write one clip, and its subtitle where it has one."""
    path = folder / clip.file
    said = speech(clip)
    noisy = said if clip.noise_snr_db is None else in_the_street(said, clip.noise_snr_db, clip.seed)
    sound = noisy.samples if clip.panned is None else panned(noisy.samples, clip.panned)
    lips = speak(clip.lips, clip.voice, clip.seed) if clip.voice and clip.lips else said
    pictures = frames(clip, said.duration_s, lips) if clip.shots else ()
    write(path, pictures, sound if clip.voice or clip.silence else None, rotated=clip.rotated)
    if clip.kept < 1.0:
        whole = path.read_bytes()
        path.write_bytes(whole[: int(clip.kept * len(whole))])
    if clip.subtitle:
        words = clip.subtitle_words or clip.sentences
        path.with_suffix(".srt").write_text(_srt(words, said.times_s), encoding="utf-8")


def speech(clip: Clip) -> Spoken:
    """What is said, without noise; zeros for a clip without voice."""
    if clip.voice is None:
        return Spoken(np.zeros(round(clip.seconds * SAMPLE_RATE), np.float32), ())
    return speak(clip.sentences, clip.voice, clip.seed)


def make_others(folder: Path) -> None:
    """The files nobody drew: copies and texts."""
    for file, original in COPIES.items():
        shutil.copyfile(folder / original, folder / file)
    for file, text in TEXTS.items():
        (folder / file).write_text(text, encoding="utf-8")


def _srt(sentences: tuple[str, ...], times_s: tuple[tuple[float, float], ...]) -> str:
    cues = [
        f"{number}\n{_srt_time(start)} --> {_srt_time(end)}\n{sentence}\n"
        for number, (sentence, (start, end)) in enumerate(zip(sentences, times_s, strict=True), 1)
    ]
    return "\n".join(cues)


def _srt_time(seconds: float) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02},{thousandths:03}"


def write_tables(folder: Path) -> None:
    """Write manifest.csv (what mercap reads) and sentences.csv (what is said, and how)."""
    subtitles = {clip.file: f"{clip.name}.srt" for clip in CLIPS if clip.subtitle}
    manifest = [
        {
            "name": Path(file).stem,
            "path": file,
            "subtitle": subtitles.get(file, ""),
            "licence": LICENCE,
            "consent": CONSENT,
        }
        for file in (*(clip.file for clip in CLIPS), *COPIES, *TEXTS)
    ]
    sentences = [
        {
            "clip": c.name,
            "sentence": " ".join(c.sentences),
            "voice": c.voice.name,
            "f0_mean_hz": c.voice.f0_mean_hz,
            "f0_stddev_hz": c.voice.f0_stddev_hz,
            "duration_stretch": c.voice.duration_stretch,
            "subtitle": "yes" if c.subtitle else "no",
            "pitch_modified": "yes" if pitch_modified(c.voice) else "no",
            "effort": c.voice.effort,
            "noise_snr_db": "" if c.noise_snr_db is None else c.noise_snr_db,
        }
        for c in CLIPS
        if c.voice
    ]
    for file, rows in (("manifest.csv", manifest), ("sentences.csv", sentences)):
        with (folder / file).open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description="Draw and speak the example clips.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "clips", help="where to write")
    folder: Path = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for clip in CLIPS:
            make(clip, folder)
            print(f"{clip.file}: {(folder / clip.file).stat().st_size} bytes")
    except MercapError as fault:
        print(fault, file=sys.stderr)
        return int(fault.exit_code)
    make_others(folder)
    write_tables(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
