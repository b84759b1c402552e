"""A capture file -> the entries of its WebSocket connections, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import BinaryIO

from ..tape import Entry
from .choosing import Kind
from .classic import FORMATS, read_pcap
from .connections import Connections
from .links import LINKS
from .notes import Tally, notes
from .pcapng import SECTION, read_pcapng
from .segments import segment_of
from .source import CutOff, Source
from .values import Packet, Skipped

MAGIC_SIZE = 4
"""Bytes at the start of a file that show what it is."""


def is_capture(start: bytes) -> bool:
    """Whether a file with these first four bytes is a capture, pcap or pcapng."""
    return start == SECTION or start in FORMATS


class CaptureReader:
    """The entries of a capture, in their order.

    BadCapture where the file is damaged. `recorded` is when the first packet was seen, in seconds
    since 1970. With a `port`, all connections to servers on that port are read; otherwise the ones
    that begin with an opening handshake. After the last entry `notes` says what could not be read.
    """

    def __init__(self, file: BinaryIO, port: int | None = None) -> None:
        self._tally = Tally(port)
        self._connections = Connections(port)
        self._packets: Iterator[Packet] = self._whole(packets_of(file))
        first = list(islice(self._packets, 1))
        self._began = (first[0].nanoseconds or 0) if first else 0
        self._packets = chain(first, self._packets)

    @property
    def recorded(self) -> float:
        return self._began / 10**9

    def __iter__(self) -> Iterator[Entry]:
        nanoseconds = self._began
        for packet in self._packets:
            nanoseconds = nanoseconds if packet.nanoseconds is None else packet.nanoseconds
            self._tally.add(packet)
            if packet.link not in LINKS:
                self._tally.links[packet.link] += 1
                continue
            segment = segment_of(LINKS[packet.link](packet.data), packet.cut)
            if isinstance(segment, Skipped):
                self._tally.skipped[segment] += 1
                continue
            yield from self._connections.feed((nanoseconds - self._began) / 10**9, segment)
        yield from self._connections.finish((nanoseconds - self._began) / 10**9)

    def _whole(self, packets: Iterator[Packet]) -> Iterator[Packet]:
        try:
            yield from packets
        except CutOff:
            self._tally.cut_off = True

    @property
    def found(self) -> bool:
        """Whether there was a WebSocket connection."""
        return self._connections.kinds[Kind.WEBSOCKET] > 0

    def notes(self) -> Iterator[str]:
        """What could not be read, and what to do, a line for each."""
        return notes(self._tally, self._connections)


def packets_of(file: BinaryIO) -> Iterator[Packet]:
    """The packets of a file of either format."""
    start = file.read(MAGIC_SIZE)
    source = Source(file, start)
    return read_pcapng(source) if start == SECTION else read_pcap(source)
