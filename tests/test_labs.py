"""The labs: with each setting of its switch every step comes out as the lab tells it, and nothing
of an attack is left when it ends.
"""

import errno
import functools
import io
import os
import queue
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from types import SimpleNamespace
from urllib.request import urlopen

import pytest

from pseudoterminal import PseudoTerminal
from refws.commands import lab as command
from refws.course.labs import (
    bomb,
    flood,
    gauge,
    guess,
    heartbeat,
    hijack,
    key,
    never_reading,
    poison,
    polling,
    slow,
)
from refws.course.labs import cast as cast_module
from refws.course.labs.cast import LOOPBACK, Cast
from refws.course.labs.gauge import memory, watched
from refws.course.labs.labs import LABS
from refws.course.labs.naive_cache import REQUEST, NaiveCache
from refws.course.labs.neighbour import Echoes, Entering
from refws.course.labs.readings import Delay, Reading, bar, lines
from refws.course.labs.story import Lab, Step
from refws.course.labs.talk import masked, talk_with
from refws.course.labs.texts.english import ENGLISH
from refws.course.labs.texts.values import ANY
from refws.course.labs.wires import explained, lines_of
from refws.course.text.style import Style
from refws.endpoint import serve as serve_module
from refws.endpoint.server import Server
from refws.interruption import INTERRUPTED
from refws.protocol.frame import TEXT
from refws.protocol.masking import mask
from wire import DEADLINE_S

pytestmark = pytest.mark.usefixtures("nothing_left_behind")

WATCHES_TIME = {"polling", "heartbeat"}
"""Labs that show what happens, or does not, in some seconds."""

MEASURED = {"slow", "never-reading", "flood", "bomb"}
"""Labs that draw memory and delay live."""

GUESSES_IN_VAIN = {("guess", "on"), ("guess", "context")}


def marks(lab, defence):
    slow = lab.name in WATCHES_TIME or (lab.name, defence) in GUESSES_IN_VAIN
    return [pytest.mark.slow] if slow else []


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    """The labs do not take the time that a reader needs to see what happens."""
    for module in (bomb, flood, never_reading):
        monkeypatch.setattr(module, "ALONE", 0.0)
    for module in (bomb, flood):
        monkeypatch.setattr(module, "PAUSE", 0.0)
    for module in (never_reading, slow):
        monkeypatch.setattr(module, "WATCHED", 0.1)
    monkeypatch.setattr(never_reading, "SEND_TIMEOUT", 0.1)
    monkeypatch.setattr(slow, "OPEN_TIMEOUT", 0.1)
    monkeypatch.setattr(bomb, "CLIENTS", 2)
    monkeypatch.setattr(gauge, "PACE", 0.01)


PLAYED = [
    pytest.param(lab, defence, marks=marks(lab, defence))
    for lab in LABS.values()
    for defence in lab.defences
]


@pytest.mark.parametrize("lab, defence", PLAYED, ids=lambda value: getattr(value, "name", value))
def test_every_step_comes_out_as_the_switch_says_and_has_its_texts(lab, defence):
    text = ENGLISH.labs[lab.name]
    assert defence in text.switch
    with Cast(defence) as cast:
        steps = list(lab.play(cast))
    assert [step.name for step in steps if not step.came_out] == []
    assert [step.name for step in steps] == list(text.steps)[: len(steps)]
    measured = {reading.step: reading.facts for reading in cast.readings.so_far()}
    assert set(measured) == {name for name, texts in text.steps.items() if texts.measured}
    for step in steps:
        texts = text.steps[step.name]
        told = texts.story.format_map(step.facts)
        assert "{" not in told
        assert texts.story.format_map(measured.get(step.name, step.facts)) == told
        assert "{" not in texts.outcome_of(defence).format_map(step.facts)


def test_each_lab_has_its_texts_and_each_text_its_setting():
    assert list(ENGLISH.labs) == list(LABS)
    for name, lab in LABS.items():
        text = ENGLISH.labs[name]
        assert set(text.switch) == set(lab.defences)
        for step in text.steps.values():
            assert set(step.outcome) <= {*lab.defences, ANY}
            assert ANY in step.outcome or set(step.outcome) == set(lab.defences)


# Masking


def test_10_3_no_payload_that_a_script_chooses_becomes_a_request_once_it_is_masked():
    rng = random.Random(103)
    request = b"GET /script.js HTTP/1.1\r\nHost: good.localhost\r\n\r\n"
    for _ in range(200):
        start = bytes(rng.randrange(256) for _ in range(rng.randrange(8)))
        guessed_key = rng.randbytes(4)
        for payload in (start + request, mask(start + request, guessed_key)):
            assert REQUEST.search(poison.frame_with(payload, "on")) is None


def test_5_3_a_key_that_the_script_knows_puts_its_request_on_the_wire():
    request = b"GET /script.js HTTP/1.1\r\nHost: good.localhost\r\n\r\n"
    found = REQUEST.search(poison.frame_with(request, "predictable"))
    assert found is not None
    assert found[0] == request


# The cast


def test_a_wait_asks_no_more_after_the_condition_has_held():
    """A condition may ask a client for an echo, and the next one is another."""
    answers = iter([False, True, False])
    with Cast() as cast:
        assert cast.wait_for(lambda: next(answers), DEADLINE_S)
    assert [*answers] == [False]


def test_the_cast_ends_servers_clients_and_threads_that_wait_for_each_other():
    with Cast() as cast:
        port = cast.host(lambda sock: sock.recv(1))
        cast.opened(port)
        with cast.client(cast.host(NaiveCache().towards(lambda: cast.opened(port)))) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    with pytest.raises(OSError):
        socket.create_connection((LOOPBACK, port), DEADLINE_S)


def test_what_comes_after_the_end_of_the_cast_is_ended_at_once():
    cast = Cast()
    port = cast.host(lambda sock: None)
    listener = socket.create_server((LOOPBACK, 0))
    cast.end()
    with listener, cast.opened(listener.getsockname()[1]) as late:
        assert late.fileno() < 0
    assert cast.free_port(port) == port


def test_a_cast_that_ends_while_a_thread_begins_waits_until_it_has_begun(monkeypatch, background):
    ends = []

    class Thread(threading.Thread):
        def start(self):
            if self.name == "part":
                ends.append(background(cast.end))
                assert cast.ending.wait(DEADLINE_S)
            super().start()

    cast = Cast()
    named = functools.partial(Thread, name="part")
    monkeypatch.setattr(cast_module, "threading", SimpleNamespace(Thread=named))
    cast.thread(lambda: None)
    ends[0].result()


def test_the_servers_of_a_cast_end_side_by_side(monkeypatch):
    """Their times do not add up: each waits here until all are being shut down."""
    all_at_once = threading.Barrier(3)

    class SlowServer(Server):
        def shutdown(self, **farewell):
            all_at_once.wait(DEADLINE_S)
            super().shutdown(**farewell)

    monkeypatch.setattr(serve_module, "Server", SlowServer)
    monkeypatch.setattr(cast_module, "END_TIMEOUT", 2 * DEADLINE_S)
    with Cast() as cast:
        for _ in range(all_at_once.parties):
            cast.websocket(list)
    assert not all_at_once.broken


def test_ctrl_c_while_a_thread_starts_is_not_hidden_by_the_end_of_the_cast(monkeypatch):
    def interrupted(thread):
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt), Cast() as cast:
        cast.thread(print)


def test_a_reader_may_take_any_time_between_two_steps():
    """No server of a lab ends an idle client: a small one waits, one of refws sends no Ping."""
    waits, pings = queue.SimpleQueue(), queue.SimpleQueue()
    with Cast() as cast:
        with cast.client(cast.host(lambda sock: waits.put(sock.gettimeout()))):
            assert waits.get(timeout=DEADLINE_S) is None
        port = cast.websocket(lambda connection: pings.put(connection.settings.ping_interval))
        with talk_with(cast, port):
            assert pings.get(timeout=DEADLINE_S) is None


def test_a_port_that_another_program_has_is_not_taken():
    with socket.create_server((LOOPBACK, 0)) as taken:
        assert Cast().free_port(taken.getsockname()[1]) == 0


# Memory and delay, live


def held_back(cast, answering):
    """A good client at a server that echoes while `answering` is set."""

    def handler(connection):
        for message in connection:
            answering.wait(DEADLINE_S)
            connection.send(message)

    return talk_with(cast, cast.websocket(handler))


def test_readings_are_shown_while_the_step_is_played_and_the_last_one_at_its_end():
    shown = queue.SimpleQueue()
    with Cast() as cast:
        cast.readings.follow(shown.put)
        counts = iter(range(1000))
        look = lambda patience: Delay(0.5, True)  # noqa: E731
        with memory() as held, watched(cast, "a step", {}, held, look, lambda: next(counts)):
            first = [shown.get(timeout=DEADLINE_S) for _ in range(3)]
        kept = cast.readings.so_far()
    assert kept[:3] == first
    assert [shown.get_nowait() for _ in range(shown.qsize())] == kept[3:]
    assert len(kept) > 3, "one is taken when all of the step has happened"
    assert [reading.count for reading in kept] == list(range(len(kept)))
    assert sorted(reading.seconds for reading in kept) == [reading.seconds for reading in kept]


def test_the_delay_grows_while_there_is_no_answer_and_is_that_of_the_answer_then(monkeypatch):
    monkeypatch.setattr(gauge, "PATIENCE", 0.0)
    shown, answering = queue.SimpleQueue(), threading.Event()
    with Cast() as cast, held_back(cast, answering) as talk, memory() as held:
        cast.readings.follow(lambda reading: shown.put(reading.delay))
        with watched(cast, "a step", {}, held, Echoes(talk).look, int):
            first, second = (shown.get(timeout=DEADLINE_S) for _ in range(2))
            answering.set()
            while not (answer := shown.get(timeout=DEADLINE_S)).answered:
                pass
    assert not first.answered and not second.answered
    assert first.seconds < second.seconds < answer.seconds


def test_a_client_that_is_refused_tries_again_until_it_is_in():
    with Cast() as cast:
        port = cast.websocket(lambda connection: list(connection), max_connections=1)
        with talk_with(cast, port):
            late = Entering(cast, port)
            assert not late.look(0).answered
            assert late.refused == 1
        assert cast.wait_until_empty(port)
        entered = late.look(0)
        assert entered.answered and late.is_in()
        assert late.look(0) == entered, "it does not enter again"


def test_the_end_of_the_cast_ends_a_gauge_whose_good_client_has_no_answer(background):
    answering = threading.Event()

    def play():
        with suppress(OSError, EOFError), held_back(cast, answering) as talk, memory() as held:
            with watched(cast, "a step", {}, held, Echoes(talk).look, int):
                begun.set()
                assert cast.ending.wait(DEADLINE_S)

    cast, begun = Cast(), threading.Event()
    playing = background(play)
    assert begun.wait(DEADLINE_S)
    ending = background(cast.end)
    answering.set()  # the handler sees that its connection has ended
    ending.result()
    playing.result()


@pytest.mark.parametrize("defence", ["on", "off"])
def test_10_4_only_a_limit_while_inflating_keeps_the_memory_below_one_bomb(defence):
    with Cast(defence) as cast:
        list(bomb.play(cast))
        readings = cast.readings.so_far()
    first, last = readings[0], readings[-1]
    assert (first.count, last.count) == (0, bomb.CLIENTS)
    assert first.memory < 2**20, "it is read before the attack"
    if defence == "on":
        assert max(reading.memory for reading in readings) < bomb.INFLATED
    else:
        assert last.memory >= bomb.CLIENTS * bomb.INFLATED


@pytest.mark.parametrize("value, length", [(0.9, 0), (1, 1), (2, 2), (3.9, 2), (4, 3), (2**17, 18)])
def test_a_bar_has_one_more_for_twice_as_much(value, length):
    assert bar(value) == "#" * length


def test_the_line_of_a_reading_has_two_lines_where_columns_are_few():
    reading = Reading("a step", {}, 1.5, 4096, Delay(0.25, False), 20)
    wide = "   1.50 s       4 KiB ###               >  250.00 ms ############           20"
    assert lines(reading, 80) == wide
    assert lines(reading, len(wide) - 1).split("\n") == [
        "   1.50 s       4 KiB ###",
        "  >  250.00 ms ############           20",
    ]


# The command


def run(capsys, *arguments):
    """Exit status, output and errors."""
    try:
        status = command.main(list(arguments))
    except SystemExit as exit:
        status = exit.code
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_the_first_line_says_that_it_is_an_attack_made_for_learning(capsys):
    status, out, _ = run(capsys, "poison", "--defence", "off")
    assert status == 0
    assert out.startswith("This is an attack made for learning: all of it happens on this machine")
    assert "    GET /script.js HTTP/1.1" in out
    assert "VIOLATION §5.1" in out
    assert "The victim gets the forged script" in out


def test_the_default_is_the_first_setting(capsys):
    status, out, _ = run(capsys, "poison")
    assert status == 0
    assert "The victim gets the genuine script" in " ".join(out.split())


def test_headless_prints_a_line_for_each_step(capsys):
    status, out, _ = run(capsys, "key", "--headless")
    assert status == 0
    steps = [line for line in out.splitlines() if line[0].isdigit()]
    assert len(steps) == len(ENGLISH.labs["key"].steps)
    assert all(line.endswith(": as expected") for line in steps)


def test_readings_are_printed_as_they_come_after_the_story_of_their_step(monkeypatch, capsys):
    three = threading.Event()

    class Output(io.StringIO):
        def flush(self):
            if self.getvalue().count(" KiB ") == 3:
                three.set()

    def play(cast):
        facts = {"tried": "30", "places": "20"}
        with memory() as held, watched(cast, "flood", facts, held, lambda _: Delay(0, True), int):
            came_out = three.wait(DEADLINE_S)
        yield Step("flood", came_out, (), {**facts, "opened": "5"})

    monkeypatch.setitem(LABS, "flood", Lab("flood", "§4.1", 1, play))
    monkeypatch.setattr(sys, "stdout", output := Output())
    assert command.main(["flood"]) == 0
    shown = output.getvalue()
    story, _, rest = shown.partition("Seconds, memory, the delay")
    assert story.count("1. The flood") == 1 and "has one of the 20 places" in story
    assert rest.rindex(" KiB ") < rest.index("as expected: It gets 5")
    assert "1. The flood" not in rest


def test_headless_draws_nothing(capsys):
    status, out, _ = run(capsys, "flood", "--headless")
    assert (status, out.count("#")) == (0, 0)


@pytest.mark.parametrize("options", [(), ("--headless",)])
def test_a_step_that_does_not_come_out_gives_status_1(capsys, monkeypatch, options):
    def play(cast):
        yield Step("fetch", cast.defended, facts={"page": "none"})
        yield Step("page", False, facts={"fault": "none"})

    monkeypatch.setitem(LABS, "key", Lab("key", "§4", 1, play))
    status, out, _ = run(capsys, "key", *options)
    assert status == 1
    assert "NOT as expected" in out
    assert "Steps that did not come out as the switch says: 1." in out


def test_a_cast_that_breaks_off_is_said_in_a_line(capsys, monkeypatch):
    def play(cast):
        yield Step("fetch", True, facts={"page": "none"})
        raise ConnectionResetError("reset by peer")

    monkeypatch.setitem(LABS, "key", Lab("key", "§4", 1, play))
    status, _, err = run(capsys, "key")
    assert status == 1
    assert err.startswith("refws: The lab could not go on: reset by peer.")


@pytest.mark.parametrize("name", ["guess", "key"])
def test_at_the_end_the_commands_for_the_other_settings_are_shown(capsys, name):
    first, *others = LABS[name].defences
    _, out, _ = run(capsys, name)
    commands = [f"  python3 -m refws lab {name} --defence {setting}" for setting in others]
    assert out.splitlines()[-len(others) :] == commands
    assert f"--defence {first}" not in out


def test_a_reader_of_ended_addresses_is_shown_the_option_with_which_they_stay(capsys, monkeypatch):
    words = ENGLISH.words.addresses_ended
    _, out, _ = run(capsys, "poison")
    assert words in " ".join(out.split())
    _, out, _ = run(capsys, "slow", "--defence", "on")
    assert words not in " ".join(out.split()), "it has no address"
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n" * 9))
    _, out, _ = run(capsys, "poison", "--step")
    assert words not in " ".join(out.split()), "it has waited"


def test_4_1_a_client_that_checks_no_status_reads_the_page_as_a_frame():
    with Cast("off") as cast:
        step = next(step for step in key.play(cast) if step.name == "page")
    page = step.crossed[-1]
    assert page.side is None and page.data.startswith(b"<!doctype html>")
    header = int.from_bytes(page.data[:2])
    opcode, length = header >> 8 & 15, header & 127
    assert step.facts["header"] == f"'<!' as opcode {opcode} and {length} bytes"
    assert len(page.data) == 2 + length


def test_the_list_has_each_lab_with_its_settings(capsys):
    status, out, _ = run(capsys, "--list")
    assert status == 0
    for name, lab in LABS.items():
        assert f"  {name} " in out
        assert "--defence " + "|".join(lab.defences) in out


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ((), "no lab is named: give first, polling, key,"),
        (("poisson",), "there is no lab 'poisson': did you mean poison? Or give first, polling,"),
        (("Flood",), "did you mean flood? Or give first, polling,"),
        (("cooking",), "there is no lab 'cooking': give first, polling, key,"),
        (
            ("guess", "--defence", "none"),
            "guess has no --defence 'none': give on or off or context",
        ),
    ],
)
def test_a_wrong_command_line_is_answered_with_what_to_give(capsys, arguments, expected):
    status, _, err = run(capsys, *arguments)
    assert status == 2
    assert expected in err
    assert err.count("\n") == 1


def test_step_goes_on_without_waiting_when_the_input_ends(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    status, out, err = run(capsys, "key", "--step")
    assert (status, err) == (0, "")
    assert out.count("[Enter goes on, Ctrl-C ends the lab.]") == 2
    assert out.count("The input has ended: the lab goes on without waiting.") == 1
    assert "5. A program computes the Accept" in out


@pytest.mark.parametrize("columns", [40, 80])
def test_no_line_is_wider_than_the_terminal(capsys, monkeypatch, columns):
    monkeypatch.setattr(command, "style_for", lambda stream: Style(columns=columns))
    for name in ("fragments", "hijack", "flood"):
        _, out, _ = run(capsys, name)
        assert max(map(len, out.splitlines())) <= columns
    _, out, _ = run(capsys, "key")
    assert "Sec-WebSocket-Accept" in out, "a name is not broken at its hyphens"


@pytest.mark.parametrize("arguments", [("key",), ("--list",)])
def test_an_output_that_nobody_reads_is_no_failure_of_the_lab(arguments):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        program = subprocess.run(
            [sys.executable, "-m", "refws", "lab", *arguments],
            stdout=closed,
            stderr=subprocess.PIPE,
        )
    assert (program.returncode, program.stderr) == (0, b"")


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_a_program_without_input_or_output_plays_the_lab(capsys, monkeypatch, stream):
    with monkeypatch.context() as patch:
        patch.setattr(sys, stream, None)
        status = command.main(["key", "--step"] if stream == "stdin" else ["key"])
    shown = capsys.readouterr()
    assert (status, shown.err) == (0, "")
    assert ("The input has ended" in shown.out) is (stream == "stdin")


def test_the_help_is_shown_in_ascii_too(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(SystemExit) as exit:
        command.main(["--help"])
    assert exit.value.code == 0
    stream.seek(0)
    assert "\\xa710.3" in stream.read(), "§10.3"


@pytest.mark.parametrize(
    "number, advice",
    [
        (errno.EMFILE, "raise the limit with ulimit -n 256"),
        (errno.EADDRNOTAVAIL, "sudo ifconfig lo0 alias 127.0.0.2"),
    ],
)
def test_what_the_system_lacks_is_answered_with_what_to_do(capsys, monkeypatch, number, advice):
    def play(cast):
        yield Step("fetch", True, facts={"page": "none"})
        raise OSError(number, os.strerror(number))

    monkeypatch.setitem(LABS, "key", Lab("key", "§4", 1, play))
    status, _, err = run(capsys, "key")
    assert status == 1
    assert advice in err and err.count("\n") == 1


def test_a_frame_is_judged_by_what_its_handshake_has_agreed_on(capsys):
    _, out, _ = run(capsys, "bomb")
    assert "binary FIN RSV1" in out and "VIOLATION" not in out
    _, out, _ = run(capsys, "guess", "--defence", "off")
    assert '"Welcome. Your cookie' in out, "it is compressed"


def test_1_3_the_frame_that_a_script_has_written_is_shown_as_one(capsys):
    frame = '-> text FIN masked 23 "a message of the script"'
    _, out, _ = run(capsys, "key", "--defence", "off")
    assert frame in out
    _, out, _ = run(capsys, "key")
    assert frame not in out, "the server has refused it"


def test_10_2_what_a_program_reads_and_sends_is_not_called_a_browsers():
    with Cast() as cast:
        *_, step = hijack.play(cast)
    read, page, asked, _ = step.crossed
    assert [crossed.way for crossed in step.crossed] == ["program to bank", "bank to program"] * 2
    assert read.data.startswith(b"GET / ")
    token = hijack.TOKEN.encode()
    assert token in page.data and token in asked.data


def test_5_5_3_each_round_trip_has_a_bar_however_short_it_is():
    with Cast() as cast:
        step = next(heartbeat.play(cast))
    rows = step.facts["drawn"].splitlines()
    assert len(rows) == heartbeat.ROUND_TRIPS
    for row in rows:
        milliseconds, unit, hashes = row.split()
        assert unit == "ms"
        assert 2 ** len(hashes) > 100 * float(milliseconds) - 1, "the number is rounded"


@pytest.mark.slow
def test_5_5_2_the_close_after_many_pings_is_shown():
    with Cast() as cast:
        step = next(step for step in heartbeat.play(cast) if step.name == "frozen")
    ((crossed, items),) = explained(step.crossed)
    *_, last = lines_of(crossed, items)
    assert "close FIN" in last and "1011" in last


@pytest.mark.slow
def test_1_1_each_way_to_chat_is_shown_with_its_bytes_and_a_table_for_40_columns():
    with Cast() as cast:
        *ways, last = polling.play(cast)
    for step in ways:
        assert [crossed.way for crossed in step.crossed] == ["client to server", "server to client"]
        assert b"line 5" in step.crossed[1].data
    assert ways[-1].crossed[0].data.count(masked(TEXT, b"ok")) == polling.LINES
    heads, *rows = last.facts["table"].splitlines()
    assert heads.split() == ["requests", "bytes", "ms", "late"]
    assert len(rows) == len(ways)
    assert max(map(len, [heads, *rows])) <= 40


def test_7692_8_the_answer_to_the_right_guess_is_shown_with_the_secret_before_it():
    with Cast("off") as cast:
        lab = guess.play(cast)
        next(lab)
        step = next(lab)
    *_, secret, tried, answer = [
        line for crossed in explained(step.crossed) for line in lines_of(*crossed)
    ]
    assert "Welcome. Your cookie" in secret
    assert tried.startswith("-> text FIN masked 9 ") and step.facts["shortest"] in tried
    assert answer.startswith("<- text FIN RSV1 ") and step.facts["shortest"] in answer


def test_5_4_a_fragment_goes_on_with_one_of_another_direction_in_between(capsys):
    _, out, _ = run(capsys, "fragments", "--defence", "off")
    three, _, rest = out.partition("3. A Ping")
    assert "VIOLATION" not in three
    assert "VIOLATION §5.4" in rest.partition("5. A second")[2], "two messages at once"


def test_the_403_of_the_first_lab_says_which_option_to_give(capsys):
    _, out, _ = run(capsys, "first", "--defence", "unlisted", "--headless")
    assert "as expected" in out
    with Cast("unlisted") as cast:
        (step,) = LABS["first"].play(cast)
        log = []
        cast.log.follow(log.append)
    (crossed, items) = list(explained(step.crossed))[1]
    shown = "\n".join(lines_of(crossed, items))
    assert f"--origin {step.facts['page']} on the command line" in shown
    assert "refused with 403" in log[0] and step.facts["page"] in log[0]


def test_the_first_lab_keeps_its_servers_until_ctrl_c():
    program = subprocess.Popen(
        [sys.executable, "-m", "refws", "lab", "first"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        shown = ""
        while "received 'hello'" not in shown and (line := program.stdout.readline()):
            shown += line
        page = urlopen(re.search(r"http://localhost:\d+/", shown)[0]).read()
        assert b"new WebSocket(" in page
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=DEADLINE_S)
        assert (program.returncode, errors) == (0, "")
        assert "GET '/': 101" in shown
    finally:
        program.kill()
        program.communicate()


# What is left


@pytest.mark.slow
def test_all_labs_in_a_row_leave_no_thread_descriptor_file_or_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(subprocess, "Popen", None)
    monkeypatch.setattr(os, "fork", None, raising=False)
    for lab in LABS.values():
        for defence in lab.defences:
            with Cast(defence) as cast:
                assert [step.name for step in lab.play(cast) if not step.came_out] == []
    assert list(tmp_path.iterdir()) == []


PROMPT = "[Enter goes on, Ctrl-C ends the lab.]"


@pytest.mark.slow
@pytest.mark.parametrize("name", LABS)
def test_ctrl_c_between_two_steps_ends_a_lab_without_a_word(name):
    with PseudoTerminal("-m", "refws", "lab", name, "--step") as terminal:
        terminal.wait_for(lambda text: PROMPT in text)
        terminal.type("\x03")
        assert terminal.wait_for_end() == INTERRUPTED
    assert terminal.screen.text.partition(PROMPT)[2].strip() in ("", "^C")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(WATCHES_TIME | MEASURED))
def test_ctrl_c_while_a_step_takes_long_ends_a_lab_without_a_word(name):
    with PseudoTerminal("-m", "refws", "lab", name) as terminal:
        terminal.wait_for(lambda text: "\n1. " in text)
        terminal.type("\x03")
        assert terminal.wait_for_end() == INTERRUPTED
    assert "Traceback" not in terminal.screen.text
    assert "refws:" not in terminal.screen.text


@pytest.mark.slow
def test_enter_goes_from_step_to_step_and_the_end_of_input_to_the_end():
    with PseudoTerminal("-m", "refws", "lab", "key", "--step") as terminal:
        terminal.wait_for(lambda text: text.count(PROMPT) == 1)
        terminal.type("\n")
        terminal.wait_for(lambda text: text.count(PROMPT) == 2)
        terminal.type("\x04")
        assert terminal.wait_for_end() == 0
    assert "The input has ended" in terminal.screen.text
    assert "5. A program computes the Accept" in terminal.screen.text


def interrupt():
    raise KeyboardInterrupt


def test_ctrl_c_ends_a_lab_that_takes_its_time_to_end(monkeypatch, on_signal):
    begun, may_end, ends = threading.Event(), threading.Event(), queue.SimpleQueue()

    def play(cast):
        begun.set()
        assert cast.ending.wait(DEADLINE_S)
        ends.put(may_end.wait(DEADLINE_S))
        yield Step("fetch", True, facts={"page": "none"})

    monkeypatch.setitem(LABS, "key", Lab("key", "§4", 1, play))
    monkeypatch.setattr(cast_module, "END_TIMEOUT", 0.0)
    on_signal(interrupt, begun.is_set)
    with pytest.raises(KeyboardInterrupt):
        command.main(["key"])
    may_end.set()
    assert ends.get(timeout=DEADLINE_S), "Ctrl-C has waited for the lab"


def test_ctrl_c_while_the_thread_that_plays_is_started_is_no_other_error(monkeypatch):
    may_end = threading.Event()

    def play(cast):
        begun.set()
        assert may_end.wait(DEADLINE_S)
        yield Step("fetch", True, facts={"page": "none"})

    def start_and_interrupt(thread):
        start(thread)
        assert begun.wait(DEADLINE_S)
        raise KeyboardInterrupt

    begun, start = threading.Event(), threading.Thread.start
    monkeypatch.setitem(LABS, "key", Lab("key", "§4", 1, play))
    monkeypatch.setattr(cast_module, "END_TIMEOUT", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start_and_interrupt)
        with pytest.raises(KeyboardInterrupt):
            command.main(["key"])
    may_end.set()


def test_a_taken_port_is_answered_with_what_to_give(capsys):
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        status, out, err = run(capsys, "--browser", str(port))
    assert (status, out) == (2, "")
    assert f"cannot listen on port {port}, {os.strerror(errno.EADDRINUSE)}: " in err
    assert "give another --browser PORT, or none for a free one" in err
