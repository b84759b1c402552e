"""What a case allows a client to do: outcomes beside the ones of ../outcomes.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...protocol.close_codes import CloseCode, is_valid_on_wire
from ...protocol.http import Request
from ..outcomes import FAILURES, NORMAL, Ends, Fails, Outcome
from ..seen import End, Seen
from .seen import ClientSeen

# Its request, its masking keys


@dataclass(frozen=True, slots=True)
class Shows:
    """What only a client shows: `right` decides, `shown` is what a result says of it."""

    words: str
    right: Callable[[ClientSeen], bool]
    shown: Callable[[ClientSeen], str]
    waits_for_end: bool = False

    def is_seen(self, seen: Seen) -> bool:
        return isinstance(seen, ClientSeen) and self.right(seen)


def asks(words: str, right: Callable[[Request], bool], shown: Callable[[Request], str]) -> Shows:
    """The same for what the request alone shows."""
    return Shows(
        words,
        lambda seen: seen.request is not None and right(seen.request),
        lambda seen: seen.problem if seen.request is None else shown(seen.request),
    )


# What it makes of an answer


@dataclass(frozen=True, slots=True)
class Accepts:
    """The connection is open: our Close is answered, and not as a failure.

    A code that has no meaning is no answer, unless the case has sent it.
    """

    words: str = "an open connection: a Close that answers ours"
    waits_for_end: bool = False

    def is_seen(self, seen: Seen) -> bool:
        if seen.close is None or seen.violation:
            return False
        code = seen.close.code
        known = code == CloseCode.NO_STATUS_RCVD or is_valid_on_wire(code)
        return known and code not in FAILURES


@dataclass(frozen=True, slots=True)
class StaysOut:
    """§4.1 response item 1: no frame at all; TCP may stay open, because this is ordinary HTTP."""

    words: str = "no frame: this answer is ordinary HTTP"
    waits_for_end: bool = True

    def is_seen(self, seen: Seen) -> bool:
        quiet = not (seen.messages or seen.pongs or seen.pings or seen.close)
        return quiet and not seen.violation and not seen.went_on


GIVES_UP = Ends(words="the end of TCP, and no frame: the connection was never open")

REJECTS: tuple[Outcome, ...] = (Fails(tuple(sorted(FAILURES))),)
"""How else a client may show that it does not take an answer, in `weak`.

It begins with a Close, although the connection is not open (§4.1, §7.1.7).
"""


# Its frames


@dataclass(frozen=True, slots=True)
class Said:
    """This number of messages and Pongs has arrived: what a case waits for before its Close."""

    messages: int = 0
    pongs: int = 0
    waits_for_end: bool = False
    words: str = "an answer"

    def is_seen(self, seen: Seen) -> bool:
        return len(seen.messages) >= self.messages and len(seen.pongs) >= self.pongs


@dataclass(frozen=True, slots=True)
class GoesOn:
    """It has accepted what it might have refused: a Ping or a message afterwards is answered."""

    words: str = "the connection goes on"
    waits_for_end: bool = False

    def is_seen(self, seen: Seen) -> bool:
        return seen.went_on and not seen.violation


# How it closes


@dataclass(frozen=True, slots=True)
class WaitsForEnd:
    """§7.1.1: it answers the Close, and leaves it to the server to end TCP."""

    words: str = f"Close {int(NORMAL)}, and TCP stays open until the server ends it"
    waits_for_end: bool = False

    def is_seen(self, seen: Seen) -> bool:
        return Accepts().is_seen(seen) and seen.end is End.OPEN


@dataclass(frozen=True, slots=True)
class Leaves:
    """Its end of TCP, with or without a Close before it."""

    words: str = "the end of TCP"
    waits_for_end: bool = True

    def is_seen(self, seen: Seen) -> bool:
        return seen.end is not End.OPEN and not seen.violation and not seen.messages
