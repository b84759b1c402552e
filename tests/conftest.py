"""What the tests of whole connections share: a server in a thread, a connection without one, and the check that
neither leaves a thread or a file descriptor behind."""

import gc
import os
import socket
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from wire import DEADLINE_S, Background, Wire, eventually, request

from refws import State, serve
from refws.endpoint.connection import Connection, Settings
from refws.endpoint.stream import Stream
from refws.endpoint.timers import Timers
from refws.protocol.frame import Side

DESCRIPTORS = Path("/proc/self/fd")


def descriptors():
    """What each open file descriptor of this process refers to; empty where the system does not tell."""
    found = {}
    for entry in DESCRIPTORS.iterdir() if DESCRIPTORS.is_dir() else ():
        try:
            found[entry.name] = os.readlink(entry)
        except FileNotFoundError:
            continue  # the one that read the directory
    return found


@pytest.fixture
def nothing_left_behind():
    """After the test there are the threads and the file descriptors that were there before."""
    threads, base = set(threading.enumerate()), descriptors()
    yield
    assert eventually(lambda: set(threading.enumerate()) <= threads), set(threading.enumerate()) - threads
    assert descriptors() == base


@pytest.fixture
def background(nothing_left_behind):
    """background(function, *arguments) runs it in a thread; all have ended when the test has."""
    started = []

    def start(function, *arguments, **keywords):
        started.append(Background(function, *arguments, **keywords))
        return started[-1]

    yield start
    for thread in started:
        thread.thread.join(DEADLINE_S)


class Running:
    """A server whose `serve_forever` runs in a thread, and the clients that were connected to it."""

    def __init__(self, handler, settings):
        self.server = serve(handler, **{"host": "127.0.0.1", "port": 0, **settings})
        self.address = self.server.address
        self.clients = []
        self.accepting = Background(self.server.serve_forever)

    def connect(self, **options):
        """A client that has sent nothing yet."""
        client = Wire.connect(self.address, **options)
        self.clients.append(client)
        return client

    def open(self, path="/", *fields):
        """A client whose opening handshake is done, on either side."""
        client = self.connect()
        client.send(request(path, *fields))
        status, client.headers = client.receive_head()
        assert status == 101
        address = client.sock.getsockname()
        assert eventually(lambda: State.CONNECTING not in self.states(address))
        return client

    def states(self, address):
        """Those of the server's connections with this peer."""
        return {connection.state for connection in self.server.connections if connection.remote_address == address}

    def stop(self):
        for client in self.clients:
            client.close()
        self.server.shutdown()
        self.accepting.result()


@pytest.fixture
def serving(nothing_left_behind):
    """serving(handler, **settings of serve) starts a server on a free port; all are shut down after the test."""
    with ExitStack() as stack:

        def start(handler, **settings):
            running = Running(handler, settings)
            stack.callback(running.stop)
            return running

        yield start


def tcp_pair():
    """The two ends of a TCP connection on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return server, client


@pytest.fixture
def tcp(nothing_left_behind):
    """tcp() gives the two ends of a TCP connection, both closed after the test."""
    with ExitStack() as stack:

        def pair():
            return tuple(stack.enter_context(end) for end in tcp_pair())

        yield pair


@pytest.fixture
def timers(nothing_left_behind):
    timers = Timers()
    yield timers
    timers.stop()


class Opened:
    """A connection without a server around it, and the raw client at its other end."""

    def __init__(self, timers, pair, settings, side):
        server, client = pair
        self.stream = Stream(server, timers, settings.send_timeout)
        self.connection = Connection(
            self.stream, timers, settings, ("192.0.2.1", 5), ("192.0.2.2", 80), side
        )
        self.peer = Wire(client)
        self.watchdog = threading.Timer(2 * DEADLINE_S, self.connection.abort, ["the test takes too long"])
        self.watchdog.start()

    def stop(self):
        self.watchdog.cancel()
        self.watchdog.join()
        self.connection.abort("the test is over")
        self.peer.close()
        self.connection.end()


@pytest.fixture
def opened(timers):
    """opened(**settings) gives (connection, raw peer) with the opening handshake behind them.

    The connection is that of a server, or of a client with `side`. No heartbeat unless `ping_interval` is given. A test that hangs has its connection aborted.
    """
    with ExitStack() as stack:

        def start(*, pair=None, connecting=False, side=Side.SERVER, **settings):
            settings = Settings(**{"ping_interval": None, **settings})
            opened = Opened(timers, pair or tcp_pair(), settings, side)
            stack.callback(opened.stop)
            if not connecting:
                opened.connection.open()
            return opened.connection, opened.peer

        yield start


@pytest.fixture
def log(caplog):
    """The messages that the refws logger has got, from level INFO."""
    caplog.set_level("INFO", "refws")
    return caplog


def pytest_collection_finish():
    """Thousands of collected tests are no garbage: looking through them again and again took a fifth of the time."""
    gc.collect()
    gc.freeze()
