"""The first lesson: each command prints what the lesson shows, and what its text says happens."""

import shlex
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from refws import __main__ as program
from refws.commands import lesson, serve
from refws.course.lesson import INTRODUCTION, SERVER, STEPS

PROJECT = Path(__file__).parent.parent
NUMBERS = range(1, len(STEPS) + 1)
PREFIX = "python3 -m refws "


def step(title):
    return next(step for step in STEPS if step.title == title)


@pytest.mark.parametrize(
    "step", [step for step in STEPS if step.output], ids=lambda step: step.title
)
def test_a_command_prints_what_the_lesson_shows(step, capsys):
    assert step.command.startswith(PREFIX)
    program.main(shlex.split(step.command.removeprefix(PREFIX)))
    assert capsys.readouterr().out == step.output + "\n"


def test_the_lesson_has_seven_steps_and_six_need_no_server():
    assert len(STEPS) == 7
    assert len([step for step in STEPS if step.output]) == 6
    assert "seven steps" in program.COMMANDS["lesson"].effect


def test_each_step_has_a_title_a_section_and_a_text_in_printable_characters():
    for step in STEPS:
        assert step.title and step.text and "§" in step.section
        assert (step.title + step.section + step.text + step.command + step.live).isprintable()


# What the texts say


def echo(connection):
    for message in connection:
        connection.send(message)


@pytest.fixture
def authority(serving):
    return "{}:{}".format(*serving(echo).address)


def test_without_upgrade_the_answer_says_what_is_missing(authority):
    url = step("Why not HTTP").command.split()[-1].replace("127.0.0.1:8080", authority)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url, timeout=10)
    with caught.value as answer:
        assert answer.code == 400
        assert "Upgrade: websocket" in answer.read().decode()


def run(words, text=""):
    """(exit status, stderr) of a command with this input."""
    command = [sys.executable, "-m", "refws", *words]
    ended = subprocess.run(
        command, cwd=PROJECT, input=text, capture_output=True, text=True, timeout=30
    )
    return ended.returncode, ended.stderr


def test_another_origin_gets_a_403_that_says_what_to_configure(authority):
    command = step("Compression and Origin").live.removeprefix(PREFIX)
    status, err = run(command.replace("127.0.0.1:8080", authority).split())
    assert status == 1
    assert "403" in err and "https://evil.example" in err and "origins" in err


def test_the_close_names_the_rule_that_raw_bytes_break(authority):
    close = step("The close")
    line = "/raw 83 80 00 00 00 00"
    assert line in close.text
    command = close.live.removeprefix(PREFIX).replace("127.0.0.1:8080", authority)
    status, err = run(command.split(), line + "\n")
    assert status == 1
    assert "closed by the server with 1002" in err and "§5.2" in err


def test_the_server_of_the_lesson_shows_each_frame():
    words = SERVER.removeprefix(PREFIX).split()
    assert serve.command_line().parse_args(words).trace == "lines"


# The command


def test_the_command_prints_all_steps_in_order(capsys):
    assert lesson.main([]) == 0
    out = capsys.readouterr().out
    heads = [
        f"{number}. {step.title} ({step.section})"
        for number, step in zip(NUMBERS, STEPS, strict=True)
    ]
    assert [line for line in out.splitlines() if line[:1].isdigit()] == heads
    assert " ".join(INTRODUCTION.split()) in " ".join(out.split())
    assert out.index(f"\n  $ {SERVER}\n") < out.index(heads[0])
    for one in STEPS:
        assert f"\n  $ {one.command}\n" in out


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_prints_that_step_alone(number, capsys):
    assert lesson.main([str(number)]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    one = STEPS[number - 1]
    assert head == f"{number}. {one.title} ({one.section})"
    split = lines.index("")
    assert " ".join(lines[:split]) == one.text
    assert lines[split + 1] == f"  $ {one.command}"
    live = [f"$ {one.live}"] if one.live else []
    assert lines[split + 2 :] == [f"  {line}" for line in [*one.output.splitlines(), *live]]
    assert max(map(len, lines[:split])) <= 80


@pytest.mark.parametrize("word", ["0", "8", "two", "-1"])
def test_another_number_is_one_line_and_exit_status_2(word, capsys):
    with pytest.raises(SystemExit) as stop:
        lesson.main([word])
    out, err = capsys.readouterr()
    assert (stop.value.code, out) == (2, "")
    assert err.startswith("refws: ") and err.count("\n") == 1


def test_a_terminal_without_the_section_sign_gets_it_escaped():
    command = [sys.executable, "-m", "refws", "lesson", "3"]
    variables = {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(PROJECT)}
    ended = subprocess.run(command, env=variables, cwd=PROJECT, capture_output=True, timeout=30)
    assert ended.returncode == 0
    assert ended.stdout.startswith(b"3. A frame (\\xa75.2)")
