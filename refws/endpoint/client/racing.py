"""RFC 8305 (Happy Eyeballs) §5: the addresses of a name -> the first TCP connection to one.

Each attempt begins with its slot at its address (RFC 6455 §4.1 item 2). The next one begins 250 ms
later, or at once when one has failed, and the first that connects ends the others. All attempts are
in the caller's thread, which waits for their sockets and for slots at the same time.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from errno import EINPROGRESS, EWOULDBLOCK
from selectors import EVENT_READ, EVENT_WRITE
from selectors import DefaultSelector as Selector
from time import monotonic
from typing import Any

from ..log import format_address
from ..stream import send_at_once
from ..timers import wait_time
from ..waking import WakeUp
from .connecting import SLOTS, Deadline, Place, connect_socket, waiting_for

ATTEMPT_DELAY = 0.25
"""Seconds from one attempt to the next (RFC 8305 §5 recommends them)."""

BEGUN = (0, EINPROGRESS, EWOULDBLOCK)
"""What the system says of an attempt that has not failed at once."""


@contextmanager
def first_connected(
    places: Sequence[Place], deadline: Deadline
) -> Iterator[tuple[socket.socket, Any]]:
    """The first connection to one of the places, and its address; the caller owns the socket.

    Its slot is kept until the end of the `with` block. The error of the attempt that failed last if
    all fail, TimeoutError at the deadline.
    """
    if len(places) == 1:
        family, address, slot = places[0]
        with nullcontext() if slot is None else SLOTS.slot(slot, deadline):
            yield connect_socket(family, address, deadline), address
        return
    with closing(Race(places, deadline)) as race:
        yield race.run()


class Race:
    """Attempts to connect to several places. For one thread."""

    def __init__(self, places: Sequence[Place], deadline: Deadline) -> None:
        self._deadline = deadline
        self._next = list(places)
        self._next_at = monotonic()
        self._waiting: list[Place] = []
        self._connecting: dict[socket.socket, Place] = {}
        self._slots: set[str] = set()
        self._failed: OSError | None = None
        self._wake_up = WakeUp()
        self._selector = Selector()
        self._selector.register(self._wake_up.receiver, EVENT_READ)

    def run(self) -> tuple[socket.socket, Any]:
        """The first connection; the others are ended, and their slots given back."""
        while True:
            self._begin_next()
            for place in self._waiting.copy():
                if place.slot is None or SLOTS.take(place.slot, self._wake_up):
                    self._waiting.remove(place)
                    self._connect(place)
            if not (self._next or self._waiting or self._connecting):
                raise self._failed or OSError("the host has no address")
            for sock in self._wait():
                if error := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    self._fail(self._connecting[sock], OSError(error, os.strerror(error)), sock)
                else:
                    return self._won(sock)

    def _begin_next(self) -> None:
        if self._next and (monotonic() >= self._next_at or not (self._waiting or self._connecting)):
            self._waiting.append(self._next.pop(0))
            self._next_at = monotonic() + ATTEMPT_DELAY

    def _connect(self, place: Place) -> None:
        """Begin an attempt, whose slot is taken."""
        if place.slot is not None:
            self._slots.add(place.slot)
        sock = None
        try:
            sock = socket.socket(place.family, socket.SOCK_STREAM)
            self._connecting[sock] = place
            sock.setblocking(False)
            if (error := sock.connect_ex(place.address)) not in BEGUN:
                raise OSError(error, os.strerror(error))
            self._selector.register(sock, EVENT_WRITE)
        except OSError as error:
            self._fail(place, error, sock)

    def _fail(self, place: Place, error: OSError, sock: socket.socket | None) -> None:
        self._failed = error
        self._next_at = monotonic()
        if sock is not None:
            self._end(sock)
        self._give_back(place.slot)

    def _wait(self) -> list[socket.socket]:
        """The sockets whose attempts are over; none if only a slot or a time was waited for."""
        seconds = self._deadline.remaining(self._what())
        if self._next:
            until_next = wait_time(self._next_at - monotonic())
            seconds = until_next if seconds is None else min(seconds, until_next)
        ready = [key.fileobj for key, _ in self._selector.select(seconds)]
        self._wake_up.pause(0)
        return [sock for sock in self._connecting if sock in ready]

    def _what(self) -> str:
        """What has taken all the time if the deadline passes now."""
        if not self._connecting and self._waiting and self._waiting[0].slot:
            return waiting_for(self._waiting[0].slot)
        places = [*self._connecting.values(), *self._next]
        return f"connecting to {' and '.join(format_address(place.address) for place in places)}"

    def _won(self, sock: socket.socket) -> tuple[socket.socket, Any]:
        self._selector.unregister(sock)
        place = self._connecting.pop(sock)
        for other in tuple(self._connecting):
            self._give_back(self._end(other).slot)
        try:
            sock.setblocking(True)
            send_at_once(sock)
        except BaseException:
            sock.close()
            raise
        return sock, place.address

    def _end(self, sock: socket.socket) -> Place:
        with suppress(KeyError):
            self._selector.unregister(sock)
        sock.close()
        return self._connecting.pop(sock)

    def _give_back(self, slot: str | None) -> None:
        if slot is not None:
            self._slots.discard(slot)
            SLOTS.release(slot)

    def close(self) -> None:
        """End the attempts that go on, and give back the slots, also the one of the winner."""
        for sock in tuple(self._connecting):
            self._end(sock)
        for slot in tuple(self._slots):
            self._give_back(slot)
        SLOTS.forget(self._wake_up)
        self._selector.close()
        self._wake_up.close()
