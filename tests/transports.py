"""What the tests of whole connections run over: TCP, Unix sockets, TLS over TCP.

Each test has its own object.
"""

import functools
import itertools
import os
import socket
import ssl
import tempfile
from contextlib import ExitStack
from pathlib import Path

from refws.endpoint.stream import Stream
from refws.endpoint.tls.certificates import client_context, server_context
from refws.endpoint.tls.stream import TLSStream
from refws.protocol.frame import Side
from tls_socket import TLSSocket
from wire import DEADLINE_S, Background, Wire, connected

CERTIFICATES = Path(__file__).parent / "certificates"
LOCALHOST, KEY = str(CERTIFICATES / "localhost.pem"), str(CERTIFICATES / "key.pem")


class TCP:
    scheme = "ws"

    def close(self):
        """Nothing to clean up."""

    # For refws

    def settings(self):
        """Arguments for `serve`: where to listen."""
        return {"host": "127.0.0.1", "port": 0}

    def uri(self, address):
        """The URI for `connect`, up to its path."""
        return f"{self.scheme}://{address[0]}:{address[1]}/"

    def way(self, address):
        """Arguments for `connect` besides the URI."""
        return {}

    def stream(self, sock, timers, send_timeout, side):
        return Stream(sock, timers, send_timeout)

    # For the test itself

    def listen(self, kind=socket.socket):
        """A listening socket of this class."""
        sock = kind(socket.AF_INET)
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        return sock

    def connect(self, address, **options):
        """A raw client."""
        return Wire.connect(address, **options)

    def accept(self, sock):
        """A raw server's end of a connection that it has accepted."""
        return Wire(sock)

    def pair(self):
        """The two ends of a connection, as sockets: one for refws, one for the test."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            theirs = socket.create_connection(listener.getsockname())
            ours, _ = listener.accept()
        ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return ours, theirs

    def meet(self, stream, sock, side):
        """The raw peer of a stream, over the other end of its pair, after any TLS handshake."""
        return Wire(sock)


class Unix(TCP):
    """Clients are bound to a path too, so that a server can tell one from the other."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="refws")
        self.numbers = itertools.count(1)

    def close(self):
        self.directory.cleanup()

    def path(self):
        return os.path.join(self.directory.name, str(next(self.numbers)))

    def settings(self):
        return {"unix_path": self.path()}

    def uri(self, address):
        return "ws://localhost/"

    def way(self, address):
        return {"unix_path": address}

    def listen(self, kind=socket.socket):
        sock = kind(socket.AF_UNIX)
        sock.bind(self.path())
        sock.listen()
        return sock

    def connect(self, address, **options):
        return Wire.connect(address, **{"bind_to": self.path(), **options})

    def pair(self):
        return socket.socketpair()


class TLS(TCP):
    scheme = "wss"

    def settings(self):
        return {**super().settings(), "ssl": contexts()[Side.SERVER]}

    def way(self, address):
        return {"ssl": contexts()[Side.CLIENT]}

    def stream(self, sock, timers, send_timeout, side):
        hostname = "localhost" if side is Side.CLIENT else None
        return TLSStream(sock, timers, send_timeout, contexts()[side], side, hostname)

    def connect(self, address, **options):
        return secure(connected(address, **options), Side.CLIENT)

    def accept(self, sock):
        return secure(sock, Side.SERVER)

    def meet(self, stream, sock, side):
        handshake = Background(stream.handshake)
        peer = secure(sock, side.peer)
        handshake.result()
        return peer


def secure(sock, side):
    """The raw end of a TLS connection, its TLS handshake done."""
    with ExitStack() as close_if_it_fails:
        close_if_it_fails.callback(sock.close)
        sock.settimeout(DEADLINE_S)
        secured = TLSSocket(sock, raw_contexts()[side], side is Side.SERVER)
        secured.handshake()
        close_if_it_fails.pop_all()
    return Wire(secured)


@functools.cache
def contexts():
    """The contexts that refws makes."""
    return {Side.SERVER: server_context(LOCALHOST, KEY), Side.CLIENT: client_context(LOCALHOST)}


@functools.cache
def raw_contexts():
    """Contexts of the standard library that report an end without a close_notify."""
    server, client = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    server.load_cert_chain(LOCALHOST, KEY)
    client.load_verify_locations(LOCALHOST)
    for context in (server, client):
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    return {Side.SERVER: server, Side.CLIENT: client}


TRANSPORTS = {"tcp": TCP, "unix": Unix, "tls": TLS}
