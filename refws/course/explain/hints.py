"""Well-known mistakes: a frame and its verdict -> a line that says what it looks like, or ""."""

from __future__ import annotations

from collections.abc import Callable

from ...protocol.close import CODE_LENGTH
from ...protocol.close_codes import is_valid_on_wire
from ...protocol.frame import BINARY, CLOSE, MAX_LENGTH_7, MAX_LENGTH_16, MAX_LENGTH_64, TEXT, Side
from .values import CutOff, FrameExplanation, Illegal

NO_FRAMES = {
    b"HT": "HTTP text: after the 101 there are frames only (§4.2.2); a body, or a second "
    "response, must not follow",
    b"GE": "an HTTP request: there is one opening handshake, and after that only frames (§4.1)",
    b"PO": "an HTTP request: there is one opening handshake, and after that only frames (§4.1)",
    b"<!": "HTML: after the 101 there are frames only; a body must not follow (§4.2.2)",
    b"<h": "HTML: after the 101 there are frames only; a body must not follow (§4.2.2)",
    b"\x16\x03": "a TLS ClientHello: the client speaks wss://, and the server speaks plain "
    "ws:// on this port (§3)",
}
"""The first two bytes of something that is no frame. No legal frame begins with them."""

LIKELY_LENGTH = 2**32
"""For a longer payload, a mistake in the header is more likely."""

MIN_TELLING = 4
"""Bytes of a payload that are enough to judge it; fewer may look like anything by chance."""

Hint = Callable[[FrameExplanation], str]


def find_hint(frame: FrameExplanation) -> str:
    """What the first of `HINTS` that recognises this frame says; "" if none does."""
    return next(filter(None, (hint(frame) for hint in HINTS)), "")


def is_no_frame(wire: bytes) -> bool:
    """Whether these bytes are no frame, so that a length in them means nothing."""
    return wire[:2] in NO_FRAMES


def no_frames(frame: FrameExplanation) -> str:
    if isinstance(frame.verdict, Illegal) and is_no_frame(frame.header_bytes):
        return f"this looks like {NO_FRAMES[frame.header_bytes[:2]]}"
    return ""


def text_instead_of_frame(frame: FrameExplanation) -> str:
    wire = frame.header_bytes[:2]
    if blamed(frame) in ("RSV1", "RSV2", "opcode") and wire.isalpha() and wire.isascii():
        return (
            f"these bytes are the letters {wire.decode()!r}: is it text that was sent "
            "without a frame around it?"
        )
    return ""


def little_endian_length(frame: FrameExplanation) -> str:
    extended = frame.header_bytes[2:]
    if len(extended) not in (2, 8) or not isinstance(frame.verdict, Illegal | CutOff):
        return ""
    length, swapped = int.from_bytes(extended), int.from_bytes(extended, "little")
    shortest = MAX_LENGTH_7 if len(extended) == 2 else MAX_LENGTH_16
    fits = shortest < swapped < LIKELY_LENGTH
    cut_off = isinstance(frame.verdict, CutOff) and (
        swapped <= frame.payload_received or length >= LIKELY_LENGTH
    )
    top_bit = blamed(frame) == "extended length" and length > MAX_LENGTH_64
    if fits and swapped < length and (cut_off or top_bit):
        return (
            f"in little-endian the length would be {swapped}; its most significant byte must be "
            "first (§5.2)"
        )
    return ""


def long_form_for_short_payload(frame: FrameExplanation) -> str:
    length = frame.header.payload_length
    if blamed(frame) != "extended length" or length > MAX_LENGTH_64:
        return ""
    form = "the 7 bits of the second byte" if length <= MAX_LENGTH_7 else "16 bits, after 126"
    return f"write {length} into {form}: the longer forms are for longer payloads only"


def masking_of_the_wrong_side(frame: FrameExplanation) -> str:
    if blamed(frame) != "MASK":
        return ""
    if frame.sender is Side.CLIENT:
        return (
            "a client must mask all it sends, with a new random key for each frame; or did "
            "a server send this?"
        )
    return (
        "a server must not mask: send the payload as it is, without a key; or did a client "
        "send this?"
    )


def masked_twice(frame: FrameExplanation) -> str:
    text_broken = blamed(frame) == "payload" and frame.kind == TEXT
    if text_broken and any(frame.masking_key) and looks_like_text(frame.payload_start):
        return (
            "as it is on the wire, the payload is readable: it was masked twice, or not at "
            "all (§5.3)"
        )
    return ""


def zero_key(frame: FrameExplanation) -> str:
    if frame.masking_key and not any(frame.masking_key):
        return (
            "a key of four zeros masks nothing; each frame needs a fresh, unpredictable one (§5.3)"
        )
    return ""


def little_endian_close_code(frame: FrameExplanation) -> str:
    body = frame.plain_start
    if blamed(frame) != "payload" or frame.header.opcode != CLOSE or len(body) < CODE_LENGTH:
        return ""
    swapped = int.from_bytes(body[:CODE_LENGTH], "little")
    if is_valid_on_wire(swapped) and not is_valid_on_wire(int.from_bytes(body[:CODE_LENGTH])):
        return (
            f"in little-endian the code would be {swapped}; its most significant byte must be "
            "first (§5.5.1)"
        )
    return ""


def close_code_as_text(frame: FrameExplanation) -> str:
    bad_close = blamed(frame) == "payload" and frame.header.opcode == CLOSE
    if bad_close and frame.plain_start[:4].isdigit():
        return "the code is written in digits; it must be a number of two bytes (§5.5.1)"
    return ""


def utf_16(frame: FrameExplanation) -> str:
    start = frame.content_start[: len(frame.content_start) // 2 * 2]
    if frame.kind != TEXT or len(start) < MIN_TELLING:
        return ""
    zeros_on_one_side = any(
        start[1 - i :: 2].count(0) * 2 == len(start) and 0 not in start[i::2] for i in (0, 1)
    )
    if zeros_on_one_side or start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "this looks like UTF-16; a text message is UTF-8 (§5.6)"
    return ""


def zlib_or_gzip(frame: FrameExplanation) -> str:
    bad, start = blamed(frame) == "payload" and frame.compressed, frame.plain_start[:2]
    if bad and start == b"\x1f\x8b":
        return (
            "this begins like gzip; the payload must be raw DEFLATE, without a wrapper (RFC "
            "7692 §7.2.1)"
        )
    if bad and start in (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"):
        return (
            "this begins like zlib; the payload must be raw DEFLATE, without a wrapper "
            "(wbits=-15 in zlib)"
        )
    return ""


def compression_not_agreed(frame: FrameExplanation) -> str:
    if blamed(frame) == "RSV1" and not frame.deflate and frame.header.opcode in (TEXT, BINARY):
        return (
            "a compressed message? permessage-deflate must be agreed in the opening "
            "handshake first (--deflate)"
        )
    return ""


HINTS: tuple[Hint, ...] = (
    no_frames,
    text_instead_of_frame,
    little_endian_length,
    long_form_for_short_payload,
    masking_of_the_wrong_side,
    masked_twice,
    zero_key,
    little_endian_close_code,
    close_code_as_text,
    utf_16,
    zlib_or_gzip,
    compression_not_agreed,
)


def blamed(frame: FrameExplanation) -> str:
    """The field that a violation blames; "" if there is none."""
    return frame.verdict.violation.field if isinstance(frame.verdict, Illegal) else ""


def looks_like_text(data: bytes) -> bool:
    return len(data) >= MIN_TELLING and all(
        0x20 <= byte < 0x7F or byte in b"\t\r\n" for byte in data
    )
