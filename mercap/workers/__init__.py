"""Guarded worker processes: CPU work and the decoding of strangers' media, one clip at a time."""
