"""Who plays in the example clips: six faces and the ways they speak.

A voice's numbers are given to flite. `SLT`, `RMS` and `AWB` repeat what flite's voice files say of themselves, so
that flite speaks exactly as it does when nothing is set; the others are bent to a mood.
"""

from __future__ import annotations

from examples.expressions import Look
from examples.speech import Voice

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
SHOUTED = Voice(285.0, 40.0, 0.97, -9.0, effort="shouted")

SLT = Voice(172.0, 27.0, 1.0, -22.0)
RMS = Voice(98.0, 24.0, 1.0, -22.0, name="rms")
AWB = Voice(132.0, 25.0, 1.0, -22.0, name="awb")
WHISPERED = Voice(172.0, 27.0, 1.0, -38.0, effort="whispered")
NATURAL = {(voice.name, voice.f0_mean_hz, voice.f0_stddev_hz, voice.duration_stretch) for voice in (SLT, RMS, AWB)}


def pitch_modified(voice: Voice) -> bool:
    """Whether flite was told to speak with another pitch or pace than its own."""
    return (voice.name, voice.f0_mean_hz, voice.f0_stddev_hz, voice.duration_stretch) not in NATURAL
