"""Echo with `websockets`, asyncio, compressed: `python websockets_asyncio_echo.py PORT`."""

import asyncio
import sys

from websockets.asyncio.server import ServerConnection, serve

MAX_MESSAGE_SIZE = 32 * 2**20


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def main() -> None:
    async with serve(echo, "127.0.0.1", int(sys.argv[1]), max_size=MAX_MESSAGE_SIZE) as server:
        await server.serve_forever()


asyncio.run(main())
