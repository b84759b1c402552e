"""What a capture has, and what of it could not be read -> notes for people, with what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from .choosing import Kind
from .connections import Connections
from .links import link_name
from .values import Packet, Skipped

PORTS_SHOWN = 5
LINKS_SHOWN = 3

TLS_ADVICE = (
    "its frames cannot be seen without its keys: record the connection inside TLS, with --record "
    "of connect or serve, or capture between server and proxy"
)


@dataclass(slots=True)
class Tally:
    """What the packets of a capture are; `port` is the one that was asked for."""

    port: int | None
    packets: int = 0
    cut: int = 0
    longest_cut: int = 0
    skipped: Counter[Skipped] = field(default_factory=Counter)
    links: Counter[int] = field(default_factory=Counter)
    cut_off: bool = False
    """Whether the file ends within a packet."""

    def add(self, packet: Packet) -> None:
        self.packets += 1
        if packet.cut:
            self.cut += 1
            self.longest_cut = max(self.longest_cut, len(packet.data))


def notes(tally: Tally, connections: Connections) -> Iterator[str]:
    """A line for each thing that could not be read."""
    yield from about_choice(tally, connections)
    yield from about_packets(tally, connections)
    yield from about_connections(connections)
    if tally.cut_off:
        yield "the capture ends within a packet: the file is cut off, and read up to there"


def about_choice(tally: Tally, connections: Connections) -> Iterator[str]:
    """Why there is no WebSocket connection, or less of them than one may expect."""
    if not connections.kinds[Kind.WEBSOCKET]:
        advice = advice_on_choice(tally.port, connections)
        yield f"no WebSocket connection in the capture: {contents(tally, connections)}{advice}"
    if tls := connections.kinds[Kind.TLS]:
        ports = ports_of(Kind.TLS, connections)
        yield f"{of(tls, 'connection')} with TLS (port {ports}): {TLS_ADVICE}"


def about_packets(tally: Tally, connections: Connections) -> Iterator[str]:
    if tally.cut:
        yield (
            f"{of(tally.cut, 'packet')} cut off after {tally.longest_cut} bytes by the program "
            "that captured: capture whole packets, with tcpdump -s 0"
        )
    if connections.missing:
        yield (
            f"{of(connections.missing, 'byte')} of WebSocket connections missing in the capture: "
            "frames around them are shown as cut off, or not read"
        )
    if fragments := tally.skipped[Skipped.FRAGMENT]:
        yield f"{of(fragments, 'fragment')} of IP packets left out: they are not put together"
    if damaged := tally.skipped[Skipped.DAMAGED]:
        yield f"{of(damaged, 'packet')} left out: damaged, or cut off within their headers"
    for link, number in tally.links.most_common(LINKS_SHOWN):
        yield (
            f"{of(number, 'packet')} of {link_name(link)} left out: capture on another interface, "
            'such as "any" or that of loopback'
        )


def about_connections(connections: Connections) -> Iterator[str]:
    if connections.midway:
        yield (
            f"{listed(connections.midway)}: opened before the capture began, so the first bytes "
            "are taken for the start of a message, and RSV1 for compression that is not undone"
        )
    if connections.one_sided:
        yield f"{listed(connections.one_sided)}: the capture has the packets of one side only"
    if connections.forgotten:
        yield f"{of(connections.forgotten, 'idle connection')} left: too many were open at once"


def contents(tally: Tally, connections: Connections) -> str:
    """What is in the capture instead of WebSocket connections."""
    skipped = (
        f"{tally.skipped[reason]} of them {reason.value}"
        for reason in (Skipped.NOT_IP, Skipped.NOT_TCP)
        if tally.skipped[reason]
    )
    kinds = (
        f"{of(number, 'connection')} {kind.value}" for kind, number in connections.kinds.items()
    )
    return ", ".join([of(tally.packets, "packet"), *skipped, *kinds])


def advice_on_choice(port: int | None, connections: Connections) -> str:
    if port is not None:
        return "" if connections.kinds else f"; none is to or from port {port}"
    ports = ports_of(Kind.UNKNOWN, connections)
    found = f" {ports}, which the capture has" if ports else ""
    return f"; if one began before the capture, give its server's port with --port{found}"


def ports_of(kind: Kind, connections: Connections) -> str:
    return " or ".join(map(str, sorted(connections.ports[kind])[:PORTS_SHOWN]))


def listed(numbers: list[int]) -> str:
    """The numbers of connections, in words."""
    return ", ".join(f"#{number}" for number in numbers)


def of(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
