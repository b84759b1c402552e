"""Echo with `tornado`: `python tornado_client.py URL`. Compression stays off, its default."""

import asyncio
import sys

from tornado.httpclient import HTTPError, HTTPRequest
from tornado.websocket import WebSocketError, websocket_connect


async def main() -> None:
    request = HTTPRequest(sys.argv[1], headers={"Origin": "http://localhost"})
    connection = await websocket_connect(request, subprotocols=["chat", "superchat"])
    while (message := await connection.read_message()) is not None:
        await connection.write_message(message, binary=isinstance(message, bytes))


try:
    asyncio.run(main())
except (WebSocketError, HTTPError, OSError) as error:
    sys.exit(f"{type(error).__name__}: {error}")
