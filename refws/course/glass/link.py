"""One client's connection and ours to the server: bytes pass unchanged, in two threads.

    client --> reads --> copies --> writes --> server       one thread
    client <-- writes <-- copies <-- reads <-- server       the other one

A thread copies what it has read before it writes it: so an answer is never shown before its
question. What it reads at once it writes at once. A FIN is passed on as a FIN, so that the other
direction goes on; a reset as a reset. Nothing has a time limit: a client that reads slowly slows
the server, as it would without the link. The system ends a connection whose peer has vanished.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from contextlib import suppress
from typing import Any, cast

from ...endpoint.stream import Stream
from ...endpoint.timers import Timers
from ...endpoint.tls.stream import TLSStream
from ...protocol.frame import Side
from .copies import How
from .head import HeadChanger

CHUNK = 256 * 1024
"""The most bytes that are read at once: a thread has a buffer of this size."""

NO_TIMEOUT = 86_400.0
"""Seconds that a peer may take for 64 KiB, a day: the client and the server have limits of their
own."""

LINGER_NONE = struct.pack("ii", 1, 0)
"""With it, `close` sends a reset."""


class End:
    """The client, or the server, of a link: one thread reads from it, another one writes to it."""

    def __init__(self, sock: socket.socket, stream: Stream) -> None:
        self.stream = stream
        self._sock = sock
        self._read = cast(Any, stream.file).raw.readinto

    @property
    def own_address(self) -> Any:
        """The address of our end of the socket."""
        return self._sock.getsockname()

    def handshake(self) -> None:
        """TLS, if there is any. Blocks; OSError if it fails."""
        self.stream.handshake()

    def read(self, buffer: memoryview) -> bytes:
        """The next bytes, none at the end of the direction. Blocks; OSError for a reset."""
        return bytes(buffer[: self._read(buffer)])

    def write(self, data: bytes) -> None:
        """Blocks until the system has the bytes; OSError once the peer takes no more."""
        self.stream.write(data)

    def finish(self) -> None:
        """Tell the peer that no more bytes follow. It may send more."""
        self.stream.half_close()

    def stop_reading(self) -> None:
        """Wake the thread that reads, and let it read the end.

        The peer notices nothing. Over TLS it gets an end without a close_notify: OpenSSL would
        answer the end that it reads with an alert.
        """
        over_tls = isinstance(self.stream, TLSStream)
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR if over_tls else socket.SHUT_RD)

    def abort(self) -> None:
        """End both directions at once; threads that read or write wake."""
        self.stream.abort()

    def linger(self, seconds: float) -> None:
        """Read and drop until the peer ends, for at most this time (`Stream.drain`)."""
        self.stream.drain(seconds)

    def close(self, reset: bool = False) -> None:
        """Only for the thread that is the last one to use it."""
        if reset:
            with suppress(OSError):
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
        self.stream.close()


def end_of(
    sock: socket.socket,
    timers: Timers,
    context: ssl.SSLContext | None = None,
    side: Side = Side.CLIENT,
    server_hostname: str | None = None,
) -> End:
    """Our end of a connected socket, where we are `side`; with a `context`, TLS over it."""
    if context is None:
        return End(sock, Stream(sock, timers, NO_TIMEOUT))
    return End(sock, TLSStream(sock, timers, NO_TIMEOUT, context, side, server_hostname))


class Report:
    """What a link reports of itself: nothing, for the connections of the page."""

    def passed(self, sender: Side, data: bytes, changer: HeadChanger | None) -> None:
        """These bytes are about to be passed on. Must not wait."""

    def ended(self, sender: Side, how: How) -> None:
        """This side sends nothing more. Must not wait."""


class Link:
    """Two ends. `run` passes their bytes on until both directions have ended, and closes both.

    `_lock` guards `_broken`, the sides that have reset their connection or take nothing more, and
    `_stopped`, whether `abort` was called.
    """

    def __init__(self, client: End, server: End, changer: HeadChanger, report: Report) -> None:
        self._ends = {Side.CLIENT: client, Side.SERVER: server}
        self._changers = {Side.CLIENT: changer}
        self._report = report
        self._broken: set[Side] = set()
        self._stopped = False
        self._lock = threading.Lock()

    def run(self, first: bytes, name: str) -> None:
        """`first` are the bytes of the client that have been read already. Blocks."""
        back = threading.Thread(
            target=self._pass_all, args=(Side.SERVER, b""), name=f"{name} back", daemon=True
        )
        try:
            back.start()
            try:
                self._pass_all(Side.CLIENT, first)
            finally:
                back.join()
        finally:
            for side, end in self._ends.items():
                end.close(reset=side.peer in self._broken)

    def abort(self) -> None:
        """Make `run` return soon. For any thread."""
        with self._lock:
            self._stopped = True
        for end in self._ends.values():
            end.abort()

    # One direction

    def _pass_all(self, sender: Side, first: bytes) -> None:
        """`_pass_on`; an internal error in one direction ends the other one, too."""
        try:
            self._pass_on(sender, first)
        except BaseException:
            self.abort()
            raise

    def _pass_on(self, sender: Side, first: bytes) -> None:
        """Pass on what the sender sends, until it ends, or until its peer takes no more."""
        source, target = self._ends[sender], self._ends[sender.peer]
        buffer = memoryview(bytearray(CHUNK))
        data = first
        try:
            while (data := data or source.read(buffer)) and self._pass(sender, data):
                data = b""
        except OSError:
            self._note_broken(sender)
        if data:
            return  # the peer takes no more, which its own direction shows
        self._pass(sender, b"")
        how = self._end_of(sender)
        if how is not None:
            self._report.ended(sender, how)
        if how is How.RESET:
            target.stop_reading()
        else:
            target.finish()

    def _end_of(self, sender: Side) -> How | None:
        """How the sender has ended; None if we have woken the thread that reads, or may have."""
        with self._lock:
            if sender in self._broken:
                return How.RESET
            return None if self._stopped or sender.peer in self._broken else How.FIN

    def _pass(self, sender: Side, data: bytes) -> bool:
        """Whether the peer takes these bytes; none are for what is held back."""
        changer = self._changers.get(sender)
        if changer is not None:
            data = changer.feed(data) if data else changer.finish()
        if not data:
            return True
        self._report.passed(sender, data, changer)
        try:
            self._ends[sender.peer].write(data)
        except OSError:
            self._note_broken(sender.peer)
            return False
        return True

    def _note_broken(self, side: Side) -> None:
        with self._lock:
            self._broken.add(side)
