"""The endpoint `/watch`: events of the wire view to a page, commands of the page to the lab.

The connection's own thread reads commands, a second one sends events, and each command runs in its
own thread, because it may wait for the browser.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from logging import getLogger
from typing import Any

from ...endpoint.connection import Connection
from ...endpoint.exceptions import ConnectionClosed
from ...endpoint.log import log_error
from ...endpoint.server_handshake import ServerConnection
from ...protocol.close_codes import CloseCode
from ...protocol.errors import WebSocketException
from ...protocol.http import Request, Response
from .commands import Call, parse
from .lab import InvalidCommand, Lab
from .pages import page_of
from .violations import GROUPS
from .wire_view import WATCHES, Watch

LOGGER = getLogger("refws")

MAX_RUNNING = 4
"""Commands of a page that may run at the same time: each one takes a thread."""

ALL_RUNNING = threading.BoundedSemaphore(64)
"""The commands of all pages that may run at the same time."""

NO_PAGE = """A page watches its own connections here: /watch?page=ID, with 128 random bits as ID,
in 32 digits of 0-9 and a-f. Open / in a browser to see how it is used.
"""


def refuse(connection: ServerConnection, request: Request) -> Response | None:
    """The answer to a watch connection without a valid id; None if the id is valid."""
    return None if page_of(request) else connection.respond(HTTPStatus.BAD_REQUEST, NO_PAGE)


def serve(connection: Connection) -> None:
    """The handler: show a page what is on the wire of its connections, and run its commands."""
    assert connection.request is not None
    page = page_of(connection.request)
    assert page is not None  # see `refuse`
    watch = WATCHES.open(page)
    if watch is None:
        connection.close(CloseCode.TRY_AGAIN_LATER, WATCHES.why_not(page))
        return
    runner = CommandRunner(connection, watch)
    try:
        with sending_events(connection, watch):
            for message in connection:
                runner.take(message)
    finally:
        WATCHES.close(watch)


@contextmanager
def sending_events(connection: Connection, watch: Watch) -> Iterator[None]:
    """Send the events in a second thread, so that this one can read."""
    sender = threading.Thread(
        target=send_events, args=(connection, watch), name=f"refws-watch {connection.peer}"
    )
    sender.daemon = True
    groups = [group.as_json() for group in GROUPS]
    watch.events.put({"event": "hello", "time": watch.events.now(), "violations": groups})
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


class CommandRunner:
    """Runs the commands of one page, each in a thread of its own, a few at a time."""

    def __init__(self, connection: Connection, watch: Watch) -> None:
        self._connection = connection
        self._events = watch.events
        self._lab = Lab(connection, watch)
        self._free = threading.BoundedSemaphore(MAX_RUNNING)

    def take(self, message: str | bytes) -> None:
        """Start the command in a message, or send an error. Does not wait for the command."""
        try:
            call = parse(message)
        except InvalidCommand as error:
            self._answer("error", error.name, error.id, message=str(error))
            return
        if not self._free.acquire(blocking=False):
            words = f"{MAX_RUNNING} commands are running; wait until one of them ends"
            self._answer("error", call.name, call.id, message=words)
            return
        if not ALL_RUNNING.acquire(blocking=False):
            self._free.release()
            words = "the commands of other pages keep the server busy; try again in some seconds"
            self._answer("error", call.name, call.id, message=words)
            return
        name = f"refws-command {call.name}"
        threading.Thread(target=self._run, args=(call,), name=name, daemon=True).start()

    def _run(self, call: Call) -> None:
        try:
            self._answer("answer", call.name, call.id, **call.run(self._lab))
        except (WebSocketException, ValueError) as error:
            self._answer("error", call.name, call.id, message=str(error))
        except Exception as error:
            log_error(LOGGER, self._connection.peer, f"a command failed: {call.name}", error)
            words = "internal error; the server's log has the details"
            self._answer("error", call.name, call.id, message=words)
        finally:
            ALL_RUNNING.release()
            self._free.release()

    def _answer(self, event: str, name: str | None, number: int | None, /, **fields: Any) -> None:
        self._events.put({"event": event, "command": name, "id": number, **fields})
