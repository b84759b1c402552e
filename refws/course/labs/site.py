"""RFC 9112: a few pages on a port: path -> page, and what becomes of a WebSocket there."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from http import HTTPStatus

from ...protocol.handshake import accept_key, is_upgrade_attempt
from ...protocol.heads import read_request
from ...protocol.http import Request, Response

Upgraded = Callable[[socket.socket, Request], None]

JAVASCRIPT = "text/javascript; charset=utf-8"
HTML = "text/html; charset=utf-8"


def site(pages: Mapping[str, str], upgraded: Upgraded | None = None) -> Callable[..., None]:
    """The part of a small server with these pages. `upgraded` plays a connection to a WebSocket."""

    def part(sock: socket.socket) -> None:
        with sock.makefile("rb") as file:
            request = read_request(file)
        if upgraded is not None and is_upgrade_attempt(request):
            upgraded(sock, request)
        else:
            sock.sendall(answer(request.absolute_path, pages).to_bytes())

    return part


def answer(path: str, pages: Mapping[str, str]) -> Response:
    if path not in pages:
        return Response.text(HTTPStatus.NOT_FOUND, "Nothing is here.\n")
    return page(pages[path], JAVASCRIPT if path.endswith(".js") else HTML)


def page(text: str, kind: str = HTML) -> Response:
    return Response.text(HTTPStatus.OK, text, [("Content-Type", kind)])


def switching(accept: str) -> bytes:
    """The head of a 101 with this Accept, right or wrong (§4.2.2)."""
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ).encode()


def open_websocket(sock: socket.socket, asked: Request) -> None:
    """Answer a handshake as the RFC says, and nothing more."""
    sock.sendall(switching(accept_key(asked.headers["Sec-WebSocket-Key"])))
