"""Text -> a file that may be slow: whole lines only, and never a long wait."""

from __future__ import annotations

import os
import select
import threading
from time import monotonic
from typing import TextIO

PATIENCE = 1.0
"""Seconds that an output may take for one line or block before the rest is left out."""


PIECE: int = getattr(select, "PIPE_BUF", 512)
"""Bytes that fit a pipe or terminal that poll says can be written to, so that the write does not
wait.
"""


class Output:
    """A file for whole lines of any thread: a terminal, a pipe, or a file on disk.

    Nobody need read a pipe, and a terminal can be stopped with Ctrl-S. So one text may take
    `patience` seconds; then whatever is shown is left out without a wait, until the file takes
    more, and that is said in its place. Where the system cannot tell whether a file takes more
    (Windows), a write waits as long as it must.
    """

    def __init__(self, file: TextIO, patience: float = PATIENCE) -> None:
        self._file = file
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting = b""
        self._left_out = 0
        self._poll = poll_for(file)

    def show(self, text: str) -> None:
        """Write it, with a line end; blocks for at most `patience`. OSError if the file is broken."""
        with self._lock:
            if self._waiting:
                self._waiting = self._write(self._waiting, 0)
            if self._waiting:
                self._left_out += 1
                return
            note = f"({self._left_out} left out, as nobody read this)\n" if self._left_out else ""
            self._left_out = 0
            wire = f"{note}{text}\n".encode(self._file.encoding or "utf-8", "backslashreplace")
            self._waiting = self._write(wire, self._patience)

    def _write(self, data: bytes, patience: float) -> bytes:
        """What is not written in time."""
        if self._poll is None:
            self._file.write(data.decode(self._file.encoding or "utf-8"))
            self._file.flush()
            return b""
        give_up_at = monotonic() + patience
        while data and self._poll.poll(max(0.0, give_up_at - monotonic()) * 1000):
            data = data[os.write(self._file.fileno(), data[:PIECE]) :]
        return data


def poll_for(file: TextIO) -> select.poll | None:
    """Tells whether the file takes more; None where that cannot be asked."""
    if not hasattr(select, "poll"):
        return None
    try:
        descriptor = file.fileno()
    except OSError:  # a file in memory
        return None
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return poll
