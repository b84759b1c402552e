"""RFC 9112, both sides: the heads of requests and responses, as values and as bytes.

    GET /chat?room=1 HTTP/1.1 CRLF      request line: method SP target SP version (RFC 9112 §3)
    Host: server.example.com CRLF       field lines: name ":" OWS value OWS (RFC 9112 §5)
    Upgrade: websocket CRLF
    CRLF                                the empty line ends the head; what follows are frames

    HTTP/1.1 101 Switching Protocols CRLF   status line: version SP status SP reason (RFC 9112 §4)
    Upgrade: websocket CRLF ...             field lines and the empty line, as above

heads.py reads them; handshake.py decides which request opens a connection.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from string import ascii_lowercase, ascii_uppercase

MAX_QUOTED = 60
"""Characters of the peer's words that an error message repeats."""

MAX_QUOTED_SECRET = 12
"""The same of what may be a part of a secret, such as a cookie that is cut in two."""

CRLF = b"\r\n"
OWS = " \t"

TOKEN_CHARACTERS = "!#$%&'*+.^_`|~0-9A-Za-z-"
TOKEN = re.compile(f"[{TOKEN_CHARACTERS}]+")
FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""Bytes from 0x80 up are opaque data, each one character here (RFC 9110 §5.5, obs-text)."""

ABSOLUTE_FORM = re.compile(r"https?://([^/?]*)(.*)", re.ASCII | re.IGNORECASE)

SECRET_OF_TARGET = re.compile(
    r"(?<=[?#]).+?(?= HTTP/[^ ]*$|$)|(?:^|(?<=//))[^/?# ]+(?=@)", re.DOTALL
)
"""The query and the fragment, where a script in a browser puts a token, and user:password.

A malformed request line may have spaces in its query: all up to the version is one secret.
"""

NO_SPACE = re.compile("[^ ]")

WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
"""Their responses end with the head (RFC 9112 §6.3 item 1), and a 204 may give no length."""

WITHOUT_TEXT = (*WITHOUT_BODY, HTTPStatus.RESET_CONTENT)
"""The body of a 205 must be empty, but has a length (RFC 9110 §15.3.6)."""

CONTENT_LENGTH = re.compile("[0-9]{1,18}")

ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


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


def content_length(headers: Headers) -> int | None:
    """The size of a body; None without a Content-Length, or with one that makes no sense.

    Several that are the same count as one (RFC 9112 §6.3 item 5).
    """
    values = headers.get_all("Content-Length")
    lengths = {value.strip(OWS) for line in values for value in line.split(",")}
    length = lengths.pop() if len(lengths) == 1 else ""
    return int(length) if CONTENT_LENGTH.fullmatch(length) else None


def is_chunked(headers: Headers) -> bool:
    """Whether the body is in chunks, which say where it ends (RFC 9112 §6.3 item 4)."""
    codings = list_elements(headers.get_all("Transfer-Encoding"))
    return bool(codings) and ascii_lower(codings[-1]) == "chunked"


def quote(words: str, limit: int = MAX_QUOTED) -> str:
    """The peer's words for an error message: in quotes, in printable ASCII, cut short."""
    return ascii(words[:limit]) + ("..." if len(words) > limit else "")


def quote_target(words: str, limit: int = MAX_QUOTED) -> str:
    """The same for a target, a line with one, or an authority: its secrets become stars."""
    return quote(SECRET_OF_TARGET.sub(lambda secret: NO_SPACE.sub("*", secret[0]), words), limit)


def count_lines(name: str, values: list[str]) -> str:
    """How often a missing or repeated header is there, in words."""
    return f"{len(values)} {name} headers" if values else f"no {name} header"


# Messages


JOINED_WITH = {"cookie": "; "}
"""What joins the lines of a header that is no comma list (RFC 9110 §5.3); HTTP/2 sends each cookie
on a line of its own, and a proxy may pass that on (RFC 9113 §8.2.3).
"""


class Headers(MutableMapping[str, str]):
    """The field lines of a head, in order; the case of names does not matter (RFC 9110 §5.1).

    Made of a mapping, or of (name, value) pairs. To set a header adds a line; to delete it removes
    all its lines. To iterate gives each name once, in lower case; `raw_items` gives the lines, and
    `get_all` the lines of one name, such as Set-Cookie, whose lines must not be joined.

    A value is str, one character for each byte, as latin-1 has it; bytes from 0x80 up have no
    meaning here (RFC 9110 §5.5). A sender that meant UTF-8 is read by
    `value.encode("latin-1").decode()`. ValueError for a name that is no token, and for a value with
    a control character or one above U+00FF: so no value can add a line to a head.
    """

    __slots__ = {"_lines": "(name, value) of each line. Written by the thread of the handshake."}

    def __init__(self, headers: HeadersLike = ()) -> None:
        self._lines: list[tuple[str, str]] = []
        for name, value in field_lines(headers):
            self[name] = value

    def get_all(self, name: str) -> list[str]:
        """The value of each line called `name`, in order."""
        wanted = ascii_lower(name)
        return [value for line_name, value in self._lines if ascii_lower(line_name) == wanted]

    def raw_items(self) -> Iterator[tuple[str, str]]:
        """(name, value) of each line, names as they were written."""
        return iter(self._lines)

    def copy(self) -> Headers:
        """The same lines, which can be changed without changing these."""
        return Headers(self)

    def to_bytes(self) -> bytes:
        """The field lines as they are on the wire (RFC 9112 §5)."""
        return "".join(f"{name}: {value}\r\n" for name, value in self._lines).encode("latin-1")

    def __getitem__(self, name: str) -> str:
        """The value of `name`, its lines joined with ", " or as JOINED_WITH says; or KeyError."""
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        return JOINED_WITH.get(ascii_lower(name), ", ").join(values)

    def __setitem__(self, name: str, value: str) -> None:
        if not is_token(name):
            raise ValueError(f"header name {quote(name)} is not a token (RFC 9110 §5.6.2)")
        if not isinstance(value, str):
            raise TypeError(f"header {name} has a value of type {type(value).__name__}; use a str")
        if not FIELD_VALUE.fullmatch(value):
            what = f"no latin-1 in its value, {quote(FIELD_VALUE.sub('', value)[:1])}"
            raise ValueError(f"header {name} has a control character or {what} (RFC 9110 §5.5)")
        self._lines.append((name, value))

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        removed = ascii_lower(name)
        self._lines = [line for line in self._lines if ascii_lower(line[0]) != removed]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.get_all(name))

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(ascii_lower(name) for name, _ in self._lines))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._lines!r})"


HeadersLike = Headers | Mapping[str, str] | Iterable[tuple[str, str]]


def field_lines(headers: HeadersLike) -> Iterable[tuple[str, str]]:
    """(name, value) of each line."""
    if isinstance(headers, (list, tuple)):  # FAST: `Mapping` takes a page more of each stack
        return headers
    if isinstance(headers, Headers):
        return headers.raw_items()
    return headers.items() if isinstance(headers, Mapping) else headers


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
        """The path, and "?" and the query if there is one: the resource name of RFC 6455 §3."""
        return f"{self.absolute_path}?{self.query}" if self.query else self.absolute_path

    @property
    def absolute_path(self) -> str:
        """The path of the target alone, in origin or absolute form, not percent-decoded."""
        return self._path_and_query()[0]

    @property
    def query(self) -> str:
        """What follows the "?" of the target; "" if there is nothing."""
        return self._path_and_query()[1]

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
    """An HTTP response. ValueError for a status code or reason phrase that cannot be sent.

    The codes 600 to 999 have no meaning, and count as 5xx (RFC 9110 §15).
    """

    status_code: int
    reason_phrase: str
    headers: Headers
    body: bytes = b""
    version: str = "HTTP/1.1"

    def __post_init__(self) -> None:
        if not 100 <= self.status_code <= 999:
            seen = f"status code {self.status_code}"
            raise ValueError(f"{seen} is not one of 100 to 999 (RFC 9110 §15)")
        if not FIELD_VALUE.fullmatch(self.reason_phrase):
            seen = f"reason phrase {quote(self.reason_phrase)}"
            raise ValueError(f"{seen} has a control character or no latin-1 (RFC 9112 §4)")

    @classmethod
    def text(cls, status: HTTPStatus, text: str, headers: HeadersLike = ()) -> Response:
        """An answer in plain text, for people to read, after which the connection closes.

        A header in `headers` replaces the one that this function would write. ValueError for a text
        with a status that has none.
        """
        body = text.encode("utf-8")
        if body and status in WITHOUT_TEXT:
            raise ValueError(f"a response with status {status.value} has no text; use ''")
        given = Headers(headers)
        standard = [("Connection", "close"), ("X-Content-Type-Options", "nosniff")]
        if status not in WITHOUT_BODY:
            content_type = ("Content-Type", "text/plain; charset=utf-8")
            standard = [content_type, ("Content-Length", str(len(body))), *standard]
        missing = [(name, value) for name, value in standard if name not in given]
        return cls(status.value, status.phrase, Headers([*missing, *given.raw_items()]), body)

    def to_bytes(self) -> bytes:
        """The response as it is on the wire (RFC 9112 §4)."""
        status_line = f"{self.version} {self.status_code} {self.reason_phrase}\r\n"
        return status_line.encode("latin-1") + self.headers.to_bytes() + CRLF + self.body
