"""RFC 6455 §5.2: a length that is written in the wrong form, or that no program sends."""

from __future__ import annotations

from collections.abc import Iterator

from ....protocol.frame import (
    LENGTH,
    LENGTH_16,
    LENGTH_64,
    MAX_LENGTH_7,
    MAX_LENGTH_16,
    MAX_LENGTH_64,
    Side,
)
from ....protocol.masking import KEY_LENGTH
from ..values import CutOff
from .evidence import (
    Evidence,
    is_text,
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
    is_long = shortest < swapped < LIKELY_LENGTH
    if not is_long and not (MAX_LENGTH_7 < swapped <= shortest and fits_exactly(evidence, swapped)):
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
