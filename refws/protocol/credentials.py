"""RFC 7617: a user name and a password <-> the value of Authorization, or Proxy-Authorization.

    Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==     Aladdin:open sesame, in base64 (§2)

Base64 hides nothing: only TLS keeps others from reading it (§4). An error repeats no part of a
value, because any part may be a secret.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from http import HTTPStatus

from .errors import Fault
from .http import OWS, ascii_lower

SCHEME = "Basic"
SECTION, SECTION_OF_UTF_8 = "RFC 7617 §2", "RFC 7617 §2.1"

CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")


def basic_credentials(user: str, password: str) -> str:
    """The value of (Proxy-)Authorization, scheme Basic (RFC 7617). ValueError if `user` has a :

    A character made by surrogateescape, from a byte that is no UTF-8, becomes that byte again.
    """
    if ":" in user:
        raise ValueError("a user name for Basic authentication has no colon (RFC 7617 §2)")
    octets = f"{user}:{password}".encode("utf-8", "surrogateescape")
    return f"{SCHEME} {b64encode(octets).decode('ascii')}"


def parse_basic(value: str) -> tuple[str, str] | Fault:
    """User name and password in a value of Authorization, or the rule that it breaks."""
    scheme, _, encoded = value.strip(OWS).partition(" ")
    if ascii_lower(scheme) != ascii_lower(SCHEME):
        return fault("credentials of another scheme", f"{SCHEME}, a space, and base64")
    try:
        octets = b64decode(encoded.strip(" "), validate=True)
    except ValueError:
        return fault("credentials that are not base64", "user:password in base64, with its padding")
    try:
        user, colon, password = octets.decode().partition(":")
    except UnicodeDecodeError:
        seen = "credentials that are not UTF-8"
        return fault(seen, "user:password in UTF-8, then in base64", SECTION_OF_UTF_8)
    if not colon:
        return fault("credentials without a colon", "user:password in base64")
    if CONTROL_CHARACTER.search(user + password):
        return fault("credentials with a control character", "a user name and password without one")
    return user, password


def fault(seen: str, expected: str, section: str = SECTION) -> Fault:
    """A reason for a 401 (RFC 9110 §15.5.2)."""
    return Fault(section, seen, expected, "Authorization", status=HTTPStatus.UNAUTHORIZED)
