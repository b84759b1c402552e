"""The history of a connection -> the invariants that it breaks. It knows nothing of how it ran."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import refws
from refws import Side, State
from refws.course.explain.conversation import Conversation
from refws.course.explain.values import FrameExplanation, Illegal
from scripts.stress import wire
from scripts.stress.journal import Call, Cause, Event, History, Received, Sent
from scripts.stress.messages import Form, Message

CLOSE_TIMEOUT_S = 1.0
SEND_TIMEOUT_S = 4.0
LINGER_S = 1.0
END_S = CLOSE_TIMEOUT_S + LINGER_S
"""Seconds that a call may take beyond its own bound if it ends the connection."""

ALONE_S = 1.0
"""Seconds within which a control frame is dealt with while no thread receives."""

EXPLAINED = 4 << 20
"""Bytes of a connection above which only the small model judges them."""

LAST = 30
"""Events that a report of a broken invariant shows."""

FINE = (1000, 1001, 1005)
CUT_OFF = "§5.4: a fragmented message broke off"
"""The reason of the Close with 1011 inside a message."""


class Planned(Exception):
    """What a planned iterable or handler raises."""


CLOSED = (refws.ConnectionClosed,)
DOCUMENTED: dict[str, tuple[type[BaseException], ...]] = {
    "recv": (*CLOSED,),
    "recv with a timeout": (*CLOSED, TimeoutError),
    "recv_streaming": (*CLOSED,),
    "send": CLOSED,
    "send fragments": CLOSED,
    "send what breaks off": (*CLOSED, Planned),
    "send what cannot be sent": (*CLOSED, TypeError, ValueError),
    "ping": CLOSED,
    "ping with known data": (*CLOSED, refws.ConcurrencyError),
    "pong": CLOSED,
}
"""Call -> the exceptions that it may raise; a call that is not here may raise none."""


@dataclasses.dataclass(frozen=True)
class Broken:
    """A broken invariant: which, where, what was seen, and the last events before it was found."""

    invariant: str
    where: str
    what: str
    events: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"BROKEN: {self.invariant}: {self.what}", f"  {self.where}"]
        if self.events:
            lines += ["  last events of the connection, in seconds:", *self.events]
        return "\n".join(lines)


def judge(history: History) -> list[Broken]:
    """The broken invariants, in the order of INVARIANTS, each with the first thing that shows it."""
    found = []
    for name, rule in INVARIANTS.items():
        if seen := list(rule(history)):
            more = f" (and {len(seen) - 1} more of this kind)" if len(seen) > 1 else ""
            found.append(Broken(name, history.name, seen[0] + more, last_events(history.events)))
    return found


def last_events(events: tuple[Event, ...]) -> tuple[str, ...]:
    ordered = sorted(events, key=lambda event: event.time)
    start = ordered[0].time if ordered else 0.0
    return tuple(
        f"  {event.time - start:8.3f} {event.thread}: {event}" for event in ordered[-LAST:]
    )


# What the rules ask


def sent_by(history: History, side: Side) -> list[Sent]:
    return [e for e in history.events if isinstance(e, Sent) and e.side is side]


def received_by(history: History, side: Side) -> list[Received]:
    return [e for e in history.events if isinstance(e, Received) and e.side is side]


def calls(history: History) -> list[Call]:
    return [event for event in history.events if isinstance(event, Call)]


def causes(history: History, side: Side | None = None) -> list[Cause]:
    return [e for e in history.events if isinstance(e, Cause) and (side is None or e.side is side)]


def direction(history: History, sender: Side) -> wire.Direction:
    """What `sender` sent, as its peer received it; the peer may be the raw one."""
    data = history.received.get(sender.peer, b"")
    return wire.judge(data, sender is Side.CLIENT, history.deflate)


def got_close(history: History, side: Side) -> bool:
    """Whether this side reports a Close of its peer."""
    end = history.ends.get(side)
    return end is not None and end.code not in (None, 1006)


# Messages


def arrives_as_sent(history: History) -> Iterator[str]:
    """Every message that arrives was sent, and is unchanged."""
    for event in (e for e in history.events if isinstance(e, Received)):
        if event.message is None or not event.intact:
            yield f"{event.side.value} {event}"
        elif event.message.side is event.side:
            yield f"{event.side.value} {event}, its own message"


def arrives_once_in_order(history: History) -> Iterator[str]:
    """Messages of one sending thread arrive in its order, and no message arrives twice."""
    for side in Side:
        last: dict[int, Message] = {}
        for message in (e.message for e in received_by(history, side) if e.message):
            before = last.get(message.sender)
            if before is not None and message.number <= before.number:
                yield f"{side.value} received {message} after {before}"
            last[message.sender] = message


def leaves_no_gap(history: History) -> Iterator[str]:
    """Between two messages that arrive, none is lost that was sent by the same thread."""
    for side in Side:
        here = [e.message for e in received_by(history, side) if e.message]
        newest: dict[int, int] = {}
        for message in here:
            newest[message.sender] = max(newest.get(message.sender, -1), message.number)
        arrived = set(here)
        for event in sent_by(history, side.peer):
            message = event.message
            if event.error or message in arrived:
                continue
            if message.number < newest.get(message.sender, -1):
                yield f"{message} was lost in the middle"


def arrives_before_the_close(history: History) -> Iterator[str]:
    """A side that reports its peer's Close, or end, has received all that was sent before it.

    Unless it closed or aborted itself: `close` drops what arrives.
    """
    for side in Side:
        if not must_receive_all(history, side):
            continue
        arrived = {e.message for e in received_by(history, side)}
        for event in sent_by(history, side.peer):
            if not event.error and event.message not in arrived:
                yield f"{event.message} was sent before the end, and never arrived"


DROPS = ("close", "abort", "server abort", "handler returns", "handler raises")
KEEPS = ("fin", "half a frame and fin", "illegal frame", "raw close")
"""What a raw peer does at its end after which all that it sent before must arrive."""


def must_receive_all(history: History, side: Side) -> bool:
    own = causes(history, side)
    if side not in history.ends:
        return not own and direction(history, side.peer).close is not None
    if side in history.alone or any(cause.what in DROPS for cause in own):
        return False
    return got_close(history, side) or any(
        cause.what in KEEPS for cause in causes(history, side.peer)
    )


def broken_message_never_arrives(history: History) -> Iterator[str]:
    """§5.4: a message whose iterable raised is never a whole one, and the peer gets 1011."""
    for event in (e for e in history.events if isinstance(e, Received)):
        message = event.message
        if message is not None and message.form is Form.BROKEN and event.complete:
            yield f"{event.side.value} received {message} as a whole"
    for side in Side:
        sent = direction(history, side)
        if sent.close is None or not sent.in_message:
            continue
        answered = direction(history, side.peer).close
        if sent.close.close_code == 1000 and (answered is None or answered.close_code != 1000):
            yield f"the {side.value} sent a Close with 1000 inside a message; 1011 was expected"


# Calls


def ends_in_time(history: History) -> Iterator[str]:
    """Every call ends within its bound."""
    for call in calls(history):
        if call.bound_s is None:
            continue
        bound = call.bound_s + history.slack_s
        if call.error is not None and issubclass(call.error, refws.ConnectionClosed):
            bound += END_S
        if call.took_s > bound:
            yield f"{call.side.value}, {call.thread}: {call}; at most {bound:.1f} s were allowed"


def raises_what_is_documented(history: History) -> Iterator[str]:
    for call in calls(history):
        if call.error is not None and not issubclass(call.error, DOCUMENTED.get(call.name, ())):
            yield f"{call.side.value}, {call.thread}: {call}"


def ends_for_a_reason(history: History) -> Iterator[str]:
    """A connection ends because one side ends it, never by itself."""
    first_cause = min((cause.time for cause in causes(history)), default=float("inf"))
    for call in calls(history):
        is_end = call.error is not None and issubclass(call.error, refws.ConnectionClosed)
        if is_end and call.time < first_cause:
            yield f"{call.side.value}, {call.thread}: {call}, and no one had ended the connection"
            return


def learns_of_a_close(history: History) -> Iterator[str]:
    """A side on which no thread receives learns of its peer's Close from its next `send`."""
    for side in history.alone:
        closes = [cause for cause in causes(history, side.peer) if cause.code is not None]
        if not closes or causes(history, side):
            continue
        late = closes[0].time + ALONE_S + history.slack_s
        for event in sent_by(history, side):
            if not event.error and event.time > late:
                yield f"{event.thread} could send {event.time - closes[0].time:.1f} s after a Close"
        for call in calls(history):
            if call.side is side and call.name == "send" and call.error is not None:
                fine = closes[0].code in FINE and issubclass(call.error, refws.ConnectionClosedOK)
                if closes[0].code in FINE and not fine:
                    yield f"{call.thread}: {call}; ConnectionClosedOK was expected"


# The end


def is_closed(history: History) -> Iterator[str]:
    for side, end in history.ends.items():
        if end.state is not State.CLOSED or end.code is None or end.reason is None:
            yield f"the {side.value} is {end.state.value}, code {end.code}, reason {end.reason!r}"


def reports_the_close_on_the_wire(history: History) -> Iterator[str]:
    """§7.1.5: `close_code` and `close_reason` are the first Close that arrived; 1006 for none."""
    for side, end in history.ends.items():
        if (close := direction(history, side.peer).close) is None:
            if end.code not in (None, 1006):
                yield f"the {side.value} reports {end.code}, and no Close had arrived"
        elif not has_failed(history, side) and (end.code, end.reason) != (
            close.close_code,
            close.close_reason,
        ):
            seen = f"{close.close_code} {close.close_reason!r}"
            yield f"the {side.value} reports {end.code} {end.reason!r}, and {seen} had arrived"


def has_failed(history: History, side: Side) -> bool:
    """§7.1.7: after a broken rule a side processes nothing more."""
    return any(cause.what == "illegal frame" for cause in causes(history, side.peer))


def closes_as_planned(history: History) -> Iterator[str]:
    """A Close has a code that one side meant, and only an initiator's Close has a reason."""
    meant = {(cause.code, cause.reason) for cause in causes(history)}
    closes = {side: direction(history, side).close for side in Side}
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
        own = [cause for cause in causes(history, side) if cause.code or cause.what in DROPS]
        theirs, ours = direction(history, side.peer).close, direction(history, side).close
        if own or theirs is None or ours is None or has_failed(history, side):
            continue
        if (ours.close_code, ours.close_reason) != (theirs.close_code, ""):
            seen = f"{ours.close_code} {ours.close_reason!r}"
            yield f"the {side.value} answered a Close with {theirs.close_code} with {seen}"


# The wire


def is_legal_on_the_wire(history: History) -> Iterator[str]:
    for side in history.ends:
        faults = direction(history, side).faults
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


Rule = Callable[[History], Iterator[str]]

INVARIANTS: dict[str, Rule] = {
    "a message arrives as it was sent": arrives_as_sent,
    "messages arrive once and in order": arrives_once_in_order,
    "no message is lost in the middle": leaves_no_gap,
    "nothing is lost before a Close": arrives_before_the_close,
    "half a message is none": broken_message_never_arrives,
    "calls end in time": ends_in_time,
    "calls raise what is documented": raises_what_is_documented,
    "a connection does not end by itself": ends_for_a_reason,
    "a Close is seen while no thread receives": learns_of_a_close,
    "a connection is CLOSED at the end": is_closed,
    "close_code is what arrived": reports_the_close_on_the_wire,
    "a Close says what was meant": closes_as_planned,
    "a Close is answered with its code": answers_with_the_same_code,
    "the bytes on the wire are legal": is_legal_on_the_wire,
    "the bytes on the wire are explained as legal": is_legal_when_explained,
    "the taps of both sides agree": taps_agree,
}
