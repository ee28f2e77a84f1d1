"""Chat with a model that vLLM runs inside this process, a whole batch at once.

Needs the package vllm (docs/vllm.md: an environment of its own, usually a GPU) and a model in Hugging Face's format: a
folder, or a name that lies in the local cache. Nothing is downloaded unless asked for. Starting the engine takes from
half a minute to several, so a process starts one and keeps it.

Conversations and answers have the form that chat endpoints have, so that the same code writes and reads both.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mercap.backends.snapshot import find_model, first_line
from mercap.errors import CellFailure, EndpointError, UsageError

if TYPE_CHECKING:
    from vllm import LLM, RequestOutput, SamplingParams

# To be known before the package is imported. It reports its use to its makers and logs each setting to standard output
# unless told otherwise; and an engine in a process of its own that is killed leaves its client waiting for ever.
_ENVIRONMENT = {
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
}

# Without blanks that a schema allows anywhere: small models go on with them until the answer is cut off.
_SCHEMAS = {"backend": "xgrammar", "disable_any_whitespace": True}


class VllmEngine:
    """One engine: loaded on first use and kept for the life of the process.

    ``model`` is a folder or a name on the hub, ``revision`` of a name only. ``max_model_len`` is the window in tokens,
    the model's own by default. ``gpu_memory_utilization`` is a share of the device's memory (of a CPU's: see
    docs/vllm.md), ``tensor_parallel_size`` a number of devices. ``media_max`` is the most "image", "audio" and "video"
    parts of one conversation; what is not named is not limited, and naming it saves memory, which vLLM sets aside for
    the largest conversation there can be. ``download`` allows a name to be fetched.
    """

    def __init__(
        self,
        model: str,
        *,
        revision: str | None = None,
        dtype: str = "auto",
        max_model_len: int | None = None,
        gpu_memory_utilization: float = 0.9,
        tensor_parallel_size: int = 1,
        media_max: Mapping[str, int] | None = None,
        download: bool = False,
    ) -> None:
        self.model = model
        self.revision = revision
        self.dtype = dtype
        self.max_model_len = max_model_len
        self.gpu_memory_utilization = gpu_memory_utilization
        self.tensor_parallel_size = tensor_parallel_size
        self.media_max = media_max
        self.download = download

    def chat(
        self,
        conversations: Sequence[list[dict[str, Any]]],
        *,
        temperature: float,
        max_tokens: int,
        seed: int | None,
        schema: dict[str, Any] | None,
    ) -> list[dict[str, Any] | CellFailure]:
        """An answer for each conversation, in their order: the body of a chat completion, or why there is none.

        A conversation that the engine refuses (longer than the window, more pictures than it takes, a picture that is
        none) or gives up on is a CellFailure in its place, not raised: the others are answered all the same.
        ``schema`` is a JSON schema that every answer is held to. Nothing but what is given here decides how tokens are
        drawn: a model's generation_config.json is not asked.

        Raises UsageError when the engine cannot be started, EndpointError when it fails in its work.
        """
        llm = self._llm  # before anything else of the package is imported
        found = self._ask(llm, conversations, _sampling(temperature, max_tokens, seed, schema))
        return [one if isinstance(one, CellFailure) else self._answer(one) for one in found]

    def locate(self) -> Path:
        """The folder the model will be loaded from. Raises UsageError where there is none, or it is no model's."""
        folder = find_model("model", self.model, revision=self.revision, download=self.download)
        if not (folder / "config.json").is_file():
            raise UsageError(f"The model {self.model!r} lacks config.json; give a folder in Hugging Face's format.")
        return folder

    @functools.cached_property
    def _llm(self) -> LLM:
        """Raises UsageError."""
        folder = self.locate()
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        try:
            from vllm import LLM
        except (ImportError, OSError, RuntimeError) as fault:
            raise UsageError(f"The package vllm cannot be imported: {first_line(fault)}.") from fault
        try:
            return LLM(
                str(folder),
                dtype=self.dtype,
                max_model_len=self.max_model_len,
                gpu_memory_utilization=self.gpu_memory_utilization,
                tensor_parallel_size=self.tensor_parallel_size,
                limit_mm_per_prompt=dict(self.media_max or {}),
                structured_outputs_config=_SCHEMAS,
            )
        except Exception as fault:  # its ways to fail are many: memory, a model it does not know, a device
            raise UsageError(
                f"The vLLM engine of {self.model!r} did not start: {first_line(fault)}; its own log above says more."
            ) from fault

    def _ask(
        self, llm: LLM, conversations: Sequence[list[dict[str, Any]]], sampling: SamplingParams
    ) -> list[RequestOutput | CellFailure]:
        """What vLLM says to each conversation, in their order. Raises EndpointError."""
        from vllm.exceptions import VLLMClientError

        asked: list[str] = []
        refused: dict[int, CellFailure] = {}
        try:
            for place, conversation in enumerate(conversations):
                try:
                    asked += llm.enqueue_chat(conversation, sampling, use_tqdm=False)
                except (VLLMClientError, ValueError, OSError) as fault:  # OSError: a picture that cannot be read
                    refused[place] = CellFailure("backend", f"vLLM refuses the question: {first_line(fault)}")
            found = iter(self._wait(llm))
        except EndpointError:
            raise
        except BaseException:  # what stays in the engine would come out among the answers to the next call
            llm.llm_engine.abort_request(asked, internal=True)
            raise
        return [refused[place] if place in refused else next(found) for place in range(len(conversations))]

    def _wait(self, llm: LLM) -> list[RequestOutput]:
        """Answers in the order of asking. Raises EndpointError: what failed in its work is not asked again."""
        try:
            found: list[RequestOutput] = llm.wait_for_completion(use_tqdm=False)
        except Exception as fault:
            raise EndpointError(
                f"The vLLM engine of {self.model!r} has failed ({first_line(fault)}); what was answered before this "
                "batch is kept, run again."
            ) from fault
        return found

    def _answer(self, output: RequestOutput) -> dict[str, Any] | CellFailure:
        """The body of a chat completion."""
        choice = output.outputs[0]
        if choice.finish_reason not in ("stop", "length"):
            return CellFailure("backend", f"vLLM ended the answer with {choice.finish_reason!r}", retryable=True)
        tokens_in, tokens_out = len(output.prompt_token_ids or ()), len(choice.token_ids)
        return {
            "id": f"chatcmpl-{output.request_id}", "object": "chat.completion", "created": int(time.time()),
            "model": Path(self.model).name if Path(self.model).expanduser().is_dir() else self.model,
            "choices": [{
                "index": 0, "finish_reason": choice.finish_reason, "logprobs": None,
                "message": {"role": "assistant", "content": choice.text, "refusal": None},
            }],
            "usage": {
                "prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out,
            },
        }  # fmt: skip


def _sampling(temperature: float, max_tokens: int, seed: int | None, schema: dict[str, Any] | None) -> SamplingParams:
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    held = None if schema is None else StructuredOutputsParams(json=schema)
    return SamplingParams(temperature=temperature, max_tokens=max_tokens, seed=seed, structured_outputs=held)
