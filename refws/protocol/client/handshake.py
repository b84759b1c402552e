"""RFC 6455 §4.1, the opening handshake, client side: WebSocketURI -> Request; Response -> what was
agreed.

§4.1 has three numbered lists. The first, on how to connect, is the endpoint's. The second, on the
request, is `build_request`. The third, on the response, is `check_response`: the items in its
faults are those of that list.
"""

from __future__ import annotations

import os
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from ..deflate import negotiation as deflate
from ..errors import Fault, HandshakeError
from ..extensions import Extension, listed_extensions, parse_extensions
from ..handshake import (
    KEY,
    VERSION,
    accept_key,
    has_element,
    in_base64,
    requested_extensions,
    requested_subprotocols,
    show_header,
)
from ..http import (
    Headers,
    Request,
    Response,
    ascii_lower,
    count_lines,
    is_token,
    quote,
    split_authority,
)
from .advice import advise, show_status
from .mistakes import find_mistake
from .uri import WebSocketURI

KEY_SIZE = 16


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


class InvalidResponse(HandshakeError):
    """A response that opens no WebSocket connection: `response`, and every rule that it breaks."""

    def __init__(self, faults: Iterable[Fault], response: Response) -> None:
        super().__init__(faults)
        self.response = response


class InvalidStatus(InvalidResponse):
    """A response with another status than 101: ordinary HTTP, and not acted upon (§4.1 response
    item 1).
    """

    def __init__(self, response: Response) -> None:
        expected = f"101 Switching Protocols: {advise(response)}"
        super().__init__([Fault("§4.1 response item 1", show_status(response), expected)], response)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides have agreed on: the Subprotocol and the Extensions In Use (§4.1), `deflate`
    in its own terms.
    """

    subprotocol: str | None
    extensions: tuple[Extension, ...]
    deflate: deflate.Parameters | None


# The request


def make_key() -> str:
    """A Sec-WebSocket-Key: 16 random bytes in base64, to be used for one request only (§4.1 item
    7).
    """
    return in_base64(os.urandom(KEY_SIZE))


def build_request(
    uri: WebSocketURI,
    key: str,
    *,
    origin: str | None = None,
    subprotocols: Sequence[str] = (),
    extensions: str | None = None,
    additional_headers: HeadersLike = (),
) -> Request:
    """The client's opening handshake (§4.1, the list on the request), `extensions` being a header's
    value.

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
    if not KEY.fullmatch(key) or in_base64(b64decode(key)) != key:
        raise ValueError(
            f"key {quote(key)} is not {KEY_SIZE} bytes in base64; use make_key() (§4.1 item 7)"
        )


def _checked_origin(origin: str) -> str:
    scheme, separator, authority = origin.partition("://")
    serialized = separator and SCHEME.fullmatch(scheme) and split_authority(authority, 0)
    if origin != "null" and not serialized:
        raise ValueError(
            (
                f"origin {quote(origin)} is not scheme://host or scheme://host:port, with no path "
                "(RFC 6454)"
            )
        )
    return origin


def _list_subprotocols(subprotocols: Sequence[str]) -> str:
    if isinstance(subprotocols, str):
        raise TypeError("subprotocols is a list of str, not a str")
    for subprotocol in subprotocols:
        if not is_token(subprotocol):
            raise ValueError(
                (
                    f"subprotocol {quote(subprotocol)} is not a token: letters, digits and a few "
                    "signs (§4.1)"
                )
            )
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
    """The headers that a user adds to a request. ValueError for one that it has of its own, with
    what to do instead.
    """
    pairs = (
        additional_headers.items()
        if isinstance(additional_headers, Mapping)
        else additional_headers
    )
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

    `compression` is what `request` offered, None if it did not. InvalidStatus if the answer is no
    101 and therefore no WebSocket handshake at all; InvalidResponse with every fault of a 101.
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
        yield Fault(
            "§4.1 response item 1",
            "101 in HTTP/1.0, which has no such status",
            "HTTP/1.1 (RFC 9110 §7.8)",
        )


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
        yield Fault(
            "§4.1 response item 4",
            count_lines("Sec-WebSocket-Accept", values),
            "exactly one (§11.3.3)",
        )
    elif values[0] != accept_key(key):
        shown, mistake = show_header(headers, "Sec-WebSocket-Accept"), find_mistake(key, values[0])
        seen = f"{shown}, {mistake}" if mistake else shown
        yield Fault("§4.1 response item 4", seen, f"{accept_key(key)} for the key {key}")


def _check_extensions(
    request: Request, headers: Headers, compression: deflate.DeflateSettings | None
) -> Iterator[Fault]:
    """Item 5, and for permessage-deflate what RFC 7692 adds to it. Several lines are one list
    (erratum 3433).
    """
    offered = {extension.name for extension in requested_extensions(request)}
    try:
        answered = listed_extensions(headers)
        for extension in answered:
            if extension.name not in offered:
                seen, expected = (
                    f"extension {quote(extension.name)}",
                    _only_what_was("offered", offered),
                )
                yield Fault("§4.1 response item 5", seen, expected)
        if compression is not None:
            deflate.check_answer(
                (extension for extension in answered if extension.name in offered), compression
            )
    except HandshakeError as error:
        yield from error.faults


def _check_subprotocol(request: Request, headers: Headers) -> Iterator[Fault]:
    values = headers.get_all("Sec-WebSocket-Protocol")
    listed = requested_subprotocols(request)
    if len(values) > 1:
        yield Fault(
            "§4.1 response item 6",
            count_lines("Sec-WebSocket-Protocol", values),
            "at most one (§11.3.4)",
        )
    elif values and values[0] not in listed:
        yield Fault(
            "§4.1 response item 6",
            f"subprotocol {quote(values[0])}",
            _only_what_was("listed", listed),
        )


def _only_what_was(done: str, names: Iterable[str]) -> str:
    return (
        f"one that the client {done}: {', '.join(names)}"
        if names
        else f"none, as the client {done} none"
    )


# A response with another status
