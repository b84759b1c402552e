"""RFC 6455 §5.5.2, §5.5.3: Ping, Pong and the heartbeat of one connection."""

import logging
import threading

import pytest

from connections import EURO, NoRoom
from refws import ConcurrencyError, ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from refws.endpoint import heartbeat
from wire import (
    CLOSE,
    CONT,
    DEADLINE_S,
    IN_TIME,
    MANY,
    PING,
    PONG,
    SOON_S,
    TEXT,
    Header,
    close_body,
    eventually,
    frame,
)

pytestmark = pytest.mark.transport("tcp", "unix", "tls")


@pytest.mark.rfc("6455-5.5.2-01", "6455-5.5.2-02", "6455-5.5.3-01", "6455-6.2-03")
@pytest.mark.parametrize("payload", [b"", b"text", b"\xff\0\x80", bytes(125)])
def test_5_5_3_a_ping_is_answered_by_a_pong_with_the_same_payload(opened, payload):
    connection, peer = opened()
    peer.send(frame(PING, payload), frame(TEXT, b"next"))
    assert connection.recv() == "next"
    peer.expect(PONG, payload)


def test_5_5_2_a_muted_connection_answers_no_ping_until_it_is_not_muted_any_longer(opened):
    connection, peer = opened()
    connection.muted = True
    peer.send(frame(PING, b"1"), frame(TEXT, b"muted"))
    assert (connection.recv(), connection.muted) == ("muted", True)
    connection.muted = False
    peer.send(frame(PING, b"2"), frame(TEXT, b"not muted"))
    assert connection.recv() == "not muted"
    peer.expect(PONG, b"2")


@pytest.mark.rfc("6455-5.4-05", "6455-5.4-10", "6455-5.5.2-03")
def test_5_4_a_ping_between_fragments_is_answered_before_the_message_ends(background, opened):
    connection, peer = opened()
    receiving = background(connection.recv)
    peer.send(frame(TEXT, b"a", fin=0), frame(PING, b"1"))
    peer.expect(PONG, b"1")
    peer.send(frame(PING, b"2"), frame(PONG, b"unasked"), frame(CONT, b"b"))
    peer.expect(PONG, b"2")
    assert receiving.result() == "ab"


@pytest.mark.rfc("6455-5.5.3-04", "6455-5.5.3-03")
def test_5_5_3_an_unsolicited_pong_is_ignored_and_not_answered(opened):
    connection, peer = opened()
    peer.send(frame(PONG, b"unasked"), frame(PONG), frame(PING, b"asked"), frame(TEXT, b"next"))
    assert connection.recv() == "next"
    peer.expect(PONG, b"asked")
    assert connection.latency == 0


@pytest.mark.rfc("6455-5.5.3-01")
def test_5_5_3_the_pong_sets_the_event_of_its_ping_and_the_latency(opened):
    connection, peer = opened()
    answered = connection.ping("data €")
    peer.expect(PING, "data €".encode())
    assert not answered.is_set()
    peer.send(frame(PONG, "data €".encode()), frame(TEXT))
    connection.recv()
    assert answered.is_set()
    assert 0 < connection.latency < SOON_S


@pytest.mark.rfc("6455-5.5.3-02")
def test_5_5_3_a_pong_acknowledges_the_earlier_pings_too(opened):
    connection, peer = opened()
    events = [connection.ping(data) for data in (b"1", b"2", b"3")]
    peer.send(frame(PONG, b"2"), frame(TEXT))
    connection.recv()
    assert [event.is_set() for event in events] == [True, True, False]


def test_5_5_3_the_end_of_the_connection_releases_a_thread_that_waits_for_a_pong(
    background, opened
):
    connection, peer = opened()
    never_answered = connection.ping()
    peer.close()
    with pytest.raises(ConnectionClosed):
        connection.recv()
    assert never_answered.is_set()
    assert connection.latency == 0


@pytest.mark.rfc("6455-5.5.2-01", "6455-5.1-04")
def test_5_5_2_pings_without_data_of_their_own_differ(opened):
    connection, peer = opened()
    for _ in range(3):
        connection.ping()
    payloads = {peer.receive()[1] for _ in range(3)}
    assert len(payloads) == 3 and all(payloads)


def test_5_5_2_a_second_ping_with_the_data_of_one_that_waits_is_refused(opened):
    connection, peer = opened()
    connection.ping(b"same")
    with pytest.raises(ConcurrencyError, match="same data"):
        connection.ping(b"same")
    connection.ping(b"other")
    peer.expect(PING, b"same")
    peer.expect(PING, b"other")


@pytest.mark.parametrize("data", [3, [1, 2], 1.5, True])
def test_5_5_2_a_ping_or_pong_carries_text_or_bytes_and_nothing_else(opened, data):
    connection, peer = opened()
    for send in (connection.ping, connection.pong):
        with pytest.raises(TypeError, match="use str or bytes"):
            send(data)
    connection.ping(bytearray(b"a"))
    peer.expect(PING, b"a")


def test_5_5_2_a_ping_that_could_not_be_sent_waits_for_no_pong(opened):
    """Each attempt says that the connection is closed: the first has not kept its data."""
    connection, peer = opened()
    peer.send_frame(CLOSE, close_body(1000))
    peer.half_close()
    with pytest.raises(ConnectionClosedOK):
        connection.recv()
    for _ in range(2):
        with pytest.raises(ConnectionClosedOK):
            connection.ping(b"same")


@pytest.mark.rfc("6455-5.5-02")
@pytest.mark.parametrize(
    "longest, payload", [(bytes(125), bytes(125)), ("€" * 41 + "ab", EURO * 41 + b"ab")]
)
def test_5_5_126_bytes_are_refused_for_a_ping_and_a_pong_and_125_are_not(opened, longest, payload):
    connection, peer = opened()
    for method, opcode in ((connection.ping, PING), (connection.pong, PONG)):
        with pytest.raises(ValueError, match=r"§5\.5: 126 bytes"):
            method(longest + longest[-1:])
        method(longest)
        peer.expect(opcode, payload)


@pytest.mark.rfc("6455-5.5.3-03")
def test_5_5_3_a_pong_can_be_sent_unasked(opened):
    connection, peer = opened()
    connection.pong()
    connection.pong("heart")
    peer.expect(PONG)
    peer.expect(PONG, b"heart")


# Heartbeat


@pytest.mark.rfc("6455-5.5.2-04")
def test_5_5_2_the_heartbeat_sends_pings_and_their_pongs_give_the_latency(background, opened):
    connection, peer = opened(ping_interval=IN_TIME)
    receiving = background(connection.recv)
    payloads = []
    for _ in range(2):
        header, payload = peer.receive()
        assert header == Header(1, 0, PING, 0, len(payload))
        peer.send_frame(PONG, payload)
        payloads.append(payload)
    peer.send_frame(TEXT, b"end")
    assert receiving.result() == "end"
    assert payloads[0] != payloads[1]
    assert 0 < connection.latency < SOON_S


def test_5_5_2_a_silent_peer_is_given_up_and_recv_says_why(monkeypatch, opened, log):
    monkeypatch.setattr(heartbeat, "SECOND_LOOK", IN_TIME)
    connection, peer = opened(ping_interval=IN_TIME, ping_timeout=IN_TIME)
    with pytest.raises(
        ConnectionClosedError, match=r"nothing received for 0\.05 s after a Ping"
    ) as raised:
        connection.recv()
    assert raised.value.sent.code == 1011
    assert connection.close_code == 1006
    frames = []
    while (received := peer.receive())[0].opcode != CLOSE:
        frames.append(received[0].opcode)
    assert set(frames) == {PING}
    assert received[1].startswith(close_body(1011))
    peer.expect_cut()
    assert log.messages == [
        "192.0.2.1:5: given up, §5.5.2: nothing received for 0.05 s after a Ping"
    ]


def test_5_5_2_a_peer_with_no_room_for_a_ping_is_given_up_and_recv_says_why(opened):
    connection, _ = opened(wrap=NoRoom, ping_interval=IN_TIME, ping_timeout=IN_TIME)
    with pytest.raises(
        ConnectionClosedError, match=r"no Ping could be sent for 0\.05 s; the peer does not read"
    ):
        connection.recv()
    assert connection.close_code == 1006


def test_5_5_2_a_silent_peer_is_given_up_though_a_send_to_it_is_blocked(
    monkeypatch, background, opened
):
    """The timer thread must not wait for the writer, so it sends no Close."""
    monkeypatch.setattr(heartbeat, "SECOND_LOOK", 0.2)
    connection, peer = opened(ping_interval=IN_TIME, ping_timeout=IN_TIME)
    receiving = background(connection.recv)
    assert peer.receive()[0].opcode == PING
    sending = background(connection.send, bytes(MANY))
    for thread in (sending, receiving):
        with pytest.raises(ConnectionClosedError, match="nothing received") as raised:
            thread.result()
        assert raised.value.sent is None


def test_5_5_1_the_heartbeat_sends_no_ping_after_our_close(opened):
    connection, peer = opened(ping_interval=0.02, close_timeout=0.1)
    connection.close()
    while (received := peer.receive()[0].opcode) == PING:
        pass
    assert received == CLOSE
    peer.expect_cut()


def test_a_ping_of_the_heartbeat_into_a_broken_stream_aborts_it(opened):
    connection, _ = opened()
    connection._stream.half_close()
    assert connection._sender.try_ping(b"ping") is None
    with pytest.raises(ConnectionClosedError):
        connection.recv()
    assert connection.close_code == 1006


def test_a_log_that_waits_does_not_stop_the_timer_thread(opened, background, monkeypatch):
    """The thread that receives logs that a peer was given up; the timer thread goes on."""
    monkeypatch.setattr(heartbeat, "SECOND_LOOK", IN_TIME)

    class Waiting(logging.Handler):
        def emit(self, record):
            in_log.append(threading.current_thread().name)
            assert go_on.wait(DEADLINE_S)

    in_log, go_on = [], threading.Event()
    logger = logging.getLogger("a log that waits")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(Waiting())
    connection, _ = opened(ping_interval=IN_TIME, ping_timeout=IN_TIME, logger=logger)
    receiving = background(connection.recv)
    assert eventually(lambda: in_log)
    called = threading.Event()
    connection._timers.call_at(0, lambda now: called.set())
    assert called.wait(DEADLINE_S)
    go_on.set()
    with pytest.raises(ConnectionClosedError, match="nothing received"):
        receiving.result()
    assert "timers" not in in_log[0]
