"""The history of a connection -> the invariants that it breaks. It knows nothing of how it ran."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from scripts.stress import call_rules, end_rules, message_rules
from scripts.stress.history import Event, History

LAST = 30
"""Events that a report of a broken invariant shows."""


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
    """The broken invariants in the order of INVARIANTS, each with the first sign of it."""
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


Rule = Callable[[History], Iterator[str]]

INVARIANTS: dict[str, Rule] = {
    "a message arrives as it was sent": message_rules.arrives_as_sent,
    "messages arrive once and in order": message_rules.arrives_once_in_order,
    "no message is lost in the middle": message_rules.leaves_no_gap,
    "nothing is lost before a Close": message_rules.arrives_before_the_close,
    "half a message is none": message_rules.broken_message_never_arrives,
    "calls end in time": call_rules.ends_in_time,
    "the end comes in time": call_rules.the_end_comes_in_time,
    "calls raise what is documented": call_rules.raises_what_is_documented,
    "a connection does not end by itself": call_rules.ends_for_a_reason,
    "a Close is seen while no thread receives": call_rules.learns_of_a_close,
    "a connection is CLOSED at the end": end_rules.is_closed,
    "close_code is what arrived": end_rules.reports_the_close_on_the_wire,
    "a Close says what was meant": end_rules.closes_as_planned,
    "a Close is answered with its code": end_rules.answers_with_the_same_code,
    "a closing handshake is clean": end_rules.closes_cleanly,
    "the bytes on the wire are legal": end_rules.is_legal_on_the_wire,
    "the bytes on the wire are explained as legal": end_rules.is_legal_when_explained,
    "the taps of both sides agree": end_rules.taps_agree,
}
