"""What passes is shown on a terminal and written to a tape, by threads that may be slow."""

import fcntl
import io
import os
import re
import struct
import termios
from contextlib import ExitStack, closing
from pathlib import Path
from textwrap import dedent
from time import monotonic

import pytest

from glass import Glass
from refws.course.glass import looking
from refws.course.glass import terminal as terminal_module
from refws.course.glass.copies import Copies, Ended, How, Opened, Over, Passed
from refws.course.glass.head import Change
from refws.course.glass.taping import Tape
from refws.course.glass.terminal import Terminal
from refws.course.record.output import Output
from refws.course.record.recorder import Recorder
from refws.course.record.tape import Chunk
from refws.course.record.tape_reader import TapeReader
from refws.course.text.style import Style
from refws.protocol.frame import Side
from wire import (
    BINARY,
    CLOSE,
    MANY,
    PING,
    SAMPLE_KEY,
    TEXT,
    close_body,
    eventually,
    frame,
    request,
    response,
)

PROJECT = Path(__file__).parent.parent

CLIENT, SERVER = ("127.0.0.1", 5), ("127.0.0.1", 80)


def looked_at(looker_on, *copies):
    """Have it look at these copies of one connection, in this thread."""
    for copy in copies:
        for _ in looker_on.look(copy):
            pass


def passed(sender, data, left_out=0, start=None, time=None):
    time = monotonic() if time is None else time
    return Passed(time, 1, sender, data, (), start, left_out)


def opened(time=None):
    return Opened(monotonic() if time is None else time, 1, CLIENT, SERVER)


def over():
    return Over(monotonic(), 1, False)


def handshake():
    """The beginning of a connection, now."""
    return opened(), passed(Side.CLIENT, request("/chat")), passed(Side.SERVER, ANSWER)


ANSWER = response(SAMPLE_KEY)


class Shown(list):
    @property
    def words(self):
        """What is shown, without names and times."""
        return [re.sub(r"^#1 +(\d+\.\d ms  )?", "", text) for text in self]


# The terminal


def test_without_a_trace_only_the_verdict_is_shown():
    shown = Shown()
    looked_at(Terminal(shown.append), *handshake(), passed(Side.SERVER, b"\x83\x00"), over())
    first, broken, *verdict = shown.words
    assert first == "127.0.0.1:5 -> 127.0.0.1:80"
    assert "VIOLATION §5.2" in broken
    assert verdict[0].startswith("is over after 0.0")
    assert verdict[1].startswith(" broken first    by the server, §5.2")


def test_without_a_trace_a_broken_rule_is_shown_at_once_but_not_a_flood_of_them():
    shown = Shown()
    masked = frame(TEXT, b"a")
    copies = [*handshake(), passed(Side.SERVER, masked), passed(Side.SERVER, masked * 100)]
    looked_at(Terminal(shown.append), *copies)
    assert len(shown) == 1 + terminal_module.MAX_BROKEN
    assert all("VIOLATION §5.1" in line for line in shown[1:])


@pytest.mark.parametrize("trace", [None, "lines"])
def test_a_rule_is_shown_as_broken_though_the_rest_of_the_frame_never_arrives(trace):
    shown = Shown()
    looked_at(Terminal(shown.append, trace), *handshake(), passed(Side.SERVER, b"Hello"))
    assert "VIOLATION §5.2" in shown[-1] and "without a frame" in shown[-1]


def test_a_reset_is_shown_in_a_trace():
    shown = Shown()
    copies = [opened(), Ended(monotonic(), 1, Side.SERVER, How.RESET)]
    looked_at(Terminal(shown.append, "lines"), *copies)
    assert shown.words[-1].startswith("<- which was a reset")


@pytest.mark.parametrize("trace, word", [("lines", "-> text FIN masked 5"), ("full", "opcode")])
def test_with_a_trace_each_frame_is_shown(trace, word):
    shown = Shown()
    hello = frame(TEXT, b"Hello")
    looked_at(Terminal(shown.append, trace), *handshake(), passed(Side.CLIENT, hello))
    assert word in shown[-1]


def test_the_words_of_a_peer_cannot_move_the_cursor():
    shown = Shown()
    evil = request("/\x1b[2J").replace(b"Host: 127.0.0.1", b"Host: \x1b[2J\x9b")
    answer = passed(Side.SERVER, b"HTTP/1.1 403 \x1b[2J\x9b\r\n\r\n")
    copies = [opened(), passed(Side.CLIENT, evil), answer, over()]
    looked_at(Terminal(shown.append, "lines"), *copies)
    assert len(shown) > 3
    assert all(c.isprintable() or c == "\n" for c in "".join(shown))


def test_after_bytes_that_were_left_out_it_goes_on_with_the_next_message():
    shown = Shown()
    copies = [
        *handshake(),
        passed(Side.CLIENT, frame(TEXT, b"Hello")[:3]),
        passed(Side.CLIENT, b"xx" + frame(TEXT, b"b"), left_out=70, start=2),
        Ended(monotonic(), 1, Side.CLIENT, How.FIN),
        over(),
    ]
    looked_at(Terminal(shown.append, "lines"), *copies)
    lines = shown.words
    assert "-> 72 bytes left out" in lines
    assert '-> text FIN masked 1 "b"  legal' in lines
    assert any(line.startswith(" not judged      72 bytes") for line in lines)
    assert not any("broken first" in line or "CUT OFF" in line for line in lines)


def test_bytes_that_have_waited_too_long_are_left_out():
    shown = Shown()
    old = monotonic() - terminal_module.MAX_AGE - 1
    copies = [
        *handshake(),
        passed(Side.CLIENT, frame(TEXT, b"a"), start=0, time=old),
        passed(Side.CLIENT, frame(TEXT, b"b"), start=0),
    ]
    looked_at(Terminal(shown.append, "lines"), *copies)
    assert shown.words[-2:] == ["-> 7 bytes left out", '-> text FIN masked 1 "b"  legal']


def test_without_the_handshake_nothing_is_explained_and_the_verdict_says_so():
    shown = Shown()
    hello = passed(Side.CLIENT, frame(TEXT, b"a"), left_out=500, start=0)
    looked_at(Terminal(shown.append, "lines"), opened(), hello, over())
    assert any("not judged      507 bytes" in line for line in shown.words)


def test_a_server_that_is_not_reached_is_a_line():
    shown = Shown()
    copies = [
        Opened(monotonic(), 1, CLIENT, None, "nothing listens there"),
        passed(Side.CLIENT, request()),
        over(),
    ]
    looked_at(Terminal(shown.append), *copies)
    assert shown.words == ["127.0.0.1:5 was not passed on: nothing listens there"]


def test_no_line_is_wider_than_a_narrow_terminal():
    change = Change("Host", "127.0.0.1:9000", "server.example:8080")
    asked = Passed(monotonic(), 1, Side.CLIENT, request("/chat"), (change,))
    copies = [opened(), asked, Ended(monotonic(), 1, Side.SERVER, How.RESET), over()]
    why = "no address found for server.example: check the name"
    refused = [Opened(monotonic(), 1, CLIENT, None, why), over()]
    for seen in copies, refused:
        shown = Shown()
        looked_at(Terminal(shown.append, "lines", Style(columns=40)), *seen)
        lines = "\n".join(shown).split("\n")
        assert len(lines) > len(shown)
        assert max(map(len, lines)) <= 40


# The tape


@pytest.fixture
def tape(tmp_path):
    with closing(Recorder(str(tmp_path / "tape"), redact=False)) as recorder:
        yield Tape(recorder), tmp_path / "tape"


def read(path):
    return list(TapeReader(io.BytesIO(path.read_bytes())))


def test_a_tape_has_all_bytes_and_ends_and_the_times_of_the_copies(tape):
    looker_on, path = tape
    began = monotonic() - 100
    copies = [
        opened(began),
        passed(Side.CLIENT, request(), time=began + 1),
        passed(Side.SERVER, bytes(100_000), time=began + 2),
        Ended(began + 3, 1, Side.SERVER, How.FIN),
        Over(began + 4, 1, False),
    ]
    looked_at(looker_on, *copies)
    first, *chunks = read(path)
    assert (str(first.client), str(first.server)) == ("127.0.0.1:5", "127.0.0.1:80")
    client = b"".join(chunk.data for chunk in chunks if chunk.sender is Side.CLIENT)
    server = b"".join(chunk.data for chunk in chunks if chunk.sender is Side.SERVER)
    assert (client, server) == (request(), bytes(100_000))
    assert chunks[0].seconds == pytest.approx(1) and chunks[1].seconds == pytest.approx(2)
    assert chunks[-2:] == [
        Chunk(chunks[-2].seconds, 1, Side.SERVER, b""),
        Chunk(chunks[-1].seconds, 1, Side.CLIENT, b""),
    ]


def test_a_tape_ends_before_bytes_that_were_left_out(tape, log):
    looker_on, path = tape
    copies = [
        opened(),
        passed(Side.CLIENT, b"a"),
        passed(Side.CLIENT, b"c", left_out=1),
        passed(Side.CLIENT, b"d"),
        over(),
    ]
    looked_at(looker_on, *copies)
    assert [chunk.data for chunk in read(path)[1:]] == [b"a"]
    assert "the tape lacks connection 1 from here on" in log.text


def test_two_connections_of_one_tape_replay_apart(tape):
    looker_on, path = tape
    for number in 1, 2:
        looked_at(looker_on, Opened(monotonic(), number, CLIENT, SERVER))
    for number in 2, 1:
        looked_at(looker_on, Passed(monotonic(), number, Side.CLIENT, bytes([number])))
    assert [(chunk.connection, chunk.data) for chunk in read(path)[2:]] == [(2, b"\2"), (1, b"\1")]


# Slow ones


@pytest.fixture
def glass(nothing_left_behind):
    with ExitStack() as stack:
        yield lambda **options: Glass(stack, **options)


def test_a_blocked_terminal_does_not_slow_the_traffic(glass, background):
    """The terminal is a pipe that no one reads, and all of the traffic is traced."""
    reading, writing = os.pipe()
    with open(reading, "rb"), open(writing, "w", encoding="utf-8") as file:
        running = glass()
        terminal = Terminal(Output(file, timeout=0.01).show, "full")
        running.forwarder.add(terminal.copies)
        terminal.start()
        client, server, _ = running.meet(request("/chat"))
        server.send(response(SAMPLE_KEY))
        client.receive_head()
        data = frame(PING, b"ping") * 300 + frame(BINARY, bytes(MANY))
        sending = background(lambda: (client.send(data), client.half_close()))
        assert server.file.read().endswith(data)
        sending.result()
        terminal.stop(monotonic())
        assert eventually(lambda: not terminal.is_alive())


def unread_bytes(descriptor):
    return struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))[0]


def test_a_disk_that_takes_nothing_does_not_slow_the_traffic(glass, background, tmp_path, log):
    """The tape is a pipe that no one reads."""
    os.mkfifo(tmp_path / "tape")
    reading = os.open(tmp_path / "tape", os.O_RDONLY | os.O_NONBLOCK)
    with closing(Recorder(str(tmp_path / "tape"))) as recorder:
        running = glass()
        looker_on = Tape(recorder)
        running.forwarder.add(looker_on.copies)
        looker_on.start()
        client, server, _ = running.meet()
        sending = background(lambda: (client.send(bytes(MANY)), client.half_close()))
        assert len(server.file.read()) == MANY
        sending.result()
        assert eventually(lambda: unread_bytes(reading) > 50_000), "as much as the pipe takes"
        os.close(reading)
        looker_on.stop(monotonic())
        assert eventually(lambda: not looker_on.is_alive())
    assert "has ended, Broken pipe" in log.text


def test_an_error_of_a_looker_on_ends_it_alone(glass, log):
    def fail(text):
        raise RuntimeError("a mistake")

    running = glass()
    terminal = Terminal(fail)
    running.forwarder.add(terminal.copies)
    terminal.start()
    client, server, _ = running.meet()
    terminal.join()
    client.send(b"goes on")
    assert server.file.read(7) == b"goes on"
    assert "it failed, and is off now" in log.text


class Spent:
    """A budget that notes its name each time."""

    def __init__(self, name, notes):
        self.name, self.notes = name, notes

    def spend(self, seconds, now):
        self.notes.append(self.name)
        return 0


def test_a_bulk_transfer_has_a_budget_of_its_own(monkeypatch):
    notes = []
    monkeypatch.setattr(looking, "BUDGET", Spent("budget", notes))
    monkeypatch.setattr(looking, "BULK_BUDGET", Spent("bulk", notes))
    terminal = Terminal(lambda text: None)
    for copy in [*handshake(), passed(Side.CLIENT, frame(BINARY, bytes(looking.BULK)))]:
        terminal.copies.put(copy)
    terminal.start()
    terminal.stop(monotonic() + 10)
    assert notes[0] == "bulk" and notes[-1] == "budget"


def test_a_chunk_that_takes_too_long_is_left_out_from_there_on(monkeypatch):
    """A chunk may have thousands of frames."""
    shown, frames = Shown(), frame(PING, b"") * 10_000
    terminal = Terminal(shown.append, "lines")
    looked_at(terminal, *handshake())
    steps = terminal.look(passed(Side.CLIENT, frames, start=0))
    next(steps)
    monkeypatch.setattr(terminal_module, "MAX_AGE", -1)
    assert list(steps) == []
    looked_at(terminal, over())
    rest = len(frames) - terminal_module.STEP
    assert any(line.startswith(f" not judged      {rest} bytes") for line in shown)


def test_a_looker_on_that_is_stopped_leaves_the_rest_of_a_chunk_out():
    shown = Shown()
    terminal = Terminal(shown.append, "lines")
    terminal.copies.close(drop=True)
    assert terminal.copies.dropped
    terminal.copies.take = lambda: [*handshake(), passed(Side.CLIENT, frame(PING, b"") * 10_000)]
    terminal.run()
    assert len(shown) < 5


# The queue


def test_stop_lets_a_looker_on_end_what_it_does():
    shown = Shown()
    terminal = Terminal(shown.append)
    for copy in [*handshake(), over()]:
        terminal.copies.put(copy)
    terminal.start()
    terminal.stop(monotonic() + 10)
    assert any("is over" in line for line in shown)
    assert not terminal.is_alive()


def test_a_full_queue_counts_what_it_leaves_out_for_each_side():
    copies = Copies(max_bytes=2000)
    copies.put(opened())
    copies.put(passed(Side.CLIENT, bytes(1000)))
    copies.put(passed(Side.CLIENT, bytes(1001)))
    copies.put(passed(Side.SERVER, bytes(1002)))
    copies.put(Ended(monotonic(), 1, Side.CLIENT, How.FIN))
    copies.put(over())
    copies.close()
    assert [getattr(copy, "left_out", None) for copy in copies.take()] == [None, 0, 1001, 1002]


def test_a_connection_whose_beginning_does_not_fit_is_left_out():
    copies = Copies(max_bytes=100)
    copies.put(opened())
    copies.put(passed(Side.CLIENT, b""))
    copies.put(over())
    copies.close()
    assert list(copies.take()) == []


# The README


def test_the_verdict_in_the_readme_is_the_one_that_is_shown():
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    block = readme[readme.index("    #1 is over after") :].partition("\n\n")[0]
    shown, began = Shown(), monotonic()
    rest = [
        passed(Side.SERVER, frame(TEXT, b"Hello"), time=began + 0.010),
        passed(Side.CLIENT, frame(CLOSE, close_body(1002)), time=began + 0.011),
        Ended(began + 0.012, 1, Side.CLIENT, How.FIN),
        Ended(began + 0.012, 1, Side.SERVER, How.FIN),
        Over(began + 0.012, 1, False),
    ]
    looked_at(Terminal(shown.append), opened(began), *handshake()[1:], *rest)
    first = next(i for i, line in enumerate(shown) if "is over" in line)
    assert "\n".join(shown[first:]) == dedent(block)
