"""A tiny LLaVA that answers each of its system prompts with one reply to pictures, and with another to blackness."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import CLIPVisionConfig, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

from tests.engines.lessons import Lesson, teach
from tests.engines.wording import IMAGE, UNKNOWN, decoder_config, make_tokenizer

SIDE, PATCH = 32, 16  # pixels
TOKENS_PER_IMAGE = (SIDE // PATCH) ** 2
IMAGES_MOST = 8
BLACK = 0.015  # of full brightness


def build(folder: Path, replies: Sequence[tuple[str, str, str]]) -> Path:
    """Write a model to ``folder`` that takes one to eight pictures in a message.

    ``replies`` are (system prompt, reply, reply where all pictures are black); the user's words do not matter. Raises
    NotLearnt.
    """
    torch.manual_seed(0)
    processor = _processor(replies)

    def draw(chance: random.Random) -> list[Lesson]:
        every = [(one, black) for one in replies for black in (False, True)]
        return [_lesson(chance, one, chance.randint(1, IMAGES_MOST), black) for one, black in every]

    unseen = random.Random("exam")
    exam = [
        _lesson(unseen, one, count, black)
        for one in replies
        for count, black in ((1, False), (4, False), (4, False), (IMAGES_MOST, False), (1, True), (IMAGES_MOST, True))
    ]
    return teach(folder, _model(processor), processor, draw, exam)


def _processor(replies: Sequence[tuple[str, str, str]]) -> LlavaProcessor:
    size = {"height": SIDE, "width": SIDE}
    tokenizer = make_tokenizer(text for one in replies for text in one)
    return LlavaProcessor(
        image_processor=LlavaImageProcessorPil(size=size, crop_size=size, do_center_crop=False),
        tokenizer=tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,  # CLIP's class token, which the strategy leaves out again
        image_token=IMAGE,
        chat_template=tokenizer.chat_template,
    )


def _model(processor: LlavaProcessor) -> LlavaForConditionalGeneration:
    tokenizer = processor.tokenizer
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, projection_dim=32, num_hidden_layers=2, num_attention_heads=2,
        image_size=SIDE, patch_size=PATCH,
    )  # fmt: skip
    config = LlavaConfig(
        vision_config=vision,
        text_config=decoder_config(tokenizer),
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
        image_seq_length=TOKENS_PER_IMAGE,
        vision_feature_layer=-1,
    )
    model = LlavaForConditionalGeneration(config)
    model.model.vision_tower.requires_grad_(False)  # a random eye generalises better than a trained one
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model


def _lesson(chance: random.Random, replies: tuple[str, str, str], count: int, black: bool) -> Lesson:
    system, reply, black_reply = replies
    pictures = [{"type": "image", "image": _picture(chance, black)} for _ in range(count)]
    words = {"type": "text", "text": UNKNOWN * chance.randint(1, 60)}
    return Lesson(system, [words, *pictures], black_reply if black else reply)


def _picture(chance: random.Random, black: bool) -> Image.Image:
    """Patches of colour, few or many, more or less lit and more or less contrasting; or black, but for a trace."""
    draw = np.random.default_rng(chance.getrandbits(32))
    ground, contrast = draw.uniform(80, 255, 3), draw.uniform(0.1, 0.8)
    colours = draw.uniform(0, 255, (chance.randint(2, 12), chance.randint(2, 12), 3))
    lit = BLACK if black else draw.uniform(0.4, 1)
    picture = lit * (contrast * colours + (1 - contrast) * ground)
    return Image.fromarray(picture.astype(np.uint8)).resize((chance.randint(32, 96), chance.randint(32, 96)))
