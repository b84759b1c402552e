"""RFC 6455 §4.1, response item 1: a response with another status than 101 -> what a user can do
about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from ..handshake import (
    VERSION,
    show_header,
)
from ..http import Response, ascii_lower, list_elements, quote
from .uri import SCHEMES_OF_HTTP

MAX_QUOTED_VALUE = 300
"""Characters of a header that advice repeats: a URI to go to, or a way to authenticate, is of no
use in halves.
"""


ADVICE: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: (
        "the server found fault with the request; the body of its answer may say which"
    ),
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


def show_status(response: Response) -> str:
    """The status as a message repeats it, with the version where it explains something."""
    status = f"status {response.status_code} {quote(response.reason_phrase)}"
    return f"{status} in {response.version}" if response.version == "HTTP/1.0" else status


def advise(response: Response, advice_of_status: Mapping[int, str] = ADVICE) -> str:
    """What a user can do about this status, with what the server says to that end. Nothing is done
    by itself.
    """
    headers = response.headers
    versions = list_elements(headers.get_all("Sec-WebSocket-Version"))
    if versions and VERSION not in versions:  # §4.4
        return f"this client speaks version {VERSION}, the server only {quote(', '.join(versions))}"
    if 300 <= response.status_code < 400 and "Location" in headers:
        location = quote(_as_websocket(headers["Location"]), MAX_QUOTED_VALUE)
        return f"redirects are not followed; connect to {location} if you trust it"
    advice = advice_of_status.get(
        response.status_code, ADVICE_OF_CLASS[response.status_code // 100]
    )
    told = (
        show_header(headers, name, MAX_QUOTED_VALUE) for name in TELLING_HEADERS if name in headers
    )
    return "; ".join([advice, *told])


def _as_websocket(location: str) -> str:
    scheme, separator, rest = location.partition("://")
    return SCHEMES_OF_HTTP.get(ascii_lower(scheme), scheme) + separator + rest
