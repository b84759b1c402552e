"""A file that is read once, from its start to its end, with the number of the next byte."""

from __future__ import annotations

from typing import BinaryIO

CHUNK_SIZE = 64 * 1024
"""Bytes that are skipped at once."""


class CutOff(EOFError):
    """The file ends in the middle of something."""


class Source:
    """The bytes of a file; `start` was read from it before. `offset` counts from the start."""

    def __init__(self, file: BinaryIO, start: bytes) -> None:
        self._file = file
        self._start = start
        self.offset = 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes; CutOff if the file has fewer."""
        data = self._take(size)
        if len(data) < size:
            raise CutOff
        return data

    def take_or_end(self, size: int) -> bytes:
        """The same, but no bytes if the file ends right here."""
        data = self._take(size)
        if 0 < len(data) < size:
            raise CutOff
        return data

    def skip(self, size: int) -> None:
        """Pass over the next `size` bytes; CutOff if the file has fewer."""
        while size:
            size -= len(self.take(min(size, CHUNK_SIZE)))

    def _take(self, size: int) -> bytes:
        data, self._start = self._start[:size], self._start[size:]
        if len(data) < size:
            data += self._file.read(size - len(data))
        self.offset += len(data)
        return data
