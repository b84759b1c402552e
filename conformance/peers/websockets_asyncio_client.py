"""Echo with `websockets`, asyncio: `python websockets_asyncio_client.py URL`."""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException


async def main() -> None:
    async with connect(
        sys.argv[1], origin="http://localhost", subprotocols=["chat", "superchat"]
    ) as connection:
        async for message in connection:
            await connection.send(message)


try:
    asyncio.run(main())
except (WebSocketException, OSError) as error:
    sys.exit(f"{type(error).__name__}: {error}")
