"""RFC 6455 §5.4: messages in fragments."""

from __future__ import annotations

from collections.abc import Iterable

from ...protocol.frame import BINARY, CONT, PING, TEXT
from ..case import Case, Drip, Group, Until
from ..frames import HELLO, binary, frame, text
from ..outcomes import OF_A_LIMIT, Fails, Sends
from ..seen import Message
from ..tables import echoes, fails, in_packets

HELLO_TEXT, NEXT_TEXT = text(HELLO), text("the next one")
START = frame(TEXT, b"Hel", fin=False)


def fragments(opcode: int, parts: Iterable[bytes]) -> tuple[bytes, ...]:
    """The frames of one message, with a part of it in each."""
    first, *rest = parts
    if not rest:
        return (frame(opcode, first),)
    *middle, last = rest
    continuations = (frame(CONT, part, fin=False) for part in middle)
    return (frame(opcode, first, fin=False), *continuations, frame(CONT, last))


def joined(name: str, rule: str, *parts: bytes, requirement: str = "6455-5.4-03") -> Case:
    """A text message in these parts, each in a packet of its own."""
    steps = in_packets(*fragments(TEXT, parts))
    return echoes(f"5.4-{name}", rule, requirement, (text(b"".join(parts)),), *steps)


def empty(name: str, *parts: bytes) -> Case:
    rule = "A fragment may be empty: it adds nothing, and it may be the last one."
    return joined(name, rule, *parts, requirement="6455-5.4-04")


def broken(name: str, rule: str, requirement: str, *frames: bytes) -> Case:
    return fails(f"5.4-{name}", rule, requirement, *frames)


def after_a_message(name: str, message: Message, *frames: bytes) -> Case:
    """`frames` are a whole message; then comes a continuation of nothing."""
    return fails(
        f"5.4-continuation-after-{name}",
        "When a message is complete there is nothing to continue.",
        "6455-5.4-03",
        b"".join(frames),
        Until(Sends((message,))),
        frame(CONT, HELLO),
        messages=(message,),
    )


MANY = [b"%03d " % number for number in range(200)]

WHOLE = (
    joined("two-fragments", "A message may come in two frames.", b"Hel", b"lo"),
    joined("three-fragments", "A message may come in many frames.", b"He", b"l", b"lo"),
    joined(
        "fragments-of-one-byte",
        "A fragment may be as short as one byte.",
        *(HELLO[i : i + 1] for i in range(len(HELLO))),
    ),
    joined(
        "fragments-of-several-lengths",
        "Each fragment has a length of its own, in 7 or in 16 bits.",
        *(b"*" * 125, b"*" * 126, b"*" * 300, b"*"),
    ),
    echoes(
        "5.4-200-fragments-in-one-packet",
        "The fragments of a message are put together in the order in which they were sent.",
        "6455-5.4-07",
        (text(b"".join(MANY)),),
        b"".join(fragments(TEXT, MANY)),
        weak=(Fails(OF_A_LIMIT),),
    ),
    echoes(
        "5.4-binary-in-three-fragments",
        "A message is what its first frame says: text or binary.",
        "6455-5.4-17",
        (binary(b"\xff\x00\xfe"),),
        *fragments(BINARY, (b"\xff", b"\x00", b"\xfe")),
    ),
    echoes(
        "5.4-fragments-byte-by-byte",
        "Fragments may arrive in any number of packets.",
        "6455-5.4-03",
        (HELLO_TEXT,),
        Drip(b"".join(fragments(TEXT, (b"Hel", b"lo")))),
    ),
    echoes(
        "5.4-65536-bytes-in-16-fragments",
        "A large message may come in fragments.",
        "6455-5.4-12",
        (text(b"*" * 2**16),),
        *fragments(TEXT, [b"*" * 2**12] * 16),
    ),
    empty("empty-first-fragment", b"", HELLO),
    empty("empty-middle-fragment", b"Hel", b"", b"lo"),
    empty("empty-last-fragment", HELLO, b""),
    empty("empty-fragments-only", b"", b"", b""),
)

IN_A_ROW = (
    echoes(
        "5.4-two-messages-in-fragments",
        "After the last fragment a new message begins.",
        "6455-5.4-03",
        (HELLO_TEXT, NEXT_TEXT),
        *fragments(TEXT, (b"Hel", b"lo")),
        *fragments(TEXT, (b"the ", b"next ", b"one")),
    ),
    echoes(
        "5.4-one-frame-after-fragments",
        "A message in one frame may follow one in fragments.",
        "6455-5.4-12",
        (HELLO_TEXT, NEXT_TEXT),
        *fragments(TEXT, (b"Hel", b"lo")),
        frame(*NEXT_TEXT),
    ),
    echoes(
        "5.4-binary-after-text-in-fragments",
        "The kind of a message does not outlive it.",
        "6455-5.4-17",
        (HELLO_TEXT, binary(b"\xff\xfe")),
        *fragments(TEXT, (b"Hel", b"lo")),
        *fragments(BINARY, (b"\xff", b"\xfe")),
    ),
)

NOTHING = "A continuation without a message that it could continue is an error."
UNFINISHED = "No other message may begin before the last fragment of this one."

ERRORS = (
    broken("continuation-first", NOTHING, "6455-5.4-03", frame(CONT, HELLO)),
    broken(
        "continuation-first-without-fin",
        NOTHING,
        "6455-5.4-03",
        frame(CONT, b"Hel", False),
        frame(CONT, b"lo"),
    ),
    broken("empty-continuation-first", NOTHING, "6455-5.4-03", frame(CONT)),
    broken(
        "continuation-then-a-message",
        NOTHING,
        "6455-5.4-03",
        frame(CONT, b"Hel", False) + frame(TEXT, b"lo"),
    ),
    after_a_message("a-message", HELLO_TEXT, frame(*HELLO_TEXT)),
    after_a_message("fragments", HELLO_TEXT, *fragments(TEXT, (b"Hel", b"lo"))),
    broken("text-in-a-message", UNFINISHED, "6455-5.4-09", START, frame(TEXT, b"lo")),
    broken(
        "text-without-fin-in-a-message",
        UNFINISHED,
        "6455-5.4-09",
        START,
        frame(TEXT, b"l", False),
        frame(CONT, b"o"),
    ),
    broken("binary-in-a-message", UNFINISHED, "6455-5.4-09", START, frame(BINARY, b"lo")),
    broken(
        "text-in-a-binary-message",
        UNFINISHED,
        "6455-5.4-09",
        frame(BINARY, b"Hel", False),
        frame(TEXT, b"lo"),
    ),
    broken(
        "text-in-a-message-after-a-ping",
        "A Ping between fragments does not finish their message.",
        "6455-5.4-10",
        START,
        frame(PING),
        frame(TEXT, b"lo"),
    ),
)

FRAGMENTATION = Group("fragmentation", "Messages in fragments", (*WHOLE, *IN_A_ROW, *ERRORS))
