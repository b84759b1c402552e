"""RFC 6455 §4.1, opening handshake, client side: WebSocketURI -> Request; Response -> Agreement.

§4.1 has three numbered lists. The first, on how to connect, is the endpoint's. The second, on the
request, is `build_request`. The third, on the response, is `RESPONSE_ITEMS`: `check_response`
checks a response with it, and an explanation takes the meaning of each header from it.
"""

from __future__ import annotations

import os
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
    HeadersLike,
    Request,
    Response,
    ascii_lower,
    count_lines,
    list_elements,
    quote,
)
from ..items import Item, find_faults
from ..origin_form import check_one_origin
from ..subprotocols import check_subprotocols
from .advice import advise, show_status
from .mistakes import find_mistake
from .uri import WebSocketURI

KEY_SIZE = 16

STATUS_SECTION = "§4.1 response item 1"

NO_BODY = (
    "a 101 without a body (the server's framework, or a proxy in between, has taken it for a page)"
)

OWN_HEADERS = {
    "Host": "the URI says it; to reach that host at another address, give sock=...",
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
    """`response` opens no WebSocket connection; `faults` holds every rule that it breaks."""

    def __init__(self, faults: Iterable[Fault], response: Response) -> None:
        super().__init__(faults)
        self.response = response
        self.args = (self.faults, response)  # pickle and copy make an exception with its args


class InvalidStatus(InvalidResponse):
    """The status is not 101: the response is ordinary HTTP, which nothing here acts on (item 1)."""

    def __init__(self, response: Response) -> None:
        expected = f"101 Switching Protocols: {advise(response)}"
        super().__init__([Fault(STATUS_SECTION, show_status(response), expected)], response)
        self.args = (response,)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides have agreed on: the Subprotocol and the Extensions In Use (§4.1).

    `deflate` holds the parameters of permessage-deflate, None if it is not in use.
    """

    subprotocol: str | None
    extensions: tuple[Extension, ...]
    deflate: deflate.Parameters | None


# The request


def make_key() -> str:
    """A Sec-WebSocket-Key: 16 random bytes in base64, for one request only (§4.1 item 7)."""
    return in_base64(os.urandom(KEY_SIZE))


def build_request(
    uri: WebSocketURI,
    key: str,
    *,
    origin: str | None = None,
    subprotocols: Sequence[str] = (),
    extensions: str | None = None,
    additional_headers: HeadersLike = (),
    user_agent: str | None = None,
) -> Request:
    """The client's opening handshake (§4.1); `extensions` is the value of that header.

    `user_agent` is the User-Agent, unless `additional_headers` have one (RFC 9110 §10.1.5).
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
        lines.append(("Origin", check_one_origin(origin)))  # item 8
    lines.append(("Sec-WebSocket-Version", VERSION))  # item 9
    if subprotocols:
        names = ", ".join(check_subprotocols(subprotocols))
        lines.append(("Sec-WebSocket-Protocol", names))  # item 10
    if extensions is not None:
        lines.append(("Sec-WebSocket-Extensions", _checked_extensions(extensions)))  # item 11
    added = added_headers(additional_headers, OWN_HEADERS)
    if user_agent is not None and "User-Agent" not in added:
        lines.append(("User-Agent", user_agent))
    lines += added.raw_items()  # item 12
    return Request("GET", uri.resource_name, "HTTP/1.1", Headers(lines))  # items 1 to 3


def _check_key(key: str) -> None:
    if not KEY.fullmatch(key) or in_base64(b64decode(key)) != key:
        raise ValueError(
            f"key {quote(key)} is not {KEY_SIZE} bytes in base64; use make_key() (§4.1 item 7)"
        )


def _checked_extensions(extensions: str) -> str:
    try:
        parse_extensions([extensions])
    except HandshakeError as error:
        raise ValueError(str(error)) from None
    return extensions


def added_headers(additional_headers: HeadersLike, own_headers: Mapping[str, str]) -> Headers:
    """The headers that a user adds to a request.

    ValueError for a header that the request already has; its message says what to do instead.
    """
    added = Headers(additional_headers)
    for name, instead in own_headers.items():
        if name in added:
            raise ValueError(f"{name} is not for additional headers: {instead}")
    return added


# The response


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client checks: the response, and the request that it answers."""

    request: Request
    response: Response


def check_response(request: Request, response: Response) -> Agreement:
    """What both sides have agreed on, if `response` opens the connection (§4.1).

    InvalidStatus for another status than 101; InvalidResponse with every fault of a 101.
    """
    if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:  # item 1
        raise InvalidStatus(response)
    if faults := find_faults(RESPONSE_ITEMS, Answer(request, response)):
        raise InvalidResponse(faults, response)
    extensions = listed_extensions(response.headers)
    parameters = _agree_on_deflate(extensions, requested_extensions(request))
    return Agreement(response.headers.get("Sec-WebSocket-Protocol"), extensions, parameters)


def _agree_on_deflate(
    answered: Iterable[Extension], offered: Iterable[Extension]
) -> deflate.Parameters | None:
    """The parameters; None without permessage-deflate. HandshakeError for a bad answer to it."""
    accepted = [extension for extension in answered if extension.name == deflate.NAME]
    return deflate.check_answer(accepted, offered)


ResponseItem = Item[Answer]


def _check_status_line(item: ResponseItem, answer: Answer) -> Iterator[Fault]:
    if answer.response.version == "HTTP/1.0":
        yield item.fault("101 in HTTP/1.0, which has no such status", "HTTP/1.1 (RFC 9110 §7.8)")
    yield from _check_no_body(answer.response.headers)


def _check_no_body(headers: Headers) -> Iterator[Fault]:
    """Faults of a 101 that announces a body: what follows its head are frames, not chunks."""
    if "Transfer-Encoding" in headers:
        seen = f"101 with {show_header(headers, 'Transfer-Encoding')}"
        yield Fault("RFC 9112 §6.1", seen, NO_BODY, "Transfer-Encoding")
    if any(length.strip("0") for length in list_elements(headers.get_all("Content-Length"))):
        seen = f"101 with {show_header(headers, 'Content-Length')}"
        yield Fault("RFC 9110 §8.6", seen, NO_BODY, "Content-Length")


def _check_upgrade(item: ResponseItem, answer: Answer) -> Iterator[Fault]:
    """The value must be websocket alone: a request lists protocols, the server has chosen one."""
    headers = answer.response.headers
    if ascii_lower(headers.get(item.field) or "") != "websocket":
        expected = "Upgrade: websocket, and no other protocol"
        yield item.fault(show_header(headers, item.field), expected)


def _check_connection(item: ResponseItem, answer: Answer) -> Iterator[Fault]:
    headers = answer.response.headers
    if not has_element(headers, item.field, "upgrade"):
        expected = "Connection: Upgrade (a proxy in between must pass it on)"
        yield item.fault(show_header(headers, item.field), expected)


def _check_accept(item: ResponseItem, answer: Answer) -> Iterator[Fault]:
    key = answer.request.headers["Sec-WebSocket-Key"]
    values = answer.response.headers.get_all(item.field)
    if len(values) != 1:
        yield item.fault(count_lines(item.field, values), "exactly one (§11.3.3)")
    elif values[0] != accept_key(key):
        shown = show_header(answer.response.headers, item.field)
        mistake = find_mistake(key, values[0])
        seen = f"{shown}, {mistake}" if mistake else shown
        yield item.fault(seen, f"{accept_key(key)} for the key {key}")


def _check_extensions(item: ResponseItem, answer: Answer) -> Iterator[Fault]:
    """Only extensions that were offered, in the grammar of §9.1, by the rules of RFC 7692.

    Several lines are one list (erratum 3433).
    """
    offers = requested_extensions(answer.request)
    offered = {extension.name for extension in offers}
    try:
        answered = listed_extensions(answer.response.headers)
        for extension in answered:
            if extension.name not in offered:
                seen = f"extension {quote(extension.name)}"
                yield item.fault(seen, _only_what_was("offered", offered))
        _agree_on_deflate((known for known in answered if known.name in offered), offers)
    except HandshakeError as error:
        yield from error.faults


def _check_subprotocol(item: ResponseItem, answer: Answer) -> Iterator[Fault]:
    values = answer.response.headers.get_all(item.field)
    listed = requested_subprotocols(answer.request)
    if len(values) > 1:
        yield item.fault(count_lines(item.field, values), "at most one (§11.3.4)")
    elif values and values[0] not in listed:
        seen = f"subprotocol {quote(values[0])}"
        yield item.fault(seen, _only_what_was("listed", listed))


def _only_what_was(done: str, names: Iterable[str]) -> str:
    if names:
        return f"one that the client {done}: {', '.join(names)}"
    return f"none, because the client {done} none"


RESPONSE_ITEMS: tuple[ResponseItem, ...] = (
    Item(
        STATUS_SECTION,
        "",
        "101: from here on frames; any other status is an answer in HTTP",
        _check_status_line,
    ),
    Item("§4.1 response item 2", "Upgrade", "must be websocket", _check_upgrade),
    Item("§4.1 response item 3", "Connection", "must contain Upgrade", _check_connection),
    Item(
        "§4.1 response item 4",
        "Sec-WebSocket-Accept",
        "proves that the server has read the key",
        _check_accept,
    ),
    Item(
        "§4.1 response item 5",
        "Sec-WebSocket-Extensions",
        "the extensions in use; only what was offered",
        _check_extensions,
    ),
    Item(
        "§4.1 response item 6",
        "Sec-WebSocket-Protocol",
        "the subprotocol in use; one that was offered",
        _check_subprotocol,
    ),
)
"""The third list of §4.1, on the response, in its order."""
