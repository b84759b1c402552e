"""Functions that see every byte of a connection: for a trace, a record, the page's wire view."""

from __future__ import annotations

import threading
from collections.abc import Callable
from logging import Logger

from ..protocol.frame import Side
from .log import log_error
from .starting import STARTER
from .stream import Stream

Tap = Callable[[Side, bytes], object]
"""Called with the side that sends, and its bytes, as they are on the wire or inside TLS.

No bytes mean the end of that direction. A tap that returns False is dropped.
"""


class Taps:
    """The taps of one connection. The threads that receive and that send messages call them."""

    __slots__ = {
        "_taps": "The functions, in order. Replaced under the lock, read without it.",
        "_lock": "Held while the list is replaced, and for `_later`.",
        "_later": "Bytes that wait for the taps, and whether we sent them. Changes under the lock.",
        "_order": "Held while they are passed: no later bytes may overtake them. Only tried.",
        "_stream": "Where the bytes pass.",
        "_side": "Our side of the connection.",
        "_logger": "For a tap that raises.",
        "_peer": "The peer, for the log.",
    }

    def __init__(self, stream: Stream, side: Side, logger: Logger, peer: str) -> None:
        self._taps: tuple[Tap, ...] = ()
        self._lock = threading.Lock()
        self._later: list[tuple[bool, bytes]] = []
        self._order = threading.Lock()
        self._stream = stream
        self._side = side
        self._logger = logger
        self._peer = peer

    @property
    def first(self) -> Tap | None:
        """The tap that was added first and is still here; None without taps."""
        taps = self._taps
        return taps[0] if taps else None

    def add(self, tap: Tap) -> None:
        self._replace(lambda taps: (*taps, tap))

    def remove(self, tap: Tap) -> None:
        self._replace(lambda taps: tuple(other for other in taps if other is not tap))

    def set_only(self, tap: Tap | None) -> None:
        """In one step, so that no byte passes in between unseen."""
        self._replace(lambda taps: () if tap is None else (tap,))

    def _replace(self, change: Callable[[tuple[Tap, ...]], tuple[Tap, ...]]) -> None:
        """Change the taps; without any, the stream receives without a check again."""
        with self._lock:
            self._taps = change(self._taps)
            if self._taps:
                self._stream.set_tap(self._pass_on, self._pass_later)
            else:
                self._stream.set_tap(None)

    def _pass_later(self, data: bytes) -> None:
        """Have bytes that we send passed by a thread that may wait for the taps, a new one or ours.

        The timer thread must not: a tap that waits would stop every deadline. No bytes, the end of
        our direction, are passed with the end of the connection.
        """
        with self._lock:
            self._later.append((True, data))
        if data:
            STARTER.start(self._catch_up, "refws-taps")

    def _catch_up(self) -> None:
        """Pass what has to be passed, unless another thread does, which then looks again itself.

        No thread waits here for another one: a tap may send, and a send calls the taps.
        """
        while self._later and self._order.acquire(blocking=False):
            try:
                for sent, data in self._take_later():
                    self._call_taps(sent, data)
            finally:
                self._order.release()

    def _take_later(self) -> list[tuple[bool, bytes]]:
        with self._lock:
            later, self._later = self._later, []
            return later

    def _pass_on(self, sent: bool, data: bytes) -> None:
        """Pass bytes at once; or in their turn, while others are on their way."""
        if self._later or self._order.locked():
            with self._lock:
                self._later.append((sent, data))
            self._catch_up()
        else:
            self._call_taps(sent, data)

    def _call_taps(self, sent: bool, data: bytes) -> None:
        """Call every tap. The exception of a tap is logged, and the tap is dropped."""
        side = self._side if sent else self._side.peer
        for tap in self._taps:
            try:
                keep = tap(side, data) is not False
            except Exception as error:
                keep = False
                log_error(self._logger, self._peer, "the trace failed, and is off now", error)
            if not keep:
                self.remove(tap)

    def end(self) -> None:
        """Report the end of what we receive, because the connection has ended."""
        self._pass_on(False, b"")
