"""RFC 6455 §4.1 item 2: --resolve HOST:PORT:ADDRESS -> a socket that is connected to this address.

The URI stays as it is, and so do Host, SNI and the name that the certificate must have. So a new
server can be tried before its name leads to it.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address

from ...protocol.authority import join_authority
from ...protocol.client.uri import WebSocketURI


class WrongPlace(ValueError):
    """The option cannot be used; the message says what to write."""


def address_for(text: str, uri: WebSocketURI) -> tuple[str, int]:
    """The address that the option gives for the URI's host, and the URI's port.

    WrongPlace if it is for another host or port, or if there is no IP address in it.
    """
    here = join_authority(uri.host, uri.port) + ":"
    if not text.lower().startswith(here.lower()):
        raise WrongPlace(f"{text!r} is not for the host and port of the URI: write {here}ADDRESS")
    address = text[len(here) :].removeprefix("[").removesuffix("]")
    try:
        ip_address(address)
    except ValueError:
        raise WrongPlace(
            f"{address!r} is no IP address: write one, such as {here}127.0.0.1, or {here}[::1]"
        ) from None
    return address, uri.port


def connected(address: tuple[str, int], timeout: float) -> socket.socket:
    """OSError if nothing answers there within these seconds."""
    sock = socket.create_connection(address, timeout)
    sock.settimeout(None)
    return sock
