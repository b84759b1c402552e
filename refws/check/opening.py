"""RFC 6455 §4.1: the opening handshake of a case: a valid request, and what is changed in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..protocol.errors import Fault, HandshakeError
from ..protocol.extensions import parse_extensions, split_unquoted
from ..protocol.heads import parse_field
from ..protocol.http import CRLF, Headers, Request

KEY, EXTENSIONS = "Sec-WebSocket-Key", "Sec-WebSocket-Extensions"

HIDDEN_KEY = re.compile(rb"Sec-WebSocket-Key: ([^\r\n]*)")
"""A key in any place of the head, such as a line that does not count."""

Edit = Callable[[bytes], bytes]
"""From the bytes of a valid head to the bytes that are sent."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How the request is changed, and how it is sent.

    `offer` is the value of Sec-WebSocket-Extensions, None for no such header. `after` are bytes
    that leave together with the head. `drip` seconds pass between two parts of `size` bytes.
    """

    edits: tuple[Edit, ...] = ()
    offer: str | None = None
    after: bytes = b""
    drip: float = 0.0
    size: int = 1

    def edited(self, head: bytes) -> bytes:
        """The bytes to send, made from the valid head."""
        for edit in self.edits:
            head = edit(head)
        return head + self.after


VALID = Opening()


def as_sent(request: Request, sent: bytes) -> Request:
    """The request with the headers that were sent instead of its own: the answer is to fit them.

    Of what no server should accept, one that does makes this: it ignores malformed lines and
    offers, and takes the first key, if need be one that is hidden in another line, or "".
    """
    head, _, _ = sent.partition(CRLF + CRLF)
    fields = [parse_field(line) for line in head.split(b"\n")[1:] if line.strip()]
    headers = Headers(field for field in fields if not isinstance(field, Fault))
    hidden = [key.decode("latin-1") for key in HIDDEN_KEY.findall(head)]
    headers[KEY] = next(iter(taken(headers, KEY) + hidden), "")
    for offer in split_unquoted(", ".join(taken(headers, EXTENSIONS)), ","):
        if is_offer(offer):
            headers[EXTENSIONS] = offer
    return Request(request.method, request.target, request.version, headers)


def taken(headers: Headers, name: str) -> list[str]:
    """The values of this header, which is removed."""
    values = headers.get_all(name)
    if values:
        del headers[name]
    return values


def is_offer(text: str) -> bool:
    try:
        return bool(parse_extensions([text]))
    except HandshakeError:
        return False


def edited(*edits: Edit) -> Opening:
    return Opening(edits)


def without(name: str) -> Edit:
    """The head without the lines of this header."""

    def edit(head: bytes) -> bytes:
        first, *lines = head.split(CRLF)
        return CRLF.join([first, *(line for line in lines if not is_called(line, name))])

    return edit


def with_line(name: str, value: str) -> Edit:
    """The head with this line in place of the header's own ones, if there are any."""
    return lambda head: added(name, value)(without(name)(head))


def added(name: str, value: str) -> Edit:
    """The head with one more line, before the empty one."""
    line = f"{name}: {value}".encode("latin-1")
    return lambda head: head.removesuffix(CRLF) + line + CRLF + CRLF


def first_line(line: str) -> Edit:
    """The head with another first line; `{}` in it stands for the target."""

    def edit(head: bytes) -> bytes:
        first, _, rest = head.partition(CRLF)
        target = first.split(b" ")[1].decode("latin-1")
        return line.replace("{}", target).encode("latin-1") + CRLF + rest

    return edit


def reordered(head: bytes) -> bytes:
    """The head with its header lines in the opposite order."""
    first, *lines = head.removesuffix(CRLF + CRLF).split(CRLF)
    return CRLF.join([first, *reversed(lines), b"", b""])


def named(change: Callable[[bytes], bytes]) -> Edit:
    """The head with the names of its headers changed, such as by `bytes.upper`."""

    def edit(head: bytes) -> bytes:
        first, *lines = head.split(CRLF)
        parts = (line.partition(b":") for line in lines)
        return CRLF.join([first, *(change(name) + colon + value for name, colon, value in parts)])

    return edit


def before_headers(data: bytes) -> Edit:
    """The head with this after its first line."""
    return lambda head: head.replace(CRLF, CRLF + data, 1)


def absolute(head: bytes) -> bytes:
    """The head with an absolute URI as its target (RFC 9112 §3.2.2)."""
    host = next(line for line in head.split(CRLF) if is_called(line, "Host"))
    return head.replace(b" ", b" http://" + host.partition(b":")[2].strip(), 1)


def instead(data: bytes) -> Edit:
    """These bytes in place of the head."""
    return lambda head: data


def replaced(old: bytes, new: bytes) -> Edit:
    """The head with other bytes in place of these, everywhere."""
    return lambda head: head.replace(old, new)


def is_called(line: bytes, name: str) -> bool:
    return line.partition(b":")[0].strip().lower() == name.lower().encode("latin-1")
