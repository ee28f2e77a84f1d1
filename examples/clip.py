"""What a row of the table (`examples.table`) says of one clip."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from examples.canvas import Colour
from examples.expressions import Expression, Look
from examples.speech import Voice


@dataclass(frozen=True)
class Person:
    look: Look
    mood: Expression = field(default_factory=Expression)
    mouth_moves: float = 0.0  # how far the mouth opens on the loudest syllable
    onset_s: float = 0.0  # when the mood comes over the face; 0 = from the first frame
    place: tuple[float, float] = (320.0, 212.0)  # pixel between the eyes
    size_px: float = 132.0  # from there to the chin


@dataclass(frozen=True)
class Shot:
    """The picture from ``start_s`` up to the next shot; with nobody in it, a landscape."""

    people: tuple[Person, ...] = ()
    backdrop: tuple[Colour, Colour] = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    start_s: float = 0.0


@dataclass(frozen=True)
class Clip:
    file: str
    seed: int
    shots: tuple[Shot, ...] = ()  # in order of time; () = no video stream
    voice: Voice | None = None
    sentences: tuple[str, ...] = ()
    lips: tuple[str, ...] = ()  # what the mouths say, where it is not what is heard
    noise_snr_db: float | None = None  # street noise this far below the voice
    panned: float | None = None  # stereo, from -1 (left) to 1 (right); None = mono
    silence: bool = False  # without a voice: an audio stream of zeros instead of none
    subtitle: bool = False
    subtitle_words: tuple[str, ...] = ()  # one text per sentence, where it is not the sentence itself
    seconds: float = 0.0  # of a clip without voice
    size: tuple[int, int] = (640, 480)  # as shown: width, height
    rotated: bool = False  # stored on its side, with a display matrix that turns it upright
    dropped: float = 0.0  # share of frames the camera left out, which makes the frame rate variable
    kept: float = 1.0  # share of the file's bytes kept

    @property
    def name(self) -> str:
        return Path(self.file).stem
