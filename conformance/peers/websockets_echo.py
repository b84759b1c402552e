"""Echo with `websockets`, threaded, compressed: `python websockets_echo.py PORT`."""

import sys

from websockets.sync.server import ServerConnection, serve

MAX_MESSAGE_SIZE = 32 * 2**20


def echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


with serve(echo, "127.0.0.1", int(sys.argv[1]), max_size=MAX_MESSAGE_SIZE) as server:
    server.serve_forever()
