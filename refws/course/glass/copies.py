"""Copies of what passes, for one who looks on: a bounded queue, in which a link never waits.

    link's threads                                     the looker-on's thread
    bytes -> Copies.put, to each looker-on -> Copies.take -> lines, a tape, a page

What does not fit is left out, and counted: the next copy of the same connection says how much.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from ...protocol.frame import Side
from .head import Change

MAX_BYTES = 32 * 1024 * 1024
"""What a looker-on may be late by: a message of 16 MiB fits, with its echo."""

GATHERING = 0.02
"""Seconds in which more copies may come before the first one is taken."""

WEIGHT = 200
"""Bytes that a copy takes beside its data."""


class How(Enum):
    """How a side ends its direction of TCP."""

    FIN = "end"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Opened:
    """A client is connected; `server` is None if the server cannot be reached, and `why` says so.

    `time` is one of `monotonic`, in all copies.
    """

    time: float
    connection: int
    client: Any
    server: Any
    why: str = ""


@dataclass(frozen=True, slots=True)
class Passed:
    """Bytes that pass, as the receiver gets them. `changes` were made in them."""

    time: float
    connection: int
    sender: Side
    data: bytes
    changes: tuple[Change, ...] = ()
    message_start: int | None = None
    """The index in `data` of a frame that begins a message: after a gap, one can go on there."""
    left_out: int = 0
    """Bytes of the same sender that were left out just before."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The sender sends nothing more."""

    time: float
    connection: int
    sender: Side
    how: How
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more follows of this connection. `stopped` if the forwarding server has ended it."""

    time: float
    connection: int
    stopped: bool
    left_out: int = 0
    """Bytes of either sender that were left out at the end."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a connection that is over: for each line a label and a text."""

    time: float
    connection: int
    lines: tuple[tuple[str, str], ...]


Copy = Opened | Passed | Ended | Over | Judged


class Copies:
    """The copies that wait for one looker-on, in order. For any number of threads.

    `_condition` guards all fields. `put` never waits for the looker-on.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._condition = threading.Condition()
        self._waiting: deque[Copy] = deque()
        self._size = 0
        self._left_out: dict[int, dict[Side, int]] = {}
        """The connections that are looked at, and what was left out since the last copy."""
        self._closed = False
        self._dropped = False

    @property
    def dropped(self) -> bool:
        """Whether the looker-on need not go on."""
        with self._condition:
            return self._dropped

    @property
    def size(self) -> int:
        """Bytes of memory of the copies that wait to be taken; 0 without any."""
        with self._condition:
            return self._size

    def put(self, copy: Copy) -> None:
        """Add a copy, unless it does not fit: then its bytes are counted.

        The end of a connection always fits. A connection whose beginning does not fit is left out.
        """
        with self._condition:
            if not self._closed and (added := self._with_gap(copy, self._fits(copy))) is not None:
                self._waiting.append(added)
                self._size += weight(added)
                self._condition.notify_all()

    def _fits(self, copy: Copy) -> bool:
        return self._size + weight(copy) <= self._max_bytes

    def _with_gap(self, copy: Copy, fits: bool) -> Copy | None:
        """The copy, with the number of bytes that were left out before it; None to leave it out."""
        if isinstance(copy, Judged):
            return copy if fits else None
        if isinstance(copy, Opened):
            if fits:
                self._left_out[copy.connection] = dict.fromkeys(Side, 0)
            return copy if fits else None
        gap = self._left_out.get(copy.connection)
        if gap is None:
            return None
        if isinstance(copy, Over):
            del self._left_out[copy.connection]
            return replace(copy, left_out=sum(gap.values()))
        if isinstance(copy, Passed) and not fits:
            gap[copy.sender] += len(copy.data)
            return None
        left_out, gap[copy.sender] = gap[copy.sender], 0
        return replace(copy, left_out=left_out) if left_out else copy

    def take(self) -> Iterator[Copy]:
        """The copies in order, each after `GATHERING` seconds at most. Blocks; ends after `close`.

        A thread that is woken for each copy would take the interpreter each time just when
        the link needs it, which makes a round trip twice as long.
        """
        while (copy := self._next()) is not None:
            yield copy

    def _next(self) -> Copy | None:
        with self._condition:
            if not self._waiting:
                self._condition.wait_for(lambda: self._waiting or self._closed)
                self._condition.wait_for(lambda: self._closed, GATHERING)
            if not self._waiting:
                return None
            copy = self._waiting.popleft()
            self._size -= weight(copy)
            return copy

    def pause(self, seconds: float) -> None:
        """Block for that long, but not after `close`."""
        with self._condition:
            self._condition.wait_for(lambda: self._closed, seconds)

    def close(self, drop: bool = False) -> None:
        """Take no more copies. The looker-on gets the ones that wait, unless they are dropped."""
        with self._condition:
            self._closed = True
            if drop:
                self._dropped = True
                self._waiting.clear()
                self._size = 0
            self._condition.notify_all()


def weight(copy: Copy) -> int:
    """About how many bytes of memory a copy takes."""
    return WEIGHT + (len(copy.data) if isinstance(copy, Passed) else 0)
