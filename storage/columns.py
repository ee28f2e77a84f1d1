"""Columns of the views that come out of long payloads: measures and container facts, with their sentences and SQL.

All paths of a payload are asked for in one call: each `->>` parses the whole payload anew, and keeps what it parsed for
a block of rows. Parsing once per column took more memory than publishing has from 4,200 clips on.
"""

from __future__ import annotations

MEASURES: dict[str, dict[str, str]] = {
    "face": {
        "frames": "frames looked at",
        "face_frames": "frames in which the main face was found",
        "people_max": "most faces seen in one frame",
        "face_height_ratio": "median face height / frame height",
        "head_motion": "median displacement, face widths per second",
        "smile_frames": "face frames with the mouth corners clearly raised",
        "frown_frames": "face frames with the mouth corners clearly lowered",
        "mouth_curvature": "median corner raise / mouth width",
        "mouth_open_frames": "face frames with the mouth clearly open",
        "mouth_motion": "mean change of the mouth region between frames, 0 = still",
        "brow_slant": "inner minus outer brow height / face height",
        "brow_height": "brow to eye / face height",
        "presence_change": "share with the face, last third of the frames minus the first",
        "smile_change": "share with raised corners, last third of the face frames minus the first",
        "frown_change": "the same of lowered corners",
    },
    "voice": {
        "voiced_ratio": "voiced / speech frames",
        "pitch_median_hz": "median pitch, Hz",
        "pitch_range_st": "10th to 90th percentile of pitch, semitones",
        "pitch_slope_st_per_s": "trend of pitch, semitones per second",
        "loudness_dbfs": "median level of speech, dBFS",
        "loudness_range_db": "10th to 90th percentile of level, dB",
        "pitch_change_st": "median pitch, last third of voiced time minus the first, semitones",
        "loudness_change_db": "median level, last third of speech minus the first, dB",
        "pause_ratio": "silence between first and last speech / that stretch",
        "pauses": "pauses of at least 0.25 s",
        "syllables_per_s": "syllable nuclei per second of speech",
        "spectral_tilt_db_per_octave": "spectral tilt, dB per octave",
    },
    "synchrony": {
        "correlation": "peak correlation of mouth motion and voice",
        "lag_s": "lag of that peak, seconds; positive = the mouth trails",
    },
    "quality": {
        "black_ratio": "black frames / frames",
        "frozen_ratio": "frames equal to the one before / frames",
        "sharpness": "median variance of the Laplacian",
        "level_dbfs": "RMS of the whole audio, dBFS",
        "clipped_ratio": "samples at full scale / samples",
        "snr_db": "level of speech over the rest, dB",
    },
}


def _column(group: str, name: str) -> str:
    """Names stand by themselves, but for those of the synchrony, which would say too little."""
    return f"synchrony_{name}" if group == "synchrony" else name


MEASURE_COLUMNS = {_column(group, name): about for group, names in MEASURES.items() for name, about in names.items()}
MEASURE_PATHS = ", ".join(f"'$.{group}.{name}'" for group, names in MEASURES.items() for name in names)
MEASURE_PICKS = ", ".join(
    f"CAST(found[{place}] AS DOUBLE) AS {column}" for place, column in enumerate(MEASURE_COLUMNS, 1)
)
CONTAINER = {
    "format": ("$.format", "VARCHAR"),
    "duration_s": ("$.duration_s", "DOUBLE"),
    "size_bytes": ("$.size_bytes", "BIGINT"),
    "width": ("$.video.width", "INTEGER"),
    "height": ("$.video.height", "INTEGER"),
    "frame_rate": ("$.video.frame_rate", "DOUBLE"),
    "video_codec": ("$.video.codec", "VARCHAR"),
    "audio_codec": ("$.audio.codec", "VARCHAR"),
    "sample_rate": ("$.audio.sample_rate", "INTEGER"),
    "channels": ("$.audio.channels", "INTEGER"),
}
CONTAINER_PATHS = ", ".join(f"'{path}'" for path, _ in CONTAINER.values())
CONTAINER_PICKS = ", ".join(
    f"CAST(found[{place}] AS {kind}) AS {column}" for place, (column, (_, kind)) in enumerate(CONTAINER.items(), 1)
)
