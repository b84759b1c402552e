"""RFC 7692: permessage-deflate, with a client that offers it."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from ....protocol.close_codes import CloseCode
from ....protocol.deflate.codec import TAIL
from ....protocol.frame import BINARY, CONT, PING, TEXT
from ...case import Case, Group, Need, Step, Until
from ...opening import Opening, with_line
from ...outcomes import Echoes, Fails, Pongs, failed
from ...seen import Message
from ..frames import HELLO, frame, then_close
from ..outcomes import GIVES_UP, REJECTS, Said

EXTENSIONS = "Sec-WebSocket-Extensions"

DEFLATE_ON = "permessage-deflate"

OFFERED = (Need.OFFER, Need.OFFER_VALID)

LONG = Message(TEXT, b"The quick brown fox jumps over the lazy dog. " * 60)
"""Longer than the thresholds below which clients do not compress."""

FAR = Message(BINARY, bytes(range(256)) * 2 + b"\xff" * 700 + bytes(range(256)) * 4)
"""It repeats itself at distances above 512 bytes, the window of 9 bits."""


def compressed(data: bytes) -> bytes:
    """§7.2.1: a payload that any window can inflate, and that refers to no other message."""
    deflater = zlib.compressobj(wbits=-9)
    return (deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


def case(
    name: str,
    rule: str,
    requirement: str,
    steps: tuple[Step, ...],
    *messages: Message,
    wanted: str = DEFLATE_ON,
    needs: Iterable[Need] = (),
) -> Case:
    """A case in which these messages come back, compressed or not."""
    every = frozenset({*OFFERED, Need.ECHO, *needs})
    return Case(
        name,
        rule,
        requirement,
        Echoes(messages),
        (),
        steps,
        opening=Opening(offer=wanted),
        needs=every,
    )


def payload(name: str, rule: str, requirement: str, data: bytes, message: Message = HELLO) -> Case:
    """A case with one message whose compressed payload is given."""
    steps = then_close(frame(message.opcode, data, rsv1=True), messages=1)
    return case(name, rule, requirement, steps, message)


def illegal(name: str, rule: str, requirement: str, codes: tuple[int, ...], *frames: bytes) -> Case:
    """A case with compressed frames for which a client must fail the connection."""
    return Case(
        name,
        rule,
        requirement,
        Fails(codes),
        failed(*codes),
        (b"".join(frames),),
        opening=Opening(offer=DEFLATE_ON),
        needs=frozenset(OFFERED),
    )


def bad_answer(name: str, rule: str, requirement: str, parameters: str) -> Case:
    """A case with an answer about compression that a client must not accept."""
    opening = Opening((with_line(EXTENSIONS, DEFLATE_ON + parameters),))
    needs = frozenset(OFFERED)
    return Case(name, rule, requirement, GIVES_UP, REJECTS, opening=opening, needs=needs)


HELLO_PAYLOAD = bytes.fromhex("f2 48 cd c9 c9 07 00")
"""The example of RFC 7692 §7.2.3.1."""

TWICE = then_close(
    frame(TEXT, HELLO_PAYLOAD, rsv1=True),
    Until(Said(1)),
    frame(TEXT, bytes.fromhex("f2 00 11 00 00"), rsv1=True),
    messages=2,
)
"""§7.2.3.2: the second message refers to the first."""

DEFLATE = Group(
    "deflate",
    "permessage-deflate",
    (
        payload(
            "7692-7.2.3.1-one-block",
            "A compressed message comes back as it is.",
            "7692-6.2-01",
            HELLO_PAYLOAD,
        ),
        case(
            "7692-7.2.3.2-context-takeover",
            "A message may refer to the one before it.",
            "7692-7.2.2-04",
            TWICE,
            HELLO,
            HELLO,
            needs=[Need.CONTEXT],
        ),
        payload(
            "7692-7.2.3.3-block-without-compression",
            "A block may hold its bytes as they are.",
            "7692-7.2.1-05",
            bytes.fromhex("00 05 00 fa ff 48 65 6c 6c 6f 00"),
        ),
        case(
            "7692-7.2.3.4-final-block-then-next",
            "A final block ends a message, not the stream: the next message is inflated, too.",
            "7692-7.2.1-06",
            then_close(
                frame(TEXT, bytes.fromhex("f3 48 cd c9 c9 07 00 00"), rsv1=True),
                Until(Said(1)),
                frame(TEXT, HELLO_PAYLOAD, rsv1=True),
                messages=2,
            ),
            HELLO,
            HELLO,
        ),
        payload(
            "7692-7.2.3.5-two-blocks",
            "A message may have several blocks.",
            "7692-7.2.1-04",
            bytes.fromhex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00"),
        ),
        payload(
            "7692-7.2.3.6-empty-message",
            "An empty message is the byte 00.",
            "7692-7.2.3.6-01",
            b"\0",
            Message(TEXT, b""),
        ),
        case(
            "7692-6-not-compressed",
            "A message without RSV1 is not compressed, although compression was agreed on.",
            "7692-6-04",
            then_close(frame(*HELLO), messages=1),
            HELLO,
        ),
        case(
            "7692-6.1-fragments",
            "A compressed message may be cut into fragments anywhere.",
            "7692-6-03",
            then_close(
                frame(TEXT, HELLO_PAYLOAD[:3], fin=False, rsv1=True),
                frame(CONT, HELLO_PAYLOAD[3:]),
                messages=1,
            ),
            HELLO,
        ),
        Case(
            "7692-6.1-ping-between-fragments",
            "A Ping between compressed fragments is not compressed, and is answered.",
            "7692-6-01",
            Pongs((b"now",), (HELLO,), others=True),
            (),
            then_close(
                frame(TEXT, HELLO_PAYLOAD[:3], fin=False, rsv1=True),
                frame(PING, b"now"),
                Until(Said(pongs=1)),
                frame(CONT, HELLO_PAYLOAD[3:]),
                messages=1,
                pongs=1,
            ),
            opening=Opening(offer=DEFLATE_ON),
            needs=frozenset({*OFFERED, Need.ECHO}),
        ),
        case(
            "7692-6.1-long-message",
            "What the client compresses can be inflated.",
            "7692-6.1-01",
            then_close(frame(TEXT, compressed(LONG.data), rsv1=True), messages=1),
            LONG,
        ),
        case(
            "7692-7.1.1.2-client-no-context-takeover",
            "After client_no_context_takeover no message of the client refers to another.",
            "7692-7.1.1.2-06",
            then_close(
                frame(TEXT, compressed(LONG.data), rsv1=True),
                Until(Said(1)),
                frame(TEXT, compressed(LONG.data), rsv1=True),
                messages=2,
            ),
            LONG,
            LONG,
            wanted=f"{DEFLATE_ON}; client_no_context_takeover",
        ),
        case(
            "7692-7.1.2.2-client-window-of-9-bits",
            "After client_max_window_bits=9 no message of the client looks back further.",
            "7692-7.2.1-15",
            then_close(frame(BINARY, compressed(FAR.data), rsv1=True), messages=1),
            FAR,
            wanted=f"{DEFLATE_ON}; client_max_window_bits=9",
            needs=[Need.CLIENT_WINDOW, Need.BINARY],
        ),
        illegal(
            "7692-6.1-rsv1-in-a-continuation",
            "RSV1 is for the first frame of a message only.",
            "7692-6.1-05",
            (CloseCode.PROTOCOL_ERROR,),
            frame(TEXT, HELLO_PAYLOAD[:3], fin=False, rsv1=True),
            frame(CONT, HELLO_PAYLOAD[3:], rsv1=True),
        ),
        illegal(
            "7692-6.1-rsv1-in-a-ping",
            "A control frame is never compressed.",
            "7692-6.1-05",
            (CloseCode.PROTOCOL_ERROR,),
            frame(PING, HELLO_PAYLOAD, rsv1=True),
        ),
        illegal(
            "7692-7.2.2-not-deflate",
            "A payload that cannot be inflated fails the connection.",
            "7692-7.2.2-02",
            (CloseCode.PROTOCOL_ERROR, CloseCode.INVALID_DATA),
            frame(TEXT, b"\xff" * 8, rsv1=True),
        ),
        illegal(
            "7692-6.1-compressed-text-not-utf8",
            "Text is UTF-8 after it is inflated.",
            "7692-6.1-07",
            (CloseCode.INVALID_DATA,),
            frame(TEXT, compressed(b"Hello \xff"), rsv1=True),
        ),
        bad_answer(
            "7692-7-unknown-parameter",
            "A client must not accept a parameter that RFC 7692 does not have.",
            "7692-7-08",
            "; refws=1",
        ),
        bad_answer(
            "7692-7-bad-value",
            "A client must not accept a window of 16 bits.",
            "7692-7-09",
            "; server_max_window_bits=16",
        ),
        bad_answer(
            "7692-7-value-for-a-flag",
            "server_no_context_takeover has no value.",
            "7692-7-09",
            "; server_no_context_takeover=1",
        ),
        bad_answer(
            "7692-7-parameter-twice",
            "A client must not accept a parameter that is there twice.",
            "7692-7-10",
            "; server_no_context_takeover; server_no_context_takeover",
        ),
        bad_answer(
            "7692-5-accepted-twice",
            "A client must not accept the extension twice.",
            "7692-5-15",
            f", {DEFLATE_ON}",
        ),
    ),
)
