"""A capture file -> the entries of its WebSocket connections, and what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from typing import BinaryIO

from ..tape import Entry
from .choosing import Kind
from .classic import FORMATS, read_pcap
from .connections import Connections
from .links import LINKS, link_name
from .pcapng import SECTION, read_pcapng
from .segments import segment_of
from .source import CutOff, Source
from .values import Packet, Skipped

MAGIC_SIZE = 4
"""Bytes at the start of a file that show what it is."""

PORTS_SHOWN = 5

TLS_ADVICE = (
    "its frames cannot be seen without its keys: record the connection inside TLS, with --record "
    "of connect or serve, or capture between server and proxy"
)


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
        self.cut_off = False
        self._packets: Iterator[Packet] = self._whole(packets_of(file))
        self._port = port
        self._connections = Connections(port)
        self._count = 0
        self._skipped: Counter[Skipped] = Counter()
        self._links: Counter[int] = Counter()
        self._cut = 0
        self._longest = 0
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
            self._note(packet)
            if packet.link not in LINKS:
                self._links[packet.link] += 1
                continue
            segment = segment_of(LINKS[packet.link](packet.data), packet.cut)
            if isinstance(segment, Skipped):
                self._skipped[segment] += 1
                continue
            yield from self._connections.feed((nanoseconds - self._began) / 10**9, segment)
        yield from self._connections.finish((nanoseconds - self._began) / 10**9)

    def _whole(self, packets: Iterator[Packet]) -> Iterator[Packet]:
        try:
            yield from packets
        except CutOff:
            self.cut_off = True

    def _note(self, packet: Packet) -> None:
        self._count += 1
        if packet.cut:
            self._cut += 1
            self._longest = max(self._longest, len(packet.data))

    @property
    def found(self) -> bool:
        """Whether there was a WebSocket connection."""
        return self._connections.kinds[Kind.WEBSOCKET] > 0

    def notes(self) -> Iterator[str]:
        """What could not be read, and what to do, a line for each."""
        connections = self._connections
        if not self.found:
            yield f"no WebSocket connection in {self._contents()}{self._choice_advice()}"
        if tls := connections.kinds[Kind.TLS]:
            yield f"{of(tls, 'connection')} with TLS (port {self._ports(Kind.TLS)}): {TLS_ADVICE}"
        if self._cut:
            yield (
                f"{of(self._cut, 'packet')} cut off after {self._longest} bytes by the program "
                "that captured: capture whole packets, with tcpdump -s 0"
            )
        if connections.missing:
            yield (
                f"{of(connections.missing, 'byte')} of WebSocket connections missing in the "
                "capture: frames around them are shown as cut off, or not read"
            )
        if fragments := self._skipped[Skipped.FRAGMENT]:
            yield f"{of(fragments, 'fragment')} of IP packets left out: they are not put together"
        if damaged := self._skipped[Skipped.DAMAGED]:
            yield f"{of(damaged, 'packet')} left out: damaged, or cut off within their headers"
        for link, number in self._links.most_common(3):
            yield (
                f"{of(number, 'packet')} of {link_name(link)} left out: capture on another "
                'interface, such as "any" or that of loopback'
            )
        if connections.midway:
            numbers = ", ".join(f"#{number}" for number in connections.midway)
            yield (
                f"{numbers}: opened before the capture began, so the first bytes are taken for the "
                "start of a frame, and compressed messages are not inflated"
            )
        if connections.forgotten:
            yield f"{of(connections.forgotten, 'idle connection')} left: too many were open at once"
        if self.cut_off:
            yield "the capture ends within a packet: the file is cut off, and read up to there"

    def _contents(self) -> str:
        """What is in the capture instead of WebSocket connections."""
        skipped = (
            f"{self._skipped[reason]} of them {reason.value}"
            for reason in (Skipped.NOT_IP, Skipped.NOT_TCP)
            if self._skipped[reason]
        )
        kinds = (
            f"{of(number, 'connection')} {kind.value}"
            for kind, number in self._connections.kinds.items()
        )
        return f"the capture: {', '.join([of(self._count, 'packet'), *skipped, *kinds])}"

    def _choice_advice(self) -> str:
        """What to do if connections were there, but none was chosen."""
        if self._port is not None:
            return "" if self._connections.kinds else f"; none is to or from port {self._port}"
        ports = self._ports(Kind.UNKNOWN)
        found = f" {ports}, which the capture has" if ports else ""
        return f"; if one began before the capture, give its server's port with --port{found}"

    def _ports(self, kind: Kind) -> str:
        return " or ".join(map(str, sorted(self._connections.ports[kind])[:PORTS_SHOWN]))


def packets_of(file: BinaryIO) -> Iterator[Packet]:
    """The packets of a file of either format."""
    start = file.read(MAGIC_SIZE)
    source = Source(file, start)
    return read_pcapng(source) if start == SECTION else read_pcap(source)


def of(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
