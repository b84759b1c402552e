"""RFC 6455 §4.1 item 3, RFC 9110 §9.3.6: host and port -> the CONNECT that asks for a tunnel.

    CONNECT example.com:80 HTTP/1.1 CRLF            authority form, always with the port
    Host: example.com:80 CRLF                       (RFC 9112 §3.2.3)
    Proxy-Authorization: Basic ZWRuYW1vZGU6... CRLF if the proxy wants a password
    CRLF

If the answer is a 2xx, everything after its head is the tunnel, even if its headers announce a
body. Any other status is a refusal.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from http import HTTPStatus
from urllib.parse import unquote

from ..authority import join_authority
from ..credentials import CONTROL_CHARACTER, SECTION, basic_credentials
from ..errors import Fault
from ..http import (
    Headers,
    HeadersLike,
    Request,
    Response,
    ascii_lower,
    list_elements,
    quote,
)
from .advice import advise, show_status
from .handshake import InvalidResponse, added_headers
from .uri import InvalidURI, check_characters, parse_authority

DEFAULT_PORT = 80

OWN_HEADERS = {
    "Host": "it is made from host and port",
    "Content-Length": "a CONNECT has no body",
    "Transfer-Encoding": "a CONNECT has no body",
}

ADVICE: dict[int, str] = {
    HTTPStatus.FORBIDDEN: "this proxy does not allow that host or port",
    HTTPStatus.NOT_FOUND: "check the address of the proxy, a web server is there",
    HTTPStatus.METHOD_NOT_ALLOWED: "this proxy does not allow tunnels, or not to that port",
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: (
        "give credentials, as in http://user:password@proxy:3128"
    ),
    HTTPStatus.BAD_GATEWAY: "the proxy cannot reach that host: check its name and port",
    HTTPStatus.SERVICE_UNAVAILABLE: "the proxy cannot reach that host: check its name and port",
    HTTPStatus.GATEWAY_TIMEOUT: "the proxy cannot reach that host: check its name and port",
}


NO_HTTP = ("§3", "RFC 9112 §4")
"""Sections of faults that say that a peer speaks no HTTP: of a server's, that is advice on URIs."""

HTTP_PROXY = "an answer in HTTP, without TLS: check host and port of the proxy"
OTHER_LOGIN = (
    "only Basic logins can be given here: go through a proxy on this machine that logs in to it"
)


class ProxyError(InvalidResponse):
    """A proxy has answered, but opened no tunnel (§4.1 item 4); `response` is its answer."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """The address of an HTTP proxy, and `credentials`, the value of Proxy-Authorization or None."""

    host: str
    port: int
    credentials: str | None = field(default=None, repr=False)

    @property
    def headers(self) -> Headers:
        """The headers that a CONNECT to this proxy needs."""
        return Headers(
            [] if self.credentials is None else [("Proxy-Authorization", self.credentials)]
        )


def parse_proxy(text: str) -> Proxy:
    """The proxy of `http://[user:password@]host[:port]`.

    InvalidURI for anything else; its message repeats no password.
    """
    check_characters(text)
    scheme, separator, rest = text.partition("://")
    if ascii_lower(scheme) != "http" or not separator:
        seen = f"a proxy with scheme {quote(scheme)}" if separator else "a proxy without a scheme"
        raise InvalidURI(
            "§4.1 item 3", seen, "http://host:port, the proxy that speaks HTTP without TLS"
        )
    user_info, at, authority = rest.removesuffix("/").rpartition("@")
    host, port = parse_authority(authority, DEFAULT_PORT)
    return Proxy(host, port, _credentials(user_info) if at else None)


def _credentials(user_info: str) -> str:
    """The value of Proxy-Authorization; a %xx that is no UTF-8 stays the byte that it is."""
    user, password = (
        unquote(part, errors="surrogateescape") for part in user_info.partition(":")[::2]
    )
    if ":" in user or CONTROL_CHARACTER.search(user + password):
        expected = "no colon in a user name, and no control character in a login"
        raise InvalidURI(SECTION, "a proxy's login with one of them", expected)
    return basic_credentials(user, password)


def build_connect(host: str, port: int, headers: HeadersLike = ()) -> Request:
    """The request for a tunnel to `host`, a name or an IP address without brackets.

    ValueError for a header that the request already has. `headers` are for the proxy: a secret for
    the server, such as Authorization, belongs in the handshake.
    """
    authority = join_authority(host, port)
    lines = [("Host", authority), *added_headers(headers, OWN_HEADERS).raw_items()]
    return Request("CONNECT", authority, "HTTP/1.1", Headers(lines))


def as_the_proxys(fault: Fault) -> Fault:
    """A fault in the bytes that came instead of an answer, named as the proxy's."""
    expected = HTTP_PROXY if fault.section in NO_HTTP else fault.expected
    return replace(fault, seen=f"{fault.seen}, from the proxy", expected=expected)


def check_connect_response(response: Response) -> None:
    """ProxyError if the proxy did not open the tunnel."""
    if not 200 <= response.status_code < 300:
        advice = dict(ADVICE)
        if _wants_another_login(response):
            advice[HTTPStatus.PROXY_AUTHENTICATION_REQUIRED] = OTHER_LOGIN
        expected = f"2xx from the proxy: {advise(response, advice)}"
        raise ProxyError([Fault("§4.1 item 4", show_status(response), expected)], response)


def _wants_another_login(response: Response) -> bool:
    """True if the proxy names ways to log in, such as NTLM, and Basic is none of them."""
    challenges = list_elements(response.headers.get_all("Proxy-Authenticate"))
    ways = {ascii_lower(challenge.partition(" ")[0]) for challenge in challenges}
    return bool(ways) and "basic" not in ways
