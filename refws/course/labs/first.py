"""RFC 6455 §1.2, §10.2: a first example, as articles have it, and the 403 that a newcomer meets.

The cast: a page on one port with `new WebSocket(...)` to another, and a server there, which sends
"world" and logs what it gets. A page of another port is another origin: the server must list it.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from http import HTTPStatus

from ...endpoint.connection import Connection
from ...protocol.close_codes import CloseCode
from ...protocol.frame import CLOSE, TEXT, Side
from .browser import KEY, opening, read_answer, read_frame, status_of
from .cast import TIMEOUT, Cast
from .site import site
from .story import Crossed, Lab, Step
from .talk import masked, payload_of

PAGE_PORT, SERVER_PORT = 3000, 8080
"""As in the articles. If one is in use, the lab takes a free port."""

PAGE = """<!doctype html><title>connecting</title><h1>A first WebSocket</h1><pre id="log"></pre>
<script>
const log = (line) => { document.querySelector("#log").append(`${line}\\n`); };
const socket = new WebSocket("ws://localhost:PORT");
socket.onopen = () => { log("open"); socket.send("hello"); };
socket.onmessage = (event) => { log(`received ${event.data}`); document.title = event.data; };
socket.onerror = () => { log("refused: look at the server"); document.title = "refused"; };
</script>
"""


def play(cast: Cast) -> Iterator[Step]:
    """The page connects to a server that does not list its origin, then to one that does."""
    received: queue.SimpleQueue[str | bytes] = queue.SimpleQueue()

    def handler(connection: Connection) -> None:
        connection.send("world")
        for message in connection:
            connection.logger.info("received %r", message)
            received.put(message)

    pages: dict[str, str] = {}
    page = f"http://localhost:{cast.host(site(pages), cast.free_port(PAGE_PORT))}"
    logger = cast.logger()
    port = cast.websocket(handler, cast.free_port(SERVER_PORT), logger=logger)
    pages["/"] = PAGE.replace("PORT", str(port))
    facts = {"page": page, "server": f"ws://localhost:{port}", "key": KEY}
    sent = opening(f"localhost:{port}", page)

    with cast.client(port) as sock, sock.makefile("rb") as file:
        sock.sendall(sent)
        answer = read_answer(file)
    crossed = (Crossed("page to server", sent), Crossed("server to page", answer))
    yield Step("refused", status_of(answer) == HTTPStatus.FORBIDDEN, crossed, facts)
    if cast.defence == "unlisted":
        return

    cast.stop(port)
    cast.websocket(handler, port, origins=[page], logger=logger)
    with cast.client(port) as sock, sock.makefile("rb") as file:
        sock.sendall(sent)
        answer = read_answer(file)
        crossed = (
            Crossed("page to server", sent, Side.CLIENT),
            Crossed("server to page", answer, Side.SERVER),
        )
        yield Step("open", status_of(answer) == HTTPStatus.SWITCHING_PROTOCOLS, crossed, facts)

        world = read_frame(file)
        hello = masked(TEXT, b"hello")
        sock.sendall(hello)
        crossed = (
            Crossed("server to page", world, Side.SERVER),
            Crossed("page to server", hello, Side.CLIENT),
        )
        logged = cast.wait_for(lambda: not received.empty(), TIMEOUT) and received.get()
        came_out = payload_of(world) == b"world" and logged == "hello"
        yield Step("talk", came_out, crossed, facts)
        sock.sendall(masked(CLOSE, CloseCode.NORMAL_CLOSURE.to_bytes(2)))
        read_frame(file)


LAB = Lab("first", "§1.2", 10, play, ("listed", "unlisted"), stays=True)
