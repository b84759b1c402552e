"""RFC 6455 §5.2: a length that counts characters, or that is too small, and text that goes on."""

from __future__ import annotations

from ....protocol.close import CODE_LENGTH
from ....protocol.close_codes import is_valid_on_wire
from ....protocol.frame import CLOSE, LENGTH, MASK, MAX_LENGTH_7, TEXT, Side
from ....protocol.masking import KEY_LENGTH
from .evidence import (
    MIN_TELLING,
    Before,
    Evidence,
    decoded,
    is_ascii_text,
    is_legal_start,
    is_text,
    leading_characters,
    printable_start,
    quoted,
    size_of_frame,
    unmask,
)
from .lengths import ONLY_SEVEN_BITS

CONTINUATION_BYTES = bytes(range(0x80, 0xC0))


def length_in_characters(evidence: Evidence) -> str:
    """A text that ends inside a character, because its length counts characters."""
    frame = evidence.frame
    kind = frame.header.opcode
    if not evidence.is_bad_payload or frame.compressed or not ends_inside_a_character(evidence):
        return ""
    if next_goes_on(evidence):
        return (
            "the text ends inside a character, and the next message goes on with it: end a "
            "message between characters, or send fragments, with FIN 0 and opcode 0 (§5.4)"
        )
    more = unmask(evidence.payload_and_more, frame.masking_key)
    start = CODE_LENGTH if kind == CLOSE else 0
    return counted_in_characters(more[start:], frame.header.payload_length - start)


def next_goes_on(evidence: Evidence) -> bool:
    """Whether a frame follows whose payload has the rest of a character that is cut off."""
    length = evidence.frame.header.payload_length
    rest = evidence.payload_and_more[length:]
    size = size_of_frame(rest, evidence.sender)
    if size is None or size > len(rest) or len(evidence.plain) < length:
        return False
    key_length = KEY_LENGTH * evidence.frame.header.masked
    start = size - (rest[1] & LENGTH)
    more = unmask(rest[start:size], rest[start - key_length : start])
    return rest[1] & LENGTH <= MAX_LENGTH_7 and is_text(evidence.plain + more, False)


def ends_inside_a_character(evidence: Evidence) -> bool:
    frame, offset = evidence.frame, getattr(evidence.frame.verdict, "offset", None)
    if frame.header.opcode == CLOSE:
        code = int.from_bytes(frame.plain_start[:CODE_LENGTH])
        return is_valid_on_wire(code) and has_cut_character(frame.plain_start[CODE_LENGTH:])
    if frame.kind != TEXT or not frame.header.fin or offset is None:
        return False
    length = frame.header.payload_length
    last = frame.offset + len(frame.header_bytes) + len(frame.masking_key) + length - 1
    if offset != last:
        return False
    return len(evidence.plain) < length or has_cut_character(evidence.plain)


def has_cut_character(data: bytes) -> bool:
    """Whether the last character is cut off; the first may be, too, in a continuation frame."""
    try:
        data.lstrip(CONTINUATION_BYTES).decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return False


def counted_in_characters(data: bytes, length: int) -> str:
    """The hint for a text that should be longer than these first `length` bytes of `data`."""
    text = leading_characters(data)
    characters, units = text[:length], text.encode("utf-16-le")[: 2 * length]
    in_utf_16 = units.decode("utf-16-le", "ignore")
    fits = len(units) == 2 * length and in_utf_16 == text and len(text) != length
    unit = " of UTF-16" if fits else ""
    counted = in_utf_16 if unit else characters
    advice = "encode the text first, and take the length of that (§5.2)"
    if len(characters) < length and not unit:
        return f"does the length count characters? It must count bytes: {advice}"
    return (
        f"the length counts characters{unit}, {length}, and must count bytes, "
        f"{len(counted.encode())}: {advice}"
    )


def text_goes_on(evidence: Evidence) -> str:
    """More of the text of the frame before: its length was too small."""
    before = evidence.before
    if before is None or before.kind not in (TEXT, CLOSE) or is_only_not_masked(evidence):
        return ""
    if before.broken not in ("", "payload"):
        return ""
    if not (evidence.begins_no_frame or ends_the_text(evidence, before)):
        return ""
    text = rest_of_text(evidence, before)
    if end := end_of_characters(evidence, before, text):
        return counted_before(before, text[:end])
    ends = range(1, len(text) + 1) if evidence.complete else ()
    end = next(filter(lambda end: frames_follow(evidence, end), ends), len(text))
    if not frames_follow(evidence, end) and len(text) < MIN_TELLING:
        return ""
    text = text[:end]
    if before.header.rsv1 or not text:
        return ""
    length = before.header.payload_length + len(text)
    if frames_follow(evidence, end) and length % 256 == before.header.payload_length:
        return (
            f"a length of {length} does not fit a byte, and became "
            f"{before.header.payload_length} in the frame before: {ONLY_SEVEN_BITS}"
        )
    or_alone = "" if before.masking_key else "; or is it a message without a frame?"
    return (
        f"these bytes go on with the text of the frame before, {quoted(text)}: is its length, "
        f"{before.header.payload_length}, too small? It must count all bytes of the payload (§5.2)"
        f"{or_alone}"
    )


def rest_of_text(evidence: Evidence, before: Before) -> bytes:
    """The text that these bytes begin with, as if they were more of the frame before."""
    more, text = before.goes_on(evidence.wire), before.text if before.is_all_kept else b""
    return printable_start(text + more)[len(text) :]


def end_of_characters(evidence: Evidence, before: Before, text: bytes) -> int:
    """Where a text ends whose length counts characters, and a frame begins, or all ends; or 0."""
    if not before.is_all_kept or is_ascii_text(before.text):
        return 0
    length = before.header.payload_length - before.text_start
    for end in range(1, len(text) + 1):
        whole, rest = before.text + text[:end], evidence.wire[end:]
        counts = len(decoded(whole, False)), len(decoded(whole, False).encode("utf-16-le")) // 2
        ends = evidence.complete if not rest else size_of_frame(rest, evidence.sender, True)
        if length in counts and ends:
            return end
    return 0


def is_only_not_masked(evidence: Evidence) -> bool:
    """Whether this is a whole frame, except that the other side would send it so."""
    size = size_of_frame(evidence.wire, evidence.sender.peer, evidence.frame.deflate)
    return evidence.blamed == "MASK" and size is not None and size <= len(evidence.wire)


def ends_the_text(evidence: Evidence, before: Before) -> bool:
    """Whether the last bytes end a text that then has as many characters as its length says."""
    if not (evidence.over and evidence.is_cut_off and evidence.complete and before.is_all_kept):
        return False
    if is_legal_start(evidence.wire[:1]) and is_masked_rightly(evidence):
        return False
    text = before.text + before.goes_on(evidence.wire)
    counted = len(leading_characters(text)) == before.header.payload_length - before.text_start
    return counted and is_text(text, False) and not is_ascii_text(before.text)


def is_masked_rightly(evidence: Evidence) -> bool:
    """Whether the second byte has the MASK bit that a frame of this side has."""
    wire = evidence.wire
    return len(wire) > 1 and bool(wire[1] & MASK) == (evidence.sender is Side.CLIENT)


def frames_follow(evidence: Evidence, end: int) -> bool:
    return evidence.ends_here_or_frames_follow(evidence.wire[end:])


def counted_before(before: Before, more: bytes) -> str:
    length = before.header.payload_length - before.text_start
    return f"{counted_in_characters(before.text + more, length)}; this is about the frame before"
