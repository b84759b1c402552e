"""Listening sockets, TCP and Unix."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from ipaddress import IPv4Address
from typing import Any, NamedTuple

from .addresses import ip_of
from .unix_listener import UnixListener

BACKLOG = 4096
"""Connections that the system accepts for us while the accept thread is busy.

Above it the system drops what a client sends to connect, and the client repeats it 1, 3, 7, ... s
later. All that were dropped then come at once again, so a crowd of 10,000 may need a minute. Linux
uses the lower one of this and net.core.somaxconn.
"""


SEVERAL_ADDRESSES = {
    None: ("0.0.0.0", "::"),
    "": ("0.0.0.0", "::"),
    "::": ("::", "0.0.0.0"),
    "localhost": ("127.0.0.1", "::1"),
}
"""Hosts that are addresses of both families, also where no file of the system says so (RFC 6761
§6.3). Each family has a socket of its own: with one for both, all IPv4 clients would have addresses
of IPv6, ::ffff:a.b.c.d, in logs and for the application."""

ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""What the system says of an address or a family that it has not."""

ALL_ADDRESSES = ("0.0.0.0", "::")
"""The addresses that are all of a family."""

MAX_TRIES = 16
"""How often to ask for a free port, until it is free for each address."""

OUTSIDE = {
    "0.0.0.0": ("192.0.2.1", "127.0.0.1"),
    "::": ("192.0.2.1", "2001:db8::1", "127.0.0.1", "::1"),
}
"""Addresses of other machines (RFC 5737, RFC 3849), and then of this one: see `open_to_others`."""


class Address(NamedTuple):
    """An address to listen on, as `socket` has it, and the host that it belongs to."""

    host: str | None
    family: int
    address: Any


def listen(
    host: str | Sequence[str] | None, port: int, unix_path: str | None = None
) -> list[socket.socket]:
    """Sockets that listen on all addresses of each host that this machine has, or at `unix_path`.

    All have the same port. No host, and "::", are all addresses, IPv4 and IPv6. OSError if a host
    has none of them, or if one is in use; its `filename` is the host.
    """
    if unix_path is not None and unix_path.startswith("\0"):  # a name of Linux without a file
        return [socket.create_server(unix_path, family=socket.AF_UNIX, backlog=BACKLOG)]
    if unix_path is not None:
        return [UnixListener(unix_path, BACKLOG)]
    hosts = [host] if host is None or isinstance(host, str) else host
    addresses = [address for each in hosts for address in addresses_of(each, port)]
    needed = without_covered(addresses)
    for _ in range(MAX_TRIES):
        try:
            return listen_on_all(needed)
        except OSError as error:
            if port != 0 or error.errno != errno.EADDRINUSE:
                raise
            in_use = error
    raise in_use


def addresses_of(host: str | None, port: int) -> list[Address]:
    """Each address of a host, to listen on. OSError for a name that has none."""
    name = None if host is None else host.lower().removesuffix(".")
    try:
        return [
            Address(host, family, address)
            for each in SEVERAL_ADDRESSES.get(name, (unmapped(host),))
            for family, _, _, _, address in socket.getaddrinfo(
                each, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
        ]
    except UnicodeError:  # such as a part of more than 63 characters
        raise socket.gaierror(socket.EAI_NONAME, "this cannot be a name", host) from None
    except OSError as error:
        error.filename = host
        raise


def unmapped(host: str | None) -> str | None:
    """The IPv4 address in ::ffff:a.b.c.d, which no socket of IPv6 alone has; others unchanged."""
    with suppress(ValueError):  # a name
        ip = ip_of((host,))
        if isinstance(ip, IPv4Address):
            return str(ip)
    return host


def without_covered(addresses: list[Address]) -> list[Address]:
    """One of those that are the same; none that 0.0.0.0 or :: in the list covers.

    A second socket would find the port in use: by our own first one.
    """
    different: dict[Any, Address] = {}
    for each in addresses:
        different.setdefault((each.family, each.address), each)
    whole = {each.family for each in addresses if each.address[0] in ALL_ADDRESSES}
    return [
        each
        for each in different.values()
        if each.family not in whole or each.address[0] in ALL_ADDRESSES
    ]


def listen_on_all(addresses: Iterable[Address]) -> list[socket.socket]:
    """A socket for each address that this machine has, and at least one for each host.

    The first one decides about port 0.
    """
    absent: dict[str | None, OSError] = {}
    present: set[str | None] = set()
    with ExitStack() as if_it_fails:
        socks: list[socket.socket] = []
        for host, family, (name, port, *rest) in addresses:
            port = socks[0].getsockname()[1] if socks else port
            try:
                sock = socket.create_server((name, port, *rest), family=family, backlog=BACKLOG)
            except OSError as error:
                error.filename = host
                if error.errno not in ABSENT:
                    raise
                absent[host] = error
            else:
                socks.append(if_it_fails.enter_context(sock))
                present.add(host)
        for host in absent.keys() - present:
            raise absent[host]
        if_it_fails.pop_all()
    return socks


def open_to_others(host: str) -> str:
    """The address that others can open, where `host` may be all addresses of this machine.

    It is the one from which a packet to another machine would leave. None is sent: to connect a UDP
    socket only chooses a route. Without a route to others it is the loopback address.
    """
    for outside in OUTSIDE.get(host, ()):
        family = socket.AF_INET6 if ":" in outside else socket.AF_INET
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((outside, 9))
            return str(sock.getsockname()[0])
    return host
