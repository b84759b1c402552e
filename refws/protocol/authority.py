"""RFC 3986 §3.2: `host[:port]` <-> host and port, for Host, Origin, URIs and addresses in messages.

example.com:8080      a registered name, in ASCII here
192.0.2.1             an IPv4 address; without a port, the default port of the scheme is meant
[2001:db8::1]:443     an IPv6 address, in brackets: it has colons of its own
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address

from .http import ascii_lower

AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::([^:]*))?")
"""Where to cut. The parts are checked afterwards, so that an error can say which one is wrong."""

NAME_CHARACTERS = r"A-Za-z0-9._~!$&'()*+,;=\-"
"""RFC 3986 §3.2.2: the characters of a registered name, without percent-encoded ones."""

HOST = re.compile(rf"\[[0-9A-Fa-f:.]+\]|(?:[{NAME_CHARACTERS}]|%[0-9A-Fa-f]{{2}})+")
PORT = re.compile(r"[0-9]{0,5}")


def cut_authority(text: str) -> tuple[str, str] | None:
    """(host, port) as they are written; port "" if there is none; None for any other form."""
    match = AUTHORITY.fullmatch(text)
    return None if match is None else (match[1], match[2] or "")


def split_authority(text: str, default_port: int) -> tuple[str, int] | None:
    """(host in lower case, port), an IPv6 address with its brackets; None if it is malformed."""
    parts = cut_authority(text)
    if parts is None or not HOST.fullmatch(parts[0]) or not PORT.fullmatch(parts[1]):
        return None
    if parts[0].startswith("[") and not is_ipv6(parts[0][1:-1]):
        return None
    return ascii_lower(parts[0]), int(parts[1] or default_port)


def is_ipv6(text: str) -> bool:
    """True for an IPv6 address without brackets, and without a zone, which RFC 3986 lacks."""
    try:
        return IPv6Address(text).scope_id is None
    except ValueError:
        return False


def bracketed(host: str) -> str:
    """The host as it is written before a port: IPv6 gets brackets (RFC 3986 §3.2.2)."""
    return f"[{host}]" if ":" in host else host


def join_authority(host: str, port: int) -> str:
    """`host:port`; the host is a name or an address without brackets."""
    return f"{bracketed(host)}:{port}"
