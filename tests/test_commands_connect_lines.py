"""What is typed into `connect`: a line -> the action that it asks for, or what to type instead."""

import pytest

from refws.commands.connect.lines import (
    COMMANDS,
    OTHER_WORDS,
    Help,
    InputError,
    Mute,
    Send,
    SendClose,
    SendPing,
    SendPong,
    SendRaw,
    did_you_mean,
    help_lines,
    parse_line,
)


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
        ("/fragment Hel|lo", Send(("Hel", "lo"))),
        ("/fragment a||b", Send(("a", "", "b"))),
        ("/fragment one", Send(("one",))),
        ("/fragment  a | b ", Send((" a ", " b "))),
        ("/fragment a|b|", Send(("a", "b", ""))),
        ("/mute", Mute(True)),
        ("/unmute", Mute(False)),
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
        ("/fragment", "/fragment Hel|lo"),
        ("/close bye", "/close 1000 bye"),
        ("/close -1", "'-1'"),
        ("/close ١٠٠٠", "four digits"),
        ("caf\udce9", "/binary HEX"),
    ],
)
def test_a_line_that_cannot_be_obeyed_says_what_to_do_instead(line, hint):
    with pytest.raises(InputError) as caught:
        parse_line(line)
    assert hint in str(caught.value)
    assert str(caught.value).isprintable()


def test_the_help_has_every_command():
    text = "\n".join(help_lines())
    assert [word for word in COMMANDS if f"  {word} " not in text] == []
    assert "//TEXT" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    "line, meant",
    [("/pign", "/ping"), ("/fragments a|b", "/fragment"), ("/quit", "/close"), ("/EXIT", "/close")],
)
def test_a_command_that_does_not_exist_is_answered_with_the_nearest(line, meant):
    with pytest.raises(InputError, match=rf"there is no command '{line.split()[0]}': did you mean"):
        parse_line(line)
    with pytest.raises(InputError, match=rf"did you mean {meant}\? /help lists the commands"):
        parse_line(line)


def test_other_words_for_commands_are_none_and_mean_one():
    assert not OTHER_WORDS.keys() & COMMANDS.keys()
    assert set(OTHER_WORDS.values()) <= COMMANDS.keys()
    assert did_you_mean("/xyzzy") == ""
