"""RFC 9112, both sides: binary file -> the head of a request, or the lines of any head.

This file checks only syntax. It reads only heads, because an opening handshake has no body;
client/response.py reads the head and the body of a response.

Reading is strict: a head that two programs could read in two ways is refused. A proxy in between
may be the other program, and then the two disagree about where the next bytes belong. Of a line
that has only to be passed on nothing is judged but its form: bytes from 0x80 up in a value are
opaque data (RFC 9110 §5.5). A header folded over several lines is refused in a request, and
unfolded in a response, as a client must do (RFC 9112 §5.2).

What a fault repeats reaches a log: no value of a header is repeated, and no query of a target.
All field lines with a fault are named at once, each with its first fault; LF alone is named once
for all lines. A malformed first line and a limit are named alone, because the rest is then not
read. handshake.py sees no such head.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from sys import maxsize
from typing import Protocol

from .errors import Fault, HandshakeError, InvalidHandshake
from .http import (
    CRLF,
    FIELD_VALUE,
    MAX_QUOTED_SECRET,
    OWS,
    TOKEN_CHARACTERS,
    Headers,
    Request,
    ascii_lower,
    is_token,
    quote,
    quote_target,
)

IN_ASCII = re.compile(
    "host|connection|upgrade|origin|sec-websocket-(key|accept|version|protocol|extensions)"
    "|content-length|transfer-encoding"
)
"""Headers that the handshake reads, in lower case: their grammars have no byte from 0x80 up."""

TOO_LONG = {
    "request line": ("RFC 9112 §3", HTTPStatus.REQUEST_URI_TOO_LONG),
    "status line": ("RFC 9112 §4", HTTPStatus.BAD_REQUEST),
    "header line": ("RFC 6585 §5", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
}
"""The section and the status for a line above the limit."""

PROXY_PROTOCOL = b"PROXY "
"""How a load balancer may begin each connection to name the client; version 2 has two CR LF."""

WITHOUT_PROXY_PROTOCOL = (
    "GET /path HTTP/1.1, in ASCII, and no PROXY protocol before it: switch that off in the proxy "
    "(HAProxy: send-proxy, nginx: proxy_protocol)"
)

TLS_HANDSHAKE_RECORD = b"\x16"
REQUEST_LINE = re.compile(rf"([{TOKEN_CHARACTERS}]+) ([\x21-\x7e]+) (HTTP/[0-9]\.[0-9])")


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """The largest head that is read. ValueError for what is no whole number above 0.

    `max_line_size` counts the bytes of the first line or of one header line, without the CRLF;
    `max_head_size` the bytes of all lines, every CRLF included.
    """

    max_line_size: int = 8 * 1024
    max_header_lines: int = 64
    max_head_size: int = 32 * 1024

    def __post_init__(self) -> None:
        for name in HeadLimits.__slots__:
            limit = getattr(self, name)
            if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
                raise ValueError(f"{name} is {limit!r}; use a whole number of at least 1")


HEAD_LIMITS = HeadLimits()


class LineReader(Protocol):
    """A binary file; reading a head needs only this method."""

    def readline(self, limit: int, /) -> bytes: ...


class IncompleteHead(InvalidHandshake, EOFError):
    """The stream ended after `received` bytes of a head.

    `message` is "request" or "response", or "proxy response" if a proxy did not answer a CONNECT.
    """

    def __init__(self, received: int, message: str = "request") -> None:
        super().__init__(received, message)
        self.received = received
        self.message = message

    def __str__(self) -> str:
        if self.received == 0:
            return f"the connection ended before any {self.message}"
        return f"the connection ended inside the {self.message} head, after {self.received} bytes"


# Reading a request


def read_request(file: LineReader, limits: HeadLimits = HEAD_LIMITS) -> Request:
    """The request that `file` begins with; no byte after its empty line is read.

    HandshakeError with the first fault of each field line, or with one fault of the request line or
    of a limit; IncompleteHead if the stream ends first. Blocks until the head is whole, and reads
    at most `max_head_size` bytes and one line.
    """
    reader = HeadReader(file, "request", limits)
    method, target, version = _parse_request_line(_read_request_line(reader))
    field_lines = read_field_lines(reader)

    fields = [parse_field(line) for line in field_lines]
    headers = Headers([field for field in fields if not isinstance(field, Fault)])
    faults = (
        *check_line_ends(reader),
        *(field for field in fields if isinstance(field, Fault)),
    )
    if faults:
        raise HandshakeError(faults)
    return Request(method, target, version, headers)


def _read_request_line(reader: HeadReader) -> bytes:
    line = reader.read_line("request line", _read_first_byte(reader.file))
    if line == CRLF:  # RFC 9112 §2.2: one empty line before the request line is ignored
        line = reader.read_line("request line")
    return line


def _read_first_byte(file: LineReader) -> bytes:
    """The first byte, read alone: a peer that speaks no HTTP may never send a whole line."""
    first_byte = file.readline(1)
    if first_byte == TLS_HANDSHAKE_RECORD:  # a client of wss:// (RFC 6455 §3)
        expected = "ws:// and no TLS: this port speaks plain ws://"
        raise HandshakeError([Fault("§3", "a TLS ClientHello", expected)])
    if first_byte not in (b"", b"\r") and not is_token(first_byte.decode("latin-1")):
        raise HandshakeError([_malformed_request_line(first_byte)])
    return first_byte


def _parse_request_line(line: bytes) -> tuple[str, str, str]:
    match = REQUEST_LINE.fullmatch(without_line_end(line))
    if match is None:
        raise HandshakeError([_malformed_request_line(line)])
    return match[1], match[2], match[3]


def _malformed_request_line(line: bytes) -> Fault:
    seen = f"request line {quote_target(without_line_end(line))}"
    begins_as_proxied = line == CRLF or line.startswith(PROXY_PROTOCOL)  # version 2, version 1
    expected = WITHOUT_PROXY_PROTOCOL if begins_as_proxied else "GET /path HTTP/1.1, in ASCII"
    return Fault("RFC 9112 §3", seen, expected)


# Reading a request or a response: the lines of a head


class HeadReader:
    """Reads the lines of one head, and counts bytes. `message` is "request" or "response"."""

    def __init__(self, file: LineReader, message: str, limits: HeadLimits) -> None:
        self.limits = limits
        self.file = file
        self.message = message
        self.received = 0
        self.lf_alone = False

    def read_line(self, what: str, start: bytes = b"") -> bytes:
        """The next line; `start` is the part already read. HandshakeError or IncompleteHead.

        `what` is one of TOO_LONG.
        """
        line = start + self.file.readline(min(self.limits.max_line_size + 2, maxsize) - len(start))
        self.received += len(line)
        if len(line.removesuffix(CRLF)) > self.limits.max_line_size:
            raise HandshakeError([_too_long(what, self.limits)])
        if not line.endswith(b"\n"):
            raise IncompleteHead(self.received, self.message)
        self.lf_alone |= not line.endswith(CRLF)
        if self.received > self.limits.max_head_size:
            raise HandshakeError([_head_too_large(self.limits)])
        return line


def read_field_lines(reader: HeadReader) -> list[bytes]:
    """The lines before the empty line, which is read, too. Errors as in `read_line`."""
    lines: list[bytes] = []
    while (line := reader.read_line("header line")) not in (CRLF, b"\n"):
        if len(lines) == reader.limits.max_header_lines:
            raise HandshakeError([_too_many_lines(reader.limits)])
        lines.append(line)
    return lines


USUAL = {
    text: text
    for text in (
        *("Host", "Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version"),
        *("Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Origin", "User-Agent", "Cookie"),
        *("Accept-Encoding", "Accept-Language", "Cache-Control", "Pragma"),
        *("websocket", "13", "no-cache"),
    )
}
"""Names and values that nearly all requests have: kept once, and not for each connection."""


def parse_field(line: bytes) -> tuple[str, str] | Fault:
    """(name, value) of a field line, or the first fault in it (RFC 9112 §5)."""
    text = without_line_end(line)
    name, colon, value = text.partition(":")
    if text[0] in OWS:
        seen = f"a line of {len(text)} characters that begins with white space"
        return Fault("RFC 9112 §5.2", seen, "each header on one line")
    if not colon:
        seen = f"a header line without a colon, {quote(text, MAX_QUOTED_SECRET)}"
        return Fault("RFC 9112 §5", seen, "name: value")
    if not is_token(name.rstrip(OWS)):
        expected = "a token: letters, digits and a few signs"
        return Fault("RFC 9110 §5.1", f"header name {quote(name, MAX_QUOTED_SECRET)}", expected)
    if name[-1:] in (" ", "\t"):
        return Fault("RFC 9112 §5.1", f"white space before the colon, {quote(name)}", "name: value")
    if not FIELD_VALUE.fullmatch(value) or not (value.isascii() or _is_opaque(name)):
        seen = f"header {quote(name)} with {quote(_first_fault(value))} in its value"
        return Fault("RFC 9110 §5.5", seen, "no control characters, and here only ASCII", name)
    value = value.strip(OWS)
    return USUAL.get(name, name), USUAL.get(value, value)


def _first_fault(value: str) -> str:
    """The first control character, or the first one that is not ASCII if there is none."""
    allowed = FIELD_VALUE.match(value)
    end = allowed.end() if allowed else 0
    return value[end : end + 1] or next(character for character in value if not character.isascii())


def _is_opaque(name: str) -> bool:
    """Whether a header with this name is only passed on, so that any text may be in it."""
    return IN_ASCII.fullmatch(ascii_lower(name)) is None


def check_line_ends(reader: HeadReader) -> Iterator[Fault]:
    if reader.lf_alone:
        expected = "CR LF at the end of each line"
        yield Fault("RFC 9112 §2.2", "a line that ends with LF alone", expected)


def without_line_end(line: bytes) -> str:
    """The line as text, each byte as one character."""
    return line.removesuffix(b"\n").removesuffix(b"\r").decode("latin-1")


def _too_long(what: str, limits: HeadLimits) -> Fault:
    section, status = TOO_LONG[what]
    expected = f"at most {limits.max_line_size} bytes (max_line_size)"
    return Fault(section, f"a {what} above the limit", expected, status=status)


def _head_too_large(limits: HeadLimits) -> Fault:
    expected = f"at most {limits.max_head_size} bytes in all (max_head_size)"
    return _too_large("a head above the limit", expected)


def _too_many_lines(limits: HeadLimits) -> Fault:
    expected = f"at most {limits.max_header_lines} (max_header_lines)"
    return _too_large("more header lines than the limit", expected)


def _too_large(seen: str, expected: str) -> Fault:
    return Fault("RFC 6585 §5", seen, expected, status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
