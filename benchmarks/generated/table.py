"""The figures of `benchmarks.accuracy` as lines to read."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.generated.scores import Figures


def table(found: Figures) -> str:
    return "\n".join([f"seed {found['seed']}, {found['wall_s']:.0f} s", *_voices(found["voices"]),
                      *_faces(found["faces"]), *_synchrony(found["synchrony"])])  # fmt: skip


def _voices(found: Figures) -> Iterator[str]:
    yield f"\nPITCH of {found['voices']} generated voices in noise at {found['snr_db']:.0f} dB\n"
    yield f"{'':24}{'frames':>8}{'in 3 %':>9}{'median':>9}{'p95':>9}{'gross':>9}{'v. prec.':>9}{'v. recall':>10}"
    yield _voice_row("all", found)
    for part in ("by_noise", "by_codec", "by_pitch"):
        for name, figures in found[part].items():
            yield _voice_row(name, figures)
    for key, name in (("clip_median", "median of a clip"), ("clip_median_reported", "the same in detected speech")):
        clip = found[key]
        yield (
            f"{name}: {_percent(clip['median_error'])} off in the middle, {_percent(clip['worst_error'])} at worst, "
            f"{_percent(clip['within_3_percent'])} of {clip['voices']} within 3 %"
        )
    syllables = found["syllables"]
    yield (
        f"syllables found / true: {syllables['median_found_per_true']:.2f} "
        f"(10th to 90th percentile {syllables['p10']:.2f} to {syllables['p90']:.2f})"
    )


def _voice_row(name: str, found: Figures) -> str:
    keys = ("within_3_percent", "median_error", "p95_error", "gross_errors", "voicing_precision")
    cells = "".join(f"{_percent(found[key]):>9}" for key in keys)
    return f"{name:24}{found['voiced_frames']:>8}{cells}{_percent(found['voicing_recall']):>10}"


def _faces(found: Figures) -> Iterator[str]:
    yield f"\nFACES of {found['clips']} drawn clips, per sampled frame\n"
    yield f"{'':24}{'frames':>8}{'recall':>8}{'false':>7}   {'smile P / R / F1':24}{'open mouth P / R / F1':26}frown F1"
    yield _face_row("all", found)
    for name, figures in found["by_codec"].items():
        yield _face_row(name, figures)
    for key, title in (("by_head_motion", "head motion"), ("by_darkness_of_skin", "dark skin")):
        for name, figures in found[key].items():
            if name != "limits":
                yield _face_row(f"{title}, {name}", figures)
    left = ", ".join(f"{name} {found[name]['left_out']}" for name in ("smile", "mouth_open", "frown"))
    yield f"frames left out, drawn neither as a clear yes nor as a clear no: {left}"
    clip = found["smile_per_clip"]
    yield f"smile per clip: {_scores(clip)} ({clip['positives']} smiling, {clip['negatives']} not)"
    people = (
        f"{row['clips']} clips with {number}: {_percent(row['right'])}" for number, row in found["people"].items()
    )
    yield f"number of people right: {'; '.join(people)}"


def _face_row(name: str, found: Figures) -> str:
    return (
        f"{name:24}{found['frames']:>8}{_percent(found['face_recall']):>8}{found['boxes_on_nobody']:>7}   "
        f"{_scores(found['smile']):24}{_scores(found['mouth_open']):26}{_plain(found['frown']['f1'])}"
    )


def _synchrony(found: Figures) -> Iterator[str]:
    yield f"\nSYNCHRONY: {found['drawn_clips']} speaking clips, {found['own_pairs']} pairs with the own voice\n"
    yield f"{'':24}{'pairs':>11}{'AUC':>8}{'own':>8}{'other':>8}   called in time: own, other"
    yield _pair_row("all", found)
    for key, title in (("by_head_motion", "head motion"), ("by_signal_to_noise", "signal / noise"), ("by_codec", "")):
        for name, figures in found[key].items():
            yield _pair_row(f"{title}, {name}" if title else name, figures)
    interval, lag = found["auc_interval"], found["lag"]
    if interval:
        yield f"AUC 95 % interval, drawn clips resampled: {interval[0]:.3f} to {interval[1]:.3f}"
    yield f"not measured: {found['own_unmeasured']} own, {found['foreign_unmeasured']} others"
    yield (
        f"lag: {_plain(lag['median_error_s'])} s off in the middle, {_percent(lag['within_60_ms'])} within 60 ms, sign "
        f"right in {_percent(lag['sign_right'])} of {lag['clear_offsets']} clear offsets"
    )
    still = found["still_mouths"]
    yield (
        f"still mouths under a voice: {still['said_to_be_still']} of {still['measured']} said to be still, "
        f"{still['called_in_time']} in time; largest correlation {_plain(still['largest'])}"
    )


def _pair_row(name: str, found: Figures) -> str:
    count = f"{found['own_pairs']} + {found['foreign_pairs']}"
    values = "".join(f"{_plain(found[key]):>8}" for key in ("auc", "own_median", "foreign_median"))
    in_time = f"{_percent(found['own_called_in_time'])}, {_percent(found['foreign_called_in_time'])}"
    return f"{name:24}{count:>11}{values}   {in_time}"


def _scores(found: Figures) -> str:
    return " / ".join(_plain(found[key]) for key in ("precision", "recall", "f1"))


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"
