"""A session of `connect` with a real server: lines go out, messages are shown, until the end."""

import errno
import io
import signal
import sys
import threading
from contextlib import suppress

import pytest

from refws import ConnectionClosed, ConnectionClosedError, State, connect
from refws.commands.connect import session as session_module
from refws.commands.connect.display import Display, Pipe
from refws.commands.connect.lines import Send, SendClose, help_lines
from refws.commands.connect.session import Plan, Session
from wire import DEADLINE_S, TEXT, eventually, frame


@pytest.fixture(autouse=True)
def signals_restored():
    numbers = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, session_module.WAKE)
        if number is not None
    ]
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Script(Pipe):
    """A pipe with these lines; a function gives its result as a line, and None as no line."""

    def __init__(self, *lines):
        super().__init__()
        self.lines = iter(lines)

    def read_line(self):
        for line in self.lines:
            line = line() if callable(line) else line
            if line is not None:
                return line
        return None


class User(Display):
    """A display that is no pipe; `shown` has all that it was given to show."""

    def __init__(self, *lines):
        super().__init__()
        self.lines = iter(lines)
        self.shown = []

    def read_line(self):
        line = next(self.lines, None)
        return line(self) if callable(line) else line

    def show_message(self, message):
        self.shown.append(message)

    def show(self, line):
        self.shown.append(line)

    def show_input_error(self, text):
        self.shown.append(text)

    def show_end(self, lines, expected):
        self.shown.append(lines[0])

    def finish(self):
        pass


def echo(connection):
    for message in connection:
        connection.send(message)


@pytest.fixture
def session(serving):
    """session(handler, display, **settings of connect) runs one to its end, gives its exit status.

    After the end, `ended` is set.
    """

    def run(handler, display, wait=0, ended=None, plan=None, **settings):
        host, port = serving(handler).address
        connection = connect(f"ws://{host}:{port}/", **{"ping_interval": None, **settings})
        watchdog = threading.Timer(2 * DEADLINE_S, connection.abort, ["the test takes too long"])
        watchdog.start()
        try:
            return Session(connection, display, plan or Plan(wait=wait)).run()
        finally:
            watchdog.cancel()
            watchdog.join()
            if ended is not None:
                ended.set()
            assert connection.state is State.CLOSED

    return run


def test_lines_are_sent_and_what_the_server_answers_comes_before_the_end(session, capsys):
    lines = ["hello", "//x", "/binary 00 ff", "/fragment Hel|lo", "/pong x", ""]
    assert session(echo, Script(*lines)) == 0
    assert capsys.readouterr() == ("hello\n/x\n00ff\nHello\n\n", "")


@pytest.mark.rfc("6455-5.4-01")
@pytest.mark.parametrize(
    "line, frames",
    [
        ("/fragment Hel|lo", [(0x01, 9), (0x80, 8)]),
        ("/fragment Hel |lo|", [(0x01, 10), (0x00, 8), (0x80, 6)]),
        ("/fragment Hello", [(0x81, 11)]),
    ],
)
def test_5_4_a_fragment_command_sends_a_frame_for_each_and_no_other(session, line, frames):
    seen = []

    def record(connection):
        connection.trace = lambda side, data: seen.append(data)
        connection.recv()
        connection.trace = None
        echo(connection)

    session(record, Script(line))
    left = b"".join(seen)
    for first_byte, size in frames:
        assert left[0] == first_byte
        left = left[size:]
    assert left == b"" or left[0] in (0x88, 0x89)  # the session ends with a Ping and a Close


@pytest.mark.rfc("6455-5.5.2-04")
def test_5_5_3_the_pong_of_a_ping_is_shown(session, capsys):
    assert session(echo, Script("/ping", "/ping abc")) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert sorted(line.rpartition(" ms")[2] for line in err.splitlines()) == ["", ": abc"]


def test_a_ping_without_a_pong_shows_none(session, capsys):
    """The Ping waits, because no thread of the server receives the message before it."""
    over = threading.Event()
    display = User("unread", "/ping abc", "/close")
    assert (
        session(lambda connection: over.wait(DEADLINE_S), display, close_timeout=0.05, ended=over)
        == 1
    )
    assert display.shown == ["ended with 1006 (abnormal closure: no Close arrived)"]


def test_lines_that_cannot_be_obeyed_send_nothing_and_count_in_a_pipe(session, capsys):
    wrong = [
        "/nix",
        "/binary zz",
        "/ping " + "x" * 126,
        "/close 1005",
        "/close 1006",
        f"/close 1000 {'x' * 124}",
    ]
    assert session(echo, Script(*wrong, "still open")) == 1
    out, err = capsys.readouterr()
    assert out == "still open\n"
    assert len(err.splitlines()) == len(wrong)
    assert all(line.startswith("refws: nothing was sent: ") for line in err.splitlines())


def test_a_second_ping_with_the_same_data_is_an_input_error_too(session, capsys):
    release = threading.Event()

    def slow(connection):
        release.wait(DEADLINE_S)
        echo(connection)

    assert session(slow, Script("/ping a", "/ping a", release.set)) == 1
    err = capsys.readouterr().err
    assert err.count("nothing was sent: a Ping with the same data") == 1
    assert err.count("< pong") == 1


def test_an_input_error_on_a_terminal_does_not_change_the_exit_status(session):
    display = User("/nix")
    assert session(echo, display) == 0
    assert "/help" in display.shown[0]


def test_help_is_shown(session):
    display = User("/help")
    session(echo, display)
    assert display.shown[:-1] == help_lines()


def test_the_end_of_the_input_closes_with_1000(session):
    display = User()
    closes = []

    def handler(connection):
        echo(connection)
        closes.append(connection.close_code)

    assert session(handler, display) == 0
    assert display.shown == ["closed with 1000 (normal closure: all is done)"]
    assert eventually(lambda: closes == [1000])


@pytest.mark.rfc("6455-7.4.2-03")
def test_7_4_close_sends_code_and_reason_and_is_the_last_line_obeyed(session, capsys):
    closes = []

    def handler(connection):
        with pytest.raises(ConnectionClosedError):
            echo(connection)
        closes.append((connection.close_code, connection.close_reason))

    assert session(handler, Script("/close 4321 as agreed", "not sent")) == 0
    assert eventually(lambda: closes == [(4321, "as agreed")])
    assert capsys.readouterr() == ("", "")


def test_raw_bytes_go_out_as_they_are_and_the_answer_is_shown(session, capsys):
    assert session(echo, Script("/raw 81 05 48 65 6c 6c 6f")) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("refws: closed by the server with 1002") and "§5.1" in err


def test_a_whole_masked_frame_from_raw_bytes_is_a_message(session, capsys):
    assert session(echo, Script(f"/raw {frame(TEXT, b'raw').hex(' ')}")) == 0
    assert capsys.readouterr().out == "raw\n"


# What the command line says to do


def test_what_is_to_be_sent_first_is_sent_before_the_input_in_its_order(session, capsys):
    plan = Plan(first=(Send("one"), Send(b"\1\2"), Send(("th", "ree"))))
    assert session(echo, Script("four"), plan=plan) == 0
    assert capsys.readouterr() == ("one\n0102\nthree\nfour\n", "")


def test_a_close_that_is_to_be_sent_first_ends_it(session, capsys):
    plan = Plan(first=(SendClose(4000, "so"), Send("not sent")))
    assert session(echo, Script("not sent"), plan=plan) == 0
    assert capsys.readouterr() == ("", "")


def counting(connection):
    with suppress(ConnectionClosed):
        for number in range(1_000_000):
            connection.send(str(number))


@pytest.mark.parametrize("line", [(), (lambda: threading.Event().wait(2 * DEADLINE_S),)])
def test_after_the_last_message_that_is_wanted_it_closes_with_1000(line, session, capsys):
    """At the end of the input it goes on waiting for them; in a wait for a line it stops."""
    codes = []

    def handler(connection):
        counting(connection)
        connection.close()
        codes.append(connection.close_code)

    assert session(handler, Script(*line), plan=Plan(count=3)) == 0
    assert capsys.readouterr() == ("0\n1\n2\n", "")
    assert eventually(lambda: codes == [1000])


def test_a_server_that_sends_fewer_messages_is_status_1(session, capsys):
    def handler(connection):
        connection.send("one")
        connection.close()

    assert session(handler, Script(), plan=Plan(count=2)) == 1
    out, err = capsys.readouterr()
    assert out == "one\n" and err.endswith("\n1 of 2 messages have arrived\n")


def test_the_wait_for_more_messages_ends_after_the_time_for_it(session, capsys):
    over = threading.Event()

    def handler(connection):
        connection.send("one")
        echo(connection)

    assert session(handler, Script(), plan=Plan(count=2, wait=0.05), ended=over) == 1
    assert "of 2 messages have arrived\n" in capsys.readouterr().err


def test_a_large_message_is_sent_though_enough_have_arrived(session, capsys):
    """The receiving thread goes on reading while the main thread sends."""
    size = 1_000_000

    def handler(connection):
        connection.send("one")
        for message in connection:
            connection.send(message)

    plan = Plan(first=(Send("x" * size),) * 8, count=1)
    assert session(handler, Script(), plan=plan, max_size=None) == 0
    assert capsys.readouterr().out == "one\n"


@pytest.mark.rfc("6455-5.5.2-02")
def test_5_5_2_a_muted_session_answers_no_ping_until_it_is_unmuted(session):
    """The server's second Ping is answered, and with it, as far as the server knows, the first."""
    pongs = []

    def handler(connection):
        first = None
        for message in connection:
            if message == "ping":
                first = connection.ping("1")
            elif message == "look":
                pongs.append(first.is_set())
            connection.send(message)

    def wait_for(message):
        def line(user):
            assert eventually(lambda: message in user.shown)
            return next(following)

        return line

    following = iter(["look", "/unmute"])
    display = User("/mute", "ping", wait_for("ping"), wait_for("look"))
    assert session(handler, display) == 0
    assert pongs == [False]
    assert display.shown[0].startswith("Pings get no Pong from now on")
    assert "Pings are answered again" in display.shown


# The end of the input


def test_for_a_server_that_answers_out_of_order_the_session_listens_on(session, capsys):
    """The Ping is answered within the first `recv`, and so before the answers to the line."""

    def slow(connection):
        message = connection.recv()
        for number in range(3):
            with pytest.raises(TimeoutError):
                connection.recv(timeout=0.03)
            connection.send(f"{message} {number}")
        states.append(connection.state)
        connection.close()

    states = []
    assert session(slow, Script("answer"), wait=DEADLINE_S) == 0
    assert capsys.readouterr().out == "answer 0\nanswer 1\nanswer 2\n"
    assert states == [State.OPEN]


def test_the_pong_is_waited_for_and_not_only_the_close(session, capsys):
    states = []

    def late(connection):
        states.append(eventually(lambda: connection.state is not State.OPEN, timeout=0.1))
        echo(connection)

    assert session(late, Script("hello")) == 0
    assert capsys.readouterr().out == "hello\n"
    assert states == [False]


def test_the_wait_for_a_pong_ends_after_close_timeout_without_anything(session, capsys):
    over = threading.Event()
    assert (
        session(
            lambda connection: over.wait(DEADLINE_S), Script("hello"), close_timeout=0.1, ended=over
        )
        == 1
    )
    assert "ended with 1006" in capsys.readouterr().err


def test_the_wait_for_a_pong_goes_on_as_long_as_messages_come(session, capsys):
    """A Pong that is late by more than close_timeout, with messages all the time before it.

    It waits until the server receives the message before the Ping.
    """
    pause = threading.Event()

    def busy(connection):
        for number in range(12):
            connection.send(str(number))
            pause.wait(0.05)
        echo(connection)

    assert session(busy, Script("hello"), close_timeout=0.5) == 0
    assert capsys.readouterr().out.split() == [*map(str, range(12)), "hello"]


# The end of the connection


def test_a_close_of_the_server_ends_the_wait_for_a_line(session):
    display = User(lambda user: threading.Event().wait(2 * DEADLINE_S))
    assert session(lambda connection: connection.close(1001, "enough"), display) == 0
    assert display.shown == [
        "closed by the server with 1001 (going away: the program or page stops)"
    ]


def test_a_close_of_the_server_with_an_error_is_status_1(session):
    display = User(lambda user: threading.Event().wait(2 * DEADLINE_S))
    assert session(lambda connection: connection.close(1011), display) == 1


@pytest.mark.rfc("6455-5.1-05")
def test_5_1_a_rule_that_the_server_breaks_is_named_and_status_1(session, capsys):
    wait_for_ever = Script(lambda: threading.Event().wait(2 * DEADLINE_S))
    assert (
        session(lambda connection: connection.send_raw(frame(TEXT, b"masked")), wait_for_ever) == 1
    )
    out, err = capsys.readouterr()
    assert (
        out == ""
        and err.startswith("refws: failed with 1002")
        and "§5.1" in err
        and err.count("\n") == 1
    )


def test_7_1_5_an_end_without_a_close_is_1006_and_status_1(session, capsys):
    assert (
        session(
            lambda connection: connection.abort(),
            Script(lambda: threading.Event().wait(2 * DEADLINE_S)),
        )
        == 1
    )
    assert capsys.readouterr().err.startswith("refws: ended with 1006")


def test_a_line_after_the_end_is_not_sent(session, capsys):
    ended = threading.Event()

    def handler(connection):
        connection.close(1000)
        ended.set()

    def line():
        ended.wait(DEADLINE_S)
        return "too late"

    assert session(handler, Script(line)) == 0
    assert "too late" not in capsys.readouterr().out


# Signals, and streams that break


class Broken(io.StringIO):
    def write(self, text):
        raise BrokenPipeError(errno.EPIPE, "no one reads")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_7_4_1_the_first_signal_closes_with_1001_and_the_second_is_left_to_the_system(
    number, session
):
    closes = []

    def handler(connection):
        echo(connection)
        closes.append(connection.close_code)

    def interrupt(user):
        signal.raise_signal(number)
        return "not sent"

    display = User("hello", interrupt)
    assert session(handler, display) == 0
    assert eventually(lambda: closes == [1001])
    assert display.shown[-1] == "closed with 1001 (going away: the program or page stops)"
    assert "not sent" not in display.shown
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == [
        signal.SIG_DFL
    ] * 2


def test_a_signal_while_a_line_is_obeyed_is_remembered_until_that_is_done(session, monkeypatch):
    def act_and_interrupt(self, action):
        act(self, action)
        signal.raise_signal(signal.SIGINT)

    act = Session._act
    monkeypatch.setattr(Session, "_act", act_and_interrupt)
    display = User("hello", "not sent")
    assert session(echo, display) == 0
    assert "not sent" not in display.shown
    assert display.shown[-1].startswith("closed with 1001")


def test_an_output_that_breaks_closes_with_1001_and_is_status_1(session, monkeypatch):
    closes = []

    def handler(connection):
        echo(connection)
        closes.append(connection.close_code)

    script = Script("hello", lambda: threading.Event().wait(2 * DEADLINE_S))
    monkeypatch.setattr(sys, "stdout", Broken())
    assert session(handler, script) == 1
    assert eventually(lambda: closes == [1001])


def test_an_input_that_cannot_be_read_closes_with_1001_and_is_status_1(session, capsys):
    def fail():
        raise OSError(errno.EIO, "Input/output error")

    assert session(echo, Script("hello", fail)) == 1
    assert "the input cannot be read, Input/output error" in capsys.readouterr().err


def test_where_no_signal_can_wake_a_thread_the_next_line_ends_the_session(session, monkeypatch):
    monkeypatch.setattr(session_module, "WAKE", None)
    over = threading.Event()

    def enter(user):
        over.wait(DEADLINE_S)
        return "Enter"

    def handler(connection):
        connection.close(1001)
        over.set()

    assert session(handler, User(enter)) == 0
