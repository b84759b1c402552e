"""RFC 791, RFC 8200, RFC 9293 §3.1: an IP packet -> the TCP segment in it."""

from __future__ import annotations

import struct

from ..pcap import TCP
from .values import Segment, Skipped

FRAGMENTED = 0x3FFF
"""RFC 791: the bits of "more fragments" and of the place of a fragment."""

HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION, MOBILITY, HIP, SHIM6 = (
    *(0, 43, 44, 51, 60, 135, 139, 140),
)
EXTENSIONS = (HOP_BY_HOP, ROUTING, DESTINATION, MOBILITY, HIP, SHIM6)
"""RFC 8200 §4: extension headers whose length is counted in units of 8 bytes."""

FRAGMENT_PLACE = 0xFFF9
"""RFC 8200 §4.5: the place of a fragment, and the bit of "more fragments"."""


def segment_of(packet: bytes, cut: int) -> Segment | Skipped:
    """The segment; or why there is none. The last `cut` bytes of the packet are not known."""
    if not packet:
        return Skipped.NOT_IP
    try:
        version = packet[0] >> 4
        if version == 4:
            return in_ipv4(packet, cut)
        return in_ipv6(packet, cut) if version == 6 else Skipped.NOT_IP
    except (struct.error, IndexError):
        return Skipped.DAMAGED


def in_ipv4(packet: bytes, cut: int) -> Segment | Skipped:
    size, total, place, protocol = struct.unpack_from("!BxH2xHxB", packet)
    size = (size & 0x0F) * 4
    if place & FRAGMENTED:
        return Skipped.FRAGMENT
    if protocol != TCP:
        return Skipped.NOT_TCP
    # A capture on the sending machine may be made before the network card fills in the length.
    total = total or len(packet) + cut
    if size < 20 or total < size:
        return Skipped.DAMAGED
    return in_tcp(packet[12:16], packet[16:20], packet[size:total], total - size)


def in_ipv6(packet: bytes, cut: int) -> Segment | Skipped:
    length, kind = struct.unpack_from("!4xHB", packet)
    length = length or len(packet) + cut - 40  # RFC 2675: 0 for a packet above 64 KiB
    start, end = 40, 40 + length
    while kind in EXTENSIONS or kind in (FRAGMENT, AUTHENTICATION):
        following, units, place = struct.unpack_from("!BBH", packet, start)
        if kind == FRAGMENT:
            if place & FRAGMENT_PLACE:
                return Skipped.FRAGMENT
            units = 0
        # RFC 4302 §2.2: the Authentication Header counts units of 4 bytes, from the third on.
        start += (units + 2) * 4 if kind == AUTHENTICATION else (units + 1) * 8
        kind = following
    if kind != TCP:
        return Skipped.NOT_TCP
    return in_tcp(packet[8:24], packet[24:40], packet[start:end], end - start)


def in_tcp(source: bytes, target: bytes, wire: bytes, length: int) -> Segment | Skipped:
    """The segment of these hosts, of which `wire` is known, and `length` bytes were sent."""
    ports = struct.unpack_from("!HHIIBB", wire)
    source_port, target_port, sequence, acknowledged, offset, flags = ports
    start = (offset >> 4) * 4
    if start < 20 or start > length:
        return Skipped.DAMAGED
    return Segment(
        (source, source_port),
        (target, target_port),
        sequence,
        acknowledged,
        flags,
        wire[start:],
        length - max(len(wire), start),
    )
