"""RFC 6455 §4.2: accepts connections, runs the handler in a thread for each, stops them all."""

from __future__ import annotations

import os
import ssl as tls
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from logging import WARNING
from selectors import EVENT_READ, DefaultSelector
from socket import socket as Socket  # Server has a property with its name
from time import monotonic
from types import TracebackType
from typing import Any, Self

from ..interruption import leave_out_traceback
from ..protocol.close import Close, State, check_sendable
from ..protocol.close_codes import CloseCode
from ..protocol.frame import Side
from .admission import Admission, ConnectionThread, Full
from .connection import LINGER, STOPPING
from .exceptions import ConnectionClosed
from .log import format_address, log_error
from .overload import Overload
from .server_handshake import (
    ServerConnection,
    ServerOptions,
    open_connection,
)
from .settings import (
    Settings,
)
from .shortages import Shortages
from .stream import Stream, send_at_once
from .timers import Timers, wait_time
from .tls.stream import TLSStream
from .waking import WakeUp

PAUSE_AFTER_FAILURE = 0.1
"""Seconds without accepting after the system had no file descriptor or memory for a connection."""

REPORTED: dict[int | None, str] = {
    CloseCode.NO_STATUS_RCVD: "1005, a Close without a code",
    CloseCode.ABNORMAL_CLOSURE: "1006, it sent no Close",
}
"""How the log shows the codes that no peer sends (§7.1.5)."""

HANDLER_DONE = Close(CloseCode.NORMAL_CLOSURE)
HANDLER_FAILED = Close(CloseCode.INTERNAL_ERROR, "the handler failed; the server's log says why")


class Server:
    """Listening sockets and their connections. Made by `serve`; a context manager that shuts down.

    It belongs to the process that made it: in a child of `os.fork` it ends nothing (processes.py).
    `_stopping` is set by any thread, once, and never unset; `_accepting` is held by the accept
    thread, so that `shutdown` can wait for it. `address` is the address of the first socket.
    """

    def __init__(
        self,
        socks: Sequence[Socket],
        options: ServerOptions,
        settings: Settings,
        context: tls.SSLContext | None = None,
    ) -> None:
        self._addresses = {sock: sock.getsockname() for sock in socks}
        self._context = context
        self._options = options
        self._settings = settings
        self._timers = Timers()
        self._admission = Admission(options.max_connections, options.max_connections_per_address)
        self._overload = Overload(self._timers, options.server_header)
        self._shortages = Shortages(settings.logger)
        self._stopping = False
        self._wake_up = WakeUp()
        self._accepting = threading.Lock()
        self._accept_thread: threading.Thread | None = None
        self._process = os.getpid()
        self.address = self._addresses[socks[0]]
        for sock in socks:
            sock.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            leave_out_traceback(error)
        self.shutdown()

    @property
    def socket(self) -> Socket:
        """The first listening socket."""
        return next(iter(self._addresses))

    def fileno(self) -> int:
        """The file descriptor of the first listening socket; -1 once the server has shut down."""
        return self.socket.fileno()

    @property
    def connections(self) -> set[ServerConnection]:
        """The open connections: those that messages can be sent on, unless they close right now.

        Where a 101 is being sent, it is waited for: `close_timeout` seconds at most.
        """
        return {one for one in self.all_connections if one.has_opened()}

    @property
    def all_connections(self) -> set[ServerConnection]:
        """All connections that have not ended, also in their opening or closing handshake."""
        return {thread.connection for thread in self._admission.threads}

    # Accepting

    def serve_forever(self) -> None:
        """Accept connections and serve each in its own thread, until `stop` or `shutdown`.

        RuntimeError in a child of `os.fork`, which must make a server of its own.
        """
        if os.getpid() != self._process:
            raise RuntimeError("this server is the parent's; call serve(handler, sock=...) here")
        with self._accepting, self._marked(), self._wake_up.by_signals(), DefaultSelector() as poll:
            if not self._stopping:
                for listener in self._addresses:
                    poll.register(listener, EVENT_READ)
                poll.register(self._wake_up.receiver, EVENT_READ)
            while not self._stopping:
                try:
                    self._timers.start()
                    poll.select()
                    self._wake_up.pause(0)
                    for listener in self._addresses:
                        if not self._stopping:
                            self._accept(listener)
                except Exception as error:
                    self._recover_from(error)

    @contextmanager
    def _marked(self) -> Iterator[None]:
        thread = threading.current_thread()
        name, thread.name = thread.name, f"refws-accept {format_address(self.address)}"
        self._accept_thread = thread
        try:
            yield
        finally:
            self._accept_thread = None
            thread.name = name

    def _accept(self, listener: Socket) -> None:
        """Start a thread for the next connection, or turn it away."""
        try:
            sock, remote_address = listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        thread = None
        try:
            thread = self._thread_for(sock, remote_address, self._addresses[listener])
            if full := self._admission.admit(thread):
                self._turn_away(thread, full)
            else:
                thread.start()
                if self._shortages.current:
                    self._shortages.accepted()
        except BaseException as error:
            self._give_up(sock, thread, error)

    def _thread_for(self, sock: Socket, remote_address: Any, own: Any) -> ConnectionThread:
        sock.setblocking(True)
        send_at_once(sock)
        stream = self._stream(sock)
        connection = ServerConnection(stream, self._timers, self._settings, remote_address, own)
        return ConnectionThread(self._serve, connection, stream)

    def _turn_away(self, thread: ConnectionThread, full: Full) -> None:
        self._shortages.report(f"{full.limit} is reached", full.reason, WARNING)
        self._overload.turn_away(thread.stream, full.reason)

    def _give_up(self, sock: Socket, thread: ConnectionThread | None, error: BaseException) -> None:
        """End a connection that gets no thread, unless its thread has begun nevertheless.

        What is no Exception is raised again: it is a signal's, such as KeyboardInterrupt.
        """
        if thread is None or self._take_over(thread):
            if isinstance(error, Exception):
                self._shortages.report_error(error, turned_away=1)
            if thread is not None and isinstance(error, RuntimeError):
                self._overload.turn_away(thread.stream, "this server cannot start another thread")
            else:
                sock.close()
        if not isinstance(error, Exception):
            raise error

    def _take_over(self, thread: ConnectionThread) -> bool:
        """Whether the thread has not begun, and will not begin: then the caller ends its stream."""
        claimed = thread.claim()
        if claimed:
            self._admission.forget(thread)
        return claimed

    def _recover_from(self, error: Exception) -> None:
        """Log why the accept thread cannot accept, and give what is missing time to come back.

        Nothing may end that thread, except `stop` and an exception of a signal handler.
        """
        with suppress(Exception):
            self._shortages.report_error(error, turned_away=0)
            self._wake_up.pause(PAUSE_AFTER_FAILURE)

    def _stream(self, sock: Socket) -> Stream:
        timeout = self._settings.send_timeout
        if self._context is None:
            return Stream(sock, self._timers, timeout)
        return TLSStream(sock, self._timers, timeout, self._context, Side.SERVER)

    # One connection, in its own thread

    def _serve(self, thread: ConnectionThread) -> None:
        connection, stream = thread.connection, thread.stream
        try:
            if open_connection(connection, stream, self._options):
                self._handle(connection, stream)
        except Exception as error:
            what = "an internal error; please report it"
            log_error(self._settings.logger, connection.peer, what, error)
        finally:
            if os.getpid() == self._process:  # False in a child, if the handler has forked
                try:
                    if connection.state is not State.CLOSED:
                        connection.end()
                finally:
                    if self._admission.forget(thread):
                        self._timers.stop()

    def _handle(self, connection: ServerConnection, stream: Stream) -> None:
        """ConnectionClosed is an error if it is another connection's, such as an inner client's."""
        close, logger = HANDLER_DONE, self._settings.logger
        try:
            self._options.handler(connection)
        except BaseException as error:
            # a send that breaks aborts the stream; the state changes only at the next receive
            has_ended = connection.state is not State.OPEN or stream.aborted
            if has_ended and isinstance(error, ConnectionClosed):
                if not connection.failed:  # otherwise the log has it
                    logger.info("%s: ended in the handler: %s", connection.peer, error)
            else:
                log_error(logger, connection.peer, "the handler failed", error)
                close = HANDLER_FAILED
        if os.getpid() != self._process:
            return
        connection.close(close.code, close.reason)
        if not connection.failed:
            code = REPORTED.get(connection.close_code, connection.close_code)
            logger.info("%s: closed; the peer's code: %s", connection.peer, code)

    # Stopping

    def stop(self) -> None:
        """Make `serve_forever` return; connections stay open. May be called in a signal handler."""
        self._stopping = True
        self._wake_up.send()

    def shutdown(self, *, code: int = CloseCode.GOING_AWAY, reason: str = STOPPING) -> None:
        """Accept no more, send a Close to every connection, and wait until they have ended.

        ValueError for a code or a reason that no Close may have (§7.4).
        Blocks for `close_timeout` and 2 seconds at most. A handler that has not returned by
        then is left running, with its connection and the timer thread. In a signal handler of the
        accept thread this is only `stop`; the end of the `with` block does the rest. In a
        child of `os.fork` it does nothing.
        """
        farewell = Close(code, reason)
        check_sendable(code, Side.SERVER)
        farewell.serialize()
        if os.getpid() != self._process:
            return
        self.stop()
        if self._accept_thread is threading.current_thread():
            return
        with self._accepting:
            self._close_listening_socket()
        self._overload.close_all()
        give_up_at = monotonic() + self._settings.close_timeout
        self._go_away(farewell, give_up_at)
        self._wait_for_threads(give_up_at + 2 * LINGER)
        if self._admission.close():
            self._timers.stop()

    def abort(self) -> None:
        """End every connection at once, without a Close. Must not be called in a signal handler."""
        if os.getpid() != self._process:
            return
        self.stop()
        for connection in self.all_connections:
            connection.abort("the server ends all connections at once")

    def _close_listening_socket(self) -> None:
        if self.fileno() < 0:
            return
        for listener in self._addresses:
            listener.close()
        self._wake_up.close()

    def _go_away(self, close: Close, give_up_at: float) -> None:
        """§7.4.1: send it on each connection; retry where that does not work yet, then abort."""
        code, reason = close.code, close.reason
        busy = [one for one in self.all_connections if not one.go_away(code, reason)]
        pause = threading.Event()
        while busy and monotonic() < give_up_at:
            pause.wait(0.02)
            busy = [one for one in busy if not one.go_away(code, reason)]
        for connection in busy:
            connection.abort("the server is stopping, and no Close could be sent in time")

    def _wait_for_threads(self, give_up_at: float) -> None:
        for thread in self._admission.threads:
            if self._take_over(thread):
                thread.stream.close()
            elif thread is not threading.current_thread():
                thread.join(wait_time(give_up_at - monotonic()))
                if thread.is_alive():
                    self._settings.logger.warning(
                        "%s: its handler has not returned; it is left running", thread.name
                    )
