"""RFC 9293, RFC 6455 §4: the segments of a capture -> the entries of its WebSocket connections."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from itertools import count

from ....protocol.frame import Side
from ..pcap import ACK, RST, SYN
from ..tape import Address, Chunk, Entry, Gap, Opened
from .choosing import Choice, Kind
from .reassembly import END, Held, Missing, Piece, Stream
from .values import End, Segment

MAX_CONNECTIONS = 4096
"""Connections that are followed at once. Above that, the one that was idle longest is ended."""

MAX_LISTED = 10
"""The most connections whose numbers are kept for a note."""


class Connections:
    """All connections of a capture, by their two ends. `port` is that of the servers, or None."""

    def __init__(self, port: int | None) -> None:
        self.kinds: Counter[Kind] = Counter()
        """How many connections are of each kind."""
        self.ports: dict[Kind, set[int]] = {kind: set() for kind in Kind}
        """The ports of their servers, as they seem to be."""
        self.midway: list[int] = []
        """The first numbers of connections that were open before the capture began."""
        self.one_sided: list[int] = []
        """The first numbers of connections of which the capture has one direction only."""
        self.missing = 0
        """Bytes of WebSocket connections that the capture does not have."""
        self.forgotten = 0
        """Connections that were ended because too many were open."""
        self._port = port
        self._numbers = count(1)
        self._held = Held()
        self._open: OrderedDict[frozenset[End], TCPConnection] = OrderedDict()

    def feed(self, seconds: float, segment: Segment) -> Iterator[Entry]:
        """The entries that this segment completes."""
        if self._port not in (None, segment.source[1], segment.target[1]):
            return
        ends = frozenset((segment.source, segment.target))
        connection = self._open.get(ends)
        if connection is not None and connection.is_reused_by(segment):
            yield from self._end(seconds, ends)
            connection = None
        if connection is None:
            if not (segment.data or segment.cut or segment.flags & SYN) or len(ends) == 1:
                return
            connection = self._open[ends] = TCPConnection(segment, self._port, self._held)
            if len(self._open) > MAX_CONNECTIONS:
                self.forgotten += 1
                yield from self._end(seconds, next(iter(self._open)))
        self._open.move_to_end(ends)
        yield from self._entries(connection, seconds, connection.feed(segment))

    def finish(self, seconds: float) -> Iterator[Entry]:
        """What waits, once the capture has ended."""
        for connection in self._open.values():
            yield from self._entries(connection, seconds, connection.finish())
            self._count(connection)
        self._open.clear()

    def _end(self, seconds: float, ends: frozenset[End]) -> Iterator[Entry]:
        connection = self._open.pop(ends)
        yield from self._entries(connection, seconds, connection.end())
        self._count(connection)

    def _count(self, connection: TCPConnection) -> None:
        kind = Kind.WEBSOCKET if connection.number else connection.choice.kind
        self.kinds[kind] += 1
        self.ports[kind].add(connection.choice.server[1])
        if connection.number and connection.is_one_sided:
            keep(self.one_sided, connection.number)

    def _entries(
        self, connection: TCPConnection, seconds: float, pieces: Iterable[tuple[End, Piece]]
    ) -> Iterator[Entry]:
        for end, piece in pieces:
            if connection.number:
                yield self._entry(connection, seconds, end, piece)
            elif connection.choice.add(seconds, end, piece):
                connection.number = next(self._numbers)
                yield self._opened(connection)
                for held in connection.choice.take():
                    yield self._entry(connection, *held)

    def _opened(self, connection: TCPConnection) -> Opened:
        choice = connection.choice
        whole = connection.from_start or choice.has_request
        if not whole:
            keep(self.midway, connection.number)
        return Opened(
            choice.began,
            connection.number,
            address_of(choice.client),
            address_of(choice.server),
            at_handshake=True if whole else None,
        )

    def _entry(
        self, connection: TCPConnection, seconds: float, end: End, piece: Piece
    ) -> Chunk | Gap:
        sender = Side.CLIENT if end == connection.choice.client else Side.SERVER
        if isinstance(piece, Missing):
            self.missing += piece.size
            return Gap(seconds, connection.number, sender, piece.size)
        return Chunk(seconds, connection.number, sender, piece)


class TCPConnection:
    """One connection. `number` is 0 until it is chosen."""

    def __init__(self, first: Segment, port: int | None, held: Held) -> None:
        self.number = 0
        self._streams = {end: Stream(held) for end in (first.source, first.target)}
        self.choice = Choice(*client_and_server(first, port), port)

    @property
    def from_start(self) -> bool:
        """Whether the capture has the start of the connection."""
        return any(stream.from_start for stream in self._streams.values())

    @property
    def is_one_sided(self) -> bool:
        return not all(stream.is_known for stream in self._streams.values())

    def is_reused_by(self, segment: Segment) -> bool:
        """Whether the segment begins another connection between the same ends."""
        return segment.flags & (SYN | ACK) == SYN and not self._streams[segment.source].began_at(
            segment.sequence
        )

    def feed(self, segment: Segment) -> Iterator[tuple[End, Piece]]:
        """The pieces that this segment completes, each with its sender."""
        stream, others = self._streams[segment.source], self._streams[segment.target]
        if segment.flags & ACK:
            for piece in others.acknowledge(segment.acknowledged):
                yield segment.target, piece
        for piece in stream.add(segment):
            yield segment.source, piece
        if segment.flags & RST and stream.is_near(segment.sequence):
            yield from self.end()

    def finish(self) -> Iterator[tuple[End, Piece]]:
        """What waits for missing segments."""
        for end, stream in self._streams.items():
            for piece in stream.finish():
                yield end, piece

    def end(self) -> Iterator[tuple[End, Piece]]:
        """The same, and the end of both directions."""
        yield from self.finish()
        for end, stream in self._streams.items():
            if not stream.ended:
                stream.ended = True
                yield end, END


def keep(numbers: list[int], number: int) -> None:
    """Add the number of a connection to a list for a note."""
    if len(numbers) < MAX_LISTED:
        numbers.append(number)


def client_and_server(first: Segment, port: int | None) -> tuple[End, End]:
    """The ends, as they seem to be: by the port of the server, by the SYN, by the lower port."""
    ends = first.source, first.target
    has_port = [end[1] == port for end in ends]
    if any(has_port) and not all(has_port):
        client = ends[has_port.index(False)]
    elif first.flags & SYN:
        client = ends[1] if first.flags & ACK else ends[0]
    else:
        client = max(ends, key=lambda end: end[1])
    return client, first.target if client == first.source else first.source


def address_of(end: End) -> Address:
    """The end as a value of a tape."""
    return Address(str(ip_address(end[0])), end[1])
