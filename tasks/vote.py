"""`vote`: one voter's probabilities for one clip. Each voter reads what it declares and nothing else."""

from __future__ import annotations

from filters.voters import VOTERS
from mercap.cues.questions import Messages, audio_messages, frames_messages, video_messages, words_messages
from mercap.cues.replies import read_vote
from mercap.errors import NothingToDo
from mercap.media.excerpt import Excerpt
from mercap.recipe import Voter
from mercap.records import PAYLOADS, Transcript, Vote
from mercap.roles import Asked, RoleOptions
from mercap.workers.pool import Request
from prompts import load_prompt
from tasks.answering import answer_role
from tasks.context import Context, Inputs, in_workers
from tasks.materials import check_file
from tasks.role import Outcomes, Role, Way
from tasks.spec import CellSpec


def run(context: Context, specs: list[CellSpec]) -> Outcomes:
    options = _options(context, specs[0]) if specs else None
    return answer_role(context, specs, ROLE, options, CLASSIFIERS) if options else iter(())


def _options(context: Context, spec: CellSpec) -> Voter:
    return next(voter for voter in context.recipe.vote if voter.name == spec.stage.voter)


def _embedded(context: Context, spec: CellSpec) -> Vote:
    assert spec.stage.voter is not None
    voter = VOTERS[spec.stage.voter]
    inputs = Inputs(context, spec)
    return voter.vote(*(inputs.record(stage, PAYLOADS[stage]) for stage in voter.reads))


def _words(context: Context, spec: CellSpec) -> Transcript:
    transcript = Inputs(context, spec).record("transcribe", Transcript)
    if transcript is None or not transcript.text.strip():
        raise NothingToDo("no_words")
    return transcript


def _messages(context: Context, spec: CellSpec, options: Asked, excerpt: Excerpt | None) -> Messages:
    prompt = load_prompt(options.prompt).text
    reads = _options(context, spec).reads
    if reads == "words":
        return words_messages(prompt, _words(context, spec))
    if excerpt is None:
        check_file(context, spec)
        return video_messages(prompt, spec.clip.path)
    return audio_messages(prompt, excerpt) if reads == "voice" else frames_messages(prompt, excerpt)


def _read(_context: Context, spec: CellSpec, options: Asked, text: str) -> Vote:
    assert spec.stage.voter is not None
    return read_vote(text, options.question, spec.stage.voter)


def _classify(context: Context, specs: list[CellSpec], _role: Role, options: RoleOptions) -> Outcomes:
    values = options.model_dump(mode="json")

    def request(spec: CellSpec) -> Request:
        media = context.media(spec.clip).model_dump(mode="json")
        transcript = (
            Inputs(context, spec).record("transcribe", Transcript) if "transcribe" in spec.stage.upstream else None
        )
        arguments = {"media": media, "options": values, "words": transcript.text if transcript else None}
        return Request("classify", arguments, context.recipe.limits.work_seconds)

    return in_workers(context, specs, request)


ROLE = Role(_embedded, lambda _context, _spec: {}, _messages, _read)
CLASSIFIERS: dict[str, Way] = {"huggingface": _classify}
