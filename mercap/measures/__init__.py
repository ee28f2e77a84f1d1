"""Numbers measured on one clip: face, voice, synchrony, quality. Start at `clip.measure`."""
