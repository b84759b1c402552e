"""Text -> a file that may be slow: whole lines only, and never a long wait."""

from __future__ import annotations

import os
import select
import threading
from time import monotonic
from typing import TextIO

TIMEOUT = 1.0
"""Seconds to wait for one line or block to be written before the next ones are left out."""

CHUNK_SIZE: int = getattr(select, "PIPE_BUF", 512)
"""Bytes that a pipe or terminal takes without a wait, once poll says that it is writable."""


class Output:
    """A file for whole lines of any thread: a terminal, a pipe, or a file on disk.

    A pipe may have no reader, and a terminal can be stopped with Ctrl-S. So a text may take
    `timeout` seconds. After that every text is left out without a wait, until the file takes more;
    then a note says how many were left out. Where the system cannot say whether a file takes more
    (Windows), a write waits for the file.
    """

    def __init__(self, file: TextIO, timeout: float = TIMEOUT) -> None:
        self._file = file
        self._timeout = timeout
        self._lock = threading.Lock()
        self._waiting = b""
        self._left_out = 0
        self._poll = poll_for(file)

    def show(self, text: str) -> None:
        """Write the text as a line. Blocks for `timeout` at most; OSError if the file is broken."""
        with self._lock:
            if self._waiting:
                self._waiting = self._write(self._waiting, 0)
            if self._waiting:
                self._left_out += 1
                return
            note = (
                f"({self._left_out} left out, because no one read this)\n" if self._left_out else ""
            )
            self._left_out = 0
            wire = f"{note}{text}\n".encode(self._file.encoding or "utf-8", "backslashreplace")
            self._waiting = self._write(wire, self._timeout)

    def _write(self, data: bytes, timeout: float) -> bytes:
        """Write the bytes, and return those that could not be written in time."""
        if self._poll is None:
            self._file.write(data.decode(self._file.encoding or "utf-8"))
            self._file.flush()
            return b""
        deadline = monotonic() + timeout
        while data and self._poll.poll(max(0.0, deadline - monotonic()) * 1000):
            data = data[os.write(self._file.fileno(), data[:CHUNK_SIZE]) :]
        return data


def poll_for(file: TextIO) -> select.poll | None:
    """An object that says whether the file takes more; None if that cannot be asked."""
    if not hasattr(select, "poll"):
        return None
    try:
        descriptor = file.fileno()
    except OSError:  # a file in memory
        return None
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return poll
