"""The trace of a connection: every byte as it is on the wire, in order, and never a harm to the
connection.
"""

import threading

import pytest

from connections import NoRoom
from refws import ConnectionClosed
from refws.protocol.frame import Side
from wire import (
    BINARY,
    CLOSE,
    DEADLINE_S,
    PING,
    TEXT,
    close_body,
    eventually,
    frame,
    request,
)

pytestmark = pytest.mark.transport("tcp", "unix", "tls")


class Notes:
    """A trace that keeps what it gets: the bytes of each side, and whether it was told of their
    end.
    """

    def __init__(self):
        self.bytes = {Side.CLIENT: b"", Side.SERVER: b""}
        self.ended = set()

    def __call__(self, sender, data):
        self.bytes[sender] += data
        if not data:
            self.ended.add(sender)


def echo(connection):
    for message in connection:
        connection.send(message)


def test_every_byte_of_both_sides_is_traced_from_the_first_to_the_last(serving):
    notes = Notes()
    running = serving(echo, trace=lambda connection: notes)
    client = running.connect()
    sent = [request(), frame(TEXT, b"Hello"), frame(PING, b"p"), frame(BINARY, bytes(300_000))]
    client.send(*sent)
    assert client.receive_head()[0] == 101
    client.expect(TEXT, b"Hello")
    client.expect(0xA, b"p")
    client.expect(BINARY, bytes(300_000))
    client.finish()
    client.close()
    assert eventually(lambda: not running.server.all_connections)
    assert notes.bytes[Side.CLIENT] == b"".join(sent) + frame(CLOSE, close_body(1000))
    head, _, frames = notes.bytes[Side.SERVER].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    long = frame(BINARY, bytes(300_000), masked=0)
    assert frames == b"\x81\x05Hello\x8a\x01p" + long + b"\x88\x02\x03\xe8"
    assert notes.ended == {Side.CLIENT, Side.SERVER}


def test_what_breaks_the_rules_is_traced_too(serving):
    notes = Notes()
    running = serving(echo, trace=lambda connection: notes)
    client = running.connect()
    client.send(request(), b"\xff\xff and more")
    client.receive_head()
    client.expect_close(1002)
    client.close()
    assert eventually(lambda: not running.server.all_connections)
    assert notes.bytes[Side.CLIENT] == request() + b"\xff\xff and more"


def test_a_ping_of_the_heartbeat_is_traced(opened):
    connection, peer = opened(ping_interval=0.02)
    notes = Notes()
    connection.trace = notes
    header, payload = peer.receive()
    assert header.opcode == PING
    assert eventually(lambda: notes.bytes[Side.SERVER].startswith(b"\x89\x04" + payload))


@pytest.mark.transport("tcp", "unix", reason="what TLS has encrypted is sent later")
def test_a_ping_that_does_not_fit_is_not_traced(opened, monkeypatch):
    """What a trace shows was on the wire."""
    connection, _ = opened(wrap=NoRoom)
    monkeypatch.setattr(type(connection._stream), "has_room", False)
    notes = Notes()
    connection.trace = notes
    assert connection._sender.try_ping(b"ping") is False
    assert not connection.go_away()
    connection.abort()
    with pytest.raises(ConnectionClosed):
        connection.recv()
    assert notes.bytes[Side.SERVER] == b""


def test_no_message_overtakes_a_ping_on_its_way_to_the_trace(opened, background):
    """The thread that passes the Ping is slow; the message was sent after it."""
    connection, peer = opened()
    seen, in_tap, go_on = [], threading.Event(), threading.Event()

    def slow(side, data):
        if data == b"\x89\x04ping":
            in_tap.set()
            assert go_on.wait(DEADLINE_S)
        seen.append(data)

    connection.trace = slow
    assert connection._sender.try_ping(b"ping")
    assert in_tap.wait(DEADLINE_S)
    background(connection.send, "after").result()
    peer.expect(PING, b"ping")
    peer.expect(TEXT, b"after")
    assert seen == []
    go_on.set()
    assert eventually(lambda: seen == [b"\x89\x04ping", b"\x81\x05after"])


def test_a_trace_that_sends_stops_no_other_thread(opened, background):
    connection, peer = opened()
    in_tap, go_on, answers = threading.Event(), threading.Event(), []

    def answering(side, data):
        if data == b"\x89\x04ping":
            in_tap.set()
            assert go_on.wait(DEADLINE_S)
            connection.send("from the trace")
            answers.append(data)

    connection.trace = answering
    assert connection._sender.try_ping(b"ping")
    assert in_tap.wait(DEADLINE_S)
    sending = background(lambda: [connection.send("x") for _ in range(100)])
    go_on.set()
    sending.result()
    assert eventually(lambda: answers)
    assert peer.receive()[0].opcode == PING


def test_a_trace_that_raises_is_logged_and_dropped_and_the_connection_lives_on(opened, log):
    def broken(sender, data):
        raise RuntimeError("a mistake in the trace")

    connection, peer = opened()
    connection.trace = broken
    peer.send_frame(TEXT, b"one")
    assert connection.recv() == "one"
    assert connection.trace is None
    connection.send("two")
    peer.expect(TEXT, b"two")
    assert [record.levelname for record in log.records] == ["ERROR"]
    assert "the trace failed, and is off now" in log.text and "a mistake in the trace" in log.text


def test_a_trace_may_be_taken_away(opened):
    connection, peer = opened()
    notes = Notes()
    connection.trace = notes
    connection.trace = None
    connection.send("unseen")
    peer.expect(TEXT, b"unseen")
    assert notes.bytes[Side.SERVER] == b""


def test_a_trace_replaces_another_without_a_moment_that_no_trace_sees(opened, monkeypatch):
    """Another thread may send in that moment."""
    connection, peer = opened()
    connection.trace = Notes()
    stream, set_to = type(connection._stream), []
    real = stream.set_tap
    monkeypatch.setattr(
        stream, "set_tap", lambda self, *taps: (set_to.append(taps[0]), real(self, *taps))[1]
    )
    connection.trace = notes = Notes()
    connection.send("seen")
    peer.expect(TEXT, b"seen")
    assert set_to and None not in set_to
    assert notes.bytes[Side.SERVER] == b"\x81\x04seen"


def test_a_trace_may_end_itself(opened):
    """As one does that learns from the request that it is not to look at this connection."""
    connection, peer = opened()
    seen = []

    def once(sender, data):
        seen.append(data)
        connection.trace = None

    connection.trace = once
    connection.send("one")
    connection.send("two")
    peer.expect(TEXT, b"one")
    peer.expect(TEXT, b"two")
    assert seen == [b"\x81\x03one"]


@pytest.mark.parametrize("mistake", [False, True])
def test_a_connection_without_a_chosen_trace_is_served_like_any_other(serving, log, mistake):
    def choose(connection):
        if mistake:
            raise RuntimeError("a mistake in the choice")

    client = serving(echo, trace=choose).open()
    client.send_frame(TEXT, b"served")
    client.expect(TEXT, b"served")
    client.finish()
    assert ("a mistake in the choice" in log.text) == mistake


@pytest.mark.parametrize("side", Side)
def test_who_sends_is_told_by_its_side(opened, side):
    connection, peer = opened(side=side)
    notes = Notes()
    connection.trace = notes
    wire = frame(TEXT, b"in", masked=side is Side.SERVER)
    peer.send(wire)
    assert connection.recv() == "in"
    connection.pong(b"")
    assert notes.bytes[side.peer] == wire
    assert len(notes.bytes[side]) == (2 if side is Side.SERVER else 6)


# Several taps


def test_a_tap_that_returns_false_is_dropped_and_the_others_stay(opened):
    connection, peer = opened()
    seen, dropped = [], []
    connection.add_tap(lambda side, data: seen.append(data))
    connection.add_tap(lambda side, data: dropped.append(data) is not None)
    for text in ("one", "two"):
        connection.send(text)
        peer.expect(TEXT, text.encode())
    assert seen == [b"\x81\x03one", b"\x81\x03two"]
    assert dropped == [b"\x81\x03one"]


def test_a_tap_that_raises_is_dropped_alone(opened, log):
    def broken(side, data):
        raise RuntimeError("a mistake in the tap")

    connection, peer = opened()
    seen = []
    connection.add_tap(broken)
    connection.add_tap(lambda side, data: seen.append(data))
    for text in ("one", "two"):
        connection.send(text)
        peer.expect(TEXT, text.encode())
    assert seen == [b"\x81\x03one", b"\x81\x03two"]
    assert log.text.count("RuntimeError: a mistake in the tap") == 1


def test_a_connection_whose_last_tap_is_gone_passes_no_bytes_on(opened):
    """So that it is as fast as one that was never watched."""
    connection, peer = opened()
    connection.add_tap(lambda side, data: False)
    connection.send("x")
    peer.expect(TEXT, b"x")
    assert connection.trace is None
    assert connection._stream._tap is None


def test_each_of_several_choices_may_give_a_tap_and_one_that_raises_harms_no_other(serving, log):
    def broken(connection):
        raise RuntimeError("a mistake in the choice")

    notes = [Notes(), Notes()]
    choices = [broken, lambda connection: notes[0], lambda _: None, lambda connection: notes[1]]
    client = serving(echo, trace=choices).open()
    client.send_frame(TEXT, b"both")
    client.expect(TEXT, b"both")
    client.finish()
    assert notes[0].bytes[Side.SERVER] == notes[1].bytes[Side.SERVER] != b""
    assert log.text.count("RuntimeError: a mistake in the choice") == 1


# Taps that wait, or send


def test_a_tap_that_waits_does_not_stop_the_timer_thread(opened):
    """Pings of the heartbeat are sent by it, and reach the taps in another thread."""
    connection, peer = opened(ping_interval=0.02)
    in_tap, go_on = threading.Event(), threading.Event()

    def tap(side, data):
        if data[:1] == b"\x89":
            in_tap.set()
            assert go_on.wait(DEADLINE_S)

    connection.add_tap(tap)
    try:
        assert in_tap.wait(DEADLINE_S)
        called = threading.Event()
        connection._timers.call_at(0, lambda now: called.set())
        assert called.wait(DEADLINE_S)
    finally:
        go_on.set()
        connection.abort()
    assert peer.receive()[0].opcode == PING


def test_a_tap_that_sends_on_what_is_sent_is_an_error_of_the_tap(opened, log):
    """It would write into the middle of a frame; so it is logged, and the tap is dropped."""
    connection, peer = opened()
    connection.add_tap(lambda side, data: connection.send("inside"))
    connection.send("one")
    connection.send("two")
    peer.expect(TEXT, b"one")
    peer.expect(TEXT, b"two")
    assert "a write inside a write of the same thread" in log.text


def test_a_tap_that_sends_on_what_arrives_may_do_so(opened):
    connection, peer = opened()

    def tap(side, data):
        if data[:1] == b"\x81" and side is Side.CLIENT:
            connection.send("seen")

    connection.add_tap(tap)
    peer.send_frame(TEXT, b"hello")
    assert connection.recv() == "hello"
    peer.expect(TEXT, b"seen")
