"""RFC 9110 §15.6.4: connections above the limit of a server are turned away with 503."""

from __future__ import annotations

import threading
from contextlib import suppress
from http import HTTPStatus
from time import monotonic

from ..protocol.http import Response
from .answers import SERVER, to_bytes
from .stream import Stream
from .timers import Timers

LINGER = 1.0
"""Seconds that a client has to read its 503: an earlier close may destroy it (`Stream.drain`)."""

MAX_LINGERING = 64
"""Connections that get this time; more are closed at once, so that a flood costs little."""


class Overload:
    """The connections that got a 503 and are not closed yet."""

    def __init__(self, timers: Timers, server_header: str | None = SERVER) -> None:
        self._server_header = server_header
        self._timers = timers
        self._lock = threading.Lock()
        self._lingering: set[Stream] = set()

    def turn_away(self, stream: Stream, reason: str) -> None:
        """Answer 503, and close a little later. Never waits, because the accept thread calls it.

        If anything fails, such as for want of memory, the stream is closed at once.
        """
        try:
            answer(stream, reason, self._server_header)
            if not self._close_later(stream):
                self._close(stream)
        except BaseException:
            self._close(stream)
            raise

    def _close_later(self, stream: Stream) -> bool:
        """False if it must be closed at once."""
        with self._lock:
            if len(self._lingering) >= MAX_LINGERING:
                return False
            self._lingering.add(stream)
        try:
            self._timers.call_at(monotonic() + LINGER, lambda now: self._close(stream))
        except RuntimeError:  # no thread for the timers: then the client must read its 503 at once
            return False
        return True

    def close_all(self) -> None:
        with self._lock:
            lingering = tuple(self._lingering)
        for stream in lingering:
            self._close(stream)

    def _close(self, stream: Stream) -> None:
        stream.close()
        with self._lock:
            self._lingering.discard(stream)


def answer(stream: Stream, reason: str, server_header: str | None) -> None:
    text, headers = f"{reason}; try again later.\n", [("Retry-After", "1")]
    response = Response.text(HTTPStatus.SERVICE_UNAVAILABLE, text, headers)
    with suppress(OSError):
        stream.try_write(to_bytes(response, None, server_header))
    stream.half_close()
