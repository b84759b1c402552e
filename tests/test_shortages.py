"""A server without threads, descriptors or memory, or at a limit: it says so once, turns away those
that it cannot serve, loses nothing by that, and says once that it is over.
"""

import errno
import logging
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from refws.endpoint import overload, shortages
from refws.endpoint import server as module
from refws.endpoint.shortages import OVER_AFTER, Shortages, explain
from wire import DEADLINE_S, TEXT, Wire, eventually, request

PROJECT = Path(__file__).resolve().parent.parent
TCP = pytest.mark.transport("tcp", reason="what fails is the same over each transport")

NO_THREAD = RuntimeError("can't start new thread")


def echo(connection):
    for message in connection:
        connection.send(message)


def says_echo(client):
    client.send_frame(TEXT, b"served")
    client.expect(TEXT, b"served")


# What is logged


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(shortages, "monotonic", clock)
    return clock


def test_thousands_of_failures_are_two_lines(clock, log):
    short = Shortages(logging.getLogger("refws"))
    for _ in range(5000):
        short.report_error(NO_THREAD, turned_away=1)
        clock.now += 0.001
    clock.now += OVER_AFTER
    short.accepted()
    short.accepted()
    first = "cannot start a thread: can't start new thread; raise the limit of threads or memory"
    last = "over after 6.0 s: cannot start a thread; connections turned away meanwhile: 5000"
    assert log.messages == [first, last]
    assert {record.levelname for record in log.records} == {"ERROR"}


def test_a_server_that_is_at_its_limit_again_and_again_says_it_once(clock, log):
    """One client leaves, one gets its place, and the next one is turned away."""
    short = Shortages(logging.getLogger("refws"))
    for _ in range(100):
        short.report("max_connections is reached", "5 are open", logging.WARNING)
        short.accepted()
        clock.now += OVER_AFTER / 2
    assert log.messages == ["max_connections is reached: 5 are open"]


def test_what_has_come_back_is_said_again_when_it_is_missing_again(clock, log):
    short = Shortages(logging.getLogger("refws"))
    for _ in range(2):
        short.report("it fails", "look there")
        clock.now += OVER_AFTER
        short.accepted()
    assert [line.split(":")[0] for line in log.messages] == ["it fails", "over after 1.0 s"] * 2


def test_two_shortages_begin_and_end_each_for_itself(clock, log):
    short = Shortages(logging.getLogger("refws"))
    short.report("one", "")
    clock.now += OVER_AFTER
    short.report("two", "", turned_away=0)
    short.accepted()
    assert [*short.current] == ["two"]
    assert log.messages[2] == "over after 1.0 s: one; connections turned away meanwhile: 1"


@pytest.mark.parametrize(
    "error, words",
    [
        (OSError(errno.EMFILE, "Too many open files"), "raise the limit of open files"),
        (OSError(errno.ENFILE, "Too many open files"), "raise the limit of open files"),
        (OSError(errno.ENOBUFS, "No buffer space"), "give it more memory, or lower max_"),
        (OSError(errno.ENOMEM, "Cannot allocate"), "give it more memory, or lower max_"),
        (MemoryError(), "give it more memory, or lower max_connections"),
        (NO_THREAD, "raise the limit of threads or memory"),
        (RuntimeError("can't allocate lock"), "raise the limit of threads or memory"),
        (OSError(errno.EPROTO, "Protocol error"), "Protocol error; others are accepted"),
        (ValueError("odd"), "  | ValueError: odd"),
        (RuntimeError("odd"), "  | RuntimeError: odd"),
    ],
)
def test_each_kind_of_failure_says_what_to_do(error, words):
    what, details = explain(error)
    assert words in details
    assert ("please report it" in what) == (words.startswith("  |"))


# A server without threads


def fail(monkeypatch, error, count, name="refws "):
    """The next `count` threads with this name fail to start."""
    start, left = threading.Thread.start, [error] * count

    def start_or_fail(thread):
        if left and thread.name.startswith(name):
            raise left.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_or_fail)
    return left


def errors(log):
    return [record.getMessage() for record in log.records if record.levelname == "ERROR"]


@TCP
def test_without_threads_all_get_503_and_the_log_gets_two_lines(monkeypatch, serving, log):
    monkeypatch.setattr(shortages, "OVER_AFTER", 0)
    monkeypatch.setattr(overload, "LINGER", 0.05)
    fail(monkeypatch, NO_THREAD, 50)
    running = serving(echo)
    for _ in range(50):
        assert running.connect().receive_head()[0] == 503
    says_echo(running.open())
    assert eventually(lambda: len(errors(log)) == 2)
    assert errors(log)[0].startswith("cannot start a thread: can't start new thread; ")
    end = "cannot start a thread; connections turned away meanwhile: 50"
    assert errors(log)[1].endswith(end)
    assert len(running.server.all_connections) == 1
    assert eventually(lambda: not running.server._overload._lingering)


@TCP
def test_without_a_thread_for_the_timers_clients_wait_until_there_is_one(monkeypatch, serving, log):
    """A connection without its deadlines would be one that a silent peer keeps for ever."""
    left = fail(monkeypatch, NO_THREAD, 3, "refws-timers")
    running = serving(echo, open_timeout=0.5)
    running.connect().expect_end()
    running.open().finish()
    assert not left
    assert [line.split(":")[0] for line in errors(log)] == ["cannot start a thread"]


@TCP
@pytest.mark.parametrize("error", [NO_THREAD, MemoryError(), KeyError("odd")])
def test_a_start_that_fails_after_the_thread_has_begun_ends_nothing(
    monkeypatch, serving, log, error
):
    """`start` waits for the thread; that may fail too, for want of memory."""
    start = threading.Thread.start

    def start_and_fail(thread):
        start(thread)
        if thread.name.startswith("refws "):
            assert eventually(lambda: thread.claimed)
            raise error

    monkeypatch.setattr(threading.Thread, "start", start_and_fail)
    client = serving(echo).open()
    says_echo(client)
    client.finish()
    assert errors(log) == []


@TCP
def test_a_thread_that_begins_after_its_start_has_failed_serves_nothing(monkeypatch, serving):
    start, late = threading.Thread.start, []

    def fail_first(thread):
        if thread.name.startswith("refws ") and not late:
            late.append(thread)
            raise NO_THREAD
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", fail_first)
    monkeypatch.setattr(overload, "LINGER", 0.05)
    running = serving(echo)
    client = running.connect()
    assert client.receive_head()[0] == 503
    (thread,) = late
    start(thread)
    thread.join(DEADLINE_S)
    client.read(len(b"this server cannot start another thread; try again later.\n"))
    client.expect_end()
    running.open().finish()


# A server without memory, and all else that may fail


class Failing:
    """A function that raises the errors first, and then is the one that it replaces."""

    def __init__(self, function, *failures):
        self.function, self.failures = function, list(failures)

    def __call__(self, *arguments, **keywords):
        if self.failures:
            raise self.failures.pop()
        return self.function(*arguments, **keywords)


@pytest.fixture
def short_pause(monkeypatch):
    monkeypatch.setattr(module, "PAUSE_AFTER_FAILURE", 0.01)


ODD = [MemoryError(), OSError(errno.ENOBUFS, "No buffer space"), ValueError("odd"), NO_THREAD]


def name_of(error):
    return type(error).__name__


@TCP
@pytest.mark.parametrize("error", ODD, ids=name_of)
@pytest.mark.parametrize("part", ["Stream", "ServerConnection", "ConnectionThread"])
def test_a_connection_that_cannot_be_made_is_closed_and_the_next_is_served(
    monkeypatch, serving, log, part, error
):
    monkeypatch.setattr(module, part, Failing(getattr(module, part), *[error] * 3))
    running = serving(echo)
    for _ in range(3):
        running.connect().expect_end()
    says_echo(running.open())
    assert len(errors(log)) == 1
    assert len(running.server.all_connections) == 1


@TCP
@pytest.mark.parametrize("error", [MemoryError(), ValueError("odd")], ids=name_of)
def test_a_connection_whose_start_fails_is_closed_and_gives_its_place_back(
    monkeypatch, serving, log, error
):
    fail(monkeypatch, error, 3)
    running = serving(echo, max_connections=1, max_connections_per_address=1)
    for _ in range(3):
        running.connect().expect_end()
    says_echo(running.open())
    assert len(errors(log)) == 1


@TCP
@pytest.mark.parametrize("error", ODD, ids=name_of)
def test_a_failing_accept_is_repeated_after_a_pause(
    monkeypatch, serving, transport, log, short_pause, error
):
    sock = transport.listen(Listening)
    sock.failures = [error] * 3
    running = serving(echo, sock=sock)
    running.open().finish()
    running.open().finish()
    assert len(errors(log)) == 1


class Listening(socket.socket):
    """A listening socket whose accept fails first."""

    failures: list[Exception]

    def accept(self):
        if self.failures:
            raise self.failures.pop()
        return super().accept()


@TCP
@pytest.mark.parametrize("part", ["answer", "monotonic"])
def test_a_connection_that_cannot_even_be_turned_away_is_closed(monkeypatch, serving, log, part):
    monkeypatch.setattr(overload, part, Failing(getattr(overload, part), *[MemoryError()] * 3))
    running = serving(echo, max_connections=1)
    client = running.open()
    for _ in range(3):
        refused = running.connect()
        if part == "monotonic":
            assert refused.receive_head()[0] == 503
            refused.file.read()
        else:
            refused.expect_end()
    assert eventually(lambda: not running.server._overload._lingering)
    says_echo(client)
    assert eventually(lambda: len(errors(log)) == 1)


@TCP
def test_a_log_that_fails_does_not_end_the_accept_thread(monkeypatch, serving, short_pause):
    logger, failed = logging.Logger("broken"), []

    @logger.addFilter
    def is_info(record):
        if record.levelname in ("ERROR", "WARNING"):
            failed.append(record)
            raise OSError("the disk is full")
        return False

    fail(monkeypatch, NO_THREAD, 2)
    monkeypatch.setattr(module, "ServerConnection", Failing(module.ServerConnection, MemoryError()))
    monkeypatch.setattr(overload, "LINGER", 0.05)
    running = serving(echo, logger=logger, max_connections=1)
    running.connect().expect_end()
    for _ in range(2):
        assert running.connect().receive_head()[0] == 503
    client = running.open()
    assert running.connect().receive_head()[0] == 503
    says_echo(client)
    assert len(failed) == 4


@TCP
def test_a_connection_whose_end_fails_gives_its_place_back(monkeypatch, serving):
    end = module.ServerConnection.end

    def end_and_fail(connection, linger=False):
        end(connection, linger)
        raise MemoryError

    monkeypatch.setattr(module.ServerConnection, "end", end_and_fail)
    monkeypatch.setattr(threading, "excepthook", lambda hooked: None)
    running = serving(echo)
    client = running.connect()
    assert eventually(lambda: running.server.all_connections)
    client.close()
    assert eventually(lambda: running.server.all_connections == set())


# A signal's exception


@TCP
@pytest.mark.parametrize("begun", [False, True])
def test_ctrl_c_while_a_thread_is_started_loses_no_connection(
    monkeypatch, serving, begun, background
):
    """If the thread has begun, the connection is closed with 1001 like the others."""
    start, first = threading.Thread.start, [True]

    def interrupt(thread):
        if not (thread.name.startswith("refws ") and first):
            return start(thread)
        first.clear()
        if begun:
            start(thread)
            assert eventually(lambda: thread.claimed)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupt)
    running = serving(echo)
    client = running.connect()
    with pytest.raises(KeyboardInterrupt):
        running.accepting.result()
    running.accepting.error = None
    if begun:
        client.send(request())
        assert client.receive_head()[0] == 101
        stopping = background(running.server.shutdown)
        client.expect_close(1001)
        client.close()
        stopping.result()
    else:
        client.expect_end()
        assert running.server.all_connections == set()
        running.server.shutdown()


@TCP
def test_a_second_ctrl_c_at_once_leaves_the_connection_to_the_shutdown(monkeypatch, serving):
    fail(monkeypatch, KeyboardInterrupt(), 1)
    running = serving(echo)
    monkeypatch.setattr(running.server, "_give_up", Failing(None, KeyboardInterrupt()))
    client = running.connect()
    with pytest.raises(KeyboardInterrupt):
        running.accepting.result()
    running.accepting.error = None
    running.server.shutdown()
    client.expect_end()


# At a limit


@TCP
def test_a_limit_is_logged_once_and_when_it_is_over(monkeypatch, serving, log):
    monkeypatch.setattr(shortages, "OVER_AFTER", 0)
    running = serving(echo, max_connections=1)
    client = running.open()
    for _ in range(3):
        assert running.connect().receive_head()[0] == 503
    client.finish()
    client.close()
    assert eventually(lambda: not running.server.all_connections)
    running.open().finish()
    assert eventually(lambda: any("over after" in line for line in log.messages))
    warnings = [record.getMessage() for record in log.records if record.levelname == "WARNING"]
    first = "max_connections is reached: 1 connections are open, the limit of this server"
    end = "max_connections is reached; connections turned away meanwhile: 3"
    assert [warnings[0], warnings[1].partition(": ")[2], len(warnings)] == [first, end, 2]


# With limits of the system

SERVER = """
import resource, signal, sys, threading
from refws.commands.serve import main
from refws.endpoint import shortages

signal.alarm(60)
shortages.OVER_AFTER = 0.05
kind, limit = getattr(resource, sys.argv[1]), int(sys.argv[2])
threading.stack_size(256 * 2**20 if kind == resource.RLIMIT_AS else 0)
resource.setrlimit(kind, (limit, limit))
sys.exit(main(["--port", "0", "--log-level", "warning"]))
"""

LIMITS = [
    ("RLIMIT_NOFILE", 40, "cannot accept a connection: .* Too many open files; raise the limit"),
    ("RLIMIT_AS", 2**31, "cannot start a thread: can't start new thread; raise the limit"),
]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the limits are Linux's")
@pytest.mark.parametrize("limit, number, words", LIMITS, ids=[limit for limit, *_ in LIMITS])
def test_a_server_at_a_limit_of_the_system_says_so_once_and_recovers(
    tmp_path, limit, number, words
):
    log, clients = tmp_path / "log", []

    def lines(beginning):
        return [line for line in log.read_text().splitlines() if re.search(beginning, line)]

    def count(folder):
        return len(list(folder.iterdir()))

    def is_over():
        """Each try is another connection, because one that is served ends the shortage."""
        client = Wire.connect(address)
        client.send(request("/echo"))
        status, _ = client.receive_head()
        if status == 101:
            says_echo(client)
            client.finish()
        client.close()
        return lines("over after")

    command = [sys.executable, "-c", SERVER, limit, str(number)]
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=output, text=True
        ) as server,
    ):
        try:
            port = re.search(r":(\d+)/", server.stdout.readline())
            address = "127.0.0.1", int(port[1])
            process = Path(f"/proc/{server.pid}")
            assert not is_over()
            assert eventually(lambda: count(process / "task") == 2), "it accepts, and has timers"
            before = count(process / "fd")
            clients = [Wire.connect(address) for _ in range(60)]
            assert eventually(lambda: lines(words)), log.read_text()
            for client in clients:
                client.close()
            assert eventually(is_over, 2 * DEADLINE_S), log.read_text()
            assert eventually(lambda: count(process / "fd") == before)
            assert len(lines("cannot")) == 2, log.read_text()
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(DEADLINE_S) == 0
