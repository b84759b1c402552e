"""Echo with `aiohttp`: `python aiohttp_echo.py PORT`. Compression stays on, its default."""

import sys

from aiohttp import WSMsgType, web

MAX_MESSAGE_SIZE = 32 * 2**20


async def echo(request: web.Request) -> web.WebSocketResponse:
    websocket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE_SIZE)
    await websocket.prepare(request)
    async for message in websocket:
        if message.type is WSMsgType.TEXT:
            await websocket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await websocket.send_bytes(message.data)
    return websocket


application = web.Application()
application.router.add_get("/echo", echo)
web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None)
