"""What a run told, after it was killed and goes on."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from mercap.affectgpt.training.events import EVENTS, Event, EventLog, read_events
from mercap.errors import StoreError


def step(number: int, **numbers: Any) -> Event:
    return Event("step", number, epoch=0, loss=1 / (number + 1), lr=1e-5, **numbers)


def write(folder: Path, resumed: int, *events: Event, tensorboard: bool = False) -> None:
    log = EventLog(folder, resumed, tensorboard=tensorboard)
    log.write(events)
    log.close()


def test_events_are_read_back_bit_for_bit(tmp_path: Path) -> None:
    events = [step(1, mfu=0.1 + 0.2), Event("saved", 1, note="step-000000001.safetensors"), Event("done", 1)]
    write(tmp_path, 0, *events)
    assert list(read_events(tmp_path / EVENTS)) == events


def test_a_line_says_only_what_is_known() -> None:
    assert json.loads(Event("done", 7).line()) == {"kind": "done", "step": 7}


def test_what_happened_after_the_checkpoint_is_told_once(tmp_path: Path) -> None:
    write(tmp_path, 0, *map(step, range(1, 10)))
    write(tmp_path, 6, Event("resumed", 6), *map(step, range(7, 12)))
    events = list(read_events(tmp_path / EVENTS))
    assert [event.step for event in events if event.kind == "step"] == list(range(1, 12))
    assert [event.kind for event in events].index("resumed") == 6


def test_a_line_that_was_cut_off_is_dropped_and_not_written_on_to(tmp_path: Path) -> None:
    write(tmp_path, 0, step(1), step(2))
    path = tmp_path / EVENTS
    path.write_bytes(path.read_bytes()[:-9])
    assert list(read_events(path)) == [step(1)]
    write(tmp_path, 2, step(3))
    assert list(read_events(path)) == [step(1), step(3)]


def test_lines_are_in_the_file_before_the_log_is_closed(tmp_path: Path) -> None:
    log = EventLog(tmp_path, 0, tensorboard=False)
    log.write([step(1)])
    assert list(read_events(tmp_path / EVENTS)) == [step(1)]
    log.close()


def test_a_line_that_is_no_event_is_named(tmp_path: Path) -> None:
    path = tmp_path / EVENTS
    path.write_text(step(1).line() + '{"kind": "step", "stap": 2}\n' + step(3).line())
    with pytest.raises(StoreError, match=r"events.jsonl, line 2, is not an event of a run"):
        list(read_events(path))


def test_tensorboard_is_given_every_number_that_is_known(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    write(tmp_path, 0, step(1, grad_norm=2.0, waiting=0.5), step(2, grad_norm=3.0), tensorboard=True)
    found = scalars(tmp_path / "tensorboard")
    assert {(name, at) for name, at, _ in found} == {
        *(("loss", at) for at in (1, 2)),
        *(("lr", at) for at in (1, 2)),
        *(("grad_norm", at) for at in (1, 2)),
        ("waiting", 1),
    }
    assert (2.0 in [value for name, _, value in found if name == "grad_norm"]) is True


def test_tensorboard_is_told_where_a_run_went_on(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event as Record

    write(tmp_path, 0, *map(step, range(1, 10)), tensorboard=True)
    write(tmp_path, 6, step(7), tensorboard=True)
    sessions = [record for record in records(tmp_path / "tensorboard", Record) if record.HasField("session_log")]
    assert [record.step for record in sessions if record.session_log.status == 1][-1] == 7  # 1 = START


def records(folder: Path, kind: Any) -> list[Any]:
    """TensorBoard's files hold a length, a check sum, a record and its check sum, again and again."""
    found = []
    for path in sorted(folder.iterdir()):
        data, place = path.read_bytes(), 0
        while place < len(data):
            (length,) = struct.unpack("<Q", data[place : place + 8])
            found.append(kind.FromString(data[place + 12 : place + 12 + length]))
            place += length + 16
    return found


def scalars(folder: Path) -> list[tuple[str, int, float]]:
    from tensorboardX.proto.event_pb2 import Event as Record

    return [
        (value.tag, record.step, value.simple_value)
        for record in records(folder, Record)
        for value in record.summary.value
    ]
