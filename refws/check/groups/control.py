"""RFC 6455 §5.5: Ping, Pong and Close as frames: their size, and their place between others."""

from __future__ import annotations

from dataclasses import dataclass

from ...protocol.frame import CLOSE, CONT, FIN, PING, PONG, TEXT
from ..case import Case, Drip, Group, Level, Step, Until
from ..frames import GOOD_BYE, HELLO, crafted, frame, text
from ..outcomes import Outcome, Pongs, Sends, is_unbroken
from ..seen import Message, Seen
from ..tables import cut, echoes, fails, in_packets, needed
from .fragmentation import fragments

MASKED = 0x80
NORMAL = (1000).to_bytes(2)
HELLO_TEXT = text(HELLO)
HEL, LO = fragments(TEXT, (b"Hel", b"lo"))
FULL = bytes(range(125))
"""As much as a control frame may carry."""


@dataclass(frozen=True, slots=True)
class LatestPong:
    """§5.5.3: the last of several Pings is answered; the others are, or are not."""

    payloads: tuple[bytes, ...]
    messages: tuple[Message, ...] = ()
    waits_for_end: bool = False

    @property
    def words(self) -> str:
        return f"Pong {self.payloads[-1].hex(' ')}, and any Pongs of the Pings before it"

    def is_seen(self, seen: Seen) -> bool:
        pongs = [pong for pong in seen.pongs if pong in self.payloads]
        fits = pongs[-1:] == [self.payloads[-1]]
        return fits and tuple(seen.messages) == self.messages and is_unbroken(seen)


# Pings


def answered(name: str, rule: str, payload: bytes, requirement: str = "6455-5.5.3-01") -> Case:
    steps = (frame(PING, payload), GOOD_BYE)
    return Case(f"5.5.2-{name}", rule, requirement, Pongs((payload,), others=True), steps=steps)


def pings(
    name: str,
    rule: str,
    requirement: str,
    *steps: Step,
    pongs: tuple[bytes, ...],
    messages: tuple[Message, ...] = (),
    others: bool = True,
    level: Level = Level.MUST,
) -> Case:
    """Several frames with Pings among them; if those are several, the latest Pong is enough."""
    weak: tuple[Outcome, ...] = (LatestPong(pongs, messages),) if len(pongs) > 1 else ()
    best, needs = Pongs(pongs, messages, others), needed(messages)
    steps = (*steps, GOOD_BYE)
    return Case(name, rule, requirement, best, weak, steps, needs=needs, level=level)


COUNTED = tuple(b"Ping %d" % number for number in range(10))
SAME = "The Pong has the payload of the Ping, byte for byte."
LARGE_TEXT = text(b"*" * 2**16)

PINGS = (
    answered("ping", "A Ping is answered with a Pong.", HELLO, "6455-5.5.2-02"),
    answered("empty-ping", "A Ping may be empty: so is its Pong.", b""),
    answered("ping-of-one-byte", SAME, b"\x00"),
    answered("ping-of-125-bytes", "A Ping may have 125 bytes, and so has its Pong.", FULL),
    answered("ping-that-is-no-text", "A Ping may be any bytes: it is not text.", b"\xff\x00\xc3\n"),
    pings(
        "5.5.2-ping-byte-by-byte",
        "A Ping may arrive in any number of packets.",
        "6455-5.5.2-02",
        Drip(frame(PING, HELLO)),
        pongs=(HELLO,),
    ),
    pings(
        "5.5.2-ping-in-two-packets",
        "A Ping may arrive in any number of packets.",
        "6455-5.5.2-02",
        *in_packets(*cut(frame(PING, FULL), 50)),
        pongs=(FULL,),
    ),
    pings(
        "5.5.2-ten-pings",
        "Each Ping is answered, in order; the latest one must be.",
        "6455-5.5.3-02",
        *(frame(PING, payload) for payload in COUNTED),
        pongs=COUNTED,
    ),
    pings(
        "5.5.2-ten-pings-in-one-packet",
        "Each Ping is answered, in order; the latest one must be.",
        "6455-5.5.3-02",
        b"".join(frame(PING, payload) for payload in COUNTED),
        pongs=COUNTED,
    ),
    pings(
        "5.5.2-ping-after-a-message",
        "A Ping after a message is answered, and the message comes back.",
        "6455-5.5.2-02",
        frame(*HELLO_TEXT) + frame(PING, b"1"),
        pongs=(b"1",),
        messages=(HELLO_TEXT,),
    ),
    pings(
        "5.5.2-ping-while-a-large-message-returns",
        "A Pong goes between two frames, never into one: a large message comes back whole.",
        "6455-5.5.2-02",
        frame(*LARGE_TEXT) + frame(PING, b"1"),
        pongs=(b"1",),
        messages=(LARGE_TEXT,),
    ),
)


# Between fragments

BETWEEN = "A control frame may come between the fragments of a message, and leaves it untouched."

AMONG_FRAGMENTS = (
    pings(
        "5.4-ping-between-fragments",
        BETWEEN,
        "6455-5.4-10",
        HEL,
        frame(PING, b"1"),
        LO,
        pongs=(b"1",),
        messages=(HELLO_TEXT,),
    ),
    pings(
        "5.4-pings-between-all-fragments",
        BETWEEN,
        "6455-5.4-10",
        frame(TEXT, b"H", fin=False) + frame(PING, b"1"),
        frame(CONT, b"ell", fin=False) + frame(PING, b"2"),
        frame(CONT, b"o"),
        pongs=(b"1", b"2"),
        messages=(HELLO_TEXT,),
    ),
    pings(
        "5.4-ping-between-fragments-byte-by-byte",
        BETWEEN,
        "6455-5.4-10",
        Drip(HEL + frame(PING, b"1") + LO),
        pongs=(b"1",),
        messages=(HELLO_TEXT,),
    ),
    pings(
        "5.4-ping-in-the-middle-of-a-character",
        "A Ping may come where a character is cut by two fragments.",
        "6455-5.4-10",
        frame(TEXT, b"\xe2\x82", fin=False),
        frame(PING, b"\xff"),
        frame(CONT, b"\xac"),
        pongs=(b"\xff",),
        messages=(text("€"),),
    ),
    echoes(
        "5.4-pong-between-fragments", BETWEEN, "6455-5.4-10", [HELLO_TEXT], HEL, frame(PONG), LO
    ),
    Case(
        "5.5.2-pong-before-the-message-ends",
        "A Pong is sent as soon as practical: it does not wait for the end of a message.",
        "6455-5.5.2-03",
        Sends(pongs=(b"1",)),
        (Sends(),),
        in_packets(HEL, frame(PING, b"1")),
        level=Level.SHOULD,
    ),
)


# Pongs


def ignored(name: str, rule: str, *frames: bytes) -> Case:
    """Nothing comes back for these frames, and the connection goes on."""
    return pings(
        f"5.5.3-{name}",
        rule,
        "6455-5.5.3-04",
        *frames,
        frame(PING, b"still here?"),
        pongs=(b"still here?",),
        others=False,
    )


UNASKED = "A Pong that no one has asked for is no error, and is not answered."

PONGS = (
    ignored("empty-pong", UNASKED, frame(PONG)),
    ignored("pong-of-125-bytes", UNASKED, frame(PONG, FULL)),
    ignored("pong-that-is-no-text", UNASKED, frame(PONG, b"\xff\xc3")),
    ignored("ten-pongs", UNASKED, *(frame(PONG, payload) for payload in COUNTED)),
)


# What a control frame must not be


def refused(name: str, rule: str, requirement: str, *frames: bytes) -> Case:
    return fails(f"5.5-{name}", rule, requirement, *frames)


def too_long(name: str, opcode: int, payload: bytes) -> Case:
    rule = "A control frame has at most 125 bytes of payload."
    return refused(name, rule, "6455-5.5-02", frame(opcode, payload))


WHOLE = "A control frame is never in fragments: its FIN bit is 1."

ILLEGAL = (
    too_long("ping-of-126-bytes", PING, b"*" * 126),
    too_long("ping-of-127-bytes", PING, b"*" * 127),
    too_long("ping-of-65536-bytes", PING, b"*" * 2**16),
    too_long("pong-of-126-bytes", PONG, b"*" * 126),
    too_long("close-of-126-bytes", CLOSE, NORMAL + b"*" * 124),
    fails(
        "5.5-ping-is-too-long-by-its-header",
        "The best servers refuse a long control frame without waiting for its payload.",
        "6455-5.5-02",
        crafted(bytes((FIN | PING, MASKED | 127)) + (2**16).to_bytes(8)),
        weak=(Sends(),),
        level=Level.CHOICE,
    ),
    refused("ping-without-fin", WHOLE, "6455-5.5-03", frame(PING, HELLO, fin=False)),
    refused("empty-ping-without-fin", WHOLE, "6455-5.5-03", frame(PING, fin=False)),
    refused(
        "ping-in-two-fragments",
        WHOLE,
        "6455-5.5-03",
        frame(PING, b"Hel", fin=False),
        frame(CONT, b"lo"),
    ),
    refused("pong-without-fin", WHOLE, "6455-5.5-03", frame(PONG, HELLO, fin=False)),
    refused("close-without-fin", WHOLE, "6455-5.5-03", frame(CLOSE, NORMAL, False)),
    refused(
        "ping-without-fin-between-fragments",
        WHOLE,
        "6455-5.5-03",
        HEL,
        frame(PING, b"1", False),
        LO,
    ),
    fails(
        "5.5-ping-of-126-bytes-after-a-message",
        "A message before the error is still answered.",
        "6455-5.5-02",
        frame(*HELLO_TEXT),
        Until(Sends((HELLO_TEXT,))),
        frame(PING, b"*" * 126),
        messages=(HELLO_TEXT,),
    ),
)

CONTROL = Group("control", "Control frames", (*PINGS, *AMONG_FRAGMENTS, *PONGS, *ILLEGAL))
