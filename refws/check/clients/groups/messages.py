"""RFC 6455 §5.4, §8.1: messages in fragments, and text that is UTF-8 or not."""

from __future__ import annotations

from ....protocol.close_codes import CloseCode
from ....protocol.frame import BINARY, CONT, PING, TEXT
from ...case import Case, Drip, Group, Need, Until
from ...outcomes import Fails, Pongs, failed
from ...seen import Message
from ..frames import GOOD_BYE, HELLO, frame, then_close
from ..outcomes import Accepts, Said
from .frames import echoed, illegal

INVALID_TEXT = failed(CloseCode.INVALID_DATA)

GREETING = Message(TEXT, "Grüße, κόσμε, 世界, 🙂".encode())

BYTES = Message(BINARY, b"\x00\xff\xc3\x28\x80\x01\xfe\xc0\x7f\xed\xa0\x00")


def fragments(message: Message, *sizes: int) -> bytes:
    """The message in fragments of these sizes, and the rest of it in the last one."""
    frames, opcode, rest = b"", message.opcode, message.data
    for size in sizes:
        frames += frame(opcode, rest[:size], fin=False)
        opcode, rest = CONT, rest[size:]
    return frames + frame(opcode, rest)


def in_fragments(name: str, rule: str, requirement: str, message: Message, *sizes: int) -> Case:
    """A case in which a message in fragments comes back."""
    steps = then_close(fragments(message, *sizes), messages=1)
    needs = [Need.BINARY] if message.opcode == BINARY else []
    return echoed(name, rule, requirement, message, needs=needs, steps=steps)


def not_utf8(name: str, rule: str, *frames: bytes) -> Case:
    """A case with text for which a client must fail the connection, best with 1007."""
    data = b"".join(frames)
    best = Fails((CloseCode.INVALID_DATA,))
    return Case(name, rule, "6455-8.1-01", best, INVALID_TEXT, (data,))


FRAGMENTATION = Group(
    "fragmentation",
    "Messages in fragments",
    (
        in_fragments(
            "5.4-two-fragments", "A message in two fragments is one.", "6455-5.4-03", HELLO, 2
        ),
        in_fragments(
            "5.4-binary-in-three-fragments",
            "The type of a message is the one of its first fragment.",
            "6455-5.4-17",
            BYTES,
            4,
            4,
        ),
        in_fragments(
            "5.4-empty-fragments", "Fragments may be empty.", "6455-5.4-04", HELLO, 0, 5, 0
        ),
        in_fragments(
            "5.4-fragments-of-one-byte",
            "Fragments may be as short as one byte, also inside of a character of UTF-8.",
            "6455-5.6-02",
            GREETING,
            *(1 for _ in GREETING.data),
        ),
        Case(
            "5.4-ping-between-fragments",
            "A Ping between two fragments is answered, and the message is not disturbed.",
            "6455-5.4-10",
            Pongs((b"now",), (HELLO,), others=True),
            (),
            then_close(
                frame(TEXT, b"Hel", fin=False),
                frame(PING, b"now"),
                Until(Said(pongs=1)),
                frame(CONT, b"lo"),
                messages=1,
                pongs=1,
            ),
            needs=frozenset({Need.ECHO}),
        ),
        Case(
            "5.4-close-between-fragments",
            "A Close is answered even if a message has not ended.",
            "6455-5.5.1-08",
            Accepts(),
            (Fails(),),
            (frame(TEXT, b"Hel", fin=False) + GOOD_BYE,),
        ),
        illegal(
            "5.4-continuation-without-a-start",
            "A continuation frame needs a message that has begun.",
            "6455-5.4-03",
            frame(CONT, b"lo"),
        ),
        illegal(
            "5.4-message-inside-another",
            "A new message must not begin before the last one has ended.",
            "6455-5.4-09",
            frame(TEXT, b"Hel", fin=False) + frame(TEXT, b"lo"),
        ),
        illegal(
            "5.5-ping-in-fragments",
            "A control frame must not be fragmented.",
            "6455-5.5-03",
            frame(PING, b"now", fin=False),
        ),
    ),
)

UTF_8 = Group(
    "utf8",
    "Text is UTF-8",
    (
        echoed(
            "5.6-characters-of-all-lengths",
            "Characters of one to four bytes come back as they are.",
            "6455-5.6-03",
            GREETING,
        ),
        echoed(
            "5.6-unusual-characters",
            "U+0000, U+FEFF, U+FFFF and U+10FFFF are characters like others.",
            "6455-5.6-03",
            Message(TEXT, "\0\ufeff\uffff\U0010ffff".encode()),
        ),
        echoed(
            "5.6-character-byte-by-byte",
            "A character whose bytes arrive one by one is whole in the end.",
            "6455-6.2-01",
            GREETING,
            steps=then_close(Drip(frame(*GREETING), 0.001), messages=1),
        ),
        echoed(
            "5.6-binary-is-not-text",
            "A binary message may hold bytes that are not UTF-8.",
            "6455-5.6-04",
            BYTES,
            needs=[Need.BINARY],
        ),
        not_utf8(
            "8.1-byte-ff", "The byte FF is in no UTF-8 text.", frame(TEXT, b"Hello \xff world")
        ),
        not_utf8(
            "8.1-overlong",
            "C0 AF is / in an overlong form, which is invalid.",
            frame(TEXT, b"Hello \xc0\xaf"),
        ),
        not_utf8(
            "8.1-surrogate",
            "ED A0 80 is half of a surrogate pair, which is invalid.",
            frame(TEXT, b"Hello \xed\xa0\x80"),
        ),
        not_utf8(
            "8.1-above-10ffff",
            "F4 90 80 80 is above the last character of Unicode.",
            frame(TEXT, b"Hello \xf4\x90\x80\x80"),
        ),
        not_utf8(
            "8.1-character-cut-off",
            "A text must not end inside of a character.",
            frame(TEXT, b"Hello \xe2\x82"),
        ),
        not_utf8(
            "8.1-in-the-last-fragment",
            "A text in fragments is checked as well.",
            frame(TEXT, b"Hello ", fin=False),
            frame(CONT, b"\xff"),
        ),
        not_utf8(
            "8.1-cut-off-in-the-last-fragment",
            "A character that begins in one fragment must be completed by the next.",
            frame(TEXT, b"Hello \xe2", fin=False),
            frame(CONT, b"\x82"),
        ),
    ),
)
