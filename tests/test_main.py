"""`python3 -m refws [COMMAND]`: the first word chooses the command, all that follows is its own."""

import configparser
import importlib
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

import refws
from refws import __main__ as program

PROJECT = Path(__file__).parent.parent


@pytest.fixture
def called(monkeypatch):
    """(command, its arguments) of each call; no command does anything."""
    calls = []
    for name in program.COMMANDS:

        def command(arguments, name=name):
            calls.append((name, arguments))
            return 7

        monkeypatch.setattr(importlib.import_module(f"refws.commands.{name}"), "main", command)
    return calls


@pytest.mark.parametrize("name", program.COMMANDS)
def test_the_first_word_is_the_command_and_the_rest_is_left_to_it(name, called):
    assert program.main([name, "--some", "option"]) == 7
    assert called == [(name, ["--some", "option"])]


@pytest.mark.parametrize("arguments", [[], ["--port", "0"], ["--port", "0", "--help"]])
def test_without_a_command_it_serves(arguments, called):
    assert program.main(arguments) == 7
    assert called == [("serve", arguments)]


def test_without_arguments_those_of_the_process_are_taken(called, monkeypatch):
    monkeypatch.setattr("sys.argv", ["refws", "serve", "--port", "1"])
    program.main()
    assert called == [("serve", ["--port", "1"])]


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_has_a_line_for_each_command_and_says_where_the_options_are(option, called, capsys):
    assert program.main([option]) == 0
    out, err = capsys.readouterr()
    assert (called, err) == ([], "")
    lines = out.splitlines()
    for name, command in program.COMMANDS.items():
        (number,) = [i for i, line in enumerate(lines) if line.split()[:1] == [name]]
        assert lines[number].split(maxsplit=1) == [name, command.effect]
        assert lines[number + 1].strip() == command.example
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "python3 -m refws COMMAND --help shows the options of a command."


def test_the_version_is_right_in_a_checkout_as_it_is_where_refws_is_installed(capsys):
    settings = configparser.ConfigParser()
    settings.read(PROJECT / "setup.cfg", encoding="utf-8")
    assert settings["metadata"]["version"] == "attr: refws.__version__"
    assert re.fullmatch(r"\d+\.\d+\.\d+", refws.__version__)
    assert program.main(["--version"]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == (f"refws {refws.__version__} (Python {platform.python_version()})\n", "")


def test_a_newcomer_finds_the_server_and_the_lesson_first():
    assert list(program.COMMANDS)[:2] == ["serve", "lesson"]


@pytest.mark.parametrize("name", program.COMMANDS)
def test_each_command_has_a_help_of_its_own(name, capsys):
    with pytest.raises(SystemExit) as stop:
        program.main([name, "--help"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python3 -m refws {name} ")


@pytest.mark.parametrize(
    "word, suggestion",
    [
        ("exlain", " (do you mean explain?)"),
        ("Server", " (do you mean serve?)"),
        ("8080", ""),
        ("", ""),
    ],
)
def test_an_unknown_command_is_one_line_that_lists_them_and_suggests_the_nearest(
    word, suggestion, called, capsys
):
    assert program.main([word, "--port", "0"]) == 2
    out, err = capsys.readouterr()
    assert (called, out) == ([], "")
    *most, last = program.COMMANDS
    expected = f"there is no command {word!r}{suggestion}: give {', '.join(most)} or {last}"
    assert err == f"refws: {expected}\n"


def test_its_result_is_the_exit_status_of_the_process():
    command = [sys.executable, "-m", "refws", "nothing"]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("refws: there is no command 'nothing'")
