"""What the methods of a connection raise, in the words of the `websockets` library."""

from __future__ import annotations

from ..protocol.close import Close
from ..protocol.close_codes import CloseCode
from ..protocol.errors import WebSocketException

OK_CODES = {CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RCVD}


class ConcurrencyError(WebSocketException, RuntimeError):
    """Two threads in a place where only one may be at a time."""


class InvalidState(WebSocketException, RuntimeError):
    """Messages before the opening handshake is done (§6.1)."""


class ConnectionClosed(WebSocketException):
    """The connection is closing or closed. `rcvd` and `sent` are the Close frames, or None."""

    def __init__(self, rcvd: Close | None, sent: Close | None, cause: str = "") -> None:
        super().__init__(rcvd, sent, cause)
        self.rcvd = rcvd
        self.sent = sent
        self.cause = cause

    def __str__(self) -> str:
        received = f"received Close {self.rcvd}" if self.rcvd else "received no Close"
        sent = f"sent Close {self.sent}" if self.sent else "sent no Close"
        return ", ".join(filter(None, (received, sent, self.cause)))


class ConnectionClosedOK(ConnectionClosed):
    """Ended as it should: Close sent and received, with 1000, 1001 or no code."""


class ConnectionClosedError(ConnectionClosed):
    """Ended by an error: another code, or no closing handshake at all."""


def connection_closed(rcvd: Close | None, sent: Close | None, cause: str = "") -> ConnectionClosed:
    """The exception that fits these two Close frames."""
    fine = all(close is not None and close.code in OK_CODES for close in (rcvd, sent))
    return (ConnectionClosedOK if fine else ConnectionClosedError)(rcvd, sent, cause)
