"""RFC 9293 §3.4: the segments that one end sends -> its bytes in order, each once.

Sequence numbers count bytes modulo 2**32, and begin anywhere. Segments may arrive in any order,
twice, and overlapping: bytes that are already there are dropped. A capture may also lack segments
that the network has delivered. The receiver's acknowledgement of later bytes shows that.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass

from ..pcap import FIN, SYN
from .values import Segment

MODULUS = 2**32
HALF = MODULUS // 2

MAX_DISTANCE = 2**30
"""RFC 7323 §2.3: the largest window. A segment that is further away is not of this connection."""

PATIENCE = 16
"""Acknowledgements after which a missing segment is given up: captures mix up the order a bit."""

MAX_HELD = 512 * 1024
MAX_HELD_SEGMENTS = 1024
"""What waits for a missing segment, for each direction. Above that it is given up."""

MAX_HELD_IN_ALL = 64 * 1024 * 1024
"""The same for all connections of a capture."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Bytes that were sent, and that the capture does not have."""

    size: int


Piece = bytes | Missing
"""The next bytes of a direction. No bytes mean its end."""

END = b""


@dataclass(slots=True)
class Held:
    """The bytes that wait for missing segments, in all streams of a capture."""

    size: int = 0


class Stream:
    """One direction of a connection. Positions count its bytes, from the first one in the capture.

    Its memory is bounded for any segments.
    """

    def __init__(self, held: Held) -> None:
        self.ended = False
        self.from_start = False
        """Whether the capture has the start of the connection."""
        self._all_held = held
        self._first: int | None = None
        self._position = 0
        self._end: int | None = None
        self._waiting: list[tuple[int, bytes, int]] = []
        """(position, data, bytes cut off after the data) of each segment, by position."""
        self._held = 0
        self._acknowledged = 0
        self._asked = 0

    def add(self, segment: Segment) -> Iterator[Piece]:
        """The pieces that are complete with this segment."""
        if self.ended:
            return
        if segment.flags & SYN and self._first is None:
            self._first, self.from_start = segment.sequence + 1, True
        if segment.data or segment.cut or segment.flags & FIN:
            start = self._place(segment.sequence + bool(segment.flags & SYN))
            if start is not None:
                self._hold(start, segment)
                yield from self._deliver()
                while self._is_full():
                    yield from self._give_up()

    def acknowledge(self, number: int) -> Iterator[Piece]:
        """The pieces that are complete because the other end has received all before `number`."""
        if self._first is None:
            return
        place = self._place(number)
        if place is not None:
            self._acknowledged = max(self._acknowledged, place)
        if self._waiting and self._acknowledged > self._position:
            self._asked += 1
            if self._asked > PATIENCE:
                yield from self._give_up()

    @property
    def is_known(self) -> bool:
        """Whether the capture has any segment of this direction."""
        return self._first is not None

    def began_at(self, sequence: int) -> bool:
        """Whether a SYN with this number began this stream."""
        return self.from_start and self._first == sequence + 1

    def is_near(self, sequence: int) -> bool:
        """Whether the sequence number can be of this connection."""
        return self._first is None or self._place(sequence) is not None

    def finish(self) -> Iterator[Piece]:
        """All that waits, with what is missing between, once no more segments follow."""
        while self._waiting:
            yield from self._give_up()
        known = self._acknowledged if self._end is None else min(self._acknowledged, self._end)
        yield from self._lose(known - self._position)
        yield from self._end_if_reached()

    def _place(self, sequence: int) -> int | None:
        """The position of a sequence number; None if it cannot be of this connection."""
        if self._first is None:
            self._first = sequence
        following = self._first + self._position
        distance = (sequence - following + HALF) % MODULUS - HALF
        return self._position + distance if abs(distance) < MAX_DISTANCE else None

    def _hold(self, start: int, segment: Segment) -> None:
        end = start + len(segment.data) + segment.cut
        if segment.flags & FIN and self._end is None:
            self._end = end
        if end > self._position:
            insort(self._waiting, (start, segment.data, segment.cut))
            self._count(len(segment.data))

    def _count(self, size: int) -> None:
        self._held += size
        self._all_held.size += size

    def _is_full(self) -> bool:
        return bool(self._waiting) and (
            self._held > MAX_HELD
            or len(self._waiting) > MAX_HELD_SEGMENTS
            or self._all_held.size > MAX_HELD_IN_ALL
        )

    def _deliver(self) -> Iterator[Piece]:
        """What follows without a gap."""
        while self._waiting and self._waiting[0][0] <= self._position:
            start, data, cut = self._waiting.pop(0)
            self._count(-len(data))
            self._asked = 0
            if fresh := data[self._position - start :]:
                self._position += len(fresh)
                yield fresh
            yield from self._lose(start + len(data) + cut - self._position)
        yield from self._end_if_reached()

    def _give_up(self) -> Iterator[Piece]:
        """The bytes before the first segment that waits are lost."""
        yield from self._lose(self._waiting[0][0] - self._position)
        yield from self._deliver()

    def _lose(self, size: int) -> Iterator[Piece]:
        if size > 0:
            self._position += size
            yield Missing(size)

    def _end_if_reached(self) -> Iterator[Piece]:
        if self._end is not None and self._position >= self._end and not self.ended:
            self.ended = True
            yield END
