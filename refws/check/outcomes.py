"""What a case allows to be seen: small predicates, each with its words for people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from ..protocol.close_codes import CloseCode
from ..protocol.deflate.negotiation import MAX_WINDOW_BITS
from ..protocol.handshake import has_element
from .seen import MAX_LISTED, End, Message, Seen

NORMAL = CloseCode.NORMAL_CLOSURE

FAILURES = frozenset(
    {
        CloseCode.PROTOCOL_ERROR,
        CloseCode.UNSUPPORTED_DATA,
        CloseCode.INVALID_DATA,
        CloseCode.POLICY_VIOLATION,
        CloseCode.MESSAGE_TOO_BIG,
        CloseCode.INTERNAL_ERROR,
    }
)
"""The codes with which an endpoint fails a connection (§7.4.1)."""

OF_A_LIMIT = (CloseCode.POLICY_VIOLATION, CloseCode.MESSAGE_TOO_BIG)
"""The codes of a server that takes no more of something (§7.4.1, §10.4)."""

WITHOUT_ERROR = frozenset({NORMAL, CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RCVD})
"""The codes of a Close that says nothing of an error; the last one is no code at all."""


class Outcome(Protocol):
    """One outcome. `waits_for_end` says that it is complete only with the end of TCP."""

    @property
    def words(self) -> str: ...

    @property
    def waits_for_end(self) -> bool: ...

    def is_seen(self, seen: Seen) -> bool: ...


@dataclass(frozen=True, slots=True)
class Anything:
    """Any outcome: for what the RFC leaves to the endpoint."""

    words: str = "anything"
    waits_for_end: bool = False

    def is_seen(self, seen: Seen) -> bool:
        return True


# The opening handshake


@dataclass(frozen=True, slots=True)
class Opens:
    """A valid 101: with this subprotocol, without this header, with no other extensions than these.

    What is not given does not matter.
    """

    subprotocol: str | None = None
    without: str = ""
    extensions: tuple[str, ...] | None = None
    waits_for_end: bool = False

    @property
    def words(self) -> str:
        parts = ["a valid 101"]
        if self.subprotocol is not None:
            parts.append(f"with {self.subprotocol!r}")
        if self.without:
            parts.append(f"without {self.without}")
        if self.extensions is not None:
            parts.append(" but ".join(["with no extension", *self.extensions]))
        return " ".join(parts)

    def is_seen(self, seen: Seen) -> bool:
        if seen.agreement is None or seen.response is None:
            return False
        agreed = {extension.name for extension in seen.agreement.extensions}
        return (
            self.subprotocol in (None, seen.agreement.subprotocol)
            and self.without not in seen.response.headers
            and (self.extensions is None or agreed <= set(self.extensions))
        )


@dataclass(frozen=True, slots=True)
class Refuses:
    """A response with one of these statuses, any from 400 on if none is given, and no 101.

    `header` must be in it; if it is "name: element", that element must be in its list.
    """

    statuses: tuple[int, ...] = ()
    header: str = ""
    waits_for_end: bool = False

    @property
    def words(self) -> str:
        wanted = " or ".join(map(str, self.statuses)) or "a status from 400 on"
        return f"{wanted}, with {self.header}" if self.header else wanted

    def is_seen(self, seen: Seen) -> bool:
        if seen.response is None or seen.status is None:
            return False
        fits = seen.status in self.statuses if self.statuses else seen.status >= 400
        name, _, element = self.header.partition(": ")
        if element:
            return fits and has_element(seen.response.headers, name, element)
        return fits and (not name or name in seen.response.headers)


@dataclass(frozen=True, slots=True)
class Answers:
    """A response that is no 101: a page, a redirect, a refusal."""

    words: str = "a response that is no 101"
    waits_for_end: bool = False

    def is_seen(self, seen: Seen) -> bool:
        return seen.response is not None and seen.status != 101


@dataclass(frozen=True, slots=True)
class No101:
    """Anything but a 101, even silence: for what is no request, or not a whole one."""

    words: str = "no 101"
    waits_for_end: bool = False

    def is_seen(self, seen: Seen) -> bool:
        return seen.status != 101


@dataclass(frozen=True, slots=True)
class EndsBefore101:
    """TCP ends without any response."""

    words: str = "the end of TCP without a response"
    waits_for_end: bool = True

    def is_seen(self, seen: Seen) -> bool:
        return seen.response is None and seen.end is not End.OPEN


@dataclass(frozen=True, slots=True)
class Continues:
    """RFC 9110 §10.1.1: a 100 first, and any response after it, or none."""

    words: str = "a 100 before any other response"
    waits_for_end: bool = False

    def is_seen(self, seen: Seen) -> bool:
        return seen.interim[:1] == [100]


@dataclass(frozen=True, slots=True)
class Compresses:
    """A valid 101 that takes an offer of permessage-deflate; `window_bits` is the server's most."""

    window_bits: int = MAX_WINDOW_BITS
    words: str = "a valid 101 with permessage-deflate, as it was offered"
    waits_for_end: bool = False

    def is_seen(self, seen: Seen) -> bool:
        deflate = None if seen.agreement is None else seen.agreement.deflate
        return deflate is not None and deflate.server_max_window_bits <= self.window_bits


@dataclass(frozen=True, slots=True)
class DoesNotCompress:
    """A valid 101 that declines every offer of permessage-deflate."""

    words: str = "a valid 101 without permessage-deflate"
    waits_for_end: bool = False

    def is_seen(self, seen: Seen) -> bool:
        return seen.agreement is not None and seen.agreement.deflate is None


# After it


@dataclass(frozen=True, slots=True)
class Sends:
    """These messages and Pongs have come, and nothing else so far."""

    messages: tuple[Message, ...] = ()
    pongs: tuple[bytes, ...] = ()
    waits_for_end: bool = False

    @property
    def words(self) -> str:
        pongs = [f"Pong {payload[:24].hex(' ') or '(empty)'}" for payload in self.pongs]
        return listed([*pongs, *(f"message {each}" for each in self.messages)]) or "nothing"

    def is_seen(self, seen: Seen) -> bool:
        fits = (tuple(seen.messages), tuple(seen.pongs)) == (self.messages, self.pongs)
        return fits and not seen.is_over


@dataclass(frozen=True, slots=True)
class Echoes:
    """These messages come back, in this order, and the connection does not fail.

    Whether a Close is answered as it should be is a question for other cases.
    """

    messages: tuple[Message, ...]
    waits_for_end: bool = False

    @property
    def words(self) -> str:
        return listed([f"message {each}" for each in self.messages])

    def has_come(self, seen: Seen) -> bool:
        """Whether as many messages have come as must come before the Close."""
        return len(seen.messages) >= len(self.messages)

    def is_seen(self, seen: Seen) -> bool:
        return tuple(seen.messages) == self.messages and is_unbroken(seen)


@dataclass(frozen=True, slots=True)
class Fails:
    """§7.1.7: a Close with one of these codes, after these messages and no other."""

    codes: tuple[int, ...] = (CloseCode.PROTOCOL_ERROR,)
    messages: tuple[Message, ...] = ()
    waits_for_end: bool = False

    @property
    def words(self) -> str:
        return f"{close_with(self.codes)}, and nothing else"

    def is_seen(self, seen: Seen) -> bool:
        if seen.close is None or seen.violation or seen.went_on:
            return False
        return seen.close.code in self.codes and tuple(seen.messages) == self.messages


@dataclass(frozen=True, slots=True)
class Ends:
    """§7.1.7: TCP ends, without a Close, after these messages and no other."""

    messages: tuple[Message, ...] = ()
    words: str = "the end of TCP"
    waits_for_end: bool = True

    def is_seen(self, seen: Seen) -> bool:
        quiet = seen.close is None and not seen.violation and not seen.went_on
        return quiet and seen.end is not End.OPEN and tuple(seen.messages) == self.messages


@dataclass(frozen=True, slots=True)
class Pongs:
    """§5.5.3: these Pongs come back, in this order, and these messages; the rest as in Echoes.

    With `others`, Pongs with other payloads may be among them: a heartbeat that no Ping asks for.
    """

    payloads: tuple[bytes, ...]
    messages: tuple[Message, ...] = ()
    others: bool = False
    waits_for_end: bool = False

    @property
    def words(self) -> str:
        pongs = [f"Pong {payload[:24].hex(' ') or '(empty)'}" for payload in self.payloads]
        return listed([*pongs, *(f"message {each}" for each in self.messages)]) or "no Pong"

    def has_come(self, seen: Seen) -> bool:
        """Whether as many Pongs and messages have come as must come before the Close."""
        pongs, messages = len(self.payloads), len(self.messages)
        return len(self.asked_for(seen)) >= pongs and len(seen.messages) >= messages

    def asked_for(self, seen: Seen) -> list[bytes]:
        """The Pongs that count."""
        return [pong for pong in seen.pongs if pong in self.payloads or not self.others]

    def is_seen(self, seen: Seen) -> bool:
        pongs = self.asked_for(seen)
        fits = (tuple(pongs), tuple(seen.messages)) == (self.payloads, self.messages)
        return fits and is_unbroken(seen)


@dataclass(frozen=True, slots=True)
class Closes:
    """§5.5.1: the Close is answered with one of these codes; with `ends`, TCP ends after it."""

    codes: tuple[int, ...] = (NORMAL,)
    messages: tuple[Message, ...] = ()
    ends: bool = False

    @property
    def waits_for_end(self) -> bool:
        return self.ends

    @property
    def words(self) -> str:
        close = close_with(self.codes)
        return f"{close}, then the end of TCP" if self.ends else close

    def is_seen(self, seen: Seen) -> bool:
        if seen.close is None or seen.close.code not in self.codes or seen.violation:
            return False
        ended = seen.end is End.FIN or not self.ends
        return ended and tuple(seen.messages) == self.messages


@dataclass(frozen=True, slots=True)
class LastPong:
    """§5.5.3: Pongs for some of the Pings, in their order, the last one included; the messages."""

    pings: tuple[bytes, ...]
    messages: tuple[Message, ...] = ()
    words: str = "Pongs for some of the Pings, the last one included"
    waits_for_end: bool = False

    def is_seen(self, seen: Seen) -> bool:
        pings = iter(self.pings)
        fits = tuple(seen.messages) == self.messages and seen.pongs[-1:] == [self.pings[-1]]
        return fits and all(pong in pings for pong in seen.pongs) and is_unbroken(seen)


@dataclass(frozen=True, slots=True)
class Pings:
    """§5.5.2: a Ping that nothing has asked for."""

    words: str = "a Ping"
    waits_for_end: bool = False

    def is_seen(self, seen: Seen) -> bool:
        return bool(seen.pings) and not seen.violation


@dataclass(frozen=True, slots=True)
class GivesUp:
    """The server ends the connection by itself: with a Close, or with the end of TCP."""

    words: str = "the end of the connection"
    waits_for_end: bool = False

    def is_seen(self, seen: Seen) -> bool:
        ended = seen.close is not None or seen.end is not End.OPEN
        return seen.agreement is not None and ended and not seen.violation


@dataclass(frozen=True, slots=True)
class ServesOne:
    """Another connection is not served as it should be while this one is open."""

    words: str = "this connection alone is served"
    waits_for_end: bool = False

    def is_seen(self, seen: Seen) -> bool:
        return bool(seen.elsewhere) and not seen.violation


def close_with(codes: tuple[int, ...]) -> str:
    """Such as "Close 1000 or without a code"."""
    named = (str(int(code)) for code in codes if code != CloseCode.NO_STATUS_RCVD)
    without = ("without a code",) if CloseCode.NO_STATUS_RCVD in codes else ()
    return f"Close {' or '.join((*named, *without))}"


def listed(parts: list[str]) -> str:
    """The first few of them, and how many more there are."""
    more = len(parts) - MAX_LISTED
    shown = parts[:MAX_LISTED] + ([f"{more:,} more"] if more > 0 else [])
    return " and ".join(shown)


def is_unbroken(seen: Seen) -> bool:
    """Whether neither side had a reason to fail the connection, and the server is not stuck.

    It is if the last answer came only after the next frame, which then had none.
    """
    goes_on = not seen.violation and not seen.is_stuck
    return goes_on and (seen.close is None or seen.close.code not in FAILURES)


def failed(*codes: int, messages: tuple[Message, ...] = ()) -> tuple[Outcome, ...]:
    """How else a connection may be failed: with another code, or with the end of TCP alone.

    §7.1.7: the end is a MUST. That a Close says before what was wrong is a SHOULD, so it may have
    another code, also one that is for the end of a connection without any error.
    """
    others = tuple(sorted((FAILURES | WITHOUT_ERROR) - set(codes)))
    return Fails(others, messages), Ends(messages)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of several outcomes."""

    outcomes: tuple[Outcome, ...]
    waits_for_end: bool = field(default=False)

    @property
    def words(self) -> str:
        return ", or ".join(outcome.words for outcome in self.outcomes)

    def is_seen(self, seen: Seen) -> bool:
        return any(outcome.is_seen(seen) for outcome in self.outcomes)


OF_THE_OPENING = (Opens, Refuses, Answers, No101, EndsBefore101, Continues)


def is_of_the_opening(outcome: Outcome) -> bool:
    """Whether it is certain once the opening handshake is over."""
    if isinstance(outcome, AnyOf):
        return all(map(is_of_the_opening, outcome.outcomes))
    return isinstance(outcome, OF_THE_OPENING)
