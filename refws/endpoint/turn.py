"""RFC 6455 §5.4: the turn of a message that is sent in steps; other messages wait until it ends."""

from __future__ import annotations

import threading
from typing import Protocol

from .exceptions import ConcurrencyError, ConnectionClosed, InvalidState

LOOK_INTERVAL = 0.2
"""Seconds after which a thread that waits looks whether the connection has ended."""


class Sending(Protocol):
    """What the turn asks of the sending side."""

    @property
    def can_send(self) -> bool: ...

    @property
    def must_give_way(self) -> bool: ...

    def write_due_pong(self) -> None: ...

    def closed_error(self) -> ConnectionClosed | InvalidState: ...


class Turn:
    """A monitor on the write lock: every method but `look` is called under it; `wait` releases it.

    First come, first served: fragments sent without a pause must not keep other messages out.
    """

    __slots__ = {
        "busy": "Whether a message must wait. The other fields: under the write lock.",
        "owner": "The thread whose message is sent in steps; 0 for none. It gives the turn back.",
        "_waiting": "A condition for each message that waits, in their order.",
        "_lock": "The write lock.",
    }

    def __init__(self, lock: threading.RLock) -> None:
        self.busy = False
        self.owner = 0
        self._waiting: tuple[threading.Condition, ...] = ()  # a list takes memory while it is empty
        self._lock = lock

    def take(self, sending: Sending) -> None:
        """Wait for the turn, and keep it. Errors as in `wait`."""
        if self.busy:
            self.wait(sending)
        self.busy, self.owner = True, threading.get_ident()

    def refuse_own(self) -> None:
        """ConcurrencyError if this thread has the turn: it would wait for itself."""
        if self.owner == threading.get_ident():
            seen = "a message inside a message of the same thread; send it before or after"
            raise ConcurrencyError(seen)

    def wait(self, sending: Sending) -> None:
        """Block until the turn is free.

        ConcurrencyError if it is this thread's own, which would wait for itself; ConnectionClosed
        if the connection cannot send, or ends meanwhile.
        """
        self.refuse_own()
        mine = threading.Condition(self._lock)
        self._waiting += (mine,)
        try:
            while self.owner or sending.must_give_way or self._waiting[0] is not mine:
                if not sending.can_send:
                    raise sending.closed_error()
                mine.wait(LOOK_INTERVAL)
        finally:
            self._waiting = tuple(one for one in self._waiting if one is not mine)
            self.wake()
        sending.write_due_pong()

    def wake(self) -> None:
        """Wake the first that waits; when it is done waiting, it wakes the next."""
        self.busy = bool(self.owner or self._waiting)
        if self._waiting:
            self._waiting[0].notify()

    def look(self) -> None:
        """Without the lock: have the next message look whether it must wait."""
        self.busy = True
