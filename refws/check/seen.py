"""What was seen of the endpoint under test: its response, its frames, and how its stream ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from ..protocol.client.handshake import Agreement
from ..protocol.close import Close
from ..protocol.close_codes import CloseCode
from ..protocol.frame import TEXT
from ..protocol.http import Response

MAX_SHOWN = 24
"""Bytes of a payload that a sentence repeats."""

MAX_RECEIVED = 8 * 2**20
"""Bytes beside the ones that a case asks for: an endpoint that sends more does not end."""

FLOOD = f"more than {MAX_RECEIVED:,} bytes that nothing has asked for"

MAX_LISTED = 3
"""Messages that a sentence lists."""


class End(Enum):
    """How the stream of the endpoint ended."""

    OPEN = "TCP stays open"
    FIN = "TCP ends"
    RESET = "TCP is reset"


class Message(NamedTuple):
    """A whole message, inflated: its opcode, TEXT or BINARY, and its bytes."""

    opcode: int
    data: bytes

    def __str__(self) -> str:
        kind = "text" if self.opcode == TEXT else "binary"
        return f"{kind} {show(self.data, self.opcode == TEXT)}"


def show(data: bytes, as_text: bool) -> str:
    """A payload for a sentence: short, in printable ASCII."""
    part = data[:MAX_SHOWN]
    shown = ascii(part.decode("utf-8", "replace")) if as_text else part.hex(" ") or "(empty)"
    return shown if len(data) <= MAX_SHOWN else f"{shown}... ({len(data):,} bytes)"


@dataclass(slots=True)
class Seen:
    """Filled by the one thread that runs the case.

    `interim` are the statuses of responses before the one that counts, such as 100. `problem` says
    why there is no valid response, `violation` which rule the endpoint broke in what it sent.
    `is_unfinished` is True while the last fragment of a message is missing, `went_on` if it
    answered what was sent after it should have failed the connection. `answers_in_time` are the
    messages and Pongs that had come when our Close was sent although some were missing; None if
    none was. `elsewhere` says what went wrong on another connection. `keys` are the masking keys of
    a client.
    """

    interim: list[int] = field(default_factory=list)
    response: Response | None = None
    agreement: Agreement | None = None
    problem: str = ""
    messages: list[Message] = field(default_factory=list)
    pongs: list[bytes] = field(default_factory=list)
    pings: list[bytes] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    close: Close | None = None
    violation: str = ""
    is_unfinished: bool = False
    went_on: bool = False
    answers_in_time: int | None = None
    elsewhere: str = ""
    end: End = End.OPEN
    seconds: float = 0.0

    @property
    def status(self) -> int | None:
        return None if self.response is None else self.response.status_code

    @property
    def floods(self) -> bool:
        """Whether it has sent more than any case asks for."""
        return self.violation == FLOOD

    @property
    def is_over(self) -> bool:
        """Whether nothing can come that would change the verdict, unless it is the end of TCP."""
        return bool(self.close or self.violation or self.went_on) or self.end is not End.OPEN

    @property
    def is_stuck(self) -> bool:
        """Whether our Close brought only an answer that was late, and none of its own."""
        is_open = self.close is None and self.end is End.OPEN
        return is_open and self.answers_in_time is not None and self.answers > self.answers_in_time

    @property
    def answers(self) -> int:
        return len(self.messages) + len(self.pongs)

    def __str__(self) -> str:
        """What was seen, in a part of a sentence."""
        if self.response is None:
            before = "".join(f"status {status}, then " for status in self.interim)
            return before + (self.problem or f"no response; {self.end.value}")
        if self.agreement is None:
            status = f"status {self.status} {self.response.reason_phrase!a}"
            return f"{status}, but {self.problem}" if self.problem else status
        return self.after_the_opening()

    def after_the_opening(self, opened: str = "a valid 101") -> str:
        """What was seen after the opening handshake; `opened` if that is all."""
        parts = [f"message {message}" for message in self.messages[:MAX_LISTED]]
        if len(self.messages) > MAX_LISTED:
            more = len(self.messages) - MAX_LISTED
            parts.append(f"{more} more message{'' if more == 1 else 's'}")
        if self.is_unfinished:
            parts.append("fragments of a message, but no last one (FIN 1)")
        parts += [f"Ping {show(data, False)}" for data in self.pings[:MAX_LISTED]]
        parts += [f"Pong {show(data, False)}" for data in self.pongs[:MAX_LISTED]]
        if self.is_stuck:
            parts.append("the last one after the Close, which has no answer")
        if self.went_on:
            parts.append("it went on: what was sent afterwards came back")
        if self.violation:
            then = "then " if parts else ""
            parts.append(f"{then}what no endpoint may send: {self.violation}")
        if self.close is not None:
            is_empty = self.close.code == CloseCode.NO_STATUS_RCVD
            parts.append("Close without a code" if is_empty else f"Close {self.close}")
        if self.end is not End.OPEN:
            parts.append(self.end.value)
        if self.elsewhere:
            parts.append(f"on another connection: {self.elsewhere}")
        silence = f", then nothing for {self.seconds:.1f} s" if self.seconds else ""
        return ", ".join(parts) or f"{opened}{silence}"
