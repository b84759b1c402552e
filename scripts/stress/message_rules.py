"""The rules of messages: whole, unchanged, once, in order, none lost."""

from __future__ import annotations

from collections.abc import Iterator

from refws import Side
from scripts.stress.history import History, Received
from scripts.stress.messages import Form, Message

DROPS = ("close", "abort", "server abort", "handler returns", "handler raises")
"""What a side does after which it may drop what arrives."""

KEEPS = ("fin", "half a frame and fin", "illegal frame", "raw close", "raw close and silence")
"""What a raw peer does at its end after which all that it sent before must arrive."""


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
        for message in (e.message for e in history.received_by(side) if e.message):
            before = last.get(message.sender)
            if before is not None and message.number <= before.number:
                yield f"{side.value} received {message} after {before}"
            last[message.sender] = message


def leaves_no_gap(history: History) -> Iterator[str]:
    """Between two messages that arrive, none is lost that was sent by the same thread."""
    for side in Side:
        here = [e.message for e in history.received_by(side) if e.message]
        newest: dict[int, int] = {}
        for message in here:
            newest[message.sender] = max(newest.get(message.sender, -1), message.number)
        arrived = set(here)
        for event in history.sent_by(side.peer):
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
        arrived = {e.message for e in history.received_by(side)}
        for event in history.sent_by(side.peer):
            if not event.error and event.message not in arrived:
                yield f"{event.message} was sent before the end, and never arrived"


def must_receive_all(history: History, side: Side) -> bool:
    own = history.causes(side)
    if side not in history.ends:
        return not own and history.directions[side.peer].close is not None
    if side in history.alone or any(cause.what in DROPS for cause in own):
        return False
    return history.got_close(side) or any(
        cause.what in KEEPS for cause in history.causes(side.peer)
    )


def broken_message_never_arrives(history: History) -> Iterator[str]:
    """§5.4: a message whose iterable raised is never a whole one, and the peer gets 1011."""
    for event in (e for e in history.events if isinstance(e, Received)):
        message = event.message
        if message is not None and message.form is Form.BROKEN and event.complete:
            yield f"{event.side.value} received {message} as a whole"
    for side in Side:
        sent = history.directions[side]
        if sent.close is None or not sent.in_message:
            continue
        answered = history.directions[side.peer].close
        if sent.close.close_code == 1000 and (answered is None or answered.close_code != 1000):
            yield f"the {side.value} sent a Close with 1000 inside a message; 1011 was expected"
