"""RFC 6455 §4.1, the opening handshake, client side: WebSocketURI -> Request; Response -> what was agreed.

§4.1 has three numbered lists. The first, on how to connect, is the endpoint's. The second, on the request, is
`build_request`. The third, on the response, is `check_response`: the items in its faults are those of that list.
"""

from __future__ import annotations

import os
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1
from http import HTTPStatus

from . import deflate
from .errors import Fault, HandshakeError
from .handshake import (
    GUID,
    KEY,
    VERSION,
    Extension,
    accept_key,
    has_element,
    listed_extensions,
    parse_extensions,
    requested_extensions,
    requested_subprotocols,
    show_header,
)
from .http import Headers, Request, Response, ascii_lower, count_lines, is_token, list_elements, quote, split_authority
from .uri import SCHEMES_OF_HTTP, WebSocketURI

KEY_SIZE = 16
ACCEPT_OF_EXAMPLE = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""§1.3, §4.2.2; right for one key only."""

MAX_QUOTED_VALUE = 300
"""Characters of a header that advice repeats: a URI to go to, or a way to authenticate, is of no use in halves."""

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")

HeadersLike = Mapping[str, str] | Iterable[tuple[str, str]]

OWN_HEADERS = {
    "Host": "the URI says it",
    "Upgrade": "the handshake writes it",
    "Connection": "the handshake writes it",
    "Sec-WebSocket-Key": "the handshake writes it",
    "Sec-WebSocket-Version": "the handshake writes it",
    "Sec-WebSocket-Accept": "it is for servers",
    "Sec-WebSocket-Protocol": "give subprotocols=[...]",
    "Sec-WebSocket-Extensions": "give compression=...",
    "Origin": "give origin=...",
    "Content-Length": "a GET has no body",
    "Transfer-Encoding": "a GET has no body",
}
"""Headers that cannot be added to the request, each with what to do instead."""

ADVICE: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "the server found fault with the request; the body of its answer may say which",
    HTTPStatus.UNAUTHORIZED: "give credentials, with additional_headers={'Authorization': ...}",
    HTTPStatus.FORBIDDEN: "the server wants another origin=..., or credentials, or not this client",
    HTTPStatus.NOT_FOUND: "check the path of the URI, no WebSocket is there",
    HTTPStatus.METHOD_NOT_ALLOWED: "check the path of the URI, no WebSocket is there",
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: "give credentials for the proxy",
    HTTPStatus.GONE: "check the path of the URI, no WebSocket is there any more",
    HTTPStatus.UPGRADE_REQUIRED: "the server wants another protocol",
    HTTPStatus.TOO_MANY_REQUESTS: "try again later",
    HTTPStatus.BAD_GATEWAY: "a proxy in between cannot reach the server; try again later",
    HTTPStatus.SERVICE_UNAVAILABLE: "try again later",
    HTTPStatus.GATEWAY_TIMEOUT: "a proxy in between cannot reach the server; try again later",
}

ADVICE_OF_CLASS = {
    1: "this is no final answer",
    2: "this is a page: check the path of the URI, or whether a proxy in between drops Upgrade",
    3: "check the path of the URI: redirects are not followed",
    4: "the body of the answer may say what is wrong with the request",
    5: "the server made a mistake; the body of the answer may say which",
}

TELLING_HEADERS = ("WWW-Authenticate", "Proxy-Authenticate", "Upgrade", "Retry-After")


class InvalidResponse(HandshakeError):
    """A response that opens no WebSocket connection: `response`, and every rule that it breaks."""

    def __init__(self, faults: Iterable[Fault], response: Response) -> None:
        super().__init__(faults)
        self.response = response


class InvalidStatus(InvalidResponse):
    """A response with another status than 101: ordinary HTTP, and not acted upon (§4.1 response item 1)."""

    def __init__(self, response: Response) -> None:
        expected = f"101 Switching Protocols: {advise(response)}"
        super().__init__([Fault("§4.1 response item 1", show_status(response), expected)], response)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides have agreed on: the Subprotocol and the Extensions In Use (§4.1), `deflate` in its own terms."""

    subprotocol: str | None
    extensions: tuple[Extension, ...]
    deflate: deflate.Parameters | None


# The request


def make_key() -> str:
    """A Sec-WebSocket-Key: 16 random bytes in base64, to be used for one request only (§4.1 item 7)."""
    return _in_base64(os.urandom(KEY_SIZE))


def build_request(
    uri: WebSocketURI,
    key: str,
    *,
    origin: str | None = None,
    subprotocols: Sequence[str] = (),
    extensions: str | None = None,
    additional_headers: HeadersLike = (),
) -> Request:
    """The client's opening handshake (§4.1, the list on the request), `extensions` being a header's value.

    ValueError if it would break a rule, and TypeError for subprotocols that are one str.
    """
    _check_key(key)
    lines = [
        ("Host", uri.host_header),  # item 4
        ("Upgrade", "websocket"),  # item 5
        ("Connection", "Upgrade"),  # item 6
        ("Sec-WebSocket-Key", key),  # item 7
    ]
    if origin is not None:
        lines.append(("Origin", _checked_origin(origin)))  # item 8
    lines.append(("Sec-WebSocket-Version", VERSION))  # item 9
    if subprotocols:
        lines.append(("Sec-WebSocket-Protocol", _list_subprotocols(subprotocols)))  # item 10
    if extensions is not None:
        lines.append(("Sec-WebSocket-Extensions", _checked_extensions(extensions)))  # item 11
    lines += added_headers(additional_headers, OWN_HEADERS)  # item 12
    return Request("GET", uri.resource_name, "HTTP/1.1", Headers(lines))  # items 1 to 3


def _check_key(key: str) -> None:
    if not KEY.fullmatch(key) or _in_base64(b64decode(key)) != key:
        raise ValueError(f"key {quote(key)} is not {KEY_SIZE} bytes in base64; use make_key() (§4.1 item 7)")


def _checked_origin(origin: str) -> str:
    scheme, separator, authority = origin.partition("://")
    serialized = separator and SCHEME.fullmatch(scheme) and split_authority(authority, 0)
    if origin != "null" and not serialized:
        raise ValueError(f"origin {quote(origin)} is not scheme://host or scheme://host:port, with no path (RFC 6454)")
    return origin


def _list_subprotocols(subprotocols: Sequence[str]) -> str:
    if isinstance(subprotocols, str):
        raise TypeError("subprotocols is a list of str, not a str")
    for subprotocol in subprotocols:
        if not is_token(subprotocol):
            raise ValueError(f"subprotocol {quote(subprotocol)} is not a token: letters, digits and a few signs (§4.1)")
    if len(set(subprotocols)) < len(subprotocols):
        raise ValueError("a subprotocol comes twice in the list; name each of them once (§4.1)")
    return ", ".join(subprotocols)


def _checked_extensions(extensions: str) -> str:
    try:
        parse_extensions([extensions])
    except HandshakeError as error:
        raise ValueError(str(error)) from None
    return extensions


def added_headers(additional_headers: HeadersLike, own_headers: Mapping[str, str]) -> Headers:
    """The headers that a user adds to a request. ValueError for one that it has of its own, with what to do instead."""
    pairs = additional_headers.items() if isinstance(additional_headers, Mapping) else additional_headers
    added = Headers(pairs)
    for name, instead in own_headers.items():
        if name in added:
            raise ValueError(f"{name} is not for additional headers: {instead}")
    return added


# The response


def check_response(
    request: Request, response: Response, compression: deflate.DeflateSettings | None = None
) -> Agreement:
    """What the server's answer to `request` makes of the connection, which is then OPEN (§4.1).

    `compression` is what `request` offered, None if it did not. InvalidStatus if the answer is no 101 and therefore no
    WebSocket handshake at all; InvalidResponse with every fault of a 101.
    """
    if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:  # item 1
        raise InvalidStatus(response)
    faults = (
        *_check_version(response),  # item 1, as far as HTTP goes
        *_check_upgrade(response.headers),  # item 2
        *_check_connection(response.headers),  # item 3
        *_check_accept(response.headers, request.headers["Sec-WebSocket-Key"]),  # item 4
        *_check_extensions(request, response.headers, compression),  # item 5
        *_check_subprotocol(request, response.headers),  # item 6
    )
    if faults:
        raise InvalidResponse(faults, response)
    extensions = listed_extensions(response.headers)
    parameters = None if compression is None else deflate.check_answer(extensions, compression)
    return Agreement(response.headers.get("Sec-WebSocket-Protocol"), extensions, parameters)


def _check_version(response: Response) -> Iterator[Fault]:
    if response.version == "HTTP/1.0":
        yield Fault("§4.1 response item 1", "101 in HTTP/1.0, which has no such status", "HTTP/1.1 (RFC 9110 §7.8)")


def _check_upgrade(headers: Headers) -> Iterator[Fault]:
    if ascii_lower(headers.get("Upgrade") or "") != "websocket":
        expected = "Upgrade: websocket, and no other protocol"
        yield Fault("§4.1 response item 2", show_header(headers, "Upgrade"), expected)


def _check_connection(headers: Headers) -> Iterator[Fault]:
    if not has_element(headers, "Connection", "upgrade"):
        expected = "Connection: Upgrade (a proxy in between must pass it on)"
        yield Fault("§4.1 response item 3", show_header(headers, "Connection"), expected)


def _check_accept(headers: Headers, key: str) -> Iterator[Fault]:
    values = headers.get_all("Sec-WebSocket-Accept")
    if len(values) != 1:
        yield Fault("§4.1 response item 4", count_lines("Sec-WebSocket-Accept", values), "exactly one (§11.3.3)")
    elif values[0] != accept_key(key):
        shown, mistake = show_header(headers, "Sec-WebSocket-Accept"), find_mistake(key, values[0])
        seen = f"{shown}, {mistake}" if mistake else shown
        yield Fault("§4.1 response item 4", seen, f"{accept_key(key)} for the key {key}")


def find_mistake(key: str, accept: str) -> str | None:
    """Which well-known mistake of a server makes this wrong `accept` of `key`, and what mends it; None if none does.

    The key may be any ASCII, for a look at what others send.
    """
    right = accept_key(key)
    if ascii_lower(accept) == ascii_lower(right):
        return "in another case: base64 tells upper case from lower"
    hexadecimal = b64decode(right).hex()
    mistakes = {
        key: "which is the key itself: take its SHA-1 together with the GUID",
        _accept_of(key): "made without the GUID: append it to the key",
        _accept_of(GUID + key): "made with the GUID before the key: append it",
        _accept_of(key + GUID.lower()): "made with the GUID in lower case: it is in upper case",
        _accept_of(_decoded(key) + GUID.encode("ascii")): "made of the decoded key: take it as the text that it is",
        _accept_of(f" {key}{GUID}"): "made of the key with the space before it: trim it",
        _accept_of(f"{key}\n{GUID}"): "made of the key with a line end: trim it",
        _accept_of(f"{key}\r\n{GUID}"): "made of the key with its line end: trim it",
        _accept_of(f"{key}{GUID}\n"): "made with a line end behind the GUID: leave it out",
        _accept_of(f"{key}{GUID}\r\n"): "made with a line end behind the GUID: leave it out",
        hexadecimal: "which is the SHA-1 in hexadecimal: put its 20 bytes in base64",
        hexadecimal.upper(): "which is the SHA-1 in hexadecimal: put its 20 bytes in base64",
        _in_base64(hexadecimal.encode("ascii")): "made of the SHA-1 in hexadecimal: put its 20 bytes in base64",
        ACCEPT_OF_EXAMPLE: "which is that of the example in §1.3: compute it for each key",
        right.rstrip("="): "without its padding: base64 of 20 bytes ends in =",
        urlsafe_b64encode(b64decode(right)).decode("ascii"): "in the alphabet of base64url: use + and /",
    }
    return mistakes.get(accept)


def _accept_of(text: str | bytes) -> str:
    data = text.encode("ascii") if isinstance(text, str) else text
    return _in_base64(sha1(data, usedforsecurity=False).digest())


def _in_base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _decoded(key: str) -> bytes:
    """The bytes of the key; nothing for one that is not base64, which makes an Accept that nobody sends."""
    try:
        return b64decode(key, validate=True)
    except ValueError:
        return b""


def _check_extensions(
    request: Request, headers: Headers, compression: deflate.DeflateSettings | None
) -> Iterator[Fault]:
    """Item 5, and for permessage-deflate what RFC 7692 adds to it. Several lines are one list (erratum 3433)."""
    offered = {extension.name for extension in requested_extensions(request)}
    try:
        answered = listed_extensions(headers)
        for extension in answered:
            if extension.name not in offered:
                seen, expected = f"extension {quote(extension.name)}", _only_what_was("offered", offered)
                yield Fault("§4.1 response item 5", seen, expected)
        if compression is not None:
            deflate.check_answer((extension for extension in answered if extension.name in offered), compression)
    except HandshakeError as error:
        yield from error.faults


def _check_subprotocol(request: Request, headers: Headers) -> Iterator[Fault]:
    values = headers.get_all("Sec-WebSocket-Protocol")
    listed = requested_subprotocols(request)
    if len(values) > 1:
        yield Fault("§4.1 response item 6", count_lines("Sec-WebSocket-Protocol", values), "at most one (§11.3.4)")
    elif values and values[0] not in listed:
        yield Fault("§4.1 response item 6", f"subprotocol {quote(values[0])}", _only_what_was("listed", listed))


def _only_what_was(done: str, names: Iterable[str]) -> str:
    return f"one that the client {done}: {', '.join(names)}" if names else f"none, as the client {done} none"


# A response with another status


def show_status(response: Response) -> str:
    """The status as a message repeats it, with the version where it explains something."""
    status = f"status {response.status_code} {quote(response.reason_phrase)}"
    return f"{status} in {response.version}" if response.version == "HTTP/1.0" else status


def advise(response: Response, advice_of_status: Mapping[int, str] = ADVICE) -> str:
    """What a user can do about this status, with what the server says to that end. Nothing is done by itself."""
    headers = response.headers
    versions = list_elements(headers.get_all("Sec-WebSocket-Version"))
    if versions and VERSION not in versions:  # §4.4
        return f"this client speaks version {VERSION}, the server only {quote(', '.join(versions))}"
    if 300 <= response.status_code < 400 and "Location" in headers:
        location = quote(_as_websocket(headers["Location"]), MAX_QUOTED_VALUE)
        return f"redirects are not followed; connect to {location} if you trust it"
    advice = advice_of_status.get(response.status_code, ADVICE_OF_CLASS[response.status_code // 100])
    told = (show_header(headers, name, MAX_QUOTED_VALUE) for name in TELLING_HEADERS if name in headers)
    return "; ".join([advice, *told])


def _as_websocket(location: str) -> str:
    scheme, separator, rest = location.partition("://")
    return SCHEMES_OF_HTTP.get(ascii_lower(scheme), scheme) + separator + rest
