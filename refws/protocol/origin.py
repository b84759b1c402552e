"""RFC 6455 §10.2, §4.2.2 item 4: whether the page that connects is one that this server trusts.

A browser lets a script of any page connect anywhere, sends the user's cookies along, and leaves it
to the server to look at Origin. So a server that lets in every origin lends its users' rights to
every page. The default is therefore strict.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from ipaddress import ip_address

from .authority import split_authority
from .errors import Fault
from .http import Request, ascii_lower, quote

DEFAULT_PORTS = {"http": 80, "https": 443}


TRUSTED_ORIGIN = (
    "an origin that this server is configured to trust: "
    'origins=["https://example.com"] in code, '
    "--origin https://example.com on the command line "
    "(only a page from this very server, by IP address or as localhost, needs neither)"
)


def check_origin(request: Request, origins: Iterable[str] | None) -> Fault | None:
    """A fault (403) for a page that this server does not trust, else None.

    Allowed are: no Origin (not a browser, §4.2.1 item 7); an origin in `origins`, where "*" means
    every origin; and this server's own origin, if Host proves that it is its own.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return None
    listed = {ascii_lower(allowed) for allowed in origins or ()}
    lower = ascii_lower(origin)
    if listed & {"*", lower} or _is_own_origin(lower, request.authority):
        return None
    return Fault(
        "§10.2",
        f"Origin {quote(origin)}, with Host {quote(request.authority)}",
        TRUSTED_ORIGIN,
        "Origin",
        status=HTTPStatus.FORBIDDEN,
    )


def _is_own_origin(origin: str, authority: str) -> bool:
    """True if the page came from the server that the request goes to.

    A DNS name proves nothing: its owner can make it point to this server (DNS rebinding). Then
    Origin and Host are equal, but the page is a stranger's.
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
