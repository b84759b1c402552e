"""RFC 6455 §7.1.7: bytes that a page has built or pasted -> what this server answers to them."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

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


OPTION = re.compile(r"(?:: see --help, or|, or|[;:]) --form [^;:]*")
"""The part of a message that is for the command `explain`: a page has no options."""


class Given(NamedTuple):
    """The bytes of a client in a text. `read_as` names its form, "" for hex, which is what it is.

    It says what is left out of the text, too.
    """

    data: bytes
    read_as: str


def read_bytes(text: str) -> Given:
    """What was pasted; CannotRead, with what to do, if there are no bytes of a client."""
    try:
        pasted = table.read(text)
    except CannotRead as error:
        raise CannotRead(OPTION.sub("", str(error))) from None
    if pasted.form in table.WITH_HEADS:
        raise CannotRead("paste the frames alone: the raw client makes the opening handshake")
    data = b"".join(chunk.data for chunk in pasted.chunks if chunk.sender is not Side.SERVER)
    if not data:
        raise CannotRead("there are no bytes of a client: paste some, such as 81 85 00 00 00 00")
    if pasted.form == "hex" and not pasted.cut_off:
        return Given(data, "")
    return Given(data, "; ".join(filter(None, (pasted.description, pasted.cut_off))))


def send_bytes(given: Given, address: Any, target: str, login: str | None) -> Event:
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
    answer = raw_client.exchange(address, request, (given.data,), max_messages=1, timeout=TIMEOUT)
    nothing = answer.close is None and not answer.messages
    return {
        "size": len(given.data),
        "read_as": given.read_as,
        "status": answer.status,
        "code": None if answer.close is None else answer.close.code,
        "reason": "" if answer.close is None else answer.close.reason,
        "messages": len(answer.messages),
        "problem": answer.problem or (NO_ANSWER if answer.status == 101 and nothing else ""),
    }
