"""What the methods of a connection raise, with the names of the `websockets` library."""

from __future__ import annotations

from ..protocol.close import Close
from ..protocol.close_codes import CloseCode
from ..protocol.errors import WebSocketException

OK_CODES = {CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RCVD}


class ConcurrencyError(WebSocketException, RuntimeError):
    """This call conflicts with another one on the same connection."""


class InvalidState(WebSocketException, RuntimeError):
    """Nothing can be sent or received before the opening handshake is done (§6.1)."""


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
    """The connection ended well: Close sent and received, both with 1000, 1001 or no code."""


class ConnectionClosedError(ConnectionClosed):
    """The connection ended in error: with another code, or without the closing handshake.

    `send` raises it, too, while we close and the peer's Close has not arrived: how the connection
    will end is not known then.
    """


def connection_closed(rcvd: Close | None, sent: Close | None, cause: str = "") -> ConnectionClosed:
    """The exception that fits these two Close frames."""
    fine = all(close is not None and close.code in OK_CODES for close in (rcvd, sent))
    return (ConnectionClosedOK if fine else ConnectionClosedError)(rcvd, sent, cause)
