"""RFC 6455 §5.5, §7.1: what the server does to a page's own connections, when the page asks for it.

No script in a browser can do this itself. `Lab` carries out the commands of one page; `prepare`
gives a connection the settings that its page has chosen.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from ... import raw_client
from ...endpoint.connection import Connection
from ...protocol.close import Close
from ...protocol.close_codes import CloseCode
from ...protocol.deflate.negotiation import DeflateSettings
from ...protocol.http import Request
from ...raw_client import Answer
from .broken_rule import Case
from .event_queue import Event
from .own_bytes import read_bytes, send_bytes
from .pages import parameters
from .violations import CLIENT_CASES, SERVER_CASES
from .wire_view import WATCHES, Watch, WatchedConnection

PONG_TIMEOUT = 10.0
"""Seconds to wait for a Pong."""

HEARTBEATS = {"1": 1, "2": 2, "5": 5, "20": 20, "off": None}
"""The times from one Ping to the next, in seconds, that a page may choose."""

COMPRESSIONS = {"1": DeflateSettings(threshold=0), "0": None}
"""The compression that a page may choose: then every message is compressed, even a short one."""


class InvalidCommand(ValueError):
    """A command cannot be carried out; the message says what to do instead.

    `name` and `id` are the command's, if its message has them.
    """

    def __init__(self, message: str, name: str | None = None, number: int | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.id = number


class Lab:
    """Carries out the commands of one page.

    Each method is one command: its parameters are the fields that the page sends, its result has
    the fields of the answer. A page can reach only its own connections, because `Watch` knows no
    others. Errors are InvalidCommand, and what the methods of a connection raise.
    """

    def __init__(self, connection: Connection, watch: Watch) -> None:
        self._connection = connection
        self._watch = watch
        self._breaking = threading.Lock()

    def clock(self) -> Event:
        """The time that events have now, so that a page can compare it with its own clock."""
        return {"time": self._watch.events.now()}

    def renew(self) -> Event:
        """Show the page the wire from now on; what still waits to be explained is left out."""
        self._watch.renew()
        return {}

    def ping(self, connection: int) -> Event:
        """§5.5.2: send a Ping; the answer has the seconds until its Pong."""
        pinged = self._find(connection).connection
        wait_for_pong(pinged)
        return {"round_trip": round(pinged.latency, 6)}

    def fragments(self, connection: int, count: int, text: str) -> Event:
        """§5.4: send a text in `count` fragments, with Pings in between."""
        target = self._find(connection).connection
        size = -(-len(text) // count)

        def parts() -> Generator[str, None, str]:
            for number in range(count - 1):
                yield text[number * size : (number + 1) * size]
                target.ping()
            return text[(count - 1) * size :]

        target.send(parts())
        return {}

    def close(self, connection: int, code: int, reason: str) -> Event:
        """§7.1.2: send a Close; the answer has the code of the browser's Close."""
        closed = self._find(connection).connection
        closed.close(code, reason)
        return {"code": closed.close_code}

    def cut(self, connection: int) -> Event:
        """§7.1.5: end the TCP connection without a Close."""
        self._find(connection).connection.abort("the page has asked for it")
        return {}

    def stop(self, connection: int, seconds: int) -> Event:
        """§5.5.2: read nothing for some seconds, so that nothing is answered."""
        if not self._find(connection).stop_answering(seconds):
            raise InvalidCommand("it has already stopped answering; wait until it answers again")
        return {}

    def read(self, connection: int, size: int) -> Event:
        """§1.5: receive at most `size` bytes at a time, some thousand times; 0 for no limit."""
        limited = self._find(connection)
        limited.read_at_a_time(size)
        wait_for_pong(limited.connection)  # The Pong ends the receive that has the old size.
        return {}

    def break_rule(self, rule: str) -> Event:
        """§7.1.7: the raw client breaks a rule on a connection of its own, which the page sees."""
        case = find_case(CLIENT_CASES, rule)
        with self._one_at_a_time():
            deflate = int(case.compressed)
            target = f"/echo?page={self._watch.page}&rule={case.name}&deflate={deflate}"
            address, login = self._connection.local_address, login_of(self._connection)
            return case.outcome(send_case(case, address, target, login))

    def send_bytes(self, text: str) -> Event:
        """§7.1.7: the raw client sends bytes that the page has built, or that were pasted."""
        given = read_bytes(text)
        with self._one_at_a_time():
            target = f"/echo?page={self._watch.page}&rule=own&deflate=0"
            address, login = self._connection.local_address, login_of(self._connection)
            return send_bytes(given, address, target, login)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        if not self._breaking.acquire(blocking=False):
            raise InvalidCommand("one rule at a time: wait until this one is answered")
        try:
            yield
        finally:
            self._breaking.release()

    def provoke(self, connection: int, rule: str) -> Event:
        """§7.1.7: the server breaks a rule, and the page's browser must fail the connection."""
        case, watched = find_case(SERVER_CASES, rule), self._find(connection)
        return case.outcome(provoke(case, watched.connection, watched.over))

    def _find(self, number: int) -> WatchedConnection:
        found = self._watch.find(number)
        if found is None:
            raise InvalidCommand(f"connection {number} is closed; connect first")
        return found


def wait_for_pong(connection: Connection) -> None:
    """§5.5.2: send a Ping, and block until its Pong; InvalidCommand if none comes."""
    if not connection.ping().wait(PONG_TIMEOUT):
        raise InvalidCommand(f"no Pong within {PONG_TIMEOUT:g} s")


# Breaking rules


def find_case(cases: dict[str, Case], name: str) -> Case:
    """The case of this name; InvalidCommand if there is none."""
    if name not in cases:
        raise InvalidCommand("there is no such rule; reload the page")
    return cases[name]


def login_of(connection: Connection) -> str | None:
    """RFC 7617: what the page's browser has logged in with: the raw client has no login."""
    assert connection.request is not None
    return connection.request.headers.get("Authorization")


def send_case(
    case: Case,
    address: Any,
    target: str,
    login: str | None = None,
    timeout: float = raw_client.TIMEOUT,
) -> Answer:
    """The answer of the server that listens on this address; `login` is an Authorization for it."""
    request = case.request(target, raw_client.host_of(address), login).to_bytes()
    # If no Close is expected, the reading ends with the last echo, and then the client ends TCP.
    max_messages = case.messages if case.code is None else None
    return raw_client.exchange(address, request, case.wire, max_messages, timeout)


def provoke(
    case: Case, connection: Connection, ended: threading.Event, timeout: float = raw_client.TIMEOUT
) -> Answer:
    """Send the bytes of a case to the peer; its answer, once `ended` is set.

    A client may send a Close or just end TCP: §7.1.7 allows both. Blocks for at most `timeout`
    seconds.
    """
    for chunk in case.wire:
        connection.send_raw(chunk)
    if not ended.wait(timeout):
        return Answer(problem="your browser accepts it, and does not fail the connection")
    code, reason = connection.close_code, connection.close_reason
    if code is None or code == CloseCode.ABNORMAL_CLOSURE:
        return Answer(HTTPStatus.SWITCHING_PROTOCOLS)
    return Answer(HTTPStatus.SWITCHING_PROTOCOLS, Close(code, reason or ""))


# What a page chooses for a connection of its own


def prepare(connection: Connection, request: Request) -> None:
    """Set the compression and the heartbeat that the query names, if the page watches."""
    if WATCHES.find(request) is None:
        return
    chosen = parameters(request)
    if chosen.get("deflate") in COMPRESSIONS:
        connection.compression = COMPRESSIONS[chosen["deflate"]]
    if chosen.get("heartbeat") in HEARTBEATS:
        interval = HEARTBEATS[chosen["heartbeat"]]
        connection.settings = replace(connection.settings, ping_interval=interval)
