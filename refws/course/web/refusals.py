"""RFC 6455 §4.2.2: the opening handshakes that were refused lately, and why, for the page.

A browser says only 1006 of a handshake that a server refuses. Each client is shown the refusals of
its own address.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass
from time import monotonic

from ...endpoint.server_handshake import ServerConnection
from ...protocol.handshake import is_upgrade_attempt
from ...protocol.http import Request, Response

MAX_KEPT = 200
MAX_SHOWN = 20
"""Refusals that are kept for all addresses, and those that one address is shown."""

MAX_PATH, MAX_TEXT = 200, 2000
"""Characters of a path and of a refusal that are kept."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An opening handshake that was refused. `time` is of `monotonic`."""

    time: float
    address: str
    path: str
    status: int
    text: str

    def as_json(self, now: float) -> dict[str, str | int | float]:
        return {
            "seconds": round(now - self.time, 1),
            "path": self.path,
            "status": self.status,
            "text": self.text,
        }


class Refusals:
    """The newest refusals, for any number of threads. The oldest one is dropped for a new one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: deque[Refusal] = deque(maxlen=MAX_KEPT)

    def note(self, connection: ServerConnection, request: Request, response: Response) -> None:
        """For `serve(..., process_response=...)`: keep a refusal. It changes no response."""
        if response.status_code < 400 or not is_upgrade_attempt(request):
            return
        text = response.body.decode(errors="replace")[:MAX_TEXT]
        path = request.absolute_path[:MAX_PATH]
        refusal = Refusal(
            monotonic(), address_of(connection), path, int(response.status_code), text
        )
        with self._lock:
            self._kept.append(refusal)

    def for_address(self, address: str) -> list[Refusal]:
        """The refusals of this address, the newest first."""
        with self._lock:
            found = [refusal for refusal in self._kept if refusal.address == address]
        return found[: -MAX_SHOWN - 1 : -1]

    def as_json(self, connection: ServerConnection) -> str:
        """What the client of this connection is shown."""
        now, found = monotonic(), self.for_address(address_of(connection))
        return json.dumps([refusal.as_json(now) for refusal in found])


def address_of(connection: ServerConnection) -> str:
    """The IP address of the client; all clients of a Unix socket have none, and share it."""
    address = connection.remote_address
    return address[0] if isinstance(address, tuple) else ""


REFUSALS = Refusals()
"""The refusals of this process."""
