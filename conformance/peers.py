"""The peers: other WebSocket servers and clients, each with its own defaults."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import environment
import fuzzing

PROGRAMS = Path(__file__).with_name("peers")


@dataclass(frozen=True)
class Peer:
    """A package: its requirements, its echo program in peers/, and a word on its configuration.

    `requirements` are pinned packages of one registry, or a C library.
    """

    name: str
    requirements: Sequence[str]
    program: str
    setup: str

    @property
    def versions(self) -> str:
        """The requirements of the package and, if another one does the work, of that."""
        if self.program.endswith(".c"):
            return environment.library_version(*self.requirements) or "-"
        readable = ", ".join(
            requirement.replace("==", " ").replace("@", " ") for requirement in self.requirements
        )
        return readable.removeprefix(f"{self.name} ")

    def command(self) -> list[str | Path]:
        """Its program, in an environment made on the first call. environment.Unavailable."""
        name = f"peer-{re.split('==|@', self.requirements[0])[0]}"
        program = PROGRAMS / self.program
        if program.suffix == ".c":
            return [environment.c_program(name, program, *self.requirements)]
        if program.suffix == ".py":
            return [environment.python_packages(name, self.requirements), program]
        node = environment.node()
        modules = environment.node_packages(name, self.requirements)
        return ["env", f"NODE_PATH={modules}", node, program]

    def server(self) -> fuzzing.Server:
        """The program as a server. environment.Unavailable."""
        command = self.command()
        return fuzzing.Server(self.name, lambda port: [*command, str(port)])


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
        "websockets-asyncio",
        ("websockets==17.4",),
        "websockets_asyncio_echo.py",
        "`websockets.asyncio.server.serve`; messages up to 32 MiB; compression on (default).",
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
    Peer(
        "picows",
        ("picows==2.3.1",),
        "picows_echo.py",
        "`picows.websockets.asyncio.server.serve`, its API of `websockets`; messages up to 32 MiB; "
        "compression on (default).",
    ),
    Peer(
        "uWebSockets",
        ("socketify==0.0.31",),
        "socketify_echo.py",
        "in C++, of 2024, through `socketify` for Python; messages up to 32 MiB; compression off "
        "(default).",
    ),
    Peer(
        "libwebsockets",
        ("libwebsockets",),
        "libwebsockets_echo.c",
        "in C; text must be UTF-8 (`LWS_SERVER_OPTION_VALIDATE_UTF8`, off by default); messages of "
        "any length; compression off (default).",
    ),
)

CLIENTS = (
    Peer(
        "websockets",
        ("websockets==17.4",),
        "websockets_client.py",
        "`websockets.sync.client.connect`; compression on (default).",
    ),
    Peer(
        "websockets-asyncio",
        ("websockets==17.4",),
        "websockets_asyncio_client.py",
        "`websockets.asyncio.client.connect`; compression on (default).",
    ),
    Peer(
        "ws",
        ("ws@8.23.0",),
        "ws_client.cjs",
        "`WebSocket`; compression on (default).",
    ),
    Peer(
        "aiohttp",
        ("aiohttp==3.14.5",),
        "aiohttp_client.py",
        "`ClientSession.ws_connect`; compression of 15 bits, which is off by default.",
    ),
    Peer(
        "websocket-client",
        ("websocket-client==1.9.2",),
        "websocket_client_client.py",
        "`websocket.create_connection`; it has no compression.",
    ),
    Peer(
        "tornado",
        ("tornado==6.6.1",),
        "tornado_client.py",
        "`websocket_connect`; compression off (default).",
    ),
)
"""Programs that connect to a URL, and echo until the server closes the connection.

Each sends an Origin and lists the subprotocols chat and superchat if it can, so that what it makes
of them can be seen.
"""
