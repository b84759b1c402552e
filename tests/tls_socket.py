"""TLS for the raw client of the tests: the standard library's OpenSSL in memory, over a socket.

One thread may send while another receives, which an ssl.SSLSocket does not allow. One lock is held
during each call of the OpenSSL object, which only moves bytes in memory; a second one keeps records
in their order.
"""

import io
import socket
import ssl
import threading
from contextlib import suppress

RECEIVE_SIZE = 64 * 1024


class TLSSocket:
    """What `Wire` needs of a socket; `cut` is True if the stream ended without a close_notify."""

    def __init__(self, sock, context, server_side=False):
        self.sock = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(
            self.incoming, self.outgoing, server_side, None if server_side else "localhost"
        )
        self.lock, self.sending = threading.Lock(), threading.Lock()
        self.kept = b""
        self.cut = False
        self.family = sock.family
        self.settimeout, self.setsockopt = sock.settimeout, sock.setsockopt
        self.getsockname, self.close = sock.getsockname, sock.close

    def handshake(self):
        """The TLS handshake; ssl.SSLError if it fails or the peer ends the stream."""
        while not self.is_done():
            self.feed()

    def is_done(self):
        try:
            self.tls.do_handshake()
            return True
        except ssl.SSLWantReadError:
            return False
        finally:
            self.sock.sendall(self.outgoing.read())

    # Sending

    def sendall(self, data):
        with self.sending:
            with self.lock:
                if data:
                    assert self.tls.write(data) == len(data)
                records = self.outgoing.read()
            self.sock.sendall(records)

    def shutdown(self, how):
        """SHUT_WR sends a close_notify and the FIN; SHUT_RDWR only cuts the connection."""
        if how == socket.SHUT_RDWR:
            self.sock.shutdown(how)
            return
        with self.sending:
            self.sock.sendall(self.close_notify())
        # A peer that has read the close_notify may end the connection before our FIN.
        with suppress(OSError):
            self.sock.shutdown(how)

    def close_notify(self):
        """The record after which no data follow.

        `unwrap` fails if data of the peer are still unread: they are put aside first.
        """
        with self.lock:
            if self.tls.pending():
                self.kept += self.tls.read(self.tls.pending())
            undecrypted = self.incoming.read()
            with suppress(ssl.SSLError):  # it also wants the peer's close_notify
                self.tls.unwrap()
            self.incoming.write(undecrypted)
            return self.outgoing.read()

    # Receiving

    def makefile(self, mode):
        assert mode == "rb"
        return io.BufferedReader(Decrypted(self))

    def recv_into(self, buffer):
        """The number of bytes decrypted; 0 after a close_notify and a FIN, or after a cut."""
        while (count := self.decrypt_into(buffer)) is None:
            self.feed()
        return count

    def decrypt_into(self, buffer):
        """None if more has to be received first."""
        with self.lock:
            if self.kept:
                count = min(len(buffer), len(self.kept))
                buffer[:count], self.kept = self.kept[:count], self.kept[count:]
                return count
            try:
                return self.tls.read(len(buffer), buffer)
            except ssl.SSLWantReadError:
                return None
            except ssl.SSLEOFError:
                self.cut = True
                return 0
            except ssl.SSLZeroReturnError:
                pass
        assert self.incoming.read() + self.sock.recv(RECEIVE_SIZE) == b"", (
            "bytes after a close_notify"
        )
        return 0

    def feed(self):
        received = self.sock.recv(RECEIVE_SIZE)
        with self.lock:
            if received:
                self.incoming.write(received)
            else:
                self.incoming.write_eof()


class Decrypted(io.RawIOBase):
    """The raw file of a TLSSocket; it raises what a socket's file raises."""

    def __init__(self, sock):
        self.sock = sock

    def readable(self):
        return True

    def readinto(self, buffer):
        try:
            return self.sock.recv_into(buffer)
        except BlockingIOError:
            return None
