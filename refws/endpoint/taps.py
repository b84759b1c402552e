"""Functions that see every byte of a connection: for a trace, a record, the page's wire view."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from logging import Logger
from typing import TYPE_CHECKING

from ..protocol.frame import Side
from .log import log_error

if TYPE_CHECKING:
    from .connection import Connection

Tap = Callable[[Side, bytes], object]
"""Called with the side that sends, and the bytes as they are on the wire, or inside TLS.

No bytes are the end of that direction. A tap that returns False is dropped.
"""

ChooseTrace = Callable[["Connection"], Tap | None]
"""Called before the first byte of a connection; the function it returns gets every byte."""


class Taps:
    """The taps of one connection. They run in the thread that sends or receives, which waits."""

    __slots__ = {
        "_taps": "The functions, in order. Replaced under the lock, read without it.",
        "_lock": "Held while the list is replaced.",
        "_side": "Our side of the connection.",
        "_logger": "For a tap that raises.",
        "_peer": "The peer, for the log.",
    }

    def __init__(self, side: Side, logger: Logger, peer: str) -> None:
        self._taps: tuple[Tap, ...] = ()
        self._lock = threading.Lock()
        self._side = side
        self._logger = logger
        self._peer = peer

    @property
    def all(self) -> tuple[Tap, ...]:
        return self._taps

    def add(self, tap: Tap) -> None:
        with self._lock:
            self._taps = (*self._taps, tap)

    def remove(self, tap: Tap) -> None:
        with self._lock:
            self._taps = tuple(other for other in self._taps if other is not tap)

    def __call__(self, sent: bool, data: bytes) -> None:
        """Pass the bytes on. A tap that raises is logged and dropped; the connection lives on."""
        side = self._side if sent else self._side.peer
        for tap in self._taps:
            try:
                keep = tap(side, data) is not False
            except Exception as error:
                keep = False
                log_error(self._logger, self._peer, "the trace failed, and is off now", error)
            if not keep:
                self.remove(tap)


def start_traces(connection: Connection, choices: Sequence[ChooseTrace]) -> None:
    """Trace the connection from its first byte, with each function that a choice returns."""
    for choose in choices:
        try:
            if (tap := choose(connection)) is not None:
                connection.add_tap(tap)
        except Exception as error:
            logger, what = connection.settings.logger, "the trace could not be chosen, and is off"
            log_error(logger, connection.peer, what, error)


def trace_choices(trace: ChooseTrace | Sequence[ChooseTrace] | None) -> tuple[ChooseTrace, ...]:
    """What the argument `trace` of `serve` and `connect` stands for: one choice, several, none."""
    if trace is None:
        return ()
    return (trace,) if callable(trace) else tuple(trace)
