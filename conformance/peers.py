"""The peers: other WebSocket servers in Python, and one for Node.js, each with its own defaults."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import environment
import fuzzing

PROGRAMS = Path(__file__).with_name("peers")


@dataclass(frozen=True)
class Peer:
    """A package: its requirements, its echo server in peers/, and a word on its configuration."""

    name: str
    requirements: Sequence[str]
    program: str
    setup: str

    @property
    def versions(self) -> str:
        """The requirements of the package and, if another one does the work, of that."""
        readable = ", ".join(
            requirement.replace("==", " ").replace("@", " ") for requirement in self.requirements
        )
        return readable.removeprefix(f"{self.name} ")

    def server(self) -> fuzzing.Server:
        """The server, in an environment made on the first call. environment.Unavailable."""
        environment_name = f"peer-{self.name}"
        if self.program.endswith(".py"):
            python = environment.python_packages(environment_name, self.requirements)
            command: Sequence[str | Path] = (python, PROGRAMS / self.program)
        else:
            node = environment.node()
            modules = environment.node_packages(environment_name, self.requirements)
            command = ("env", f"NODE_PATH={modules}", node, PROGRAMS / self.program)
        return fuzzing.Server(self.name, functools.partial(_on_port, command))


def _on_port(command: Sequence[str | Path], port: int) -> list[str | Path]:
    return [*command, str(port)]


PEERS = (
    Peer(
        "websockets",
        ("websockets==17.4",),
        "websockets_echo.py",
        (
            "`websockets.sync.server.serve`, threaded; messages up to 32 MiB; compression on "
            "(default)."
        ),
    ),
    Peer(
        "simple-websocket",
        ("simple-websocket==1.1.0", "wsproto==1.3.2"),
        "simple_websocket_echo.py",
        "`Server.accept` behind `http.server.ThreadingHTTPServer`; messages of any length "
        "(default); compression on"
        " (cannot be switched off).",
    ),
    Peer(
        "websocket-server",
        ("websocket-server==0.6.4",),
        "websocket_server_echo.py",
        "`WebsocketServer`, threaded; it has no limits and no compression, and takes neither"
        " binary messages nor fragments.",
    ),
    Peer(
        "aiohttp",
        ("aiohttp==3.14.5",),
        "aiohttp_echo.py",
        "`web.WebSocketResponse`; messages up to 32 MiB; compression on (default).",
    ),
    Peer(
        "tornado",
        ("tornado==6.6.1",),
        "tornado_echo.py",
        "`WebSocketHandler`; messages up to 32 MiB; compression off (default).",
    ),
    Peer(
        "ws",
        ("ws@8.23.0",),
        "ws_echo.cjs",
        "`WebSocketServer`; messages up to 32 MiB; compression off (default).",
    ),
)
