"""RFC 6455 §5.4: frames and messages that are mixed with each other, or do not go on."""

from __future__ import annotations

from ....protocol.frame import BINARY, CONT, TEXT, Opcode, Side, is_control, parse_header
from ....protocol.masking import KEY_LENGTH
from ..values import Illegal
from .evidence import MIN_TELLING, Evidence, is_text, size_of_frame, unmask

AHEAD = 14
"""The longest header with its key: an inner frame begins at most so far before a bad byte."""

ONE_AT_A_TIME = "did two threads write at once? A lock must let out one whole frame at a time"


def two_writers(evidence: Evidence) -> str:
    """The header of a frame inside the payload of another."""
    if evidence.is_bad_payload and evidence.frame.kind == TEXT and not evidence.frame.compressed:
        return frame_in_this_payload(evidence)
    return frame_in_payload_before(evidence) if evidence.is_bad_header else ""


def frame_in_this_payload(evidence: Evidence) -> str:
    verdict, frame = evidence.frame.verdict, evidence.frame
    assert isinstance(verdict, Illegal)
    payload_offset = frame.offset + len(frame.header_bytes) + len(frame.masking_key)
    bad = (verdict.offset or 0) - payload_offset
    back = AHEAD if evidence.sender is Side.CLIENT else 0
    for place in range(max(bad - back, 0), bad + 1):
        inner = evidence.payload_and_more[place:]
        if size := whole_frame(inner, evidence):
            start, offset = inner[:2].hex(" "), payload_offset + place
            if place + size >= frame.header.payload_length and evidence.ends_here_or_frames_follow(
                inner
            ):
                return length_too_large(frame.header.payload_length, place, offset)
            return (
                f"{ONE_AT_A_TIME}; {start}, at byte {offset}, looks like the header of another "
                "frame (§5.4)"
            )
    return ""


def length_too_large(length: int, place: int, offset: int) -> str:
    """The next frame begins before the payload ends, after `place` bytes of it."""
    if not place:
        return (
            f"at byte {offset}, right after this header, another frame begins: was a frame put "
            "into a frame, or its header written twice? (§5.2)"
        )
    return (
        f"is the length, {length}, too large? At byte {offset} the next frame begins, after "
        f"{place} of them: the length counts the payload, without header, key and end of a string "
        "(§5.2)"
    )


def framed_twice(evidence: Evidence) -> str:
    """A payload that is a whole frame, which is masked once more if a client sends it."""
    frame, payload = evidence.frame, evidence.plain
    whole = len(payload) == frame.header.payload_length and not frame.compressed
    if not evidence.is_bad_payload or frame.kind != TEXT or not whole:
        return ""
    for side in Side:
        if size_of_frame(payload, side) == len(payload) >= MIN_TELLING:
            start = payload[:2].hex(" ")
            return f"the payload is a frame itself, {start}: was it put into a frame twice? (§5.2)"
    return ""


def frame_in_payload_before(evidence: Evidence) -> str:
    before = evidence.before
    if before is None or not before.is_all_kept or not evidence.complete:
        return ""
    stream = before.payload + evidence.wire
    for place in range(len(before.payload)):
        inner = stream[place:]
        size = whole_frame(inner, evidence)
        text = before.kind == TEXT and is_text(unmask(before.payload[:place], before.masking_key))
        runs_over = size > len(before.payload) - place and (text or before.kind == BINARY)
        if runs_over and place and evidence.ends_here_or_frames_follow(inner):
            offset = evidence.frame.offset - len(before.payload) + place
            hint = length_too_large(before.header.payload_length, place, offset)
            return f"{hint}; this is about the frame before"
        after = evidence.wire[size:] if size else b""
        if size and len(evidence.wire) >= size and evidence.ends_here_or_frames_follow(after):
            return (
                f"{ONE_AT_A_TIME}; {inner[:2].hex(' ')}, in the payload of the frame before, looks "
                "like the header of another frame (§5.4)"
            )
    return ""


def whole_frame(wire: bytes, evidence: Evidence) -> int:
    """The size of the frame that is here whole, with a readable or empty payload; otherwise 0."""
    size = size_of_frame(wire, evidence.sender)
    if size is None or size > len(wire):
        return 0
    header = parse_header(wire[:2])
    if not header.payload_length:
        return size if is_control(header.opcode) else 0
    start = size - header.payload_length if header.payload_length < 126 else 4 + 4 * header.masked
    key = wire[start - KEY_LENGTH : start] if header.masked else b""
    content = unmask(wire[start:size], key)
    if header.opcode == Opcode.CLOSE:
        content = content[2:] or b"-"
    return size if is_text(content) else 0


def message_inside_another(evidence: Evidence) -> str:
    frame = evidence.frame
    if evidence.blamed != "opcode" or not isinstance(frame.header.opcode, Opcode):
        return ""
    if frame.before.message is not None and not is_control(frame.header.opcode):
        return (
            "a message is open: if this goes on with it, the opcode must be 0; if two threads "
            "send, a lock must let out one whole message at a time (§5.4)"
        )
    before = evidence.before
    if frame.header.opcode == CONT and before is None and frame.header.fin:
        return (
            "opcode 0 goes on with a message: the first byte of a message in one frame is 81 for "
            "text, 82 for binary (§5.2)"
        )
    if frame.header.opcode == CONT and before is not None and before.header.fin:
        return (
            "the frame before has FIN 1, so its message has ended: FIN is 0 in all frames of a "
            "message except the last (§5.4)"
        )
    return ""
