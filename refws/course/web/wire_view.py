"""RFC 6455 §1.2, the wire view: the bytes of a page's own connections -> JSON for each frame.

    connection's thread                              watch connection's second thread
    bytes -> WireTrace -> EventQueue (bounded) -> ConnectionView -> JSON -> the page

Watching must not change a connection: its threads only put bytes in a queue. If the queue is full,
bytes are left out, the page shows how many, and the view goes on with the next message. The same
happens to bytes that have waited too long: each page, and all together, have a budget of processor
time. The pages and the connections that they watch are limited, too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from time import monotonic, thread_time

from ...endpoint.connection import Connection
from ...endpoint.taps import Tap
from ...protocol.close import State
from ...protocol.frame import Side
from ...protocol.http import Request
from .budget import Budget, PageBudget
from .connection_view import ConnectionView
from .event_queue import Chunk, Event, EventQueue
from .message_starts import MessageStarts
from .pages import WATCH_PATH, page_of, parse_request_line
from .thinning import Allowance

MAX_PAGES = 64
"""Pages that watch at the same time, unless `Watches.max_pages` is set."""

MAX_CONNECTIONS = 16
"""Connections that a page watches at the same time; more are served, but not watched."""

MAX_ALL_CONNECTIONS = 1024
"""Connections that all pages together watch at the same time."""

MAX_STOP = 30.0
"""The most seconds for which a page may keep a connection from answering."""

MAX_SMALL_READS = 4096
"""Reads of a few bytes for which a page may ask at once: each one costs as much as a large one."""

CLOSED_CHECK_INTERVAL = 0.1
"""Seconds between two checks whether a connection whose server has ended is closed (§7.1.4)."""


# One connection


class WatchedConnection:
    """A connection that a page watches; `number` is its name there.

    `note` runs in the connection's threads, `stop_answering` and `release` run in any thread. Only
    the thread that sends events to the page uses `view`.
    """

    def __init__(
        self,
        number: int,
        connection: Connection,
        events: EventQueue,
        allowance: Allowance | None = None,
    ) -> None:
        self.number = number
        self.connection = connection
        self.view = ConnectionView(number, connection.settings, allowance)
        self.over = threading.Event()
        """Set when the server has sent its last byte, or the page has stopped watching."""
        self._events = events
        self._starts = {side: MessageStarts() for side in Side}
        self._left_out = dict.fromkeys(Side, 0)
        self._stopping = threading.Lock()
        self._small_reads = 0
        self._counting = threading.Lock()
        self._answering = threading.Event()
        self._answering.set()

    def note(self, sender: Side, data: bytes) -> bool:
        """Put bytes in the queue; False once the page has stopped watching.

        Blocks only while `stop_answering` runs: then the server reads nothing more.
        """
        if sender is Side.CLIENT:
            self._answering.wait(MAX_STOP)
            self._count_read()
        elif not data:
            self.over.set()
        self._put(sender, data)
        return not self._events.closed

    def _put(self, sender: Side, data: bytes) -> None:
        left_out, start = self._left_out[sender], self._starts[sender].find(data)
        chunk = Chunk(self._events.now(), self.number, sender, data, left_out, start)
        is_in = self._events.put(chunk, urgent=not data)
        self._left_out[sender] = 0 if is_in else left_out + len(data)

    def read_at_a_time(self, size: int) -> None:
        """§1.5: receive at most `size` bytes at a time, `MAX_SMALL_READS` times; 0 for no limit."""
        with self._counting:
            self._small_reads = MAX_SMALL_READS
            self.connection.read_size = size

    def _count_read(self) -> None:
        if not self.connection.read_size:
            return
        with self._counting:
            self._small_reads -= 1
            if self._small_reads == 0:
                self.connection.read_size = 0

    @property
    def stopped(self) -> bool:
        """Whether the page now keeps the connection from answering."""
        return not self._answering.is_set()

    def stop_answering(self, seconds: float) -> bool:
        """Keep the connection from reading; False at once if it is kept from reading already.

        Blocks for `seconds`, or until the connection ends.
        """
        if not self._stopping.acquire(blocking=False):
            return False
        try:
            self._answering.clear()
            self.over.wait(min(seconds, MAX_STOP))
            self._answering.set()
        finally:
            self._stopping.release()
        return True

    def release(self) -> None:
        """Let the connection answer again, because the page has stopped watching."""
        self.over.set()


# One page


class Watch:
    """The connections that one page watches, and the queue of events for it."""

    def __init__(
        self,
        page: str,
        budget: Budget,
        room: threading.Semaphore | None = None,
        count_pages: Callable[[], int] = lambda: 1,
    ) -> None:
        self.page = page
        self.events = EventQueue()
        self._budget = PageBudget(budget, count_pages)
        self._room = room or threading.Semaphore(MAX_CONNECTIONS)
        self._allowance = Allowance()
        self._renewed = 0.0
        self._cpu_time = 0.0
        self._lock = threading.Lock()
        self._count = 0
        self._connections: dict[int, WatchedConnection] = {}

    def add(self, connection: Connection, target: str) -> WatchedConnection | None:
        """Watch a connection from now on; None if there are too many, or the queue is full."""
        with self._lock:
            if len(self._connections) >= MAX_CONNECTIONS or not self._room.acquire(blocking=False):
                return None
            number, now = self._count + 1, self.events.now()
            opened = {"event": "connection", "connection": number, "time": now, "target": target}
            if not self.events.put(opened):
                self._room.release()
                return None
            self._count = number
            watched = WatchedConnection(number, connection, self.events, self._allowance)
            return self._connections.setdefault(number, watched)

    def find(self, number: int) -> WatchedConnection | None:
        """The connection with this number; None once it is closed."""
        with self._lock:
            return self._connections.get(number)

    def renew(self) -> None:
        """Show the page the wire from now on, and leave out what is still waiting."""
        with self._lock:
            self._renewed = self.events.now()

    def send_all(self, send: Callable[[Event], None]) -> None:
        """Send every event in order, until the queue is closed. Blocks and raises like `send`.

        Pauses when the budget is used up.
        """
        self._cpu_time = thread_time()
        while not self.events.closed:
            # Check first which connections are closed: then `take` returns all of their chunks.
            ending = self._ending()
            closed = [watched for watched in ending if watched.connection.state is State.CLOSED]
            taken = self.events.take(CLOSED_CHECK_INTERVAL if ending else None)
            for events in self.explained(taken):
                for event in events:
                    send(event)
                self._keep_to_budget()
                if self.events.closed:
                    return
            for event in self._gaps():
                send(event)
            for watched in closed:
                self._forget(watched)
                for event in watched.view.finish():
                    send(event)

    def _gaps(self) -> Iterator[Event]:
        with self._lock:
            connections = list(self._connections.values())
        for watched in connections:
            yield from watched.view.report_gap()

    def _keep_to_budget(self) -> None:
        """Pause if the time since the last call was too much, but not in a closed queue."""
        before, self._cpu_time = self._cpu_time, thread_time()
        pause = self._budget.spend(self._cpu_time - before, monotonic())
        if pause > 0:
            self.events.wait_until_closed(pause)

    def explained(self, taken: list[Chunk | Event]) -> Iterator[Iterator[Event]]:
        """For each in `taken`: the event, or the events that explain the chunk.

        An incomplete frame is sent only once, after the last of its chunks in `taken`.
        """
        chunks = [event for event in taken if isinstance(event, Chunk) and event.data]
        newest = {(chunk.connection, chunk.sender): chunk for chunk in chunks}
        for event in taken:
            if isinstance(event, Chunk):
                is_newest = newest.get((event.connection, event.sender)) is event
                yield self._explained_chunk(event, is_newest)
            else:
                yield iter([event])

    def _explained_chunk(self, chunk: Chunk, is_newest: bool) -> Iterator[Event]:
        if (watched := self.find(chunk.connection)) is not None:
            with self._lock:
                renewed = self._renewed
            yield from watched.view.explain(chunk, self.events.now(), renewed)
            if is_newest:
                yield from watched.view.partial(chunk)

    def close(self) -> None:
        """Take no more events, and let stopped connections answer again."""
        self.events.close()
        with self._lock:
            connections = list(self._connections.values())
            self._connections.clear()
        for watched in connections:
            watched.release()
            self._room.release()

    def _ending(self) -> list[WatchedConnection]:
        with self._lock:
            watched = list(self._connections.values())
        return [each for each in watched if Side.SERVER in each.view.ended]

    def _forget(self, watched: WatchedConnection) -> None:
        with self._lock:
            if self._connections.pop(watched.number, None) is not None:
                self._room.release()


# All pages


class Watches:
    """The pages that watch, by their ids."""

    def __init__(self) -> None:
        self.max_pages = MAX_PAGES
        """Set it before a server starts."""
        self._lock = threading.Lock()
        self._room = threading.Semaphore(MAX_ALL_CONNECTIONS)
        self._budget = Budget()
        self._pages: dict[str, Watch] = {}

    def open(self, page: str) -> Watch | None:
        """A new watch for a page; None if the page has one already, or too many pages watch."""
        with self._lock:
            if page in self._pages or len(self._pages) >= self.max_pages:
                return None
            watch = Watch(page, self._budget, self._room, self.count)
            return self._pages.setdefault(page, watch)

    def count(self) -> int:
        """How many pages watch."""
        with self._lock:
            return len(self._pages)

    def why_not(self, page: str) -> str:
        """Why `open` has just given no watch, and what to do, in at most 123 bytes."""
        with self._lock:
            in_use = page in self._pages
        if in_use:
            return "another page watches with this id; reload the page, which makes a new one"
        return (
            f"{self.max_pages} pages watch, as many as this server allows (--max-pages); "
            "close one, and reload"
        )

    def close(self, watch: Watch) -> None:
        """End a watch. Its connections are still served, but no longer watched."""
        watch.close()
        with self._lock:
            self._pages.pop(watch.page, None)

    def find(self, request: Request) -> Watch | None:
        """The watch of the page that a request belongs to; None if no page watches."""
        with self._lock:
            return self._pages.get(page_of(request) or "")


WATCHES = Watches()
"""The watches of this process, for all its servers: an id belongs to one page."""


class WireTrace:
    """The trace of a connection from its first byte.

    It waits for the request line, which names the page, and ends if no page watches.
    """

    def __init__(self, connection: Connection, watches: Watches = WATCHES) -> None:
        self._connection = connection
        self._find_watch = watches.find
        self._head: list[bytes] = []
        self._head_size = 0
        self._watched: WatchedConnection | None = None

    def __call__(self, sender: Side, data: bytes) -> bool:
        """Whether the trace goes on."""
        if self._watched is not None:
            return self._watched.note(sender, data)
        if sender is Side.SERVER or not data:
            return False
        self._head.append(data)
        self._head_size += len(data)
        if b"\n" not in data and self._head_size <= self._connection.settings.max_line_size:
            return True
        return self._find_page()

    def _find_page(self) -> bool:
        request = parse_request_line(b"".join(self._head).partition(b"\n")[0])
        if request is not None and request.absolute_path != WATCH_PATH:
            watch = self._find_watch(request)
            self._watched = None if watch is None else watch.add(self._connection, request.target)
        head, self._head = self._head, []
        return self._watched is not None and all(
            self._watched.note(Side.CLIENT, data) for data in head
        )


def choose(connection: Connection) -> Tap:
    """For `serve(..., trace=choose)`: a trace of a connection, which ends if no page watches."""
    return WireTrace(connection)
