"""A WebSocket peer made of `websockets`, server or client as it is told: `python
websockets_peer.py`.

It takes orders as lines of JSON on standard input and ends with it; what happens comes out as lines
of JSON:

    {"listen": {...}}                      ->  {"port": 12345}
    {"connect": "ws://.../echo?7", ...}
    a connection to .../echo?7 has opened  ->  {"meeting": "7", "opened": [protocol, [extension]]}
    ... or has not                         ->  {"meeting": "7", "failed": "why"}
    it has ended                           ->  {"meeting": "7", "closed": [code, reason]}

Orders have `subprotocols`, and if wanted: `deflate`, the parameters it is to ask for or to impose;
`certificate` and `key` for a server with TLS; `ca` for a client with TLS. What a connection does
with a message is in the URI's path.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)
from websockets.sync.client import connect
from websockets.sync.connection import Connection
from websockets.sync.server import serve

HOST = "127.0.0.1"
MAX_MESSAGE_SIZE = 4 * 2**20
TIMEOUT_S = 5


def say(**words: Any) -> None:
    print(json.dumps(words), flush=True)


# What a connection does with a message


def echo(connection: Connection, message: str | bytes) -> None:
    connection.send(message)


def in_fragments(connection: Connection, message: str | bytes) -> None:
    """In three frames, cut without regard for characters, and a Ping between them."""
    data = message.encode() if isinstance(message, str) else message
    third = len(data) // 3

    def fragments():
        yield data[:third]
        connection.ping()
        yield data[third : 2 * third]
        yield data[2 * third :]

    connection.send(fragments(), text=isinstance(message, str))


def ping(connection: Connection, message: str | bytes) -> None:
    """Send the message in a Ping, and whether its Pong came back."""
    answered = connection.ping(message).wait(TIMEOUT_S)
    connection.send(json.dumps([answered, connection.latency > 0]))


def close(connection: Connection, message: str | bytes) -> None:
    connection.close(*json.loads(message))


def vanish(connection: Connection, message: str | bytes) -> None:
    connection.socket.shutdown(socket.SHUT_RDWR)


DEEDS = {
    "/echo": echo,
    "/fragments": in_fragments,
    "/ping": ping,
    "/close": close,
    "/vanish": vanish,
}


def converse(connection: Connection) -> None:
    uri = urlsplit(connection.request.path)
    extensions = [extension.name for extension in connection.protocol.extensions]
    say(meeting=uri.query, opened=[connection.subprotocol, extensions])
    try:
        for message in connection:
            DEEDS[uri.path](connection, message)
    except ConnectionClosed:
        pass
    say(meeting=uri.query, closed=[connection.close_code, connection.close_reason])


# Orders


def listen(order: dict[str, Any]) -> None:
    deflate = order.get("deflate")
    extensions = None if deflate is None else [ServerPerMessageDeflateFactory(**deflate)]
    context = None
    if "certificate" in order:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(order["certificate"], order["key"])
    server = serve(
        converse,
        HOST,
        0,
        ssl=context,
        subprotocols=order["subprotocols"],
        extensions=extensions,
        compression=None,
        max_size=MAX_MESSAGE_SIZE,
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say(port=server.socket.getsockname()[1])


def go_to(order: dict[str, Any]) -> None:
    deflate = order.get("deflate")
    extensions = None if deflate is None else [ClientPerMessageDeflateFactory(**deflate)]
    context = ssl.create_default_context(cafile=order["ca"]) if "ca" in order else None
    try:
        connection = connect(
            order["connect"],
            ssl=context,
            subprotocols=order["subprotocols"] or None,
            extensions=extensions,
            compression=None,
            max_size=MAX_MESSAGE_SIZE,
            proxy=None,
        )
    except (OSError, WebSocketException) as error:
        say(meeting=urlsplit(order["connect"]).query, failed=repr(error))
    else:
        with connection:
            converse(connection)


for line in sys.stdin:
    order = json.loads(line)
    if "listen" in order:
        listen(order["listen"])
    else:
        threading.Thread(target=go_to, args=[order], daemon=True).start()
