"""RFC 6455 §4.1, response item 1: a response with another status than 101 -> advice to the user.

A client may handle such a response as HTTP: authenticate, follow a redirect. This one does neither,
because a redirect may lead to a stranger, and credentials are the user's to give. It says what the
user can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from ..handshake import VERSION, has_element, show_header
from ..http import Response, ascii_lower, list_elements, quote
from .uri import SCHEMES_OF_HTTP

MAX_QUOTED_VALUE = 300
"""Characters of a header that advice repeats: a URI or a challenge is useless if it is cut."""

ADVICE: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: (
        "the server found fault with the request; the body of its answer may say which"
    ),
    HTTPStatus.UNAUTHORIZED: "give credentials, with additional_headers={'Authorization': ...}",
    HTTPStatus.FORBIDDEN: "the server wants another origin=..., or credentials, or not this client",
    HTTPStatus.NOT_FOUND: "check the path of the URI, no WebSocket is there",
    HTTPStatus.METHOD_NOT_ALLOWED: "check the path of the URI, no WebSocket is there",
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: "give credentials for the proxy",
    HTTPStatus.GONE: "check the path of the URI, the WebSocket that was there is gone",
    HTTPStatus.MISDIRECTED_REQUEST: "the server is not there for this host: check the URI's host",
    HTTPStatus.UPGRADE_REQUIRED: "the server wants another protocol",
    HTTPStatus.TOO_MANY_REQUESTS: "try again later",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "send fewer or shorter headers, such as Cookie",
    HTTPStatus.BAD_GATEWAY: "a proxy in between cannot reach the server; try again later",
    HTTPStatus.SERVICE_UNAVAILABLE: "try again later",
    HTTPStatus.GATEWAY_TIMEOUT: "a proxy in between cannot reach the server; try again later",
    HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED: "log in to this network, with a browser",
}

ADVICE_OF_CLASS = {
    1: "this is no final answer",
    2: "this is a page: check the path of the URI, or whether a proxy in between drops Upgrade",
    3: "check the path of the URI: redirects are not followed",
    4: "the body of the answer may say what is wrong with the request",
    5: "the server failed; the body of the answer may say why",
}

TELLING_HEADERS = ("WWW-Authenticate", "Proxy-Authenticate", "Upgrade", "Retry-After")


def show_status(response: Response) -> str:
    """The status for an error message; with the version if that is HTTP/1.0."""
    status = f"status {response.status_code} {quote(response.reason_phrase)}"
    return f"{status} in {response.version}" if response.version == "HTTP/1.0" else status


def advise(response: Response, advice_of_status: Mapping[int, str] = ADVICE) -> str:
    """What a user can do about this status, and the headers of the response that help."""
    headers = response.headers
    versions = list_elements(headers.get_all("Sec-WebSocket-Version"))
    if versions and VERSION not in versions:  # §4.4
        return f"this client speaks version {VERSION}, the server only {quote(', '.join(versions))}"
    if response.status_code == HTTPStatus.UPGRADE_REQUIRED and has_element(
        headers, "Upgrade", "websocket"
    ):
        return "the server has seen no Upgrade: websocket; a proxy in between may drop it"
    if 300 <= response.status_code < 400 and "Location" in headers:
        location = headers["Location"]
        where = quote(_as_websocket(location), MAX_QUOTED_VALUE)
        if "://" not in location:  # RFC 9110 §10.2.2
            where += ", which is relative to this URI,"
        return f"redirects are not followed; connect to {where} if you trust it"
    advice_of_class = ADVICE_OF_CLASS[min(response.status_code // 100, 5)]  # RFC 9110 §15
    advice = advice_of_status.get(response.status_code, advice_of_class)
    shown = (
        show_header(headers, name, MAX_QUOTED_VALUE) for name in TELLING_HEADERS if name in headers
    )
    return "; ".join([advice, *shown])


def _as_websocket(location: str) -> str:
    scheme, separator, rest = location.partition("://")
    return SCHEMES_OF_HTTP.get(ascii_lower(scheme), scheme) + separator + rest
