"""What a connection offers to those who look on: id, logger, latency, close code, and taps."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from .stream import Stream
from .taps import Tap, Taps

if TYPE_CHECKING:
    from logging import Logger

    from ..protocol.frame import Side
    from .pings import PendingPings
    from .sending import Sender
    from .settings import Settings


FIRST_USE = threading.Lock()
"""Held while a connection's id or taps are made: two threads may ask for them first."""


class Observed:
    """The part of `Connection` that no message needs."""

    __slots__ = {
        "_id": "Its id; None until the first one asks. Under `FIRST_USE`.",
        "_taps": "The functions that see every byte; None until the first one. Under `FIRST_USE`.",
    }

    _stream: Stream
    _id: UUID | None
    _taps: Taps | None
    _pings: PendingPings
    _sender: Sender
    side: Side
    settings: Settings

    @property
    def id(self) -> UUID:
        """A random id, for logs and for the application: no other connection has it."""
        with FIRST_USE:
            if self._id is None:
                self._id = uuid4()
            return self._id

    def has_opened(self) -> bool:
        """True if it is open, for its client too: a 101 that is being sent is waited for."""
        return self._sender.has_opened()

    @property
    def logger(self) -> Logger:
        """Where refws logs what happens to this connection."""
        return self.settings.logger

    @property
    def latency(self) -> float:
        """Seconds between the last answered Ping and its Pong; 0 before the first (§5.5.3).

        A Pong counts when it is dealt with: that can be 0.4 s late while no thread receives or
        waits for it.
        """
        return self._pings.latency

    @property
    def muted(self) -> bool:
        """Whether the peer's Pings get no Pong; True breaks a rule on purpose (§5.5.2).

        The heartbeat of this side pauses, too. It shows what the peer does with one that vanished.
        """
        return self._pings.muted

    @muted.setter
    def muted(self, muted: bool) -> None:
        self._pings.muted = muted

    @property
    def close_code(self) -> int | None:
        """The peer's close code; 1005: Close without a code; 1006: no Close; or None (§7.1.5)."""
        return self._sender.closing.code

    @property
    def close_reason(self) -> str | None:
        """The reason in the peer's Close, or the empty string; None before the end (§7.1.6)."""
        return self._sender.closing.reason

    @property
    def peer(self) -> str:
        """The remote address as a log shows it."""
        raise NotImplementedError

    @property
    def trace(self) -> Tap | None:
        """A function that gets every byte (inside TLS), or None. Setting it replaces all taps.

        It runs in the thread that sends or receives, and gets our bytes before they leave. It is
        dropped if it returns False, and if it raises an exception, which is logged.
        """
        return None if self._taps is None else self._taps.first

    @trace.setter
    def trace(self, tap: Tap | None) -> None:
        self._made_taps().set_only(tap)

    def add_tap(self, tap: Tap) -> None:
        """Pass every byte to this function as well."""
        self._made_taps().add(tap)

    def _made_taps(self) -> Taps:
        with FIRST_USE:
            if self._taps is None:
                self._taps = Taps(self._stream, self.side, self.settings.logger, self.peer)
            return self._taps

    @property
    def read_size(self) -> int:
        """The most bytes to receive at once, 0 for no limit; ValueError for a negative number.

        A small one shows that TCP is a stream: what arrives at once need not be a frame (§1.5).
        """
        return self._stream.reader.read_size

    @read_size.setter
    def read_size(self, size: int) -> None:
        self._stream.reader.read_size = size
