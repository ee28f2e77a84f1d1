"""Where examples come from: the published captions of a store, or AffectGPT's CSV files beside a folder of clips.

Also the test sets that they must not overlap with.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mercap.affectgpt.example import Example
from mercap.affectgpt.leakage import BenchmarkSet, plain_name
from mercap.errors import CellFailure, UsageError
from mercap.media.subtitles import parse_subtitle
from mercap.sources.read import read_sources
from mercap.unibench.datasets import DATASETS, find_gold, load_gold
from mercap.unibench.labels import parse_labels
from mercap.unibench.rows import read_table
from storage.captions import CaptionView, read_captions, read_published
from storage.digests import DigestCache
from storage.runs import Source
from storage.store import Store
from tasks.clips import Clip, catalogue

# What the columns of AffectGPT's files are: openset and reason of the released annotations, english and chinese of
# their subtitles, and the plainer words for the same.
_LABELS = ("openset", "labels")
_DESCRIPTIONS = ("reason", "description")
_SUBTITLES = ("subtitle", "english", "chinese")


class ExampleSet(NamedTuple):
    """``names`` are all names of each clip; ``unknown`` are rows of a CSV file whose clip is not among the clips."""

    origin: str
    examples: list[Example]
    names: dict[str, tuple[str, ...]]
    unknown: list[str]


def from_store(store: Store, view: CaptionView) -> ExampleSet:
    """The captions that are published now. Raises StoreError where none are."""
    published = read_published(store)
    examples, names = [], {}
    for row in read_captions(store, view):
        examples.append(Example(row.clip, row.name, row.transcript, row.caption, row.labels))
        names[row.clip] = row.names
    if not examples:
        raise UsageError(f"The view {view} of {store.root} has no rows; train on captions, or annotate more clips.")
    return ExampleSet(f"{view} of snapshot {published.snapshot} ({published.recipe})", examples, names, [])


def from_csv(files: Sequence[Path], clips: str, store: Store) -> ExampleSet:
    """AffectGPT's files, merged by ``name``: labels (``openset``), descriptions (``reason``), subtitles (``english``).

    ``clips`` is the SOURCE they speak of; its files are found by their names without folder and suffix. Subtitles
    beside a clip count where no file has any. Raises UsageError naming file and line.
    """
    merged: dict[str, dict[str, str]] = {}
    for path in files:
        for place, row in read_table(path):
            name = str(row.get("name") or "").strip()
            if not name:
                raise UsageError(f"{path}, {place}: there is no name; it has {', '.join(map(str, row))}.")
            known = merged.setdefault(plain_name(name), {})
            known.update({column: str(value).strip() for column, value in row.items() if value is not None})
    digests = DigestCache(store.root / "digests.parquet")
    found = catalogue(read_sources(clips), digests)
    digests.save()
    words = {clip.digest: _words(clip) for clip in found.clips}
    at_hand = {plain_name(source.name): source for source in found.sources if source.clip in words}
    examples = [_example(row, at_hand[name], words) for name, row in merged.items() if name in at_hand]
    if not examples:
        raise UsageError(f"None of the {len(merged):,} names in {files[0]} is a clip of {clips}.")
    unknown = sorted(set(merged) - set(at_hand))
    return ExampleSet(", ".join(path.name for path in files), _once(examples), _names(found.sources), unknown)


def benchmark_sets(labels: Path | None, clips: Sequence[str], store: Store) -> list[BenchmarkSet]:
    """Test sets by their gold labels under ``labels`` (as for ``mercap unibench``), and by the media in ``clips``."""
    sets: list[BenchmarkSet] = []
    if labels is not None:
        for dataset in DATASETS.values():
            try:
                find_gold(dataset, labels)
            except UsageError:
                continue  # people have some of the nine
            sets.append(BenchmarkSet(dataset.name, frozenset(map(plain_name, load_gold(dataset, labels).names))))
        if not sets:
            raise UsageError(f"{labels} has no gold labels of any test set of MER-UniBench.")
    digests = DigestCache(store.root / "digests.parquet")
    for source in clips:
        found = catalogue(read_sources(source), digests).sources
        names, contents = {plain_name(one.name) for one in found}, {one.clip for one in found if one.clip}
        sets.append(BenchmarkSet(Path(source).name, frozenset(names), frozenset(contents)))
    digests.save()
    return sets


def _words(clip: Clip) -> str:
    """What the subtitle beside the clip says."""
    if clip.subtitle is None:
        return ""
    try:
        return " ".join(segment.text for segment in parse_subtitle(clip.subtitle, clip.name))
    except CellFailure as fault:
        raise UsageError(f"The subtitle of {clip.name} cannot be read: {fault}.") from None


def _example(row: dict[str, str], source: Source, words: dict[str, str]) -> Example:
    assert source.clip is not None
    return Example(
        clip=source.clip,
        name=source.name,
        subtitle=_first(row, _SUBTITLES) or words[source.clip],
        description=_first(row, _DESCRIPTIONS) or None,
        labels=parse_labels(_first(row, _LABELS)),
    )


def _first(row: dict[str, str], columns: Sequence[str]) -> str:
    return next((row[column] for column in columns if row.get(column)), "")


def _once(examples: list[Example]) -> list[Example]:
    """One example per content: a clip under two names is trained on once."""
    return list({one.clip: one for one in reversed(examples)}.values())[::-1]


def _names(sources: Sequence[Source]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one in sources:
        if one.clip:
            found[one.clip] = (*found.get(one.clip, ()), one.name)
    return found
