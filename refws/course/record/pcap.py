"""RFC 9293, RFC 791, RFC 8200: the entries of a tape -> a file as if captured on a network.

The file is a classic pcap of IP packets without a link layer. A tape has no TCP handshake, segments
and acknowledgements, so they are made up, and Wireshark finds nothing unusual. There is no TLS in
the file, because a tape has the bytes inside TLS.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import BinaryIO

from ...protocol.frame import Side
from .tape import Address, Chunk, Entry, Gap, Opened

MAGIC = 0xA1B2C3D4
"""It means: times in seconds and microseconds, and numbers in this byte order."""

VERSION = (2, 4)
SNAP_LENGTH = 65_535
LINKTYPE_RAW = 101
"""It means: each packet begins with its IP header, of version 4 or 6."""

SEGMENT = 1440
"""Bytes of data in a packet, so that the packet fits an Ethernet frame, with IPv6, too."""

WINDOW = 65_535
HOPS = 64
TCP = 6
FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

SERVER = Address("127.0.0.1", 80)
"""For a server whose address is not known; port 80 makes Wireshark look for HTTP."""

FIRST_PORT, PORTS = 49_152, 16_384
"""For clients whose addresses are not known (RFC 6335 §6)."""

IP = IPv4Address | IPv6Address


def write_pcap(file: BinaryIO, entries: Iterable[Entry], began: float = 0.0) -> int:
    """Write the capture; the number of its packets. `began`, in seconds since 1970, is time 0."""
    file.write(struct.pack("<IHHiIII", MAGIC, *VERSION, 0, 0, SNAP_LENGTH, LINKTYPE_RAW))
    count = 0
    for seconds, packet in packets(entries):
        microseconds = round((began + seconds) * 1_000_000)
        whole, part = divmod(min(max(microseconds, 0), 2**32 * 1_000_000 - 1), 1_000_000)
        file.write(struct.pack("<IIII", whole, part, len(packet), len(packet)) + packet)
        count += 1
    return count


def packets(entries: Iterable[Entry]) -> Iterator[tuple[float, bytes]]:
    """(seconds, IP packet) for each TCP segment that could have carried these entries."""
    connections: dict[int, TCPConnection] = {}
    for entry in entries:
        connection = connections.get(entry.connection)
        if connection is None:
            connection = connections[entry.connection] = TCPConnection(entry)
            yield from ((entry.seconds, packet) for packet in connection.open())
        if isinstance(entry, Chunk):
            yield from (
                (entry.seconds, packet) for packet in connection.send(entry.sender, entry.data)
            )
        elif isinstance(entry, Gap):
            connection.skip(entry.sender, entry.size)


class TCPConnection:
    """One connection, with the next sequence number of each side."""

    def __init__(self, first: Entry) -> None:
        client, server = first_addresses(first)
        hosts = same_family(ip_address(client.host), ip_address(server.host))
        self._hosts = dict(zip((Side.CLIENT, Side.SERVER), hosts, strict=True))
        self._ports = {Side.CLIENT: client.port, Side.SERVER: server.port}
        # Each connection starts with its own sequence numbers: two may have the same client's port.
        start = (first.connection * 1_000_003) % 2**32
        self._next = {Side.CLIENT: start, Side.SERVER: (start + 2**31) % 2**32}

    def open(self) -> Iterator[bytes]:
        """RFC 9293 §3.5: SYN, SYN and ACK, ACK."""
        yield self._segment(Side.CLIENT, SYN)
        yield self._segment(Side.SERVER, SYN | ACK)
        yield self._segment(Side.CLIENT, ACK)

    def send(self, sender: Side, data: bytes) -> Iterator[bytes]:
        """The segments of these data, each acknowledged; a FIN if there are no data."""
        if not data:
            yield self._segment(sender, FIN | ACK)
            yield self._segment(sender.peer, ACK)
        for start in range(0, len(data), SEGMENT):
            yield self._segment(sender, PSH | ACK, data[start : start + SEGMENT])
            yield self._segment(sender.peer, ACK)

    def skip(self, sender: Side, size: int) -> None:
        """Leave out bytes that were sent: the next segment shows by its number that they lack."""
        self._next[sender] = (self._next[sender] + size) % 2**32

    def _segment(self, sender: Side, flags: int, data: bytes = b"") -> bytes:
        sequence, acknowledged = self._next[sender], self._next[sender.peer] if flags & ACK else 0
        self._next[sender] = (sequence + len(data) + bool(flags & (SYN | FIN))) % 2**32
        source, destination = self._hosts[sender], self._hosts[sender.peer]
        ports = self._ports[sender], self._ports[sender.peer]
        header = struct.pack(
            "!HHIIBBHHH", *ports, sequence, acknowledged, 5 << 4, flags, WINDOW, 0, 0
        )
        pseudo_header = (
            source.packed + destination.packed + struct.pack("!II", len(header) + len(data), TCP)
        )
        right = checksum(pseudo_header + header + data)
        return ip_packet(source, destination, header[:16] + right.to_bytes(2) + header[18:] + data)


def first_addresses(first: Entry) -> tuple[Address, Address]:
    """The addresses of client and server: from the tape, or made up if they are not on it."""
    client, server = (first.client, first.server) if isinstance(first, Opened) else (None, None)
    made_up = Address(SERVER.host, FIRST_PORT + first.connection % PORTS)
    return client or made_up, server or SERVER


def same_family(*hosts: IP) -> tuple[IP, ...]:
    """The addresses, all in IPv6 if one of them is (RFC 4291 §2.5.5.2)."""
    if len({host.version for host in hosts}) == 1:
        return hosts
    return tuple(IPv6Address(f"::ffff:{host}") if host.version == 4 else host for host in hosts)


def ip_packet(source: IP, destination: IP, segment: bytes) -> bytes:
    """The segment, after an IP header."""
    addresses = source.packed + destination.packed
    if source.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(segment), TCP, HOPS) + addresses + segment
    fields = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0x4000, HOPS, TCP, 0)
    return fields[:10] + checksum(fields + addresses).to_bytes(2) + addresses + segment


def checksum(data: bytes) -> int:
    """RFC 1071: the one's complement of the one's complement sum of all 16-bit words.

    To add each carry at the low end is to take the remainder by 2**16 - 1. The sum of a header is
    never 0, so a remainder of 0 means 2**16 - 1.
    """
    padded = data + bytes(len(data) % 2)
    return 0xFFFF - (int.from_bytes(padded) % 0xFFFF or 0xFFFF)
