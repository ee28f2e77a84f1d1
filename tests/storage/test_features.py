"""Features on disk are what was written, or an error that names the file."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mercap.affectgpt.encoders.options import EncoderOptions
from mercap.affectgpt.features import FeatureStream
from mercap.errors import StoreError, UsageError
from storage.feature_parts import Without
from storage.features import FeatureFolder, faults, feature_folders

IDENTITY: dict[str, Any] = {
    "kind": "clip",
    "reads": "face",
    "model": "openai/clip",
    "revision": "aaaa1111",
    "steps": 2,
    "dim": 3,
    "step_tokens": 1,
    "sampling": {"crop": "face"},
}
NO_FACE = Without("no_face", "no face was found in any frame", absent=True, retryable=False)
LATE = Without("timeout", "sample did not end within 300 s", absent=False, retryable=True)


def clip(number: int) -> str:
    return f"{number:064x}"


def numbers(*clips: int, seed: int = 0) -> dict[str, NDArray[np.float16]]:
    draw = np.random.default_rng(seed)
    return {clip(number): draw.standard_normal((2, 3)).astype(np.float16) for number in clips}


def write(folder: FeatureFolder, features: dict[str, NDArray[np.float16]], **without: Without) -> Path:
    return folder.write("run", 0, features, without, {"torch": "2"})


def test_features_are_read_back_as_written_in_the_order_asked(tmp_path: Path) -> None:
    made = numbers(1, 2, 3, 4)
    folder = FeatureFolder.create(tmp_path, IDENTITY)
    write(folder, {name: made[name] for name in list(made)[:2]})
    write(folder, {name: made[name] for name in list(made)[2:]})
    read: FeatureStream = FeatureFolder(folder.folder)
    wanted = [clip(3), clip(1), clip(3), clip(4)]
    assert (read.rows(wanted) == np.stack([made[name] for name in wanted])).all()
    assert read.rows([]).shape == (0, 2, 3)
    assert (read.steps, read.dim, read.step_tokens, read.identity) == (2, 3, 1, IDENTITY)


def test_numbers_are_mapped_and_not_read_into_memory(tmp_path: Path) -> None:
    folder = FeatureFolder.create(tmp_path, IDENTITY)
    write(folder, numbers(1))
    folder.rows([clip(1)])
    assert isinstance(folder._maps[0], np.memmap)


def test_every_clip_has_a_status(tmp_path: Path) -> None:
    folder = FeatureFolder.create(tmp_path, IDENTITY)
    write(folder, numbers(1), **{clip(2): NO_FACE, clip(3): LATE})
    assert [folder.status(clip(number)) for number in (1, 2, 3, 4)] == ["ok", "no_face", "timeout", "missing"]
    assert [folder.is_done(clip(number)) for number in (1, 2, 3, 4)] == [True, True, False, False]


def test_a_retryable_failure_is_left_alone_after_three_attempts(tmp_path: Path) -> None:
    folder = FeatureFolder.create(tmp_path, IDENTITY)
    for attempts in (2, 1, 3):
        assert not folder.is_done(clip(1))
        write(folder, {}, **{clip(1): LATE._replace(attempts=attempts)})
    assert folder.is_done(clip(1))
    write(folder, numbers(1))
    assert folder.status(clip(1)) == "ok", "numbers beat a cause"


def test_asking_for_a_clip_without_features_says_why_and_what_to_do(tmp_path: Path) -> None:
    folder = FeatureFolder.create(tmp_path, IDENTITY)
    write(folder, numbers(1), **{clip(2): NO_FACE})
    with pytest.raises(UsageError, match=rf"{clip(2)}.*no_face: no face was found.*leave it out"):
        folder.rows([clip(1), clip(2)])
    command = f"mercap features SOURCE --store {tmp_path} --face clip --face-model openai/clip --face-revision aaaa1111"
    with pytest.raises(UsageError, match=rf"{clip(3)} has no face features.*{re.escape(command)}"):
        folder.rows([clip(3)])


# --- finding -------------------------------------------------------------------------------------------------------
def test_an_encoder_that_did_not_encode_is_named_with_those_that_did_and_the_command(tmp_path: Path) -> None:
    FeatureFolder.create(tmp_path, IDENTITY)
    command = re.escape(f"mercap features SOURCE --store {tmp_path} --face siglip2")
    with pytest.raises(UsageError, match=rf"no face features of siglip2.*clip openai/clip aaaa1111.*{command}"):
        FeatureFolder.find(tmp_path, EncoderOptions(kind="siglip2"))
    with pytest.raises(UsageError, match="no audio features of log_mel; there are: none"):
        FeatureFolder.find(tmp_path, EncoderOptions(kind="log_mel"))


def test_another_revision_is_not_taken_for_the_one_asked_for(tmp_path: Path) -> None:
    FeatureFolder.create(tmp_path, IDENTITY)
    assert FeatureFolder.find(tmp_path, EncoderOptions(kind="clip", revision="aaaa")).kind == "clip"
    with pytest.raises(UsageError, match=r"clip at bbbb; there are: clip openai/clip aaaa1111.*--face-revision bbbb"):
        FeatureFolder.find(tmp_path, EncoderOptions(kind="clip", revision="bbbb"))


def test_of_several_revisions_one_must_be_named(tmp_path: Path) -> None:
    FeatureFolder.create(tmp_path, IDENTITY)
    FeatureFolder.create(tmp_path, IDENTITY | {"revision": "bbbb2222"})
    with pytest.raises(UsageError, match=r"several encoders clip.*aaaa1111.*bbbb2222.*--face-revision"):
        FeatureFolder.find(tmp_path, EncoderOptions(kind="clip"))
    found = FeatureFolder.find(tmp_path, EncoderOptions(kind="clip", revision="bbbb2222"))
    assert found.identity["revision"] == "bbbb2222"


def test_faces_and_whole_frames_are_told_apart(tmp_path: Path) -> None:
    FeatureFolder.create(tmp_path, IDENTITY)
    with pytest.raises(UsageError, match="no face features"):
        FeatureFolder.find(tmp_path, EncoderOptions(kind="clip", crop="frame"))


def test_a_model_folder_is_found_again_by_its_files(tmp_path: Path) -> None:
    from mercap.identity import digest_folder

    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "model.safetensors").write_bytes(b"1")
    digest = digest_folder(weights)[:32]
    FeatureFolder.create(tmp_path, IDENTITY | {"model": "folder", "revision": digest})
    assert FeatureFolder.find(tmp_path, EncoderOptions(kind="clip", model=str(weights))).identity["revision"] == digest
    (weights / "model.safetensors").write_bytes(b"2")
    with pytest.raises(UsageError, match="no face features"):
        FeatureFolder.find(tmp_path, EncoderOptions(kind="clip", model=str(weights)))


# --- damage --------------------------------------------------------------------------------------------------------
def damaged(tmp_path: Path) -> tuple[FeatureFolder, Path]:
    folder = FeatureFolder.create(tmp_path, IDENTITY)
    return folder, write(folder, numbers(1, 2))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


def reshape(path: Path) -> None:
    np.save(path, np.zeros((2, 3, 2), np.float16))


def widen(path: Path) -> None:
    np.save(path, np.load(path).astype(np.float32))


@pytest.mark.parametrize("harm", [cut, flip, reshape, widen, Path.unlink, lambda path: path.write_bytes(b"")])
def test_numbers_that_are_not_those_written_are_an_error_naming_the_file(tmp_path: Path, harm: Any) -> None:
    folder, path = damaged(tmp_path)
    harm(path)
    with pytest.raises(StoreError, match=rf"{path.name} is damaged .*run mercap features again"):
        FeatureFolder(folder.folder).rows([clip(1)])
    assert [where for where, _ in faults(tmp_path)] == [folder.folder.relative_to(tmp_path).as_posix()]


@pytest.mark.parametrize("text", ["{", "[]", '{"clips": []}', '{"clips": [], "sha256": "", "without": {"a": {}}}'])
def test_a_part_whose_description_cannot_be_read_is_an_error_naming_the_file(tmp_path: Path, text: str) -> None:
    folder, path = damaged(tmp_path)
    path.with_suffix(".json").write_text(text)
    with pytest.raises(StoreError, match=rf"{path.stem}\.json is damaged"):
        FeatureFolder(folder.folder)


def test_a_folder_of_another_encoder_than_its_name_says_is_an_error(tmp_path: Path) -> None:
    folder, _ = damaged(tmp_path)
    (folder.folder / "encoder.json").write_text(json.dumps(IDENTITY | {"revision": "other"}))
    with pytest.raises(StoreError, match="not the encoder that the folder is named after"):
        FeatureFolder(folder.folder)
    (folder.folder / "encoder.json").write_text("{}")
    with pytest.raises(StoreError, match="it describes no encoder"):
        FeatureFolder(folder.folder)


def test_whole_features_have_no_fault(tmp_path: Path) -> None:
    folder, _ = damaged(tmp_path)
    write(folder, {}, **{clip(5): NO_FACE})
    assert list(faults(tmp_path)) == []
    write(folder, {clip(9): np.full((2, 3), np.inf, np.float16)})
    assert [message for _, message in faults(tmp_path)] == ["it holds numbers that are not finite"]


def test_features_of_another_shape_are_not_written(tmp_path: Path) -> None:
    folder = FeatureFolder.create(tmp_path, IDENTITY)
    with pytest.raises(UsageError, match=r"are 2 x 3, but clip .* came as \(3, 3\)"):
        write(folder, {clip(1): np.zeros((3, 3), np.float16)})
    assert list(folder.folder.glob("part-*")) == []


# --- several writers -----------------------------------------------------------------------------------------------
def test_numbers_without_a_description_do_not_exist(tmp_path: Path) -> None:
    """What a process leaves that was killed between the two files of a part."""
    folder, path = damaged(tmp_path)
    path.with_suffix(".json").unlink()
    assert FeatureFolder(folder.folder).status(clip(1)) == "missing"
    assert list(faults(tmp_path)) == []


def test_two_writers_of_the_same_clips_do_no_harm(tmp_path: Path) -> None:
    made = numbers(*range(20))

    def work() -> None:
        mine = FeatureFolder.create(tmp_path, IDENTITY)
        for start in range(0, 20, 5):
            write(mine, dict(list(made.items())[start : start + 5]))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (folder,) = feature_folders(tmp_path)
    assert len(folder) == 20
    assert len(list(folder.folder.glob("part-*.npy"))) == 16
    assert (folder.rows(list(made)) == np.stack([*made.values()])).all()


def test_every_reader_picks_the_same_of_two_parts(tmp_path: Path) -> None:
    first, second = (FeatureFolder.create(tmp_path, IDENTITY) for _ in range(2))
    paths = [write(first, numbers(1, seed=1)), write(second, numbers(1, seed=2))]
    winner = numbers(1, seed=1 if paths[0].name < paths[1].name else 2)[clip(1)]
    for reader in (first, second, FeatureFolder(first.folder)):
        reader.refresh()
        assert (reader.rows([clip(1)])[0] == winner).all()
