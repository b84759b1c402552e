"""A file with recorded connections -> its reader, as its first bytes show: tape, capture or HAR."""

from __future__ import annotations

from collections.abc import Callable
from io import BufferedReader, RawIOBase
from typing import Any, BinaryIO

from .capture.reader import MAGIC_SIZE, CaptureReader, is_capture
from .har import START, HarReader
from .tape import BadRecording
from .tape_reader import TapeReader

START_SIZE, START_OF_JSON = 4, 64
"""Bytes that show the format; JSON needs more of them."""

CHUNK_SIZE = 64 * 1024
"""Bytes that are read at once, if that many have arrived."""

GZIP = b"\x1f\x8b"

Recording = TapeReader | CaptureReader


def open_recording(file: BinaryIO, port: int | None = None) -> Recording | HarReader:
    """The reader of the file; BadRecording if it is none of them. `port` is for captures."""
    start, file = look(file)
    if start.startswith(GZIP):
        raise BadRecording("is compressed", "give the file that gunzip makes of it")
    if START.match(start):
        return HarReader(file)
    return CaptureReader(file, port) if is_capture(start[:MAGIC_SIZE]) else TapeReader(file)


def is_capture_or_har(start: bytes) -> bool:
    """Whether a file that begins with these bytes is a capture or a HAR."""
    return is_capture(start[:MAGIC_SIZE]) or START.match(start) is not None


def look(file: BinaryIO) -> tuple[bytes, BufferedReader]:
    """The first bytes of a file, and the same file from its start. Blocks until they are there."""
    read = reading(file)
    start = read(CHUNK_SIZE)
    while start and not is_enough(start) and (more := read(CHUNK_SIZE)):
        start += more
    return start, BufferedReader(Rewound(start, read))


def is_enough(start: bytes) -> bool:
    return len(start) >= (START_OF_JSON if start.lstrip().startswith(b"{") else START_SIZE)


def reading(file: BinaryIO) -> Callable[[int], bytes]:
    """A function that reads the bytes that have arrived, up to a number of them."""
    read: Callable[[int], bytes] = getattr(file, "read1", file.read)
    return read


class Rewound(RawIOBase):
    """A file from its start again, though it may be a pipe; `start` was read from it before."""

    def __init__(self, start: bytes, read: Callable[[int], bytes]) -> None:
        self._start = start
        self._read = read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """The number of bytes that were put into the buffer; 0 at the end."""
        data, self._start = self._start[: len(buffer)], self._start[len(buffer) :]
        data = data or self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
