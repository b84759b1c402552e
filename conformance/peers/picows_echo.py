"""Echo with `picows`, through its API of `websockets`, compressed: `python picows_echo.py PORT`."""

import asyncio
import sys

from picows.websockets.asyncio.server import ServerConnection, serve

MAX_MESSAGE_SIZE = 32 * 2**20


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def main() -> None:
    async with serve(echo, "127.0.0.1", int(sys.argv[1]), max_size=MAX_MESSAGE_SIZE):
        await asyncio.Event().wait()


asyncio.run(main())
