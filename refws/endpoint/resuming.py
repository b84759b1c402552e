"""RFC 6455 §6.2: reading that can break off at any byte, at a deadline, and be resumed there.

A header, a masking key or a control frame is read in several steps, and each may wait. So what is
read since `begin` is kept, and a read that finds no more bytes before the deadline gives all of it
back before it raises: the next call starts at the same byte.
"""

from __future__ import annotations

from contextlib import suppress

from .stream import Stream

KEEP_AT_ONCE = 64 * 1024


class TimeUp(Exception):
    """The deadline of a receive has passed.

    Not a subclass of TimeoutError, because a broken socket can raise a TimeoutError.
    """


class ResumableFile:
    """The file of a stream, for reads with a deadline. For the thread that receives."""

    __slots__ = {
        "kept": "Bytes that were given back, and are read first.",
        "_taken": "Bytes that were read since `begin`.",
        "_stream": "Where bytes come from, and whether its deadline has passed.",
    }

    def __init__(self, stream: Stream) -> None:
        self.kept = b""
        self._taken = b""
        self._stream = stream

    def begin(self) -> None:
        """Start something that is read in whole or not at all."""
        self._taken = b""

    def give_back(self) -> None:
        """Let the next read start where `begin` was called."""
        self.kept, self._taken = self._taken + self.kept, b""

    def read(self, size: int) -> bytes:
        """`size` bytes, fewer only at the end of the stream; TimeUp at the deadline."""
        data = self._take_kept(size)
        if len(data) < size:
            more = self._stream.file.read(size - len(data)) or b""
            self._taken += more
            data += more
        return self._check(data, len(data) == size)

    def read1(self, size: int) -> bytes:
        """At least one byte, unless the stream ends or `size` is 0; TimeUp at the deadline."""
        data = self._take_kept(size)
        if not data:
            data = self._stream.file.read1(size)
            self._taken += data
        return self._check(data, bool(data) or not size)

    def keep_rest(self) -> None:
        """Keep all bytes up to the end of the stream, which must not be long in coming."""
        rest = [self.kept]
        with suppress(OSError):
            while data := self._stream.file.read1(KEEP_AT_ONCE):
                rest.append(data)
        self.kept = b"".join(rest)

    def _take_kept(self, size: int) -> bytes:
        data, self.kept = self.kept[:size], self.kept[size:]
        self._taken += data
        return data

    def _check(self, data: bytes, complete: bool) -> bytes:
        if not complete and self._stream.timed_out:
            self.give_back()
            raise TimeUp
        return data
