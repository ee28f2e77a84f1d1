"""Sound is prepared and read exactly as transformers itself would, clip by clip."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from mercap.affectgpt.encoders import load_encoder  # noqa: E402
from mercap.affectgpt.encoders.log_mel import BANDS, filters, log_mel, piece  # noqa: E402
from mercap.affectgpt.encoders.options import EncoderOptions  # noqa: E402
from mercap.errors import UsageError  # noqa: E402
from tests.mercap.affectgpt.encoders import tiny  # noqa: E402
from tests.mercap.affectgpt.encoders.conftest import Load  # noqa: E402

RATE = 16_000


def by_hand(encoder: Any, waves: Any) -> Any:
    """(windows, dim): mean of the last four hidden layers over time."""
    kind = {"hubert": "HubertModel", "wavlm": "WavLMModel"}[encoder.options.kind]
    model = getattr(transformers, kind).from_pretrained(encoder.options.model).eval()
    with torch.no_grad():
        layers = model(torch.as_tensor(waves), output_hidden_states=True).hidden_states
    assert len(layers) == 6, "five layers, and what goes into the first"
    return sum(layer.mean(dim=1) for layer in layers[2:]) / 4


def extracted(encoder: Any, windows: Any) -> Any:
    """What the model's own extractor makes of windows that it is given as one signal, cut apart again."""
    extractor = transformers.Wav2Vec2FeatureExtractor.from_pretrained(encoder.options.model)
    signal = windows.astype(np.float32).reshape(-1) / np.float32(32768.0)
    return extractor(signal, sampling_rate=RATE, return_tensors="np")["input_values"].reshape(windows.shape)


@pytest.mark.parametrize("kind", ["hubert", "wavlm"])
def test_speech_features_are_the_mean_of_the_last_four_layers(load: Load, kind: str) -> None:
    encoder = load(kind)
    clip = tiny.samples(1)[0]
    expected = by_hand(encoder, extracted(encoder, clip.windows))
    assert torch.allclose(encoder.features([clip])[0], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["hubert", "wavlm"])
def test_the_windows_of_one_clip_are_normalised_together_as_the_models_own_extractor_does(
    load: Load, kind: str
) -> None:
    encoder = load(kind)
    clip = tiny.samples(1)[0]
    assert (encoder.wave(clip) == extracted(encoder, clip.windows)).all()


def test_normalised_over_the_batch_a_clip_would_change_with_its_neighbours(load: Load) -> None:
    """The negative control of batch independence: what the reference implementation does while it trains."""
    encoder = load("hubert")
    clip, loud = tiny.samples(1, level=0.01)[0], tiny.samples(1, 1, level=0.5)[0]
    together = extracted(encoder, np.concatenate([clip.windows, loud.windows]))[:8]
    changed, alone = by_hand(encoder, together), encoder.features([clip])[0]
    assert float((changed - alone).norm() / alone.norm()) > 0.05


def test_left_in_train_mode_an_encoder_would_give_other_features_each_time(load: Load) -> None:
    """The negative control of `train`: dropout and masking are really there."""
    encoder = load("hubert")
    clip = tiny.samples(1)[0]
    right = encoder.features([clip])
    encoder.model.config.mask_time_length = 2
    torch.manual_seed(0)
    encoder.model.train()  # the transformers model alone, past the guard
    first, second = encoder.features([clip]), encoder.features([clip])
    assert float((first - second).norm() / first.norm()) > 0.02
    assert float((first - right).norm() / right.norm()) > 0.02


def test_a_model_that_was_trained_without_normalising_gets_plain_samples(tmp_path: Path) -> None:
    tiny.build("wavlm", tmp_path)
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"do_normalize": False}))
    encoder = load_encoder(EncoderOptions(kind="wavlm", model=str(tmp_path)))
    clip = tiny.samples(1)[0]
    assert (encoder.wave(clip) == clip.windows.astype(np.float32) / np.float32(32768)).all()
    assert encoder.identity["normalise"] == "none"


def test_a_model_of_another_sampling_rate_is_refused(tmp_path: Path) -> None:
    tiny.build("hubert", tmp_path)
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sampling_rate": 8_000}))
    with pytest.raises(UsageError, match="hears 8000 samples per second, not 16000"):
        load_encoder(EncoderOptions(kind="hubert", model=str(tmp_path)))


def test_hubert_is_not_taken_for_wavlm(tmp_path: Path) -> None:
    tiny.build("hubert", tmp_path)
    with pytest.raises(UsageError, match="is of type hubert, which the encoder wavlm does not read"):
        load_encoder(EncoderOptions(kind="wavlm", model=str(tmp_path)))


def test_whisper_averages_the_states_of_the_window_and_not_of_the_silence_behind_it(load: Load) -> None:
    encoder = load("whisper")
    clip = tiny.samples(1)[0]
    model = transformers.WhisperModel.from_pretrained(encoder.options.model).eval()
    extractor = transformers.WhisperFeatureExtractor.from_pretrained(encoder.options.model)
    sound = [window.astype(np.float32) / 32768 for window in clip.windows]
    mel = extractor(sound, sampling_rate=RATE, return_tensors="pt").input_features
    with torch.no_grad():
        states = model.encoder(mel).last_hidden_state
    assert states.shape[1] == 200
    expected = states[:, :100].mean(dim=1)
    assert torch.allclose(encoder.features([clip])[0], expected, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(states.mean(dim=1), expected, rtol=1e-3)


def test_a_whisper_whose_extractor_makes_another_length_is_refused(tmp_path: Path) -> None:
    tiny.build("whisper", tmp_path)
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chunk_length": 5}))
    with pytest.raises(UsageError, match="hears 400 frames, but its preprocessor_config.json makes 500"):
        load_encoder(EncoderOptions(kind="whisper", model=str(tmp_path)))


# --- log_mel -------------------------------------------------------------------------------------------------------
def tone(hertz: Any, seconds: float = 0.2, level: float = 0.3) -> Any:
    """``hertz``: one pitch, or one per sample."""
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(hertz, round(seconds * RATE)) / RATE)
    return np.asarray(level * 32767 * np.sin(phase), np.int16)


@pytest.mark.parametrize("hertz", [150.0, 440.0, 1_000.0, 3_000.0, 6_500.0])
def test_a_tone_is_loudest_in_the_band_it_lies_in(hertz: float) -> None:
    weights = filters(RATE, 400)
    wanted = weights[np.abs(np.fft.rfftfreq(400, 1 / RATE) - hertz).argmin()].argmax()
    assert abs(int(log_mel(tone(hertz), RATE).mean(0).argmax()) - int(wanted)) <= 1


def test_every_band_weighs_one_so_that_white_noise_is_level() -> None:
    assert np.allclose(filters(RATE, 400).sum(0), 1.0)
    noise = np.random.default_rng(0).normal(0, 3000, RATE).astype(np.int16)
    levels = log_mel(noise, RATE).mean(0)
    assert levels.max() - levels.min() < 1.0


def test_twice_the_amplitude_is_log_four_more_everywhere() -> None:
    noise = np.random.default_rng(0).normal(0, 3000, RATE).astype(np.int16)
    assert np.allclose(piece(2 * noise, RATE)[:BANDS] - piece(noise, RATE)[:BANDS], np.log(4), atol=1e-6)


def test_a_rising_tone_and_the_same_tone_falling_differ_in_their_change_alone() -> None:
    rising = tone(np.linspace(300, 600, 3_200))
    up, down = piece(rising, RATE), piece(rising[::-1], RATE)
    assert np.abs(up[:BANDS] - down[:BANDS]).max() < 0.6
    assert np.abs(up[BANDS:] - down[BANDS:]).max() > 4.0
    assert np.corrcoef(up[BANDS:], down[BANDS:])[0, 1] < -0.9


def test_silence_and_a_sound_shorter_than_a_frame_have_finite_features() -> None:
    assert np.isfinite(piece(np.zeros(3_200, np.int16), RATE)).all()
    assert np.isfinite(piece(np.ones(1, np.int16), RATE)).all()
