"""RFC 6455 §5.5.1, §5.6, RFC 7692 §7.2: a payload in another format than its header says."""

from __future__ import annotations

import re

from ....protocol.close import CODE_LENGTH
from ....protocol.close_codes import CloseCode, is_valid_on_wire
from ....protocol.frame import BINARY, CLOSE, CONT, TEXT, is_control
from ....protocol.masking import KEY_LENGTH
from ..values import FrameExplanation
from .evidence import MIN_TELLING, Evidence, is_text, quoted, unmask
from .no_frames import inflated_text

# Close


def bad_close_body(evidence: Evidence) -> bytes:
    """The body of a Close that is not legal; otherwise nothing."""
    is_close = evidence.is_bad_payload and evidence.frame.header.opcode == CLOSE
    return evidence.frame.plain_start if is_close else b""


def little_endian_close_code(evidence: Evidence) -> str:
    body = bad_close_body(evidence)
    if len(body) < CODE_LENGTH:
        return ""
    swapped = int.from_bytes(body[:CODE_LENGTH], "little")
    if is_valid_on_wire(swapped) and not is_valid_on_wire(int.from_bytes(body[:CODE_LENGTH])):
        return (
            f"in little-endian the code would be {swapped}; its most significant byte must be "
            "first (§5.5.1)"
        )
    return ""


def close_code_as_text(evidence: Evidence) -> str:
    if bad_close_body(evidence)[:4].isdigit():
        return "the code is written in digits; it must be a number of two bytes (§5.5.1)"
    return ""


def reason_without_code(evidence: Evidence) -> str:
    body = bad_close_body(evidence)
    if is_text(body):
        return (
            f"a reason without a code, {quoted(body)}: the code comes first in the body, as 2 "
            "bytes (§5.5.1)"
        )
    return ""


def long_close_code(evidence: Evidence) -> str:
    """A code of 4 bytes."""
    body = bad_close_body(evidence)
    for order, word in (("big", "4 bytes"), ("little", "4 bytes in little-endian")):
        code = int.from_bytes(body[:4], "big" if order == "big" else "little")
        if len(body) >= 4 and is_valid_on_wire(code):
            return f"the code has 2 bytes, and here {word} say {code} (§5.5.1)"
    return ""


def code_that_is_never_sent(evidence: Evidence) -> str:
    body = bad_close_body(evidence)[:CODE_LENGTH]
    if int.from_bytes(body) == CloseCode.NO_STATUS_RCVD:
        return (
            "1005 stands for a Close without a code, and is never sent: send an empty body (§7.4.1)"
        )
    if int.from_bytes(body) in (CloseCode.ABNORMAL_CLOSURE, CloseCode.TLS_HANDSHAKE):
        return (
            f"{int.from_bytes(body)} is what a program reports if no Close arrived, and is never "
            "sent (§7.4.1)"
        )
    return ""


# Text


def utf_16(frame: FrameExplanation) -> str:
    return describe_utf_16(frame.content_start) if frame.kind == TEXT else ""


def utf_16_that_is_illegal(evidence: Evidence) -> str:
    plain_text = evidence.frame.kind == TEXT and not evidence.frame.compressed
    return describe_utf_16(evidence.plain) if plain_text else utf_16(evidence.frame)


def describe_utf_16(content: bytes) -> str:
    start = content[: len(content) // 2 * 2]
    if len(start) < MIN_TELLING:
        return ""
    zeros_on_one_side = any(
        start[1 - i :: 2].count(0) * 2 == len(start) and 0 not in start[i::2] for i in (0, 1)
    )
    if zeros_on_one_side or start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "this looks like UTF-16; a text message is UTF-8 (§5.6)"
    return ""


ONE_BYTE_CHARACTERS = re.compile(rb"[\t\r\n\x20-\x7e\xa0-\xfd]{4,}")
SURROGATES = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]|\xc0\x80")

FORMATS = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x1f\x8b", "gzip"),
    (b"\x78\x9c", "zlib"),
    (b"\x1aE\xdf\xa3", "WebM"),
    (b"OggS", "Ogg"),
    (b"RIFF", "a RIFF file"),
)
"""How files begin that are no text."""


def bad_text(evidence: Evidence) -> bytes:
    """The payload of a text frame that is not UTF-8; otherwise nothing."""
    frame = evidence.frame
    is_text_frame = frame.header.opcode == TEXT and not frame.compressed
    return evidence.plain if evidence.is_bad_payload and is_text_frame else b""


def binary_as_text(evidence: Evidence) -> str:
    content = bad_text(evidence)
    whole = len(content) >= MIN_TELLING
    found = next((name for start, name in FORMATS if whole and content.startswith(start)), "")
    return f"this begins like {found}: send it as binary, opcode 2 (§5.6)" if found else ""


def surrogates(evidence: Evidence) -> str:
    if SURROGATES.search(bad_text(evidence)):
        return (
            "this is modified UTF-8, such as Java's writeUTF makes, with a pair of surrogates, or "
            "c0 80 for U+0000: encode the text as UTF-8 (§8.1)"
        )
    return ""


def other_encoding(evidence: Evidence) -> str:
    body = bad_close_body(evidence)
    reason = body[CODE_LENGTH:] if is_valid_on_wire(int.from_bytes(body[:CODE_LENGTH])) else b""
    content = bad_text(evidence) or reason
    mostly_ascii = 2 * sum(byte < 0x80 for byte in content) >= len(content)
    if ONE_BYTE_CHARACTERS.fullmatch(content) and mostly_ascii:
        return (
            "is this text in Latin-1, or another encoding than UTF-8? A text message is UTF-8, "
            "and a close reason, too (§5.6, §5.5.1)"
        )
    return ""


# Control frames


def long_control_frame(evidence: Evidence) -> str:
    frame = evidence.frame
    if evidence.blamed != "length" or not is_control(frame.header.opcode):
        return ""
    if frame.header.opcode == CLOSE:
        return "shorten the reason of the Close: it has at most 123 bytes in UTF-8 (§5.5)"
    return "send what is longer as a message: a Ping or Pong has at most 125 bytes (§5.5)"


def control_frame_without_fin(evidence: Evidence) -> str:
    frame = evidence.frame
    if evidence.blamed != "FIN" or not is_control(frame.header.opcode):
        return ""
    return f"was FIN forgotten? The first byte is {0x80 | frame.header.opcode:x} then (§5.5)"


# Compression


def zlib_or_gzip(evidence: Evidence) -> str:
    bad, start = (
        evidence.is_bad_payload and evidence.frame.compressed,
        evidence.frame.plain_start[:2],
    )
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


def compressed_without_rsv1(evidence: Evidence) -> str:
    frame = evidence.frame
    whole = len(evidence.plain) == frame.header.payload_length
    if not evidence.is_bad_payload or frame.kind != TEXT or frame.compressed or not whole:
        return ""
    if content := inflated_text(evidence.plain):
        return (
            f"the payload is DEFLATE data, {quoted(content)}: RSV1 must be 1 in the first frame of "
            "a compressed message (RFC 7692 §6.1)"
        )
    return ""


def rsv1_without_compression(evidence: Evidence) -> str:
    """RSV1 in a frame whose payload is readable."""
    frame, rest = evidence.frame, evidence.after_header
    key = rest[: KEY_LENGTH * frame.header.masked]
    payload = unmask(rest[len(key) :][: frame.header.payload_length], key)
    marked = evidence.blamed == "RSV1" or (evidence.is_bad_payload and frame.compressed)
    whole = len(payload) == frame.header.payload_length >= MIN_TELLING
    if not marked or frame.header.opcode != TEXT or not whole or not is_text(payload, False):
        return ""
    return (
        f"the payload is not compressed, {quoted(payload)}: RSV1 must be 0 then (§5.2, RFC 7692 §6)"
    )


def compression_not_agreed(evidence: Evidence) -> str:
    frame = evidence.frame
    if evidence.blamed == "RSV1" and not frame.deflate and frame.header.opcode in (TEXT, BINARY):
        return (
            "a compressed message? permessage-deflate must be agreed in the opening "
            "handshake first (--deflate)"
        )
    return ""


def rsv1_in_every_frame(evidence: Evidence) -> str:
    frame = evidence.frame
    going_on = frame.header.opcode == CONT and frame.before.message is not None
    if evidence.blamed == "RSV1" and frame.deflate and going_on:
        return "RSV1 is 1 only in the first frame of a compressed message (RFC 7692 §6.1)"
    return ""
