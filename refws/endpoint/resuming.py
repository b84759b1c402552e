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
        data = self.read1(size)
        while 0 < len(data) < size and (more := self.read1(size - len(data))):
            data += more
        return data

    def read1(self, size: int) -> bytes:
        """At least one byte, unless the stream ends or `size` is 0; TimeUp at the deadline.

        `peek` fills the buffer and takes nothing: an exception while it waits loses no byte.
        """
        data, self.kept = self.kept[:size], self.kept[size:]
        if not data and size and self._stream.file.peek(1):
            data = self._stream.file.read1(size)
        self._taken += data
        if not data and size and self._stream.timed_out:
            self.give_back()
            raise TimeUp
        return data

    def keep_rest(self) -> None:
        """Keep all bytes up to the end of the stream, which must not be long in coming."""
        rest = [self.kept]
        with suppress(OSError):
            while data := self._stream.file.read1(KEEP_AT_ONCE):
                rest.append(data)
        self.kept = b"".join(rest)
