"""RFC 6455 §10.6: one OpenSSL object between two memory buffers, for several threads."""

from __future__ import annotations

import ssl
import threading
from contextlib import suppress
from typing import Any, cast

from ...protocol.frame import Side
from .certificates import readable


class Engine:
    """Encrypts and decrypts. Any thread may call any method; none waits for the network.

    Every ssl.SSLError that it raises has a text that says what to do.
    """

    __slots__ = {
        "_tls": "The OpenSSL object. All fields except `_side`: under the lock.",
        "_incoming": "Ciphertext that was received.",
        "_outgoing": "Ciphertext to be sent.",
        "_kept": "Data that `close_notify` had to read.",
        "_side": "Our end of the connection.",
        "_lock": "Held for one call on the object, which moves bytes in memory and never waits.",
    }

    def __init__(self, context: ssl.SSLContext, side: Side, server_hostname: str | None) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, side is Side.SERVER, server_hostname
        )
        self._kept = b""
        self._side = side
        self._lock = threading.Lock()

    @property
    def version(self) -> str | None:
        """The version of TLS, such as "TLSv1.3"; None before the TLS handshake is done."""
        with self._lock:
            return self._tls.version()

    @property
    def pending(self) -> int:
        """Bytes of ciphertext that wait to be taken."""
        with self._lock:
            return self._outgoing.pending

    def take(self) -> bytes:
        """The ciphertext made since the last call, to be sent."""
        with self._lock:
            return self._outgoing.read()

    def feed(self, ciphertext: memoryview) -> None:
        """Take bytes that were received; empty means the end of the TCP connection."""
        with self._lock:
            if ciphertext:
                self._incoming.write(ciphertext)
            else:
                self._incoming.write_eof()

    def handshake(self) -> bool:
        """True once the TLS handshake is done, False while it needs more from the peer."""
        with self._lock:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                return False
            except ssl.SSLError as error:
                raise readable(error, self._side) from None
            return True

    def encrypt(self, data: bytes | memoryview) -> None:
        with self._lock:
            try:
                self._tls.write(data)
            except ssl.SSLError as error:
                raise readable(error, self._side) from None

    def decrypt_into(self, buffer: Any) -> int | None:
        """The number of bytes decrypted, 0 at the end; None if more must be fed first.

        If TCP ends without the peer's close_notify, that is no error here: if the Close frame is
        missing, too, the close code is 1006 (§7.1.5).
        """
        with self._lock:
            if self._kept:
                return self._take_kept(buffer)
            try:
                return cast(int, self._tls.read(len(buffer), buffer))
            except ssl.SSLWantReadError:
                return None
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return 0
            except ssl.SSLError as error:
                raise readable(error, self._side) from None

    def _take_kept(self, buffer: Any) -> int:
        count = min(len(buffer), len(self._kept))
        buffer[:count], self._kept = self._kept[:count], self._kept[count:]
        return count

    def close_notify(self) -> None:
        """Make the alert that says that no bytes are missing, if the TLS handshake is done.

        `unwrap` also looks for the peer's alert, and fails if it finds data. So the data that have
        arrived are kept aside.
        """
        with self._lock:
            if self._tls.pending():
                self._kept += self._tls.read(self._tls.pending())
            undecrypted = self._incoming.read()
            with suppress(ssl.SSLError):
                self._tls.unwrap()
            if undecrypted:
                self._incoming.write(undecrypted)
