"""RFC 6455 §5.5.1, §7.1: the body of a Close frame; the state of the closing handshake."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .close_codes import CloseCode, is_valid_on_wire
from .errors import InvalidData, ProtocolError
from .frame import MAX_CONTROL_PAYLOAD, Side

CODE_LENGTH = 2
MAX_REASON = MAX_CONTROL_PAYLOAD - CODE_LENGTH
"""Bytes of UTF-8 that fit a Close frame after its code."""


@dataclass(frozen=True, slots=True)
class Close:
    """What a Close frame says. Without a body its code is 1005, which no frame carries (§7.1.5)."""

    code: int
    reason: str = ""

    def __str__(self) -> str:
        reason = "§".join(ascii(part)[1:-1] for part in self.reason.split("§"))
        return f"{self.code} '{reason}'" if reason else str(self.code)

    def serialize(self) -> bytes:
        """The body of the frame. ValueError for a code or reason that must not be sent (§7.4)."""
        if self.code == CloseCode.NO_STATUS_RCVD and not self.reason:
            return b""
        if not is_valid_on_wire(self.code):
            allowed = "1000 to 1003, 1007 to 1014 or 3000 to 4999"
            raise ValueError(f"§7.4: close code {self.code} must not be sent; use {allowed}")
        reason = self.reason.encode()
        if len(reason) > MAX_REASON:
            seen = f"a reason of {len(reason)} bytes in UTF-8 is too long"
            raise ValueError(f"§5.5.1: {seen}; shorten it to {MAX_REASON}")
        return self.code.to_bytes(CODE_LENGTH) + reason

    @classmethod
    def parse(cls, body: bytes) -> Close:
        """The Close in this body. ProtocolError or InvalidData where §5.5.1 or §7.4 forbids it."""
        if not body:
            return cls(CloseCode.NO_STATUS_RCVD)
        if len(body) < CODE_LENGTH:
            seen = "a Close with a body of 1 byte"
            raise ProtocolError("§5.5.1", seen, "no body, or a code of 2 bytes first", "payload")
        code = int.from_bytes(body[:CODE_LENGTH])
        if not is_valid_on_wire(code):
            expected = "an assigned code, or one of 3000 to 4999"
            raise ProtocolError("§7.4", f"close code {code}", expected, "payload")
        try:
            return cls(code, body[CODE_LENGTH:].decode())
        except UnicodeDecodeError:
            seen = "a close reason that is not UTF-8"
            raise InvalidData("§5.5.1", seen, "UTF-8", "payload") from None


def check_sendable(code: int, side: Side) -> None:
    """§7.4.1: ValueError for a code that this side must not close a connection with."""
    if code == CloseCode.NO_STATUS_RCVD:
        seen = "close code 1005 must not be sent"
        raise ValueError(f"§7.4.1: {seen}; leave the code out, which sends 1000")
    if code == CloseCode.MANDATORY_EXTENSION and side is Side.SERVER:
        seen = "close code 1010 is for clients"
        raise ValueError(f"§7.4.1: {seen}; a server refuses the opening handshake instead")


def cut_reason(reason: str) -> str:
    """As much of the reason as fits a Close frame, cut between characters."""
    return reason.encode()[:MAX_REASON].decode(errors="ignore")


class State(Enum):
    """§4.1, §7.1.3, §7.1.4: the state of a WebSocket connection."""

    CONNECTING = "CONNECTING"
    OPEN = "OPEN"
    CLOSING = "CLOSING"
    CLOSED = "CLOSED"


CONNECTING, OPEN, CLOSING, CLOSED = State


class ClosingHandshake:
    """§7.1.2 to §7.1.6: the state of a connection, and how it ended.

    Close sent?   Close received?   TCP closed?   state                         clean?
    no            no                no            CONNECTING, OPEN once `open`
    yes           no                no            CLOSING
    no            yes               no            CLOSING
    yes           yes               no            CLOSING
    yes           yes               yes           CLOSED                        yes
    any other                       yes           CLOSED                        no
    """

    __slots__ = {
        "state": "A member of State.",
        "sent": "Our Close, or None.",
        "received": "The peer's first Close, or None.",
    }

    def __init__(self) -> None:
        self.state = CONNECTING
        self.sent: Close | None = None
        self.received: Close | None = None

    def open(self) -> None:
        """The opening handshake is done (§4.1, §4.2.2)."""
        self.state = OPEN

    def send(self, close: Close) -> None:
        """Note that our Close is on its way."""
        self.sent = close
        self.state = CLOSING

    def receive(self, close: Close) -> None:
        """Note the peer's Close; only the first one counts (§7.1.5)."""
        self.received = self.received or close
        self.state = CLOSING

    def tcp_closed(self) -> None:
        """Note the end of the TCP connection (§7.1.4)."""
        self.state = CLOSED

    @property
    def was_clean(self) -> bool:
        """§7.1.4: whether a Close was both sent and received before the TCP connection ended."""
        return self.state is CLOSED and self.sent is not None and self.received is not None

    @property
    def code(self) -> int | None:
        """§7.1.5: the code of the peer's Close, or 1005; 1006 if TCP ended without one; or None."""
        if self.received is not None:
            return self.received.code
        return int(CloseCode.ABNORMAL_CLOSURE) if self.state is CLOSED else None

    @property
    def reason(self) -> str | None:
        """§7.1.6: the reason in the peer's Close; "" if TCP ended without a Close; or None."""
        if self.received is not None:
            return self.received.reason
        return "" if self.state is CLOSED else None
