"""RFC 6455 §4.1 items 2 and 3: the deadline, a slot at the address of a server, and TCP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from time import monotonic
from typing import Any, NamedTuple

from ...protocol.authority import join_authority
from ...protocol.client.uri import WebSocketURI
from ..addresses import ip_of
from ..log import format_address
from ..processes import call_in_children
from ..stream import send_at_once
from ..timers import wait_time
from ..waking import WakeUp


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
    """§4.1 item 2: one opening handshake at a time with each address and port; the others wait.

    "The remote host (IP address) identified by /host/ and port": with another port of an address
    another server answers, and one that is silent keeps no client from the others. Made once: each
    process has one, and a child of `os.fork` starts with its own. `_condition` guards all fields.
    """

    def __init__(self) -> None:
        self._start_empty()
        call_in_children(self._start_empty)

    def _start_empty(self) -> None:
        """In a child, the threads that have slots, or held the lock, do not exist."""
        self._condition = threading.Condition()
        self._limited: dict[str, bool] = {}
        """The slots that are taken, and whether each counts for the limit `most`."""
        self._waiting: set[WakeUp] = set()

    @contextmanager
    def slot(self, address: str, deadline: Deadline, most: int | None = None) -> Iterator[None]:
        """Block until no other thread connects to this address.

        With `most`, also until fewer than `most` of the threads that gave a limit connect to any.
        TimeoutError at the deadline.
        """
        with self._condition:
            while not self._take(address, most):
                self._condition.wait(deadline.remaining(waiting_for(address)))
        try:
            yield
        finally:
            self.release(address)

    def take(self, address: str, wake_up: WakeUp) -> bool:
        """True if the slot was free, and is now the caller's; else `wake_up` says when to ask."""
        with self._condition:
            taken = self._take(address, None)
            if not taken:
                self._waiting.add(wake_up)
            return taken

    def _take(self, address: str, most: int | None) -> bool:
        full = most is not None and sum(self._limited.values()) >= most
        if full or address in self._limited:
            return False
        self._limited[address] = most is not None
        return True

    def release(self, address: str) -> None:
        with self._condition:
            self._limited.pop(address, None)  # not there in a child that a trace has forked
            self._condition.notify_all()
            for wake_up in self._waiting:
                wake_up.send()

    def forget(self, wake_up: WakeUp) -> None:
        """Send it no more."""
        with self._condition:
            self._waiting.discard(wake_up)


SLOTS = Slots()


def waiting_for(slot: str) -> str:
    return f"§4.1 item 2: another opening handshake with {slot}"


class Place(NamedTuple):
    """Where to connect to; `slot` is None where a slot for the whole way is taken already."""

    family: int
    address: Any
    slot: str | None


def slot_at(address: Any) -> str:
    """The slot of an IP address and port, or of a Unix socket's path. ValueError for a name."""
    ip = ip_of(address)
    if ip is None:
        return str(address)
    scope = f"%{address[3]}" if len(address) > IPV4_PARTS and address[3] else ""
    return join_authority(f"{ip}{scope}", address[1])


IPV4_PARTS = 2
"""An IPv4 address of `socket` is (host, port), an IPv6 address is (host, port, flow, scope)."""


def slot_behind_a_proxy(uri: WebSocketURI) -> str:
    """Only the proxy knows the address; each name counts as a host of its own."""
    try:
        return slot_at(uri.address)
    except ValueError:
        return uri.authority


@contextmanager
def given(sock: socket.socket, deadline: Deadline) -> Iterator[tuple[socket.socket, Any]]:
    """A connected socket of the caller, and its peer's address, with the slot there if it has one.

    The socket is closed on an error.
    """
    try:
        address = sock.getpeername()
        sock.settimeout(None)
        send_at_once(sock)
        with SLOTS.slot(slot_at(address), deadline) if ip_of(address) else nullcontext():
            yield sock, address
    except BaseException:
        sock.close()
        raise


def connect_socket(family: int, address: Any, deadline: Deadline) -> socket.socket:
    what = f"connecting to {format_address(address)}"
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(deadline.remaining(what))
        sock.connect(address)
        sock.settimeout(None)
        send_at_once(sock)
    except TimeoutError as error:
        sock.close()
        raise deadline.passed(what) from error
    except BaseException:
        sock.close()
        raise
    return sock
