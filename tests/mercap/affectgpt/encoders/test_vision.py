"""Pictures are prepared and read exactly as transformers itself would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from PIL import Image  # noqa: E402

from mercap.affectgpt.encoders import load_encoder  # noqa: E402
from mercap.affectgpt.encoders.options import EncoderOptions  # noqa: E402
from mercap.affectgpt.encoders.pictures import Normalise, read_preprocessing  # noqa: E402
from mercap.affectgpt.encoders.siglip2 import to_patches  # noqa: E402
from mercap.errors import UsageError  # noqa: E402
from mercap.measures.frame import Frame  # noqa: E402
from mercap.media.sampling import Sample, take_pictures  # noqa: E402
from tests.mercap.affectgpt.encoders import tiny  # noqa: E402
from tests.mercap.affectgpt.encoders.conftest import Load  # noqa: E402

PROCESSORS = {
    "clip": "CLIPImageProcessorPil",
    "siglip2": "SiglipImageProcessorPil",
    "blip2": "BlipImageProcessorPil",
}


def processed(kind: str, folder: str, pictures: Any) -> Any:
    processor = getattr(transformers, PROCESSORS[kind]).from_pretrained(folder)
    images = [Image.fromarray(picture) for picture in pictures]
    return processor(images=images, return_tensors="pt")["pixel_values"]


@pytest.mark.parametrize("kind", sorted(PROCESSORS))
def test_pictures_are_normalised_as_the_models_own_processor_does_to_the_last_bit(load: Load, kind: str) -> None:
    encoder = load(kind)
    clip = tiny.samples(1)[0]
    assert torch.equal(encoder.normalise([clip]), processed(kind, encoder.options.model, clip.pixels))


@pytest.mark.parametrize("kind", sorted(PROCESSORS))
@pytest.mark.parametrize("side", [21, 50, 97])
def test_a_square_of_any_size_is_scaled_as_the_models_own_processor_does_to_the_last_bit(
    load: Load, kind: str, side: int
) -> None:
    encoder = load(kind, crop="frame")
    image = np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)
    frames = [Frame(0.0, np.ascontiguousarray(image[:, :, ::-1]))]
    clip = Sample.of(take_pictures(frames, encoder.sampling))
    assert torch.equal(encoder.normalise([clip])[0], processed(kind, encoder.options.model, [image])[0])


def test_a_frame_is_scaled_and_cut_in_the_middle_as_clips_own_processor_does_to_the_last_bit(load: Load) -> None:
    encoder = load("clip", crop="frame")
    image = np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    frames = [Frame(0.0, np.ascontiguousarray(image[:, :, ::-1]))]
    clip = Sample.of(take_pictures(frames, encoder.sampling))
    assert torch.equal(encoder.normalise([clip])[0], processed("clip", encoder.options.model, [image])[0])


def inputs(encoder: Any) -> tuple[list[Sample], Any]:
    clips = tiny.samples(2)
    return clips, encoder.normalise(clips)


def same(found: Any, expected: Any) -> None:
    assert torch.equal(found, expected.reshape(found.shape))


def test_clip_gives_its_image_features(load: Load) -> None:
    encoder = load("clip", batch=2)
    clips, pixels = inputs(encoder)
    model = transformers.CLIPModel.from_pretrained(encoder.options.model).eval()
    with torch.no_grad():
        same(encoder.features(clips), model.get_image_features(pixel_values=pixels).pooler_output)
    assert encoder.dim == 12


def test_siglip_gives_its_image_features(load: Load) -> None:
    encoder = load("siglip2", batch=2)
    clips, pixels = inputs(encoder)
    model = transformers.SiglipModel.from_pretrained(encoder.options.model).eval()
    with torch.no_grad():
        same(encoder.features(clips), model.get_image_features(pixel_values=pixels).pooler_output)


def test_dinov3_gives_its_cls_vector(load: Load) -> None:
    encoder = load("dinov3", batch=2)
    clips, pixels = inputs(encoder)
    model = transformers.DINOv3ViTModel.from_pretrained(encoder.options.model).eval()
    with torch.no_grad():
        same(encoder.features(clips), model(pixel_values=pixels).pooler_output)


def test_blip2_gives_its_queries_picture_by_picture(load: Load) -> None:
    encoder = load("blip2", batch=2)
    clips, pixels = inputs(encoder)
    model = transformers.Blip2Model.from_pretrained(encoder.options.model).eval()
    with torch.no_grad():
        same(encoder.features(clips), model.get_qformer_features(pixel_values=pixels))
    assert (encoder.step_tokens, encoder.steps) == (4, 8 * 4)


def naflex(folder: Path) -> Any:
    vision = {name: value for name, value in tiny.VISION.items() if name != "image_size"} | {"num_patches": 16}
    model = transformers.Siglip2Model(transformers.Siglip2Config(text_config=tiny.TEXT, vision_config=vision)).eval()
    model.save_pretrained(folder)
    transformers.Siglip2ImageProcessorPil(patch_size=8, max_num_patches=16).save_pretrained(folder)
    return model


def test_siglip2_naflex_sees_the_largest_square_it_has_room_for(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = naflex(tmp_path)
    encoder = load_encoder(EncoderOptions(kind="siglip2", model=str(tmp_path), batch=1, device="cpu"))
    assert encoder.sampling.side == 4 * 8
    clip = tiny.samples(1)[0]
    processor = transformers.Siglip2ImageProcessorPil.from_pretrained(tmp_path)
    given = processor(images=[Image.fromarray(picture) for picture in clip.pixels], return_tensors="pt")
    assert torch.equal(to_patches(encoder.normalise([clip]), 8), given["pixel_values"])
    with torch.no_grad():
        same(encoder.features([clip]), model.get_image_features(**given).pooler_output)


# --- what a model's folder may have wrong --------------------------------------------------------------------------
def rewritten(load: Load, tmp_path: Path, **changes: Any) -> EncoderOptions:
    """The tiny CLIP with another preprocessor_config.json."""
    tiny.build("clip", tmp_path)
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return EncoderOptions(kind="clip", model=str(tmp_path), device="cpu")


def test_a_preprocessor_of_another_size_than_the_model_is_refused(load: Load, tmp_path: Path) -> None:
    options = rewritten(load, tmp_path, size={"shortest_edge": 40}, crop_size={"height": 40, "width": 40})
    with pytest.raises(UsageError, match="sees pictures of 32 pixels, but its preprocessor_config.json makes 40"):
        load_encoder(options)


def test_a_model_of_another_architecture_is_refused_by_name(load: Load, tmp_path: Path) -> None:
    tiny.build("siglip2", tmp_path)
    with pytest.raises(UsageError, match="is of type siglip, which the encoder clip does not read .*--face-model"):
        load_encoder(EncoderOptions(kind="clip", model=str(tmp_path)))


def test_pickled_weights_are_refused_with_the_command_that_converts_them(tmp_path: Path) -> None:
    tiny.build("clip", tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(UsageError, match="no safetensors.*encoders.convert"):
        load_encoder(EncoderOptions(kind="clip", model=str(tmp_path)))


def test_a_checkpoint_that_lacks_weights_is_refused_and_not_drawn_at_random(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    tiny.build("clip", tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["visual_projection.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(UsageError, match=r"no fitting weights for visual_projection\.weight"):
        load_encoder(EncoderOptions(kind="clip", model=str(tmp_path)))


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
def test_a_lost_or_broken_json_is_named(tmp_path: Path, name: str) -> None:
    tiny.build("clip", tmp_path)
    options = EncoderOptions(kind="clip", model=str(tmp_path))
    (tmp_path / name).write_text("{")
    with pytest.raises(UsageError, match=f"The {name} of .* is not valid JSON"):
        load_encoder(options)
    (tmp_path / name).unlink()
    with pytest.raises(UsageError, match=f"lacks {name}"):
        load_encoder(options)


def test_a_model_that_is_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="face encoder 'nobody/nothing' is neither a folder nor .* --download"):
        load_encoder(EncoderOptions(kind="clip", model="nobody/nothing"))


def test_a_preprocessor_that_does_not_normalise_only_scales(tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"do_normalize": False, "size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3})
    )
    found = read_preprocessing(tmp_path, "model")
    clip = tiny.samples(1)[0]
    expected = torch.from_numpy(clip.pixels.astype(np.float64) / 255).float().permute(0, 3, 1, 2)
    assert torch.allclose(Normalise(found)([clip]), expected, atol=1e-7)
