"""The rules of the end (§7), and of the bytes on the wire (§5)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from refws import Side, State
from refws.course.explain.conversation import Conversation
from refws.course.explain.values import FrameExplanation, Illegal
from scripts.stress import wire
from scripts.stress.history import History
from scripts.stress.message_rules import DROPS
from scripts.stress.times import CALM_S

EXPLAINED = 4 << 20
"""Bytes of a connection above which only the small model judges them."""

CUT_OFF = "§5.4: a fragmented message broke off"
"""The reason of the Close with 1011 inside a message."""

UNCLEAN = ("abort", "server abort")

# The end


def is_closed(history: History) -> Iterator[str]:
    for side, end in history.ends.items():
        if end.state is not State.CLOSED or end.code is None or end.reason is None:
            yield f"the {side.value} is {end.state.value}, code {end.code}, reason {end.reason!r}"


def reports_the_close_on_the_wire(history: History) -> Iterator[str]:
    """§7.1.5: `close_code` and `close_reason` are the first Close that arrived; 1006 for none."""
    for side, end in history.ends.items():
        if (close := history.directions[side.peer].close) is None:
            if end.code not in (None, 1006):
                yield f"the {side.value} reports {end.code}, and no Close had arrived"
        elif not history.has_failed(side) and (end.code, end.reason) != (
            close.close_code,
            close.close_reason,
        ):
            seen = f"{close.close_code} {close.close_reason!r}"
            yield f"the {side.value} reports {end.code} {end.reason!r}, and {seen} had arrived"


def closes_as_planned(history: History) -> Iterator[str]:
    """A Close has a code that one side meant, and only an initiator's Close has a reason."""
    meant = {(cause.code, cause.reason) for cause in history.causes()}
    closes = {side: history.directions[side].close for side in Side}
    cut_off = any(close is not None and is_cut_off(close) for close in closes.values())
    for side in history.ends:
        close = closes[side]
        if close is None or is_cut_off(close) or (cut_off and is_answer(close, 1011)):
            continue
        if not any(is_meant(close, code, reason) for code, reason in meant):
            seen = f"{close.close_code} {close.close_reason!r}"
            yield f"the {side.value} sent a Close with {seen}, and no one meant that"


def is_cut_off(close: wire.Frame) -> bool:
    return close.close_code == 1011 and close.close_reason == CUT_OFF


def is_answer(close: wire.Frame, code: int | None) -> bool:
    return close.close_code == code and not close.close_reason


def is_meant(close: wire.Frame, code: int | None, reason: str) -> bool:
    of_a_rule = reason == "§" and close.close_reason.startswith("§") and close.close_code == code
    return (
        of_a_rule
        or is_answer(close, code)
        or (close.close_code, close.close_reason)
        == (
            code,
            reason,
        )
    )


def answers_with_the_same_code(history: History) -> Iterator[str]:
    """§5.5.1: if one side only began to close, both Closes have the same code."""
    for side in history.ends:
        own = [cause for cause in history.causes(side) if cause.code or cause.what in DROPS]
        theirs, ours = history.directions[side.peer].close, history.directions[side].close
        if own or theirs is None or ours is None or history.has_failed(side):
            continue
        if (ours.close_code, ours.close_reason) != (theirs.close_code, ""):
            seen = f"{ours.close_code} {ours.close_reason!r}"
            yield f"the {side.value} answered a Close with {theirs.close_code} with {seen}"


def closes_cleanly(history: History) -> Iterator[str]:
    """§7.1.4: if both sides are refws and neither aborts, both get a Close, in time.

    A machine that is late by itself is excused, and a slow reader.
    """
    in_time = history.late_s < CALM_S and not history.reads_slowly
    judged = in_time and len(history.ends) == 2
    if not judged or any(cause.what in UNCLEAN for cause in history.causes()):
        return
    for side, end in history.ends.items():
        if end.code == 1006:
            yield f"the {side.value} got no Close, and neither side aborted"


# The wire


def is_legal_on_the_wire(history: History) -> Iterator[str]:
    for side in history.ends:
        faults = history.directions[side].faults
        for fault in faults:
            yield f"sent by the {side.value}: {fault}"


def is_legal_when_explained(history: History) -> Iterator[str]:
    """The same bytes, judged by refws itself: payloads too, such as UTF-8 and compression."""
    if len(history.ends) < 2 or sum(map(len, history.received.values())) > EXPLAINED:
        return
    conversation = Conversation(at_handshake=True)
    for side, data in heads_first(history):
        for item in conversation.feed(side, data):
            if isinstance(item, FrameExplanation) and isinstance(item.verdict, Illegal):
                yield f"sent by the {side.value}: {item.verdict}"


def heads_first(history: History) -> Iterator[tuple[Side, bytes]]:
    """What each side sent, first the two heads, because they say what the frames may be."""
    rest = []
    for side in Side:
        data = history.received.get(side.peer, b"")
        at = wire.after_head(data) or 0
        yield side, data[:at]
        rest.append((side, data[at:]))
    yield from rest


def taps_agree(history: History) -> Iterator[str]:
    """What the receiver's tap sees is how the bytes begin that the sender's tap sees."""
    for side in history.ends:
        if side.peer not in history.ends:
            continue
        sent, received = history.sent.get(side, b""), history.received.get(side.peer, b"")
        if not sent.startswith(received):
            at = first_difference(sent, received)
            seen = f"{sent[at : at + 16].hex(' ')} and {received[at : at + 16].hex(' ')}"
            yield f"the taps on what the {side.value} sent differ at byte {at}: {seen}"


def first_difference(one: bytes, other: bytes) -> int:
    pairs = itertools.zip_longest(one, other)
    return next(i for i, (a, b) in enumerate(pairs) if a != b)
