"""The first lesson: each command prints what the lesson shows, and what its text says happens."""

import http.client
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pseudoterminal import PROMPT, normal, play
from refws import __main__ as program
from refws.commands import lesson
from refws.course.lesson import INTRODUCTION, SERVER, STEPS
from refws.course.text.characters import fold
from refws.protocol.frame import TEXT, encode_header

PROJECT = Path(__file__).parent.parent
NUMBERS = range(1, len(STEPS) + 1)
PREFIX = "python3 -m refws "


def step(title):
    return next(step for step in STEPS if step.title == title)


def shows(output, actual):
    """Whether all that is between the three dots of `output` is in `actual`, in this order."""
    pattern = ".*".join(re.escape(part.strip()) for part in output.split("..."))
    return re.search(pattern, actual, re.DOTALL) is not None


OFFLINE = [step for step in STEPS if step.command.startswith(PREFIX)]


@pytest.mark.parametrize("step", OFFLINE, ids=lambda step: step.title)
def test_a_command_prints_what_the_lesson_shows(step, capsys):
    status = program.main(shlex.split(step.command.removeprefix(PREFIX)))
    lines = capsys.readouterr().out.splitlines()
    assert [part for line in lines for part in fold(line, 78, "    ")] == step.output.splitlines()
    assert status == (1 if "VIOLATION" in step.output else 0)
    assert ("the exit status is 1" in step.text) == (status == 1)


def test_the_lesson_has_seven_steps_and_six_begin_without_the_server():
    assert len(STEPS) == 7
    assert len(OFFLINE) == 6
    assert "seven steps" in program.COMMANDS["lesson"].effect


def test_each_step_has_a_title_a_section_a_text_and_what_its_commands_show():
    for step in STEPS:
        assert step.title and step.text and "§" in step.section
        assert step.output and bool(step.live) == bool(step.live_output)
        assert (step.title + step.section + step.text + step.command + step.live).isprintable()
        assert max(map(len, f"{step.output}\n{step.live_output}".splitlines())) <= 78


def test_each_step_has_a_question_and_an_answer():
    for step in STEPS:
        assert step.question.isprintable() and step.question.endswith("?")
        assert step.answer.isprintable() and step.answer.endswith(".")


# What the texts say


def echo(connection):
    for message in connection:
        connection.send(message)


@pytest.fixture
def port(serving):
    return serving(echo).address[1]


def test_without_upgrade_the_answer_says_what_is_missing(port):
    first = STEPS[0]
    assert "status is 400" in first.text
    path = first.command.removeprefix("curl -i http://127.0.0.1:8080")
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    client.request("GET", path)
    answer = client.getresponse()
    head = f"HTTP/1.1 {answer.status} {answer.reason}\n{answer.headers}"
    assert shows(first.output, head + answer.read().decode())
    client.close()


SESSIONS = [step for step in STEPS if PROMPT in step.live_output]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize("step", SESSIONS, ids=lambda step: step.title)
def test_a_session_on_a_terminal_is_as_the_lesson_shows_it(step, port):
    block = f"$ {step.live}\n{step.live_output}"
    assert normal(play(block, port)) == normal(block)


def test_the_lines_that_the_last_step_names_are_in_its_session():
    last = STEPS[-1]
    typed = [line.removeprefix(PROMPT) for line in last.live_output.splitlines() if PROMPT in line]
    assert typed == ["/close 1000 bye", "/raw 83 80 00 00 00 00"]
    assert all(line in last.text for line in typed)
    assert "1002" in last.text and "1002" in last.live_output


def test_another_origin_gets_a_403_that_says_what_to_configure(port):
    one = step("Compression and Origin")
    words = one.live.removeprefix(PREFIX).replace(":8080", f":{port}").split()
    command = [sys.executable, "-m", "refws", *words]
    ended = subprocess.run(
        command, cwd=PROJECT, input="", capture_output=True, text=True, timeout=30
    )
    assert ended.returncode == 1 and "exit status 1" in one.text
    assert shows(one.live_output, ended.stderr.replace(f":{port}", ":8080"))


def test_the_server_of_the_lesson_shows_the_handshake_line_by_line():
    words = SERVER.removeprefix(PREFIX).split()
    command = [sys.executable, "-u", "-m", "refws", *words, "--port", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=PROJECT, text=True, encoding="utf-8", **pipes) as server:
        try:
            authority = re.search(r"http://([\d.:]+)/", server.stdout.readline())[1]
            client = [sys.executable, "-m", "refws", "connect", f"ws://{authority}/"]
            subprocess.run(client, cwd=PROJECT, stdin=subprocess.DEVNULL, check=True, timeout=30)
        finally:
            server.terminate()
        shown = server.stdout.read()
    key = re.search(r"^ Sec-WebSocket-Key: (\S+)$", shown, re.MULTILINE)[1]
    assert "§4.2.2 item 5.4 Sec-WebSocket-Accept from Sec-WebSocket-Key:" in shown
    assert f"key + GUID      {key}" in shown


def test_the_lengths_in_the_answer_about_the_header_are_right():
    answer = step("A frame").answer
    assert [len(encode_header(TEXT, length)) for length in (125, 126, 65535, 65536)] == [
        2,
        4,
        4,
        10,
    ]
    assert encode_header(TEXT, 126)[1] == 126
    assert encode_header(TEXT, 126)[2:].hex(" ") in answer


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
        assert f"Question: {one.question}" in " ".join(out.split())
        assert one.answer not in " ".join(out.split())
    assert out.endswith(f"\n\n{lesson.ANSWERS} shows the answers.\n")


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_prints_that_step_alone(number, capsys):
    assert lesson.main([str(number)]) == 0
    head, _, rest = capsys.readouterr().out.partition("\n")
    one = STEPS[number - 1]
    assert head == f"{number}. {one.title} ({one.section})"
    text, _, rest = rest.partition("\n\n")
    assert " ".join(text.split()) == one.text
    live = [f"$ {one.live}", *one.live_output.splitlines()] if one.live else []
    shown = [f"$ {one.command}", *one.output.splitlines(), *live]
    question = rest.removeprefix("".join(f"  {line}".rstrip() + "\n" for line in shown))
    asked = f"Question: {one.question} {lesson.ANSWERS} shows the answers."
    assert " ".join(question.split()) == asked
    assert max(map(len, f"{head}\n{text}\n{question}".splitlines())) <= 80


def test_answers_are_printed_with_their_questions_and_nothing_else(capsys):
    assert lesson.main(["--answers"]) == 0
    blocks = capsys.readouterr().out.split("\n\n")
    for number, block, one in zip(NUMBERS, blocks, STEPS, strict=True):
        head = f"{number}. {one.title} ({one.section})"
        expected = f"{head} Question: {one.question} Answer: {one.answer}"
        assert " ".join(block.split()) == expected
        assert lesson.main([str(number), "--answers"]) == 0
        assert capsys.readouterr().out == block.rstrip("\n") + "\n"


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
