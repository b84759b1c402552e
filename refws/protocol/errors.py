"""RFC 6455 §7.1.7, §4.1, §4.2.1: one exception for each kind of refusal: its section, what was
seen, what was expected.

The same words reach the log, the reason of the Close frame and the body of the HTTP answer; so
`seen` is built without a byte that the peer chose, or, in an HTTP answer only, with those bytes
quoted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar

from .close_codes import CloseCode


class WebSocketException(Exception):
    """Base of every exception that refws defines."""


class ConnectionFailure(WebSocketException):
    """The peer broke a rule after the opening handshake: the connection must be failed (§7.1.7)."""

    close_code: ClassVar[CloseCode] = CloseCode.PROTOCOL_ERROR

    def __init__(self, section: str, seen: str, expected: str) -> None:
        super().__init__(section, seen, expected)
        self.section = section
        self.seen = seen
        self.expected = expected

    def __str__(self) -> str:
        return f"{self.section}: {self.seen}; expected {self.expected}"


class ProtocolError(ConnectionFailure):
    """A frame, or a sequence of frames, that RFC 6455 forbids: 1002."""


class InvalidData(ConnectionFailure):
    """A payload that does not fit its type, such as text that is not UTF-8: 1007."""

    close_code = CloseCode.INVALID_DATA


class PolicyViolation(ConnectionFailure):
    """Legal, but more than this endpoint puts up with: 1008."""

    close_code = CloseCode.POLICY_VIOLATION


class MessageTooBig(ConnectionFailure):
    """A message above the limit of this endpoint: 1009."""

    close_code = CloseCode.MESSAGE_TOO_BIG


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken rule of an opening handshake, and the HTTP status that a server answers it with."""

    section: str
    seen: str
    expected: str
    status: HTTPStatus = HTTPStatus.BAD_REQUEST

    def __str__(self) -> str:
        return f"{self.section}: {self.seen}; expected {self.expected}"


class InvalidHandshake(WebSocketException):
    """Base of every reason why an opening handshake did not open a connection."""


class HandshakeError(InvalidHandshake):
    """An HTTP head or opening handshake that breaks one or more rules (§4.1, §4.2.1, RFC 9112).

    `faults` holds all of them in the order of the RFC; the status of a server's answer is that of
    the first.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(self.faults)

    @property
    def status(self) -> HTTPStatus:
        return self.faults[0].status

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))
