"""An echo client made of refws.connect: what refws check --listen checks of refws itself.

python3 tests/programs/checked_client.py 'ws://127.0.0.1:9000/runCase?case=1'
"""

from __future__ import annotations

import sys
from pathlib import Path
from ssl import SSLContext

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from refws import ConnectionClosed, WebSocketException, connect


def echo(uri: str, context: SSLContext | None = None) -> None:
    """Send each message back until the server closes the connection. `context` is for wss://."""
    with connect(
        uri,
        ssl=context,
        origin="http://localhost",
        subprotocols=["chat", "superchat"],
        compression="deflate",
    ) as connection:
        for message in connection:
            connection.send(message)


if __name__ == "__main__":
    try:
        echo(sys.argv[1])
    except (ConnectionClosed, WebSocketException, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
