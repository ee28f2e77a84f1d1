"""Draws and speaks the eight example clips, with their subtitles and manifest.

    python examples/make_clips.py [--out DIR]

About a minute on one core. Needs Debian's `flite` for the voices; everything else is in this folder. The same
library versions give the same bytes. `CLIPS` is the whole design; `clips/sentences.csv` repeats what is said.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

if not __package__:  # run as a file: let `examples` and `mercap` be found
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import numpy.typing as npt

from examples.canvas import Canvas, Colour
from examples.encode import FRAME_RATE, write
from examples.expressions import Expression, Look
from examples.faces import draw_face
from examples.scenery import HEIGHT, WIDTH, landscape, wall
from examples.speech import Spoken, Voice, loudness, speak
from mercap.errors import MercapError

LICENCE, CONSENT = "Apache-2.0", "any"
SWAY_HZ = (0.31, 0.23, 0.19, 0.53)  # sideways, up and down, tilt and gaze, smile
GRAIN = 2.0  # standard deviation of the picture noise, of 255


@dataclass(frozen=True)
class Clip:
    file: str
    seed: int
    look: Look | None = None  # None: nobody in the picture
    backdrop: tuple[Colour, Colour] = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    mood: Expression = field(default_factory=Expression)
    voice: Voice | None = None  # None: no audio stream
    sentences: tuple[str, ...] = ()
    subtitle: bool = False
    mouth_moves: float = 0.0  # how far the mouth opens on the loudest syllable
    seconds: float = 0.0  # of a clip without voice
    onset_s: float = 0.0  # when the mood comes over the face; 0 = from the first frame
    kept: float = 1.0  # share of the file's bytes kept

    @property
    def name(self) -> str:
        return Path(self.file).stem


AVA = Look((232, 190, 160), (80, 48, 30), (70, 110, 140), (196, 92, 92), (60, 110, 150), True)
BEN = Look((150, 100, 70), (30, 22, 20), (70, 45, 30), (150, 70, 70), (150, 60, 60), False, 0.86, brow_weight=1.25)
CLEO = Look((245, 212, 186), (200, 160, 90), (80, 130, 90), (208, 110, 110), (90, 130, 80), True, jaw=0.76)
DAN = Look((205, 155, 115), (45, 35, 32), (60, 40, 30), (176, 85, 80), (70, 70, 90), False)
EVE = Look((190, 135, 98), (95, 40, 28), (90, 70, 45), (180, 80, 84), (190, 150, 70), True, jaw=0.83)
FINN = Look((230, 188, 158), (92, 46, 26), (90, 120, 130), (198, 105, 100), (110, 90, 140), False, jaw=0.84)

BRIGHT = Voice(235.0, 42.0, 0.92, -19.0)
LOW = Voice(125.0, 7.0, 1.25, -31.0)
LOUD = Voice(200.0, 30.0, 0.95, -13.0)
PLAIN = Voice(170.0, 15.0, 1.0, -22.0)

CLIPS = (
    Clip(
        "smiling_bright.mp4",
        1,
        AVA,
        ((205, 220, 225), (165, 185, 190)),
        Expression(smile=0.95, brow_raise=0.35, eye_open=0.92),
        BRIGHT,
        ("I am so happy today.", "This is a wonderful day, and I love it."),
        mouth_moves=0.75,
    ),
    Clip(
        "sad_low.mp4",
        2,
        BEN,
        ((120, 130, 145), (90, 98, 112)),
        Expression(smile=-0.9, brow_slant=0.95, eye_open=0.75),
        LOW,
        ("I feel so sad and lonely.", "I miss my best friend."),
        mouth_moves=0.55,
    ),
    Clip(
        "angry_loud.mp4",
        3,
        DAN,
        ((190, 170, 160), (150, 130, 122)),
        Expression(smile=-0.45, brow_slant=-1.0, brow_raise=-0.35, eye_open=0.85),
        LOUD,
        ("Stop it right now.", "I am very angry, and I hate this."),
        subtitle=True,
        mouth_moves=0.9,
    ),
    Clip(
        "mixed_smile.mp4",
        4,
        CLEO,
        ((215, 205, 190), (180, 170, 158)),
        Expression(smile=0.9, brow_raise=0.2, eye_open=0.9),
        BRIGHT,
        ("Well, that was terrible.", "I am really disappointed with you."),
        subtitle=True,
        mouth_moves=0.7,
    ),
    Clip(
        "nobody.mp4", 5, voice=PLAIN, subtitle=True, sentences=("The train leaves at nine from the second platform.",)
    ),
    Clip(
        "voice_over_still_mouth.webm",
        6,
        EVE,
        ((170, 190, 170), (130, 150, 135)),
        Expression(smile=0.1),
        PLAIN,
        ("There is a letter on the kitchen table.", "Please close the window before you leave."),
    ),
    Clip(
        "silent_surprise.mp4",
        7,
        FINN,
        ((180, 190, 215), (140, 150, 178)),
        Expression(brow_raise=1.0, mouth_open=0.62, mouth_round=0.7, eye_open=1.25),
        seconds=3.0,
        onset_s=0.7,
    ),
    Clip(
        "truncated.mp4",
        8,
        AVA,
        ((205, 205, 215), (160, 162, 175)),
        Expression(smile=0.2),
        PLAIN,
        ("Please wait here for a moment.", "The second half is not here."),
        mouth_moves=0.7,
        kept=0.6,
    ),
)


def frames(clip: Clip, spoken: Spoken | None) -> Iterator[npt.NDArray[np.uint8]]:
    """The clip's pictures, RGB uint8."""
    count = round((spoken.duration_s if spoken else clip.seconds) * FRAME_RATE)
    voice = loudness(spoken, FRAME_RATE, count) if spoken else np.zeros(count)
    draw = np.random.default_rng(clip.seed)
    phase = draw.uniform(0.0, 2.0 * np.pi, 6)
    behind = wall(*clip.backdrop)
    for index in range(count):
        time_s = index / FRAME_RATE
        if clip.look is None:
            canvas = landscape(time_s)
        else:
            canvas = Canvas(behind.copy())
            face = expression(clip, time_s, float(voice[index]), phase)
            draw_face(canvas, clip.look, face, (320.0, 212.0), 132.0)
        yield canvas.finish((GRAIN * draw.standard_normal((HEIGHT, WIDTH))).astype(np.float32))


def expression(clip: Clip, time_s: float, voice: float, phase: npt.NDArray[np.float64]) -> Expression:
    """The mood, moved as a living face moves: the head sways, the eyes blink, the mouth follows the voice."""
    mood = clip.mood
    arrived = _ease((time_s - clip.onset_s) / 0.35) if clip.onset_s else 1.0
    blink = min(abs((time_s + 0.35 * phase[5]) % 2.3 - 1.2) / 0.12, 1.0)
    sway = [float(np.sin(2.0 * np.pi * rate * time_s + phase[n])) for n, rate in enumerate(SWAY_HZ)]
    return replace(
        mood,
        smile=arrived * mood.smile * (1.0 + 0.05 * sway[3]),
        brow_raise=arrived * mood.brow_raise + 0.15 * voice * clip.mouth_moves,
        mouth_open=max(arrived * mood.mouth_open, clip.mouth_moves * voice**0.8),
        mouth_round=arrived * mood.mouth_round,
        brow_slant=arrived * mood.brow_slant,
        eye_open=(1.0 + arrived * (mood.eye_open - 1.0)) * blink,
        gaze=0.3 * sway[2],
        offset=(0.05 * sway[0], 0.03 * sway[1] + 0.015 * voice * clip.mouth_moves),
        tilt_deg=2.5 * sway[2],
    )


def _ease(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)


def make(clip: Clip, folder: Path) -> None:
    """Write one clip, and its subtitle where it has one."""
    path = folder / clip.file
    spoken = speak(clip.sentences, clip.voice, clip.seed) if clip.voice else None
    write(path, frames(clip, spoken), spoken.samples if spoken else None)
    if clip.kept < 1.0:
        whole = path.read_bytes()
        path.write_bytes(whole[: int(clip.kept * len(whole))])
    if clip.subtitle and spoken:
        path.with_suffix(".srt").write_text(_srt(clip.sentences, spoken.times_s), encoding="utf-8")


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
    manifest = [
        {
            "name": c.name,
            "path": c.file,
            "subtitle": f"{c.name}.srt" if c.subtitle else "",
            "licence": LICENCE,
            "consent": CONSENT,
        }
        for c in CLIPS
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
    write_tables(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
