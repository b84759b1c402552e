"""RFC 6455 §5: an echo of a client that is not what was sent -> what to do.

A case in which messages or Pongs come back is legal from our side, so what is wrong with them says
more than the case does.
"""

from __future__ import annotations

from collections import Counter

from ...protocol.frame import BINARY, TEXT
from ...protocol.masking import KEY_LENGTH
from ..mistakes.clues import Clues, Recogniser, when
from ..mistakes.deflate import inflates_wrongly
from ..mistakes.messages import (
    AS_MESSAGES,
    KEEP_FRAGMENTS,
    ON_BYTES,
    ON_CUT_TEXT,
    ON_TEXT,
    adds_what_was_left,
    is_other_kind,
    loses_fragments,
)
from ..outcomes import Echoes, Pongs


def echo_mistake(clues: Clues, recognisers: tuple[Recogniser, ...]) -> str:
    """On the messages and the Pongs that came back; "" if they are right, or none were asked."""
    if not isinstance(clues.result.case.best, Echoes | Pongs):
        return ""
    return next(filter(None, (recognise(clues) for recognise in recognisers)), "")


def has_other_opcode(clues: Clues) -> bool:
    """Whether a binary message came back as text, also if it is none."""
    binary = [message.data for message in clues.messages if message.opcode == BINARY]
    frame = clues.illegal
    if frame is None or frame.header.opcode != TEXT:
        return is_other_kind(clues)
    return any(frame.repeats(data, len(data)) for data in binary)


def masks_wrongly(clues: Clues) -> str:
    """On a payload that fits the message only with another key than the one in its header."""
    for frame, message in clues.frames_and_messages():
        wire, key = frame.payload_start, frame.masking_key
        stream = bytes(a ^ b for a, b in zip(wire, message.data, strict=False))
        whole = frame.header.payload_length == len(message.data) and not frame.compressed
        repeats = len(stream) > KEY_LENGTH and stream[KEY_LENGTH:] == stream[:-KEY_LENGTH]
        if not (whole and repeats and key) or stream[:KEY_LENGTH] == key:
            continue
        if not any(stream):
            return "the MASK bit is 1, but the payload is not masked: XOR it with the key (§5.3)"
        return (
            "the payload is masked with other bytes than the key in its header: byte i goes with "
            "byte i % 4 of that key, and i counts from the start of the payload (§5.3)"
        )
    return ""


def is_whole(clues: Clues) -> bool:
    """Whether a message came back that is as long as it should be: then no fragment is lost."""
    return any(len(got.data) >= len(wanted.data) for got, wanted in clues.pairs())


def is_changed(clues: Clues) -> bool:
    return any(got != wanted for got, wanted in clues.pairs())


def pongs_of(clues: Clues) -> list[bytes]:
    """The Pongs that came for our Pings, not the other ones."""
    return [pong for pong in clues.seen.pongs if pong in clues.pongs]


def has_pongs_twice(clues: Clues) -> bool:
    return bool(Counter(pongs_of(clues)) - Counter(clues.pongs)) and bool(clues.pongs)


def has_late_pongs(clues: Clues) -> bool:
    return bool(clues.pongs) and tuple(pongs_of(clues)) != clues.pongs


def sends_pings(clues: Clues) -> bool:
    return has_late_pongs(clues) and any(ping in clues.pongs for ping in clues.seen.pings)


def has_other_payloads(clues: Clues) -> bool:
    others = [pong for pong in clues.seen.pongs if pong not in clues.pongs]
    return has_late_pongs(clues) and bool(others)


FRAMES: tuple[Recogniser, ...] = (
    masks_wrongly,
    when(
        has_other_opcode,
        "answer a message with its own opcode: 1 for text, 2 for binary; a binary message is not "
        "to be decoded (§5.6)",
    ),
    *AS_MESSAGES,
)
"""Mistakes that may also make a frame illegal. The first one that is recognised is named."""

ECHOES: tuple[Recogniser, ...] = (
    *ON_BYTES,
    inflates_wrongly,
    ON_CUT_TEXT,
    when(
        lambda clues: loses_fragments(clues) and not is_whole(clues),
        KEEP_FRAGMENTS,
    ),
    when(
        adds_what_was_left,
        "bytes that an earlier message has left are before this one: begin each message with an "
        "empty buffer",
    ),
    when(
        lambda clues: clues.seen.is_unfinished,
        "the last fragment of a message has FIN 1 (the first byte of its frame is 80): the program "
        "sends none (§5.4)",
    ),
    *ON_TEXT,
    when(
        lambda clues: clues.has_more_messages,
        "it sends more messages than it got: send each one back once",
    ),
    when(
        is_changed,
        "the message came back, but not as it was: send its bytes back with nothing added, left "
        "out or converted",
    ),
    when(
        sends_pings, "a Ping is answered with a Pong, opcode 10, and not with another Ping (§5.5.3)"
    ),
    when(
        has_other_payloads,
        "a Pong has the payload of its Ping: copy all its bytes, and do not decode them (§5.5.3)",
    ),
    when(has_pongs_twice, "a Ping is answered with one Pong: the program sends more (§5.5.3)"),
    when(
        has_late_pongs,
        "answer each Ping with a Pong as soon as it is read, also while no message arrives, and in "
        "their order (§5.5.2)",
    ),
)
"""The same for frames that are legal; a special one is before a general one."""
