"""RFC 6455 §4.1 item 2: the IP address in the address of a socket."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any


def ip_of(address: Any) -> IPv4Address | IPv6Address | None:
    """The IP address; None for an address of another kind, such as the path of a Unix socket.

    IPv4 inside of IPv6, ::ffff:a.b.c.d, is IPv4. ValueError for a host name.
    """
    if not isinstance(address, tuple) or not isinstance(address[0], str):
        return None
    ip = ip_address(address[0].partition("%")[0])
    return getattr(ip, "ipv4_mapped", None) or ip
