"""Echo with `tornado`: `python tornado_echo.py PORT`. Compression stays off, its default."""

import asyncio
import sys

from tornado.web import Application
from tornado.websocket import WebSocketHandler

MAX_MESSAGE_SIZE = 32 * 2**20


class Echo(WebSocketHandler):  # type: ignore[misc]  # tornado may be missing here
    async def on_message(self, message: str | bytes) -> None:
        await self.write_message(message, binary=isinstance(message, bytes))


async def main() -> None:
    application = Application([("/echo", Echo)], websocket_max_message_size=MAX_MESSAGE_SIZE)
    application.listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
