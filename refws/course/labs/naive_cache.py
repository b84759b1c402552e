"""RFC 6455 §10.3: a cache that takes all it sees for HTTP. NOT to be copied: it is here to be hurt.

It is like those that were found on the Internet in 2010: it passes on a request to upgrade and its
101 as any other, and then it goes on reading requests and responses where there are frames. So it
believes anyone who writes into a WebSocket. Three mistakes make that possible, marked 1 to 3.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from contextlib import closing
from typing import BinaryIO

from .browser import read_answer

REQUEST = re.compile(rb"GET (\S+) HTTP/1\.1\r\n(?:.+\r\n)*?Host: *(\S+)\r\n(?:.+\r\n)*\r\n")
UPGRADE = re.compile(rb"\r\nUpgrade:", re.IGNORECASE)
CHUNK = 65_536

Upstream = Callable[[], socket.socket]


class NaiveCache:
    """What it has stored, by host and path, for all who come through it.

    Each connection has a thread; `stored` is changed under the lock.
    """

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self._read = b""
        self._lock = threading.Lock()

    def has_read(self, data: bytes) -> bool:
        """Whether these bytes came from a client, as they are."""
        return data in self._read

    def towards(self, upstream: Upstream) -> Callable[[socket.socket], None]:
        """The part on the way to one server; the network leads each packet there."""

        def part(client: socket.socket) -> None:
            with closing(upstream()) as server, server.makefile("rb") as answers:
                while data := client.recv(CHUNK):
                    client.sendall(self._answer(data, server, answers))

        return part

    def _answer(self, data: bytes, server: socket.socket, answers: BinaryIO) -> bytes:
        with self._lock:
            self._read += data
            # Mistake 1: a request is looked for in all that arrives, even after a 101.
            asked = None if (found := REQUEST.search(data)) is None else address_of(found)
            if asked in self.stored:
                return self.stored[asked]
        server.sendall(data)
        answer = read_answer(answers)
        with self._lock:
            # Mistake 2: the address is the one that the request names, not where it was sent.
            # Mistake 3: the next bytes from there are taken for its answer.
            if (
                asked is not None
                and not UPGRADE.search(data)
                and answer.startswith(b"HTTP/1.1 200")
            ):
                self.stored[asked] = answer
        return answer


def address_of(request: re.Match[bytes]) -> str:
    path, host = request[1].decode("latin-1"), request[2].decode("latin-1")
    return f"http://{host}{path}"
