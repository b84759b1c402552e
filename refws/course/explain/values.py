"""RFC 6455 §5, §4: the explanation of a connection: frozen values for its heads and frames.

Their size is bounded for any bytes: they hold the start of a payload, and its true length.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from ...protocol.close import CLOSING, OPEN, Close, State
from ...protocol.deflate.codec import TAIL
from ...protocol.deflate.negotiation import Parameters
from ...protocol.errors import Fault, Violation
from ...protocol.frame import TEXT, Header, Opcode, Side
from ...protocol.masking import KEY_LENGTH
from .header_fields import Field, header_fields, opcode_name

SHOWN = 64
"""Bytes of a payload that are kept, unless `Conversation` gets another number."""

XOR_SHOWN = 8
"""Bytes of a payload that are shown with their unmasking, one by one."""


# Verdicts


@dataclass(frozen=True, slots=True)
class Legal:
    """No rule is broken. `hint` says if something is strange nevertheless; otherwise ""."""

    hint: str = ""


@dataclass(frozen=True, slots=True)
class Illegal:
    """A rule is broken: `violation` says which, in the words of a receiver's answer.

    `code` is the close code of that answer, in a handshake its HTTP status; None if the receiver
    just ends the connection. `offset` is the first byte that no legal frame can have there, counted
    from the first byte that was sent; None if it is inside compressed data.
    """

    violation: Violation
    code: int | None
    offset: int | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Only the header was judged, and is legal by itself; `why` says why not the rest."""

    why: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class CutOff:
    """No rule is broken so far, but at least `missing` more bytes must follow (None: unknown)."""

    seen: str
    expected: str
    missing: int | None
    hint: str = ""


Verdict = Legal | Illegal | Unjudged | CutOff


# State


@dataclass(frozen=True, slots=True)
class OpenMessage:
    """§5.4: a data message between its first frame and its last.

    `length` is the number of bytes of its payload on the wire so far, compressed or not.
    """

    opcode: Opcode
    compressed: bool
    fragments: int
    length: int


@dataclass(frozen=True, slots=True)
class WholeMessage:
    """§5.4: a message of several frames, at its end: all of its content, inflated.

    `length` is the number of its bytes, `start` has the first of them.
    """

    opcode: Opcode
    fragments: int
    length: int
    start: bytes

    @property
    def text(self) -> str | None:
        """The start of its text; None if it is binary."""
        if self.opcode != TEXT:
            return None
        return codecs.utf_8_decode(self.start, "replace", len(self.start) == self.length)[0]


@dataclass(frozen=True, slots=True)
class Situation:
    """What the meaning of a frame depends on: its sender's open message, and who sent a Close."""

    message: OpenMessage | None = None
    closed_by: tuple[Side, ...] = ()

    @property
    def state(self) -> State:
        """§7.1.3: CLOSING once either side has sent a Close."""
        return CLOSING if self.closed_by else OPEN


# Frames


@dataclass(frozen=True, slots=True)
class XorStep:
    """§5.3: one octet unmasked, `wire` XOR `key` = `result`, and its character in ASCII, or "."."""

    wire: int
    key: int
    result: int
    character: str


@dataclass(frozen=True, slots=True)
class FrameExplanation:
    """A frame, or the part of it that has arrived.

    The part is `header_bytes` (2, 4 or 10 in a whole header), `masking_key` and `payload_received`
    bytes of payload. If the header is cut off, its missing fields are 0 in `header`. `offset`
    counts from the first byte that `sender` sent.
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
    """The opcode; for a continuation frame the opcode of the first frame of its message."""
    deflate: bool
    """Whether permessage-deflate is in use."""
    compressed: bool
    """Whether the payload is part of a compressed message."""
    inflated_start: bytes
    inflated_length: int | None
    """Bytes that this frame adds to the inflated message; None if it was not inflated."""
    close: Close | None
    """The content of a legal Close."""
    before: Situation
    after: Situation
    verdict: Verdict
    after_failure: bool
    """Whether the receiver failed the connection before this frame."""
    message: WholeMessage | None = None
    """The message that this frame ends, if it has several frames and no rule is broken."""
    note: str = ""
    """What else is worth knowing; the frame is legal nevertheless."""

    @property
    def name(self) -> str:
        """The opcode in a word."""
        return opcode_name(self.header.opcode)

    @property
    def content_start(self) -> bytes:
        """The first bytes that the frame adds to its message: unmasked, and inflated."""
        return self.inflated_start if self.inflated_length is not None else self.plain_start

    def repeats(self, start: bytes, length: int) -> bool:
        """Whether a payload with this start and this length may be in it.

        Of a frame that breaks a rule only the bytes up to there are known.
        """
        known = self.plain_start
        return bool(known) and self.header.payload_length == length and start.startswith(known)

    @property
    def content_length(self) -> int:
        """How many bytes it adds."""
        return self.payload_received if self.inflated_length is None else self.inflated_length

    @property
    def text(self) -> str | None:
        """The start of its text, U+FFFD for bytes that are not UTF-8; None if it is no text."""
        if self.kind != TEXT or (self.compressed and self.inflated_length is None):
            return None
        start = self.content_start
        whole = len(start) == self.content_length
        return codecs.utf_8_decode(start, "replace", whole)[0]

    @property
    def put_back(self) -> bytes:
        """RFC 7692 §7.2.2: the bytes that a receiver appends at the end of a compressed message."""
        return TAIL if self.compressed and self.header.fin else b""

    @property
    def xor(self) -> tuple[XorStep, ...]:
        """§5.3: the first octets unmasked; () without a key."""
        if not self.masking_key:
            return ()
        octets = zip(self.payload_start[:XOR_SHOWN], self.plain_start[:XOR_SHOWN], strict=True)
        return tuple(
            XorStep(
                wire,
                self.masking_key[i % KEY_LENGTH],
                plain,
                chr(plain) if 0x20 <= plain < 0x7F else ".",
            )
            for i, (wire, plain) in enumerate(octets)
        )

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of the header that have arrived, in their order on the wire."""
        return header_fields(
            self.header, self.header_bytes, self.masking_key, self.sender, self.deflate
        )


@dataclass(frozen=True, slots=True)
class NotRead:
    """Bytes after the point where the receiver stops reading; `why` says why it stops."""

    sender: Side
    offset: int
    length: int
    why: str


# Opening handshake


@dataclass(frozen=True, slots=True)
class LineExplanation:
    """A line of an HTTP head without secrets, and the item of §4.2.1 or §4.1 that it is about."""

    text: str
    section: str
    meaning: str
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class AcceptSteps:
    """§4.2.2 item 5.4: key -> Sec-WebSocket-Accept.

    `key_bytes` is what the key decodes to; None if it is not base64. The Accept does not need it.
    """

    key: str
    key_bytes: bytes | None
    concatenated: str
    digest: bytes
    accept: str


@dataclass(frozen=True, slots=True)
class HeadExplanation:
    """The head of an HTTP message: a request from the client, a response from the server.

    `opens` says whether frames follow; `subprotocol` and `deflate` are what a response agreed on.
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
