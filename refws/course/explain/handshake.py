"""RFC 6455 §4: the head of a request or a response, cut anywhere -> each line with its item.

A request is judged as a server judges it, a response as a client does, with the same tables,
REQUEST_ITEMS and RESPONSE_ITEMS. They also say what each line means. `accept_steps` shows the
computation of the Accept.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

from ...protocol.client.handshake import (
    KEY_SIZE,
    RESPONSE_ITEMS,
    Agreement,
    InvalidStatus,
    check_response,
)
from ...protocol.client.response import read_response
from ...protocol.errors import Fault, HandshakeError, Violation
from ...protocol.frame import Side
from ...protocol.handshake import (
    GUID,
    KEY,
    REQUEST_ITEMS,
    accept_key,
    check_request,
    is_upgrade_attempt,
)
from ...protocol.heads import HEAD_LIMITS, HeadLimits, IncompleteHead, read_request
from ...protocol.http import CRLF, Headers, Request, Response, ascii_lower
from ...protocol.items import Item, accept_anything
from ...protocol.plain import check_plain_request
from .hints.heads import find_hint_for_head
from .values import AcceptSteps, CutOff, HeadExplanation, Illegal, Legal, LineExplanation, Verdict

LINE_SHOWN = 200
"""Characters of a line that are kept."""

MAX_LINES = 65
"""Lines that are kept: one more than the header lines that a server accepts by default."""

SECRET_NAME = re.compile(
    "cookie|auth|token|secret|passw|session|credential|jwt|signature|referer|ur[il]$"
    "|(api|access|private|subscription)-?key"
)
"""What is in the name of a header whose value is not shown: of one with a URI, as its query."""

OTHER_RESPONSE_LINES: tuple[Item[Any], ...] = (
    Item(
        "§4.4",
        "Sec-WebSocket-Version",
        "the versions that the server speaks",
        accept_anything,
    ),
    Item("RFC 9110 §5.1", "", "not part of the opening handshake", accept_anything),
)
"""The lines of a response that no item of §4.1 is about."""

ITEMS: dict[Side, tuple[Item[Any], ...]] = {
    Side.CLIENT: REQUEST_ITEMS,
    Side.SERVER: RESPONSE_ITEMS + OTHER_RESPONSE_LINES,
}
"""The items of the lines: the first is for the first line, the last for all other headers."""

NO_HANDSHAKE = "an ordinary HTTP request, not for websocket: it opens no WebSocket connection"

HEAD_STARTS = (b"GET ", b"HTTP/")

ANSWERS_TO_ASK_FOR = ("sec-websocket-protocol", "sec-websocket-extensions")


def is_secret(name: str) -> bool:
    """Whether the value of a header with this name is a secret."""
    return SECRET_NAME.search(ascii_lower(name.strip())) is not None


def is_start_of_head(data: bytes) -> bool:
    """Whether bytes begin like an HTTP head, with the G of GET or the H of HTTP.

    No valid frame does: G has opcode 7, which is reserved, and H is a Close without FIN.
    """
    return data[:1] in (b"G", b"H")


def find_start_of_head(data: bytes) -> bool | None:
    """Whether bytes begin with the GET of a request, or the HTTP/ of a response.

    None if more bytes are needed to say: text without a frame may begin with G or H, too.
    """
    if data.startswith(HEAD_STARTS):
        return True
    return None if any(start.startswith(data) for start in HEAD_STARTS) else False


Found = tuple[HeadExplanation, Request | None, bytes]
"""A head, its request or None, and the bytes after it."""


class HeadBytes:
    """A head while it arrives."""

    def __init__(
        self,
        sender: Side,
        offset: int,
        request: Request | None,
        limits: HeadLimits = HEAD_LIMITS,
    ) -> None:
        self.limits = limits
        self.sender = sender
        self.offset = offset
        self.request = request
        self.data = b""
        self.looked_at = 0

    def add(self, data: bytes) -> Found | None:
        """The head, its request if it is one, and the bytes after it; None while incomplete."""
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
        """How many bytes to try to read: whole lines, a line that is too long, the first byte.

        The first byte alone shows TLS. So the result does not depend on how the bytes were cut,
        and a head that arrives byte by byte is not read again for each byte.
        """
        if not self.looked_at:
            return 1
        lines = self.data.rfind(b"\n") + 1
        too_long = len(self.data) - lines > self.limits.max_line_size + len(CRLF)
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
            verdict=_verdict(self, faults, hint or (self._find_hint() if faults else "")),
        )

    def _find_hint(self) -> str:
        return find_hint_for_head(self.data, self.sender)

    def cut_off(self) -> HeadExplanation:
        """The explanation of a head that is not complete."""
        size = len(self.data)
        verdict = CutOff(
            f"a head that ends after {size} bytes",
            "an empty line at its end",
            None,
            self._find_hint(),
        )
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
        request = read_request(file, head.limits)
    except IncompleteHead:
        return None
    except HandshakeError as error:
        return head.explain(file.tell(), error.faults), None, head.data[file.tell() :]
    if is_upgrade_attempt(request):
        explained = head.explain(file.tell(), check_request(request), opens=True)
    else:
        explained = head.explain(file.tell(), check_plain_request(request), hint=NO_HANDSHAKE)
    return explained, request, head.data[file.tell() :]


# Responses


def _read_response(head: HeadBytes, data: bytes) -> Found | None:
    file = BytesIO(data)
    try:
        response = read_response(file, head.limits)
    except IncompleteHead:
        return None
    except HandshakeError as error:
        return head.explain(file.tell(), error.faults), None, head.data[file.tell() :]
    return _explain_response(head, file.tell(), response), None, head.data[file.tell() :]


def _explain_response(head: HeadBytes, size: int, response: Response) -> HeadExplanation:
    key = None if head.request is None else head.request.headers.get("Sec-WebSocket-Key")
    request = _stand_in(response) if head.request is None or key is None else head.request
    faults: tuple[Fault, ...] = ()
    agreement = None
    try:
        agreement = check_response(request, response)
    except InvalidStatus as error:
        return head.explain(size, (), hint=str(error))
    except HandshakeError as error:
        faults = tuple(
            fault for fault in error.faults if key is not None or not _needs_key(fault, response)
        )
    accept = None if key is None else accept_steps(key)
    return head.explain(size, faults, accept, agreement, opens=True)


def _stand_in(response: Response) -> Request:
    """A request that asks for everything that the response has; for an unknown request."""
    asked = [
        (name, value) for name, value in response.headers.items() if name in ANSWERS_TO_ASK_FOR
    ]
    return Request("GET", "/", "HTTP/1.1", Headers([("Sec-WebSocket-Key", ""), *asked]))


def _needs_key(fault: Fault, response: Response) -> bool:
    """Whether the fault is an Accept that cannot be judged without the key."""
    return fault.field == "Sec-WebSocket-Accept" and len(response.headers.get_all(fault.field)) == 1


# Lines


def _explain_lines(
    data: bytes, sender: Side, faults: tuple[Fault, ...]
) -> Iterator[LineExplanation]:
    first, *others = data.decode("latin-1").split("\n")[:MAX_LINES]
    items = ITEMS[sender]
    yield _explain_line(first, items[0], _find_faults_of_first_line(items[0], faults))
    by_name = {ascii_lower(item.field): item for item in items}
    for line in others:
        written, _, value = line.partition(":")
        name = ascii_lower(written.strip())
        if is_secret(name):
            line = f"{written}: ({len(value.strip())} characters, not shown)"
        if name:
            broken = tuple(fault for fault in faults if ascii_lower(fault.field) == name)
            yield _explain_line(line, by_name.get(name, items[-1]), broken)


def _find_faults_of_first_line(item: Item[Any], faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    return tuple(fault for fault in faults if not fault.field and fault.section == item.section)


def _explain_line(line: str, item: Item[Any], faults: tuple[Fault, ...]) -> LineExplanation:
    return LineExplanation(line.rstrip("\r")[:LINE_SHOWN], item.section, item.meaning, faults)


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
    """Why this is no key (§4.1 item 7, §4.2.1 item 5), and what to do; "" if it is one."""
    if KEY.fullmatch(key):
        return ""
    decoded = _decode(key)
    if decoded is None or len(decoded) == KEY_SIZE:
        return f"it is not base64; take {KEY_SIZE} random bytes in base64, 22 characters and =="
    return f"it decodes to {len(decoded)} bytes; take {KEY_SIZE} random bytes in base64"
