"""RFC 6455 §5, §4: what explaining a connection gives: frozen values, each with its section, and
the same as JSON.

All of them are bounded in size, whatever a peer sends: of a payload only the start is kept, and its
true length.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from ...protocol.close import CLOSING, OPEN, Close, State
from ...protocol.deflate.codec import TAIL
from ...protocol.deflate.negotiation import Parameters
from ...protocol.errors import Fault, Violation
from ...protocol.frame import (
    BINARY,
    CLOSE,
    CONT,
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
from ...protocol.masking import KEY_LENGTH

SHOWN = 64
"""Bytes that are kept of a payload, unless a conversation is told otherwise; a control frame may
have 125.
"""

XOR_SHOWN = 8
"""Bytes of a payload whose unmasking is worked out."""


# Verdicts


@dataclass(frozen=True, slots=True)
class Legal:
    """No rule is broken. `hint` tells what is strange all the same, "" for nothing."""

    hint: str = ""


@dataclass(frozen=True, slots=True)
class Illegal:
    """A rule is broken: `violation` says which, in the words with which a receiver answers.

    `code` is the close code of that answer, in a handshake its HTTP status; None where the receiver
    just ends the connection. `offset` is the first byte, counted in all that the sender sent, after
    which nothing legal can follow; None if it is inside compressed data.
    """

    violation: Violation
    code: int | None
    offset: int | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A frame that was not judged, and why. Only its header was: it is legal by itself."""

    why: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class CutOff:
    """No rule is broken so far, but the bytes end too early; `missing` is how many at least, None
    if nobody knows.
    """

    seen: str
    expected: str
    missing: int | None
    hint: str = ""


Verdict = Legal | Illegal | Unjudged | CutOff


# State


@dataclass(frozen=True, slots=True)
class OpenMessage:
    """§5.4: a data message between its first frame and its last. `length` counts its payload on the
    wire so far.
    """

    opcode: Opcode
    compressed: bool
    fragments: int
    length: int


@dataclass(frozen=True, slots=True)
class Situation:
    """What the meaning of a frame depends on: the message that its sender has open, and who has
    sent a Close.
    """

    message: OpenMessage | None = None
    closed_by: tuple[Side, ...] = ()

    @property
    def state(self) -> State:
        """§7.1.3: CLOSING once there was a Close, whoever sent it."""
        return CLOSING if self.closed_by else OPEN


# Frames


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a header: `bits` bits from bit `bit` of byte `byte` of the frame, both counted
    from 0.
    """

    name: str
    byte: int
    bit: int
    bits: int
    value: int
    meaning: str
    section: str


@dataclass(frozen=True, slots=True)
class XorStep:
    """§5.3: one octet unmasked, `wire` XOR `key` = `result`, and the character that it is, "." if
    it is none.
    """

    wire: int
    key: int
    result: int
    character: str


@dataclass(frozen=True, slots=True)
class FrameExplanation:
    """A frame, or as much of it as there is.

    What is there of it is `header_bytes` (2, 4 or 10), `masking_key` and `payload_received` bytes
    of payload; of a frame that is cut off in its header, the fields of `header` that are not there
    are 0. `offset` counts from the first byte that `sender` sent.
    """

    sender: Side
    offset: int
    header_bytes: bytes
    header: Header
    masking_key: bytes
    payload_received: int
    payload_start: bytes
    """As on the wire."""
    plain_start: bytes
    """Unmasked; the same as `payload_start` if there is no key."""
    kind: Opcode | int
    """What the payload is: TEXT or BINARY, from its first frame, also in a continuation; else the
    opcode.
    """
    deflate: bool
    """Whether permessage-deflate is in use."""
    compressed: bool
    """Whether the payload is part of a compressed message."""
    inflated_start: bytes
    inflated_length: int | None
    """Bytes that this frame adds to the inflated message; None if it is not compressed, or could
    not be inflated.
    """
    close: Close | None
    """What a legal Close says."""
    before: Situation
    after: Situation
    verdict: Verdict
    after_failure: bool
    """Whether the receiver has failed the connection before it got here."""

    @property
    def name(self) -> str:
        """The opcode in a word."""
        return opcode_name(self.header.opcode)

    @property
    def content_start(self) -> bytes:
        """The first bytes that the frame adds to its message: unmasked, and inflated."""
        return self.inflated_start if self.inflated_length is not None else self.plain_start

    @property
    def content_length(self) -> int:
        """How many bytes it adds."""
        return self.payload_received if self.inflated_length is None else self.inflated_length

    @property
    def text(self) -> str | None:
        """The start of what it adds to a text message, else None; U+FFFD stands for bytes that are
        no character.
        """
        if self.kind != TEXT or (self.compressed and self.inflated_length is None):
            return None
        start = self.content_start
        whole = len(start) == self.content_length
        return codecs.utf_8_decode(start, "replace", whole)[0]

    @property
    def put_back(self) -> bytes:
        """RFC 7692 §7.2.2: what the sender took off the end of a compressed message, and a receiver
        puts back.
        """
        return TAIL if self.compressed and self.header.fin else b""

    @property
    def xor(self) -> tuple[XorStep, ...]:
        """§5.3: the first octets unmasked; () without a key."""
        if not self.masking_key:
            return ()
        return tuple(
            XorStep(
                wire,
                self.masking_key[i % KEY_LENGTH],
                plain,
                chr(plain) if 0x20 <= plain < 0x7F else ".",
            )
            for i, (wire, plain) in enumerate(zip(self.payload_start[:XOR_SHOWN], self.plain_start))
        )

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of the header that are there, in their order on the wire."""
        return tuple(_fields(self))


@dataclass(frozen=True, slots=True)
class NotRead:
    """Bytes that mean nothing any more, as the receiver has stopped to read before them, and why."""

    sender: Side
    offset: int
    length: int
    why: str


# Opening handshake


@dataclass(frozen=True, slots=True)
class LineExplanation:
    """A line of an HTTP head, with the item of §4.2.1 or §4.1 that it obeys or breaks; secrets are
    left out.
    """

    text: str
    section: str
    meaning: str
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class AcceptSteps:
    """§4.2.2 item 5.4: key -> Sec-WebSocket-Accept. `key_bytes` is what the key decodes to, which
    nobody needs.
    """

    key: str
    key_bytes: bytes | None
    concatenated: str
    digest: bytes
    accept: str


@dataclass(frozen=True, slots=True)
class HeadExplanation:
    """The head of an HTTP message: a request from the client, a response from the server.

    `opens` tells whether frames follow, `subprotocol` and `deflate` what was agreed (only in a
    response).
    """

    sender: Side
    offset: int
    length: int
    lines: tuple[LineExplanation, ...]
    faults: tuple[Fault, ...]
    accept: AcceptSteps | None
    subprotocol: str | None
    deflate: Parameters | None
    opens: bool
    verdict: Verdict


Item = HeadExplanation | FrameExplanation | NotRead


# Words


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
    """The opcode in a word, a reserved one as "reserved 0x3"."""
    return OPCODES[Opcode(opcode)][0] if isinstance(opcode, Opcode) else f"reserved {opcode:#x}"


def _fields(frame: FrameExplanation) -> list[Field]:
    header = frame.header
    found = [
        Field("FIN", 0, 0, 1, int(header.fin), _fin(header), "§5.2, §5.4"),
        Field("RSV1", 0, 1, 1, int(header.rsv1), *_rsv1(frame)),
        Field("RSV2", 0, 2, 1, int(header.rsv2), "reserved", "§5.2"),
        Field("RSV3", 0, 3, 1, int(header.rsv3), "reserved", "§5.2"),
        Field("opcode", 0, 4, 4, int(header.opcode), *_opcode(header.opcode)),
    ]
    if len(frame.header_bytes) > 1:
        length = frame.header_bytes[1] & 0b0111_1111
        found.append(
            Field("MASK", 1, 0, 1, int(header.masked), _mask(header, frame.sender), "§5.1")
        )
        found.append(Field("length", 1, 1, 7, length, _length(length), "§5.2"))
    if extended := frame.header_bytes[2:]:
        meaning = "bytes of payload, most significant byte first"
        found.append(_long_field("extended length", 2, extended, meaning, "§5.2"))
    if key := frame.masking_key:
        meaning = "XORed with the payload, byte by byte, over and over"
        found.append(_long_field("masking key", len(frame.header_bytes), key, meaning, "§5.3"))
    return found


def _long_field(name: str, byte: int, wire: bytes, meaning: str, section: str) -> Field:
    return Field(name, byte, 0, 8 * len(wire), int.from_bytes(wire), meaning, section)


def _fin(header: Header) -> str:
    if is_control(header.opcode):
        return "the only frame: control frames come whole" if header.fin else "more would follow"
    return "the last frame of its message" if header.fin else "more frames of this message follow"


def _rsv1(frame: FrameExplanation) -> tuple[str, str]:
    if not frame.deflate:
        return "reserved: no extension is in use", "§5.2"
    if is_control(frame.header.opcode):
        return "control frames are never compressed", "RFC 7692 §6.1"
    if frame.header.opcode == CONT:
        return "the first frame of a message says it for all", "RFC 7692 §6.1"
    return f"the message is {'' if frame.header.rsv1 else 'not '}compressed", "RFC 7692 §6.2"


def _opcode(opcode: int) -> tuple[str, str]:
    if isinstance(opcode, Opcode):
        name, meaning, section = OPCODES[opcode]
        return f"{name}; {meaning}", section
    return f"reserved, {'control' if is_control(opcode) else 'data'}", "§5.2"


def _mask(header: Header, sender: Side) -> str:
    if sender is Side.CLIENT:
        return "masked, as a client must" if header.masked else "not masked, which a client must"
    return "masked, which a server must not" if header.masked else "not masked, as a server must"


def _length(length: int) -> str:
    if length == LENGTH_16:
        return "the length is in the next 16 bits"
    if length == LENGTH_64:
        return "the length is in the next 64 bits"
    return "bytes of payload"
