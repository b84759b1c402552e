"""RFC 6455 §7.1.7: a rule to break on the page: what is sent, the right answer, and the words.

The tables of these cases are in violations.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ...protocol.close_codes import CloseCode
from ...protocol.handshake import VERSION
from ...protocol.http import Headers, Request
from ...raw_client import Answer

SAMPLE_NONCE = "dGhlIHNhbXBsZSBub25jZQ=="
"""The Sec-WebSocket-Key of the example in §1.3."""

DEFLATE_OFFER = ("Sec-WebSocket-Extensions", "permessage-deflate")


@dataclass(frozen=True, slots=True)
class Case:
    """What is sent, and the right answer: `status` of the response, then `code` of the Close.

    `checked` is the name of the same case in `refws check`, "" if it has none.
    """

    name: str
    checked: str
    section: str
    title: str
    why: str
    wire: tuple[bytes, ...] = ()
    """Chunks to send after the opening handshake, one by one."""
    code: int | None = CloseCode.PROTOCOL_ERROR
    """The close code of the right answer; None if TCP ends without a Close."""
    status: int = HTTPStatus.SWITCHING_PROTOCOLS
    method: str = "GET"
    headers: tuple[tuple[str, str | None], ...] = ()
    """They replace headers of a valid handshake; a value of None leaves the header out."""
    messages: int = 0
    """How many messages are echoed before the end."""
    allowed: bool = False
    """Whether no rule is broken."""
    may_just_end: bool = False
    """Whether the end of TCP without a Close is right, too: §7.1.7 lets a client choose."""

    @property
    def compressed(self) -> bool:
        """Whether the case needs permessage-deflate, and offers it."""
        return DEFLATE_OFFER in self.headers

    def request(self, target: str, host: str, login: str | None = None) -> Request:
        """The opening handshake of the client, with `login` as Authorization if there is one."""
        lines: dict[str, str | None] = {
            "Host": host,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": SAMPLE_NONCE,
            "Sec-WebSocket-Version": VERSION,
            "Authorization": login,
        }
        lines.update(self.headers)
        present = [(name, value) for name, value in lines.items() if value is not None]
        return Request(self.method, target, "HTTP/1.1", Headers(present))

    def is_right(self, answer: Answer) -> bool:
        """Whether this is the answer that the RFC asks for."""
        if answer.problem or answer.status != self.status:
            return False
        if self.status != HTTPStatus.SWITCHING_PROTOCOLS:
            return True
        if answer.close is None and self.may_just_end:
            return True
        code = None if answer.close is None else answer.close.code
        return (code, len(answer.messages)) == (self.code, self.messages)

    def as_json(self) -> dict[str, Any]:
        """What the page shows of the case."""
        names = ("name", "checked", "section", "title", "why", "code", "method", "allowed")
        return {
            **{name: getattr(self, name) for name in names},
            "status": int(self.status),
            "headers": [list(header) for header in self.headers],
            "wire": b"".join(self.wire)[:64].hex(),
        }

    def outcome(self, answer: Answer) -> dict[str, Any]:
        """What the page shows of an answer."""
        return {
            "name": self.name,
            "status": answer.status,
            "code": None if answer.close is None else answer.close.code,
            "reason": "" if answer.close is None else answer.close.reason,
            "messages": len(answer.messages),
            "problem": answer.problem,
            "as_expected": self.is_right(answer),
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Cases under one heading of the page; `command` is what the page sends to try one."""

    command: str
    title: str
    cases: tuple[Case, ...]

    def as_json(self) -> dict[str, Any]:
        cases = [case.as_json() for case in self.cases]
        return {"command": self.command, "title": self.title, "cases": cases}
