"""Echo with `websocket-client`: `python websocket_client_client.py URL`."""

import sys

from websocket import ABNF, WebSocketException, create_connection

MESSAGES = (ABNF.OPCODE_TEXT, ABNF.OPCODE_BINARY)

try:
    connection = create_connection(
        sys.argv[1], origin="http://localhost", subprotocols=["chat", "superchat"]
    )
    while connection.connected:
        opcode, data = connection.recv_data()  # answers Pings, and a Close
        if opcode in MESSAGES:
            connection.send(data, opcode)
except (WebSocketException, OSError, ValueError) as error:
    sys.exit(f"{type(error).__name__}: {error}")
