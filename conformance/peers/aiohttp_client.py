"""Echo with `aiohttp`: `python aiohttp_client.py URL`. Compression is on, not its default."""

import asyncio
import sys

from aiohttp import ClientError, ClientSession, WSMsgType

LARGEST_WINDOW = 15


async def main() -> None:
    async with (
        ClientSession() as session,
        session.ws_connect(
            sys.argv[1],
            origin="http://localhost",
            protocols=("chat", "superchat"),
            compress=LARGEST_WINDOW,
            max_msg_size=0,
        ) as websocket,
    ):
        async for message in websocket:
            if message.type is WSMsgType.TEXT:
                await websocket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await websocket.send_bytes(message.data)


try:
    asyncio.run(main())
except (ClientError, OSError) as error:
    sys.exit(f"{type(error).__name__}: {error}")
