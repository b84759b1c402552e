"""RFC 6455 §5.5: the watch connection of a page, and what a page may ask of the server over it, as
JSON.

    page -> server   {"ask": "ping", "id": 7, "connection": 1}
    server -> page   {"event": "answer", "ask": "ping", "id": 7, "round_trip": 0.0004}
                     {"event": "error", "ask": "ping", "id": 7, "message": "..."}
                     {"event": "item", "connection": 1, ...}    and what else the wire view tells

A page reaches its own connections only, as `Watch` knows no others.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from logging import getLogger
from typing import Any

from ...endpoint.connection import Connection
from ...endpoint.exceptions import ConnectionClosed
from ...endpoint.log import log_error
from ...protocol.close import MAX_REASON
from ...protocol.close_codes import CloseCode
from ...protocol.deflate.negotiation import DeflateSettings
from ...protocol.errors import WebSocketException
from ...protocol.http import Request, Response
from . import raw_client
from . import violations as gallery
from .event_queue import Event
from .pages import page_of, parameters
from .wire_view import WATCHES, Watch, WatchedConnection

LOGGER = getLogger("refws")

LONGEST_ASK = 16 * 1024
"""Characters of an ask."""

MOST_AT_A_TIME = 4
"""Asks of a page that may be under way: each takes a thread."""

PONG_PATIENCE = 10.0
"""Seconds to wait for a Pong."""

HEARTBEATS = {"1": 1, "2": 2, "5": 5, "20": 20, "off": None}
"""What a page may choose as the time from one Ping to the next, in seconds."""

COMPRESSIONS = {"1": DeflateSettings(threshold=0), "0": None}
"""Compression that a page may choose, with every message compressed, however short."""

NO_PAGE = """A page watches its own connections here: /watch?page=ID, with 128 random bits as 32 digits of 0-9 and a-f.
Open / in a browser to see what for.
"""


class BadAsk(ValueError):
    """What a page asked for cannot be done; the message tells the page what to do instead."""


# What may be asked


@dataclass(frozen=True, slots=True)
class Number:
    """A field of an ask that is an integer in this range."""

    least: int
    most: int

    def check(self, name: str, value: object) -> None:
        if type(value) is not int or not self.least <= value <= self.most:
            raise BadAsk(f"{name} is a whole number from {self.least} to {self.most}")


@dataclass(frozen=True, slots=True)
class Text:
    """A field of an ask that is a string of at most so many characters."""

    longest: int

    def check(self, name: str, value: object) -> None:
        if not isinstance(value, str) or len(value) > self.longest:
            raise BadAsk(f"{name} is a text of at most {self.longest} characters")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise BadAsk(
                f"{name} has half of a surrogate pair, which is no character: leave it out"
            )


IDS = Number(0, 2**53 - 1)
CONNECTION = Number(1, 2**53 - 1)

ASKS: dict[str, dict[str, Number | Text]] = {
    "clock": {},
    "ping": {"connection": CONNECTION},
    "fragments": {"connection": CONNECTION, "count": Number(1, 50), "text": Text(4096)},
    "close": {"connection": CONNECTION, "code": Number(0, 65535), "reason": Text(MAX_REASON)},
    "cut": {"connection": CONNECTION},
    "stop": {"connection": CONNECTION, "seconds": Number(1, 30)},
    "read": {"connection": CONNECTION, "size": Number(0, 65536)},
    "break": {"rule": Text(40)},
    "provoke": {"connection": CONNECTION, "rule": Text(40)},
}
"""What may be asked -> its fields, all of which must be there, and nothing else but "ask" and "id".
"""


def parse_ask(message: str | bytes) -> dict[str, Any]:
    """The ask in a message of the page. BadAsk where it is none."""
    if not isinstance(message, str) or len(message) > LONGEST_ASK:
        raise BadAsk(f"an ask is a text message of at most {LONGEST_ASK} characters")
    try:
        ask = json.loads(message)
    except (ValueError, RecursionError):
        raise BadAsk("an ask is JSON") from None
    if not isinstance(ask, dict) or not isinstance(ask.get("ask"), str) or ask["ask"] not in ASKS:
        raise BadAsk(f'an ask is an object with "ask", one of {", ".join(ASKS)}')
    fields = {"id": IDS, **ASKS[ask["ask"]]}
    if set(ask) != {"ask", *fields}:
        raise BadAsk(f"{ask['ask']} takes exactly these fields: {', '.join(fields)}")
    for name, kind in fields.items():
        kind.check(name, ask[name])
    return ask


# The watch connection


def refuse(connection: Connection, request: Request) -> Response | None:
    """The answer to a watch connection without an id that is one; None for a good one."""
    return None if page_of(request) else connection.respond(400, NO_PAGE)


def serve(connection: Connection) -> None:
    """Show a page what is on the wire of its connections, and do what it asks."""
    assert connection.request is not None
    page = page_of(connection.request)
    watch = WATCHES.open(page) if page else None
    if watch is None:
        connection.close(
            CloseCode.TRY_AGAIN_LATER, "this id is in use, or too many pages watch; reload the page"
        )
        return
    lab = Lab(connection, watch)
    try:
        with watching(connection, watch):
            for message in connection:
                lab.take(message)
    finally:
        WATCHES.close(watch)


@contextmanager
def watching(connection: Connection, watch: Watch) -> Iterator[None]:
    """Send the events in a thread of their own, so that this one can read."""
    sender = threading.Thread(
        target=send_events, args=(connection, watch), name=f"refws-watch {connection.peer}"
    )
    sender.daemon = True
    watch.events.put({"event": "hello", "time": watch.events.now(), "gallery": shown_gallery()})
    sender.start()
    try:
        yield
    finally:
        watch.events.close()
        sender.join()


def send_events(connection: Connection, watch: Watch) -> None:
    try:
        watch.send_all(lambda event: connection.send(json.dumps(event)))
    except ConnectionClosed:
        watch.events.close()
    except Exception as error:
        log_error(LOGGER, connection.peer, "the wire view failed, and is off now", error)
        watch.events.close()
        connection.close(
            CloseCode.INTERNAL_ERROR, "the wire view failed; the server's log says why"
        )


def shown_gallery() -> list[dict[str, Any]]:
    """The gallery, for the page to show."""
    shown = [("break", group, trials) for group, trials in gallery.GROUPS.items()]
    shown.append(
        ("provoke", "The other way round: what does your browser do?", gallery.TO_THE_BROWSER)
    )
    return [
        {"ask": ask, "group": group, "trials": [trial.as_json() for trial in trials]}
        for ask, group, trials in shown
    ]


# What is asked


class Lab:
    """Does what one page asks, each thing in a thread of its own, a few at a time."""

    def __init__(self, connection: Connection, watch: Watch) -> None:
        self._connection = connection
        self._watch = watch
        self._under_way = threading.BoundedSemaphore(MOST_AT_A_TIME)
        self._breaking = threading.Lock()

    def take(self, message: str | bytes) -> None:
        """Begin what a message asks for, or say why not. Does not wait for it."""
        try:
            ask = parse_ask(message)
        except BadAsk as error:
            self._watch.events.put(
                {"event": "error", "ask": None, "id": None, "message": str(error)}
            )
            return
        if not self._under_way.acquire(blocking=False):
            self._error(ask, f"{MOST_AT_A_TIME} asks are under way; wait for one of them")
            return
        threading.Thread(
            target=self._run, args=(ask,), name=f"refws-ask {ask['ask']}", daemon=True
        ).start()

    def _run(self, ask: dict[str, Any]) -> None:
        try:
            answer = DO[ask["ask"]](self, ask)
            self._watch.events.put(
                {"event": "answer", "ask": ask["ask"], "id": ask["id"], **answer}
            )
        except (WebSocketException, ValueError) as error:
            self._error(ask, str(error))
        except Exception as error:
            log_error(LOGGER, self._connection.peer, f"an ask failed: {ask['ask']}", error)
            self._error(ask, "the server made a mistake; its log says which")
        finally:
            self._under_way.release()

    def _error(self, ask: dict[str, Any], message: str) -> None:
        self._watch.events.put(
            {"event": "error", "ask": ask["ask"], "id": ask["id"], "message": message}
        )

    def _find(self, ask: dict[str, Any]) -> WatchedConnection:
        found = self._watch.find(ask["connection"])
        if found is None:
            raise BadAsk(f"connection {ask['connection']} is not there any more; connect first")
        return found

    def clock(self, ask: dict[str, Any]) -> Event:
        """The time, by which a page can set its own."""
        return {"time": self._watch.events.now()}

    def ping(self, ask: dict[str, Any]) -> Event:
        """§5.5.2: a Ping, and the seconds until its Pong."""
        connection = self._find(ask).connection
        wait_for_pong(connection)
        return {"round_trip": round(connection.latency, 6)}

    def fragments(self, ask: dict[str, Any]) -> Event:
        """§5.4: a text in so many fragments, a Ping between each two, and an empty one to end it."""
        connection, count, text = self._find(ask).connection, ask["count"], ask["text"]
        size = -(-len(text) // count)

        def pieces() -> Iterator[str]:
            for number in range(count):
                if number:
                    connection.ping()
                yield text[number * size : (number + 1) * size]

        connection.send(pieces())
        return {}

    def close(self, ask: dict[str, Any]) -> Event:
        """§7.1.2: a Close of the server, with a code and a reason."""
        connection = self._find(ask).connection
        connection.close(ask["code"], ask["reason"])
        return {"code": connection.close_code}

    def cut(self, ask: dict[str, Any]) -> Event:
        """§7.1.5: the end of the TCP connection, without a Close."""
        self._find(ask).connection.abort("the page asked for it")
        return {}

    def stop(self, ask: dict[str, Any]) -> Event:
        """§5.5.2: a server that reads nothing for some seconds, and so answers nothing."""
        if not self._find(ask).stop_answering(ask["seconds"]):
            raise BadAsk("it does not answer already; wait until it does")
        return {}

    def read(self, ask: dict[str, Any]) -> Event:
        """§1.5: receives of so many bytes at most; 0 for no limit. The Ping ends the receive that
        is under way.
        """
        connection = self._find(ask).connection
        connection.read_size = ask["size"]
        wait_for_pong(connection)
        return {}

    def break_rule(self, ask: dict[str, Any]) -> Event:
        """§7.1.7: a trial of the gallery."""
        trial = find_trial(gallery.TRIALS, ask["rule"])
        if not self._breaking.acquire(blocking=False):
            raise BadAsk("one rule at a time: wait for the one that is being broken")
        try:
            target = f"/echo?page={self._watch.page}&rule={trial.name}&deflate={int(bool(trial.compressed))}"
            return raw_client.run(trial, self._connection.local_address, target).as_json()
        finally:
            self._breaking.release()

    def provoke(self, ask: dict[str, Any]) -> Event:
        """§7.1.7: a broken rule for the page's browser."""
        trial, watched = find_trial(gallery.PROVOCATIONS, ask["rule"]), self._find(ask)
        return raw_client.provoke(trial, watched.connection, watched.over).as_json()


def wait_for_pong(connection: Connection) -> None:
    """§5.5.2: send a Ping, and block until its Pong; BadAsk where none comes."""
    if not connection.ping().wait(PONG_PATIENCE):
        raise BadAsk(f"no Pong within {PONG_PATIENCE:g} s")


def find_trial(trials: dict[str, gallery.Trial], name: str) -> gallery.Trial:
    """The trial of this name; BadAsk if there is none."""
    if name not in trials:
        raise BadAsk("the gallery has no such rule; reload the page")
    return trials[name]


DO: dict[str, Callable[[Lab, dict[str, Any]], Event]] = {
    "clock": Lab.clock,
    "ping": Lab.ping,
    "fragments": Lab.fragments,
    "close": Lab.close,
    "cut": Lab.cut,
    "stop": Lab.stop,
    "read": Lab.read,
    "break": Lab.break_rule,
    "provoke": Lab.provoke,
}


# What a page may choose for a connection of its own


def prepare(connection: Connection, request: Request) -> None:
    """Give a connection of a page that is watching the compression and the heartbeat that its query
    asks for.
    """
    if WATCHES.find(request) is None:
        return
    chosen = parameters(request)
    if chosen.get("deflate") in COMPRESSIONS:
        connection.compression = COMPRESSIONS[chosen["deflate"]]
    if chosen.get("heartbeat") in HEARTBEATS:
        connection.settings = replace(
            connection.settings, ping_interval=HEARTBEATS[chosen["heartbeat"]]
        )
