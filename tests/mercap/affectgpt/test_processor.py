from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
batches = pytest.importorskip("tests.mercap.affectgpt.batches")

from mercap.affectgpt.presets import tiny  # noqa: E402
from mercap.affectgpt.processor import AffectGPTProcessor, layout_of  # noqa: E402
from mercap.errors import UsageError  # noqa: E402
from tests.mercap.affectgpt.wording import TOKENIZER, writer  # noqa: E402

CONFIG = tiny(fused_tokens=2, face_tokens=3)
PROCESSOR = AffectGPTProcessor(TOKENIZER, layout_of(CONFIG))


def test_the_processor_asks_as_training_does() -> None:
    found = PROCESSOR(["I am fine.", ""], question="labels")
    rows = [writer(CONFIG).question("c", words, "labels").ids for words in ("I am fine.", "")]
    assert [
        ids[mask.bool()].tolist() for ids, mask in zip(found["input_ids"], found["attention_mask"], strict=True)
    ] == rows
    assert found["attention_mask"][1].tolist()[0] == 0, "the shorter prompt is padded on the left"


def test_model_and_processor_in_one_folder_are_found_by_the_auto_classes(tmp_path: Path) -> None:
    model = batches.build(batches.vivid(fused_tokens=2, face_tokens=3))
    model.save_pretrained(tmp_path)
    PROCESSOR.save_pretrained(tmp_path)
    again = transformers.AutoProcessor.from_pretrained(tmp_path)
    loaded = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    assert type(again) is AffectGPTProcessor
    inputs, clips = again(["hello", "a longer line"]), batches.features(model.config, 2)
    assert torch.equal(inputs["input_ids"], PROCESSOR(["hello", "a longer line"])["input_ids"])
    answers = loaded.generate(**inputs, **clips, max_new_tokens=4, do_sample=False)
    assert torch.equal(answers, model.generate(**inputs, **clips, max_new_tokens=4, do_sample=False))
    assert len(again.batch_decode(answers)) == 2


def test_a_prompt_of_ones_own_is_saved_with_the_processor(tmp_path: Path) -> None:
    text = "[fused] {fused}\n[audio] {audio}\n[face] {face}\n[subtitle] {subtitle}\n"
    own = AffectGPTProcessor(
        TOKENIZER, layout_of(CONFIG), f"{text}[description] d?\n[labels] l?\n[after] :\n[named] {{labels}}"
    )
    own.save_pretrained(tmp_path)
    again = AffectGPTProcessor.from_pretrained(tmp_path)
    assert "l?" in TOKENIZER.decode([one for one in again([""])["input_ids"][0].tolist() if one < 259])


def test_a_processor_without_layout_says_where_it_comes_from() -> None:
    with pytest.raises(UsageError, match="layout_of"):
        AffectGPTProcessor(TOKENIZER)
