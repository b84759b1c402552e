"""Echo with `websockets`, threaded: `python websockets_client.py URL`."""

import sys

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

try:
    with connect(
        sys.argv[1], origin="http://localhost", subprotocols=["chat", "superchat"]
    ) as connection:
        for message in connection:
            connection.send(message)
except (WebSocketException, OSError) as error:
    sys.exit(f"{type(error).__name__}: {error}")
