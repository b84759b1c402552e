"""RFC 6455 §5: the bytes of connections -> a short line or a block for each frame, live, and whole lines only.

    the thread that sends or receives                         a file, or a display
    bytes -> Live -> Narration (Conversation, drawing) -> text -> Output.show

Each text is shown in the thread that has sent or received its last byte, which waits meanwhile: so the order is right,
and a line is there before the next byte leaves. How long it may wait for a file that takes no more is bounded.
"""

from __future__ import annotations

import itertools
import os
import select
import threading
from collections.abc import Callable, Iterable
from logging import Logger, getLogger
from time import monotonic
from typing import TextIO

from ..endpoint.connection import Connection, Trace
from ..endpoint.log import log_error
from ..endpoint.opening import ChooseTrace
from ..protocol.close import State
from ..protocol.frame import Side
from .drawing import PLAIN, SHORT_ARROWS, Style, draw, draw_line
from .explain import Conversation
from .explanation import CutOff, Item, NotRead, Violation

PATIENCE = 1.0
"""Seconds that an output may take for one line or block before the rest is left out."""

PIECE: int = getattr(select, "PIPE_BUF", 512)
"""Bytes that fit a pipe or terminal that poll says can be written to, so that the write does not wait."""

Show = Callable[[str], None]
"""Called with a line, or with the lines of a block, without the last line end. OSError if it can show no more."""


# One connection


class Narration:
    """One connection as text: what comes in -> a line or block for each item, with `name` and the time in ms.

    `at_handshake` is that of `Conversation`: True from the first byte of a connection on. Not for two threads at once.
    """

    def __init__(
        self, name: str = "", full: bool = False, style: Style = PLAIN, at_handshake: bool | None = True
    ) -> None:
        self.broken = False
        """Whether a rule was broken, or a frame or head cut off."""
        self._name = f"{name} " if name else ""
        self._full = full
        self._style = style
        self._conversation = Conversation(at_handshake=at_handshake, keep_going=False)
        self._ended: set[Side] = set()

    @property
    def over(self) -> bool:
        """Whether both directions have ended."""
        return len(self._ended) == len(Side)

    def tell(self, seconds: float, sender: Side, data: bytes) -> list[str]:
        """What these bytes complete; no bytes are the end of that direction. `seconds` count from the start.

        What is told after the end of a direction never left, and says nothing.
        """
        if sender in self._ended:
            return []
        if data:
            return self._texts(seconds, self._conversation.feed(sender, data))
        self._ended.add(sender)
        end = self._line(seconds, f"{SHORT_ARROWS[sender]} end of the stream")
        return [*self.finish(seconds), end] if self.over else [end]

    def finish(self, seconds: float) -> list[str]:
        """What is cut off, and what is not read, once nothing more comes."""
        return self._texts(seconds, self._conversation.finish())

    def _texts(self, seconds: float, items: Iterable[Item]) -> list[str]:
        return [self._text(seconds, item) for item in items]

    def _text(self, seconds: float, item: Item) -> str:
        self.broken |= not isinstance(item, NotRead) and isinstance(item.verdict, Violation | CutOff)
        if self._full:
            return f"{self._line(seconds, '').rstrip()}\n{draw(item, self._style)}\n"
        return self._line(seconds, draw_line(item, self._style))

    def _line(self, seconds: float, text: str) -> str:
        return f"{self._name}{seconds * 1000:9.1f} ms  {text}"


# All of them, live


class Live:
    """For `serve(..., trace=live.choose)`, and `connect`: tells every connection with `show`, until that fails.

    A server's connections have their peers for names, a client's has none. What `show` raises but OSError goes to the
    connection, which logs it and drops the trace.
    """

    def __init__(
        self, show: Show, full: bool = False, style: Style = PLAIN, logger: Logger = getLogger("refws")
    ) -> None:
        self._show = show
        self._full = full
        self._style = style
        self._logger = logger
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._off = False

    def choose(self, connection: Connection) -> Trace | None:
        """The trace of this connection; None once nothing can be shown."""
        if self._off:
            return None
        at_handshake = connection.state is State.CONNECTING
        return LiveTrace(Narration(self._name(connection), self._full, self._style, at_handshake), self)

    def _name(self, connection: Connection) -> str:
        if connection.side is Side.CLIENT:
            return ""
        if isinstance(connection.remote_address, tuple):
            return connection.peer
        return f"{connection.peer} #{next(self._numbers)}"  # Unix sockets have no addresses

    def show(self, text: str) -> None:
        """Show it, unless that has failed once."""
        if self._off:
            return
        try:
            self._show(text)
        except OSError as error:
            self._switch_off(error)

    def _switch_off(self, error: OSError) -> None:
        with self._lock:
            first, self._off = not self._off, True
        if first:
            self._logger.warning("the trace is off, as its output cannot be written: %s", error.strerror or error)


class LiveTrace:
    """The trace of one connection, whose two directions come from two threads."""

    def __init__(self, narration: Narration, live: Live) -> None:
        self._narration = narration
        self._live = live
        self._lock = threading.Lock()
        self._began = monotonic()

    def __call__(self, sender: Side, data: bytes) -> None:
        with self._lock:
            for text in self._narration.tell(monotonic() - self._began, sender, data):
                self._live.show(text)


# Where it goes


class Output:
    """A file for whole lines of any thread: a terminal, a pipe, or a file on disk.

    Nobody need read a pipe, and a terminal can be stopped with Ctrl-S. So one text may take `patience` seconds; then
    whatever is shown is left out without a wait, until the file takes more, and that is said in its place. Where the
    system cannot tell whether a file takes more (Windows), a write waits as long as it must.
    """

    def __init__(self, file: TextIO, patience: float = PATIENCE) -> None:
        self._file = file
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting = b""
        self._left_out = 0
        self._poll = poll_for(file)

    def show(self, text: str) -> None:
        """Write it, with a line end; blocks for at most `patience`. OSError if the file is broken."""
        with self._lock:
            if self._waiting:
                self._waiting = self._write(self._waiting, 0)
            if self._waiting:
                self._left_out += 1
                return
            note = f"({self._left_out} left out, as nobody read this)\n" if self._left_out else ""
            self._left_out = 0
            wire = f"{note}{text}\n".encode(self._file.encoding or "utf-8", "backslashreplace")
            self._waiting = self._write(wire, self._patience)

    def _write(self, data: bytes, patience: float) -> bytes:
        """What is not written in time."""
        if self._poll is None:
            self._file.write(data.decode(self._file.encoding or "utf-8"))
            self._file.flush()
            return b""
        give_up_at = monotonic() + patience
        while data and self._poll.poll(max(0.0, give_up_at - monotonic()) * 1000):
            data = data[os.write(self._file.fileno(), data[:PIECE]) :]
        return data


def poll_for(file: TextIO) -> select.poll | None:
    """Tells whether the file takes more; None where that cannot be asked."""
    if not hasattr(select, "poll"):
        return None
    try:
        descriptor = file.fileno()
    except OSError:  # a file in memory
        return None
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return poll


# Several at once


def together(choices: Iterable[ChooseTrace], page: ChooseTrace | None = None) -> ChooseTrace | None:
    """One `trace` for `serve` out of several; None for none.

    `page` may end its trace by setting that of the connection to None; the others stay.
    """
    several = tuple(choices)
    if not several:
        return page

    def choose(connection: Connection) -> Trace | None:
        traces = [trace for choice in several if (trace := choice(connection)) is not None]
        return Several(connection, traces, None if page is None else page(connection))

    return choose


class Several:
    """The traces of one connection. One that raises is logged and dropped, and no other."""

    def __init__(self, connection: Connection, traces: list[Trace], page: Trace | None) -> None:
        self._connection = connection
        self._traces = tuple(traces)
        self._page = page

    def __call__(self, sender: Side, data: bytes) -> None:
        for trace in self._traces:
            self._tell(trace, sender, data)
        if self._page is not None:
            self._tell_page(self._page, sender, data)

    def _tell(self, trace: Trace, sender: Side, data: bytes) -> None:
        try:
            trace(sender, data)
        except Exception as error:
            self._traces = tuple(other for other in self._traces if other is not trace)
            connection = self._connection
            log_error(connection.settings.logger, connection.peer, "the trace failed, and is off now", error)

    def _tell_page(self, page: Trace, sender: Side, data: bytes) -> None:
        self._tell(page, sender, data)
        if self._connection.trace is None:
            self._page = None
            self._connection.trace = self
