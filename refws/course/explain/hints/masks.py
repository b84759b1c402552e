"""RFC 6455 §5.1, §5.3: masking by the wrong side, with no key, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ....protocol.close import CODE_LENGTH
from ....protocol.close_codes import LIBRARY_AND_PRIVATE, is_valid_on_wire
from ....protocol.frame import CLOSE, MASK, TEXT, Side, is_control
from ....protocol.masking import KEY_LENGTH
from ..values import FrameExplanation
from .evidence import (
    MIN_TELLING,
    Before,
    Evidence,
    decoded,
    is_ascii_text,
    is_text,
    leading_text,
    looks_like_text,
    size_of_frame,
    unmask,
)

NO_KEY = "the MASK bit is 1, but no key follows: it has 4 bytes, and is before the payload"
NOT_MASKED = (
    "as it is on the wire, the payload is readable: it was not masked, or masked twice (§5.3)"
)
LETTERS = re.compile(rb"[A-Za-z0-9 ]{4,}")
LETTER = re.compile(rb"[A-Za-z0-9 ]")
SURE = 8
"""Readable bytes that are no accident."""


def key_left_out(evidence: Evidence) -> str:
    """The payload is where the key should be, or the next header is."""
    if next_header_as_key(evidence):
        assert evidence.before is not None
        key = evidence.before.masking_key.hex(" ")
        return (
            f"the key was left out in the frame before: in its place is {key}, the next header; "
            "with the MASK bit 1 there are 4 bytes of key, also if the payload is empty (§5.2)"
        )
    if evidence.frame.header.masked and payload_as_key(evidence):
        return f"{NO_KEY} (§5.2)"
    return ""


def next_header_as_key(evidence: Evidence) -> bool:
    before = evidence.before
    if before is None or evidence.sender is Side.SERVER or not evidence.is_bad_header:
        return False
    next_header = size_of_frame(before.masking_key, evidence.sender, evidence.frame.deflate)
    return not before.header.payload_length and next_header is not None


def payload_as_key(evidence: Evidence) -> bool:
    length, rest = evidence.frame.header.payload_length, evidence.after_header
    text = rest[:length]
    if evidence.frame.header.opcode == CLOSE and len(rest) == length and is_close_body(text):
        return evidence.is_cut_off or evidence.is_bad_payload
    if len(text) < max(length, MIN_TELLING):
        return False
    if not (is_ascii_text(text) and (LETTERS.fullmatch(text) or length >= SURE)):
        return False
    wrong = evidence.is_bad_payload or evidence.blamed == "MASK" or is_cut_off_text(evidence)
    sizes = [size_of_frame(rest[length:], side, evidence.frame.deflate) for side in Side]
    return wrong and (any(sizes) or (evidence.complete and len(rest) == length))


def is_cut_off_text(evidence: Evidence) -> bool:
    """Whether a text is cut off that is no more readable after unmasking.

    A letter XOR a letter is no letter.
    """
    plain = evidence.plain
    readable = len(LETTER.findall(plain)) * 2 > len(plain)
    return evidence.is_cut_off and evidence.frame.header.opcode == TEXT and not readable


def masking_of_the_wrong_side(evidence: Evidence) -> str:
    if evidence.blamed != "MASK":
        return ""
    if evidence.sender is Side.CLIENT:
        also = ", its control frames too," if is_control(evidence.frame.header.opcode) else ","
        return (
            f"a client must mask all it sends{also} with a new random key for each frame; or did "
            "a server send this?"
        )
    return (
        "a server must not mask: send the payload as it is, without a key; or did a client "
        "send this?"
    )


def masked_twice(evidence: Evidence) -> str:
    frame = evidence.frame
    if not evidence.is_bad_payload or not any(frame.masking_key):
        return ""
    payload = evidence.payload_and_more[: frame.header.payload_length]
    text = frame.kind == TEXT and looks_like_text(payload)
    if text or (frame.header.opcode == CLOSE and is_close_body(payload)):
        return NOT_MASKED
    return ""


def wrong_key_byte(evidence: Evidence) -> str:
    """A payload that is readable with the key turned round, or with the key of another frame."""
    frame = evidence.frame
    key, payload = frame.masking_key, evidence.payload_and_more[: frame.header.payload_length]
    if not (evidence.is_bad_payload and key):
        return ""
    tried = [(unmask(payload, other), hint) for other, hint in other_keys(key, evidence.before)]
    if frame.header.opcode == CLOSE:
        has_code = frame.plain_start[:1] == b"\x03"  # as all codes from 768 to 1023 have
        return "" if has_code else next((hint for body, hint in tried if is_close_body(body)), "")
    if frame.kind != TEXT or len(payload) < SURE:
        return ""
    readable = [(len(LETTER.findall(text)), hint) for text, hint in tried if is_ascii_text(text)]
    return max(readable)[1] if readable else ""


def other_keys(key: bytes, before: Before | None) -> Iterator[tuple[bytes, str]]:
    """The keys that may have been used by mistake, and what is to be done then."""
    for turn in (1, 2, 3):
        yield (
            key[turn:] + key[:turn],
            "with the key turned round the payload is readable: byte i goes with byte i % 4 of the "
            "key, and i counts from the start of the payload of this frame (§5.3)",
        )
    yield (
        key[:1] * 4,
        "with the first byte of the key alone the payload is readable: byte i goes with byte i % 4 "
        "of the key (§5.3)",
    )
    yield (
        key[::-1],
        "with the key backwards the payload is readable: keep the order of its bytes (§5.3)",
    )
    if before is not None and before.masking_key:
        yield (
            before.masking_key,
            "with the key of the frame before the payload is readable: mask each frame with the "
            "key in its own header (§5.3)",
        )


def masked_in_pieces(evidence: Evidence) -> str:
    """A payload that is readable if the key starts again in it, or if it is masked in part."""
    frame, key = evidence.frame, evidence.frame.masking_key
    payload = evidence.payload_and_more[: frame.header.payload_length]
    whole = len(payload) == frame.header.payload_length >= SURE
    if not (evidence.is_bad_payload and whole and any(key) and frame.kind == TEXT):
        return ""
    ends = range(MIN_TELLING, len(leading_text(unmask(payload, key))) + 1)
    for end in reversed(ends):
        if end % KEY_LENGTH and is_ascii_text(unmask(payload[end:], key)):
            return (
                f"from byte {end} of the payload on the key starts again: byte i goes with byte i "
                "% 4 of the key, also if the payload is masked in pieces (§5.3)"
            )
    if (end := next((end for end in ends if is_ascii_text(payload[end:])), 0)) > 0:
        return f"only the first {end} bytes of the payload are masked: mask all of it (§5.3)"
    return ""


def key_at_the_end(evidence: Evidence) -> str:
    """A payload that is readable with the 4 bytes after it as its key."""
    wire, length = evidence.after_header, evidence.frame.header.payload_length
    if not (evidence.is_bad_payload and evidence.frame.masking_key) or not SURE <= length <= 125:
        return ""
    payload, key = wire[:length], wire[length : length + 4]
    if is_ascii_text(unmask(payload, key)) and evidence.ends_here_or_frames_follow(
        wire[length + 4 :]
    ):
        return "the key is after the payload: it comes before it (§5.2)"
    return ""


def mask_bit_left_out(evidence: Evidence) -> str:
    """A key and a masked payload after a header whose MASK bit is 0."""
    length, rest = evidence.frame.header.payload_length, evidence.after_header
    wrong = evidence.blamed == "MASK" or evidence.is_bad_payload
    if not wrong or evidence.frame.header.masked or length < SURE:
        return ""
    key, payload = rest[:KEY_LENGTH], rest[KEY_LENGTH:][:length]
    readable = len(payload) == length and is_text(unmask(payload, key), False)
    if not readable or is_text(rest[:length]) or not any(key):
        return ""
    if not evidence.ends_here_or_frames_follow(rest[KEY_LENGTH + length :]):
        return ""
    what = "a key and a masked payload follow, but the MASK bit is 0"
    second = f"{MASK | evidence.wire[1]:x}"
    if evidence.sender is Side.SERVER:
        other = f"if a client sent this, the second byte is {second}"
        return f"{what}: a server must not mask, and sends no key; {other} (§5.1, §5.2)"
    return f"{what}: it is the top bit of the second byte, {second} (§5.2)"


def is_close_body(body: bytes) -> bool:
    """Whether this is the body of a Close, and no accident.

    One in 32 pairs of bytes is a code from 3000 on: such a code alone says nothing.
    """
    code, reason = int.from_bytes(body[:CODE_LENGTH]), body[CODE_LENGTH:]
    if len(body) < CODE_LENGTH or not is_valid_on_wire(code):
        return False
    return decoded(reason, may_be_cut=False) != "" if reason else code not in LIBRARY_AND_PRIVATE


def legal_but_not_masked(frame: FrameExplanation) -> str:
    """A text that unmasking makes unreadable, though it stays UTF-8."""
    wire = frame.payload_start
    if not wire[:MIN_TELLING].isalnum() or frame.kind != TEXT or frame.plain_start == wire:
        return ""
    readable = len(wire) > MIN_TELLING and LETTERS.fullmatch(wire)
    return NOT_MASKED if readable and not is_text(frame.plain_start) else ""


def zero_key(frame: FrameExplanation) -> str:
    if frame.masking_key and not any(frame.masking_key):
        return (
            "a key of four zeros masks nothing; each frame needs a fresh, unpredictable one (§5.3)"
        )
    return ""
