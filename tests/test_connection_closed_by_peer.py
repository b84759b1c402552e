"""RFC 6455 §5.5.1, §7.1: the peer starts the closing handshake, or ends the stream without one."""

import pytest

from connections import EURO, waiting
from refws import ConnectionClosedError, ConnectionClosedOK, State
from wire import CLOSE, MANY, PING, TEXT, close_body, frame

pytestmark = pytest.mark.transport("tcp", "unix", "tls")


@pytest.mark.rfc(
    "6455-5.5.1-08",
    "6455-5.5.1-09",
    "6455-5.5.1-12",
    "6455-5.5.1-13",
    "6455-7.1.1-03",
    "6455-7.1.2-02",
)
@pytest.mark.rfc(
    "6455-7.4.1-01",
    "6455-7.4.2-03",
    "6455-7.4.2-04",
    "6455-7.1.5-01",
    "6455-7.1.6-01",
    "6455-5.5.1-03",
)
@pytest.mark.parametrize(
    "code",
    [
        1000,
        1001,
        1002,
        1003,
        1007,
        1008,
        1009,
        1010,
        1011,
        1012,
        1013,
        1014,
        3000,
        3999,
        4000,
        4999,
    ],
)
def test_5_5_1_a_close_is_answered_with_its_code_and_the_server_ends_tcp_first(
    background, opened, code
):
    connection, peer = opened()
    receiving = background(connection.recv)
    peer.send_frame(CLOSE, close_body(code, "good bye €"))
    peer.expect_close(code)
    peer.expect_end()
    peer.close()
    with pytest.raises(
        ConnectionClosedOK if code in (1000, 1001) else ConnectionClosedError
    ) as raised:
        receiving.result()
    assert (raised.value.rcvd.code, raised.value.rcvd.reason) == (code, "good bye €")
    assert raised.value.sent.code == code
    assert (connection.close_code, connection.close_reason, connection.state) == (
        code,
        "good bye €",
        State.CLOSED,
    )


@pytest.mark.rfc("6455-7.1.1-01")
def test_7_1_1_the_answer_to_a_close_arrives_although_the_peer_is_still_sending(background, opened):
    """Bytes that are not read when TCP ends become a reset, which would eat the Close."""
    connection, peer = opened()

    def close_and_flood():
        peer.send(frame(CLOSE, close_body(1000)), bytes(MANY))
        peer.half_close()

    flooding = background(close_and_flood)
    with pytest.raises(ConnectionClosedOK):
        connection.recv()
    flooding.result()
    peer.expect_close(1000)
    peer.expect_end()


@pytest.mark.rfc("6455-5.5.1-01", "6455-7.1.5-02", "6455-7.1.6-02", "6455-7.4.1-07")
def test_5_5_1_an_empty_close_is_answered_with_an_empty_one_and_reported_as_1005(opened):
    connection, peer = opened()
    peer.send_frame(CLOSE)
    peer.half_close()
    with pytest.raises(ConnectionClosedOK):
        connection.recv()
    peer.expect_close(None)
    peer.expect_end()
    assert (connection.close_code, connection.close_reason) == (1005, "")


@pytest.mark.rfc("6455-5.5.1-03", "6455-7.1.6-01", "6455-7.1.6-02")
@pytest.mark.parametrize("reason", ["", "x" * 123, "€" * 41])
def test_5_5_1_reasons_up_to_123_bytes_are_reported(opened, reason):
    connection, peer = opened()
    peer.send_frame(CLOSE, close_body(4000, reason))
    peer.half_close()
    with pytest.raises(ConnectionClosedError):
        connection.recv()
    assert connection.close_reason == reason


@pytest.mark.rfc(
    "6455-5.5.1-02",
    "6455-5.5.1-04",
    "6455-7.4.1-06",
    "6455-7.4.1-07",
    "6455-7.4.1-08",
    "6455-7.4.1-16",
)
@pytest.mark.rfc("6455-7.4.2-01", "6455-7.4.2-02", "6455-7.4.2-04")
@pytest.mark.parametrize(
    "body, answer",
    [
        (b"\x03", 1002),
        *(
            (close_body(code), 1002)
            for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
        ),
        (close_body(1000) + b"\xff", 1007),
        (close_body(1000) + EURO[:2], 1007),
        (close_body(1000) + b"\xed\xa0\x80", 1007),
    ],
)
def test_5_5_1_a_close_that_breaks_a_rule_fails_the_connection(opened, body, answer):
    connection, peer = opened()
    peer.send_frame(CLOSE, body)
    peer.half_close()
    with pytest.raises(ConnectionClosedError):
        connection.recv()
    peer.expect_close(answer)
    peer.expect_end()
    assert connection.close_code == 1006


@pytest.mark.rfc("6455-1.4-01", "6455-5.5.2-02", "6455-5.5.1-08", "6455-5.5.1-07")
def test_1_4_nothing_after_a_received_close_is_looked_at(opened):
    connection, peer = opened()
    peer.send(
        frame(CLOSE, close_body(1000)),
        frame(TEXT, b"late"),
        frame(PING, b"late"),
        frame(CLOSE, close_body(4000)),
    )
    peer.half_close()
    with pytest.raises(ConnectionClosedOK):
        connection.recv()
    peer.expect_close(1000)
    peer.expect_end()
    with pytest.raises(ConnectionClosedOK):
        connection.recv()
    assert connection.close_code == 1000


@pytest.mark.rfc("6455-5.5.1-07", "6455-6.1-02")
def test_5_5_1_after_the_end_every_method_raises_what_ended_the_connection(opened):
    connection, peer = opened()
    peer.send_frame(CLOSE, close_body(4321, "enough"))
    peer.half_close()
    with pytest.raises(ConnectionClosedError):
        connection.recv()
    for act in (
        connection.recv,
        lambda: connection.recv(timeout=0),
        lambda: next(connection.recv_streaming()),
        lambda: connection.send("x"),
        lambda: connection.send(["x"]),
        connection.ping,
        connection.pong,
    ):
        with pytest.raises(
            ConnectionClosedError, match="received Close 4321 'enough', sent Close 4321"
        ):
            act()
    connection.close()
    peer.expect_close(4321)
    peer.expect_end()


def test_5_4_a_close_in_the_middle_of_a_fragmented_message_is_answered(opened):
    connection, peer = opened()
    peer.send(frame(TEXT, b"half of it", fin=0), frame(CLOSE, close_body(1001)))
    peer.half_close()
    with pytest.raises(ConnectionClosedOK):
        connection.recv()
    peer.expect_close(1001)


@pytest.mark.rfc("6455-7.1.5-03", "6455-7.1.4-01", "6455-7.1.6-02")
@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\x81",
        b"\x81\xfe\0",
        b"\x81\x85\1\2",
        frame(TEXT, b"cut")[:-1],
        frame(TEXT, b"a", fin=0),
        b"\x88\x82",
    ],
    ids=[
        "nothing",
        "half a header",
        "half a length",
        "half a key",
        "half a payload",
        "half a message",
        "half a Close",
    ],
)
def test_7_1_5_tcp_that_ends_without_a_close_is_reported_as_1006(opened, sent):
    connection, peer = opened()
    peer.send(sent)
    peer.half_close()
    with pytest.raises(ConnectionClosedError) as raised:
        connection.recv()
    assert (raised.value.rcvd, raised.value.sent) == (None, None)
    assert "the stream ended" in raised.value.cause
    assert (connection.close_code, connection.close_reason, connection.state) == (
        1006,
        "",
        State.CLOSED,
    )
    peer.expect_cut()


@pytest.mark.rfc("6455-7.1.5-03", "6455-7.1.4-01")
def test_7_1_5_a_reset_is_reported_as_1006(background, opened):
    connection, peer = opened()
    receiving = background(connection.recv)
    assert waiting(connection)
    peer.reset()
    with pytest.raises(ConnectionClosedError, match="received no Close, sent no Close"):
        receiving.result()
    assert connection.close_code == 1006


def test_7_1_5_a_pong_into_a_reset_connection_is_reported_as_1006(monkeypatch, opened):
    connection, peer = opened()

    def broken(stream, *data):
        stream.abort("broken by the test")
        raise ConnectionResetError("broken by the test")

    monkeypatch.setattr(type(connection._stream), "try_write", broken)
    peer.send_frame(PING)
    with pytest.raises(ConnectionClosedError, match="broken by the test"):
        connection.recv()
    assert connection.close_code == 1006


@pytest.mark.rfc("6455-7.1.2-02")
@pytest.mark.parametrize("pings", [1, 3])
def test_7_1_2_what_has_arrived_is_delivered_though_its_pings_can_no_longer_be_answered(
    opened, pings
):
    """The peer has sent Pings, a message and a Close, and is gone: its last words still count."""
    connection, peer = opened()
    last_words = frame(TEXT, b"last words") + frame(CLOSE, close_body(1000, "bye"))
    peer.send(pings * frame(PING, b"?") + last_words)
    peer.close()
    assert connection.recv() == "last words"
    with pytest.raises(ConnectionClosedOK):
        connection.recv()
    assert (connection.close_code, connection.close_reason) == (1000, "bye")
