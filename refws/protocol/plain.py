"""RFC 9112 §3: what every server must refuse in a request, a handshake or not.

`PLAIN_ITEMS` is the list. Items 1 and 2 of §4.2.1 ask for the same, with more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus

from .authority import split_authority
from .errors import Fault
from .http import (
    ABSOLUTE_FORM,
    Headers,
    Request,
    content_length,
    count_lines,
    is_chunked,
    quote,
    quote_target,
)
from .items import Item, find_faults

HTTP_VERSION = re.compile(r"HTTP/1\.[0-9]")
"""Any other major version is another protocol: HTTP/2 has no Upgrade (RFC 9113 §8.6)."""

RequestItem = Item[Request]


def check_plain_request(request: Request) -> tuple[Fault, ...]:
    """What every server must refuse in a request, a handshake or not; () if there is nothing.

    HTTP/1.0 needs no Host, and one that names no server may be empty (RFC 9112 §3.2).
    """
    host = request.headers.get("Host", "" if request.version == "HTTP/1.0" else None)
    return find_faults(PLAIN_ITEMS[:-1] if host == "" else PLAIN_ITEMS, request)


def check_version_and_target(item: RequestItem, request: Request) -> Iterator[Fault]:
    if not HTTP_VERSION.fullmatch(request.version):
        seen, status = f"version {quote(request.version)}", HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
        yield item.fault(seen, "HTTP/1.1, also from a proxy in between", status)
    if not (request.target.startswith("/") or _is_special_target(request)) or "#" in request.target:
        expected = "a path such as /chat or an http(s) URI, without #"
        yield item.fault(f"target {quote_target(request.target)}", expected)


def _is_special_target(request: Request) -> bool:
    """True for the forms of a target that are no path (RFC 9112 §3.2).

    More characters than RFC 3986 allows are accepted, because browsers send more.
    """
    if absolute := ABSOLUTE_FORM.fullmatch(request.target):
        return split_authority(absolute[1], 80) is not None
    if request.method == "CONNECT":
        return split_authority(request.target, 80) is not None
    return (request.method, request.target) == ("OPTIONS", "*")


def check_body(item: RequestItem, request: Request) -> Iterator[Fault]:
    if "Transfer-Encoding" in request.headers or "Content-Length" in request.headers:
        yield from _find_faults_of_body(request.headers)


def _find_faults_of_body(headers: Headers) -> Iterator[Fault]:
    """Faults of headers that do not say where the body ends, and so where a next request begins."""
    if "Transfer-Encoding" in headers:
        if not is_chunked(headers):
            seen = "a Transfer-Encoding that does not end in chunked"
            yield Fault("RFC 9112 §6.3 item 4", seen, "chunked as the last", "Transfer-Encoding")
    elif content_length(headers) is None:
        seen = f"Content-Length {quote(headers['Content-Length'])}"
        yield Fault("RFC 9112 §6.3 item 5", seen, "one number of bytes", "Content-Length")


def check_host(item: RequestItem, request: Request) -> Iterator[Fault]:
    hosts = request.headers.get_all(item.field)
    if len(hosts) != 1:
        yield item.fault(count_lines(item.field, hosts), "exactly one Host (RFC 9112 §3.2)")
    elif split_authority(hosts[0], 80) is None:
        expected = "host or host:port, an IPv6 address in brackets and without a zone"
        yield item.fault(f"Host {quote_target(hosts[0])}", expected)


PLAIN_ITEMS: tuple[RequestItem, ...] = (
    Item("RFC 9112 §3", "", "the version and the target", check_version_and_target),
    Item("RFC 9112 §6.3", "", "where the body ends", check_body),
    Item("RFC 9112 §3.2", "Host", "the server that the client means", check_host),
)
"""What holds for every request, also for one that is no handshake. Host is the last one."""
