"""RFC 6455 §5.5.2: what Ping and Pong are for. TCP alone does not notice that a peer is gone.

The cast: a server with a heartbeat or without one, a client that freezes, and a router that forgets
a connection over which nothing has come for a while, as routers with NAT do.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from time import monotonic

from ...endpoint.client.connect import ClientConnection, connect
from ...endpoint.connection import Connection
from ...endpoint.exceptions import ConnectionClosed
from ...protocol.frame import PING, PONG, TEXT, Side
from .cast import LOOPBACK, Cast, no_log
from .readings import bar
from .story import Crossed, Lab, Step
from .talk import Talk, masked, talk_with

PING_INTERVAL = PING_TIMEOUT = 0.2
"""Seconds; real servers take 20 and 20. Then the silence is looked at once more for a second."""

GIVEN_UP = 10.0
"""Seconds in which a server with these times has surely given up a silent client."""

WATCHED = 2.0
"""Seconds for which a server without a heartbeat is watched."""

FORGETS_AFTER = 1.0
"""Seconds without a byte, after which the router forgets. Real ones take minutes to hours."""

IDLE = 1.5 * FORGETS_AFTER

ROUND_TRIPS = 5
STILL_THERE = b"still there?"
PING_OF_CLIENT = masked(PING, STILL_THERE)


def play(cast: Cast) -> Iterator[Step]:
    """Round trips, a client that freezes, and an idle connection through the router."""
    port = cast.websocket(Ends().handler, ping_interval=None, logger=no_log())
    with talk_with(cast, port) as talk:
        times = [round_trip(talk) for _ in range(ROUND_TRIPS)]
        crossed = talk.say(PING_OF_CLIENT, answers=1)
        came_out = talk.heard == [(PONG, STILL_THERE)]
        drawn = "\n".join(f"{time * 1000:>8.2f} ms {bar(max(1, time * 100_000))}" for time in times)
        yield Step("round trips", came_out, crossed, {"drawn": drawn})

    ends = Ends()
    interval = PING_INTERVAL if cast.defended else None
    port = cast.websocket(
        ends.handler, ping_interval=interval, ping_timeout=PING_TIMEOUT, logger=no_log()
    )
    with talk_with(cast, port) as talk:  # it answers no Ping from now on: it is frozen
        talk.say(masked(TEXT, b"still here"), answers=0)
        began = monotonic()
        noticed = cast.wait_for(ends.over.is_set, GIVEN_UP if cast.defended else WATCHED)
        facts = {"seconds": f"{monotonic() - began:.1f}", "how": ends.how}
        unread = talk.say(answers=99)[1:] if noticed else ()  # Pings, and a Close
        yield Step("frozen", noticed is cast.defended, unread, facts)

    router = Router(cast, port)
    with client_of(router.port) as client:
        client.send("tell me later")
        message = receive(client, GIVEN_UP if cast.defended else IDLE + FORGETS_AFTER)
        facts = {"idle": f"{IDLE:g}", "forgets": f"{FORGETS_AFTER:g}", "router": router.state}
        came_out = (message == "later") is cast.defended
        yield Step("router", came_out, router.crossed, facts)


LAB = Lab("heartbeat", "§5.5.2", 10, play)


# The server


class Ends:
    """What becomes of the server's connection. `how` is its last words, for people."""

    def __init__(self) -> None:
        self.how = ""
        self.over = threading.Event()

    def handler(self, connection: Connection) -> None:
        """Take all messages; to "tell me later" send "later", after a time without a byte."""
        try:
            for message in connection:
                if message == "tell me later":
                    wait_idle(connection)
                    connection.send("later")
        except ConnectionClosed as closed:
            sent = closed.sent
            self.how = f"Its Close: {sent.code}, {sent.reason}." if sent else ""
        self.over.set()


def wait_idle(connection: Connection) -> None:
    """Wait as long as IDLE, without a word; Pings are answered meanwhile."""
    try:
        connection.recv(timeout=IDLE)
    except TimeoutError:
        pass


# The client


def client_of(port: int) -> ClientConnection:
    """A client that answers Pings and sends none. It does not wait for an answer that is lost."""
    uri = f"ws://{LOOPBACK}:{port}"
    return connect(uri, ping_interval=None, close_timeout=0.2, logger=no_log())


def round_trip(talk: Talk) -> float:
    """§5.5.3: seconds from a Ping to its Pong."""
    began = monotonic()
    talk.say(PING_OF_CLIENT, answers=1)
    return monotonic() - began


def receive(client: ClientConnection, timeout: float) -> str | bytes | None:
    """The next message; None if none comes in time, or the connection is over."""
    try:
        return client.recv(timeout=timeout)
    except (TimeoutError, ConnectionClosed):
        return None


# The router


class Router:
    """It passes bytes on, until FORGETS_AFTER seconds without any: then it drops all that comes.

    It tells neither side: no FIN, no RST. Each direction has a thread.
    """

    def __init__(self, cast: Cast, server_port: int) -> None:
        self._cast = cast
        self._server_port = server_port
        self._lock = threading.Lock()  # held to read or write the next three
        self._arrived = {Side.CLIENT: b"", Side.SERVER: b""}
        self._used = monotonic()
        self._forgotten = False
        self.port = cast.host(self._part)

    @property
    def state(self) -> str:
        return "has forgotten the connection" if self._forgotten else "knows the connection"

    @property
    def crossed(self) -> tuple[Crossed, ...]:
        """All that has arrived at it, passed on or not."""
        with self._lock:
            return (
                Crossed("client to router", self._arrived[Side.CLIENT], Side.CLIENT),
                Crossed("server to router", self._arrived[Side.SERVER], Side.SERVER),
            )

    def _part(self, client: socket.socket) -> None:
        with self._cast.client(self._server_port) as server:
            self._cast.thread(self._pass_on, Side.SERVER, server, client)
            self._pass_on(Side.CLIENT, client, server)

    def _pass_on(self, sender: Side, source: socket.socket, sink: socket.socket) -> None:
        source.settimeout(None)
        while data := source.recv(65_536):
            if self._knows(sender, data):
                sink.sendall(data)

    def _knows(self, sender: Side, data: bytes) -> bool:
        """Whether these bytes are of a connection that it has not forgotten."""
        with self._lock:
            self._arrived[sender] += data
            now = monotonic()
            self._forgotten = self._forgotten or now - self._used > FORGETS_AFTER
            self._used = now
            return not self._forgotten
