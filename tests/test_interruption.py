"""Ctrl-C in a command is quiet, from the first import of refws on: status 130, no traceback."""

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from refws import __main__ as program
from refws import interruption, serve

PROJECT = Path(__file__).parent.parent
DEADLINE_S = 30

BLOCKED_IMPORT = """
import sys
print("importing", flush=True)
sys.stdin.read()
"""
"""In the place of a module of the standard library, it holds up the import of refws."""


def interrupted_in_an_import(tmp_path, *arguments):
    """(exit status, standard error) of Python when Ctrl-C comes while refws is imported."""
    (tmp_path / "hmac.py").write_text(BLOCKED_IMPORT)
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{PROJECT}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE_S)
    return process.returncode, errors


@pytest.mark.skipif(sys.platform == "win32", reason="the test sends SIGINT to a process")
@pytest.mark.parametrize("arguments", [["-m", "refws"], ["-m", "refws", "connect", "ws://h/"]])
def test_ctrl_c_while_a_command_is_imported_is_quiet(arguments, tmp_path):
    assert interrupted_in_an_import(tmp_path, *arguments) == (130, "")


@pytest.mark.skipif(sys.platform == "win32", reason="the test sends SIGINT to a process")
def test_a_program_that_imports_refws_gets_its_exception(tmp_path):
    catching = "try:\n import refws\nexcept KeyboardInterrupt:\n raise SystemExit(7) from None"
    assert interrupted_in_an_import(tmp_path, "-c", catching) == (7, "")


@pytest.mark.parametrize(
    "argv, orig_argv, expected",
    [
        (["-m"], ["python3", "-m", "refws"], True),
        (["-m", "connect", "-m"], ["python3", "-B", "-m", "refws", "connect", "-m"], True),
        (["-m", "x"], ["python3", "-Bmrefws", "x"], False),
        (["-m", "x"], ["python3", "-mrefws", "x"], True),
        (["-m", "refws"], ["python3", "-m", "other", "refws"], False),
        (["/usr/bin/refws", "x"], ["python3", "/usr/bin/refws", "x"], True),
        (["server.py"], ["python3", "server.py"], False),
        (["-c"], ["python3", "-c", "import refws"], False),
        ([], ["python3"], False),
    ],
)
def test_only_a_command_of_refws_is_ended_at_once(argv, orig_argv, expected):
    assert interruption.is_command(argv, orig_argv) is expected


@pytest.fixture
def handler_kept():
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_in_a_command_is_status_130(monkeypatch, capsys, handler_kept):
    def interrupted(arguments):
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, signal.default_int_handler)
    interruption.end_at_once()
    assert signal.getsignal(signal.SIGINT) is interruption.exit_now
    monkeypatch.setattr(importlib.import_module("refws.commands.lesson"), "main", interrupted)
    assert program.main(["lesson"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_shell_that_has_ctrl_c_ignored_is_obeyed(handler_kept):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interruption.end_at_once()
    interruption.raise_interruptions()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


# A server in a program


@pytest.fixture
def shown(monkeypatch):
    """The errors that the hook of Python has shown."""
    errors = []

    def hook(kind, error, trace):
        errors.append(error)

    monkeypatch.setattr(sys, "__excepthook__", hook)
    monkeypatch.setattr(sys, "excepthook", hook)
    return errors


def show(error):
    sys.excepthook(type(error), error, None)


def test_a_server_that_ctrl_c_stops_raises_it_and_leaves_out_its_traceback_only(shown):
    with pytest.raises(KeyboardInterrupt) as first:
        with serve(print, port=0):
            raise KeyboardInterrupt
    again, other = KeyboardInterrupt(), KeyboardInterrupt()
    again.__context__ = first.value
    following = ValueError()
    following.__context__ = first.value
    for error in (first.value, again, other, following):
        show(error)
    assert shown == [other, following]


def test_a_program_with_a_hook_of_its_own_keeps_it(monkeypatch):
    def hook(kind, error, trace):
        """The program's."""

    monkeypatch.setattr(sys, "excepthook", hook)
    interruption.leave_out_traceback(KeyboardInterrupt())
    assert sys.excepthook is hook


def test_a_server_that_another_exception_stops_changes_no_hook(shown):
    before = sys.excepthook
    with pytest.raises(ValueError):
        with serve(print, port=0):
            raise ValueError
    assert sys.excepthook is before
