"""RFC 6455 §4.1 items 2 and 3: the address of a server or proxy, a slot there, and TCP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from ...protocol.client.proxy import Proxy
from ...protocol.client.uri import WebSocketURI
from ..log import format_address
from ..processes import call_in_children
from ..timers import wait_time


class Deadline:
    """When the opening handshake must be done; `seconds` is None for no deadline."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.time = None if seconds is None else monotonic() + seconds

    def remaining(self, what: str) -> float | None:
        """Seconds left, None for no deadline. TimeoutError if `what` has taken them all."""
        if self.time is None:
            return None
        left = self.time - monotonic()
        if left <= 0:
            raise self.passed(what)
        return wait_time(left)

    def passed(self, what: str) -> TimeoutError:
        return TimeoutError(
            f"{what} took longer than {self.seconds:g} s; is the server up, and can it be reached?"
        )


MAX_BEHIND_A_PROXY = 10
"""§4.1 item 2: opening handshakes at a time through proxies; only these know the addresses."""


class Slots:
    """§4.1 item 2: one opening handshake at a time with each address; the others wait.

    Made once: each process has one, and a child of `os.fork` starts with its own.
    """

    def __init__(self) -> None:
        self._start_empty()
        call_in_children(self._start_empty)

    def _start_empty(self) -> None:
        """In a child, the threads that have slots, or held the lock, do not exist."""
        self._condition = threading.Condition()
        self._connecting: set[str] = set()

    @contextmanager
    def slot(self, address: str, deadline: Deadline, most: int | None = None) -> Iterator[None]:
        """Block until no other thread connects to this address, and fewer than `most` to any.

        TimeoutError at the deadline.
        """
        what = f"§4.1 item 2: another opening handshake with {address}"
        with self._condition:
            while address in self._connecting or len(self._connecting) == most:
                self._condition.wait(deadline.remaining(what))
            self._connecting.add(address)
        try:
            yield
        finally:
            with self._condition:
                self._connecting.discard(address)
                self._condition.notify_all()


SLOTS = Slots()


def resolve(uri: WebSocketURI, unix_path: str | None, proxy: Proxy | None) -> list[tuple[int, Any]]:
    """(family, address) of each place to connect to: the Unix socket, the proxy or the server."""
    if unix_path is not None:
        return [(socket.AF_UNIX, unix_path)]
    host, port = uri.address if proxy is None else (proxy.host, proxy.port)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


def slot_at(address: Any, uri: WebSocketURI, proxy: Proxy | None) -> str:
    """§4.1 item 2: the address of the host; behind a proxy, which alone knows it, the name."""
    if proxy is not None:
        return uri.host
    return address if isinstance(address, str) else str(address[0])


def connect_socket(family: int, address: Any, deadline: Deadline) -> socket.socket:
    what = f"connecting to {format_address(address)}"
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(deadline.remaining(what))
        sock.connect(address)
        sock.settimeout(None)
        if family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except TimeoutError as error:
        sock.close()
        raise deadline.passed(what) from error
    except BaseException:
        sock.close()
        raise
    return sock
