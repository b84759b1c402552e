"""RFC 6455 §4.2.2: the answer to a client under test: a valid 101, and what a case changes in it.

The edits of opening.py change a response as they change a request; here are those that only a
response needs.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...protocol.client.handshake import Agreement
from ...protocol.deflate.negotiation import (
    CLIENT_MAX_WINDOW_BITS,
    CLIENT_NO_CONTEXT_TAKEOVER,
    DeflateSettings,
    choose_offer,
)
from ...protocol.extensions import parse_extensions
from ...protocol.handshake import accept_key, requested_subprotocols
from ...protocol.http import CRLF, Headers, Request, Response, is_token
from ..opening import Edit, is_called
from .seen import offered

REDIRECTED = "/redirected"
"""Where a 301 of a case points to: what follows it has left WebSocket, and is no case."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of a valid 101, and what it agrees on."""

    head: bytes
    agreement: Agreement


def valid_answer(request: Request, wanted: str | None) -> Answer:
    """The 101 for this request. It names the first subprotocol of the list, as most servers do.

    `wanted` is None for no extension; or permessage-deflate with the parameters that are for the
    client, which is then accepted if it is offered.
    """
    lines = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept_key(request.headers.get("Sec-WebSocket-Key") or "")),
    ]
    names = [name for name in requested_subprotocols(request) if is_token(name)]
    subprotocol = names[0] if names else None
    if subprotocol is not None:
        lines.append(("Sec-WebSocket-Protocol", subprotocol))
    chosen = None if wanted is None else choose_offer(offered(request), settings_for(wanted))
    parameters, value = chosen or (None, "")
    if parameters is not None:
        lines.append(("Sec-WebSocket-Extensions", value))
    head = Response(101, "Switching Protocols", Headers(lines)).to_bytes()
    extensions = parse_extensions([value]) if value else ()
    return Answer(head, Agreement(subprotocol, extensions, parameters))


def settings_for(wanted: str) -> DeflateSettings:
    """What a server with this wish wants; of its own window it says nothing."""
    parameters = dict(parse_extensions([wanted])[0].parameters)
    bits = parameters.get(CLIENT_MAX_WINDOW_BITS)
    return DeflateSettings(
        server_max_window_bits=None,
        client_max_window_bits=None if bits is None else int(bits),
        client_no_context_takeover=CLIENT_NO_CONTEXT_TAKEOVER in parameters,
    )


# Edits


def preceded_by(data: bytes) -> Edit:
    """The head with these bytes before it, such as an interim response."""
    return lambda head: data + head


def added_line(line: bytes) -> Edit:
    """The head with a line before the empty one, of any form."""
    return lambda head: head.removesuffix(CRLF) + line + CRLF + CRLF


def cut(size: int) -> Edit:
    """Only the first bytes of the head."""
    return lambda head: head[:size]


def other_case(name: str) -> Edit:
    """The head with the letters of this header's value in the other case."""

    def edit(head: bytes) -> bytes:
        return CRLF.join(
            line[: len(name)] + line[len(name) :].swapcase() if is_called(line, name) else line
            for line in head.split(CRLF)
        )

    return edit


def names_in_other_case(head: bytes) -> bytes:
    """The head with the names of all headers in the other case."""
    first, *lines = head.split(CRLF)
    parts = [line.partition(b":") for line in lines]
    return CRLF.join([first, *(name.swapcase() + colon + rest for name, colon, rest in parts)])


def spaced(before: bytes, after: bytes) -> Edit:
    """The head with other white space around each value."""

    def edit(head: bytes) -> bytes:
        first, *lines = head.removesuffix(CRLF + CRLF).split(CRLF)
        spread = [line.replace(b": ", b":" + before, 1) + after for line in lines]
        return CRLF.join([first, *spread, b"", b""])

    return edit


def with_first_line(name: str, value: str) -> Edit:
    """The head with one more line, before all other headers."""
    line = f"{name}: {value}".encode("latin-1")
    return lambda head: head.replace(CRLF, CRLF + line + CRLF, 1)
