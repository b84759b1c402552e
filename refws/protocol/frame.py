"""RFC 6455 §5.2, §5.5: the header of a frame, bytes <-> Header.

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-------+-+-------------+-------------------------------+
|F|R|R|R| opcode|M| payload     | extended payload length       |
|I|S|S|S|       |A| length      | 16 bits if the length is 126, |
|N|V|V|V|       |S| 0 to 125,   | 64 bits if it is 127          |
| |1|2|3|       |K| 126, 127    |                               |
+-+-+-+-+-------+-+-------------+-------------------------------+
| masking key, 4 bytes, if MASK |  payload ...                  |
+-------------------------------+-------------------------------+
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Protocol

from .errors import ProtocolError
from .masking import mask


class Side(Enum):
    """§5.1: an end of a connection. A client masks what it sends, a server does not."""

    CLIENT = "client"
    SERVER = "server"

    @property
    def peer(self) -> Side:
        return Side.CLIENT if self is Side.SERVER else Side.SERVER


class Opcode(IntEnum):
    CONT = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


CONT, TEXT, BINARY, CLOSE, PING, PONG = Opcode  # FAST: a name is found sooner than Opcode.NAME

DEFINED_OPCODES = frozenset(Opcode)

FIN = 0b1000_0000
RSV1 = 0b0100_0000
RSV2 = 0b0010_0000
RSV3 = 0b0001_0000
OPCODE = 0b0000_1111
CONTROL = 0b0000_1000
MASK = 0b1000_0000
LENGTH = 0b0111_1111

LENGTH_16, LENGTH_64 = 126, 127
"""§5.2: values of the 7-bit length: the length is in the next 2 bytes, in the next 8 bytes."""

MAX_CONTROL_PAYLOAD = MAX_LENGTH_7 = 125
MAX_LENGTH_16 = 2**16 - 1
MAX_LENGTH_64 = 2**63 - 1
"""§5.2: the most significant bit of a 64-bit length must be 0."""


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of a frame before its masking key. A reserved opcode is a plain int."""

    fin: bool
    rsv1: bool
    rsv2: bool
    rsv3: bool
    opcode: Opcode | int
    masked: bool
    payload_length: int

    def with_length(self, payload_length: int) -> Header:
        """The same header with the length from its 2 or 8 further bytes."""
        return Header(
            self.fin, self.rsv1, self.rsv2, self.rsv3, self.opcode, self.masked, payload_length
        )


class BinaryFile(Protocol):
    """What frames are read from: a connection's stream, an `io.BytesIO`, a capture on disk."""

    def read(self, size: int, /) -> bytes: ...

    def read1(self, size: int, /) -> bytes: ...


def is_control(opcode: int) -> bool:
    """§5.5: True if the top bit of the opcode is 1, also for a reserved opcode."""
    return opcode >= CONTROL


def read_exactly(file: BinaryFile, size: int) -> bytes:
    """`size` bytes; blocks until they are there. EOFError if the stream ends first."""
    data = file.read(size)
    if len(data) < size:
        raise EOFError(f"the stream ended {size - len(data)} bytes too early")
    return data


# Reading a header


def read_header(
    file: BinaryFile, masked: bool, rsv1_defined: bool = False, start: bytes = b""
) -> Header:
    """The next header, checked by every rule that needs no other frame; blocks until it is there.

    `masked` is what §5.1 asks of the frames in this direction, `rsv1_defined` whether an extension
    uses RSV1, `start` its first bytes, at most 2, if they are read already. ProtocolError for a
    header that breaks a rule, EOFError at the end of the stream.
    """
    header = LEGAL_HEADERS.get(start) or legal_header(file, start)
    if header.rsv1 and not rsv1_defined:
        raise ProtocolError(
            "§5.2", "RSV1 is 1", "0, because no extension in use gives it a meaning", "RSV1"
        )
    if header.masked is not masked:
        raise wrong_masking(header)
    if header.payload_length > MAX_LENGTH_7:
        return header.with_length(read_extended_length(file, header.payload_length))
    return header


LEGAL_HEADERS: dict[bytes, Header] = {}  # FAST: each legal header is parsed only once


def legal_header(file: BinaryFile, start: bytes) -> Header:
    """The header that begins with these bytes, checked and kept. Errors as in `read_header`."""
    first_two_bytes = start + file.read(2 - len(start))
    if len(first_two_bytes) < 2:
        raise EOFError("the stream ended without a Close frame")
    if first_two_bytes not in LEGAL_HEADERS:
        header = parse_header(first_two_bytes)
        check_header(header)
        LEGAL_HEADERS[first_two_bytes] = header
    return LEGAL_HEADERS[first_two_bytes]


def parse_header(first_two_bytes: bytes) -> Header:
    """The fields of a legal or illegal header; a length of 126 or 127 announces more bytes."""
    first, second = first_two_bytes
    opcode = first & OPCODE
    return Header(
        fin=bool(first & FIN),
        rsv1=bool(first & RSV1),
        rsv2=bool(first & RSV2),
        rsv3=bool(first & RSV3),
        opcode=Opcode(opcode) if opcode in DEFINED_OPCODES else opcode,
        masked=bool(second & MASK),
        payload_length=second & LENGTH,
    )


def check_header(header: Header) -> None:
    """ProtocolError if the header breaks a rule of §5.2 or §5.5 that holds for both sides."""
    if header.rsv2 or header.rsv3:
        field = "RSV2" if header.rsv2 else "RSV3"
        raise ProtocolError(
            "§5.2", "RSV2 or RSV3 is 1", "0, because no extension gives them a meaning", field
        )
    if not isinstance(header.opcode, Opcode):
        raise ProtocolError(
            "§5.2", f"reserved opcode {header.opcode:#x}", "one of 0, 1, 2, 8, 9, 0xa", "opcode"
        )
    if is_control(header.opcode):
        check_control_header(header)


def check_control_header(header: Header) -> None:
    if header.rsv1:
        seen = "RSV1 is 1 in a control frame"
        expected = "0, because no extension gives it a meaning there"
        raise ProtocolError("§5.2", seen, expected, "RSV1")
    if not header.fin:
        seen = "a fragment of a control frame"
        raise ProtocolError("§5.5", seen, "the FIN bit 1 in every control frame", "FIN")
    if header.payload_length > MAX_CONTROL_PAYLOAD:
        seen = "a control frame with more than 125 bytes of payload"
        raise ProtocolError("§5.5", seen, "at most 125", "length")


def wrong_masking(header: Header) -> ProtocolError:
    """§5.1: the error for a frame whose MASK bit does not fit its direction."""
    if header.masked:
        seen = "a masked frame from the server"
        return ProtocolError("§5.1", seen, "the MASK bit 0 in every frame of a server", "MASK")
    seen = "an unmasked frame from the client"
    return ProtocolError("§5.1", seen, "the MASK bit 1 in every frame of a client", "MASK")


def read_extended_length(file: BinaryFile, announced: int) -> int:
    """The length in the 2 or 8 bytes that a 7-bit length announces, in network byte order."""
    length = int.from_bytes(read_exactly(file, 2 if announced == LENGTH_16 else 8))
    if length > MAX_LENGTH_64:
        seen = "a 64-bit length with its top bit 1"
        raise ProtocolError("§5.2", seen, "0: a length is below 2**63", "extended length")
    if length <= (MAX_LENGTH_7 if announced == LENGTH_16 else MAX_LENGTH_16):
        seen = f"length {length} in the form for longer payloads"
        raise ProtocolError("§5.2", seen, "the shortest form that fits", "extended length")
    return length


# Writing a frame


def encode_header(
    opcode: int, payload_length: int, fin: bool = True, rsv1: bool = False, masked: bool = False
) -> bytes:
    """The 2, 4 or 10 bytes before the masking key: the length in the shortest form that fits."""
    first = fin * FIN | rsv1 * RSV1 | opcode
    if payload_length <= MAX_LENGTH_7:
        return bytes((first, masked * MASK | payload_length))
    if payload_length <= MAX_LENGTH_16:
        return bytes((first, masked * MASK | LENGTH_16)) + payload_length.to_bytes(2)
    return bytes((first, masked * MASK | LENGTH_64)) + payload_length.to_bytes(8)


# FAST: the two bytes before each short message of a server
SHORT_HEADERS: dict[int, list[bytes]] = {
    opcode: [encode_header(opcode, length) for length in range(MAX_LENGTH_7 + 1)]
    for opcode in (TEXT, BINARY)
}


def encode_frame(
    opcode: int,
    payload: bytes,
    fin: bool = True,
    rsv1: bool = False,
    masking_key: bytes | None = None,
) -> bytes:
    """A whole frame; masked if there is a key, as a client's frames must be (§5.1)."""
    if masking_key is None:
        return encode_header(opcode, len(payload), fin, rsv1) + payload
    header = encode_header(opcode, len(payload), fin, rsv1, True)
    return header + masking_key + mask(payload, masking_key)


def control_payload(data: str | bytes) -> bytes:
    """The payload of a Ping or Pong. ValueError above 125 bytes (§5.5), TypeError for no bytes."""
    if not isinstance(data, (str, bytes, bytearray, memoryview)):
        raise TypeError(f"a Ping or Pong cannot carry {data!r}; use str or bytes")
    payload = data.encode() if isinstance(data, str) else bytes(data)
    if len(payload) > MAX_CONTROL_PAYLOAD:
        raise ValueError(
            f"§5.5: {len(payload)} bytes do not fit a control frame; "
            f"send at most {MAX_CONTROL_PAYLOAD}"
        )
    return payload
