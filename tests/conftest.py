"""What the tests of whole connections share: a server in a thread, a connection without a server,
and the check that neither leaves a thread or a file descriptor.

    python -m pytest --transport tls        the endpoint's tests over TLS; or unix, or all

`serving` and `opened` use TCP, except in tests that are marked `transport` with the names of the
transports that they can run over.
"""

import gc
import os
import signal
import threading
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from refws import State, serve
from refws.endpoint import starting
from refws.endpoint.connection import Connection, Settings
from refws.endpoint.timers import Timers
from refws.protocol.frame import Side
from transports import TRANSPORTS
from wire import DEADLINE_S, IN_TIME, Background, eventually, request

DESCRIPTORS = Path("/proc/self/fd")

RESEND_INTERVAL = 0.01
"""Seconds after which a signal that did nothing is sent again."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell script
    signal.signal(signal.SIGINT, signal.default_int_handler)  # so that programs of tests get it

starting.IDLE = IN_TIME  # each test waits until no thread is left, and this is the last one


def pytest_addoption(parser):
    parser.addoption(
        "--transport",
        choices=[*TRANSPORTS, "all"],
        default="tcp",
        help="what the endpoint's tests run over",
    )


def pytest_generate_tests(metafunc):
    """With --transport all a test runs once for each transport that it is marked with."""
    names = transports_of(metafunc.definition)
    if (
        "transport" in metafunc.fixturenames
        and len(names) > 1
        and metafunc.config.getoption("transport") == "all"
    ):
        metafunc.parametrize("transport", names, indirect=True)


def transports_of(test):
    marker = test.get_closest_marker("transport")
    return ("tcp",) if marker is None else marker.args


@pytest.fixture
def transport(request, nothing_left_behind):
    """What `serving` and `opened` use: see transports.py."""
    names, chosen = transports_of(request.node), request.config.getoption("transport")
    name = getattr(request, "param", names[0] if chosen == "all" or len(names) == 1 else chosen)
    if name not in names:
        pytest.skip(
            f"not over {name}: {request.node.get_closest_marker('transport').kwargs['reason']}"
        )
    with closing(TRANSPORTS[name]()) as transport:
        yield transport


def descriptors():
    """What each open file descriptor of this process refers to; empty without /proc."""
    found = {}
    for entry in DESCRIPTORS.iterdir() if DESCRIPTORS.is_dir() else ():
        try:
            found[entry.name] = os.readlink(entry)
        except FileNotFoundError:
            continue  # the descriptor that read the directory is closed again
    return found


@pytest.fixture
def nothing_left_behind():
    """After the test there are the threads and the file descriptors that were there before."""
    threads, base = set(threading.enumerate()), descriptors()
    yield
    assert eventually(lambda: set(threading.enumerate()) <= threads), (
        set(threading.enumerate()) - threads
    )
    assert descriptors() == base


@pytest.fixture
def background(nothing_left_behind):
    """background(function, *arguments) runs it in a thread, which ends before the test does.

    If it raises, and the test does not ask for its result, then the test fails.
    """
    started = []

    def start(function, *arguments, **keywords):
        started.append(Background(function, *arguments, **keywords))
        return started[-1]

    yield start
    for thread in started:
        thread.thread.join(DEADLINE_S)
        assert thread.error is None or thread.has_raised, thread.error


class Running:
    """A server whose `serve_forever` runs in a thread, and the clients that it has had."""

    def __init__(self, handler, transport, settings):
        self.transport = transport
        settings = {**transport.settings(), **settings}
        if "sock" in settings:
            settings.pop("unix_path", None)  # the socket listens there already
        self.server = serve(handler, **settings)
        self.address = self.server.address
        self.uri, self.way = transport.uri(self.address), transport.way(self.address)
        self.clients = []
        self.accepting = Background(self.server.serve_forever)

    def connect(self, **options):
        """A client that has sent nothing yet."""
        client = self.transport.connect(self.address, **options)
        self.clients.append(client)
        return client

    def open(self, path="/", *fields):
        """A client whose opening handshake is done on both sides."""
        client = self.connect()
        client.send(request(path, *fields))
        status, client.headers = client.receive_head()
        assert status == 101
        address = client.sock.getsockname()
        assert eventually(lambda: State.CONNECTING not in self.states(address))
        return client

    def states(self, address):
        """The states of the server's connections with this peer."""
        return {
            connection.state
            for connection in self.server.all_connections
            if connection.remote_address == address
        }

    def stop(self):
        for client in self.clients:
            client.close()
        self.server.shutdown()
        self.accepting.result()


@pytest.fixture
def serving(nothing_left_behind, transport):
    """serving(handler, **settings of serve) starts a server, which is shut down after the test."""
    with ExitStack() as stack:

        def start(handler, **settings):
            running = Running(handler, transport, settings)
            stack.callback(running.stop)
            return running

        yield start


@pytest.fixture
def tcp(nothing_left_behind):
    """tcp() gives the two ends of a TCP connection, both closed after the test."""
    with ExitStack() as stack:

        def pair():
            return tuple(stack.enter_context(end) for end in TRANSPORTS["tcp"]().pair())

        yield pair


@pytest.fixture
def timers(nothing_left_behind):
    timers = Timers()
    yield timers
    timers.stop()


class Opened:
    """A connection without a server around it, and the raw client at its other end."""

    def __init__(self, timers, transport, settings, side, wrap):
        ours, theirs = transport.pair()
        self.stream = transport.stream(wrap(ours), timers, settings.send_timeout, side)
        if side is Side.CLIENT:  # as `connect` does in the main thread
            self.stream.reader.expect_signals()
        self.connection = Connection(
            self.stream, timers, settings, ("192.0.2.1", 5), ("192.0.2.2", 80), side
        )
        self.peer = transport.meet(self.stream, theirs, side)
        self.watchdog = threading.Timer(
            2 * DEADLINE_S, self.connection.abort, ["the test takes too long"]
        )
        self.watchdog.start()

    def stop(self):
        self.watchdog.cancel()
        self.watchdog.join()
        self.connection.abort("the test is over")
        self.peer.close()
        self.connection.end()


@pytest.fixture
def opened(timers, transport):
    """opened(**settings) gives (connection, raw peer) after the opening handshake.

    The connection is a server's, or a client's with side=Side.CLIENT; `wrap` replaces its socket.
    No heartbeat unless `ping_interval` is given. If the test hangs, its connection is aborted.
    """
    with ExitStack() as stack:

        def start(*, wrap=lambda sock: sock, connecting=False, side=Side.SERVER, **settings):
            settings = Settings(**{"ping_interval": None, **settings})
            opened = Opened(timers, transport, settings, side, wrap)
            stack.callback(opened.stop)
            if not connecting:
                opened.connection.open()
            return opened.connection, opened.peer

        yield start


@pytest.fixture
def on_signal():
    """on_signal(function, when) runs it once in the main thread, once `when` is true.

    The signal is sent until the function runs: Python notices one that arrives just before a call
    of the system only after that call.
    """
    previous = signal.getsignal(signal.SIGUSR2)
    threads = []

    def start(function, when):
        runs = threading.Event()

        def send_signal():
            assert eventually(when)
            while not runs.wait(RESEND_INTERVAL):
                os.kill(os.getpid(), signal.SIGUSR2)

        def handle(number, frame):
            if not runs.is_set():
                runs.set()
                function()

        signal.signal(signal.SIGUSR2, handle)
        threads.append(threading.Thread(target=send_signal))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join()
    signal.signal(signal.SIGUSR2, previous)


@pytest.fixture
def log(caplog):
    """What the refws logger has recorded, from level INFO."""
    caplog.set_level("INFO", "refws")
    return caplog


# The tests of conformance/; only they pay for importing its modules


@pytest.fixture
def heard_signals():
    """SIGINT and SIGTERM interrupt the next pause, like in autobahn.py, until the test ends."""
    from fake_autobahn import hearing_signals

    with hearing_signals():
        yield


@pytest.fixture
def fake_world(tmp_path, monkeypatch, heard_signals):
    """autobahn.py starts a testsuite, a server and a client that only play their parts."""
    from fake_autobahn import make_world

    make_world(tmp_path, monkeypatch)


def pytest_collection_finish():
    """Thousands of collected tests are no garbage."""
    gc.collect()
    gc.freeze()  # FAST: the garbage collector does not look through them again and again
