"""Answers of a trained model about the clips of a store, or about one clip by hand."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mercap.affectgpt.encoders.options import FEATURE_MEDIA, EncoderOptions, feature_key
from mercap.affectgpt.encoders.table import STREAMS, Stream
from mercap.affectgpt.example import Target
from mercap.affectgpt.features import OK, FeaturesInMemory, FeatureStream
from mercap.backends.torchaudio_repair import repair_torchaudio
from mercap.errors import UsageError
from mercap.identity import digest_config
from mercap.media.derived import derived_folder
from mercap.media.policy import MediaLimits
from mercap.media.sampling import Sample
from mercap.workers.operations import Media
from mercap.workers.pool import Request, WorkerPool
from storage.answers import AnswerFile
from storage.captions import Words, read_words
from storage.digests import DigestCache
from storage.feature_choice import command, made_by
from storage.features import FEATURES, FeatureFolder
from storage.store import Store
from tasks.train import check_extra

if TYPE_CHECKING:
    from mercap.affectgpt.inference import Answer
    from mercap.affectgpt.record import Trained

BATCH_CPU, BATCH_GPU = 8, 256


class Asking(NamedTuple):
    """How a model is asked. ``seed`` None is greedy decoding; ``batch`` None is the device's own."""

    target: Target = "labels"
    batch: int | None = None
    max_new_tokens: int = 256
    seed: int | None = None


class Progress(NamedTuple):
    """``clips`` of ``total`` answered so far, ``left_out`` by reason."""

    clips: int
    total: int
    left_out: dict[str, int]


def load(run: Path, *, step: int | None, device: str, download: bool) -> Trained:
    """The trained model on its device. Raises MercapError."""
    check_extra()
    repair_torchaudio()
    from mercap.affectgpt.device import find_device
    from mercap.affectgpt.record import load_trained

    return load_trained(run, find_device(device), step=step, download=download)


def answer_store(trained: Trained, store: Store, out: Path, asking: Asking) -> Iterator[Progress]:
    """Ask about every clip of the published snapshot that has features and no answer in ``out`` yet. Resumable."""
    from mercap.affectgpt.inference import Question

    features = {stream: _features_of(store, identity) for stream, identity in trained.record.encoders.items()}
    file = AnswerFile(out, asked_by(trained, asking))
    names: dict[str, Words] = {words.clip: words for words in read_words(store)}
    states = {clip: _state(clip, features) for clip in names}
    ready = [words for clip, words in names.items() if states[clip] == OK]
    left_out = dict(sorted(Counter(state for state in states.values() if state != OK).items()))
    if not ready:
        raise UsageError(f"No clip of {store.root} has the features of this model; run mercap features on them.")
    missing = {one.clip: [name for name in one.names if name not in file.names] for one in ready}
    questions = [Question(one.clip, one.names[0], one.transcript) for one in ready if missing[one.clip]]
    done = len(ready) - len(questions)
    yield Progress(done, len(ready), left_out)
    for answers in _answerer(trained, features, asking).answers(questions):
        file.write(_row(answer, name, trained, asking) for answer in answers for name in missing[answer.clip])
        done += len(answers)
        yield Progress(done, len(ready), left_out)


def answer_clip(
    trained: Trained, path: Path, words: str, chosen: Mapping[Stream, EncoderOptions], asking: Asking
) -> Answer:
    """One media file, decoded in a guarded worker and encoded here. Raises UsageError where it cannot be read."""
    from mercap.affectgpt.encoders import load_encoder
    from mercap.affectgpt.inference import Question

    features: dict[str, FeatureStream] = {}
    with tempfile.TemporaryDirectory(prefix="mercap-infer-") as scratch, WorkerPool(1) as pool:
        for stream, identity in trained.record.encoders.items():
            encoder = load_encoder(_options(stream, identity, chosen))
            _check_encoder(stream, encoder.identity, identity)
            sample = _sample(pool, path, Path(scratch), encoder.sampling)
            features[stream] = FeaturesInMemory({path.name: encoder.encode([sample])[0]}, identity, encoder.step_tokens)
    answerer = _answerer(trained, features, asking._replace(batch=1))
    answer: Answer = next(answerer.answers([Question(path.name, path.name, words)]))[0]
    return answer


def asked_by(trained: Trained, asking: Asking) -> str:
    """Digest of whatever decides an answer: weights, prompt, question, decoding, features."""
    record, checkpoint = trained.record, trained.checkpoint
    return digest_config(
        {
            "weights": checkpoint.sha256,
            "frozen": checkpoint.run["frozen"],
            "prompt": record.prompt_digest,
            "encoders": record.encoders,
            "asking": {**asking._asdict(), "batch": None},
        }
    )[:16]


def _answerer(trained: Trained, features: Mapping[str, FeatureStream], asking: Asking) -> Any:
    from mercap.affectgpt.inference import Answerer

    own = 1 if asking.seed is not None else BATCH_GPU if trained.model.device.type == "cuda" else BATCH_CPU
    return Answerer(
        trained.model,
        trained.writer,
        trained.tokenizer,
        features,
        target=asking.target,
        batch=asking.batch or own,
        max_new_tokens=asking.max_new_tokens,
        seed=asking.seed,
    )


def _row(answer: Answer, name: str, trained: Trained, asking: Asking) -> dict[str, Any]:
    return {
        "name": name,
        "clip": answer.clip,
        "response": answer.response,
        "question": asking.target,
        "step": trained.checkpoint.step,
        "tokens": answer.tokens,
        "cut": answer.cut,
    }


def _features_of(store: Store, identity: dict[str, Any]) -> FeatureFolder:
    folder = store.root / FEATURES / feature_key(identity)
    if not (folder / "encoder.json").exists():
        raise UsageError(
            f"{store.root} has no features of {identity['kind']} at revision {identity['revision']}, which this model "
            f"reads; make them with: {command(made_by(identity), store.root)}"
        )
    return FeatureFolder(folder)


def _state(clip: str, features: Mapping[str, FeatureFolder]) -> str:
    return next((state for one in features.values() if (state := one.status(clip)) != OK), OK)


def _options(stream: str, identity: dict[str, Any], chosen: Mapping[Stream, EncoderOptions]) -> EncoderOptions:
    place = next(one for one in STREAMS if one == stream)
    if place in chosen:
        return chosen[place]
    if identity["model"] == "folder":
        kind = identity["kind"]
        raise UsageError(f"The model was trained with an encoder {kind} from a folder: name it with --{stream}-model.")
    return made_by(identity)


def _check_encoder(stream: str, here: dict[str, Any], trained: dict[str, Any]) -> None:
    """That an encoder makes the numbers the model was trained on."""
    field = next((name for name in sorted({*here, *trained}) if here.get(name) != trained.get(name)), None)
    if field is not None:
        raise UsageError(
            f"The encoder {trained['kind']} is not the one the model was trained with: its {field} is "
            f"{here.get(field)!r}, and was {trained.get(field)!r}; give the right one with --{stream}-model."
        )


def _sample(pool: WorkerPool, path: Path, scratch: Path, sampling: Any) -> Sample:
    try:
        digest, state = DigestCache(scratch / "digests.parquet").digest(path)
    except OSError as fault:
        raise UsageError(f"{path} cannot be read: {fault.strerror}.") from None
    limits = MediaLimits()
    media = Media(
        path=path.resolve(),
        size=state.size,
        mtime_ns=state.mtime_ns,
        folder=derived_folder(scratch, digest, FEATURE_MEDIA),
        policy=FEATURE_MEDIA,
        limits=limits,
    )
    arguments = {"media": media.model_dump(mode="json"), "sampling": sampling.model_dump(mode="json")}
    outcome = pool.run(Request("sample", arguments, limits.work_seconds))
    if outcome.status != "ok":
        raise UsageError(f"{path} cannot be answered: {outcome.message or outcome.cause}.")
    return Sample.model_validate_json(outcome.payload or "")
