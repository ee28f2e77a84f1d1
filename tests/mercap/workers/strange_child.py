"""The real worker process, with a few operations that try what a hostile file might make it do."""

import ctypes
import socket
import subprocess
import sys
from pathlib import Path

import av
from pydantic import TypeAdapter

from mercap.media.derived import whole_folder
from mercap.records import Record
from mercap.workers import child, operations

CALL = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=2)"


class Said(Record):
    words: str


def call(port: int) -> Said:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError as error:
        return Said(words=str(error.strerror))
    return Said(words="reached")


def call_by_ffmpeg(port: int) -> Said:
    """In C, without the list of protocols that mercap gives to FFmpeg."""
    try:
        av.open(f"http://127.0.0.1:{port}/a.mp4", timeout=2.0)
    except av.error.FFmpegError as error:
        return Said(words=str(error.strerror))
    return Said(words="reached")


def call_by_another_program(port: int) -> Said:
    done = subprocess.run([sys.executable, "-c", CALL, str(port)], capture_output=True, check=False)
    return Said(words="reached" if done.returncode == 0 else "Permission denied" if b"denied" in done.stderr else "?")


def hang_in_c(port: int) -> Said:
    ctypes.CDLL(None).sleep(60)
    return Said(words="woke up")


def hang_while_decoding(media: operations.Media) -> Said:
    operations.discard_remains(media.folder)
    with whole_folder(media.folder) as aside:
        (aside / "frames.jpg").write_bytes(b"half a picture")
        if not Path(media.path).read_bytes():
            return Said(words="not hung")
        return hang_in_c(0)


operations.OPERATIONS.update(
    {one.__name__: one for one in (call, call_by_ffmpeg, call_by_another_program, hang_in_c, hang_while_decoding)}
)
operations._ARGUMENTS["port"] = TypeAdapter(int)
child.main()
