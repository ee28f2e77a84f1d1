"""The processor that belongs to an AffectGPT model: words and a question in, model inputs out.

Features of face and voice are not its work: they come from encoders, and beside its output go into the model as
``face`` and ``audio``. `AutoProcessor` finds it once this module is imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import AutoProcessor, BatchFeature, ProcessorMixin, Qwen2Config

from mercap.affectgpt.collate import pad
from mercap.affectgpt.config import AffectGPTConfig
from mercap.affectgpt.example import Target
from mercap.affectgpt.prompt import PromptWriter
from mercap.errors import UsageError
from prompts import Prompt, load_prompt

PROMPT = "train/v1.en"
_FIELDS = ("fusion", "stream_order", "fused_tokens", "audio_tokens", "face_tokens",
           "fused_token_id", "audio_token_id", "face_token_id")  # fmt: skip
_TOKENS = ("bos_token_id", "pad_token_id")


class AffectGPTProcessor(ProcessorMixin):  # type: ignore[misc]
    """``layout`` says which soft tokens a clip has and how a text begins (`layout_of`); ``prompt`` is the text of a
    prompt file, and is saved whole, so that a model is asked as it was trained wherever it goes.

    Raises UsageError for a prompt that does not fit the layout.
    """

    def __init__(self, tokenizer: Any = None, layout: dict[str, Any] | None = None, prompt: str | None = None) -> None:
        super().__init__(tokenizer)
        if layout is None:
            raise UsageError("A processor needs the layout of its model: layout_of(model.config).")
        text = load_prompt(PROMPT).text if prompt is None else prompt
        self.layout, self.prompt = layout, text
        tokens = {name: layout[name] for name in _TOKENS}
        config = AffectGPTConfig(Qwen2Config(**tokens), **{name: layout[name] for name in _FIELDS})
        self._config = config
        self._writer = PromptWriter(tokenizer, config, Prompt("the processor's prompt", text, ""))

    def __call__(self, subtitles: Sequence[str], question: Target = "labels", **_: Any) -> BatchFeature:
        """Prompts for one clip per subtitle, padded on the left: (B, T) ids, attention mask and soft mask."""
        rows = [self._writer.question(str(number), words, question) for number, words in enumerate(subtitles)]
        batch = pad(rows, self._config, {}, side="left")
        found = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask, "soft_mask": batch.soft_mask}
        return BatchFeature(found)

    def batch_decode(self, *args: Any, **options: Any) -> list[str]:
        """Answers as text, special tokens left out."""
        found: list[str] = self.tokenizer.batch_decode(*args, **({"skip_special_tokens": True} | options))
        return found


def layout_of(config: AffectGPTConfig) -> dict[str, Any]:
    """What a processor must know of a model."""
    text = config.text_config.get_text_config()
    return {name: getattr(config, name) for name in _FIELDS} | {name: getattr(text, name) for name in _TOKENS}


AutoProcessor.register(AffectGPTConfig, AffectGPTProcessor, exist_ok=True)
