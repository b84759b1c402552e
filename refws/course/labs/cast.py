"""The servers and clients of a lab: all on loopback, and all ended when the lab ends.

A lab asks for a server or a client, and gets a port or a socket. Leaving the `with` ends every
socket and waits for every thread, so that nothing is left of an attack.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, Self

from ...endpoint.serve import serve
from ...endpoint.server import Server
from ...endpoint.server_handshake import Handler
from .readings import Feed, Reading

LOOPBACK = "127.0.0.1"

TIMEOUT = 5.0
"""Seconds that a client of a lab waits for an answer. A server waits for its clients without a
limit, because a reader takes any time between two steps; the end of the lab ends it.
"""

END_TIMEOUT = 1.5
"""Seconds in which everything has ended: one deadline for all threads, which end side by side."""

CLOSE_TIMEOUT = 0.5
"""Seconds that a server waits for a Close, so that the end of a lab does not wait long for it."""

LOOK_INTERVAL = 0.2
"""Seconds between two looks whether the lab has ended."""

Part = Callable[[socket.socket], None]
"""A small server's part: one connection, from its first byte on."""


class Cast:
    """Who plays in a lab. `defence` is the setting of the switch: "on", "off", or the lab's own.

    For the thread that plays the lab; the parts of small servers run in threads of their own.
    """

    def __init__(self, defence: str = "on") -> None:
        self.defence = defence
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()  # held to change all with an underscore
        self.ending = threading.Event()
        """Set when the lab ends."""
        self.log: Feed[str] = Feed()
        """What its servers have logged."""
        self.readings: Feed[Reading] = Feed()
        """What was measured while its steps were played."""
        self._servers_at: dict[int, Server] = {}

    @property
    def defended(self) -> bool:
        return self.defence == "on"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def end(self) -> None:
        """End all sockets and servers, and wait for all threads: END_TIMEOUT seconds at most."""
        deadline = monotonic() + END_TIMEOUT
        self.ending.set()
        with self._lock:
            sockets, threads = list(self._sockets), list(self._threads)
            servers = list(self._servers_at.values())
        for sock in sockets:
            end_socket(sock)
        for server in servers:
            server.stop()
        for thread in threads:
            with suppress(RuntimeError):  # Ctrl-C came while it was starting
                thread.join(max(0.0, deadline - monotonic()))

    def free_port(self, wanted: int) -> int:
        """`wanted`, or 0, which means any, if another program has it."""
        with suppress(OSError), socket.create_server((LOOPBACK, wanted)):
            return wanted
        return 0

    def host(self, part: Part, port: int = 0) -> int:
        """The port of a small server, which plays `part` for each connection, in its own thread."""
        listener = socket.create_server((LOOPBACK, port))
        port = listener.getsockname()[1]
        self.thread(self._accept, self._kept(listener), part)
        return port

    def websocket(self, handler: Handler, port: int = 0, **settings: Any) -> int:
        """The port of a server of refws, with the arguments of `serve`.

        It sends no Pings unless it is asked to: clients of a lab answer none, and a reader may
        take minutes for a step.
        """
        defaults = {"close_timeout": CLOSE_TIMEOUT, "ping_interval": None}
        server = serve(handler, LOOPBACK, port, **{**defaults, **settings})
        port = int(server.socket.getsockname()[1])
        with self._lock:
            self._servers_at[port] = server
        self.thread(serve_until_stopped, server)
        if self.ending.is_set():
            server.stop()
        return port

    def stop(self, port: int) -> None:
        """End a server of refws, so that another one can have its port."""
        with self._lock:
            server = self._servers_at.pop(port)
        server.shutdown()

    def logger(self) -> logging.Logger:
        """For a server whose log the reader sees."""
        logger = logging.Logger("refws.labs", logging.INFO)
        logger.addHandler(Notes(self.log.add))
        return logger

    def places_taken(self, port: int) -> int:
        """Connections of a server of refws, those that are still being opened among them."""
        return len(self._servers_at[port].all_connections)

    def wait_until_empty(self, port: int) -> bool:
        """True once no connection has a place at a server of refws; False after TIMEOUT seconds."""
        return self.wait_for(lambda: not self.places_taken(port), TIMEOUT)

    def wait_for(self, condition: Callable[[], bool], seconds: float) -> bool:
        """True once the condition holds; False after these seconds, or when the lab ends."""
        deadline = monotonic() + seconds
        while not (holds := condition()) and monotonic() < deadline:
            if self.ending.wait(LOOK_INTERVAL / 20):
                break
        return holds

    def thread(self, target: Callable[..., None], *arguments: Any) -> threading.Thread:
        """Run it in a thread, which must end when the sockets of the lab end."""

        def run() -> None:
            with suppress(OSError, EOFError):  # the other side, or the lab, has ended
                target(*arguments)

        thread = threading.Thread(target=run, daemon=True)
        with self._lock:  # `end` joins no thread that has not started
            self._threads.append(thread)
            thread.start()
        return thread

    @contextmanager
    def client(self, port: int, source: str = LOOPBACK) -> Iterator[socket.socket]:
        """A connection to a server of the lab, from an address of this machine.

        Each read or write waits TIMEOUT at most.
        """
        with self.opened(port, source) as sock:
            try:
                yield sock
            finally:
                self._forget(sock)

    def opened(self, port: int, source: str = LOOPBACK) -> socket.socket:
        """The same for a part that closes it itself, or leaves it open until the lab ends."""
        sock = socket.create_connection((LOOPBACK, port), TIMEOUT, (source, 0))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._kept(sock)

    def _accept(self, listener: socket.socket, part: Part) -> None:
        listener.settimeout(LOOK_INTERVAL)  # not every system wakes accept when a listener ends
        with listener:
            while not self.ending.is_set():
                with suppress(TimeoutError):
                    sock, _ = listener.accept()
                    sock.settimeout(None)
                    self.thread(self._play, self._kept(sock), part)

    def _play(self, sock: socket.socket, part: Part) -> None:
        try:
            with sock:
                part(sock)
        finally:
            self._forget(sock)

    def _kept(self, sock: socket.socket) -> socket.socket:
        with self._lock:
            self._sockets.add(sock)
        if self.ending.is_set():
            end_socket(sock)
        return sock

    def _forget(self, sock: socket.socket) -> None:
        with self._lock:
            self._sockets.discard(sock)


def serve_until_stopped(server: Server) -> None:
    """Its own thread shuts it down, so that no server waits for the connections of another."""
    with server:
        server.serve_forever()


class Notes(logging.Handler):
    """The records of a server, as lines of a lab's log."""

    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__()
        self._note = note

    def emit(self, record: logging.LogRecord) -> None:
        self._note(record.getMessage())


def no_log() -> logging.Logger:
    """For a server whose log would only repeat what the steps tell."""
    logger = logging.getLogger("refws.labs")
    logger.disabled = True
    return logger


def end_socket(sock: socket.socket) -> None:
    """End both directions, which wakes a thread that waits for the socket, and close it."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
