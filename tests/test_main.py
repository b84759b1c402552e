"""`python3 -m refws [COMMAND]`: the first word chooses the command, all that follows is its own."""

import configparser
import errno
import functools
import importlib
import os
import platform
import re
import shutil
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


@pytest.mark.parametrize("option", ["-h", "--help", "help"])
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


@pytest.mark.parametrize("arguments", [["help"], ["lab", "--list"], ["lesson", "--answers"]])
@pytest.mark.parametrize("columns", [40, 80])
def test_no_line_is_wider_than_a_narrow_terminal(arguments, columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert program.main(arguments) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= columns


def test_the_forms_that_explain_reads_are_listed_in_a_narrow_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    with pytest.raises(SystemExit):
        program.main(["explain", "--help"])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 40


def printed_to(output, arguments, unbuffered):
    """(exit status, errors) of the command, whose output is this file."""
    ended = subprocess.run(
        [sys.executable, "-m", "refws", *arguments],
        cwd=PROJECT,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        stdout=output,
        stderr=subprocess.PIPE,
    )
    return ended.returncode, ended.stderr.decode()


@pytest.mark.parametrize(("arguments", "unbuffered"), [(["accept", "--help"], ""), (["help"], "1")])
def test_an_output_that_no_one_reads_is_no_error(arguments, unbuffered):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        assert printed_to(closed, arguments, unbuffered) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full: Linux")
@pytest.mark.parametrize(("arguments", "unbuffered"), [(["help"], ""), (["explain", "8105"], "1")])
def test_an_output_that_cannot_be_written_is_an_error_in_a_line(arguments, unbuffered):
    words = f"refws: the output cannot be written, {os.strerror(errno.ENOSPC)}\n"
    with open("/dev/full", "wb") as full:
        assert printed_to(full, arguments, unbuffered) == (1, words)


def test_help_and_the_name_of_a_command_are_the_help_of_that_command(called, capsys):
    assert program.main(["help", "connect"]) == 7
    assert called == [("connect", ["--help"])]
    assert program.main(["help", "conect"]) == 2
    assert "did you mean connect?" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["version", "--version"])
def test_the_version_is_right_in_a_checkout_as_it_is_where_refws_is_installed(word, capsys):
    settings = configparser.ConfigParser()
    settings.read(PROJECT / "setup.cfg", encoding="utf-8")
    assert settings["metadata"]["version"] == "attr: refws.__version__"
    assert re.fullmatch(r"\d+\.\d+\.\d+", refws.__version__)
    assert program.main([word]) == 0
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
    "words, meant",
    [
        (["exlain"], "explain"),
        (["Server"], "serve"),
        (["wscat"], "connect"),
        (["decode", "81"], "explain"),
        (["ws://h/echo", "--deflate"], "python3 -m refws connect ws://h/echo --deflate"),
        (["wss://h/?a b"], "python3 -m refws connect 'wss://h/?a b'"),
        (["8080", "--trace"], "python3 -m refws serve --port 8080 --trace"),
        (["81", "05", "68"], "python3 -m refws explain 81 05 68"),
        (["localhost:8080/echo"], "python3 -m refws connect ws://localhost:8080/echo"),
        (["127.0.0.1", "-x", "hi"], "python3 -m refws connect ws://127.0.0.1 -x hi"),
        (["x2"], None),
        ([""], None),
        (["ws://h/\x1b[2J"], None),
    ],
)
def test_an_unknown_command_is_one_line_that_says_what_may_be_meant_and_lists_all(
    words, meant, called, capsys
):
    assert program.main(words) == 2
    out, err = capsys.readouterr()
    assert (called, out) == ([], "")
    *most, last = program.COMMANDS
    instead = f": did you mean {meant}?" if meant else "."
    commands = f"The commands are {', '.join(most)} and {last}"
    assert err == f"refws: there is no command {words[0]!r}{instead} {commands}\n"


def test_other_words_for_commands_name_commands_and_are_none():
    assert program.OTHER_WORDS.keys() <= program.COMMANDS.keys()
    others = [word for words in program.OTHER_WORDS.values() for word in words]
    assert len(others) == len(set(others)) and not set(others) & program.COMMANDS.keys()


def test_its_result_is_the_exit_status_of_the_process():
    command = [sys.executable, "-m", "refws", "nothing"]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("refws: there is no command 'nothing'")


# An older Python

TOO_OLD = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10")


@functools.cache
def places_of_pyenv():
    """Where pyenv has its Pythons; its commands in PATH answer only for the active ones."""
    if shutil.which("pyenv") is None:
        return None
    asked = subprocess.run(["pyenv", "root"], capture_output=True, text=True, timeout=30)
    return Path(asked.stdout.strip()) / "versions"


def find_python(version):
    """The path of a Python of this version; the test is skipped if there is none."""
    kept = places_of_pyenv()
    found = [
        shutil.which(f"python{version}"),
        *(kept.glob(f"{version}.*/bin/python") if kept else ()),
    ]
    for candidate in filter(None, found):
        question = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if subprocess.run(question, capture_output=True, text=True).stdout.strip() == version:
            return str(candidate)
    pytest.skip(f"Python {version} is not installed")


def line_for(version):
    return re.compile(
        rf"refws needs Python 3\.11 or newer; this is Python {re.escape(version)}\.\S+ "
        rf"\(\S*\): start it with a newer one\n"
    )


@pytest.mark.programs
@pytest.mark.parametrize("version", TOO_OLD)
@pytest.mark.parametrize("arguments", [[], ["--version"], ["connect", "--help"]], ids=" ".join)
def test_an_older_python_says_in_one_line_which_one_is_needed(version, arguments):
    command = [find_python(version), "-B", "-m", "refws", *arguments]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert line_for(version).fullmatch(ended.stderr)


@pytest.mark.programs
@pytest.mark.parametrize("version", TOO_OLD)
def test_in_an_older_python_the_import_fails_with_that_line(version, tmp_path):
    script = tmp_path / "program.py"
    script.write_text("import refws\n")
    command = [find_python(version), "-B", str(script)]
    ended = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    kind, _, text = ended.stderr.splitlines(keepends=True)[-1].partition(": ")
    assert kind == "ImportError" and line_for(version).fullmatch(text)


@pytest.mark.parametrize(
    "argument, version_info, error",
    [
        ("-m", (3, 10, 13), SystemExit),
        ("-c", (3, 10, 13), ImportError),
        ("program.py", (3, 6, 0), ImportError),
        ("-c", (2, 7, 18), SystemExit),
    ],
)
def test_the_check_comes_before_anything_that_an_older_python_lacks(
    argument, version_info, error, monkeypatch
):
    monkeypatch.setattr(sys, "version_info", version_info)
    monkeypatch.setattr(sys, "argv", [argument])
    source = Path(refws.__file__).read_bytes()
    with pytest.raises(error, match="refws needs Python 3.11 or newer; .*: start it with a newer"):
        exec(compile(source, "__init__.py", "exec"), {"__name__": "refws_of_an_older_python"})
