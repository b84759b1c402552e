"""RFC 6455 §8.1, §5.6: text is UTF-8, and where a server notices that it is not."""

from __future__ import annotations

from ...protocol.close_codes import CloseCode
from ...protocol.frame import CONT, TEXT
from ..case import Case, Group, Level
from ..frames import HELLO, binary, crafted, frame, text
from ..outcomes import Fails, Sends, failed
from ..tables import echoes, fails, in_packets
from .fragmentation import fragments

INVALID = int(CloseCode.INVALID_DATA)

EMOJI = "\U0001f600".encode()
"""A character of 4 bytes, f0 9f 98 80, for cuts in its middle."""

GREEK = "κόσμε".encode()
"""The word of the well-known UTF-8 stress test: 2 or 3 bytes for each character."""


# Text that must come back


def valid(name: str, what: str, characters: str) -> Case:
    rule = f"Text may have {what}; it comes back byte for byte."
    return echoes(f"5.6-{name}", rule, "6455-5.6-03", (text(characters),))


def split(name: str, rule: str, data: bytes, *parts: bytes) -> Case:
    steps = in_packets(*fragments(TEXT, parts))
    return echoes(f"5.6-{name}", rule, "6455-5.6-02", (text(data),), *steps)


CUT = "A fragment may end in the middle of a character: only the whole message is text."

VALID = (
    valid("ascii", "characters of one byte", "Hello"),
    valid("two-bytes", "characters of two bytes", "äöü ß ñ ж"),
    valid("three-bytes", "characters of three bytes", "€ 水 ‰"),
    valid("four-bytes", "characters of four bytes", "\U0001f600\U00010348"),
    valid("nul", "the character U+0000: it ends no string", "a\0b\0"),
    valid("controls", "control characters and line ends", "\r\n\t\x1b\x7f\x85"),
    valid(
        "boundaries-of-lengths", "the first and last of each length", "\x7f\x80\u07ff\u0800\uffff"
    ),
    valid("boundaries-of-four-bytes", "U+10000 and U+10FFFF", "\U00010000\U0010ffff"),
    valid("next-to-the-surrogates", "U+D7FF and U+E000", "\ud7ff\ue000"),
    valid("noncharacters", "noncharacters: UTF-8 has them", "\ufffe\uffff\ufdd0\U0001fffe"),
    valid("byte-order-mark", "a byte order mark: it is part of it", "\ufeffHello\ufeff"),
    valid("replacement-character", "U+FFFD itself", "\ufffd"),
    valid("not-normalized", "one letter in two ways: none is changed", "\u00e9e\u0301"),
    split("cut-in-two-bytes", CUT, "ä".encode(), b"\xc3", b"\xa4"),
    split("cut-in-four-bytes", CUT, EMOJI, EMOJI[:1], EMOJI[1:3], EMOJI[3:]),
    split("cut-by-an-empty-fragment", CUT, EMOJI, EMOJI[:2], b"", EMOJI[2:]),
    split("cut-after-each-byte", CUT, GREEK, *(GREEK[i : i + 1] for i in range(len(GREEK)))),
    echoes(
        "5.6-binary-that-is-no-utf-8",
        "A binary message is any bytes: nothing is checked.",
        "6455-5.6-04",
        (binary(bytes(range(256))),),
    ),
    echoes(
        "5.6-binary-in-fragments-that-is-no-utf-8",
        "A binary message is any bytes, in its continuations too.",
        "6455-5.6-04",
        (binary(b"\xc3\xff\xed\xa0\x80"),),
        *fragments(2, (b"\xc3", b"\xff\xed\xa0", b"\x80")),
    ),
)


# Text that is none


def invalid(name: str, rule: str, data: bytes) -> Case:
    return fails(f"8.1-{name}", rule, "6455-8.1-01", frame(TEXT, data), code=INVALID)


def in_fragments(name: str, rule: str, *parts: bytes) -> Case:
    """Sent at once, so that a server may notice it at the end, or sooner."""
    data = b"".join(fragments(TEXT, parts))
    return fails(f"8.1-{name}", rule, "6455-8.1-01", data, code=INVALID)


LONGER = "A character must be in the shortest form: a longer one is no UTF-8."
SURROGATE = "Surrogates, U+D800 to U+DFFF, are for UTF-16 only: UTF-8 has none."
ABOVE = "Unicode ends at U+10FFFF: a higher number is no UTF-8."
LONE = "A byte that continues a character needs one that starts it."
MISSING = "A character must have all its bytes."
NEVER = "The bytes c0, c1 and f5 to ff are in no UTF-8."

INVALID_TEXT = (
    invalid("overlong-slash", LONGER, b"\xc0\xaf"),
    invalid("overlong-nul", LONGER, b"\xc0\x80"),
    invalid("overlong-7f", LONGER, b"\xc1\xbf"),
    invalid("overlong-in-three-bytes", LONGER, b"\xe0\x9f\xbf"),
    invalid("overlong-in-four-bytes", LONGER, b"\xf0\x8f\xbf\xbf"),
    invalid("first-surrogate", SURROGATE, b"\xed\xa0\x80"),
    invalid("last-surrogate", SURROGATE, b"\xed\xbf\xbf"),
    invalid("pair-of-surrogates", SURROGATE, b"\xed\xa0\xbd\xed\xb8\x80"),
    invalid("above-10ffff", ABOVE, b"\xf4\x90\x80\x80"),
    invalid("far-above-10ffff", ABOVE, b"\xf7\xbf\xbf\xbf"),
    invalid("five-bytes", ABOVE, b"\xf8\x88\x80\x80\x80"),
    invalid("six-bytes", ABOVE, b"\xfc\x84\x80\x80\x80\x80"),
    invalid("byte-fe", NEVER, b"\xfe"),
    invalid("byte-ff", NEVER, b"Hello \xff world"),
    invalid("lone-continuation-80", LONE, b"\x80"),
    invalid("lone-continuation-bf", LONE, b"Hello\xbf"),
    invalid("one-continuation-too-many", LONE, "€".encode() + b"\x80"),
    invalid("latin-1", "Text in Latin-1 is no UTF-8.", "Grüße".encode("latin-1")),
    invalid("second-byte-missing", MISSING, b"\xc3("),
    invalid("third-byte-missing", MISSING, b"\xe2\x82("),
    invalid("start-after-start", MISSING, b"\xc3\xc3\xa4"),
    invalid("cut-at-the-end-of-two", MISSING, b"Hello\xc3"),
    invalid("cut-at-the-end-of-three", MISSING, b"Hello\xe2\x82"),
    invalid("cut-at-the-end-of-four", MISSING, b"Hello\xf0\x9f\x98"),
    invalid(
        "after-long-valid-text", "All of a text is checked, its end too.", b"*" * 4000 + b"\xff"
    ),
    in_fragments("in-the-first-fragment", "Each fragment is checked.", b"\xff", HELLO),
    in_fragments("in-the-middle-fragment", "Each fragment is checked.", HELLO, b"\xff", HELLO),
    in_fragments("in-the-last-fragment", "Each fragment is checked.", HELLO, b"\xff"),
    in_fragments(
        "over-the-border-of-fragments",
        "Bytes that are no character are none in two fragments either.",
        *(b"\xed", b"\xa0\x80"),
    ),
    in_fragments("cut-at-the-end-of-the-last-fragment", MISSING, HELLO, EMOJI[:3]),
    in_fragments("cut-before-an-empty-last-fragment", MISSING, EMOJI[:2], b""),
    in_fragments("not-continued-in-the-next-fragment", MISSING, EMOJI[:2], HELLO),
)


# Where it is noticed. §8.1 does not say when; a server that waits is right, but reads in vain.


def early(name: str, rule: str, *parts: bytes) -> Case:
    """The rest of the message is never sent."""
    best, weak = Fails((INVALID,)), (Sends(), *failed(INVALID))
    steps = in_packets(*parts)
    return Case(f"8.1-{name}", rule, "6455-8.1-01", best, weak, steps, level=Level.CHOICE)


SOON = "The best servers notice text that is no UTF-8 {}."

FAIL_FAST = (
    early(
        "noticed-before-the-last-fragment",
        SOON.format("before the message ends"),
        frame(TEXT, b"Hello \xff", fin=False),
    ),
    early(
        "noticed-at-the-border-of-fragments",
        SOON.format("when its bytes can no longer become a character"),
        frame(TEXT, b"\xed", fin=False),
        frame(CONT, b"\xa0", fin=False),
    ),
    early(
        "noticed-before-the-frame-ends",
        SOON.format("before its frame has arrived in full"),
        crafted(b"\x81\x94", b"Hello \xff"),
    ),
    early(
        "noticed-at-the-first-byte-that-cannot-be",
        SOON.format("at the first byte that cannot be"),
        crafted(b"\x81\x94", b"\xf4\x90"),
    ),
)

UTF_8 = Group("utf8", "Text is UTF-8", (*VALID, *INVALID_TEXT, *FAIL_FAST))
