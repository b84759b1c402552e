"""What a connection offers to those who look on: an id for logs, and taps that see every byte."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from .stream import Stream
from .taps import Tap, Taps

if TYPE_CHECKING:
    from ..protocol.frame import Side
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
    side: Side
    settings: Settings

    @property
    def id(self) -> UUID:
        """A random id, for logs and for the application: no other connection has it."""
        with FIRST_USE:
            if self._id is None:
                self._id = uuid4()
            return self._id

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
