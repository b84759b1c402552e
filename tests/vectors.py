"""The examples of the RFCs, and RFC 6455 §5: bytes of frames and what they mean, in one table for
reader and writer.

The frames of §5.7 come first. The bytes are written out by hand; only long payloads and masked
payloads are computed.
"""

from __future__ import annotations

import io
from typing import NamedTuple

import pytest

from refws.protocol.frame import BINARY, CLOSE, CONT, PING, PONG, TEXT, Header
from wire import MASKING_KEY

KEY = MASKING_KEY

FROM_CLIENT, FROM_SERVER = True, False
"""§5.1: whether the frames of a direction are masked."""

# The examples of the handshake in §1.3

RFC_EXAMPLE = (
    b"GET /chat HTTP/1.1\r\n"
    b"Host: server.example.com\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Origin: http://example.com\r\n"
    b"Sec-WebSocket-Protocol: chat, superchat\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"\r\n"
)
RFC_EXAMPLE_ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    b"Sec-WebSocket-Protocol: chat\r\n"
    b"\r\n"
)

# The payloads of the examples in RFC 7692 §7.2.3

HELLO = bytes.fromhex("f2 48 cd c9 c9 07 00")
HELLO_AGAIN = bytes.fromhex("f2 00 11 00 00")
STORED_HELLO = bytes.fromhex("00 05 00 fa ff 48 65 6c 6c 6f 00")
FINAL_HELLO = bytes.fromhex("f3 48 cd c9 c9 07 00 00")
TWO_BLOCKS_HELLO = bytes.fromhex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00")
EMPTY = bytes.fromhex("00")

# How bytes arrive


class OneByteAtATime(io.RawIOBase):
    """A peer that sends one byte a packet; after the last, the connection is reset if `reset`."""

    def __init__(self, data: bytes, reset: bool = False) -> None:
        self.rest = io.BytesIO(data)
        self.reset = reset

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        received = self.rest.readinto(memoryview(buffer)[:1])
        if self.reset and not received:
            raise ConnectionResetError("reset by peer")
        return received


def in_bytes(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(OneByteAtATime(data))


whole_and_in_bytes = pytest.mark.parametrize(
    "make_file", [io.BytesIO, in_bytes], ids=["whole", "byte-by-byte"]
)


# Frames

LENGTH_BOUNDARIES = (0, 1, 125, 126, 127, 65535, 65536)


def xor(payload: bytes, masking_key: bytes, offset: int = 0) -> bytes:
    """§5.3 word by word: transformed octet i is original octet i XOR octet i MOD 4 of the key."""
    return bytes(octet ^ masking_key[i % 4] for i, octet in enumerate(payload, offset))


def payload_of(size: int) -> bytes:
    """`size` bytes with a period of 251, which shares no factor with a key's period of 4."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def header_of(
    opcode: int, length: int, fin: bool = True, rsv1: bool = False, masked: bool = False
) -> Header:
    return Header(fin, rsv1, False, False, opcode, masked, length)


class Vector(NamedTuple):
    """The bytes of a frame and their meaning; `payload` is unmasked, `masking_key` may be empty."""

    wire: bytes
    header: Header
    masking_key: bytes
    payload: bytes

    @property
    def header_size(self) -> int:
        return len(self.wire) - len(self.masking_key) - len(self.payload)


def unmasked(
    start: str, opcode: int, payload: bytes, fin: bool = True, rsv1: bool = False
) -> Vector:
    header = header_of(opcode, len(payload), fin, rsv1)
    return Vector(bytes.fromhex(start) + payload, header, b"", payload)


def masked(start: str, opcode: int, payload: bytes, fin: bool = True, rsv1: bool = False) -> Vector:
    header = header_of(opcode, len(payload), fin, rsv1, masked=True)
    return Vector(bytes.fromhex(start) + KEY + xor(payload, KEY), header, KEY, payload)


def rfc_masked(wire: str, opcode: int, payload: bytes) -> Vector:
    """A masked example whose every byte is in the RFC."""
    return Vector(bytes.fromhex(wire), header_of(opcode, len(payload), masked=True), KEY, payload)


VECTORS = {
    # §5.7
    "rfc-unmasked-text": unmasked("81 05", TEXT, b"Hello"),
    "rfc-masked-text": rfc_masked("81 85 37 fa 21 3d 7f 9f 4d 51 58", TEXT, b"Hello"),
    "rfc-first-fragment": unmasked("01 03", TEXT, b"Hel", fin=False),
    "rfc-last-fragment": unmasked("80 02", CONT, b"lo"),
    "rfc-unmasked-ping": unmasked("89 05", PING, b"Hello"),
    "rfc-masked-pong": rfc_masked("8a 85 37 fa 21 3d 7f 9f 4d 51 58", PONG, b"Hello"),
    "rfc-256-bytes": unmasked("82 7e 01 00", BINARY, payload_of(256)),
    "rfc-64-kib": unmasked("82 7f 00 00 00 00 00 01 00 00", BINARY, payload_of(65536)),
    # §5.2: every opcode, last fragment or not
    "text-fragment": unmasked("01 00", TEXT, b"", fin=False),
    "text-fragment-masked": masked("01 81", TEXT, b"a", fin=False),
    "binary-fragment": unmasked("02 02", BINARY, b"\0\xff", fin=False),
    "binary-fragment-masked": masked("02 82", BINARY, b"\0\xff", fin=False),
    "continuation-fragment": unmasked("00 01", CONT, b"b", fin=False),
    "continuation-fragment-masked": masked("00 80", CONT, b"", fin=False),
    "last-continuation-masked": masked("80 81", CONT, b"c"),
    "close-masked": masked("88 82", CLOSE, b"\x03\xe8"),
    "close-empty": unmasked("88 00", CLOSE, b""),
    # §5.5: control frames with as much as they may carry
    "close-125": unmasked("88 7d", CLOSE, payload_of(125)),
    "ping-125-masked": masked("89 fd", PING, payload_of(125)),
    "pong-125-masked": masked("8a fd", PONG, payload_of(125)),
    "ping-empty-masked": masked("89 80", PING, b""),
    # §5.2: an extension that uses RSV1
    "rsv1-text": unmasked("c1 03", TEXT, b"\xf2H\xcd", rsv1=True),
    "rsv1-binary-fragment-masked": masked("42 83", BINARY, b"\xf2H\xcd", fin=False, rsv1=True),
    # §5.2: both sides of every boundary of the three length forms
    "length-0": unmasked("82 00", BINARY, b""),
    "length-0-masked": masked("82 80", BINARY, b""),
    "length-125": unmasked("82 7d", BINARY, payload_of(125)),
    "length-125-masked": masked("82 fd", BINARY, payload_of(125)),
    "length-126": unmasked("82 7e 00 7e", BINARY, payload_of(126)),
    "length-126-masked": masked("82 fe 00 7e", BINARY, payload_of(126)),
    "length-127": unmasked("82 7e 00 7f", BINARY, payload_of(127)),
    "length-127-masked": masked("82 fe 00 7f", BINARY, payload_of(127)),
    "length-65535": unmasked("82 7e ff ff", BINARY, payload_of(65535)),
    "length-65535-masked": masked("82 fe ff ff", BINARY, payload_of(65535)),
    "length-65536-masked": masked("82 ff 00 00 00 00 00 01 00 00", BINARY, payload_of(65536)),
}

HUGE = {
    # Headers whose payload no test can hold.
    "2**32-1": ("82 7f 00 00 00 00 ff ff ff ff", header_of(BINARY, 2**32 - 1)),
    "2**32": ("82 7f 00 00 00 01 00 00 00 00", header_of(BINARY, 2**32)),
    "every-byte-differs": ("82 7f 01 02 03 04 05 06 07 08", header_of(BINARY, 0x0102030405060708)),
    "2**63-1": ("82 7f 7f ff ff ff ff ff ff ff", header_of(BINARY, 2**63 - 1)),
    "2**63-1-masked": ("82 ff 7f ff ff ff ff ff ff ff", header_of(BINARY, 2**63 - 1, masked=True)),
}


class BadHeader(NamedTuple):
    """A header that is refused as soon as `decided_after` of its bytes have arrived.

    `masked` says whether frames of its direction must be masked.
    """

    wire: bytes
    masked: bool
    section: str
    decided_after: int


RSV = ("6455-5.2-04",)
RESERVED = ("6455-5.2-05",)
RESERVED_CONTROL = ("6455-5.2-05", "6455-5.5-01")
CONTROL_FRAGMENT = ("6455-5.4-06", "6455-5.4-18", "6455-5.5-03")
CONTROL_LENGTH = ("6455-5.5-02",)
TOP_BIT = ("6455-5.2-09",)
NOT_SHORTEST = ("6455-5.2-11",)

BAD_IN_BOTH_DIRECTIONS = [
    # name, header as it is without masking, section, decided after how many bytes, requirements
    ("rsv1-text", "c1 05", "§5.2", 2, (*RSV, "6455-5.8-01")),
    ("rsv1-binary", "c2 00", "§5.2", 2, (*RSV, "6455-5.8-01")),
    ("rsv1-continuation", "40 7e 01 00", "§5.2", 2, (*RSV, "6455-5.8-01")),
    ("rsv2-text", "a1 05", "§5.2", 2, RSV),
    ("rsv3-text", "91 05", "§5.2", 2, RSV),
    ("rsv1-rsv2-text", "e1 05", "§5.2", 2, RSV),
    ("rsv1-rsv3-binary", "d2 05", "§5.2", 2, RSV),
    ("rsv2-rsv3-fragment", "31 00", "§5.2", 2, RSV),
    ("all-rsv-text", "f1 7f 00 00 00 00 00 01 00 00", "§5.2", 2, RSV),
    ("rsv1-ping", "c9 00", "§5.2", 2, RSV),
    ("rsv2-pong", "aa 05", "§5.2", 2, RSV),
    ("rsv3-close", "98 02", "§5.2", 2, RSV),
    *[(f"opcode-{opcode:x}", f"8{opcode:x} 00", "§5.2", 2, RESERVED) for opcode in range(0x3, 0x8)],
    *[
        (f"opcode-{opcode:x}-fragment", f"0{opcode:x} 05", "§5.2", 2, RESERVED)
        for opcode in range(0x3, 0x8)
    ],
    *[
        (f"opcode-{opcode:x}", f"8{opcode:x} 05", "§5.2", 2, RESERVED_CONTROL)
        for opcode in range(0xB, 0x10)
    ],
    ("opcode-b-126", "8b 7e 00 7e", "§5.2", 2, RESERVED_CONTROL),
    ("close-fragment", "08 00", "§5.5", 2, CONTROL_FRAGMENT),
    ("ping-fragment", "09 05", "§5.5", 2, CONTROL_FRAGMENT),
    ("pong-fragment", "0a 7d", "§5.5", 2, CONTROL_FRAGMENT),
    ("close-126", "88 7e 00 7e", "§5.5", 2, CONTROL_LENGTH),
    ("ping-126", "89 7e 00 7e", "§5.5", 2, CONTROL_LENGTH),
    ("pong-126", "8a 7e 00 7e", "§5.5", 2, CONTROL_LENGTH),
    ("ping-65536", "89 7f 00 00 00 00 00 01 00 00", "§5.5", 2, CONTROL_LENGTH),
    ("ping-5-in-16-bits", "89 7e 00 05", "§5.5", 2, CONTROL_LENGTH),
    ("0-in-16-bits", "82 7e 00 00", "§5.2", 4, NOT_SHORTEST),
    ("5-in-16-bits", "81 7e 00 05", "§5.2", 4, NOT_SHORTEST),
    ("124-in-16-bits", "82 7e 00 7c", "§5.2", 4, NOT_SHORTEST),
    ("125-in-16-bits", "82 7e 00 7d", "§5.2", 4, NOT_SHORTEST),
    ("0-in-64-bits", "82 7f 00 00 00 00 00 00 00 00", "§5.2", 10, NOT_SHORTEST),
    ("125-in-64-bits", "01 7f 00 00 00 00 00 00 00 7d", "§5.2", 10, NOT_SHORTEST),
    ("126-in-64-bits", "80 7f 00 00 00 00 00 00 00 7e", "§5.2", 10, NOT_SHORTEST),
    ("65535-in-64-bits", "82 7f 00 00 00 00 00 00 ff ff", "§5.2", 10, NOT_SHORTEST),
    ("top-bit-alone", "82 7f 80 00 00 00 00 00 00 00", "§5.2", 10, TOP_BIT),
    ("top-bit-and-5", "82 7f 80 00 00 00 00 00 00 05", "§5.2", 10, TOP_BIT),
    ("top-bit-and-65536", "82 7f 80 00 00 00 00 01 00 00", "§5.2", 10, TOP_BIT),
    ("all-bits", "82 7f ff ff ff ff ff ff ff ff", "§5.2", 10, TOP_BIT),
]

NOT_MASKED = ("6455-5.1-02", "6455-5.1-03")
WRONGLY_MASKED = ("6455-5.1-05", "6455-5.1-06")

BAD_IN_ONE_DIRECTION = [
    # name, header, what the direction calls for, requirements; all decided after 2 bytes
    ("unmasked-text", "81 02", FROM_CLIENT, NOT_MASKED),
    ("unmasked-fragment", "02 05", FROM_CLIENT, NOT_MASKED),
    ("unmasked-continuation", "80 00", FROM_CLIENT, NOT_MASKED),
    ("unmasked-256-bytes", "82 7e 01 00", FROM_CLIENT, NOT_MASKED),
    ("unmasked-64-kib", "82 7f 00 00 00 00 00 01 00 00", FROM_CLIENT, NOT_MASKED),
    ("unmasked-close", "88 02", FROM_CLIENT, NOT_MASKED),
    ("unmasked-ping", "89 00", FROM_CLIENT, NOT_MASKED),
    ("unmasked-pong", "8a 7d", FROM_CLIENT, NOT_MASKED),
    ("masked-text", "81 85", FROM_SERVER, WRONGLY_MASKED),
    ("masked-continuation", "80 80", FROM_SERVER, WRONGLY_MASKED),
    ("masked-256-bytes", "82 fe 01 00", FROM_SERVER, WRONGLY_MASKED),
    ("masked-64-kib", "82 ff 00 00 00 00 00 01 00 00", FROM_SERVER, WRONGLY_MASKED),
    ("masked-close", "88 82", FROM_SERVER, WRONGLY_MASKED),
    ("masked-ping", "89 80", FROM_SERVER, WRONGLY_MASKED),
    ("masked-pong", "8a fd", FROM_SERVER, WRONGLY_MASKED),
]

BEHIND = KEY + b"\x81\x80" + KEY
"""The bytes that follow a refused header."""


def with_mask_bit(wire: bytes, mask_bit: bool) -> bytes:
    return bytes((wire[0], wire[1] | mask_bit << 7)) + wire[2:]


BAD_HEADERS = [
    pytest.param(
        BadHeader(
            with_mask_bit(bytes.fromhex(start), direction) + BEHIND,
            direction,
            section,
            decided_after,
        ),
        id=f"{name}-{'masked' if direction else 'unmasked'}",
        marks=pytest.mark.rfc(*ids),
    )
    for name, start, section, decided_after, ids in BAD_IN_BOTH_DIRECTIONS
    for direction in (FROM_CLIENT, FROM_SERVER)
] + [
    pytest.param(
        BadHeader(bytes.fromhex(start) + BEHIND, direction, "§5.1", 2),
        id=name,
        marks=pytest.mark.rfc(*ids),
    )
    for name, start, direction, ids in BAD_IN_ONE_DIRECTION
]
