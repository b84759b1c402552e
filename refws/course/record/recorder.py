"""Connections -> a tape, written while they are open, without their secrets."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from datetime import UTC, datetime
from io import FileIO
from logging import Logger, getLogger
from time import monotonic
from typing import Any

from ...endpoint.connection import Connection
from ...endpoint.log import format_address
from ...endpoint.taps import Tap
from ...protocol.frame import Side
from ...protocol.http import quote
from .redaction import Redactor
from .tape import UNKNOWN, Chunk, first_line, lines_of

LOGGER = getLogger("refws")


class Recorder:
    """Writes every connection to one tape: for `serve(..., trace=recorder.choose)`, and `connect`.

    The file is opened at once; OSError if that fails. It is emptied only with the first connection,
    so that an old tape is kept if the program fails before. Each line is written as soon as it is
    known: if the program is killed, at most the last line is lost. If the file cannot be written,
    the recording ends, and the log says so.
    """

    def __init__(self, path: str, redact: bool = True, logger: Logger = LOGGER) -> None:
        self._file = FileIO(path, "ab", opener=open_private)
        self._path = path
        self._redact = redact
        self._logger = logger
        self._lock = threading.Lock()
        self._began = 0.0
        self._count = 0
        self._off = False

    def choose(self, connection: Connection) -> Tap | None:
        """The trace of this connection; None once the recording has ended."""
        own, peer = connection.local_address, connection.remote_address
        client, server = (own, peer) if connection.side is Side.CLIENT else (peer, own)
        return self.record(client, server)

    def record(
        self, client: Any, server: Any, when: float | None = None
    ) -> RecordedConnection | None:
        """A connection between these addresses from now on, or from this time of `monotonic`.

        None once the recording has ended.
        """
        with self._lock:
            if self._off:
                return None
            now = monotonic() if when is None else when
            if not self._count:
                self._begin(now)
            self._count += 1
            addresses = f"client={format_tcp_address(client)} server={format_tcp_address(server)}"
            self._write(f"{now - self._began:.6f} {self._count} open {addresses}")
            return RecordedConnection(self, self._count, self._redact)

    def note(
        self,
        recorded: RecordedConnection,
        sender: Side,
        data: bytes,
        when: float | None = None,
    ) -> None:
        """Write lines for these bytes, which pass now, or passed at this time of `monotonic`."""
        with self._lock:
            if self._off:
                return
            now = monotonic() if when is None else when
            written = recorded.redacted(sender, data)
            if written:
                self._write_chunk(recorded, sender, written, now)
            if not data and sender not in recorded.ended:
                recorded.ended.add(sender)
                self._write_chunk(recorded, sender, b"", now)

    def close(self) -> None:
        """End the recording."""
        with self._lock:
            self._off = True
            self._file.close()

    def _begin(self, now: float) -> None:
        with suppress(OSError):  # a pipe or terminal cannot be emptied
            self._file.truncate(0)
        self._began = now
        self._write(first_line(datetime.now(UTC), self._redact))

    def _write_chunk(
        self, recorded: RecordedConnection, sender: Side, data: bytes, now: float
    ) -> None:
        for line in lines_of(Chunk(now - self._began, recorded.number, sender, data)):
            self._write(line)

    def _write(self, line: str) -> None:
        data = f"{line}\n".encode("ascii")
        try:
            while data and not self._off:
                data = data[self._file.write(data) or 0 :]
        except OSError as error:
            self._off = True
            self._file.close()
            what = f"the recording to {quote(self._path)} has ended, {error.strerror or error}"
            self._logger.warning("%s; its whole lines are good", what)


class RecordedConnection:
    """The trace of one connection. It skips bytes after the end: they were not sent."""

    def __init__(self, recorder: Recorder, number: int, redact: bool) -> None:
        self.number = number
        self.ended: set[Side] = set()
        self._recorder = recorder
        self._redactors = {side: Redactor(side) for side in Side} if redact else {}

    def __call__(self, sender: Side, data: bytes) -> None:
        self._recorder.note(self, sender, data)

    def redacted(self, sender: Side, data: bytes) -> bytes:
        """The bytes to write now; at the end of a direction (no data) the bytes held back."""
        if sender in self.ended:
            return b""
        redactor = self._redactors.get(sender)
        if redactor is None:
            return data
        return redactor.feed(data) if data else redactor.finish()


def open_private(path: str, flags: int) -> int:
    """Open a file that only its owner may read, because a tape holds what people have sent."""
    return os.open(path, flags, 0o600)


def format_tcp_address(address: Any) -> str:
    """host:port as in a URI; UNKNOWN for the address of a Unix socket."""
    return format_address(address) if isinstance(address, tuple) else UNKNOWN
