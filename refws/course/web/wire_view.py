"""RFC 6455 §1.2: the wire view of a page: the bytes of the page's own connections -> JSON that
explains each frame.

    connection's thread                    watch connection's second thread
    bytes -> WireTrace -> Events (bounded) -> Conversation -> JSON text -> the page

A page makes an id that nobody can guess, opens `/watch?page=ID`, and names the id in the query of
its other connections, as a script cannot set a header of theirs. Looking must not disturb: a
connection that is looked at only puts its bytes in a queue, and where that is full, it leaves them
out and says so.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl

from ...endpoint.connection import Connection
from ...endpoint.taps import Tap as Trace
from ...protocol.close import State
from ...protocol.frame import Side
from ...protocol.http import MAX_LINE_SIZE, Headers, Request
from ..explain.as_json import as_json
from ..explain.conversation import Conversation
from ..explain.values import FrameExplanation, Item, NotRead

WATCH_PATH = "/watch"

PAGE_ID = re.compile("[0-9a-f]{32}")
"""128 random bits: whoever knows them is the page that made them."""

MOST_PAGES = 64
MOST_CONNECTIONS = 16
"""Connections of a page that are watched at a time; any more are served like those that nobody
watches.
"""

MOST_EVENTS = 4096
MOST_BYTES = 4 * 1024 * 1024
"""What waits for a page that is slow to take it; a message of 1 MiB fits, with its echo."""

LONGEST_WAIT = 10.0
"""Seconds after which bytes are too old to be explained: who sends faster than a page can be told
is not followed.
"""

LONGEST_STOP = 30.0
"""Seconds for which a page may have a connection not answer."""

SECOND_LOOK = 0.1
"""Seconds after which a connection that has sent its last byte is looked at again, until it is
closed (§7.1.4).
"""

Event = dict[str, Any]
"""What a page is told, ready for JSON; "event" says what it is, times are in seconds since the
watch began.
"""


def parameters(request: Request) -> dict[str, str]:
    """The parameters in the query of a target, the first of each name."""
    try:
        found = parse_qsl(request.query, keep_blank_values=True, max_num_fields=16)
    except ValueError:
        return {}
    return dict(reversed(found))


def page_of(request: Request) -> str | None:
    """The id of the page that a request belongs to; None if it names none, or one that could be
    guessed.
    """
    page = parameters(request).get("page", "")
    return page if PAGE_ID.fullmatch(page) else None


def requested(line: bytes) -> Request | None:
    """The request that a request line begins, right or wrong, without its headers; None if it has
    no target.
    """
    words = line.decode("latin-1").split()
    return Request(words[0], words[1], "", Headers()) if len(words) > 1 else None


# The queue


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes as they came or went in one go; none are the end of that direction."""

    time: float
    watched: WatchedConnection
    sender: Side
    data: bytes


class Events:
    """A queue that never makes anyone wait who puts something in, and never grows above its limits."""

    def __init__(self, most_events: int = MOST_EVENTS, most_bytes: int = MOST_BYTES) -> None:
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._condition = threading.Condition()
        self._waiting: deque[Chunk | Event] = deque()
        self._bytes = 0
        self.closed = False

    def put(self, event: Chunk | Event, urgent: bool = False) -> bool:
        """False if it was left out, as the queue is closed, or full and the event not `urgent`."""
        size = len(event.data) if isinstance(event, Chunk) else 0
        with self._condition:
            full = len(self._waiting) >= self._most_events or self._bytes + size > self._most_bytes
            if self.closed or (full and not urgent):
                return False
            self._waiting.append(event)
            self._bytes += size
            self._condition.notify()
            return True

    def take(self, seconds: float | None) -> list[Chunk | Event]:
        """All that waits, in order; blocks until there is something or the queue is closed, for at
        most `seconds`.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._waiting or self.closed, seconds)
            taken = list(self._waiting)
            self._waiting.clear()
            self._bytes = 0
            return taken

    def close(self) -> None:
        """Take nothing more; whoever waits in `take` gets the rest."""
        with self._condition:
            self.closed = True
            self._condition.notify_all()


# One connection


class Pieces:
    """§1.5: in how many pieces the items of one direction come from the network.

    TCP is a stream: where its pieces end says nothing about where frames do.
    """

    def __init__(self) -> None:
        self.begun = 0
        """Pieces with bytes of what is not complete yet."""
        self._end = 0

    def count(self, size: int, items: list[Item]) -> list[int]:
        """For each of the items that the next piece completes, the pieces that have bytes of it."""
        self._end += size
        self.begun += 1
        if not items:
            return []
        counts = [self.begun] + (len(items) - 1) * [1]
        self.begun = int(end_of(items[-1]) < self._end)
        return counts


def end_of(item: Item) -> int:
    """Where an item ends, counted in all that its sender sent."""
    if isinstance(item, FrameExplanation):
        return item.offset + len(item.header_bytes) + len(item.masking_key) + item.payload_received
    return item.offset + item.length


class WatchedConnection:
    """A connection that a page looks at; `number` is its name there.

    `note` runs in the threads of the connection, `explain`, `partial` and `finish` in that of the
    watch, `stop_answering` in any.
    """

    def __init__(self, watch: Watch, number: int, connection: Connection) -> None:
        self.watch = watch
        self.number = number
        self.connection = connection
        self.left_out = 0
        self.too_old = 0
        self.ended: set[Side] = set()
        self._newest = 0.0
        settings = connection.settings
        self._conversation = Conversation(
            at_handshake=True,
            keep_going=False,
            max_size=settings.max_size,
            max_fragments=settings.max_fragments,
        )
        self._pieces = {side: Pieces() for side in Side}
        self._stopping = threading.Lock()
        self.over = threading.Event()
        self._answering = threading.Event()
        self._answering.set()

    # In the threads of the connection

    def note(self, sender: Side, data: bytes) -> bool:
        """Put what it is told in the queue; False if nobody looks any more. Waits only if the page
        has asked for it.
        """
        if sender is Side.CLIENT:
            self._answering.wait(LONGEST_STOP)
        elif not data:
            self.over.set()
        events = self.watch.events
        if self.left_out and data:
            self.left_out += len(data)
        elif (
            not events.put(Chunk(self.watch.now(), self, sender, data), urgent=not data)
            and not events.closed
        ):
            self.left_out = len(
                data
            )  # what comes later makes no sense without these, so all of it is left out
            events.put(self._event("left out", self.watch.now()), urgent=True)
        return not events.closed

    # In the thread of an ask

    @property
    def stopped(self) -> bool:
        """Whether it reads nothing now, because its page wants it so."""
        return not self._answering.is_set()

    def stop_answering(self, seconds: float) -> bool:
        """Have the connection read nothing for this long, or until it ends; False if that is so
        already.
        """
        if not self._stopping.acquire(blocking=False):
            return False
        try:
            self._answering.clear()
            self.over.wait(min(seconds, LONGEST_STOP))
            self._answering.set()
        finally:
            self._stopping.release()
        return True

    def release(self) -> None:
        """Answer again: nobody looks any more."""
        self.over.set()

    # In the thread of the watch

    def explain(self, chunk: Chunk) -> list[Event]:
        """What these bytes complete, and the end of a direction, once."""
        self._newest = chunk.time
        if not chunk.data:
            return self._end(chunk)
        if self.too_old or self.watch.now() - chunk.time > LONGEST_WAIT:
            first, self.too_old = not self.too_old, self.too_old + len(chunk.data)
            return [self._event("left out", chunk.time)] if first else []
        items = self._conversation.feed(chunk.sender, chunk.data)
        counts = self._pieces[chunk.sender].count(len(chunk.data), items)
        return [self._item("item", item, chunk.time, pieces) for item, pieces in zip(items, counts)]

    def _end(self, chunk: Chunk) -> list[Event]:
        if chunk.sender in self.ended:
            return []
        self.ended.add(chunk.sender)
        left_out = self.left_out + self.too_old
        return [self._event("end", chunk.time, sender=chunk.sender.value, bytes_left_out=left_out)]

    def partial(self, chunk: Chunk) -> list[Event]:
        """What has begun and is not complete after this chunk."""
        return [
            self._item("partial", item, chunk.time, self._pieces[chunk.sender].begun)
            for item in self._conversation.pending()
            if item.sender is chunk.sender and not isinstance(item, NotRead)
        ]

    def finish(self) -> list[Event]:
        """What is cut off, or was not read, once the connection is closed."""
        items = [
            self._item("item", item, self._newest, self._pieces[item.sender].begun)
            for item in self._conversation.finish()
        ]
        return [*items, self._event("closed", self._newest)]

    def opened(self, target: str) -> Event:
        """The event that introduces it."""
        return self._event("connection", self.watch.now(), target=target)

    def _item(self, event: str, item: Item, time: float, pieces: int) -> Event:
        return self._event(event, time, item=as_json(item), pieces=pieces)

    def _event(self, event: str, time: float, **more: Any) -> Event:
        return {"event": event, "connection": self.number, "time": time, **more}


class WireTrace:
    """The trace of a connection from its first byte: waits for the request line, to see whose
    connection it is.

    Where nobody looks it ends itself.
    """

    def __init__(self, connection: Connection, watches: Watches) -> None:
        self._connection = connection
        self._watches = watches
        self._head: list[bytes] = []
        self._head_size = 0
        self._watched: WatchedConnection | None = None

    def __call__(self, sender: Side, data: bytes) -> None:
        if not self._look(sender, data):
            self._connection.trace = None

    def _look(self, sender: Side, data: bytes) -> bool:
        """False if nobody does."""
        if self._watched is not None:
            return self._watched.note(sender, data)
        if sender is Side.SERVER or not data:
            return False
        self._head.append(data)
        self._head_size += len(data)
        if b"\n" not in data and self._head_size <= MAX_LINE_SIZE:
            return True
        return self._find_page()

    def _find_page(self) -> bool:
        request = requested(b"".join(self._head).partition(b"\n")[0])
        if request is not None and request.path != WATCH_PATH:
            self._watched = self._watches.add(self._connection, request)
        head, self._head = self._head, []
        return self._watched is not None and all(
            self._watched.note(Side.CLIENT, data) for data in head
        )


# One page


class Watch:
    """What one page looks at: its connections, and the queue of what it has not been told yet."""

    def __init__(self, page: str) -> None:
        self.page = page
        self.events = Events()
        self._began = monotonic()
        self._lock = threading.Lock()
        self._count = 0
        self._connections: dict[int, WatchedConnection] = {}

    def now(self) -> float:
        """Seconds since the watch began."""
        return round(monotonic() - self._began, 6)

    def add(self, connection: Connection, target: str) -> WatchedConnection | None:
        """The connection, watched from now on; None if that would be too many."""
        with self._lock:
            if len(self._connections) >= MOST_CONNECTIONS:
                return None
            watched = WatchedConnection(self, self._count + 1, connection)
            if not self.events.put(watched.opened(target)):
                return None
            self._count += 1
            self._connections[watched.number] = watched
            return watched

    def find(self, number: int) -> WatchedConnection | None:
        """The connection with this number, as long as it is there."""
        with self._lock:
            return self._connections.get(number)

    def tell(self, send: Callable[[Event], None]) -> None:
        """Send all events as they come, until the queue is closed. Blocks as `send` does, and
        raises what that does.
        """
        while not self.events.closed:
            ending = self._ending()
            closed = [watched for watched in ending if watched.connection.state is State.CLOSED]
            for event in explained(self.events.take(SECOND_LOOK if ending else None)):
                send(event)
            for (
                watched
            ) in closed:  # looked for before `take`, which has taken all that they will ever tell
                self._forget(watched)
                for event in watched.finish():
                    send(event)

    def close(self) -> None:
        """Take no more events, and let go of what was stopped."""
        self.events.close()
        with self._lock:
            connections = list(self._connections.values())
        for watched in connections:
            watched.release()

    def _ending(self) -> list[WatchedConnection]:
        with self._lock:
            return [
                watched for watched in self._connections.values() if Side.SERVER in watched.ended
            ]

    def _forget(self, watched: WatchedConnection) -> None:
        with self._lock:
            del self._connections[watched.number]


def explained(taken: list[Chunk | Event]) -> Iterator[Event]:
    """What the bytes in these mean; a frame that is not complete is told once, after the last of
    its bytes.
    """
    newest = {
        (event.watched, event.sender): event
        for event in taken
        if isinstance(event, Chunk) and event.data
    }
    for event in taken:
        if not isinstance(event, Chunk):
            yield event
            continue
        yield from event.watched.explain(event)
        if newest.get((event.watched, event.sender)) is event:
            yield from event.watched.partial(event)


class Watches:
    """The pages that are looking, by their ids."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: dict[str, Watch] = {}

    def choose(self, connection: Connection) -> Trace:
        """For `serve(..., trace=...)`: a trace for every connection, which ends itself where no
        page looks.
        """
        return WireTrace(connection, self)

    def open(self, page: str) -> Watch | None:
        """The watch of a page, which begins; None if one page looks twice, or too many do."""
        with self._lock:
            if page in self._pages or len(self._pages) >= MOST_PAGES:
                return None
            return self._pages.setdefault(page, Watch(page))

    def close(self, watch: Watch) -> None:
        """End it: its connections are served on, and nobody looks."""
        watch.close()
        with self._lock:
            self._pages.pop(watch.page, None)

    def find(self, request: Request) -> Watch | None:
        """The watch of the page that a request belongs to, if it is looking."""
        with self._lock:
            return self._pages.get(page_of(request) or "")

    def add(self, connection: Connection, request: Request) -> WatchedConnection | None:
        """The connection, watched by the page that its request names; None if there is none."""
        watch = self.find(request)
        return None if watch is None else watch.add(connection, request.target)


WATCHES = Watches()
"""Those of this process: an id belongs to one page, whatever server it came from."""

choose = WATCHES.choose
