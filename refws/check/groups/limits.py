"""RFC 6455 §10.4: limits, and what takes time.

What a server takes is its choice. What it refuses, it should refuse in words: 1009 (§7.4.1).
"""

from __future__ import annotations

import zlib

from ...protocol.deflate.codec import TAIL
from ...protocol.frame import CONT, PING, TEXT
from ..case import Case, Drip, Elsewhere, Group, Level, Need, Pause, Step, Until
from ..frames import GOOD_BYE, HELLO, crafted, frame, text
from ..opening import VALID, Opening
from ..outcomes import (
    OF_A_LIMIT,
    AnyOf,
    Anything,
    Echoes,
    EndsBefore101,
    Fails,
    GivesUp,
    LastPong,
    Opens,
    Outcome,
    Pings,
    Pongs,
    Refuses,
    Sends,
    ServesOne,
    failed,
)
from ..seen import Message
from ..survey import OFFER
from .deflate_payloads import COMPRESSION

MIB = 2**20

ECHO = frozenset({Need.ECHO})

ECHO_OF_HELLO: tuple[Step, ...] = (frame(*text(HELLO)), GOOD_BYE)
ANOTHER = Elsewhere(ECHO_OF_HELLO, Echoes((text(HELLO),)))
"""Another connection is served meanwhile."""

# Size


def in_fragments(fragment: bytes, count: int) -> bytes:
    """A text message that is this fragment again and again."""
    middle = frame(CONT, fragment, fin=False) * (count - 2)
    return frame(TEXT, fragment, fin=False) + middle + frame(CONT, fragment)


def large(
    name: str,
    rule: str,
    message: Message,
    data: bytes,
    codes: tuple[int, ...] = (1009,),
    opening: Opening = VALID,
    needs: frozenset[Need] = ECHO,
) -> Case:
    """A message that a server may take, or refuse with one of these codes; or it takes long."""
    return Case(
        name,
        rule,
        "6455-10.4-02",
        AnyOf((Echoes((message,)), Fails(codes))),
        (*failed(*codes), Sends()),
        steps=(data, Until(Sends((message,))), GOOD_BYE),
        opening=opening,
        needs=needs,
        level=Level.CHOICE,
    )


def announced(length: int, payload: bytes = HELLO) -> bytes:
    """The header of a text frame of this many bytes, and the first ones of its payload."""
    return crafted(b"\x81\xff" + length.to_bytes(8), payload)


def too_large(name: str, rule: str, data: bytes) -> Case:
    """More than fits any memory: a server that waits for it must at least not take room for it."""
    return Case(name, rule, "6455-10.4-01", Fails((1009,)), (*failed(1009), Sends()), steps=(data,))


def bomb(mib: int) -> bytes:
    """A payload that inflates to this many MiB of zeros: the same blocks for each of them."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -9)
    blocks = deflater.compress(bytes(MIB)) + deflater.flush(zlib.Z_FULL_FLUSH)
    return (blocks * mib).removesuffix(TAIL)


SIZE = (
    large(
        "10.4-message-of-1-mib",
        "A message of 1 MiB in one frame comes back, or is refused with 1009.",
        text(b"*" * MIB),
        frame(TEXT, b"*" * MIB),
    ),
    large(
        "10.4-message-of-4-mib",
        "A message of 4 MiB in one frame comes back, or is refused with 1009.",
        text(b"*" * 4 * MIB),
        frame(TEXT, b"*" * 4 * MIB),
    ),
    large(
        "10.4-message-of-1-mib-in-fragments",
        "A limit holds for the whole message: 1 MiB in fragments of 1 KiB.",
        text(b"*" * MIB),
        in_fragments(b"*" * 1024, 1024),
        (1009, 1008),
    ),
    large(
        "10.4-10000-fragments-of-one-byte",
        "A long series of small fragments comes back as one message, or is refused.",
        text(b"*" * 10_000),
        in_fragments(b"*", 10_000),
        (1009, 1008),
    ),
    large(
        "10.4-10000-empty-fragments",
        "A series of empty fragments comes back as an empty message, or is refused.",
        text(b""),
        in_fragments(b"", 10_000),
        (1009, 1008),
    ),
    large(
        "10.4-compressed-message-that-inflates-to-16-mib",
        "A limit holds after inflating: 16 KiB of payload that become 16 MiB.",
        text(bytes(16 * MIB)),
        frame(TEXT, bomb(16), rsv1=True),
        opening=Opening(offer=OFFER),
        needs=ECHO | COMPRESSION,
    ),
    too_large(
        "10.4-frame-of-2-to-the-62-bytes",
        "A server must protect itself against a frame that announces 2**62 bytes.",
        announced(2**62),
    ),
    too_large(
        "10.4-frame-of-2-to-the-63-less-1-bytes",
        "The largest length stays positive, also with the length of a header added to it.",
        announced(2**63 - 1),
    ),
    too_large(
        "10.4-frame-of-4-gib-and-5-bytes",
        "A length has 64 bits: cut to 32, this one would be 5.",
        announced(2**32 + len(HELLO)),
    ),
    too_large(
        "10.4-fragment-of-2-to-the-62-bytes",
        "A server must protect itself against a fragment that announces 2**62 bytes, too.",
        frame(TEXT, HELLO, fin=False) + crafted(b"\x80\xff" + (2**62).to_bytes(8), HELLO),
    ),
)

# Number

NUMBERS = [b"%d" % number for number in range(1000)]

LATE = frame(TEXT, b"*" * 1024)

NUMBER = (
    Case(
        "6.2-1000-messages-at-once",
        "Each of 1,000 messages that arrive together is a message, in the order of sending.",
        "6455-6.2-07",
        Echoes(tuple(map(text, NUMBERS))),
        steps=(b"".join(frame(TEXT, number) for number in NUMBERS), GOOD_BYE),
        needs=ECHO,
    ),
    Case(
        "5.5.3-1000-pings-at-once",
        "Each Ping gets a Pong; a server that is late may answer the last one only, or give up.",
        "6455-5.5.3-02",
        Pongs(tuple(NUMBERS), others=True),
        (LastPong(tuple(NUMBERS)), GivesUp()),
        steps=(b"".join(frame(PING, number) for number in NUMBERS), GOOD_BYE),
        level=Level.SHOULD,
    ),
    Case(
        "5.4-a-ping-before-each-of-50-fragments",
        "Control frames may be between any two fragments, however many.",
        "6455-5.4-05",
        Pongs(tuple(NUMBERS[:50]), (text(b"".join(NUMBERS[:50])),), others=True),
        (LastPong(tuple(NUMBERS[:50]), (text(b"".join(NUMBERS[:50])),)), Fails(OF_A_LIMIT)),
        steps=(
            frame(TEXT, b"", fin=False),
            *(frame(PING, number) + frame(CONT, number, fin=False) for number in NUMBERS[:50]),
            frame(CONT, b""),
            GOOD_BYE,
        ),
        needs=ECHO,
    ),
    Case(
        "6.2-frames-byte-by-byte",
        "Frames may arrive in pieces of any size.",
        "6455-6.2-01",
        Pongs((b"ping",), (text(HELLO), text(HELLO)), others=True),
        steps=(
            Drip(
                frame(*text(HELLO))
                + frame(TEXT, HELLO[:2], fin=False)
                + frame(PING, b"ping")
                + frame(CONT, HELLO[2:])
            ),
            GOOD_BYE,
        ),
        needs=ECHO,
    ),
    Case(
        "6.2-payload-long-after-its-header",
        "A payload may arrive long after its header.",
        "6455-6.2-01",
        Echoes((text(b"*" * 1024),)),
        steps=(LATE[:8], Pause(0.2), LATE[8:], GOOD_BYE),
        needs=ECHO,
    ),
)

# Other connections


def nested(count: int) -> tuple[Step, ...]:
    """Connections that are opened one inside the other, so that all are open at once."""
    inner = nested(count - 1) if count > 1 else ()
    return (Elsewhere((*inner, *ECHO_OF_HELLO), Echoes((text(HELLO),))),)


def beside(name: str, rule: str, *steps: Step, lasts: bool = False, slow: bool = False) -> Case:
    """Steps elsewhere; the connection of the case, which is open meanwhile, echoes as ever.

    If that lasts, a server may end a connection that is idle for so long.
    """
    weak: tuple[Outcome, ...] = (ServesOne(), GivesUp()) if lasts or slow else (ServesOne(),)
    return Case(
        name,
        rule,
        "",
        Echoes((text(HELLO),)),
        weak,
        steps=(*steps, *ECHO_OF_HELLO),
        needs=ECHO,
        level=Level.CHOICE,
        slow=slow,
    )


def dropped(where: str, data: bytes) -> Case:
    """A client that is gone in the middle of something, and the next one."""
    return Case(
        f"7.1.4-client-gone-{where}",
        "A client may be gone at any byte: for the server this connection is over, and no other.",
        "6455-7.1.4-01",
        Echoes((text(HELLO),)),
        steps=ECHO_OF_HELLO,
        before=(data,),
        needs=ECHO,
    )


FRAME = frame(TEXT, b"*" * 300)  # a header of 4 bytes, a key of 4, then the payload

FLOOD = frame(TEXT, b"*" * 65_536) * 128
"""8 MiB of messages: more than the buffers of most systems hold, there and back."""

OTHERS = (
    Case(
        "4.2-two-connections-at-once",
        "A message on one connection does not disturb the fragments on another.",
        "",
        Echoes((text(HELLO),)),
        (ServesOne(),),
        steps=(frame(TEXT, HELLO[:2], fin=False), ANOTHER, frame(CONT, HELLO[2:]), GOOD_BYE),
        needs=ECHO,
        level=Level.CHOICE,
    ),
    beside(
        "4.2-six-connections-at-once",
        "A server serves several connections at once, and each of them to its end.",
        *nested(5),
    ),
    beside(
        "4.2-forty-connections-one-after-another",
        "A connection that has ended leaves nothing that keeps the next one from opening.",
        *[ANOTHER] * 40,
        lasts=True,
    ),
    beside(
        "10.4-client-that-does-not-read",
        "A client that sends and never reads keeps no other connection waiting.",
        Elsewhere((FLOOD, ANOTHER), Anything()),
        ANOTHER,
        slow=True,
    ),
    dropped("after-the-handshake", b""),
    dropped("in-a-header", FRAME[:1]),
    dropped("in-a-length", FRAME[:3]),
    dropped("in-a-masking-key", FRAME[:6]),
    dropped("in-a-payload", FRAME[:100]),
    dropped("between-fragments", frame(TEXT, HELLO, fin=False)),
    dropped("in-a-ping-between-fragments", frame(TEXT, HELLO, fin=False) + frame(PING, HELLO)[:8]),
    dropped("after-a-message", frame(*text(HELLO))),
)

# Time


def first_byte(head: bytes) -> bytes:
    return head[:1]


GIVES_UP_IN_THE_HANDSHAKE = AnyOf((Refuses(), EndsBefore101()))

ANYTHING: tuple[Outcome, ...] = (Anything(),)

TIME = (
    Case(
        "4.2.1-silence-in-the-handshake",
        "A server gives up a client that sends one byte of its request, and then nothing for 15 s.",
        "6455-10.4-01",
        GIVES_UP_IN_THE_HANDSHAKE,
        ANYTHING,
        opening=Opening((first_byte,), drip=15),
        level=Level.CHOICE,
        slow=True,
    ),
    Case(
        "4.2.1-handshake-that-drips",
        "A server limits the time of the whole request: 10 bytes in a second are too slow.",
        "6455-10.4-01",
        GIVES_UP_IN_THE_HANDSHAKE,
        (Opens(),),
        opening=Opening(drip=0.1),
        level=Level.CHOICE,
        slow=True,
    ),
    Case(
        "5.5.2-ping-to-a-silent-client",
        "A server sends a Ping to a client that is silent for 25 s, to know that it is there.",
        "6455-5.5.2-04",
        Pings(),
        ANYTHING,
        steps=(Until(Pings(), 25),),
        level=Level.CHOICE,
        slow=True,
    ),
    Case(
        "5.5.2-client-without-pongs",
        "A server gives up a client that answers no Ping for 50 s.",
        "6455-5.5.2-04",
        GivesUp(),
        ANYTHING,
        steps=(Pause(50),),
        level=Level.CHOICE,
        slow=True,
    ),
    Case(
        "10.4-client-that-does-not-read-for-25-s",
        "A server gives up a client that has not read its messages for 25 s.",
        "6455-10.4-01",
        GivesUp(),
        ANYTHING,
        steps=(FLOOD, Elsewhere((Pause(25), *ECHO_OF_HELLO), Echoes((text(HELLO),)))),
        needs=ECHO,
        level=Level.CHOICE,
        slow=True,
    ),
)

LIMITS = Group("limits", "Limits and time", (*SIZE, *NUMBER, *OTHERS, *TIME))
