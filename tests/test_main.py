"""`python3 -m refws [COMMAND]`: the first word chooses the command, all that follows is its own."""

import importlib

import pytest

from refws import __main__ as program


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


@pytest.mark.parametrize("arguments", [[], ["--port", "0"], ["unknown"]])
def test_without_a_command_it_serves(arguments, called):
    assert program.main(arguments) == 7
    assert called == [("serve", arguments)]


def test_without_arguments_those_of_the_process_are_taken(called, monkeypatch):
    monkeypatch.setattr("sys.argv", ["refws", "serve", "--port", "1"])
    program.main()
    assert called == [("serve", ["--port", "1"])]
