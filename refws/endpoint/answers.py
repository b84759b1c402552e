"""RFC 9110 §6.6.1, §10.2.4, §9.3.2, RFC 9112 §9.3: an answer in HTTP, with what each of them says.

A 101 goes without Date and Server, as a 1xx may: its head has only what opens the connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate

from ..protocol.handshake import VERSION, has_element
from ..protocol.http import WITHOUT_BODY, Headers, Request, Response

SERVER = "refws"
"""The value of Server, unless `serve` gets another one."""


def to_bytes(response: Response, request: Request | None, server_header: str | None) -> bytes:
    """The response as it is on the wire. A header that it has already is left as it is.

    HEAD is answered as GET, without the body, and a 204 or 304 has none; `request` is None if it
    could not be read. Each answer says `close`: a proxy could not know otherwise that no other
    request is read (RFC 9112 §9.3).
    """
    missing = [
        (name, value)
        for name, value in _standard_headers(request, server_header)
        if name not in response.headers
    ]
    if not has_element(response.headers, "Connection", "close"):
        missing.append(("Connection", "close"))
    is_head = request is not None and request.method == "HEAD"
    body = b"" if is_head or response.status_code in WITHOUT_BODY else response.body
    headers = Headers([*missing, *response.headers.raw_items()])
    return replace(response, headers=headers, body=body).to_bytes()


def _standard_headers(
    request: Request | None, server_header: str | None
) -> Iterator[tuple[str, str]]:
    yield "Date", formatdate(usegmt=True)
    if server_header is not None:
        yield "Server", server_header
    versions = [] if request is None else request.headers.get_all("Sec-WebSocket-Version")
    if any(version != VERSION for version in versions):
        yield "Sec-WebSocket-Version", VERSION  # RFC 6455 §4.4
