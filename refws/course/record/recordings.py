"""A file with recorded connections -> its reader: a tape, or a capture, as its first bytes show."""

from __future__ import annotations

from collections.abc import Callable
from io import BufferedReader, RawIOBase
from typing import Any, BinaryIO

from .capture.reader import CaptureReader, is_capture
from .tape import BadRecording
from .tape_reader import TapeReader

START_SIZE = 4

GZIP = b"\x1f\x8b"

Recording = TapeReader | CaptureReader


def open_recording(file: BinaryIO, port: int | None = None) -> Recording:
    """The reader of the file; BadRecording if it is neither. `port` is for captures."""
    start = file.read(START_SIZE)
    if start.startswith(GZIP):
        raise BadRecording("is compressed", "give the file that gunzip makes of it")
    again = BufferedReader(Rewound(start, file))
    return CaptureReader(again, port) if is_capture(start) else TapeReader(again)


class Rewound(RawIOBase):
    """A file from its start again, though it may be a pipe; `start` was read from it before."""

    def __init__(self, start: bytes, file: BinaryIO) -> None:
        self._start = start
        self._read: Callable[[int], bytes] = getattr(file, "read1", file.read)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """The number of bytes that were put into the buffer; 0 at the end."""
        data, self._start = self._start[: len(buffer)], self._start[len(buffer) :]
        data = data or self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
