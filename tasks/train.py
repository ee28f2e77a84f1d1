"""One training run: examples and features from the store, a model from its preset, and the loop over both."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mercap.affectgpt.encoders import load_encoder
from mercap.affectgpt.encoders.options import EncoderOptions, feature_key, options_of
from mercap.affectgpt.encoders.table import ENCODERS_OF, STREAMS, Stream
from mercap.affectgpt.example import Target
from mercap.affectgpt.leakage import BenchmarkSet, Leak, find_leaks
from mercap.affectgpt.training.options import TrainingOptions
from mercap.backends.torchaudio_repair import repair_torchaudio
from mercap.errors import MissingExtra, UsageError
from mercap.identity import digest_file
from prompts import UnknownPrompt, load_prompt
from storage.feature_choice import command
from storage.features import FEATURES, FeatureFolder
from storage.store import Store
from tasks.examples import ExampleSet

if TYPE_CHECKING:
    from mercap.affectgpt.data import TrainingData
    from mercap.affectgpt.training.events import Event

# What each model preset answers with, unless told otherwise. Vicuna v0 was published as a difference to LLaMA.
LANGUAGE_MODELS: dict[str, str | None] = {
    "affectgpt_2025": "Qwen/Qwen2.5-7B-Instruct",
    "affectgpt_2024": None,
    "modern": "Qwen/Qwen3-8B",
    "tiny": None,
}
ENABLE = "uv pip install -e '.[train]'"
_NEEDED = ("torch", "transformers", "peft", "safetensors")


class ModelChoice(NamedTuple):
    """Which model: a preset, a language model (None: the preset's), and the prompt it is asked with."""

    preset: str
    language_model: str | None
    revision: str | None
    download: bool
    prompt: str


class Prepared(NamedTuple):
    """A run that can begin. ``model`` is of `make_trainable`; ``about`` goes into the report.

    ``start`` is the run it begins with, ``identity`` what else it is made of: the digest of published weights.
    """

    model: Any
    data: TrainingData
    options: TrainingOptions
    folder: Path
    start: Path | None
    identity: dict[str, Any]
    about: dict[str, Any]


def missing_packages() -> list[str]:
    """What must be installed before a model can be trained or asked."""
    return [name for name in _NEEDED if find_spec(name) is None]


def check_extra() -> None:
    """Raises MissingExtra where training cannot run."""
    if missing := missing_packages():
        raise MissingExtra(" and ".join(missing), ENABLE)


def without_leaks(
    found: ExampleSet, benchmarks: Sequence[BenchmarkSet], *, drop: bool
) -> tuple[ExampleSet, list[Leak]]:
    """The examples that no test set holds. Raises UsageError where there are leaks and ``drop`` does not allow them."""
    leaks = find_leaks(found.examples, found.names, benchmarks)
    if leaks and not drop:
        first = leaks[0]
        raise UsageError(
            f"{len(leaks):,} of {len(found.examples):,} examples are in a test set, the first is {first.example!r} in "
            f"{first.benchmark} by {first.by}; leave them out with --drop-leaked."
        )
    leaked = {leak.example for leak in leaks}
    return found._replace(examples=[one for one in found.examples if one.name not in leaked]), leaks


def find_features(store: Store, preset: str, chosen: Mapping[Stream, EncoderOptions]) -> dict[str, FeatureFolder]:
    """The features of the encoders chosen, else of the preset's. Raises UsageError with the command that makes them."""
    if preset not in ENCODERS_OF:
        raise UsageError(f"There is no model preset {preset!r}; there are {', '.join(ENCODERS_OF)}.")
    wanted = {stream: chosen.get(stream) or options_of(preset, stream) for stream in STREAMS}
    return {stream: _features(store, options) for stream, options in wanted.items()}


def _features(store: Store, options: EncoderOptions) -> FeatureFolder:
    """Of an encoder without weights, those that this version of it makes: it changes with the program alone."""
    if options.row.model is not None:
        return FeatureFolder.find(store.root, options)
    folder = store.root / FEATURES / feature_key(load_encoder(options).identity)
    if not (folder / "encoder.json").exists():
        raise UsageError(
            f"{store.root} holds no {options.reads} features of {options.kind}, as this version of mercap makes them; "
            f"make them with: {command(options, store.root)}"
        )
    return FeatureFolder(folder)


def prepare(
    folder: Path,
    choice: ModelChoice,
    found: ExampleSet,
    features: dict[str, FeatureFolder],
    options: TrainingOptions,
    targets: tuple[Target, ...],
    tokens_max: int,
    start: Path | None = None,
) -> Prepared:
    """Load, tokenise and assemble; write what the run is made of into ``folder``. Raises MercapError.

    ``start`` is another run, or a file of AffectGPT's published weights.
    """
    check_extra()
    repair_torchaudio()
    from mercap.affectgpt.assembly import assemble, configure, drawn_from
    from mercap.affectgpt.data import TrainingData
    from mercap.affectgpt.device import find_device
    from mercap.affectgpt.lora import make_trainable
    from mercap.affectgpt.prompt import PromptWriter
    from mercap.affectgpt.record import Record, language_model_folder, write_record
    from mercap.affectgpt.released import load_released
    from mercap.affectgpt.tokenizer import load_tokenizer
    from mercap.affectgpt.training.device import in_half
    from mercap.affectgpt.training.distributed import find_world

    wanted = _language_model(folder, choice)
    place = language_model_folder(folder, wanted, download=choice.download)
    tokenizer = load_tokenizer(place)
    config = configure(choice.preset, place, features, tokenizer, lora_dropout=options.lora_dropout)
    try:
        prompt = load_prompt(choice.prompt)
    except UnknownPrompt as fault:
        raise UsageError(f"--prompt: {fault}.") from None
    longest = min(tokens_max, options.pack_tokens or tokens_max)
    data = TrainingData(found.examples, PromptWriter(tokenizer, config, prompt), features, targets, longest)
    device = find_device(options.device, find_world().local_rank)
    model = assemble(config, place, seed=options.seed, half=in_half(options, device))
    with drawn_from(options.seed):
        model = make_trainable(model)
    about = _about(found, data, targets)
    record = Record(
        preset=choice.preset,
        language_model=_resolved(wanted, place),
        prompt=prompt.name,
        prompt_digest=prompt.digest,
        encoders={stream: one.identity for stream, one in features.items()},
        data=about,
        training=options.model_dump(mode="json"),
    )
    if find_world().first:
        write_record(folder, record, config, tokenizer, prompt)
    published = start is not None and is_published(start)
    if published and start is not None:
        load_released(model, start)
    identity = {"published": digest_file(start)} if published and start is not None else {}
    return Prepared(model, data, options, folder, None if published else start, identity, about)


def is_published(start: Path) -> bool:
    """Whether a file holds published weights: checkpoints of ours have a .json beside them, which vouches for them."""
    return start.is_file() and not start.with_suffix(".json").is_file()


def run(prepared: Prepared, *, until: int | None, stop: threading.Event | None = None) -> Iterator[Event]:
    """Train, and leave the adapter and a picture of the loss. Raises MercapError."""
    from mercap.affectgpt.record import export_adapter
    from mercap.affectgpt.training.distributed import find_world
    from mercap.affectgpt.training.events import EVENTS, read_events
    from mercap.affectgpt.training.loop import fit
    from mercap.affectgpt.training.plot import plot_loss

    model, data, options, folder = prepared.model, prepared.data, prepared.options, prepared.folder
    start, identity = prepared.start, prepared.identity
    yield from fit(model, data, options, folder, start=start, identity=identity, until=until, stop=stop)
    if not find_world().first:
        return
    export_adapter(folder, model)
    plot_loss(read_events(folder / EVENTS), folder / "loss.png")


def _language_model(folder: Path, choice: ModelChoice) -> Any:
    from mercap.affectgpt.assembly import write_tiny_language_model
    from mercap.affectgpt.record import OWN_LANGUAGE_MODEL, LanguageModel

    if choice.language_model is not None:
        given = Path(choice.language_model).expanduser()
        model = str(given.resolve()) if given.is_dir() else choice.language_model
        return LanguageModel(model=model, revision=choice.revision)
    if choice.preset == "tiny":
        if not (folder / OWN_LANGUAGE_MODEL / "config.json").exists():
            write_tiny_language_model(folder / OWN_LANGUAGE_MODEL)
        return LanguageModel(model=OWN_LANGUAGE_MODEL)
    named = LANGUAGE_MODELS[choice.preset]
    if named is None:
        raise UsageError(f"{choice.preset} needs --language-model: a folder of Vicuna-7B, as safetensors.")
    return LanguageModel(model=named, revision=choice.revision)


def _resolved(wanted: Any, place: Path) -> Any:
    """With the commit that was found, so that the same one is loaded ever after."""
    if place.parent.name == "snapshots":
        return wanted.model_copy(update={"revision": place.name})
    return wanted


def _about(found: ExampleSet, data: TrainingData, targets: tuple[Target, ...]) -> dict[str, Any]:
    reasons = Counter(one.reason for one in data.left_out)
    return {
        "origin": found.origin,
        "digest": data.digest,
        "examples": len(data),
        "targets": list(targets),
        "left_out": dict(sorted(reasons.items())),
        "unknown_names": len(found.unknown),
    }
