"""RFC 6455 §5.2: a header -> its fields, each with its bits, its value and its meaning."""

from __future__ import annotations

from dataclasses import dataclass

from ...protocol.frame import (
    BINARY,
    CLOSE,
    CONT,
    LENGTH,
    LENGTH_16,
    LENGTH_64,
    PING,
    PONG,
    TEXT,
    Header,
    Opcode,
    Side,
    is_control,
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a header: `bits` bits from bit `bit` of byte `byte`, both counted from 0."""

    name: str
    byte: int
    bit: int
    bits: int
    value: int
    meaning: str
    section: str


DATA = "data, of the same type as the first frame of its message"

OPCODES = {
    CONT: ("continuation", DATA, "§5.4"),
    TEXT: ("text", "data: text in UTF-8", "§5.6"),
    BINARY: ("binary", "data: any bytes", "§5.6"),
    CLOSE: ("close", "control: the closing handshake", "§5.5.1"),
    PING: ("ping", "control: to be answered with a Pong", "§5.5.2"),
    PONG: ("pong", "control: the answer to a Ping, or unasked", "§5.5.3"),
}


def opcode_name(opcode: int) -> str:
    """The opcode in a word; a reserved one as "reserved 0x3"."""
    return OPCODES[Opcode(opcode)][0] if isinstance(opcode, Opcode) else f"reserved {opcode:#x}"


def header_fields(
    header: Header, header_bytes: bytes, masking_key: bytes, sender: Side, deflate: bool
) -> tuple[Field, ...]:
    """The fields of a header and masking key, in their order; only those that have arrived.

    `deflate` says whether permessage-deflate is in use, which gives RSV1 a meaning.
    """
    found = [
        Field("FIN", 0, 0, 1, int(header.fin), _fin(header), "§5.2, §5.4"),
        Field("RSV1", 0, 1, 1, int(header.rsv1), *_rsv1(header, deflate)),
        Field("RSV2", 0, 2, 1, int(header.rsv2), "reserved", "§5.2"),
        Field("RSV3", 0, 3, 1, int(header.rsv3), "reserved", "§5.2"),
        Field("opcode", 0, 4, 4, int(header.opcode), *_opcode(header.opcode)),
    ]
    if len(header_bytes) > 1:
        length = header_bytes[1] & LENGTH
        found.append(Field("MASK", 1, 0, 1, int(header.masked), _mask(header, sender), "§5.1"))
        found.append(Field("length", 1, 1, 7, length, _length(length), "§5.2"))
    if extended := header_bytes[2:]:
        meaning = "bytes of payload, most significant byte first"
        found.append(_long_field("extended length", 2, extended, meaning, "§5.2"))
    if masking_key:
        meaning = "XORed with the payload, byte by byte, over and over"
        found.append(_long_field("masking key", len(header_bytes), masking_key, meaning, "§5.3"))
    return tuple(found)


def _long_field(name: str, byte: int, wire: bytes, meaning: str, section: str) -> Field:
    return Field(name, byte, 0, 8 * len(wire), int.from_bytes(wire), meaning, section)


def _fin(header: Header) -> str:
    if is_control(header.opcode):
        return (
            "a control frame must not be fragmented" if header.fin else "more frames would follow"
        )
    return "the last frame of its message" if header.fin else "more frames of this message follow"


def _rsv1(header: Header, deflate: bool) -> tuple[str, str]:
    if not deflate:
        return "reserved: no extension is in use", "§5.2"
    if is_control(header.opcode):
        return "control frames are never compressed", "RFC 7692 §6.1"
    if header.opcode == CONT:
        return "the first frame of a message has this bit for all", "RFC 7692 §6.1"
    return f"the message is {'' if header.rsv1 else 'not '}compressed", "RFC 7692 §6.2"


def _opcode(opcode: int) -> tuple[str, str]:
    if isinstance(opcode, Opcode):
        name, meaning, section = OPCODES[opcode]
        return f"{name}; {meaning}", section
    return f"reserved, {'control' if is_control(opcode) else 'data'}", "§5.2"


def _mask(header: Header, sender: Side) -> str:
    if sender is Side.CLIENT:
        return "masked; a client must mask" if header.masked else "not masked; a client must mask"
    return "masked; a server must not mask" if header.masked else "not masked; a server must not"


def _length(length: int) -> str:
    if length == LENGTH_16:
        return "the length is in the next 16 bits"
    if length == LENGTH_64:
        return "the length is in the next 64 bits"
    return "bytes of payload"
