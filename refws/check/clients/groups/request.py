"""RFC 6455 §4.1: the client's opening handshake: each item of its list, and the HTTP around it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable

from ....protocol.authority import split_authority
from ....protocol.client.uri import DEFAULT_PORTS
from ....protocol.deflate.negotiation import NAME, DeflateSettings, choose_offer
from ....protocol.errors import HandshakeError
from ....protocol.extensions import FIELD, listed_extensions
from ....protocol.handshake import (
    KEY,
    VERSION,
    has_element,
    in_base64,
    requested_subprotocols,
    show_header,
)
from ....protocol.http import ABSOLUTE_FORM, Request, count_lines, is_token, quote
from ....protocol.origin_form import parse_origin
from ...case import Case, Group, Level, Need
from ...opening import VALID, Opening
from ...outcomes import Outcome
from ..frames import GOOD_BYE
from ..outcomes import Shows, asks
from ..seen import MANY_KEYS, ClientSeen, offered

DRIPPED = Opening(drip=0.002)
"""An answer that takes about 0.3 seconds."""

LETTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def case(
    name: str,
    rule: str,
    requirement: str,
    best: Outcome,
    *weak: Outcome,
    needs: Iterable[Need] = (),
    level: Level = Level.MUST,
    opening: Opening = VALID,
) -> Case:
    """A case about the request: the connection is opened, and closed at once."""
    return Case(
        name,
        rule,
        requirement,
        best,
        weak,
        (GOOD_BYE,),
        opening=opening,
        needs=frozenset(needs),
        level=level,
    )


# What is shown of a request


def header(name: str) -> Callable[[Request], str]:
    return lambda request: show_header(request.headers, name)


def count(name: str) -> Callable[[Request], str]:
    return lambda request: count_lines(name, request.headers.get_all(name))


def not_twice(name: str) -> Callable[[Request], bool]:
    """Whether the header is there once at most: that it is there at all is another rule."""
    return lambda request: len(request.headers.get_all(name)) < 2


def has(name: str, element: str) -> Callable[[Request], bool]:
    return lambda request: has_element(request.headers, name, element)


def request_line(request: Request) -> str:
    return f"{quote(request.method)} {quote(request.target)} {request.version}"


# The first line


def is_1_1_or_higher(request: Request) -> bool:
    return request.version.startswith("HTTP/1.") and request.version != "HTTP/1.0"


def target_fits(seen: ClientSeen) -> bool:
    """Whether it is the resource name, as a path or in an http URI with the right authority."""
    if seen.request is None or "#" in seen.request.target:
        return False
    absolute = ABSOLUTE_FORM.fullmatch(seen.request.target)
    if absolute and absolute[1] != (seen.authority or seen.request.headers.get("Host")):
        return False
    path = absolute[2] if absolute else seen.request.target
    return path.startswith("/") and seen.resource_name in (None, path)


def show_target(seen: ClientSeen) -> str:
    target = "" if seen.request is None else f"target {quote(seen.request.target)}"
    wish = "" if seen.resource_name is None else f" for {quote(seen.resource_name)}"
    return seen.problem or target + wish


# Host


def has_valid_host(request: Request) -> bool:
    hosts = request.headers.get_all("Host")
    return len(hosts) == 1 and split_authority(hosts[0], DEFAULT_PORTS["ws"]) is not None


def show_host(request: Request) -> str:
    hosts = request.headers.get_all("Host")
    return show_header(request.headers, "Host") if len(hosts) < 2 else count_lines("Host", hosts)


def host_of(seen: ClientSeen) -> tuple[str, int] | None:
    value = "" if seen.request is None else seen.request.headers.get("Host") or ""
    return split_authority(value, DEFAULT_PORTS["ws"])


def names_our_port(seen: ClientSeen) -> bool:
    """Also the right host, if that is known: a client may know this machine by another name."""
    host = host_of(seen)
    wanted = None if seen.authority is None else split_authority(seen.authority, 0)
    return host is not None and (host[1] == seen.port if wanted is None else host == wanted)


def names_a_port(seen: ClientSeen) -> bool:
    host = host_of(seen)
    return seen.authority is None and host is not None and host[1] != DEFAULT_PORTS["ws"]


def show_host_of(seen: ClientSeen) -> str:
    return seen.problem if seen.request is None else show_host(seen.request)


# The key


def key_of(request: Request) -> str:
    return request.headers.get("Sec-WebSocket-Key") or ""


def is_key(request: Request) -> bool:
    return KEY.fullmatch(key_of(request)) is not None


def is_canonical_key(request: Request) -> bool:
    key = key_of(request)
    return is_key(request) and in_base64(b64decode(key)) == key


def is_new_key(seen: ClientSeen) -> bool:
    return seen.request is not None and key_of(seen.request) not in seen.history.keys


def show_key(seen: ClientSeen) -> str:
    if seen.request is None:
        return seen.problem
    shown = show_header(seen.request.headers, "Sec-WebSocket-Key")
    return shown if is_new_key(seen) else f"{shown}, as on an earlier connection"


def keys_of(seen: ClientSeen) -> list[bytes]:
    """The bytes of all valid keys."""
    keys = [*seen.history.keys, "" if seen.request is None else key_of(seen.request)]
    return [b64decode(key) for key in keys if KEY.fullmatch(key)]


def fixed_positions(seen: ClientSeen) -> list[int]:
    """The positions, from 0 on, at which all keys have the same byte."""
    columns = [set(column) for column in zip(*keys_of(seen), strict=True)]
    return [position for position, found in enumerate(columns) if len(found) == 1]


def keys_vary(seen: ClientSeen) -> bool:
    return len(keys_of(seen)) >= MANY_KEYS and not fixed_positions(seen)


def keys_are_bytes(seen: ClientSeen) -> bool:
    """Whether they are more than letters and digits: those have 95 bits instead of 128."""
    return keys_vary(seen) and not set(b"".join(keys_of(seen))) <= LETTERS


def show_keys(seen: ClientSeen) -> str:
    fixed = fixed_positions(seen)
    shown = f"{len(keys_of(seen))} keys"
    if fixed:
        return f"{shown}, in which {len(fixed)} of the 16 bytes are always the same"
    letters = set(b"".join(keys_of(seen))) <= LETTERS
    return f"{shown} of letters and digits only" if letters else f"{shown} without a pattern"


# Origin, subprotocols, extensions, body


def has_valid_origin(request: Request) -> bool:
    values = request.headers.get_all("Origin")
    return len(values) == 1 and (values[0] == "null" or parse_origin(values[0]) is not None)


def has_valid_subprotocols(request: Request) -> bool:
    names = requested_subprotocols(request)
    return all(map(is_token, names)) and len(set(names)) == len(names)


def has_valid_extensions(request: Request) -> bool:
    try:
        return bool(listed_extensions(request.headers))
    except HandshakeError:
        return False


def has_valid_offers(request: Request) -> bool:
    """Whether a server may accept each offer of permessage-deflate."""
    offers = [extension for extension in offered(request) if extension.name == NAME]
    return all(choose_offer([offer], DeflateSettings()) for offer in offers)


def has_no_body(request: Request) -> bool:
    lengths = request.headers.get_all("Content-Length")
    return "Transfer-Encoding" not in request.headers and not any(map(int_or_one, lengths))


def int_or_one(text: str) -> int:
    return int(text) if text.isdecimal() else 1


def show_body(request: Request) -> str:
    names = [name for name in ("Content-Length", "Transfer-Encoding") if name in request.headers]
    return ", ".join(show_header(request.headers, name) for name in names) or "no body"


def show_early(seen: ClientSeen) -> str:
    return f"{len(seen.early)} bytes after the request" if seen.early else "nothing"


REQUEST = Group(
    "request",
    "The request",
    (
        case(
            "4.1-well-formed-request",
            "The request is HTTP: lines that end with CR LF, a name and a colon in each header.",
            "6455-4.1-19",
            Shows("no fault in the head", lambda seen: not seen.fault, lambda seen: seen.fault),
        ),
        case(
            "4.1-method-get",
            "The method is GET.",
            "6455-4.1-20",
            asks("GET", lambda request: request.method == "GET", request_line),
        ),
        case(
            "4.1-http-1.1",
            "The version of HTTP is 1.1 or higher.",
            "6455-4.1-20",
            asks("HTTP/1.1", is_1_1_or_higher, request_line),
        ),
        case(
            "4.1-target-is-resource-name",
            "The request asks for the resource name of the URL: its path, and ? and its query.",
            "6455-4.1-21",
            Shows("the path of the URL, with its query", target_fits, show_target),
        ),
        case(
            "4.1-host",
            "One Host header says which server is meant.",
            "6455-4.1-22",
            asks("one Host header, host[:port]", has_valid_host, show_host),
        ),
        case(
            "4.1-host-with-port",
            "Host has the port, unless it is the default port of the scheme.",
            "6455-4.1-22",
            Shows("the host and port of the URL", names_our_port, show_host_of),
            Shows("another port, of a proxy in between", names_a_port, show_host_of),
        ),
        case(
            "4.1-upgrade",
            "Upgrade has the keyword websocket.",
            "6455-4.1-23",
            asks("Upgrade: websocket", has("Upgrade", "websocket"), header("Upgrade")),
        ),
        case(
            "4.1-connection",
            "Connection has the token Upgrade.",
            "6455-4.1-24",
            asks("Connection: Upgrade", has("Connection", "upgrade"), header("Connection")),
        ),
        case(
            "4.1-key-of-16-bytes",
            "Sec-WebSocket-Key is 16 bytes in base64.",
            "6455-4.1-25",
            asks("24 characters of base64", is_canonical_key, header("Sec-WebSocket-Key")),
            asks("the same, with other unused bits", is_key, header("Sec-WebSocket-Key")),
        ),
        case(
            "11.3.1-one-key",
            "Sec-WebSocket-Key is in the request once only.",
            "6455-11.3.1-01",
            asks(
                "one Sec-WebSocket-Key",
                not_twice("Sec-WebSocket-Key"),
                count("Sec-WebSocket-Key"),
            ),
        ),
        case(
            "4.1-version-13",
            "Sec-WebSocket-Version is 13.",
            "6455-4.1-30",
            asks(
                "Sec-WebSocket-Version: 13",
                lambda request: set(request.headers.get_all("Sec-WebSocket-Version")) == {VERSION},
                header("Sec-WebSocket-Version"),
            ),
        ),
        case(
            "11.3.5-one-version",
            "Sec-WebSocket-Version is in the request once only.",
            "6455-11.3.5-03",
            asks(
                "one Sec-WebSocket-Version",
                not_twice("Sec-WebSocket-Version"),
                count("Sec-WebSocket-Version"),
            ),
        ),
        case(
            "4.1-origin-form",
            "Origin, if there is one, is scheme://host[:port] without a path.",
            "6455-4.1-29",
            asks("an origin", has_valid_origin, header("Origin")),
            needs=[Need.ORIGIN],
        ),
        case(
            "4.1-subprotocol-tokens",
            "Each subprotocol is a token, and none is listed twice.",
            "6455-4.1-32",
            asks("tokens, each once", has_valid_subprotocols, header("Sec-WebSocket-Protocol")),
            needs=[Need.SUBPROTOCOLS],
        ),
        case(
            "9.1-extension-grammar",
            "Sec-WebSocket-Extensions is a list of names with ; and parameters.",
            "6455-9.1-01",
            asks("name; parameter=value, name", has_valid_extensions, header(FIELD)),
            needs=[Need.EXTENSIONS],
        ),
        case(
            "7692-7.1-valid-offers",
            "Each offer of permessage-deflate has only its four parameters, with valid values.",
            "6455-9.1-06",
            asks("offers that a server may accept", has_valid_offers, header(FIELD)),
            needs=[Need.OFFER],
        ),
        case(
            "9110-9.3.1-no-body",
            "A GET has no body: a server would read it as frames.",
            "",
            asks("no Content-Length and no Transfer-Encoding", has_no_body, show_body),
        ),
        case(
            "4.1-waits-for-the-answer",
            "The client sends nothing after its request until the whole answer is there.",
            "6455-4.1-35",
            Shows("nothing before the end of the 101", lambda seen: not seen.early, show_early),
            opening=DRIPPED,
        ),
        case(
            "4.1-key-new-for-each-connection",
            "Each connection has a key of its own.",
            "6455-4.1-26",
            Shows("a key that no earlier connection had", is_new_key, show_key),
            needs=[Need.EARLIER],
        ),
        case(
            "4.1-key-random",
            "The key is chosen at random: no byte of it is always the same.",
            "6455-4.1-26",
            Shows("keys without a pattern", keys_are_bytes, show_keys),
            Shows("keys of letters and digits", keys_vary, show_keys),
            needs=[Need.KEYS],
        ),
    ),
)
