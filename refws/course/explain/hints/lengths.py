"""RFC 6455 §5.2: a length that is written in the wrong form, or counts something else."""

from __future__ import annotations

from collections.abc import Iterator

from ....protocol.close_codes import is_valid_on_wire
from ....protocol.frame import (
    CLOSE,
    LENGTH,
    LENGTH_16,
    LENGTH_64,
    MAX_LENGTH_7,
    MAX_LENGTH_16,
    MAX_LENGTH_64,
    TEXT,
    Side,
)
from ....protocol.masking import KEY_LENGTH
from ..values import CutOff
from .evidence import (
    MIN_TELLING,
    Before,
    Evidence,
    is_ascii_text,
    is_text,
    leading_characters,
    leading_text,
    quoted,
    size_of_frame,
    unmask,
)

LIKELY_LENGTH = 2**32
"""For a longer payload, a mistake in the header is more likely."""

UNLIKELY_LENGTH = 2**40
"""1 TB."""

IMPOSSIBLE_LENGTH = 2**48
"""281 TB: no program sends that."""

MAX_FOUR_BYTES = 2**24
"""The longest payload that a length of 4 bytes is taken for."""

CONTINUATION_BYTES = bytes(range(0x80, 0xC0))

ONLY_SEVEN_BITS = "from 126 on write 126, and the length in the next 2 bytes (§5.2)"

ONLY_THE_FORM = (
    "write {} into the 7 bits of the second byte: the longer forms are for longer payloads only"
)

ORDER = "its most significant byte must be first (§5.2)"


# The wrong number of bytes, the wrong order


def wrong_form(evidence: Evidence) -> str:
    """A length of 4 bytes, or in little-endian, where the 8 bytes after 127 make no sense."""
    extended = evidence.frame.header_bytes[2:]
    if len(extended) != 8 or int.from_bytes(extended) < IMPOSSIBLE_LENGTH:
        return ""
    arrived = evidence.frame.payload_received
    found = sorted(readings(extended), key=lambda reading: (reading[0] != arrived, reading[0]))
    return found[0][1] if found else ""


def other_size(evidence: Evidence) -> str:
    """1 byte of length after 126, or 2 or 4 after 127, that say how long the payload is."""
    wire, form = evidence.wire, evidence.wire[1] & LENGTH if len(evidence.wire) > 1 else 0
    key_length = KEY_LENGTH * evidence.frame.header.masked
    for size in {LENGTH_16: (1,), LENGTH_64: (2, 4)}.get(form, ()):
        length = int.from_bytes(wire[2 : 2 + size])
        key, rest = wire[2 + size :][:key_length], wire[2 + size + key_length :]
        plain = unmask(rest[:length], key)
        if not MAX_LENGTH_7 < length <= MAX_LENGTH_16 or len(plain) < length:
            continue
        fits = evidence.ends_here_or_frames_follow(rest[length:]) and is_text(plain, False)
        if fits and not is_legal_so_far(evidence):
            say = f"{size} byte says" if size == 1 else f"{size} bytes say"
            wanted = "2 bytes" if form == LENGTH_16 else "8 bytes, and 126 comes before 2 of them"
            return f"after {form} the length has {wanted}: here {say} {length} (§5.2)"
    return ""


def unlikely_length(evidence: Evidence) -> str:
    """A message above a limit that is longer than any program sends."""
    length = evidence.frame.header.payload_length
    if evidence.blamed != "length" or length < UNLIKELY_LENGTH:
        return ""
    return (
        f"no program sends {length // 10**12} TB: is the length wrong? It has 8 bytes after 127, "
        "the most significant first (§5.2)"
    )


def readings(extended: bytes) -> Iterator[tuple[int, str]]:
    """What these 8 bytes may be meant to say: a length, and the hint for it."""
    swapped = int.from_bytes(extended, "little")
    if MAX_LENGTH_16 < swapped < LIKELY_LENGTH:
        yield swapped, little_endian(swapped)
    for order, words in (("big", ""), ("little", ", in little-endian")):
        length = int.from_bytes(extended[:4], "little" if order == "little" else "big")
        if MAX_LENGTH_16 < length <= MAX_FOUR_BYTES:
            yield (
                length,
                (
                    f"after 127 the length has 8 bytes; were only 4 written, {length}{words}? Put "
                    "4 bytes of zeros before it (§5.2)"
                ),
            )


def little_endian(length: int) -> str:
    return f"in little-endian the length would be {length}; {ORDER}"


def little_endian_length(evidence: Evidence) -> str:
    extended = evidence.frame.header_bytes[2:]
    if len(extended) not in (2, 8):
        return ""
    length, swapped = int.from_bytes(extended), int.from_bytes(extended, "little")
    shortest = MAX_LENGTH_7 if len(extended) == 2 else MAX_LENGTH_16
    if not shortest < swapped < LIKELY_LENGTH:
        return ""
    if evidence.blamed == "extended length":
        fits = length > MAX_LENGTH_64 or fits_exactly(evidence, swapped)
    else:
        cut_off = isinstance(evidence.frame.verdict, CutOff)
        fits = (cut_off and length >= LIKELY_LENGTH) or (
            (cut_off or evidence.is_bad_payload) and fits_exactly(evidence, swapped)
        )
    return little_endian(swapped) if fits else ""


def fits_exactly(evidence: Evidence, length: int) -> bool:
    """Whether a payload of this length ends where all ends, or where whole frames follow."""
    key = KEY_LENGTH if evidence.frame.header.masked else 0
    if evidence.frame.payload_received == length and evidence.is_cut_off:
        return True
    rest = evidence.after_header[key:]
    return len(rest) >= length and evidence.ends_here_or_frames_follow(rest[length:])


def length_of_seven_bits(evidence: Evidence) -> str:
    """A length of 126 or 127 in the 7 bits, where it announces a longer form."""
    wire = evidence.wire
    length = wire[1] & LENGTH if len(wire) > 1 else 0
    if length not in (LENGTH_16, LENGTH_64):
        return ""
    rest = wire[2:]
    if evidence.frame.header.masked:
        rest = unmask(rest[KEY_LENGTH:], rest[:KEY_LENGTH])
    tells = is_text(rest[:length], may_be_cut=False) and len(rest) >= length
    raw = wire[2 + (KEY_LENGTH if evidence.frame.header.masked else 0) :][length:]
    if tells and evidence.ends_here_or_frames_follow(raw) and not is_legal_so_far(evidence):
        return (
            f"a length of {length} does not fit the 7 bits, where {length} announces a longer "
            f"form: {ONLY_SEVEN_BITS}"
        )
    return ""


def length_of_one_byte(evidence: Evidence) -> str:
    """A length from 128 on in the second byte, where its top bit is MASK; or what a byte kept."""
    wire, length = evidence.wire, evidence.wire[1] if len(evidence.wire) > 1 else 0
    if evidence.blamed != "MASK" or evidence.sender is Side.CLIENT or length <= LENGTH_64:
        return ""
    payload, rest = wire[2:][:length], wire[2:][length:]
    if len(payload) < length or not is_text(payload, may_be_cut=False):
        return ""
    if not evidence.ends_here_or_frames_follow(rest):
        return ""
    return f"the second byte is {length}, but its top bit is MASK: {ONLY_SEVEN_BITS}"


def is_legal_so_far(evidence: Evidence) -> bool:
    """Whether more bytes may still arrive, so that nothing is wrong yet."""
    return isinstance(evidence.frame.verdict, CutOff) and not evidence.over


def long_form_for_short_payload(evidence: Evidence) -> str:
    length = evidence.frame.header.payload_length
    if evidence.blamed == "length":  # of a control frame: the form alone is too long for it
        length = int.from_bytes(evidence.wire[2:4])
        is_form = evidence.wire[1] & LENGTH == LENGTH_16 and len(evidence.wire) > 3
        return ONLY_THE_FORM.format(length) if is_form and length <= MAX_LENGTH_7 else ""
    if evidence.blamed != "extended length" or length > MAX_LENGTH_64:
        return ""
    if number := more_bytes_than_two(evidence):
        return f"after 126 the length has 2 bytes, the most significant first: {number} (§5.2)"
    if length <= MAX_LENGTH_7:
        return ONLY_THE_FORM.format(length)
    return f"write {length} into 16 bits, after 126: the longer forms are for longer payloads only"


def more_bytes_than_two(evidence: Evidence) -> str:
    """The length that 4 or 8 bytes after 126 would say."""
    wire = evidence.wire
    if len(evidence.frame.header_bytes) != 4 or wire[2:4] != b"\0\0" or not evidence.complete:
        return ""
    if not wire[4:] or evidence.ends_here_or_frames_follow(wire[4:]):
        return ""
    for size in (4, 8):
        length, key = int.from_bytes(wire[2 : 2 + size]), KEY_LENGTH * evidence.frame.header.masked
        rest = wire[2 + size + key :]
        fits = len(rest) >= length and evidence.ends_here_or_frames_follow(rest[length:])
        if fits and MAX_LENGTH_7 < length <= MAX_LENGTH_16:
            return f"here {size} bytes say {length}"
    return ""


# What is counted


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
    start = 2 if kind == CLOSE else 0
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
        code = int.from_bytes(frame.plain_start[:2])
        return is_valid_on_wire(code) and has_cut_character(frame.plain_start[2:])
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
    if before is None or before.kind != TEXT or is_only_not_masked(evidence):
        return ""
    if not (evidence.begins_no_frame or ends_the_text(evidence, before)):
        return ""
    more = before.goes_on(evidence.wire)
    text = more if evidence.complete and is_text(more) else leading_text(more)
    ends = range(1, len(text) + 1) if evidence.complete else ()
    end = next(filter(lambda end: frames_follow(evidence, end), ends), len(text))
    if not frames_follow(evidence, end) and len(text) < MIN_TELLING:
        return ""
    text = text[:end]
    if before.header.rsv1 or not text or not (is_text(before.plain) or not before.payload):
        return ""
    if before.is_all_kept and not is_ascii_text(before.plain):
        return counted_before(before, text)
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


def is_only_not_masked(evidence: Evidence) -> bool:
    """Whether this is a whole frame, except that the other side would send it so."""
    other = Side.CLIENT if evidence.sender is Side.SERVER else Side.SERVER
    size = size_of_frame(evidence.wire, other, evidence.frame.deflate)
    return evidence.blamed == "MASK" and size is not None and size <= len(evidence.wire)


def ends_the_text(evidence: Evidence, before: Before) -> bool:
    """Whether the last bytes end a text that then has as many characters as its length says."""
    if not (evidence.over and evidence.is_cut_off and evidence.complete and before.is_all_kept):
        return False
    text = before.plain + before.goes_on(evidence.wire)
    counted = len(leading_characters(text)) == before.header.payload_length
    return counted and is_text(text, False) and not is_ascii_text(before.plain)


def frames_follow(evidence: Evidence, end: int) -> bool:
    return evidence.ends_here_or_frames_follow(evidence.wire[end:])


def counted_before(before: Before, more: bytes) -> str:
    return (
        f"{counted_in_characters(before.plain + more, before.header.payload_length)}; "
        "this is about the frame before"
    )
