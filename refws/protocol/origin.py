"""RFC 6455 §10.2, §4.2.2 item 4: whether the page that connects is one that this server trusts.

A browser lets a script of any page connect anywhere, sends the user's cookies along, and leaves it
to the server to look at Origin. So a server that lets in every origin lends its users' rights to
every page. The default is therefore strict.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from http import HTTPStatus
from ipaddress import ip_address

from .errors import Fault
from .http import Request, quote, quote_target
from .origin_form import EXAMPLE, FORM, is_entry, is_listed, parse_origin

TRUSTED_ORIGIN = (
    "an origin that this server is configured to trust: "
    'origins=["{origin}"] in code, --origin {word} on the command line{warning} '
    "(only a page from this very server, by IP address or as localhost, needs neither)"
)


def check_origin(
    request: Request, origins: Iterable[str] | None, secure: bool = False
) -> Fault | None:
    """A fault (403) for a page that this server does not trust, else None.

    No Origin (not a browser, §4.2.1 item 7) passes. `secure` is True if the request came over TLS.
    """
    origin = request.headers.get("Origin")
    return None if origin is None else _check_page(origin, request, origins or (), secure)


def _check_page(
    origin: str, request: Request, origins: Iterable[str], secure: bool
) -> Fault | None:
    """Allowed are an origin in `origins`, and this server's own, if Host proves that it is that."""
    if is_listed(origin, origins) or _is_own_origin(origin, request.authority, secure):
        return None
    return Fault(
        "§10.2",
        f"Origin {quote_target(origin, MAX_ORIGIN)}, with Host {quote(request.authority)}",
        _how_to_trust(origin),
        "Origin",
        status=HTTPStatus.FORBIDDEN,
    )


def _is_own_origin(text: str, authority: str, secure: bool) -> bool:
    """True if the page came from the server that the request goes to.

    A DNS name proves nothing: its owner can make it point to this server (DNS rebinding). Then
    Origin and Host are equal, but the page is a stranger's. The scheme counts (RFC 6454 §5): with
    TLS on port 443, what answers on port 80 of the same address is another server, or someone on
    the way to it.
    """
    scheme = "https" if secure else "http"
    own, origin = parse_origin(f"{scheme}://{authority}"), parse_origin(text)
    return own is not None and own == origin and _is_address(own.host)


def _is_address(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


MAX_ORIGIN = 300
"""Characters of an origin that are repeated: more than a scheme, the longest DNS name and a port.

One that is cut could not be listed.
"""

LISTABLE = re.compile(r"null|[A-Za-z][A-Za-z0-9+.-]*://[\w.~:\[\]-]*", re.ASCII)


def _how_to_trust(origin: str) -> str:
    """What to type so that this origin passes; with an example, and its form, if it is none."""
    is_none = len(origin) > MAX_ORIGIN or not LISTABLE.fullmatch(origin) or not is_entry(origin)
    shown = EXAMPLE if is_none else origin
    warning = ", but any page can show one that says null" if shown == "null" else ""
    how = TRUSTED_ORIGIN.format(origin=shown, word=shlex.quote(shown), warning=warning)
    return f"{how}; the one that was seen is none: {FORM}" if is_none else how
