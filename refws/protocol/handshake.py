"""RFC 6455 §4.2, server side: Request -> 101, or a refusal that names its faults.

A request with a fault of syntax does not get here: http.py refuses it. Of a header only the first
fault is named.

`REQUEST_ITEMS` is the list of §4.2.1, one entry for each item. `check_request` checks a request
with this list, and an explanation of the request takes the meaning of each header from it.
`negotiate` decides; `accept` and `refuse` make the answer of §4.2.2. The functions for both sides
are first; the client's own are in client/handshake.py.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha1
from http import HTTPStatus

from .errors import Fault, HandshakeError
from .extensions import Extension, listed_extensions, split_unquoted
from .http import (
    MAX_QUOTED,
    MAX_QUOTED_SECRET,
    OWS,
    Headers,
    HeadersLike,
    Request,
    Response,
    ascii_lower,
    count_lines,
    is_token,
    list_elements,
    quote,
)
from .items import Item, accept_anything, find_faults
from .origin import check_origin
from .plain import RequestItem, check_host, check_version_and_target

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
VERSION = "13"

# 16 bytes in base64 (§4.3): 22 characters and two of padding. The last of the 22 holds two bits of
# the key and four bits that no decoder uses. They need not be zero: in the example of §4.1 ("EC==",
# later erratum 3150) they are not.
KEY = re.compile(r"[A-Za-z0-9+/]{22}==")

THROUGH_A_PROXY = (
    "HTTP/1.1 (a proxy in between may say HTTP/1.0: nginx does, without proxy_http_version 1.1)"
)

ANSWERED_BY_ACCEPT = (
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
)
"""Not to be added to a 101: it has its own (§11.3), and no body with a length (RFC 9110 §8.6)."""

HEADERS_OF_STATUS: dict[HTTPStatus, tuple[tuple[str, str], ...]] = {
    HTTPStatus.METHOD_NOT_ALLOWED: (("Allow", "GET, HEAD"),),
    HTTPStatus.UPGRADE_REQUIRED: (
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade, close"),
        ("Sec-WebSocket-Version", VERSION),
    ),
}
"""What a refusal must say if this status is among its faults (§4.4, RFC 9110 §15.5.6, §15.5.22)."""


# Both sides


def accept_key(key: str) -> str:
    """The Sec-WebSocket-Accept for a key, which is used as text, not decoded (§4.2.2 item 5.4)."""
    return in_base64(sha1((key + GUID).encode("ascii"), usedforsecurity=False).digest())


def in_base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def has_element(headers: Headers, name: str, element: str) -> bool:
    """True if the comma list called `name` has this element, in any case; give it in lower case."""
    return element in map(ascii_lower, list_elements(headers.get_all(name)))


def show_header(headers: Headers, name: str, limit: int = MAX_QUOTED) -> str:
    """The header for an error message, cut after `limit` characters; or that it is missing."""
    value = headers.get(name)
    return f"no {name} header" if value is None else f"{name}: {quote(value, limit)}"


# Server side, §4.2.1: reading the client's opening handshake


def is_upgrade_attempt(request: Request) -> bool:
    """True if the request is meant to be a handshake, valid or not: then all its faults matter.

    An Upgrade to another protocol, such as h2c, is ignored (RFC 9110 §7.8).
    """
    return has_element(request.headers, "Upgrade", "websocket") or any(
        name.startswith("sec-websocket-") for name in request.headers
    )


def negotiate(
    request: Request,
    origins: Iterable[str] | None = None,
    subprotocols: Sequence[str] = (),
    secure: bool = False,
) -> str | None:
    """The subprotocol for the connection, or None, if the handshake can be accepted.

    Otherwise HandshakeError with the faults, in the order of §4.2.1 and §4.2.2. The first one
    gives the status: version 8 without a key is 400, because item 5 is before item 6; the answer
    still names version 13 (§4.4). 403 is for a request without other faults.
    """
    faults = check_request(request)
    if origin_fault := check_origin(request, origins, secure):
        faults += (origin_fault,)
    if faults:
        raise HandshakeError(faults)
    return choose_subprotocol(request, subprotocols)


def check_request(request: Request) -> tuple[Fault, ...]:
    """The faults of the client's opening handshake, in the order of §4.2.1; () if it is valid."""
    return find_faults(REQUEST_ITEMS, request)


def choose_subprotocol(request: Request, supported: Sequence[str]) -> str | None:
    """The first of `supported`, in the server's order, that the client listed, or None (§4.2.2)."""
    listed = requested_subprotocols(request)
    return next((subprotocol for subprotocol in supported if subprotocol in listed), None)


def requested_subprotocols(request: Request) -> list[str]:
    """The client's subprotocols from all their lines, most preferred first (§4.2.1 item 8)."""
    return list_elements(request.headers.get_all("Sec-WebSocket-Protocol"))


def requested_extensions(request: Request) -> tuple[Extension, ...]:
    """The client's offers, most preferred first. HandshakeError as for `parse_extensions`."""
    return listed_extensions(request.headers)


def _check_request_line(item: RequestItem, request: Request) -> Iterator[Fault]:
    yield from check_version_and_target(item, request)
    if request.version == "HTTP/1.0":
        yield item.fault("version 'HTTP/1.0'", THROUGH_A_PROXY)
    if request.method != "GET":
        yield _method_fault(item, request.method)
    yield from _check_no_body(request.headers)


def _method_fault(item: RequestItem, method: str) -> Fault:
    """HEAD gets the status that a GET gets which is no handshake (RFC 9110 §9.3.2)."""
    status = HTTPStatus.BAD_REQUEST if method == "HEAD" else HTTPStatus.METHOD_NOT_ALLOWED
    return item.fault(f"method {quote(method)}", "GET", status)


def _check_no_body(headers: Headers) -> Iterator[Fault]:
    """Faults of a GET with a body: this server would read the bytes of the body as frames."""
    for name in ("Content-Length", "Transfer-Encoding"):
        if any(element.strip("0") for element in list_elements(headers.get_all(name))):
            seen = f"a request with {show_header(headers, name)}"
            yield Fault("RFC 9110 §9.3.1", seen, "no body", name)


def _check_upgrade(item: RequestItem, request: Request) -> Iterator[Fault]:
    if not has_element(request.headers, item.field, "websocket"):
        expected = "Upgrade: websocket (a proxy in between must pass it on)"
        yield item.fault(show_header(request.headers, item.field), expected)


def _check_connection(item: RequestItem, request: Request) -> Iterator[Fault]:
    if not has_element(request.headers, item.field, "upgrade"):
        expected = "Connection: Upgrade (a proxy in between must pass it on)"
        yield item.fault(show_header(request.headers, item.field), expected)


def _check_key(item: RequestItem, request: Request) -> Iterator[Fault]:
    keys = request.headers.get_all(item.field)
    if len(keys) != 1:
        yield item.fault(count_lines(item.field, keys), "exactly one (§11.3.1)")
    elif not KEY.fullmatch(keys[0]):
        expected = "16 random bytes in base64, such as dGhlIHNhbXBsZSBub25jZQ=="
        yield item.fault(show_header(request.headers, item.field), expected)


def _check_version(item: RequestItem, request: Request) -> Iterator[Fault]:
    versions = request.headers.get_all(item.field)
    if len(versions) > 1:
        yield item.fault(
            count_lines(item.field, versions), "exactly one (§11.3.5)", _status_of(versions)
        )
    elif versions != [VERSION]:
        seen, expected = show_header(request.headers, item.field), f"{item.field}: {VERSION}"
        yield item.fault(seen, expected, HTTPStatus.UPGRADE_REQUIRED)


def _status_of(versions: list[str]) -> HTTPStatus:
    """§4.4: the answer to another version must name version 13, and a 426 does."""
    only_ours = set(versions) == {VERSION}
    return HTTPStatus.BAD_REQUEST if only_ours else HTTPStatus.UPGRADE_REQUIRED


def _check_origin_count(item: RequestItem, request: Request) -> Iterator[Fault]:
    origins = request.headers.get_all(item.field)
    if len(origins) > 1:
        yield item.fault(count_lines(item.field, origins), "at most one")


def _check_subprotocols(item: RequestItem, request: Request) -> Iterator[Fault]:
    """The list must have at least one token, and only tokens. Some programs put a password in it.

    A subprotocol that is in the list twice breaks §4.1 item 10, but no rule of §4.2.1.
    """
    lines = request.headers.get_all(item.field)
    subprotocols = list_elements(lines)
    if lines and not (subprotocols and all(map(is_token, subprotocols))):
        seen = show_header(request.headers, item.field, MAX_QUOTED_SECRET)
        yield item.fault(seen, "a comma list of tokens, at least one")


def _check_extensions(item: RequestItem, request: Request) -> Iterator[Fault]:
    """The faults name §9.1, which has the grammar."""
    try:
        listed_extensions(request.headers)
    except HandshakeError as error:
        yield from error.faults


REQUEST_ITEMS: tuple[RequestItem, ...] = (
    Item(
        "§4.2.1 item 1",
        "",
        "method GET, HTTP/1.1 or higher, and the resource",
        _check_request_line,
    ),
    Item("§4.2.1 item 2", "Host", "the server that the client means", check_host),
    Item("§4.2.1 item 3", "Upgrade", "must contain websocket", _check_upgrade),
    Item("§4.2.1 item 4", "Connection", "must contain Upgrade", _check_connection),
    Item(
        "§4.2.1 item 5",
        "Sec-WebSocket-Key",
        "16 random bytes in base64; the Accept is made from it",
        _check_key,
    ),
    Item("§4.2.1 item 6", "Sec-WebSocket-Version", f"must be {VERSION}", _check_version),
    Item(
        "§4.2.1 item 7",
        "Origin",
        "the page whose script connects; browsers send it, and scripts cannot change it",
        _check_origin_count,
    ),
    Item(
        "§4.2.1 item 8",
        "Sec-WebSocket-Protocol",
        "subprotocols, the one that the client likes best first",
        _check_subprotocols,
    ),
    Item(
        "§4.2.1 item 9",
        "Sec-WebSocket-Extensions",
        "extensions that the client offers",
        _check_extensions,
    ),
    Item("§4.2.1 item 10", "", "not part of the opening handshake", accept_anything),
)
"""The list of §4.2.1, in its order. Item 10, every other header, is ignored."""


# Server side, §4.2.2: sending the server's opening handshake


def accept(
    request: Request,
    *,
    subprotocol: str | None = None,
    extensions: str | None = None,
    headers: HeadersLike = (),
) -> Response:
    """The 101 that opens the connection (§4.2.2 item 5), for a request without faults.

    ValueError for a subprotocol or extension that the client did not list, and for an added header
    that the 101 has already.
    """
    _check_answer(request, subprotocol, extensions)
    added = Headers(headers)
    if repeated := [name for name in ANSWERED_BY_ACCEPT if name in added]:
        names = ", ".join(repeated)
        raise ValueError(f"{names}: not to be added to the 101, the handshake decides (§4.2.2)")
    answer = [
        ("Upgrade", "websocket"),  # §4.2.2 item 5.2
        ("Connection", "Upgrade"),  # item 5.3
        ("Sec-WebSocket-Accept", accept_key(request.headers["Sec-WebSocket-Key"])),  # item 5.4
    ]
    if subprotocol is not None:
        answer.append(("Sec-WebSocket-Protocol", subprotocol))  # item 5.5
    if extensions is not None:
        answer.append(("Sec-WebSocket-Extensions", extensions))  # item 5.6
    status = HTTPStatus.SWITCHING_PROTOCOLS  # item 5.1
    return Response(status.value, status.phrase, Headers([*answer, *added.raw_items()]))


def _check_answer(request: Request, subprotocol: str | None, extensions: str | None) -> None:
    if subprotocol is not None and subprotocol not in requested_subprotocols(request):
        seen = f"subprotocol {quote(subprotocol)}"
        raise ValueError(f"{seen} is not one that the client listed (§4.2.2 item 4)")
    if extensions is None:
        return
    answered = {element.partition(";")[0].strip(OWS) for element in split_unquoted(extensions, ",")}
    if not answered <= {extension.name for extension in requested_extensions(request)}:
        seen = f"extensions {quote(extensions)}"
        raise ValueError(f"{seen} are not all offered by the client (§4.2.2 item 4)")


def check_changed_answer(before: Response, after: Response) -> None:
    """ValueError if the server's handshake, `before`, was changed to one that opens no connection.

    Headers may be added to a 101, and any other final response may take its place.
    """
    if after.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
        if after.status_code < HTTPStatus.OK:
            raise ValueError(f"a {after.status_code} is no final response; use one from 200 up")
        return
    if before.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
        raise ValueError(f"a {before.status_code} was changed to 101; the request opens nothing")
    for name in ANSWERED_BY_ACCEPT:
        if after.headers.get_all(name) != before.headers.get_all(name):
            raise ValueError(f"{name} of the 101 was changed; the handshake decides (§4.2.2)")
    if after.body:
        raise ValueError("a body was added to the 101; frames follow it (§4.2.2)")


def refuse(error: HandshakeError) -> Response:
    """The HTTP answer to a refused request: plain text that names every fault in `error`."""
    statuses = {fault.status for fault in error.faults}
    headers = [
        header
        for status, lines in HEADERS_OF_STATUS.items()
        if status in statuses
        for header in lines
    ]
    return Response.text(error.status, _explain(error), headers)


def _explain(error: HandshakeError) -> str:
    count = len(error.faults)
    rules = "a rule" if count == 1 else f"{count} rules"
    blocks = (
        f"{_full_section(fault.section)}\n  seen:     {fault.seen}\n  expected: {fault.expected}\n"
        for fault in error.faults
    )
    status = error.status
    return "\n".join(
        [f"{status.value} {status.phrase}\n", f"This request breaks {rules}:\n", *blocks]
    )


def _full_section(section: str) -> str:
    return f"RFC 6455 {section}" if section.startswith("§") else section
