"""What a hint may look at: a frame that is not legal, and the bytes before and after it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO

from ....protocol.close import CODE_LENGTH
from ....protocol.errors import ConnectionFailure
from ....protocol.frame import (
    CLOSE,
    MAX_LENGTH_7,
    MAX_LENGTH_16,
    Header,
    Opcode,
    Side,
    check_header,
    parse_header,
    read_header,
)
from ....protocol.masking import KEY_LENGTH, mask
from ..values import CutOff, FrameExplanation, HeadExplanation, Illegal

KEPT = 1024
"""Bytes of a payload, and bytes after a frame, that a hint may look at."""

MIN_TELLING = 4
"""Bytes of a payload that are enough to judge it; fewer may look like anything by chance."""

QUOTED = 30
"""Bytes of a peer's text that a hint quotes."""

HEADER_FIELDS = ("FIN", "RSV1", "RSV2", "RSV3", "opcode", "MASK", "length", "extended length")


ASCII_TEXT = re.compile(rb"[\t\r\n\x20-\x7e]*")
NOT_PRINTABLE_BUT_TEXT = dict.fromkeys(map(ord, "\t\r\n\u200d\ufeff"), " ")


@dataclass(frozen=True, slots=True)
class Before:
    """The whole frame of the same side before it; `payload` has its first bytes on the wire."""

    kind: Opcode | int
    header: Header
    masking_key: bytes
    payload: bytes
    broken: str = ""
    """The field that its violation blames; "" if it is legal, so that its end is known."""

    @property
    def is_all_kept(self) -> bool:
        return len(self.payload) == self.header.payload_length

    @property
    def plain(self) -> bytes:
        return unmask(self.payload, self.masking_key)

    @property
    def text_start(self) -> int:
        """Where its text begins: after the code of a Close."""
        return CODE_LENGTH if self.header.opcode == CLOSE else 0

    @property
    def text(self) -> bytes:
        return self.plain[self.text_start :]

    def goes_on(self, wire: bytes) -> bytes:
        """These next bytes, unmasked as if they were more of its payload."""
        return unmask(wire, self.masking_key, self.header.payload_length)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A frame that is not legal. Its verdict has no hint yet.

    `wire` has its bytes and the ones that have arrived after it, at least the first `KEPT` of its
    payload; `complete` says whether it has all of them. `over` says that no more bytes arrive.
    `head` is the head before the frame, if it is the first one after it; `before` the frame before.
    """

    frame: FrameExplanation
    wire: bytes
    complete: bool = True
    over: bool = True
    before: Before | None = None
    head: HeadExplanation | None = None

    @property
    def sender(self) -> Side:
        return self.frame.sender

    @property
    def blamed(self) -> str:
        """The field that the violation blames; "" if there is none."""
        verdict = self.frame.verdict
        return verdict.violation.field if isinstance(verdict, Illegal) else ""

    @property
    def is_bad_header(self) -> bool:
        return self.blamed in HEADER_FIELDS

    @property
    def begins_no_frame(self) -> bool:
        """Whether no frame begins like this, so that the bytes may be something else."""
        if self.is_cut_off and len(self.wire) == 1:
            return not is_legal_start(self.wire)
        return self.is_bad_header

    @property
    def is_bad_payload(self) -> bool:
        return self.blamed == "payload"

    @property
    def is_cut_off(self) -> bool:
        """Whether the frame is cut off for good."""
        return self.over and isinstance(self.frame.verdict, CutOff)

    @property
    def after_header(self) -> bytes:
        """The bytes after the header: key and payload, and more."""
        return self.wire[len(self.frame.header_bytes) :]

    @property
    def payload_and_more(self) -> bytes:
        """The payload, and the bytes after it, as on the wire."""
        return self.after_header[len(self.frame.masking_key) :]

    @property
    def plain(self) -> bytes:
        """The payload, unmasked, also what a receiver does not read after a bad byte."""
        length, key = self.frame.header.payload_length, self.frame.masking_key
        return unmask(self.payload_and_more[:length], key)

    def ends_here_or_frames_follow(self, rest: bytes) -> bool:
        """Whether the end of `wire` that begins here is empty, or whole legal frames."""
        return self.complete and (not rest or are_frames(rest, self.sender, self.frame.deflate))


Hint = Callable[[Evidence], str]
"""What the mistake looks like, and what to do; "" if it is another one."""


def unmask(wire: bytes, key: bytes, offset: int = 0) -> bytes:
    return mask(wire, key, offset) if key else wire


# Frames


def size_of_frame(wire: bytes, sender: Side, rsv1_defined: bool = False) -> int | None:
    """The size of the frame that these bytes begin with; None if its header is not legal."""
    try:
        header = read_header(BytesIO(wire), sender is Side.CLIENT, rsv1_defined)
    except (ConnectionFailure, EOFError):
        return None
    extended = 0 if wire[1] & 0x7F <= MAX_LENGTH_7 else 2
    if header.payload_length > MAX_LENGTH_16:
        extended = 8
    return 2 + extended + header.masked * KEY_LENGTH + header.payload_length


def is_legal_start(first_byte: bytes) -> bool:
    """Whether a frame may begin with this byte; with RSV1, if an extension is in use."""
    try:
        check_header(replace(parse_header(first_byte + b"\0"), rsv1=False))
    except ConnectionFailure:
        return False
    return True


def are_frames(wire: bytes, sender: Side, rsv1_defined: bool = False) -> bool:
    """Whether the bytes are whole legal frames, one or more, and nothing else."""
    while wire:
        size = size_of_frame(wire, sender, rsv1_defined)
        if size is None or size > len(wire):
            return False
        wire = wire[size:]
        if not wire:
            return True
    return False


# Text


def is_ascii_text(data: bytes) -> bool:
    """Whether these bytes are printable ASCII, or white space."""
    return len(leading_text(data)) == len(data)


def looks_like_text(data: bytes) -> bool:
    return len(data) >= MIN_TELLING and is_ascii_text(data)


def is_text(data: bytes, may_be_cut: bool = True) -> bool:
    """Whether these bytes are readable text in UTF-8; its last character may be cut off."""
    text = decoded(data, may_be_cut)
    return bool(text) and text.translate(NOT_PRINTABLE_BUT_TEXT).isprintable()


def decoded(data: bytes, may_be_cut: bool = True) -> str:
    """The text; "" if it is not UTF-8, or if it is one character that is cut off."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        cut = may_be_cut and error.reason == "unexpected end of data"
        return data[: error.start].decode() if cut else ""


def leading_characters(data: bytes) -> str:
    """The text that the bytes begin with, up to the first byte that is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        return data[: error.start].decode()


def printable_start(data: bytes) -> bytes:
    """The readable text in UTF-8 that the bytes begin with."""
    text = leading_characters(data)
    printable = text.translate(NOT_PRINTABLE_BUT_TEXT)
    end = next((at for at, letter in enumerate(printable) if not letter.isprintable()), len(text))
    return text[:end].encode()


def leading_text(data: bytes) -> bytes:
    """The printable ASCII, and white space, that the bytes begin with."""
    found = ASCII_TEXT.match(data)
    return found[0] if found else b""


def quoted(data: bytes) -> str:
    """The start of a peer's text, in quotes and in ASCII."""
    shown = ascii(data[:QUOTED].decode(errors="replace"))
    return f"{shown}..." if len(data) > QUOTED else shown
