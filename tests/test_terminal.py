"""The terminal of `python3 -m refws connect`: lines to frames, messages to lines, and a session of
both.
"""

import errno
import io
import signal
import sys
import threading

import pytest

from refws import Close, ConnectionClosedError, ConnectionClosedOK, State, connect
from refws.commands.connect import session as terminal
from refws.commands.connect.display import (
    Display,
    Pipe,
    Screen,
    choose_display,
    describe_code,
    describe_end,
    describe_message,
    describe_pong,
    ended_well,
)
from refws.commands.connect.lines import (
    COMMANDS,
    Help,
    Mistake,
    Send,
    SendClose,
    SendPing,
    SendPong,
    SendRaw,
    help_lines,
    parse_line,
)
from refws.commands.connect.session import Session
from refws.protocol.close_codes import CloseCode
from wire import DEADLINE_S, TEXT, eventually, frame

HARMFUL = [
    "\x1b[2J",
    "\x07",
    "\r",
    "\n",
    "\x00",
    "\x7f",
    "\x9b",
    "\u202e",
    "\u2066",
    "\u2028",
    "\ufeff",
    "\ud800",
]
"""Characters that move the cursor, start a line, or turn the direction of writing; and one that is
none.
"""


@pytest.fixture(autouse=True)
def signals_restored():
    numbers = [
        number for number in (signal.SIGINT, signal.SIGTERM, terminal.WAKE) if number is not None
    ]
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


# What is typed


@pytest.mark.parametrize(
    "line, action",
    [
        ("hello", Send("hello")),
        ("", Send("")),
        (" /ping", Send(" /ping")),
        ("//ping", Send("/ping")),
        ("///", Send("//")),
        ("/ping", SendPing(None)),
        ("/ping are you there?", SendPing("are you there?")),
        ("/pong", SendPong("")),
        ("/pong  two spaces", SendPong(" two spaces")),
        ("/close", SendClose(1000, "")),
        ("/close 4000", SendClose(4000, "")),
        ("/close 1001 see you later", SendClose(1001, "see you later")),
        ("/close 1006", SendClose(1006, "")),
        ("/binary 01 fE ff", Send(b"\x01\xfe\xff")),
        ("/binary 0102", Send(b"\x01\x02")),
        ("/binary", Send(b"")),
        ("/fragment Hel | lo", Send(("Hel", "lo"))),
        ("/fragment a|b | c", Send(("a", "b", "c"))),
        ("/fragment a | | b", Send(("a", "", "b"))),
        ("/fragment one", Send(("one",))),
        ("/fragment a  |  b", Send(("a ", " b"))),
        ("/raw 81 05 48", SendRaw(b"\x81\x05\x48")),
        ("/help", Help()),
        ("/help me", Help()),
    ],
)
def test_a_line_is_a_text_or_a_command(line, action):
    assert parse_line(line) == action


@pytest.mark.parametrize(
    "line, hint",
    [
        ("/", "/help lists"),
        ("/pin", "'/pin'"),
        ("/Ping", "'/Ping'"),
        ("/\x1b[2J", r"'/\x1b[2J'"),
        ("/binary 0", "two digits"),
        ("/binary 0x01", "two digits"),
        ("/binary 01 zz", "'01 zz'"),
        ("/raw", "/raw 81 00"),
        ("/raw zz", "two digits"),
        ("/fragment", "/fragment Hel | lo"),
        ("/close bye", "/close 1000 bye"),
        ("/close -1", "'-1'"),
        ("/close ١٠٠٠", "four digits"),
        ("caf\udce9", "/binary HEX"),
    ],
)
def test_a_line_that_cannot_be_obeyed_says_what_to_do_instead(line, hint):
    with pytest.raises(Mistake) as caught:
        parse_line(line)
    assert hint in str(caught.value)
    assert str(caught.value).isprintable()


def test_the_help_has_every_command():
    text = "\n".join(help_lines())
    assert [word for word in COMMANDS if f"  {word} " not in text] == []
    assert "//TEXT" in text
    assert max(map(len, text.splitlines())) <= 80


# What is shown


@pytest.mark.parametrize(
    "message, line",
    [
        ("hello", "< text, 5 bytes: hello"),
        ("é", "< text, 2 bytes: é"),
        ("x", "< text, 1 byte: x"),
        ("", "< text, 0 bytes:"),
        (b"\x00\xff", "< binary, 2 bytes: 00 ff"),
        (b"", "< binary, 0 bytes:"),
        ("a" * 1000, f"< text, 1000 bytes: {'a' * 1000}"),
        ("a" * 1001, f"< text, 1001 bytes: {'a' * 1000} ... and more"),
        (b"a" * 251, f"< binary, 251 bytes: {'61 ' * 249}61 ... and more"),
    ],
)
def test_a_message_is_shown_with_type_and_size(message, line):
    assert describe_message(message) == line


def test_a_pong_is_shown_with_its_round_trip():
    assert describe_pong(None, 0.01234) == "< pong after 12.3 ms"
    assert describe_pong("a", 2) == "< pong after 2000.0 ms: a"


@pytest.mark.parametrize(
    "code, words",
    [
        (1000, "normal"),
        (1006, "no Close came"),
        (1013, "try again"),
        (3000, "library"),
        (4999, "application"),
    ],
)
def test_7_4_a_close_code_is_shown_with_its_meaning(code, words):
    assert describe_code(code).startswith(f"{code} (") and words in describe_code(code)


def test_7_4_every_code_that_an_end_can_have_has_a_meaning():
    assert all(describe_code(code) == f"{code} ({code.meaning})" for code in CloseCode)
    assert describe_code(999) == "999"


@pytest.mark.parametrize(
    "rcvd, sent, cause, asked, beginning, reason, well",
    [
        (Close(1000, "bye"), Close(1000), "", 1000, "closed with 1000", "bye", True),
        (Close(4000), Close(4000), "", 4000, "closed with 4000", None, True),
        (Close(4000), Close(4000), "", None, "closed by the server with 4000", None, False),
        (Close(1001), Close(1001), "", None, "closed by the server with 1001", None, True),
        (Close(1005), Close(1005), "", None, "closed by the server with 1005", None, True),
        (
            Close(1002, "§5.1: x"),
            Close(1002),
            "",
            None,
            "closed by the server with 1002",
            "§5.1: x",
            False,
        ),
        (Close(1011), Close(1000), "", 1000, "closed with 1011", None, False),
        (
            None,
            Close(1002, "§5.1: m"),
            "§5.1: masked",
            None,
            "failed with 1002",
            "§5.1: masked",
            False,
        ),
        (None, Close(1002, "§5.1: m"), "", None, "failed with 1002", "§5.1: m", False),
        (None, Close(1002, "§5.1: m"), "", 1000, "failed with 1002", "§5.1: m", False),
        (
            None,
            Close(1009),
            "too big",
            None,
            "failed with 1009",
            "too big; --max-message-size raises the limit",
            False,
        ),
        (None, None, "reset", None, "ended with 1006", "reset", False),
        (None, None, "", None, "ended with 1006", "the server's log may say why", False),
        (
            None,
            Close(1000),
            "no Close in answer",
            1000,
            "ended with 1006",
            "no Close in answer",
            False,
        ),
    ],
)
def test_7_1_5_the_end_says_who_closed_with_which_code_and_why(
    rcvd, sent, cause, asked, beginning, reason, well
):
    error = ConnectionClosedOK if well else ConnectionClosedError
    end = error(rcvd, sent, cause)
    first, *rest = describe_end(end, asked)
    assert first.startswith(f"{beginning} (")
    assert rest == ([] if reason is None else [f"reason: {reason}"])
    assert ended_well(end, asked) is well


# Where it is shown


@pytest.mark.parametrize("text", HARMFUL)
def test_no_character_of_a_peer_does_anything_but_print(text, capsys):
    for display in (Pipe(), Screen(None)):
        display.show_message(b"a")
        display.show(text)
        display.show_end([f"closed: {text}"], False)
        if text != "\ud800":
            display.show_message(text)
    out, err = capsys.readouterr()
    for line in (out + err).split("\n"):
        assert line.removeprefix(Screen.ERASE).isprintable()


def test_a_pipe_has_payloads_on_stdout_and_all_else_on_stderr(capsys):
    pipe = Pipe()
    pipe.show_message("two\nlines")
    pipe.show_message(b"\x01\xff")
    pipe.show("< pong")
    pipe.show_end(["closed with 1000"], True)
    pipe.show_end(["failed with 1002", "reason: x"], False)
    assert not pipe.mistaken
    pipe.show_mistake("why")
    assert pipe.mistaken
    assert capsys.readouterr() == (
        "two\\nlines\n01ff\n",
        "< pong\nrefws: failed with 1002, reason: x\nrefws: nothing was sent: why\n",
    )


@pytest.mark.parametrize(
    "text, lines", [("a\n\nb", ["a", "", "b"]), ("a\r\n", ["a"]), ("", []), ("\n", [""])]
)
def test_a_pipe_gives_each_line_without_its_end(text, lines, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    pipe = Pipe()
    assert list(iter(pipe.read_line, None)) == lines


def test_without_standard_streams_a_pipe_has_no_lines_and_shows_nothing(monkeypatch):
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    display = choose_display()
    assert isinstance(display, Pipe) and display.read_line() is None
    display.show_message("a")
    assert display.failure is None


class Broken(io.StringIO):
    def write(self, text):
        raise BrokenPipeError(errno.EPIPE, "nobody reads")


def test_an_output_that_breaks_is_noted_and_left_alone_from_then_on(monkeypatch):
    pipe = Pipe()
    monkeypatch.setattr(sys, "stdout", Broken())
    pipe.show_message("a")
    assert isinstance(pipe.failure, BrokenPipeError)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    pipe.show_message("b")
    assert sys.stdout.getvalue() == ""


class Typing:
    """What `readline` knows of a line that is being typed."""

    def get_line_buffer(self):
        return "half a li"


@pytest.mark.parametrize("readline, typed", [(Typing(), "> half a li"), (None, "> ")])
def test_what_arrives_while_a_line_is_typed_goes_above_it(readline, typed, monkeypatch, capsys):
    def arrive_and_end(prompt):
        screen.show("news")
        raise EOFError

    screen = Screen(readline)
    monkeypatch.setattr("builtins.input", arrive_and_end)
    assert screen.read_line() is None
    screen.show("later")
    erase = Screen.ERASE
    assert capsys.readouterr().out == f"{erase}{erase}news\n{typed}{erase}later\n"


class Hooked(Typing):
    """GNU readline as far as it calls a hook behind the prompt."""

    def set_pre_input_hook(self, hook):
        self.hook = hook


def test_nothing_is_shown_while_the_prompt_is_written(monkeypatch, capsys, background):
    """readline writes it in pieces; then it calls the hook."""
    readline = Hooked()
    screen = Screen(readline)
    shown = threading.Event()

    def show():
        screen.show("news")
        shown.set()

    def write_prompt(prompt):
        background(show)
        print(prompt[0], end="")
        assert not shown.wait(0.05)
        print(prompt[1:], end="")
        readline.hook()
        assert shown.wait(DEADLINE_S)
        return "line"

    monkeypatch.setattr("builtins.input", write_prompt)
    assert screen.read_line() == "line"
    assert capsys.readouterr().out == "\r\x1b[K> \r\x1b[Knews\n> half a li"


def test_an_input_that_fails_before_the_prompt_does_not_lock_the_screen(
    monkeypatch, capsys, background
):
    def fail(prompt):
        raise OSError(errno.EIO, "Input/output error")

    screen = Screen(Hooked())
    monkeypatch.setattr("builtins.input", fail)
    with pytest.raises(OSError, match="Input/output"):
        screen.read_line()
    background(screen.show, "news").result()
    assert capsys.readouterr().out.endswith("news\n")


def test_the_end_of_the_connection_leaves_no_prompt(monkeypatch, capsys):
    screen = Screen(Typing())
    screen._reading = True
    screen.show_end(["closed", "reason: x"], True)
    screen.finish()
    assert capsys.readouterr().out == "\r\x1b[Kclosed\n\r\x1b[Kreason: x\n\r\x1b[K"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stdin, stdout", [(Terminal, io.StringIO), (io.StringIO, Terminal)])
def test_half_a_terminal_is_a_pipe(stdin, stdout, monkeypatch):
    monkeypatch.setattr(sys, "stdin", stdin())
    monkeypatch.setattr(sys, "stdout", stdout())
    assert isinstance(choose_display(), Pipe)


def test_a_terminal_is_a_screen_with_or_without_readline(monkeypatch):
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setitem(sys.modules, "readline", Typing())
    assert isinstance(choose_display(), Screen)
    monkeypatch.setitem(sys.modules, "readline", None)
    assert isinstance(choose_display(), Screen)


# The session


class Script(Pipe):
    """A pipe with these lines; one that can be called is called, and gives no line if it returns
    None.
    """

    def __init__(self, *lines):
        super().__init__()
        self.lines = iter(lines)

    def read_line(self):
        for line in self.lines:
            line = line() if callable(line) else line
            if line is not None:
                return line
        return None


class Person(Display):
    """A display that is no pipe, with a list of what it was given to show."""

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

    def show_mistake(self, text):
        self.shown.append(text)

    def show_end(self, lines, expected):
        self.shown.append(lines[0])


def echo(connection):
    for message in connection:
        connection.send(message)


@pytest.fixture
def session(serving):
    """session(handler, display, **settings of connect) runs one to its end: the exit status. Then
    `ended` is set.
    """

    def run(handler, display, wait=0, ended=None, **settings):
        host, port = serving(handler).address
        connection = connect(f"ws://{host}:{port}/", **{"ping_interval": None, **settings})
        watchdog = threading.Timer(2 * DEADLINE_S, connection.abort, ["the test takes too long"])
        watchdog.start()
        try:
            return Session(connection, display, wait).run()
        finally:
            watchdog.cancel()
            watchdog.join()
            if ended is not None:
                ended.set()
            assert connection.state is State.CLOSED

    return run


def test_lines_are_sent_and_what_the_server_answers_comes_before_the_end(session, capsys):
    lines = ["hello", "//x", "/binary 00 ff", "/fragment Hel | lo", "/pong x", ""]
    assert session(echo, Script(*lines)) == 0
    assert capsys.readouterr() == ("hello\n/x\n00ff\nHello\n\n", "")


@pytest.mark.rfc("6455-5.4-01")
def test_5_4_a_fragment_command_sends_a_frame_for_each_and_an_empty_last_one(session, capsys):
    seen = []

    def record(connection):
        connection.trace = lambda side, data: seen.append(data)
        connection.recv()
        connection.trace = None
        echo(connection)

    session(record, Script("/fragment Hel | lo"))
    first_bytes = b"".join(seen)
    assert [first_bytes[0], first_bytes[9], first_bytes[17]] == [0x01, 0x00, 0x80]


@pytest.mark.rfc("6455-5.5.2-04")
def test_5_5_3_the_pong_of_a_ping_is_shown(session, capsys):
    assert session(echo, Script("/ping", "/ping abc")) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert sorted(line.rpartition(" ms")[2] for line in err.splitlines()) == ["", ": abc"]


def test_a_ping_without_a_pong_shows_none(session, capsys):
    over = threading.Event()
    display = Person("/ping abc", "/close")
    assert (
        session(lambda connection: over.wait(DEADLINE_S), display, close_timeout=0.05, ended=over)
        == 1
    )
    assert display.shown == ["ended with 1006 (abnormal closure: no Close came)"]


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


def test_a_second_ping_with_the_same_data_is_a_mistake_too(session, capsys):
    release = threading.Event()

    def slow(connection):
        release.wait(DEADLINE_S)
        echo(connection)

    assert session(slow, Script("/ping a", "/ping a", release.set)) == 1
    err = capsys.readouterr().err
    assert (
        err.count("nothing was sent: a Ping with the same data") == 1 and err.count("< pong") == 1
    )


def test_where_a_person_sits_a_mistake_is_no_failure(session):
    display = Person("/nix")
    assert session(echo, display) == 0
    assert "/help" in display.shown[0]


def test_help_is_shown(session):
    display = Person("/help")
    session(echo, display)
    assert display.shown[:-1] == help_lines()


def test_what_a_person_typed_last_ends_the_session_with_1000(session):
    display = Person()
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
    """A Pong that is late by more than close_timeout, with messages all the time before it."""
    pause = threading.Event()

    def busy(connection):
        for number in range(12):
            connection.send(str(number))
            pause.wait(0.05)
        echo(connection)

    assert session(busy, Script(), close_timeout=0.2) == 0
    assert capsys.readouterr().out.split() == [str(number) for number in range(12)]


# The end of the connection


def test_a_close_of_the_server_ends_the_wait_for_a_line(session):
    display = Person(lambda person: threading.Event().wait(2 * DEADLINE_S))
    assert session(lambda connection: connection.close(1001, "enough"), display) == 0
    assert display.shown == [
        "closed by the server with 1001 (going away: the program or page stops)"
    ]


def test_a_close_of_the_server_with_an_error_is_status_1(session):
    display = Person(lambda person: threading.Event().wait(2 * DEADLINE_S))
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


# Signals and broken ends


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_7_4_1_the_first_signal_closes_with_1001_and_the_second_is_left_to_the_system(
    number, session
):
    closes = []

    def handler(connection):
        echo(connection)
        closes.append(connection.close_code)

    def interrupt(person):
        signal.raise_signal(number)
        return "not sent"

    display = Person("hello", interrupt)
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
    display = Person("hello", "not sent")
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
    monkeypatch.setattr(terminal, "WAKE", None)
    over = threading.Event()

    def enter(person):
        over.wait(DEADLINE_S)
        return "Enter"

    def handler(connection):
        connection.close(1001)
        over.set()

    assert session(handler, Person(enter)) == 0
