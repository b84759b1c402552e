"""RFC 6455 §7.1.7, §10.4: a broken rule or limit fails the connection, with its own close code."""

import re
import tracemalloc

import pytest

from connections import EURO
from refws import ConnectionClosedError, Side, State
from refws.endpoint import connection as module
from wire import BINARY, CLOSE, CONT, DEADLINE_S, IN_TIME, MANY, PING, TEXT, close_body, frame

pytestmark = pytest.mark.transport("tcp", "unix", "tls")

FAILURES = {
    "unmasked text": (frame(TEXT, b"Hi", masked=0), 1002, "§5.1"),
    "unmasked Ping": (frame(PING, b"", masked=0), 1002, "§5.1"),
    "unmasked Close": (frame(CLOSE, close_body(1000), masked=0), 1002, "§5.1"),
    "RSV1": (frame(TEXT, b"a", rsv=4), 1002, "§5.2"),
    "RSV2": (frame(BINARY, b"a", rsv=2), 1002, "§5.2"),
    "RSV3": (frame(PING, b"a", rsv=1), 1002, "§5.2"),
    "RSV1 on a Ping": (frame(PING, b"a", rsv=4), 1002, "§5.2"),
    "reserved data opcode": (frame(3, b"a"), 1002, "§5.2"),
    "reserved control opcode": (frame(11, b"a"), 1002, "§5.2"),
    "length of 64 bits with its top bit 1": (b"\x82\xff\x80" + bytes(11), 1002, "§5.2"),
    "length that is not minimal": (b"\x82\xfe\x00\x7d", 1002, "§5.2"),
    "Ping of 126 bytes": (frame(PING, bytes(126)), 1002, "§5.5"),
    "fragmented Ping": (frame(PING, b"a", fin=0), 1002, "§5.5"),
    "fragmented Close": (frame(CLOSE, close_body(1000), fin=0), 1002, "§5.5"),
    "continuation first": (frame(CONT, b"a"), 1002, "§5.4"),
    "continuation after a whole message": (frame(TEXT, b"a") + frame(CONT, b"b"), 1002, "§5.4"),
    "text inside a message": (frame(TEXT, b"a", fin=0) + frame(TEXT, b"b"), 1002, "§5.4"),
    "first fragment inside a message": (
        frame(TEXT, b"a", fin=0) + frame(BINARY, b"b", fin=0),
        1002,
        "§5.4",
    ),
    "text that is not UTF-8": (frame(TEXT, b"\xc0\x80"), 1007, "§8.1"),
    "text cut inside a character": (frame(TEXT, EURO[:2]), 1007, "§8.1"),
    "text that is not UTF-8, in a fragment": (
        frame(TEXT, EURO[:1], fin=0) + frame(CONT, b"a"),
        1007,
        "§8.1",
    ),
    "Close with a body of 1 byte": (frame(CLOSE, b"\x03"), 1002, "§5.5.1"),
    "message above the limit": (frame(BINARY, bytes(101)), 1009, "§10.4"),
    "message above the limit, announced": (frame(BINARY, b"", length=2**60), 1009, "§10.4"),
    "message above the limit, in fragments": (
        frame(BINARY, bytes(60), fin=0) + frame(CONT, bytes(41)),
        1009,
        "§10.4",
    ),
    "too many fragments": (frame(TEXT, b"", fin=0) + frame(CONT, b"", fin=0) * 5, 1008, "§10.4"),
}

LIMITS = {"max_size": 100, "max_fragments": 5}


@pytest.mark.rfc(
    "6455-7.1.7-03",
    "6455-7.1.7-04",
    "6455-7.1.7-05",
    "6455-7.1.7-07",
    "6455-10.7-01",
    "6455-10.7-03",
)
@pytest.mark.rfc(
    "6455-5.1-02", "6455-5.1-03", "6455-5.2-04", "6455-5.2-05", "6455-5.2-09", "6455-5.2-11"
)
@pytest.mark.rfc(
    "6455-5.4-03", "6455-5.4-06", "6455-5.4-09", "6455-5.4-18", "6455-5.5-01", "6455-5.5-02"
)
@pytest.mark.rfc("6455-5.5-03", "6455-5.8-01")
@pytest.mark.rfc("6455-5.5.1-02", "6455-5.6-03", "6455-8.1-01", "6455-10.4-01", "6455-10.4-02")
@pytest.mark.rfc("6455-7.4.1-04", "6455-7.4.1-09", "6455-7.4.1-10", "6455-7.4.1-11")
@pytest.mark.parametrize("sent, code, section", FAILURES.values(), ids=FAILURES)
def test_7_1_7_a_broken_rule_sends_its_code_and_nothing_after_it_is_processed(
    log, opened, sent, code, section
):
    connection, peer = opened(**LIMITS)
    peer.send(sent, frame(PING, b"late"), frame(TEXT, b"late"), frame(CLOSE, close_body(1000)))
    peer.half_close()
    with pytest.raises(ConnectionClosedError, match=re.escape(section)) as raised:
        while True:
            assert connection.recv() == "a"
    reason = peer.expect_close(code)
    peer.expect_end()
    assert reason.startswith(f"{section}: ") and "expected" in reason
    assert raised.value.__cause__.section == section
    assert (raised.value.sent.code, raised.value.rcvd) == (code, None)
    assert (connection.close_code, connection.state) == (1006, State.CLOSED)
    assert [record.levelname for record in log.records] == ["WARNING"]
    assert log.messages[0].startswith(f"192.0.2.1:5: connection failed with {code}: {section}: ")


@pytest.mark.rfc("6455-10.4-02")
def test_10_4_a_message_exactly_at_the_limits_passes(opened):
    connection, peer = opened(**LIMITS)
    five = frame(BINARY, bytes(100), fin=0) + frame(CONT, b"", fin=0) * 3 + frame(CONT)
    peer.send(frame(BINARY, bytes(100)), five, frame(BINARY, bytes(100)))
    assert [connection.recv() for _ in range(3)] == [bytes(100)] * 3


@pytest.mark.rfc("6455-10.4-02")
def test_10_4_limits_can_be_switched_off(background, opened):
    connection, peer = opened(max_size=None, max_fragments=None)
    receiving = background(connection.recv)
    peer.send(frame(BINARY, bytes(2**21), fin=0), frame(CONT, b"", fin=0) * 2000, frame(CONT))
    assert receiving.result() == bytes(2**21)


@pytest.mark.rfc("6455-7.1.1-01", "6455-7.1.7-05")
def test_7_1_1_the_close_arrives_although_the_peer_is_still_sending_megabytes(background, opened):
    connection, peer = opened(max_size=MANY)

    def flood():
        peer.send_frame(BINARY, bytes(MANY + 1))
        peer.half_close()

    flooding = background(flood)
    with pytest.raises(ConnectionClosedError):
        connection.recv()
    flooding.result()
    peer.expect_close(1009)
    peer.expect_end()


def test_7_1_7_what_has_arrived_of_a_broken_message_takes_no_memory_until_the_peer_ends(
    monkeypatch, background, opened
):
    monkeypatch.setattr(module, "LINGER", DEADLINE_S)
    size = 2**21
    connection, peer = opened(max_size=None)
    data = frame(BINARY, bytes(size), fin=0) + frame(TEXT)
    tracemalloc.start()
    try:
        receiving = background(connection.recv)
        peer.send(data)
        peer.expect_close(1002)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak > size > 2 * held
    peer.close()
    with pytest.raises(ConnectionClosedError, match=r"§5\.4"):
        receiving.result()


def test_7_1_1_a_peer_that_floods_for_ever_is_left_after_the_linger(
    monkeypatch, background, opened
):
    monkeypatch.setattr(module, "LINGER", IN_TIME)
    connection, peer = opened()

    def flood():
        with pytest.raises(OSError):
            while True:
                peer.send_frame(CONT, bytes(1000))

    flooding = background(flood)
    with pytest.raises(ConnectionClosedError, match=r"§5\.4"):
        connection.recv()
    assert connection.state is State.CLOSED
    peer.cut()
    flooding.result()


def test_7_1_7_a_broken_rule_after_our_close_sends_no_second_close(opened):
    connection, peer = opened()
    peer.send(frame(3, b"reserved"))
    peer.half_close()
    connection.close(4000)
    peer.expect_close(4000)
    peer.expect_end()
    assert connection.close_code == 1006


@pytest.mark.transport("tcp", "unix", reason="the end of TCP is seen below TLS")
@pytest.mark.rfc("6455-7.1.1-03", "6455-7.1.7-01")
@pytest.mark.parametrize("side", Side)
def test_7_1_1_the_server_ends_tcp_first_also_after_a_broken_rule(opened, background, side):
    """A client that fails the connection waits for it, for close_timeout at most."""
    connection, peer = opened(side=side)
    receiving = background(connection.recv)
    peer.send(frame(0x3, masked=side is Side.SERVER))
    peer.expect_close(1002, masked=side is Side.CLIENT)
    if side is Side.CLIENT:
        peer.sock.settimeout(IN_TIME)
        with pytest.raises(TimeoutError):
            peer.sock.recv(1)
    else:
        peer.expect_end()
    peer.half_close()
    with pytest.raises(ConnectionClosedError, match="reserved opcode"):
        receiving.result()


def test_7_1_1_a_client_that_fails_the_connection_does_not_wait_for_ever(opened):
    connection, peer = opened(side=Side.CLIENT, close_timeout=IN_TIME)
    peer.send(frame(0x3, masked=0))
    with pytest.raises(ConnectionClosedError, match="reserved opcode"):
        connection.recv()
    assert connection.state is State.CLOSED
