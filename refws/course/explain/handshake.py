"""RFC 6455 §4: the head of a request or a response, cut anywhere -> each line with its item, the
Accept step by step.

The request is judged as the server judges it, the response as the client does.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

from ...protocol.client.handshake import KEY_SIZE, Agreement, InvalidStatus, check_response
from ...protocol.client.response import read_response
from ...protocol.deflate.negotiation import (
    CLIENT_MAX_WINDOW_BITS,
    CLIENT_NO_CONTEXT_TAKEOVER,
    MAX_WINDOW_BITS,
    NAME,
    SERVER_MAX_WINDOW_BITS,
    SERVER_NO_CONTEXT_TAKEOVER,
    WINDOW_BITS,
    DeflateSettings,
)
from ...protocol.errors import Fault, HandshakeError, Violation
from ...protocol.extensions import Extension
from ...protocol.frame import Side
from ...protocol.handshake import (
    GUID,
    KEY,
    accept_key,
    check_request,
    is_upgrade_attempt,
    requested_extensions,
)
from ...protocol.http import (
    CRLF,
    MAX_LINE_SIZE,
    Headers,
    IncompleteHead,
    Request,
    Response,
    ascii_lower,
    check_host,
    read_request,
)
from .values import AcceptSteps, CutOff, HeadExplanation, Illegal, Legal, LineExplanation, Verdict

LINE_SHOWN = 200
"""Characters of a line that are kept."""

MOST_LINES = 65
"""Lines that are kept: one more than the header lines that a server takes."""

SECRETS = ("authorization", "proxy-authorization", "cookie", "set-cookie")
"""Headers whose values are left out."""

REQUEST_LINES = {
    "host": ("§4.2.1 item 2", "the server that the client means"),
    "upgrade": ("§4.2.1 item 3", "must contain websocket"),
    "connection": ("§4.2.1 item 4", "must contain Upgrade"),
    "sec-websocket-key": ("§4.2.1 item 5", "16 random bytes in base64; the Accept is made from it"),
    "sec-websocket-version": ("§4.2.1 item 6", "must be 13"),
    "origin": (
        "§4.2.1 item 7",
        "the page whose script connects; browsers send it, and scripts cannot change it",
    ),
    "sec-websocket-protocol": (
        "§4.2.1 item 8",
        "subprotocols, the one that the client likes best first",
    ),
    "sec-websocket-extensions": ("§4.2.1 item 9", "extensions that the client offers"),
}

RESPONSE_LINES = {
    "upgrade": ("§4.1 response item 2", "must be websocket"),
    "connection": ("§4.1 response item 3", "must contain Upgrade"),
    "sec-websocket-accept": ("§4.1 response item 4", "proves that the server has read the key"),
    "sec-websocket-extensions": (
        "§4.1 response item 5",
        "the extensions in use; only what was offered",
    ),
    "sec-websocket-protocol": (
        "§4.1 response item 6",
        "the subprotocol in use; one that was offered",
    ),
    "sec-websocket-version": ("§4.4", "the versions that the server speaks"),
}

OTHER_LINE = ("§4.2.1 item 10", "not part of the opening handshake")


ANSWERS_TO_ASK_FOR = ("sec-websocket-protocol", "sec-websocket-extensions")

ANY_DEFLATE = DeflateSettings(server_max_window_bits=None, client_max_window_bits=MAX_WINDOW_BITS)
"""An offer to which every answer fits."""


def is_start_of_head(data: bytes) -> bool:
    """Whether bytes begin as an HTTP head: as no frame can, G and H (GET, HTTP) having RSV1 and a
    wrong opcode.
    """
    return data[:1] in (b"G", b"H")


Found = tuple[HeadExplanation, Request | None, bytes]
"""A head, the request that it is, and the bytes behind it."""


class HeadBytes:
    """A head while it comes in."""

    def __init__(self, sender: Side, offset: int, request: Request | None) -> None:
        self.sender = sender
        self.offset = offset
        self.request = request
        self.data = b""
        self.looked_at = 0

    def add(self, data: bytes) -> Found | None:
        """The head, the request that it is, and the bytes behind it; None while it is not whole."""
        self.data += data
        found = None
        while found is None and (size := self._readable()) > self.looked_at:
            self.looked_at = size
            found = self._read(self.data[:size])
        return found

    def _read(self, data: bytes) -> Found | None:
        return (
            _read_request(self, data) if self.sender is Side.CLIENT else _read_response(self, data)
        )

    def _readable(self) -> int:
        """The bytes that tell something: whole lines, one that is too long, and the first byte,
        which tells TLS.

        So what is found does not hang on how the bytes were cut, and a head byte by byte costs no
        more.
        """
        if not self.looked_at:
            return 1
        lines = self.data.rfind(b"\n") + 1
        too_long = len(self.data) - lines > MAX_LINE_SIZE + len(CRLF)
        return len(self.data) if too_long else max(lines, 1)

    def explain(
        self,
        size: int,
        faults: tuple[Fault, ...],
        accept: AcceptSteps | None = None,
        agreement: Agreement | None = None,
        opens: bool = False,
        hint: str = "",
    ) -> HeadExplanation:
        lines = tuple(_explain_lines(self.data[:size], self.sender, faults))
        return HeadExplanation(
            sender=self.sender,
            offset=self.offset,
            length=size,
            lines=lines,
            faults=faults,
            accept=accept,
            subprotocol=agreement.subprotocol if agreement else None,
            deflate=agreement.deflate if agreement else None,
            opens=opens,
            verdict=_verdict(self, faults, hint),
        )

    def cut_off(self) -> HeadExplanation:
        """What is there of a head that is not whole."""
        size = len(self.data)
        verdict = CutOff(f"a head that ends after {size} bytes", "an empty line at its end", None)
        return replace(self.explain(size, ()), verdict=verdict)


def _verdict(head: HeadBytes, faults: tuple[Fault, ...], hint: str) -> Verdict:
    if not faults:
        return Legal(hint)
    first = faults[0]
    status = int(first.status) if head.sender is Side.CLIENT else None
    violation = Violation(first.section, first.seen, first.expected)
    return Illegal(violation, status, head.offset, hint)


# Requests


def _read_request(head: HeadBytes, data: bytes) -> Found | None:
    file = BytesIO(data)
    try:
        request = read_request(file)
    except IncompleteHead:
        return None
    except HandshakeError as error:
        return head.explain(file.tell(), error.faults), None, head.data[file.tell() :]
    attempt = is_upgrade_attempt(request)
    faults = check_request(request) if attempt else tuple(check_host(request.headers))
    hint = (
        ""
        if attempt
        else "an ordinary HTTP request, without Upgrade: no WebSocket connection comes of it"
    )
    return (
        head.explain(file.tell(), faults, opens=attempt, hint=hint),
        request,
        head.data[file.tell() :],
    )


# Responses


def _read_response(head: HeadBytes, data: bytes) -> Found | None:
    file = BytesIO(data)
    try:
        response = read_response(file)
    except IncompleteHead:
        return None
    except HandshakeError as error:
        return head.explain(file.tell(), error.faults), None, head.data[file.tell() :]
    return _explain_response(head, file.tell(), response), None, head.data[file.tell() :]


def _explain_response(head: HeadBytes, size: int, response: Response) -> HeadExplanation:
    request = head.request
    known = request is not None and "Sec-WebSocket-Key" in request.headers
    faults: tuple[Fault, ...] = ()
    agreement = None
    try:
        agreement = _agree(
            request if request is not None and known else _stand_in(response), response
        )
    except InvalidStatus as error:
        return head.explain(size, (), hint=str(error))
    except HandshakeError as error:
        faults = tuple(fault for fault in error.faults if known or not _needs_key(fault, response))
    accept = (
        accept_steps(request.headers["Sec-WebSocket-Key"])
        if request is not None and known
        else None
    )
    return head.explain(size, faults, accept, agreement, opens=True)


def _agree(request: Request, response: Response) -> Agreement:
    """What the response makes of the connection, if it fits one of the offers. InvalidStatus, or
    HandshakeError.
    """
    error: HandshakeError | None = None
    for offered in _offers(request) or [None]:
        try:
            return check_response(request, response, offered)
        except HandshakeError as failed:
            error = error or failed
    assert error is not None
    raise error


def _offers(request: Request) -> list[DeflateSettings | None]:
    """What the client asked for in each of its offers of permessage-deflate."""
    try:
        offers = requested_extensions(request)
    except HandshakeError:
        return []
    return [_settings(offer) for offer in offers if offer.name == NAME]


def _settings(offer: Extension) -> DeflateSettings:
    values = dict(offer.parameters)
    bits = values.get(SERVER_MAX_WINDOW_BITS) or ""
    return DeflateSettings(
        server_max_window_bits=int(bits) if WINDOW_BITS.fullmatch(bits) else None,
        client_max_window_bits=MAX_WINDOW_BITS if CLIENT_MAX_WINDOW_BITS in values else None,
        server_no_context_takeover=SERVER_NO_CONTEXT_TAKEOVER in values,
        client_no_context_takeover=CLIENT_NO_CONTEXT_TAKEOVER in values,
    )


def _stand_in(response: Response) -> Request:
    """A request that asked for all that is answered, where nobody knows the real one."""
    asked = [
        (name, value) for name, value in response.headers if ascii_lower(name) in ANSWERS_TO_ASK_FOR
    ]
    return Request("GET", "/", "HTTP/1.1", Headers([("Sec-WebSocket-Key", ""), *asked]))


def _needs_key(fault: Fault, response: Response) -> bool:
    """Whether the fault is an Accept that is there, but not that of a key which nobody knows."""
    return (
        fault.section == "§4.1 response item 4"
        and len(response.headers.get_all("Sec-WebSocket-Accept")) == 1
    )


# Lines


def _explain_lines(
    data: bytes, sender: Side, faults: tuple[Fault, ...]
) -> Iterator[LineExplanation]:
    table = REQUEST_LINES if sender is Side.CLIENT else RESPONSE_LINES
    first, *others = data.decode("latin-1").split("\n")[:MOST_LINES]
    yield _explain_line(first, *_first_line(sender), faults)
    for line in others:
        name = ascii_lower(line.partition(":")[0].strip())
        if name in SECRETS:
            line = (
                f"{line.partition(':')[0]}: ({len(line.partition(':')[2].strip())} "
                "characters, not shown)"
            )
        if name:
            yield _explain_line(line, *table.get(name, OTHER_LINE), faults)


def _first_line(sender: Side) -> tuple[str, str]:
    if sender is Side.CLIENT:
        return "§4.2.1 item 1", "method GET, HTTP/1.1 or higher, and the resource"
    return "§4.1 response item 1", "101: from here on frames; any other status is an answer in HTTP"


def _explain_line(
    line: str, section: str, meaning: str, faults: tuple[Fault, ...]
) -> LineExplanation:
    broken = tuple(
        fault for fault in faults if fault.section == section and section != OTHER_LINE[0]
    )
    return LineExplanation(line.rstrip("\r")[:LINE_SHOWN], section, meaning, broken)


# The Accept


def accept_steps(key: str) -> AcceptSteps:
    """The computation of §4.2.2 item 5.4, for any key in ASCII; ValueError for another."""
    accept = accept_key(key)
    return AcceptSteps(key, _decode(key), key + GUID, b64decode(accept), accept)


def _decode(key: str) -> bytes | None:
    try:
        return b64decode(key, validate=True)
    except ValueError:
        return None


def what_is_wrong_with(key: str) -> str:
    """Why this is no Sec-WebSocket-Key (§4.1 item 7, §4.2.1 item 5), and what to do; "" if it is
    one.
    """
    if KEY.fullmatch(key):
        return ""
    decoded = _decode(key)
    if decoded is None or len(decoded) == KEY_SIZE:
        return f"it is not base64; take {KEY_SIZE} random bytes in base64, 22 characters and =="
    return f"it decodes to {len(decoded)} bytes; take {KEY_SIZE} random bytes in base64"
