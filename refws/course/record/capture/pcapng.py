"""A pcapng file -> its packets: sections of blocks, each with its length before and after it.

    block           type, length, ..., length again
    section         00 00 ..., then the byte order of all that follows
    interface       link type, and options: the unit of its times
    packets         three types: enhanced, simple (without a time), and an older one

Blocks of other types, such as names and statistics, are passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .classic import MAX_PACKET
from .source import Source
from .values import BadCapture, Packet

SECTION = b"\x0a\x0d\x0d\x0a"
"""The type of a section's first block, in any byte order."""

ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
"""The bytes after its length -> the byte order of the section."""

INTERFACE, OLD_PACKET, SIMPLE_PACKET, ENHANCED_PACKET = 1, 2, 3, 6
READ = (INTERFACE, OLD_PACKET, SIMPLE_PACKET, ENHANCED_PACKET)

UNIT_OPTION, OFFSET_OPTION = 9, 14
MICROSECONDS = 10**6

SMALLEST_BLOCK = 12
MAX_BLOCK = 2 * MAX_PACKET
MAX_INTERFACES = 4096


@dataclass(frozen=True, slots=True)
class Interface:
    """Where packets were captured; `units` make a second, `offset` is in seconds."""

    link: int
    snap_length: int
    units: int = MICROSECONDS
    offset: int = 0

    def nanoseconds(self, high: int, low: int) -> int:
        return self.offset * 10**9 + (high << 32 | low) * 10**9 // self.units


def read_pcapng(source: Source) -> Iterator[Packet]:
    """The packets. BadCapture if the file is damaged, CutOff if it ends within a block."""
    section = Section("<")
    while header := source.take_or_end(8):
        start = source.offset - 8
        if header[:4] == SECTION:
            section = begin_section(source, header[4:])
            continue
        kind, length = struct.unpack(section.order + "II", header)
        size = body_size(start, length)
        if kind not in READ:
            source.skip(size)
        elif size > MAX_BLOCK:
            raise BadCapture(start + 4, f"a block of {length} bytes", f"at most {MAX_BLOCK}")
        else:
            packet = section.read_block(start, kind, source.take(size))
            if packet is not None:
                yield packet
        check_end(source, section.order, length)


def begin_section(source: Source, length_field: bytes) -> Section:
    """Read the first block of a section."""
    start = source.offset - 8
    mark = source.take(4)
    if mark not in ORDERS:
        expected = "1a 2b 3c 4d or 4d 3c 2b 1a, the byte order of a section"
        raise BadCapture(start + 8, mark.hex(" "), expected)
    order = ORDERS[mark]
    length = struct.unpack(order + "I", length_field)[0]
    source.skip(max(body_size(start, length) - 4, 0))
    check_end(source, order, length)
    return Section(order)


def body_size(start: int, length: int) -> int:
    if length < SMALLEST_BLOCK or length % 4:
        expected = f"a multiple of 4, from {SMALLEST_BLOCK} on"
        raise BadCapture(start + 4, f"a block of {length} bytes", expected)
    return length - SMALLEST_BLOCK


def check_end(source: Source, order: str, length: int) -> None:
    again = struct.unpack(order + "I", source.take(4))[0]
    if again != length:
        seen = f"{again} as the length at the end of a block"
        raise BadCapture(source.offset - 4, seen, f"{length}, as at its start")


class Section:
    """The byte order of a section, and its interfaces."""

    def __init__(self, order: str) -> None:
        self.order = order
        self._interfaces: list[Interface] = []

    def read_block(self, start: int, kind: int, body: bytes) -> Packet | None:
        """The packet in the body of a block; None if it has none. BadCapture if it is damaged."""
        try:
            if kind == INTERFACE:
                self._add_interface(start, body)
                return None
            return self._simple(body) if kind == SIMPLE_PACKET else self._packet(kind, body)
        except (struct.error, LookupError):
            seen = (
                f"a block of type {kind} with {len(body)} bytes inside, which do not fit its type"
            )
            expected = "a whole block, after the block of its interface"
            raise BadCapture(start, seen, expected) from None

    def _add_interface(self, start: int, body: bytes) -> None:
        if len(self._interfaces) == MAX_INTERFACES:
            raise BadCapture(start, "one more interface", f"at most {MAX_INTERFACES}")
        link, snap_length = struct.unpack_from(self.order + "HxxI", body)
        options = self._options(body[8:])
        self._interfaces.append(
            Interface(
                link,
                snap_length,
                units_of(options.get(UNIT_OPTION, b"\x06")[0]),
                struct.unpack(self.order + "q", options.get(OFFSET_OPTION, bytes(8)))[0],
            )
        )

    def _options(self, body: bytes) -> dict[int, bytes]:
        options = {}
        while body:
            code, length = struct.unpack_from(self.order + "HH", body)
            if code == 0:
                break
            options[code] = body[4 : 4 + length]
            body = body[4 + (length + 3) // 4 * 4 :]
        return options

    def _packet(self, kind: int, body: bytes) -> Packet:
        names = "IIIII" if kind == ENHANCED_PACKET else "HxxIIII"
        number, high, low, kept, length = struct.unpack_from(self.order + names, body)
        interface = self._interfaces[number]
        data = struct.unpack_from(f"{kept}s", body, 20)[0]
        return Packet(interface.nanoseconds(high, low), interface.link, data, max(length - kept, 0))

    def _simple(self, body: bytes) -> Packet:
        """Its length on the wire is known, and that of the interface's longest packet."""
        interface = self._interfaces[0]
        length = struct.unpack_from(self.order + "I", body)[0]
        kept = min(length, interface.snap_length or length)
        return Packet(
            None, interface.link, struct.unpack_from(f"{kept}s", body, 4)[0], length - kept
        )


def units_of(resolution: int) -> int:
    """The units of a second: a power of 10, or of 2 if the highest bit is set."""
    base, power = (2, resolution & 0x7F) if resolution & 0x80 else (10, resolution)
    return int(base**power)
