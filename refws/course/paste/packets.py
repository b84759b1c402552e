"""RFC 9293, RFC 791, RFC 8200: dumps of whole packets -> what TCP carries in them.

`tcpdump -X` and Wireshark print a packet from its first header on. No frame begins like one: the
first byte of IPv4 or IPv6 has reserved bits (§5.2), so a packet is not taken for frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from . import dump_lines, dumps, hex_text
from .dump_lines import Block
from .senders import with_senders
from .values import BadPaste, Pasted, Way, counted

TCP = 6
LINK_HEADERS = {0: "IP", 14: "Ethernet", 4: "loopback", 16: "Linux cooked", 20: "its version 2"}
"""Bytes before the IP header, and what has them."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A TCP segment. `headers` counts the bytes before its payload, `missing` those cut off."""

    source: str
    sequence: int
    payload: bytes
    headers: int
    missing: int


def recognises(text: str) -> bool:
    try:
        blocks = blocks_of(text)
    except ValueError:
        return False
    if not blocks or segments(blocks) is None:
        return False
    return dumps.recognises(text) or is_sure(blocks[0].data)


def is_sure(packet: bytes) -> bool:
    """Whether a header of IPv4 or IPv6 is where it must be, with the length of the packet in it.

    Or with its checksum: bytes that are a frame have neither but once in 2^32.
    """
    for link in LINK_HEADERS:
        ip = packet[link:]
        if ip[:1] == b"\x45" and len(ip) >= 20:
            words = sum(int.from_bytes(ip[at : at + 2]) for at in range(0, 20, 2))
            if int.from_bytes(ip[2:4]) == len(ip) or words % 0xFFFF == 0:
                return True
        if ip[:1] == b"\x60" and len(ip) >= 40 and int.from_bytes(ip[4:6]) + 40 == len(ip):
            return True
    return False


def blocks_of(text: str) -> list[Block]:
    """The blocks of a dump; or plain hex, which is one packet. ValueError for other texts."""
    if not dumps.recognises(text) and hex_text.recognises(text):
        return [Block("", hex_text.read(text).data)]
    return dump_lines.read_blocks(text, dump_lines.HEX)


def read(text: str) -> Pasted:
    """The payloads of the packets, in their order in the text; what was sent twice, once."""
    found = segments(blocks_of(text))
    if found is None:
        raise BadPaste(1, "no packets of TCP over IP: --form dump takes the bytes as they are")
    fresh: dict[tuple[str, int, bytes], Segment] = {
        (segment.source, segment.sequence, segment.payload): segment
        for segment in reversed(found)
        if segment.payload
    }
    kept = list(reversed(fresh.values()))
    chunks, note = with_senders([(segment.source, segment.payload) for segment in kept])
    headers = sum(segment.headers for segment in found)
    notes = [f"{counted(headers, 'byte')} of headers of IP and TCP are left out"]
    notes += [*([note] if note else []), *dumps.notes_on_parts(text)]
    if len(kept) < sum(bool(segment.payload) for segment in found):
        notes.append("what was sent again is left out")
    missing = sum(segment.missing for segment in found)
    cut_off = f"{counted(missing, 'byte')} of packets are not in the text" if missing else ""
    return Pasted(f"packets in a hex dump, {len(found)}", chunks, tuple(notes), cut_off)


def segments(blocks: Sequence[Block]) -> list[Segment] | None:
    """The TCP segments, if each block is one; otherwise None."""
    for link in LINK_HEADERS:
        found = [segment_of(block.data, link) for block in blocks]
        if all(found):
            return [segment for segment in found if segment]
    return None


def segment_of(packet: bytes, link: int) -> Segment | None:
    ip = packet[link:]
    if len(ip) >= 40 and ip[0] >> 4 == 6 and ip[6] == TCP:
        return tcp(ip, 40, int.from_bytes(ip[4:6]) + 40, ip[8:24], link)
    size = (ip[0] & 15) * 4 if ip else 0
    if len(ip) >= 20 and ip[0] >> 4 == 4 and size >= 20 and ip[9] == TCP:
        return tcp(ip, size, int.from_bytes(ip[2:4]), ip[12:16], link)
    return None


def tcp(ip: bytes, start: int, total: int, address: bytes, link: int) -> Segment | None:
    header = ip[start : start + 20]
    if len(header) < 20 or header[12] >> 4 < 5 or total < start + (header[12] >> 4) * 4:
        return None
    payload = start + (header[12] >> 4) * 4
    source = f"{address.hex()}:{int.from_bytes(header[:2])}"
    sequence = int.from_bytes(header[4:8])
    missing = max(total - len(ip), 0)
    return Segment(source, sequence, ip[payload:total], link + payload, missing)


# The forms

PACKETS = Way(recognises, read)
