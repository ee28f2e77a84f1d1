"""The configuration of an AffectGPT model: which features come in, how they are fused, which language model answers.

Encoders are not part of the model: it takes their features, `steps` x `dim` numbers per clip and stream. Building a
configuration costs nothing and downloads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig, PreTrainedConfig, Qwen2Config

from mercap.errors import UsageError

STREAMS = ("fused", "audio", "face")  # what can stand in a prompt as soft tokens
FUSIONS = ("attention", "qformer", "aligned", "additive", "none")
POOLINGS = ("linear", "mean", "softmax", "qformer")
PAPER_LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class AffectGPTConfig(PreTrainedConfig):  # type: ignore[misc]
    """A language model and the soft tokens it is given.

    ``text_config``: the configuration of any causal language model of transformers, or its dictionary with a
    ``model_type``. ``face_steps`` x ``face_dim`` and ``audio_steps`` x ``audio_dim``: the features of one clip;
    ``face_step_tokens`` vectors in a row belong to one frame (the 2024 model has 32 per frame). ``fused_tokens``,
    ``audio_tokens``, ``face_tokens``: how many soft tokens a clip has of each stream, and ``stream_order`` in which
    order they stand in the prompt, under the placeholder ids. ``fusion_size`` (default: the wider of the two streams)
    is the width in which face and voice meet. ``*_positions`` and ``qformer_*`` concern Q-Formers alone.
    ``idle_image_projector`` adds a projector that the published model carries and never uses. ``lora_rank`` 0 means a
    language model that is frozen as a whole.

    Raises UsageError naming the field.
    """

    model_type = "affectgpt"
    sub_configs = {"text_config": AutoConfig}  # noqa: RUF012 - transformers reads a class attribute

    def __init__(
        self,
        text_config: PreTrainedConfig | Mapping[str, Any] | None = None,
        *,
        face_steps: int = 8,
        face_dim: int = 768,
        face_step_tokens: int = 1,
        audio_steps: int = 8,
        audio_dim: int = 1024,
        fusion: str = "attention",
        pooling: str = "linear",
        fusion_size: int | None = None,
        fused_tokens: int = 1,
        audio_tokens: int = 1,
        face_tokens: int = 1,
        stream_order: Sequence[str] | None = None,
        fused_token_id: int = 151665,
        audio_token_id: int = 151666,
        face_token_id: int = 151667,
        qformer_size: int = 768,
        qformer_layers: int = 2,
        qformer_heads: int = 12,
        fused_positions: int = 264,
        audio_positions: int = 8,
        face_positions: int = 32,
        idle_image_projector: bool = False,
        lora_rank: int = 16,
        lora_alpha: float = 32,
        lora_dropout: float = 0.05,
        lora_targets: Sequence[str] = PAPER_LINEARS,
        **options: Any,
    ) -> None:
        self.text_config = _language_model(text_config)
        self.face_steps, self.face_dim, self.face_step_tokens = face_steps, face_dim, face_step_tokens
        self.audio_steps, self.audio_dim = audio_steps, audio_dim
        self.fusion, self.pooling = fusion, pooling
        self.fusion_size = max(face_dim, audio_dim) if fusion_size is None else fusion_size
        self.fused_tokens, self.audio_tokens, self.face_tokens = fused_tokens, audio_tokens, face_tokens
        present = [stream for stream in STREAMS if getattr(self, f"{stream}_tokens")]
        self.stream_order = present if stream_order is None else list(stream_order)
        self.fused_token_id, self.audio_token_id, self.face_token_id = fused_token_id, audio_token_id, face_token_id
        self.qformer_size, self.qformer_layers, self.qformer_heads = qformer_size, qformer_layers, qformer_heads
        self.fused_positions, self.audio_positions = fused_positions, audio_positions
        self.face_positions = face_positions
        self.idle_image_projector = idle_image_projector
        self.lora_rank, self.lora_alpha, self.lora_dropout = lora_rank, lora_alpha, lora_dropout
        self.lora_targets = list(lora_targets)
        self._check()
        options.setdefault("tie_word_embeddings", bool(getattr(self.text_config, "tie_word_embeddings", False)))
        super().__init__(**options)

    @property
    def hidden_size(self) -> int:
        """The width of the language model's embeddings, which soft tokens have."""
        return int(self.text_config.get_text_config().hidden_size)

    @property
    def clip_tokens(self) -> list[int]:
        """The placeholder ids of one clip, in the order they must stand in a prompt."""
        return [
            getattr(self, f"{stream}_token_id")
            for stream in self.stream_order
            for _ in range(getattr(self, f"{stream}_tokens"))
        ]

    def _check(self) -> None:
        self._check_numbers()
        self._check_choices()
        self._check_streams()
        self._check_positions()

    def _check_numbers(self) -> None:
        sizes = ("face_steps", "face_dim", "face_step_tokens", "audio_steps", "audio_dim", "fusion_size",
                 "qformer_size", "qformer_layers", "qformer_heads",
                 "fused_positions", "audio_positions", "face_positions")  # fmt: skip
        for field in sizes:
            _whole(field, getattr(self, field), least=1)
        for field in (*(f"{stream}_tokens" for stream in STREAMS), "lora_rank"):
            _whole(field, getattr(self, field), least=0)
        for stream in STREAMS:
            _whole(f"{stream}_token_id", getattr(self, f"{stream}_token_id"), least=0)
        if not 0 <= self.lora_dropout < 1:
            raise UsageError(f"lora_dropout must be at least 0 and below 1, not {self.lora_dropout}.")
        if not self.lora_alpha > 0:
            raise UsageError(f"lora_alpha must be above 0, not {self.lora_alpha}.")

    def _check_choices(self) -> None:
        for field, choices in (("fusion", FUSIONS), ("pooling", POOLINGS)):
            if getattr(self, field) not in choices:
                raise UsageError(f"{field} must be one of {', '.join(choices)}, not {getattr(self, field)!r}.")
        if self.lora_rank and not self.lora_targets:
            raise UsageError("lora_targets must name at least one kind of layer, or lora_rank be 0.")
        if "qformer" in (self.fusion, self.pooling) and self.qformer_size % self.qformer_heads:
            raise UsageError(
                f"qformer_size ({self.qformer_size}) must be a multiple of qformer_heads ({self.qformer_heads})."
            )

    def _check_streams(self) -> None:
        if (self.fusion == "none") != (self.fused_tokens == 0):
            raise UsageError(f"fused_tokens is {self.fused_tokens}, but fusion is {self.fusion!r}: none has no token.")
        present = {stream for stream in STREAMS if getattr(self, f"{stream}_tokens")}
        if not present:
            raise UsageError("fused_tokens, audio_tokens and face_tokens are all 0: the clip would not be seen.")
        if sorted(self.stream_order) != sorted(present):
            raise UsageError(
                f"stream_order must name each of {', '.join(sorted(present))} once, "
                f"not {', '.join(map(str, self.stream_order)) or 'nothing'}."
            )
        ids = [getattr(self, f"{stream}_token_id") for stream in sorted(present)]
        if len(set(ids)) < len(ids):
            raise UsageError("fused_token_id, audio_token_id and face_token_id must differ.")

    def _check_positions(self) -> None:
        if self.face_steps % self.face_step_tokens:
            raise UsageError(
                f"face_steps ({self.face_steps}) must be a multiple of face_step_tokens ({self.face_step_tokens})."
            )
        if self.fusion == "aligned" and self.fused_tokens > max(self.face_steps, self.audio_steps):
            raise UsageError(f"fused_tokens ({self.fused_tokens}) must not exceed the steps of both streams.")
        needs = {"fused_positions": self.face_steps + self.audio_steps} if self.fusion == "qformer" else {}
        if self.pooling == "qformer":
            needs["face_positions"] = self.face_steps // self.face_step_tokens
            needs["audio_positions"] = self.audio_steps
        for field, needed in needs.items():
            if getattr(self, field) < needed:
                raise UsageError(f"{field} must be at least {needed}, one per step, not {getattr(self, field)}.")


def _language_model(given: PreTrainedConfig | Mapping[str, Any] | None) -> Any:
    """A configuration object; without one, the default of Qwen2 (transformers makes a default of every config)."""
    if given is None:
        return Qwen2Config()
    if isinstance(given, PreTrainedConfig):
        return given
    settings = dict(given)
    kind = settings.pop("model_type", None)
    if not isinstance(kind, str):
        raise UsageError("text_config must name its model_type, such as 'qwen2'.")
    try:
        return AutoConfig.for_model(kind, **settings)
    except (ValueError, TypeError, StrictDataclassError) as error:
        why = " ".join(str(error).split())[:200].rstrip(".")
        raise UsageError(f"text_config: transformers makes no configuration of {kind!r} from this: {why}.") from error


def _whole(field: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UsageError(f"{field} must be a whole number of at least {least}, not {value!r}.")
