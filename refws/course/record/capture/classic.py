"""A classic pcap file -> its packets.

    file header     magic, version (2 + 2 bytes), zone, figures, snap length, link type
    each packet     seconds, fraction, bytes kept, bytes on the wire, and the bytes kept

All other numbers have 4 bytes. The magic number shows their byte order and
the unit of the fractions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ..pcap import MAGIC, VERSION
from .source import Source
from .values import BadCapture, Packet

NANOSECOND_MAGIC = 0xA1B23C4D
MODIFIED_MAGIC = 0xA1B2CD34
"""A variant of old Linux systems, with 8 more bytes in the header of each packet."""

FORMATS = {
    struct.pack(order + "I", magic): (order, unit, extra)
    for order in "<>"
    for magic, unit, extra in (
        (MAGIC, 1000, 0),
        (NANOSECOND_MAGIC, 1, 0),
        (MODIFIED_MAGIC, 1000, 8),
    )
}
"""The first four bytes -> the byte order, the nanoseconds of a unit, further bytes to skip."""

LINK_TYPE = 0x03FF_FFFF
"""The bits of the link type; the others are about a checksum at the end of each packet."""

MAX_PACKET = 1024 * 1024
"""The most bytes of one packet. tcpdump keeps at most 256 KiB."""


def read_pcap(source: Source) -> Iterator[Packet]:
    """The packets. BadCapture if the file is damaged, CutOff if it ends within a packet."""
    order, unit, extra = FORMATS[source.take(4)]
    major, minor, link = struct.unpack(order + "HH12xI", source.take(20))
    if major != VERSION[0]:
        raise BadCapture(4, f"a pcap file of version {major}.{minor}", "version 2.4")
    header = struct.Struct(f"{order}IIII{extra}x")
    while wire := source.take_or_end(header.size):
        seconds, fraction, kept, length = header.unpack(wire)
        if kept > MAX_PACKET:
            seen = f"a packet of which {kept} bytes are kept"
            raise BadCapture(source.offset - 8 - extra, seen, f"at most {MAX_PACKET}")
        nanoseconds = seconds * 10**9 + fraction * unit
        yield Packet(nanoseconds, link & LINK_TYPE, source.take(kept), max(length - kept, 0))
