"""RFC 6455 §7.2.3: `connect --reconnect` connects again after a loss, but not at once."""

import itertools
import random
import signal
import socket
import threading

import pytest

from refws import Close, ConnectionClosedError, ConnectionClosedOK, Headers, Response
from refws.commands.connect import command as program
from refws.commands.connect import reconnecting
from refws.commands.connect.display import Pipe
from refws.commands.connect.reconnecting import FIRST_DELAY, MAX_DELAY, delays, run_all
from refws.commands.connect.session import Plan, Session
from wire import DEADLINE_S


@pytest.fixture(autouse=True)
def signals_restored():
    numbers = (signal.SIGINT, signal.SIGTERM, *filter(None, [getattr(signal, "SIGUSR1", None)]))
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


# The delays


@pytest.mark.rfc("6455-7.2.3-01", "6455-7.2.3-02", "6455-7.2.3-04")
def test_7_2_3_the_first_delay_is_random_up_to_5_seconds_and_the_next_are_longer(monkeypatch):
    monkeypatch.setattr(random, "uniform", lambda low, high: (low, high))
    ranges = list(itertools.islice(delays(), 7))
    assert ranges == [(0, 5), (5, 10), (10, 20), (20, 40), (30, 60), (30, 60), (30, 60)]
    assert (FIRST_DELAY, MAX_DELAY) == (5, 60)


@pytest.mark.rfc("6455-7.2.3-02")
def test_7_2_3_two_clients_do_not_wait_equally_long():
    first, second = (list(itertools.islice(delays(), 5)) for _ in range(2))
    assert first != second


# One session after the other


class Scripted:
    """A session that has received some messages, and then lost its connection, or not."""

    def __init__(self, log, lost, received=0, status=1):
        self.log, self.lost, self.received, self.status = log, lost, received, status

    def run(self):
        self.log.append("run")
        return self.status


def test_7_2_3_after_a_loss_it_waits_and_runs_again_until_one_is_not_lost(monkeypatch):
    log, delay = [], itertools.count(1)
    monkeypatch.setattr(reconnecting, "delays", lambda: (float(n) for n in delay))
    sessions = [Scripted(log, True, received=2), OSError("refused"), Scripted(log, False, status=0)]

    def start(plan, seconds):
        log.append((plan.count, seconds))
        session = sessions.pop(0)
        if isinstance(session, OSError):
            raise session
        return session

    first = Scripted(log, True, received=1)
    assert run_all(Plan(count=9), first, start, lambda error: log.append(str(error))) == 0
    assert log == ["run", (8, 1.0), "run", (6, 2.0), "refused", (6, 3.0), "run"]


def test_a_session_that_is_not_lost_is_the_last_one():
    log = []
    assert run_all(Plan(), Scripted(log, False, status=1), None, None) == 1
    assert log == ["run"]


def test_between_two_sessions_ctrl_c_is_an_exception_again():
    class Interrupted(Scripted):
        def run(self):
            signal.signal(signal.SIGINT, lambda *_: None)
            return super().run()

    def start(plan, seconds):
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run_all(Plan(), Interrupted([], True), start, None)


def ended(rcvd):
    fine = rcvd is not None and rcvd.code in (1000, 1001)
    return (ConnectionClosedOK if fine else ConnectionClosedError)(rcvd, None)


class Silent:
    failure = None


@pytest.mark.parametrize(
    "end, lost",
    [
        (ended(None), True),
        (ended(Close(1001)), True),
        (ended(Close(1011)), True),
        (ended(Close(1000)), False),
    ],
)
@pytest.mark.parametrize("done", [None, "_done", "_interrupted", "_asked"])
def test_a_connection_is_lost_unless_the_user_or_the_server_was_done(end, lost, done):
    session = Session(None, Silent(), Plan())
    session._end = end
    if done is not None:
        setattr(session, done, True)
    assert session.lost is (lost and done is None)


# The command


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(reconnecting, "FIRST_DELAY", 0.0)
    monkeypatch.setattr(reconnecting, "MAX_DELAY", 0.0)


def unreliable(times, seen):
    """Ends the first connections after a message, without a Close; echoes to the last one."""

    def handler(connection):
        seen.append(connection.recv())
        if len(seen) <= times:
            connection.send(f"lost {len(seen)}")
            connection.abort()
            return
        connection.send("kept")
        for message in connection:
            connection.send(message)

    return handler


def test_7_2_3_the_command_connects_again_and_sends_first_what_it_has_sent_first(
    serving, at_once, monkeypatch, capsys
):
    seen, never = [], threading.Event()
    monkeypatch.setattr(Pipe, "read_line", lambda self: never.wait(DEADLINE_S) or None)
    host, port = serving(unreliable(2, seen)).address
    arguments = [f"ws://{host}:{port}/", "-x", "subscribe", "--count", "3", "--reconnect"]
    assert program.main(arguments) == 0
    out, err = capsys.readouterr()
    assert out.split("\n")[:-1] == ["lost 1", "lost 2", "kept"]
    assert seen == ["subscribe"] * 3
    assert err.count("connecting again in ") == err.count(" again\n") == 2
    assert err.count("ended with 1006") == 2


def test_ctrl_c_between_two_connections_is_status_130(serving, monkeypatch, capsys):
    def interrupted(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(program.time, "sleep", interrupted)
    monkeypatch.setattr(Pipe, "read_line", lambda self: threading.Event().wait(DEADLINE_S) or None)
    host, port = serving(unreliable(1, [])).address
    assert program.main([f"ws://{host}:{port}/", "-x", "subscribe", "--reconnect"]) == 130
    out, err = capsys.readouterr()
    assert out == "lost 1\n"
    assert "connecting again in " in err and "Traceback" not in err


def test_a_refusal_of_the_next_attempt_is_shown_and_the_one_after_it_is_made(
    serving, at_once, monkeypatch, capsys
):
    """The server refuses the second of three connections."""
    requests, seen = [], []

    def refuse_the_second(connection, request):
        requests.append(request)
        return Response(503, "", Headers()) if len(requests) == 2 else None

    monkeypatch.setattr(Pipe, "read_line", lambda self: threading.Event().wait(DEADLINE_S) or None)
    host, port = serving(unreliable(1, seen), process_request=refuse_the_second).address
    arguments = [f"ws://{host}:{port}/", "-x", "subscribe", "--count", "2", "--reconnect"]
    assert program.main([*arguments, "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert out == "lost 1\nkept\n"
    assert "status 503" in err and "again" not in err.replace("try again later", "")
    assert len(requests) == 3


def test_a_first_connection_that_cannot_be_opened_is_the_end(capsys):
    """It is likely that the address is wrong."""
    with socket.socket() as not_listening:
        not_listening.bind(("127.0.0.1", 0))
        port = not_listening.getsockname()[1]
        assert program.main([f"ws://127.0.0.1:{port}/", "--reconnect"]) == 1
    reason, advice = capsys.readouterr().err.splitlines()
    assert "cannot connect" in reason
    assert advice == "refws: --reconnect is for a connection that was open: start it again later"


def test_without_the_option_a_lost_connection_is_the_end(serving, monkeypatch, capsys):
    monkeypatch.setattr(Pipe, "read_line", lambda self: threading.Event().wait(DEADLINE_S) or None)
    host, port = serving(unreliable(1, [])).address
    assert program.main([f"ws://{host}:{port}/", "-x", "subscribe"]) == 1
    assert "ended with 1006" in capsys.readouterr().err
