"""RFC 6455 §7.1.7, §4.1, §4.2.1: what a refusal says, and one exception for each kind of refusal.

The same words reach our log, and the peer: in the reason of a Close, or in the body of an HTTP
answer. So `seen` repeats no bytes of a frame, only numbers and names of fields. Text of an opening
handshake is repeated in quotes, cut short, and with its control characters escaped (`http.quote`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from http import HTTPStatus
from typing import ClassVar

from .close_codes import CloseCode


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: its section, what was seen, what that section expects, the field to blame.

    `field` is a field of a frame as §5.2 names it ("FIN", "RSV1", "opcode", "MASK", "length",
    "extended length", "payload") or the name of an HTTP header; "" where no field is to blame.
    """

    section: str
    seen: str
    expected: str
    field: str = ""

    def __str__(self) -> str:
        return f"{self.section}: {self.seen}; expected {self.expected}"


@dataclass(frozen=True, slots=True)
class Fault(Violation):
    """A broken rule of an opening handshake, and the HTTP status that a server answers it with."""

    _: KW_ONLY
    status: HTTPStatus = HTTPStatus.BAD_REQUEST

    __str__ = Violation.__str__


class WebSocketException(Exception):
    """Base of every exception that refws defines."""


class Refusal(WebSocketException):
    """Base of the exceptions about one broken rule, which is `violation`."""

    def __init__(self, section: str, seen: str, expected: str, field: str = "") -> None:
        super().__init__(section, seen, expected, field)
        self.violation = Violation(section, seen, expected, field)

    @property
    def section(self) -> str:
        return self.violation.section

    @property
    def seen(self) -> str:
        return self.violation.seen

    @property
    def expected(self) -> str:
        return self.violation.expected

    def __str__(self) -> str:
        return str(self.violation)


class ConnectionFailure(Refusal):
    """The peer broke a rule, or a limit of ours, after the opening handshake.

    The connection must be failed (§7.1.7).
    """

    close_code: ClassVar[CloseCode] = CloseCode.PROTOCOL_ERROR


class ProtocolError(ConnectionFailure):
    """A frame, or a sequence of frames, that RFC 6455 forbids: 1002."""


class InvalidData(ConnectionFailure):
    """A payload that does not fit its type, such as text that is not UTF-8: 1007."""

    close_code = CloseCode.INVALID_DATA


class PolicyViolation(ConnectionFailure):
    """A message that is legal, but above a limit of this endpoint: 1008."""

    close_code = CloseCode.POLICY_VIOLATION


class MessageTooBig(ConnectionFailure):
    """A message above the size limit of this endpoint: 1009."""

    close_code = CloseCode.MESSAGE_TOO_BIG


class InvalidHandshake(WebSocketException):
    """Base of every reason why an opening handshake did not open a connection."""


class HandshakeError(InvalidHandshake):
    """An HTTP head or opening handshake that breaks one or more rules (§4.1, §4.2.1, RFC 9112).

    `faults` are in the order of the RFC's list of items; or only faults of syntax, because such a
    head is judged no further. The first one gives the status of a server's answer.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(self.faults)

    @property
    def status(self) -> HTTPStatus:
        return self.faults[0].status

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))
