"""What `connect` shows: messages and ends in words, in a pipe and on a terminal."""

import errno
import io
import sys
import threading

import pytest

from refws import Close, ConnectionClosedError, ConnectionClosedOK
from refws.commands.connect.display import (
    Pipe,
    Screen,
    choose_display,
    describe_code,
    describe_end,
    describe_message,
    describe_pong,
    ended_well,
)
from refws.protocol.close_codes import CloseCode
from wire import DEADLINE_S

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
"""Characters that move the cursor, start a line or turn the direction of writing; a surrogate."""


# In words


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
        (1006, "no Close arrived"),
        (1013, "try again"),
        (3000, "library"),
        (4999, "application"),
    ],
)
def test_7_4_a_close_code_is_shown_with_its_meaning(code, words):
    assert describe_code(code).startswith(f"{code} (") and words in describe_code(code)


def test_7_4_every_code_that_an_end_can_have_has_a_meaning():
    assert all(describe_code(code) == f"{code.value} ({code.meaning})" for code in CloseCode)
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
        (
            None,
            Close(1009),
            "a message of 5208208757389214273 bytes or more",
            None,
            "failed with 1009",
            "a message of 5208208757389214273 bytes or more",
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


def test_a_hint_is_shown_and_a_limit_is_not_to_blame_then():
    end = ConnectionClosedError(None, Close(1009), "a message of 300649344491873 bytes")
    first, *rest = describe_end(end, None, "were only 4 written?")
    assert rest == ["reason: a message of 300649344491873 bytes", "hint: were only 4 written?"]
    assert first.startswith("failed with 1009")
    closed = ConnectionClosedOK(Close(1000), Close(1000), "")
    assert not any("hint" in line for line in describe_end(closed, None, "were only 4 written?"))


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
    assert not pipe.had_input_error
    pipe.show_input_error("why")
    assert pipe.had_input_error
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
        raise BrokenPipeError(errno.EPIPE, "no one reads")


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
    """GNU readline as far as it calls a hook after the prompt."""

    def set_pre_input_hook(self, hook):
        self.hook = hook


def test_nothing_is_shown_while_the_prompt_is_written(monkeypatch, capsys, background):
    """readline writes it in parts; then it calls the hook."""
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
