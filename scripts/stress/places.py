"""Where the servers listen: TCP, TLS over TCP, a Unix socket; and raw sockets to and at each."""

from __future__ import annotations

import functools
import os
import socket
import ssl
import tempfile
from contextlib import suppress
from typing import Any

from refws import Side
from refws.endpoint.tls.certificates import client_context, server_context
from scripts.shared import server_process

CERTIFICATE = str(server_process.ROOT / "tests" / "certificates" / "localhost.pem")
KEY = str(server_process.ROOT / "tests" / "certificates" / "key.pem")
TRANSPORTS = ("tcp", "tls", "unix")
RAW_TIMEOUT_S = 5
"""Seconds for the opening handshake of a raw peer."""


@functools.cache
def context(side: Side) -> ssl.SSLContext:
    if side is Side.SERVER:
        return server_context(CERTIFICATE, KEY)
    return client_context(CERTIFICATE)


class Place:
    """An address to listen at. `close` removes what it has made."""

    def __init__(self, transport: str) -> None:
        self.transport = transport
        self.directory: tempfile.TemporaryDirectory[str] | None = None
        if transport == "unix":
            self.directory = tempfile.TemporaryDirectory(prefix="refws-stress")
        self.sockets = 0

    def close(self) -> None:
        if self.directory is not None:
            self.directory.cleanup()

    def listen(self, again: Any = None) -> socket.socket:
        """A listening socket at a new address, or `again` at one of before."""
        if self.directory is None:
            return socket.create_server(again or (server_process.HOST, 0), backlog=64)
        self.sockets += 1
        path = again or os.path.join(self.directory.name, str(self.sockets))
        listener = socket.socket(socket.AF_UNIX)
        try:
            with suppress(FileNotFoundError):  # of a server, which leaves it, as it was given
                os.unlink(path)
            listener.bind(path)
            listener.listen(64)
        except BaseException:
            listener.close()
            raise
        return listener

    @property
    def serving(self) -> dict[str, Any]:
        """Arguments for `serve` besides the socket."""
        return {"ssl": context(Side.SERVER)} if self.transport == "tls" else {}

    def way(self, address: Any) -> dict[str, Any]:
        """Arguments for `connect` besides the URI."""
        if self.transport == "unix":
            return {"unix_path": address}
        return {"ssl": context(Side.CLIENT)} if self.transport == "tls" else {}

    def uri(self, address: Any, path: str) -> str:
        if self.transport == "unix":
            return f"ws://localhost/{path}"
        scheme = "wss" if self.transport == "tls" else "ws"
        return f"{scheme}://{address[0]}:{address[1]}/{path}"

    # Raw sockets

    def connect(self, address: Any) -> socket.socket:
        """A raw client's socket, its TLS handshake done."""
        sock = socket.socket(socket.AF_UNIX if self.transport == "unix" else socket.AF_INET)
        try:
            sock.settimeout(RAW_TIMEOUT_S)
            sock.connect(address)
            return self.secured(sock, Side.CLIENT)
        except BaseException:
            sock.close()
            raise

    def accept(self, listener: socket.socket) -> socket.socket:
        """A raw server's socket, its TLS handshake done."""
        listener.settimeout(RAW_TIMEOUT_S)
        sock, _ = listener.accept()
        try:
            sock.settimeout(RAW_TIMEOUT_S)
            return self.secured(sock, Side.SERVER)
        except BaseException:
            sock.close()
            raise

    def secured(self, sock: socket.socket, side: Side) -> socket.socket:
        if self.transport != "tls":
            return sock
        name = "localhost" if side is Side.CLIENT else None
        return context(side).wrap_socket(
            sock, server_side=side is Side.SERVER, server_hostname=name
        )
