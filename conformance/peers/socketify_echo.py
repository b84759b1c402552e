"""Echo with uWebSockets, in C++, through `socketify`: `python socketify_echo.py PORT`."""

import sys

from socketify import App, AppListenOptions, OpCode, WebSocket

MAX_MESSAGE_SIZE = 32 * 2**20


def echo(socket: WebSocket, message: str | bytes, opcode: OpCode) -> None:
    socket.send(message, opcode)


app = App()
app.ws("/*", {"max_payload_length": MAX_MESSAGE_SIZE, "message": echo})
app.listen(AppListenOptions(port=int(sys.argv[1]), host="127.0.0.1"))
app.run()
