"""Connections shown live: each frame in a line or a block, whole and in order, and never a harm to
the connection.
"""

import io
import os
import re
import select
from contextlib import ExitStack

import pytest

from refws.course.explain.conversation import Conversation
from refws.course.record.live import Live
from refws.course.record.narration import Narration
from refws.course.record.output import CHUNK_SIZE, Output
from refws.course.text.drawing import draw
from refws.course.text.style import Style
from refws.protocol.frame import Side
from wire import BINARY, PING, TEXT, eventually, frame, request

TIME = r" +\d+\.\d ms  "


def echo(connection):
    for message in connection:
        connection.send(message)


class Shown(list):
    """What is shown, and the same without names and times."""

    @property
    def words(self):
        return [re.sub(rf"^\S*{TIME}", "", text) for text in self]


def texts_of(*chunks, **options):
    """The texts of a narration."""
    narration = Narration(**options)
    return Shown(text for sender, data in chunks for text in narration.feed(0.0, sender, data))


# Lines


def test_every_head_and_frame_of_a_server_is_a_line_with_the_peer_and_the_time(serving):
    shown = Shown()
    running = serving(echo, trace=Live(shown.append).choose)
    client = running.open("/x")
    client.send_frame(TEXT, b"Hello")
    client.expect(TEXT, b"Hello")
    client.send(frame(TEXT, b"in ", fin=0), frame(PING, b"between"), frame(0, b"two"))
    client.expect(0xA, b"between")
    client.expect(TEXT, b"in two")
    client.finish()
    host, port = client.sock.getsockname()
    client.close()
    assert eventually(lambda: not running.server.all_connections)
    assert shown.words == [
        '-> "GET /x HTTP/1.1"  legal',
        '<- "HTTP/1.1 101 Switching Protocols"  legal',
        '-> text FIN masked 5 "Hello"  legal',
        '<- text FIN 5 "Hello"  legal',
        '-> text masked 3 "in "  legal',
        '-> ping FIN masked 7 "between"  legal',
        '-> continuation FIN masked 3 "two"  legal; message: text, 6 bytes, 2 frames: in two',
        '<- pong FIN 7 "between"  legal',
        '<- text FIN 6 "in two"  legal',
        "-> close FIN masked 2 1000  legal",
        "<- close FIN 2 1000  legal",
        "<- end of the stream",
        "-> end of the stream",
    ]
    assert all(re.match(rf"{host}:{port}{TIME}", line) for line in shown)
    times = [float(line.split()[1]) for line in shown]
    assert times == sorted(times) and times[0] >= 0


def test_the_line_is_there_before_the_frame_leaves(opened):
    shown = Shown()
    connection, peer = opened()
    live = Live(shown.append)
    connection.trace = live.choose(connection)
    connection.send("one")
    assert shown.words == ['<- text FIN 3 "one"  legal']
    peer.expect(TEXT, b"one")


def test_a_client_needs_no_name(opened):
    shown = Shown()
    connection, _ = opened(side=Side.CLIENT, connecting=True)
    Live(shown.append).choose(connection)(Side.CLIENT, request())
    assert re.fullmatch(TIME + '-> "GET / HTTP/1.1"  legal', shown[0])


def test_peers_without_an_address_have_numbers(opened):
    shown, (connection, _) = Shown(), opened(connecting=True)
    connection.remote_address = ""
    live = Live(shown.append)
    for _ in range(2):
        live.choose(connection)(Side.CLIENT, request())
    assert [re.sub(TIME + ".*", "", line) for line in shown] == ["unix socket #1", "unix socket #2"]


def test_what_a_peer_sends_reaches_no_terminal_as_it_is():
    wire = frame(TEXT, "\x1b[2J\n\u202e".encode())
    [line] = texts_of((Side.CLIENT, wire), at_handshake=False)
    assert "\\x1b[2J\\n\\u202e" in line and line.isprintable()


def test_bytes_may_come_in_any_cut():
    data = request() + frame(TEXT, b"Hello") + frame(BINARY, bytes(200))
    whole = texts_of((Side.CLIENT, data))
    assert len(whole) == 3
    assert texts_of(*((Side.CLIENT, data[i : i + 1]) for i in range(len(data)))) == whole


def test_5_2_a_frame_that_is_cut_off_is_shown_once_both_directions_have_ended():
    lines = texts_of(
        (Side.CLIENT, frame(TEXT, b"Hello")[:7]),
        (Side.CLIENT, b""),
        (Side.SERVER, b""),
        at_handshake=False,
    )
    assert lines.words[0] == "-> end of the stream"
    assert lines.words[1].startswith("-> text FIN masked 5") and "CUT OFF" in lines.words[1]
    assert lines.words[2:] == ["<- end of the stream"]


@pytest.mark.parametrize(
    ("data", "broken"),
    [
        (frame(TEXT, b"a"), False),
        (frame(TEXT, b"a", masked=0), True),
        (frame(TEXT, b"a")[:3], True),
    ],
)
def test_a_narration_knows_whether_a_rule_was_broken_or_a_frame_cut_off(data, broken):
    narration = Narration(at_handshake=False)
    narration.feed(0, Side.CLIENT, data)
    narration.finish(0)
    assert narration.broken is broken


def test_7_1_7_what_follows_a_violation_is_counted_and_not_explained():
    wire = frame(TEXT, b"unmasked", masked=0) + frame(TEXT, b"more")
    lines = texts_of(
        (Side.CLIENT, wire), (Side.CLIENT, b""), (Side.SERVER, b""), at_handshake=False
    )
    assert "VIOLATION §5.1" in lines[0]
    assert len(lines) == 4 and "not read" in lines.words[2]


def test_an_end_is_shown_once_and_bytes_after_it_never_left():
    after = [(Side.SERVER, b""), (Side.SERVER, frame(TEXT, b"x", masked=0)), (Side.SERVER, b"")]
    assert texts_of(*after, at_handshake=False).words == ["<- end of the stream"]


def test_no_handshake_is_shown_as_the_head_that_it_should_be():
    [line] = texts_of((Side.CLIENT, b"POST / HTTP/1.1\r\nHost: h\r\n\r\n"))
    assert "POST / HTTP/1.1" in line and "legal; hint: an ordinary" in line


# Blocks


def test_full_gives_the_block_of_the_explainer_after_a_line_with_the_time():
    wire = frame(TEXT, b"Hello")
    [item] = Conversation(at_handshake=False).feed(Side.CLIENT, wire)
    [text] = texts_of((Side.CLIENT, wire), name="peer", full=True, at_handshake=False)
    assert text == f"peer       0.0 ms\n{draw(item)}\n"


def test_colours_are_those_of_the_style():
    wire = frame(TEXT, b"a", masked=0)
    [line] = texts_of((Side.CLIENT, wire), style=Style(color=True), at_handshake=False)
    assert "\x1b[31m" in line and "\x1b" not in texts_of((Side.CLIENT, wire), at_handshake=False)[0]


# Output


@pytest.fixture
def pipe():
    """Both ends of a pipe: a descriptor to read from, and a file to write text to."""
    with ExitStack() as stack:
        receiving, sending = os.pipe()
        stack.callback(os.close, receiving)
        yield receiving, stack.enter_context(open(sending, "w", encoding="utf-8"))


def drain(descriptor):
    """What is in a pipe now."""
    os.set_blocking(descriptor, False)
    data = b""
    try:
        while piece := os.read(descriptor, 65536):
            data += piece
    except BlockingIOError:
        pass
    return data.decode()


def fill(output):
    """Show lines until the pipe takes no more; how many."""
    count = 0
    while not output._waiting:
        output.show(f"line {count}".ljust(1000, "."))
        count += 1
    return count


needs_poll = pytest.mark.skipif(not hasattr(select, "poll"), reason="this system cannot ask a pipe")


def test_a_text_goes_to_a_file_with_a_line_end_at_once(tmp_path):
    with open(tmp_path / "out", "w", encoding="utf-8") as file:
        Output(file).show("§ one\ntwo")
        assert (tmp_path / "out").read_text(encoding="utf-8") == "§ one\ntwo\n"


def test_where_nothing_can_be_asked_a_write_just_waits(tmp_path, monkeypatch):
    monkeypatch.delattr(select, "poll", raising=False)
    with open(tmp_path / "out", "w", encoding="ascii") as file:
        Output(file).show("§")
        assert (tmp_path / "out").read_text() == "\\xa7\n"


def test_a_file_in_memory_will_do():
    file = io.StringIO()
    Output(file).show("§")
    assert file.getvalue() == "§\n"


def test_what_the_encoding_lacks_is_escaped(tmp_path):
    with open(tmp_path / "out", "w", encoding="ascii") as file:
        Output(file).show("§")
    assert (tmp_path / "out").read_text() == "\\xa7\n"


@needs_poll
def test_a_pipe_that_no_one_reads_delays_no_one_for_long(pipe):
    receiving, sending = pipe
    output = Output(sending, timeout=0.01)
    count = fill(output)
    for _ in range(1000):
        output.show("left out")
    text = drain(receiving)
    output.show("read again")
    lines = (text + drain(receiving)).splitlines()
    assert lines[:count] == [f"line {number}".ljust(1000, ".") for number in range(count)]
    assert lines[count:] == ["(1000 left out, because no one read this)", "read again"]


@needs_poll
def test_lines_of_several_threads_are_whole_also_where_they_are_longer_than_a_pipe_takes_at_once(
    pipe, background
):
    receiving, sending = pipe
    output = Output(sending, timeout=60)
    texts = [str(number) * (3 * CHUNK_SIZE) for number in range(8)]
    threads = [
        background(lambda text=text: [output.show(text) for _ in range(20)]) for text in texts
    ]
    with open(os.dup(receiving), encoding="utf-8") as file:
        lines = [file.readline().rstrip("\n") for _ in range(160)]
    for thread in threads:
        thread.result()
    assert sorted(lines) == sorted(texts * 20)


@needs_poll
def test_a_broken_pipe_switches_the_trace_off_with_one_line_in_the_log_and_the_server_lives_on(
    serving, log
):
    receiving, sending = os.pipe()
    os.close(receiving)
    with open(sending, "w") as file:
        live = Live(Output(file).show)
        running = serving(echo, trace=live.choose)
        for _ in range(2):
            client = running.open()
            client.send_frame(TEXT, b"served")
            client.expect(TEXT, b"served")
            client.finish()
    warnings = [record.getMessage() for record in log.records if record.levelname == "WARNING"]
    assert len(warnings) == 1 and "the trace is off" in warnings[0]


def test_two_threads_that_find_the_output_broken_at_once_log_it_once(log):
    def show(text):
        if text == "outer":
            live.show("inner")
        raise BrokenPipeError

    live = Live(show)
    live.show("outer")
    assert [record.levelname for record in log.records] == ["WARNING"]
