"""RFC 6455 §1.3, §4: what Sec-WebSocket-Key and Sec-WebSocket-Accept are for, and what not.

They show that both sides speak WebSocket, and have read this handshake. They are no secret and no
login. The cast: a client, and five peers that are no WebSocket server, or are one in bad faith.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from http import HTTPStatus

from ...protocol.client.handshake import check_response
from ...protocol.client.response import read_response
from ...protocol.errors import InvalidHandshake
from ...protocol.handshake import accept_key
from ...protocol.heads import read_request
from .browser import opening, read_head, request, status_of
from .cast import Cast, Part
from .site import site
from .story import Crossed, Lab, Step

OLD_ACCEPT = accept_key("eCBvbGQgYW5zd2VyIHgh")
"""Of another request, some time ago."""

HEADERS_OF_A_SCRIPT = (
    ("Accept", "*/*"),
    ("Origin", "http://evil.localhost"),
    ("X-Upgrade", "websocket"),
)
"""What a script may choose: no Upgrade, no Connection, and nothing that begins with Sec-."""


def play(cast: Cast) -> Iterator[Step]:
    """A request of a script, and four answers to the request of a client."""
    server = cast.host(careful_server if cast.defended else careless_server)
    with cast.client(server) as sock, sock.makefile("rb") as file:
        sent = request("127.0.0.1", "/", *HEADERS_OF_A_SCRIPT)
        sock.sendall(sent)
        head = read_head(file)
    expected = HTTPStatus.BAD_REQUEST if cast.defended else HTTPStatus.SWITCHING_PROTOCOLS
    crossed = (Crossed("script to server", sent), Crossed("server to script", head))
    yield Step("fetch", status_of(head) == expected, crossed)

    for name, server_part in (
        ("page", site({"/": "<!doctype html><title>A page</title>\n"})),
        ("old answer", always(switching(OLD_ACCEPT))),
        ("copy", copies_the_key),
    ):
        attempt = Attempt(cast, server_part)
        yield Step(name, attempt.opened is not cast.defended, attempt.crossed, attempt.facts)

    attempt = Attempt(cast, computes_the_accept)
    yield Step("program", attempt.opened, attempt.crossed, attempt.facts)


LAB = Lab("key", "§1.3, §4", 10, play)


class Attempt:
    """A client that connects to a server. It `opened` the connection, or found a fault."""

    def __init__(self, cast: Cast, server: Part) -> None:
        port = cast.host(server)
        sent = opening(f"127.0.0.1:{port}", None)
        with cast.client(port) as sock, sock.makefile("rb") as file:
            sock.sendall(sent)
            head = read_head(file)
        fault = find_fault(sent, head) if cast.defended else ""
        self.opened = not fault
        self.facts = {"fault": fault}
        self.crossed = (Crossed("client to server", sent), Crossed("server to client", head))


def find_fault(sent: bytes, head: bytes) -> str:
    """What §4.1 finds wrong with a response; "" if it opens the connection."""
    try:
        check_response(read_request(io.BytesIO(sent)), read_response(io.BytesIO(head)))
    except InvalidHandshake as error:
        return str(error)
    return ""


# Servers


def careful_server(sock: socket.socket) -> None:
    """It opens a WebSocket for a request that has a key, and refuses any other."""
    with sock.makefile("rb") as file:
        key = read_request(file).headers.get("Sec-WebSocket-Key")
    refusal = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    sock.sendall(refusal if key is None else switching(accept_key(key)))


def careless_server(sock: socket.socket) -> None:
    """It opens a WebSocket for any request."""
    with sock.makefile("rb") as file:
        read_request(file)
    sock.sendall(switching(OLD_ACCEPT))


def always(response: bytes) -> Part:
    """A cache, or a server that does not look: the same answer to every request."""

    def part(sock: socket.socket) -> None:
        with sock.makefile("rb") as file:
            read_request(file)
        sock.sendall(response)

    return part


def copies_the_key(sock: socket.socket) -> None:
    """It writes back the headers that it has got: a server that echoes, and knows no WebSocket."""
    with sock.makefile("rb") as file:
        key = read_request(file).headers["Sec-WebSocket-Key"]
    sock.sendall(switching(key))


def computes_the_accept(sock: socket.socket) -> None:
    """A few lines of anybody's program."""
    with sock.makefile("rb") as file:
        key = read_request(file).headers["Sec-WebSocket-Key"]
    sock.sendall(switching(accept_key(key)))


def switching(accept: str) -> bytes:
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ).encode()
