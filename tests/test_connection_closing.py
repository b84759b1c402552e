"""RFC 6455 §5.5.1, §7.1: this side closes: `close`, `go_away`, `abort`."""

import itertools
import threading
from time import monotonic

import pytest

from connections import waiting
from refws import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK, State
from wire import (
    BINARY,
    CLOSE,
    DEADLINE_S,
    IN_TIME,
    MANY,
    PING,
    PONG,
    TEXT,
    Header,
    close_body,
    eventually,
    frame,
)

pytestmark = pytest.mark.transport("tcp", "unix", "tls")


@pytest.mark.rfc(
    "6455-7.1.2-01", "6455-7.1.3-01", "6455-7.1.4-01", "6455-7.3-03", "6455-7.4-01", "6455-7.1.1-05"
)
def test_7_1_2_close_sends_code_and_reason_and_waits_for_the_answer(background, opened):
    connection, peer = opened()
    assert connection.state is State.OPEN
    assert (connection.close_code, connection.close_reason) == (None, None)
    closing = background(connection.close, 4000, "good bye €")
    assert peer.receive() == (Header(1, 0, CLOSE, 0, 14), b"\x0f\xa0good bye \xe2\x82\xac")
    assert connection.state is State.CLOSING
    assert closing.thread.is_alive()
    peer.send_frame(CLOSE, close_body(4000))
    peer.expect_end()
    peer.close()
    closing.result()
    assert (connection.state, connection.close_code) == (State.CLOSED, 4000)


@pytest.mark.rfc("6455-7.4.1-02", "6455-7.4-01")
def test_7_4_1_the_default_code_is_1000_without_a_reason(opened):
    connection, peer = opened()
    peer.send_frame(CLOSE, close_body(1000))
    peer.half_close()
    connection.close()
    assert peer.receive() == (Header(1, 0, CLOSE, 0, 2), b"\x03\xe8")
    peer.expect_end()


@pytest.mark.rfc("6455-5.5.1-16", "6455-7.1.5-01", "6455-7.1.6-01")
def test_5_5_1_crossing_closes_are_one_handshake_and_the_peers_code_is_reported(opened):
    connection, peer = opened()
    peer.send_frame(CLOSE, close_body(4002, "theirs"))
    peer.half_close()
    connection.close(4001, "ours")
    peer.expect_close(4001, "ours")
    peer.expect_end()
    assert (connection.close_code, connection.close_reason) == (4002, "theirs")


def test_7_1_2_messages_that_arrive_while_close_waits_are_dropped(opened):
    connection, peer = opened()
    peer.send(frame(TEXT, b"dropped"), frame(TEXT, b"half", fin=0), frame(CLOSE, close_body(1000)))
    peer.half_close()
    connection.close()
    with pytest.raises(ConnectionClosedOK):
        connection.recv()


@pytest.mark.rfc("6455-5.5.2-02")
def test_5_5_2_a_ping_between_our_close_and_the_peers_is_still_answered(background, opened):
    """§5.5.2: a Pong MUST be sent "unless it already received a Close frame"; §5.5.1 forbids data
    frames only.
    """
    connection, peer = opened()
    closing = background(connection.close)
    peer.expect_close(1000)
    peer.send(frame(PING, b"not closed yet"), frame(CLOSE, close_body(1000)))
    try:
        peer.expect(PONG, b"not closed yet")
    finally:
        peer.close()
        closing.result()


@pytest.mark.rfc("6455-5.5.1-07", "6455-6.1-02")
def test_5_5_1_after_our_close_nothing_is_sent_and_send_raises(background, opened):
    connection, peer = opened()
    closing = background(connection.close)
    peer.expect_close(1000)
    for act in (
        lambda: connection.send("x"),
        lambda: connection.send(["x"]),
        connection.ping,
        connection.pong,
    ):
        with pytest.raises(ConnectionClosed, match="sent Close 1000"):
            act()
    peer.send_frame(CLOSE, close_body(1000))
    peer.expect_end()
    peer.close()
    closing.result()


def test_7_1_2_close_while_another_thread_receives_ends_both(background, opened):
    connection, peer = opened()
    receiving = background(connection.recv)
    assert waiting(connection)
    closing = background(connection.close, 1001)
    peer.expect_close(1001)
    peer.send_frame(CLOSE, close_body(1001))
    peer.expect_end()
    peer.close()
    closing.result()
    with pytest.raises(ConnectionClosedOK):
        receiving.result()


def test_7_1_2_recv_while_another_thread_closes_is_no_error(background, opened):
    """A handler that calls recv after another thread has called close gets the end of the
    connection, not a ConcurrencyError.
    """
    connection, peer = opened()
    closing = background(connection.close)
    peer.expect_close(1000)
    assert waiting(connection)
    try:
        with pytest.raises((ConnectionClosed, TimeoutError)):
            connection.recv(timeout=IN_TIME)
    finally:
        peer.send_frame(CLOSE, close_body(1000))
        peer.expect_end()
        peer.close()
        closing.result()


def test_7_1_2_a_message_on_its_way_reaches_the_receiver_while_another_thread_closes(
    background, opened
):
    connection, peer = opened()
    receiving = background(lambda: list(connection))
    assert waiting(connection)
    closing = background(connection.close)
    peer.expect_close(1000)
    peer.send(frame(TEXT, b"last words"), frame(CLOSE, close_body(1000)))
    peer.expect_end()
    peer.close()
    closing.result()
    assert receiving.result() == ["last words"]


@pytest.mark.rfc("6455-7.1.5-03", "6455-7.3-03")
def test_7_1_2_a_peer_that_never_answers_a_close_is_waited_for_until_the_deadline(opened):
    connection, peer = opened(close_timeout=IN_TIME)
    connection.close(4000, "bye")
    assert (connection.state, connection.close_code) == (State.CLOSED, 1006)
    with pytest.raises(
        ConnectionClosedError, match="received no Close, sent Close 4000 'bye', no Close in answer"
    ):
        connection.recv()
    peer.expect_close(4000)
    peer.expect_cut()


def test_7_1_2_a_peer_that_sends_on_instead_of_closing_is_cut_off_at_the_deadline(
    background, opened
):
    connection, peer = opened(close_timeout=IN_TIME)

    def flood():
        with pytest.raises(OSError):
            while True:
                peer.send_frame(BINARY, bytes(1000))

    flooding = background(flood)
    connection.close()
    assert (connection.state, connection.close_code) == (State.CLOSED, 1006)
    peer.cut()
    flooding.result()


def test_5_5_1_closing_twice_and_from_three_threads_sends_one_close(background, opened):
    connection, peer = opened()
    together = threading.Barrier(3, timeout=DEADLINE_S)

    def close():
        together.wait()
        connection.close(4000)

    closers = [background(close) for _ in range(3)]
    peer.expect_close(4000)
    peer.send_frame(CLOSE, close_body(4000))
    peer.expect_end()
    peer.close()
    for closer in closers:
        closer.result()
    connection.close()
    connection.close(1001, "again")


@pytest.mark.rfc(
    "6455-7.4.1-06", "6455-7.4.1-08", "6455-7.4.1-16", "6455-7.4.2-01", "6455-7.4.2-02"
)
@pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65536])
def test_7_4_a_code_that_must_not_be_sent_is_refused_and_the_connection_stays_open(opened, code):
    connection, peer = opened()
    with pytest.raises(ValueError, match=rf"§7\.4: close code {code} "):
        connection.close(code)
    connection.send("still open")
    peer.expect(TEXT, b"still open")


@pytest.mark.rfc("6455-7.4.1-07")
def test_7_4_1_close_refuses_1005(opened):
    connection, _ = opened(close_timeout=IN_TIME)
    with pytest.raises(ValueError, match=r"§7\.4"):
        connection.close(1005)
    assert connection.state is State.OPEN


@pytest.mark.rfc("6455-5.5.1-04")
def test_5_5_1_a_reason_of_124_bytes_is_refused_and_of_123_sent(opened):
    connection, peer = opened()
    with pytest.raises(ValueError, match=r"§5\.5\.1: a reason of 124 bytes"):
        connection.close(1000, "€" * 41 + "x")
    assert connection.state is State.OPEN
    peer.send_frame(CLOSE, close_body(1000))
    peer.half_close()
    connection.close(1000, "€" * 41)
    peer.expect_close(1000, "€" * 41)


def test_abort_ends_without_a_close_and_wakes_the_receiver_with_its_cause(background, opened):
    connection, peer = opened()
    receiving = background(connection.recv)
    assert waiting(connection)
    connection.abort("no more of this")
    with pytest.raises(
        ConnectionClosedError, match="received no Close, sent no Close, no more of this"
    ):
        receiving.result()
    peer.expect_cut()


def test_close_after_an_abort_just_ends(opened):
    connection, peer = opened()
    connection.abort()
    connection.close()
    assert (connection.state, connection.close_code) == (State.CLOSED, 1006)
    peer.expect_cut()


# A server that shuts down


def test_go_away_never_waits_for_a_writer(background, opened):
    connection, peer = opened()
    sending = background(connection.send, bytes(MANY))
    assert eventually(lambda: connection._stream._write_deadline is not None)
    assert not connection.go_away()
    assert len(peer.receive()[1]) == MANY
    sending.result()
    assert connection.go_away()
    peer.expect_close(1001)


@pytest.mark.rfc("6455-7.4.1-03", "6455-7.3-01")
def test_7_4_1_go_away_sends_1001_without_waiting(opened):
    connection, peer = opened()
    assert connection.go_away()
    assert connection.go_away()
    peer.expect_close(1001)
    peer.send_frame(CLOSE, close_body(1001))
    peer.half_close()
    with pytest.raises(ConnectionClosedOK):
        connection.recv()
    peer.expect_end()


def test_go_away_can_be_tried_again_where_there_is_no_room_for_a_close(opened, monkeypatch):
    """A peer that only reads slowly gets its Close, and all that was sent before."""
    connection, peer = opened()
    with monkeypatch.context() as patched:
        patched.setattr(type(connection._stream), "try_write", lambda self, *data: False)
        assert not connection.go_away()
    assert connection.state is State.OPEN
    assert connection.go_away()
    peer.expect_close(1001)


@pytest.mark.parametrize("fragments", [False, True])
def test_go_away_gets_its_close_in_though_a_thread_sends_without_a_pause(
    opened, background, fragments
):
    connection, peer = opened()
    forever = itertools.repeat("x")

    def push():
        with pytest.raises(ConnectionClosed):
            connection.send(forever) if fragments else [connection.send(one) for one in forever]

    pushing = background(push)
    reading = background(lambda: [None for _ in iter(lambda: peer.receive()[0].opcode, CLOSE)])
    assert eventually(lambda: connection._stream.writes > 0)
    assert eventually(connection.go_away)
    pushing.result()
    reading.result()


def test_a_send_goes_on_if_go_away_is_not_tried_again(opened):
    connection, peer = opened()
    with connection._sender._lock:
        trying = threading.Thread(target=connection.go_away)
        trying.start()
        trying.join()
    connection.send("next")
    connection.ping(b"next")
    peer.expect(TEXT, b"next")
    peer.expect(PING, b"next")


def test_go_away_ends_a_broken_connection(opened):
    connection, _ = opened()
    connection._stream.half_close()
    assert connection.go_away()
    with pytest.raises(ConnectionClosedError):
        connection.recv()


@pytest.mark.rfc("6455-7.2.2-01")
def test_7_2_2_go_away_during_the_opening_handshake_sends_no_close(opened):
    connection, peer = opened(connecting=True)
    assert connection.go_away()
    peer.expect_cut()
    assert connection.state is State.CONNECTING


def test_7_1_2_close_keeps_its_time_though_another_thread_is_blocked_in_a_send(opened, background):
    connection, _ = opened(close_timeout=IN_TIME, send_timeout=DEADLINE_S * 10)
    sending = background(connection.send, bytes(MANY))
    assert eventually(lambda: connection._stream._write_deadline is not None)
    background(connection.close).result()
    assert connection.state is State.CLOSED
    with pytest.raises(ConnectionClosedError):
        sending.result()


def test_7_1_7_the_broken_rule_is_the_reason_though_the_close_timeout_passes_first(opened):
    connection, peer = opened(close_timeout=IN_TIME)
    peer.send(b"\x83\x80\0\0\0\0")
    with pytest.raises(ConnectionClosedError, match=r"§5\.2: reserved opcode 0x3"):
        connection.recv()


def test_a_close_that_comes_too_late_leaves_no_timer(opened, timers, monkeypatch):
    connection, peer = opened()

    def end_then_tell_the_time():
        monkeypatch.undo()
        peer.cut()
        with pytest.raises(ConnectionClosed):
            connection.recv()
        return monotonic()

    monkeypatch.setattr("refws.endpoint.sending.monotonic", end_then_tell_the_time)
    connection.close()
    left = [timer for of_a_time in timers._schedule._timers.values() for timer in of_a_time]
    assert [timer.function for timer in left if timer.function] == []
