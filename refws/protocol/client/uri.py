"""RFC 6455 §3, §11.1: text -> WebSocketURI, or a refusal that says what to write instead.

    wss://example.com:8443/chat?room=1
    |     |           |   |    |
    |     |           |   |    query, with the path the resource name
    |     |           |   path                     port, path and query may be left out
    scheme host       port

The grammar is that of RFC 3986, and nothing is guessed. A URI in Unicode is accepted too, and sent
in ASCII (§11.1.1): the host by RFC 5891 (xn--...), every other character that a URI must not have
as UTF-8, percent-encoded. White space and control characters are refused: no URI has them, and to
drop them would be a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote as percent_encode
from urllib.parse import unquote

from ..authority import NAME_CHARACTERS, PORT, bracketed, cut_authority, is_ipv6, join_authority
from ..errors import Refusal
from ..http import ascii_lower, quote
from ..idn import in_ascii

DEFAULT_PORTS = {"ws": 80, "wss": 443}
SCHEMES_OF_HTTP = {"http": "ws", "https": "wss"}

MAX_HOST_SIZE = 253
"""Characters of a host name (RFC 1035 §2.3.4): no resolver finds a longer one."""

MAX_LABEL_SIZE = 63
"""Characters of one label of it, between two dots."""

REGISTERED_NAME = re.compile(f"[{NAME_CHARACTERS}]+")
BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
SPACE_OR_CONTROL = re.compile(r"[\x00-\x20\x7f]")

RESOURCE_NAME_SIGNS = "/?:@!$&'()*+,;=%"
"""They stay as they are in a path or query, like letters, digits, -._~ (RFC 3986 §3.3, §3.4)."""


class InvalidURI(Refusal, ValueError):
    """A text that is no WebSocket URI: nothing was sent anywhere (§4.1 item 1)."""


@dataclass(frozen=True, slots=True)
class WebSocketURI:
    """Where to connect to, and what to ask for, in ASCII. Made by `parse_uri`.

    The host is in lower case and without brackets, as a resolver and a certificate need it.
    """

    secure: bool
    host: str
    port: int
    resource_name: str

    @property
    def scheme(self) -> str:
        """`ws` or `wss`."""
        return "wss" if self.secure else "ws"

    @property
    def address(self) -> tuple[str, int]:
        """(host, port) to connect to."""
        return self.host, self.port

    @property
    def host_header(self) -> str:
        """The value of Host: the port only if it is not the default one (§4.1 item 4)."""
        return bracketed(self.host) if self.port == DEFAULT_PORTS[self.scheme] else self.authority

    @property
    def authority(self) -> str:
        """`host:port`, always with the port, as a proxy needs it."""
        return join_authority(self.host, self.port)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host_header}{self.resource_name}"


def parse_uri(text: str) -> WebSocketURI:
    """The parts of a WebSocket URI. InvalidURI for anything else."""
    check_characters(text)
    scheme, rest = _split_scheme(text)
    if "#" in rest:
        raise InvalidURI(
            "§3", "a fragment, the # and what follows it", "none; a # that is data is %23"
        )
    before_query, _, query = rest.partition("?")
    authority, slash, path = before_query.partition("/")
    host, port = parse_authority(authority, DEFAULT_PORTS[scheme])
    return WebSocketURI(scheme == "wss", host, port, _resource_name(slash + path, query))


def check_characters(text: str) -> None:
    """InvalidURI for white space and control characters."""
    if found := SPACE_OR_CONTROL.search(text):
        character = ascii(found[0])
        seen = f"character {character} at position {found.start()}"
        raise InvalidURI("§3", seen, "no such character; a space is %20")


def _split_scheme(text: str) -> tuple[str, str]:
    scheme, separator, rest = text.partition("://")
    scheme = ascii_lower(scheme)
    if not separator:
        raise InvalidURI(
            "§3", f"{_quote_beginning(text)}, without a scheme", "ws://host/path or wss://host/path"
        )
    if scheme in SCHEMES_OF_HTTP:
        expected = f"{SCHEMES_OF_HTTP[scheme]}:// in its place, with which WebSocket URIs begin"
        raise InvalidURI("§3", f"{scheme}://, which is for web pages", expected)
    if scheme not in DEFAULT_PORTS:
        raise InvalidURI("§3", f"scheme {quote(scheme)}", "ws:// or, over TLS, wss://")
    return scheme, rest


def _quote_beginning(text: str) -> str:
    """The text in quotes, unless there may be a password in it."""
    return quote(text) if "@" not in text else "a text"


def parse_authority(authority: str, default_port: int) -> tuple[str, int]:
    """(host, port) of `host[:port]`. InvalidURI for another form; it repeats no password."""
    if "@" in authority:
        expected = (
            "none before the host; send additional_headers={'Authorization': 'Basic ...'} instead "
            "(RFC 7617)"
        )
        raise InvalidURI("§3", "a user name or password, ending in @", expected)
    parts = cut_authority(authority)
    if parts is None:
        expected = "host:port, an IPv6 address in brackets: [::1]:80"
        raise InvalidURI("§3", f"host and port {quote(authority)}", expected)
    host, port = parts
    return _parse_host(host), _parse_port(port or str(default_port))


def _parse_port(text: str) -> int:
    if not PORT.fullmatch(text) or not 1 <= int(text) <= 65_535:
        raise InvalidURI("§3", f"port {quote(text)}", "a number from 1 to 65535")
    return int(text)


def _parse_host(host: str) -> str:
    if not host:
        raise InvalidURI("§3", "no host", "a host after the //, as in ws://localhost/")
    return _parse_address(host[1:-1]) if host.startswith("[") else _parse_name(host)


def _parse_address(address: str) -> str:
    if is_ipv6(address):
        return ascii_lower(address)
    expected = "an IPv6 address there"
    if "%" in address:
        expected += " without a zone, which RFC 3986 lacks: write a name instead, and give sock=..."
    raise InvalidURI("§3", f"{quote(address)} in brackets", expected)


def _parse_name(text: str) -> str:
    """A host name or IPv4 address, in ASCII.

    Each label is checked, because a resolver may raise another exception than OSError for it.
    """
    expected = (
        f"a name of letters, digits, - and ., labels of 1 to {MAX_LABEL_SIZE} characters, "
        f"{MAX_HOST_SIZE} in all"
    )
    refusal = InvalidURI("§3", f"host {quote(text)}", expected)
    try:
        name = unquote(text, errors="strict")
        ascii_name = ascii_lower(name if name.isascii() else in_ascii(name))
    except UnicodeError:
        raise refusal from None
    relative = ascii_name.removesuffix(".")
    labels_fit = all(1 <= len(label) <= MAX_LABEL_SIZE for label in relative.split("."))
    if not REGISTERED_NAME.fullmatch(ascii_name) or not labels_fit or len(relative) > MAX_HOST_SIZE:
        raise refusal
    return ascii_name


def _resource_name(path: str, query: str) -> str:
    """§3: path, "?" and query; characters that a URI must not have are percent-encoded."""
    resource_name = (path or "/") + (f"?{query}" if query else "")
    if found := BAD_PERCENT.search(resource_name):
        seen = f"{quote(resource_name[found.start() :][:3])} in the path or query"
        raise InvalidURI("§3", seen, "two hexadecimal digits after each %; a % that is data is %25")
    try:
        return percent_encode(resource_name, safe=RESOURCE_NAME_SIGNS)
    except UnicodeEncodeError:
        seen = "half a surrogate pair in the path or query"
        raise InvalidURI("§3", seen, "characters that UTF-8 has") from None
