"""RFC 6455 §4.2, §9.1, the opening handshake, server side: Request -> 101, or a refusal that names
every broken rule.

What both sides need comes first; the client's side is client_handshake.py.

§4.2.1 is `check_request`, §10.2 `check_origin`, §4.2.2 `accept` and `refuse`; `negotiate` runs the
checks in order.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha1
from http import HTTPStatus
from ipaddress import ip_address

from .errors import Fault, HandshakeError
from .extensions import Extension, listed_extensions, split_unquoted
from .http import (
    MAX_QUOTED,
    OWS,
    Headers,
    Request,
    Response,
    ascii_lower,
    check_host,
    check_request_line,
    count_lines,
    is_token,
    list_elements,
    quote,
    split_authority,
)

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
VERSION = "13"

# 16 bytes in base64 (§4.3): 22 characters and two of padding. The last of the 22 holds two bits of
# the key and four bits that nobody reads. They need not be zero: in the example of §4.1 ("EC==",
# later erratum 3150) they are not.
KEY = re.compile(r"[A-Za-z0-9+/]{22}==")


DEFAULT_PORTS = {"http": 80, "https": 443}

ANSWERED_BY_ACCEPT = (
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
)
"""§11.3: not to be repeated in the 101; and RFC 9110 §8.6: a 101 has no body whose length could be
told.
"""

HEADERS_OF_STATUS: dict[HTTPStatus, tuple[tuple[str, str], ...]] = {
    HTTPStatus.METHOD_NOT_ALLOWED: (("Allow", "GET"),),
    HTTPStatus.UPGRADE_REQUIRED: (
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade, close"),
        ("Sec-WebSocket-Version", VERSION),
    ),
}
"""RFC 9110 §15.5.6, §15.5.22, §7.8 and RFC 6455 §4.4: what a refusal with this status among its
faults must say.
"""


# Both sides


def accept_key(key: str) -> str:
    """The Sec-WebSocket-Accept for a Sec-WebSocket-Key, which is used as text, not decoded (§4.2.2
    item 5.4).
    """
    return in_base64(sha1((key + GUID).encode("ascii"), usedforsecurity=False).digest())


def in_base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def has_element(headers: Headers, name: str, element: str) -> bool:
    """True if `element`, in lower case, stands in the comma list called `name`, in any case."""
    return element in map(ascii_lower, list_elements(headers.get_all(name)))


def show_header(headers: Headers, name: str, most: int = MAX_QUOTED) -> str:
    """The header as a message repeats it, at most `most` characters; says so if it is missing."""
    value = headers.get(name)
    return f"no {name} header" if value is None else f"{name}: {quote(value, most)}"


# Server side, §4.2.1: reading the client's opening handshake


def is_upgrade_attempt(request: Request) -> bool:
    """True if the request means to be a WebSocket handshake, right or wrong: its faults are then
    worth explaining.
    """
    names = [ascii_lower(name) for name, _ in request.headers]
    return any(name == "upgrade" or name.startswith("sec-websocket-") for name in names)


def negotiate(
    request: Request, *, origins: Iterable[str] | None = None, subprotocols: Sequence[str] = ()
) -> str | None:
    """The subprotocol for the connection, or None, if the handshake can be accepted.

    HandshakeError with every fault otherwise. They stand in the order of §4.2.1 and then §4.2.2,
    and the first gives the status: version 8 without a key is 400, by item 5 before item 6, and
    still names version 13 (§4.4, as in its example); 403 is for a request with no other fault.
    """
    faults = check_request(request)
    if origin_fault := check_origin(request, origins):
        faults += (origin_fault,)
    if faults:
        raise HandshakeError(faults)
    return choose_subprotocol(request, subprotocols)


def check_request(request: Request) -> tuple[Fault, ...]:
    """Every fault of the client's opening handshake, in the order of §4.2.1; empty if it is valid."""
    headers = request.headers
    return (
        *check_request_line(request.method, request.target, request.version),  # §4.2.1 item 1
        *check_host(headers),  # item 2
        *_check_upgrade(headers),  # item 3
        *_check_connection(headers),  # item 4
        *_check_key(headers),  # item 5
        *_check_version(headers),  # item 6
        *_check_origin_count(headers),  # item 7
        *_check_subprotocols(headers),  # item 8
        *_check_extensions(headers),  # item 9
        # item 10: any other header is ignored
    )


def check_origin(request: Request, origins: Iterable[str] | None) -> Fault | None:
    """A fault (403) for a page that this server does not trust (§10.2, §4.2.2 item 4), else None.

    Passes: no Origin (not a browser, §4.2.1 item 7); an origin in `origins`, where "*" stands for
    every origin; and, listed or not, the origin that this server itself is, as far as its Host
    proves that.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return None
    listed = {ascii_lower(allowed) for allowed in origins or ()}
    if (
        "*" in listed
        or ascii_lower(origin) in listed
        or _is_own_origin(ascii_lower(origin), request.authority)
    ):
        return None
    return Fault(
        "§10.2",
        f"Origin {quote(origin)}, with Host {quote(request.authority)}",
        'an origin that the server was told to trust: origins=["https://example.com"] in code, '
        "--origin https://example.com on the command line "
        "(only a page from this very server, by IP address or as localhost, needs neither)",
        status=HTTPStatus.FORBIDDEN,
    )


def _is_own_origin(origin: str, authority: str) -> bool:
    """True if the page came from where the request goes. A DNS name proves nothing: its owner may
    point it here.
    """
    scheme, _, origin_authority = origin.partition("://")
    if scheme not in DEFAULT_PORTS:
        return False
    own = split_authority(authority, DEFAULT_PORTS[scheme])
    return (
        own is not None
        and own == split_authority(origin_authority, DEFAULT_PORTS[scheme])
        and _is_address(own[0])
    )


def _is_address(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def choose_subprotocol(request: Request, supported: Sequence[str]) -> str | None:
    """The first of `supported`, in the server's order, that the client listed; None if there is
    none (§4.2.2).
    """
    listed = requested_subprotocols(request)
    return next((subprotocol for subprotocol in supported if subprotocol in listed), None)


def requested_subprotocols(request: Request) -> list[str]:
    """The client's subprotocols over all Sec-WebSocket-Protocol lines, most preferred first (§4.2.1
    item 8).
    """
    return list_elements(request.headers.get_all("Sec-WebSocket-Protocol"))


def requested_extensions(request: Request) -> tuple[Extension, ...]:
    """The client's offers, most preferred first; () if there is none. HandshakeError as
    `parse_extensions`.
    """
    return listed_extensions(request.headers)


def _check_upgrade(headers: Headers) -> Iterator[Fault]:
    if not has_element(headers, "Upgrade", "websocket"):
        expected = "Upgrade: websocket (a proxy in between must pass it on)"
        yield Fault("§4.2.1 item 3", show_header(headers, "Upgrade"), expected)


def _check_connection(headers: Headers) -> Iterator[Fault]:
    if not has_element(headers, "Connection", "upgrade"):
        expected = "Connection: Upgrade (a proxy in between must pass it on)"
        yield Fault("§4.2.1 item 4", show_header(headers, "Connection"), expected)


def _check_key(headers: Headers) -> Iterator[Fault]:
    keys = headers.get_all("Sec-WebSocket-Key")
    if len(keys) != 1:
        yield Fault(
            "§4.2.1 item 5", count_lines("Sec-WebSocket-Key", keys), "exactly one (§11.3.1)"
        )
    elif not KEY.fullmatch(keys[0]):
        expected = "16 random bytes in base64, such as dGhlIHNhbXBsZSBub25jZQ=="
        yield Fault("§4.2.1 item 5", show_header(headers, "Sec-WebSocket-Key"), expected)


def _check_version(headers: Headers) -> Iterator[Fault]:
    versions = headers.get_all("Sec-WebSocket-Version")
    if len(versions) > 1:
        yield Fault(
            "§4.2.1 item 6", count_lines("Sec-WebSocket-Version", versions), "exactly one (§11.3.5)"
        )
    elif versions != [VERSION]:
        seen, expected = (
            show_header(headers, "Sec-WebSocket-Version"),
            f"Sec-WebSocket-Version: {VERSION}",
        )
        yield Fault("§4.2.1 item 6", seen, expected, status=HTTPStatus.UPGRADE_REQUIRED)


def _check_origin_count(headers: Headers) -> Iterator[Fault]:
    origins = headers.get_all("Origin")
    if len(origins) > 1:
        yield Fault("§4.2.1 item 7", count_lines("Origin", origins), "at most one")


def _check_subprotocols(headers: Headers) -> Iterator[Fault]:
    """A list of tokens. That none comes twice is the client's duty (§4.1 item 10), not a rule of
    §4.2.1 or §4.3.
    """
    lines = headers.get_all("Sec-WebSocket-Protocol")
    subprotocols = list_elements(lines)
    if lines and not (subprotocols and all(map(is_token, subprotocols))):
        seen = show_header(headers, "Sec-WebSocket-Protocol")
        yield Fault("§4.2.1 item 8", seen, "a comma list of tokens, at least one")


def _check_extensions(headers: Headers) -> Iterator[Fault]:
    try:
        listed_extensions(headers)
    except HandshakeError as error:
        yield from error.faults


# Server side, §4.2.2: sending the server's opening handshake


def accept(
    request: Request,
    *,
    subprotocol: str | None = None,
    extensions: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
) -> Response:
    """The 101 that opens the connection (§4.2.2 item 5), for a request that `check_request` found
    valid.

    ValueError if it would answer what the client did not ask for, or repeat one of its own headers.
    """
    _check_answer(request, subprotocol, extensions)
    added = Headers(headers)
    if repeated := [name for name in ANSWERED_BY_ACCEPT if name in added]:
        raise ValueError(
            (
                f"{', '.join(repeated)}: not to be added to the 101, the handshake decides on them "
                "(§4.2.2)"
            )
        )
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
    return Response(status.value, status.phrase, Headers([*answer, *added]))


def _check_answer(request: Request, subprotocol: str | None, extensions: str | None) -> None:
    if subprotocol is not None and subprotocol not in requested_subprotocols(request):
        raise ValueError(
            f"subprotocol {quote(subprotocol)} is not one that the client listed (§4.2.2 item 4)"
        )
    if extensions is None:
        return
    answered = {element.partition(";")[0].strip(OWS) for element in split_unquoted(extensions, ",")}
    if not answered <= {extension.name for extension in requested_extensions(request)}:
        raise ValueError(
            f"extensions {quote(extensions)} are not all offered by the client (§4.2.2 item 4)"
        )


def refuse(error: HandshakeError) -> Response:
    """The HTTP answer to a request that is not accepted: plain text that lists every fault. Never a
    101.
    """
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
