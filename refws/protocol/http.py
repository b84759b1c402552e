"""RFC 9112, both sides: binary file -> Request or Response, and each of them -> bytes.

    GET /chat?room=1 HTTP/1.1 CRLF      request line: method SP target SP version (RFC 9112 §3)
    Host: server.example.com CRLF       field lines: name ":" OWS value OWS (RFC 9112 §5)
    Upgrade: websocket CRLF
    CRLF                                the empty line ends the head; what follows are frames

    HTTP/1.1 101 Switching Protocols CRLF   status line: version SP status SP reason (RFC 9112 §4)
    Upgrade: websocket CRLF ...             field lines and the empty line, as above

This file checks only syntax; handshake.py decides which request opens a connection. It reads only
heads, because an opening handshake has no body; client/response.py reads the body of a refusal.

Reading is strict: a head that two programs could read in two ways is refused. A proxy in between
may be the other program, and then the two disagree about where the next bytes belong. A header
folded over several lines is refused, too (RFC 9112 §5.2).

All field lines with a fault are named at once, each with its first fault; LF alone is named once
for all lines. A malformed first line and a limit are named alone, because the rest is then not
read. handshake.py sees no such head.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from string import ascii_lowercase, ascii_uppercase
from typing import Protocol

from .errors import Fault, HandshakeError, InvalidHandshake

MAX_LINE_SIZE = 8 * 1024
"""Bytes of the request line, of the status line or of one field line, without the CRLF."""

MAX_FIELD_LINES = 64

MAX_HEAD_SIZE = 32 * 1024
"""Bytes of the whole head, every CRLF included."""

MAX_QUOTED = 60
"""Characters of the peer's words that an error message repeats."""

CRLF = b"\r\n"
OWS = " \t"
TLS_HANDSHAKE_RECORD = b"\x16"

TOKEN_CHARACTERS = "!#$%&'*+.^_`|~0-9A-Za-z-"
TOKEN = re.compile(f"[{TOKEN_CHARACTERS}]+")
FIELD_VALUE = re.compile(r"[\t\x20-\x7e]*")
REQUEST_LINE = re.compile(rf"([{TOKEN_CHARACTERS}]+) ([\x21-\x7e]+) (HTTP/[0-9]\.[0-9])")
ABSOLUTE_FORM = re.compile(r"https?://([^/?]*)(.*)", re.ASCII | re.IGNORECASE)

ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


class LineReader(Protocol):
    """A binary file; reading a head needs only this method."""

    def readline(self, limit: int, /) -> bytes: ...


class IncompleteHead(InvalidHandshake, EOFError):
    """The stream ended after `received` bytes of a head. `message` is "request" or "response"."""

    def __init__(self, received: int, message: str = "request") -> None:
        super().__init__(received, message)
        self.received = received
        self.message = message

    def __str__(self) -> str:
        if self.received == 0:
            return f"the connection ended before any {self.message}"
        return f"the connection ended inside the {self.message} head, after {self.received} bytes"


# Words and lists


def ascii_lower(text: str) -> str:
    """`text` with A-Z as a-z and nothing else changed; str.lower() changes more than ASCII."""
    return text.translate(ASCII_LOWER)


def is_token(text: str) -> bool:
    """True for a token of RFC 9110 §5.6.2."""
    return TOKEN.fullmatch(text) is not None


def list_elements(values: Iterable[str]) -> list[str]:
    """The elements of a comma list without quoted strings, from all its lines (RFC 9110 §5.6.1).

    Empty elements are left out, because a recipient must ignore a few of them.
    """
    elements = (element.strip(OWS) for value in values for element in value.split(","))
    return [element for element in elements if element]


def quote(words: str, limit: int = MAX_QUOTED) -> str:
    """The peer's words for an error message: in quotes, in printable ASCII, cut short."""
    return ascii(words[:limit]) + ("..." if len(words) > limit else "")


def count_lines(name: str, values: list[str]) -> str:
    """How often a missing or repeated header is there, in words."""
    return f"{len(values)} {name} headers" if values else f"no {name} header"


# Messages


@dataclass(frozen=True, init=False, slots=True)
class Headers:
    """The field lines of a head, in order; the case of names does not matter (RFC 9110 §5.1).

    ValueError for a name that is no token, and for a value with other characters than printable
    ASCII, space and tab: so no value can add a line to a head.
    """

    lines: tuple[tuple[str, str], ...]

    def __init__(self, lines: Iterable[tuple[str, str]] = ()) -> None:
        object.__setattr__(self, "lines", tuple(lines))
        for name, value in self.lines:
            if not is_token(name):
                raise ValueError(f"header name {quote(name)} is not a token (RFC 9110 §5.6.2)")
            if not FIELD_VALUE.fullmatch(value):
                seen = f"value {quote(value)} of header {name}"
                raise ValueError(f"{seen} is not printable ASCII (RFC 9110 §5.5)")

    def get_all(self, name: str) -> list[str]:
        """The value of each line called `name`, in order."""
        wanted = ascii_lower(name)
        return [value for line_name, value in self.lines if ascii_lower(line_name) == wanted]

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value of `name`, its lines joined with ", " (RFC 9110 §5.3); `default` if none."""
        values = self.get_all(name)
        return ", ".join(values) if values else default

    def items(self) -> Iterator[tuple[str, str]]:
        """(name, value) of each line, names as they were written."""
        return iter(self.lines)

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.get_all(name))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return self.items()

    def __len__(self) -> int:
        return len(self.lines)

    def to_bytes(self) -> bytes:
        """The field lines as they are on the wire (RFC 9112 §5)."""
        return "".join(f"{name}: {value}\r\n" for name, value in self.lines).encode("ascii")


@dataclass(frozen=True, slots=True)
class Request:
    """The head of an HTTP request; `target` and `version` as in the request line (RFC 9112 §3).

    The target of a CONNECT is an authority (RFC 9112 §3.2.3): its path and query are empty.
    """

    method: str
    target: str
    version: str
    headers: Headers

    @property
    def path(self) -> str:
        """The path of the target, in origin or absolute form, not percent-decoded."""
        return self._path_and_query()[0]

    @property
    def query(self) -> str:
        """What follows the "?" of the target; "" if there is nothing."""
        return self._path_and_query()[1]

    @property
    def resource_name(self) -> str:
        """The path, and "?" and the query if there is one."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def authority(self) -> str:
        """The `host[:port]` that the client asked for, in an absolute target or in Host."""
        if self.method == "CONNECT":
            return self.target
        absolute = ABSOLUTE_FORM.fullmatch(self.target)
        return absolute[1] if absolute else self.headers.get("Host") or ""

    def to_bytes(self) -> bytes:
        """The head as it is on the wire."""
        return (
            f"{self.method} {self.target} {self.version}\r\n".encode("ascii")
            + self.headers.to_bytes()
            + CRLF
        )

    def _path_and_query(self) -> tuple[str, str]:
        if self.method == "CONNECT":
            return "", ""
        absolute = ABSOLUTE_FORM.fullmatch(self.target)
        path, _, query = (absolute[2] if absolute else self.target).partition("?")
        return path or "/", query


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response. ValueError for a status code or reason phrase that cannot be sent."""

    status_code: int
    reason_phrase: str
    headers: Headers
    body: bytes = b""
    version: str = "HTTP/1.1"

    def __post_init__(self) -> None:
        if not 100 <= self.status_code <= 599:
            seen = f"status code {self.status_code}"
            raise ValueError(f"{seen} is not one of 100 to 599 (RFC 9110 §15)")
        if not FIELD_VALUE.fullmatch(self.reason_phrase):
            seen = f"reason phrase {quote(self.reason_phrase)}"
            raise ValueError(f"{seen} is not printable ASCII (RFC 9112 §4)")

    @classmethod
    def text(
        cls, status: HTTPStatus, text: str, headers: Iterable[tuple[str, str]] = ()
    ) -> Response:
        """An answer in plain text, for people to read, after which the connection closes.

        A header in `headers` replaces the one that this function would write.
        """
        body = text.encode("utf-8")
        given = Headers(headers)
        standard = (
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
            ("X-Content-Type-Options", "nosniff"),
        )
        missing = [(name, value) for name, value in standard if name not in given]
        return cls(status.value, status.phrase, Headers([*missing, *given]), body)

    def to_bytes(self) -> bytes:
        """The response as it is on the wire (RFC 9112 §4)."""
        status_line = f"{self.version} {self.status_code} {self.reason_phrase}\r\n".encode("ascii")
        return status_line + self.headers.to_bytes() + CRLF + self.body


# Reading a request


def read_request(file: LineReader) -> Request:
    """The request that `file` begins with; no byte after its empty line is read.

    HandshakeError with the first fault of each field line, or with one fault of the request line or
    of a limit; IncompleteHead if the stream ends first. Blocks until the head is whole, and reads
    at most MAX_HEAD_SIZE bytes and one line.
    """
    reader = HeadReader(file, "request")
    request_line = _read_request_line(reader)
    method, target, version = _parse_request_line(request_line)
    field_lines = read_field_lines(reader)

    fields = [parse_field(line) for line in field_lines]
    headers = Headers(field for field in fields if not isinstance(field, Fault))
    faults = (
        *check_line_ends([request_line, *field_lines]),
        *(field for field in fields if isinstance(field, Fault)),
    )
    if faults:
        raise HandshakeError(faults)
    return Request(method, target, version, headers)


def _read_request_line(reader: HeadReader) -> bytes:
    too_long = Fault(
        "RFC 9112 §3",
        "a request line above the limit",
        f"at most {MAX_LINE_SIZE} bytes",
        status=HTTPStatus.REQUEST_URI_TOO_LONG,
    )
    line = reader.read_line(too_long, _read_first_byte(reader.file))
    if line == CRLF:  # RFC 9112 §2.2: one empty line before the request line is ignored
        line = reader.read_line(too_long)
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
    return Fault(
        "RFC 9112 §3",
        f"request line {quote(without_line_end(line))}",
        "GET /path HTTP/1.1, in ASCII",
    )


# Reading a request or a response: the lines of a head


class HeadReader:
    """Reads the lines of one head, and counts bytes. `message` is "request" or "response"."""

    def __init__(self, file: LineReader, message: str) -> None:
        self.file = file
        self.message = message
        self.received = 0

    def read_line(self, too_long: Fault, start: bytes = b"") -> bytes:
        """The next line; `start` is the part already read. HandshakeError or IncompleteHead."""
        line = start + self.file.readline(MAX_LINE_SIZE + len(CRLF) - len(start))
        self.received += len(line)
        if len(line.removesuffix(CRLF)) > MAX_LINE_SIZE:
            raise HandshakeError([too_long])
        if not line.endswith(b"\n"):
            raise IncompleteHead(self.received, self.message)
        if self.received > MAX_HEAD_SIZE:
            raise HandshakeError(
                [_too_large("a head above the limit", f"at most {MAX_HEAD_SIZE} bytes in all")]
            )
        return line


def read_field_lines(reader: HeadReader) -> list[bytes]:
    """The lines before the empty line, which is read, too. Errors as in `read_line`."""
    too_long = _too_large("a header line above the limit", f"at most {MAX_LINE_SIZE} bytes")
    lines: list[bytes] = []
    while (line := reader.read_line(too_long)) not in (CRLF, b"\n"):
        if len(lines) == MAX_FIELD_LINES:
            raise HandshakeError(
                [_too_large("more header lines than the limit", f"at most {MAX_FIELD_LINES}")]
            )
        lines.append(line)
    return lines


def parse_field(line: bytes) -> tuple[str, str] | Fault:
    """(name, value) of a field line, or the first fault in it (RFC 9112 §5)."""
    text = without_line_end(line)
    name, colon, value = text.partition(":")
    if text[0] in OWS:
        seen = f"a line that begins with white space, {quote(text)}"
        return Fault("RFC 9112 §5.2", seen, "each header on one line")
    if not colon:
        return Fault("RFC 9112 §5", f"a header line without a colon, {quote(text)}", "name: value")
    if name[-1:] in (" ", "\t"):
        return Fault("RFC 9112 §5.1", f"white space before the colon, {quote(text)}", "name: value")
    if not is_token(name):
        expected = "a token: letters, digits and a few signs"
        return Fault("RFC 9110 §5.1", f"header name {quote(name)}", expected)
    if not FIELD_VALUE.fullmatch(value):
        seen = f"header {quote(name)} with value {quote(value)}"
        return Fault("RFC 9110 §5.5", seen, "printable ASCII characters", name)
    return name, value.strip(OWS)


def check_line_ends(lines: list[bytes]) -> Iterator[Fault]:
    if not all(line.endswith(CRLF) for line in lines):
        expected = "CR LF at the end of each line"
        yield Fault("RFC 9112 §2.2", "a line that ends with LF alone", expected)


def without_line_end(line: bytes) -> str:
    """The line as text, each byte as one character: bytes that are not ASCII are refused later."""
    return line.removesuffix(b"\n").removesuffix(b"\r").decode("latin-1")


def _too_large(seen: str, expected: str) -> Fault:
    return Fault("RFC 6585 §5", seen, expected, status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
