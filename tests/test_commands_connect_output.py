"""What `connect` writes to a pipe, shows of JSON on a terminal, and keeps of what was typed."""

import json
import os
import stat
import sys

import pytest

from pseudoterminal import PseudoTerminal
from refws.commands.connect import history as history_module
from refws.commands.connect.display import LINES_SHOWN, Pipe, message_lines
from refws.commands.connect.history import History, history_file, read_lines, write_lines
from refws.commands.connect.json_text import MAX_LENGTH, indented
from refws.commands.connect.output import as_it_is, as_json, as_line

MESSAGES = ["0102ff", b"\x01\x02\xff", "a\nb", "é \x1b[2J\u202e", "", b""]


# In a pipe


def test_in_lines_a_message_is_one_line_without_control_characters():
    lines = ["0102ff", "0102ff", r"a\nb", r"é \x1b[2J\u202e", "", ""]
    assert [as_line(message) for message in MESSAGES] == [f"{line}\n" for line in lines]


def test_in_json_type_size_and_payload_say_all_there_is_of_a_message():
    written = "".join(map(as_json, MESSAGES))
    assert written.isascii() and "\x1b" not in written
    read = [json.loads(line) for line in written.splitlines()]
    assert len(read) == len(MESSAGES)
    for message, line in zip(MESSAGES, read, strict=True):
        is_text = line.pop("type") == "text"
        payload = line["payload"] if is_text else bytes.fromhex(line["payload"])
        assert line.keys() == {"size", "payload"}
        assert payload == message and type(payload) is type(message)
        assert line["size"] == len(payload.encode() if is_text else payload)


def test_raw_is_the_payloads_and_nothing_else(capsysbinary):
    pipe = Pipe(as_it_is)
    for message in MESSAGES:
        pipe.show_message(message)
    pipe.show("about the connection")
    out, err = capsysbinary.readouterr()
    assert out == b"0102ff\x01\x02\xffa\nb" + "é \x1b[2J\u202e".encode()
    assert err == b"about the connection\n"


def test_without_standard_output_raw_writes_nothing(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    pipe = Pipe(as_it_is)
    pipe.show_message(b"a")
    assert pipe.failure is None


# JSON on a terminal


@pytest.mark.parametrize(
    "text, lines",
    [
        ('{"a":1}', ["{", '  "a": 1', "}"]),
        (
            ' {"a":[1, {}, [ ]],\n"b":{"c":"{[,:]} \\" x"}} ',
            [
                "{",
                '  "a": [',
                "    1,",
                "    {},",
                "    []",
                "  ],",
                '  "b": {',
                '    "c": "{[,:]} \\" x"',
                "  }",
                "}",
            ],
        ),
        ("[1e400,0.10,-0,null]", ["[", "  1e400,", "  0.10,", "  -0,", "  null", "]"]),
        ('{"a":1,"a":2}', ["{", '  "a": 1,', '  "a": 2', "}"]),
        ('["\\u0041é"]', ["[", '  "\\u0041é"', "]"]),
    ],
)
def test_json_has_a_line_for_each_member_and_only_white_space_has_changed(text, lines):
    assert indented(text) == lines
    assert json.loads("".join(lines)) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "12", '"a"', "null", "{a: 1}", '{"a":1', "[1] 2", "[" * 10_000, "x" * 10],
)
def test_any_other_text_is_shown_as_it_is(text):
    assert indented(text) is None
    assert len(message_lines(text)) == 1


def test_json_that_is_too_long_is_shown_as_any_text_that_is_cut():
    assert indented("[" + "1," * (MAX_LENGTH // 2) + "1]") is None
    longest = message_lines(json.dumps(list(range(LINES_SHOWN))))
    assert longest[-1] == "  ... and more" and len(longest) == LINES_SHOWN + 2


def test_json_is_shown_below_its_type_and_size_and_nothing_in_it_can_be_forged():
    lines = message_lines('{"a":"\\u001b é"}')
    assert lines == ["< text, 17 bytes, JSON:", "  {", '    "a": "\\u001b é"', "  }"]
    assert message_lines(b"[1]") == ["< binary, 3 bytes: 5b 31 5d"]


# The history


class Readline:
    """The history of readline; Ctrl-D or an empty line adds nothing to it."""

    def __init__(self, *lines):
        self.lines = list(lines)

    def add_history(self, line):
        self.lines.append(line)

    def get_current_history_length(self):
        return len(self.lines)

    def get_history_item(self, number):
        return self.lines[number - 1]


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def session(*typed):
    """The lines that a session offered at its start."""
    readline = Readline()
    with History(readline):
        offered = list(readline.lines)
        readline.lines += typed
    return offered


def test_what_was_typed_is_offered_in_the_next_session(state):
    assert session() == []
    assert not state.exists(), "nothing was typed, so nothing is written"
    session("one", "zwei é \udcff")
    assert session("three") == ["one", "zwei é \udcff"]
    assert session() == ["one", "zwei é \udcff", "three"]


def test_two_sessions_at_once_keep_the_lines_of_both(state):
    first, second = Readline(), Readline()
    with History(first), History(second):
        first.add_history("first")
        second.add_history("second")
    assert sorted(session()) == ["first", "second"]


@pytest.mark.skipif(os.name != "posix", reason="the modes of files are those of POSIX")
def test_only_its_owner_may_read_the_history(state):
    state.mkdir()
    session("secret")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (history_file(), history_file().parent)]
    assert modes == [0o600, 0o700]
    history_file().chmod(0o644)
    session("another")
    assert stat.S_IMODE(history_file().stat().st_mode) == 0o600
    assert [path.name for path in history_file().parent.iterdir()] == ["connect_history"]


def test_the_history_keeps_the_newest_lines(state, monkeypatch):
    monkeypatch.setattr(history_module, "MAX_LINES", 3)
    session("1", "2")
    session("3", "4")
    assert session() == ["2", "3", "4"]
    write_lines(history_file(), list("abcde"))
    assert session() == ["c", "d", "e"]
    assert len(read_lines(history_file())) == 5


def test_a_home_that_cannot_be_written_costs_the_history_alone(monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", os.devnull)
    assert session("one") == []


def test_a_user_without_a_home_has_no_history(monkeypatch):
    def no_home():
        raise RuntimeError

    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(history_module.Path, "home", no_home)
    assert session("one") == []


def test_without_xdg_state_home_it_is_in_the_home(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(history_module.Path, "home", lambda: tmp_path)
    assert history_file() == tmp_path / ".local" / "state" / "refws" / "connect_history"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize("options, offered", [([], "hello"), (["--no-history"], "")])
def test_on_a_terminal_the_arrow_key_brings_back_a_line_of_the_last_session(
    options, offered, serving, tmp_path
):
    pytest.importorskip("readline")

    def echo(connection):
        for message in connection:
            connection.send(message)

    host, port = serving(echo).address
    command = ["-m", "refws", "connect", f"ws://{host}:{port}/", *options]
    for keys, prompt in [("hello\n", "hello"), ("\x1b[A\n", offered)]:
        with PseudoTerminal(*command, state=tmp_path) as terminal:
            terminal.wait_for(lambda text: text.endswith("\n>"))
            terminal.type(keys)
            size = len(prompt)
            shown = f"\n> {prompt}".rstrip() + f"\n< text, {size} bytes: {prompt}".rstrip() + "\n>"
            terminal.wait_for(lambda text, shown=shown: text.endswith(shown))
            terminal.type("\x04")
            assert terminal.wait_for_end() == 0
    assert (tmp_path / "refws").exists() is not bool(options)
