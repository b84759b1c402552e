"""RFC 6455 §7.1.7: bytes that a page has built or pasted -> what this server answers to them."""

from __future__ import annotations

from typing import Any

from ... import raw_client
from ...protocol.client.handshake import make_key
from ...protocol.frame import Side
from ...protocol.handshake import VERSION
from ...protocol.http import Headers, Request
from ..paste import table
from ..paste.values import CannotRead
from .event_queue import Event

TIMEOUT = 1.0
"""Seconds to wait for each part of the answer: a Ping gets neither a message nor a Close."""

NO_ANSWER = "no message and no Close came back; the timeline shows all frames"


def read_bytes(text: str) -> bytes:
    """The bytes of a client in a pasted text; CannotRead, with what to do, if there are none."""
    pasted = table.read(text)
    if pasted.form in table.WITH_HEADS:
        raise CannotRead("paste the frames alone: the raw client makes the opening handshake")
    data = b"".join(chunk.data for chunk in pasted.chunks if chunk.sender is not Side.SERVER)
    if not data:
        raise CannotRead("there are no bytes of a client: paste some, such as 81 85 00 00 00 00")
    return data


def send_bytes(data: bytes, address: Any, target: str, login: str | None) -> Event:
    """What the server at this address answers to the bytes, after a handshake for `target`.

    The reading ends with the first message or Close. Blocks for some seconds at most.
    """
    lines = {
        "Host": raw_client.host_of(address),
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": make_key(),
        "Sec-WebSocket-Version": VERSION,
        "Authorization": login,
    }
    present = [(name, value) for name, value in lines.items() if value is not None]
    request = Request("GET", target, "HTTP/1.1", Headers(present)).to_bytes()
    answer = raw_client.exchange(address, request, (data,), max_messages=1, timeout=TIMEOUT)
    nothing = answer.close is None and not answer.messages
    return {
        "size": len(data),
        "status": answer.status,
        "code": None if answer.close is None else answer.close.code,
        "reason": "" if answer.close is None else answer.close.reason,
        "messages": len(answer.messages),
        "problem": answer.problem or (NO_ANSWER if answer.status == 101 and nothing else ""),
    }
