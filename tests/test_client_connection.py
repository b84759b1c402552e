"""RFC 6455 §5, §6, §7 from the client's side: one connection, driven by the test, a raw server at
its other end.
"""

import os
import random
import zlib

import pytest

from refws import (
    ConnectionClosedError,
    ConnectionClosedOK,
    DeflateSettings,
    InvalidState,
    Side,
    State,
)
from refws.endpoint import sending_at_once as module
from refws.protocol.deflate.codec import client_pair
from refws.protocol.deflate.negotiation import Parameters
from wire import BINARY, CLOSE, CONT, PING, PONG, TEXT, Header, close_body, frame

pytestmark = pytest.mark.transport("tcp", "unix", "tls")

SERVER_FRAME = {"masked": 0}


@pytest.fixture
def client(opened):
    """client(**settings) gives (connection of a client, raw server)."""
    return lambda **settings: opened(side=Side.CLIENT, **settings)


# Opening (§4.1)


@pytest.mark.rfc("6455-4.1-01", "6455-4.1-35", "6455-4.1-45")
def test_4_1_a_connection_is_connecting_and_sends_nothing_until_the_handshake_is_done(client):
    connection, peer = client(connecting=True)
    assert connection.state is State.CONNECTING
    for call in (
        lambda: connection.send("too early"),
        connection.ping,
        connection.recv,
        connection.close,
    ):
        with pytest.raises(InvalidState):
            call()
    peer.expect_silence()
    connection.open()
    assert connection.state is State.OPEN
    connection.send("now")
    peer.expect(TEXT, b"now", masked=1)


# Masking (§5.1, §5.3, §6.1, §10.3)


@pytest.mark.rfc("6455-5.1-01", "6455-6.1-08", "6455-10.3-03", "6455-5.3-03")
def test_10_3_every_fragment_is_a_frame_with_a_key_of_its_own(client):
    connection, peer = client()
    connection.send(["He", "l", "lo"])
    keys = set()
    for opcode, payload, fin in [
        (TEXT, b"He", 0),
        (CONT, b"l", 0),
        (CONT, b"lo", 0),
        (CONT, b"", 1),
    ]:
        peer.expect(opcode, payload, fin=fin, masked=1)
        keys.add(peer.masking_key)
    assert len(keys) == 4


@pytest.mark.rfc("6455-5.3-04", "6455-5.3-05", "6455-10.3-01")
def test_5_3_keys_come_from_the_system_and_from_no_generator_that_can_be_seeded(
    client, monkeypatch
):
    asked = []

    def urandom(size):
        asked.append(os.urandom(size))
        return asked[-1]

    monkeypatch.setattr(module, "os", type("os", (), {"urandom": staticmethod(urandom)}))
    connection, peer = client()
    keys = []
    for _ in range(2):
        random.seed(6455)
        connection.send("same")
        peer.expect(TEXT, b"same", masked=1)
        keys.append(peer.masking_key)
    assert keys == asked and keys[0] != keys[1]


@pytest.mark.rfc("6455-10.3-02")
def test_10_3_what_is_changed_after_a_send_is_not_sent(client):
    connection, peer = client()
    payload = bytearray(b"before")
    connection.send(payload)
    payload[:] = b"after!"
    peer.expect(BINARY, b"before", masked=1)


@pytest.mark.rfc("6455-5.1-01", "6455-5.5.1-06")
@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
def test_5_1_control_frames_are_masked_like_any_other(client, background, opcode):
    connection, peer = client(close_timeout=1)
    send = {PING: connection.ping, PONG: connection.pong, CLOSE: connection.close}[opcode]
    sending = background(send)
    header, _ = peer.receive()
    assert (header.opcode, header.masked) == (opcode, 1)
    peer.half_close()
    sending.result()


@pytest.mark.rfc("6455-6.1-09", "6455-9-01")
def test_6_1_an_extension_in_use_transforms_the_message_before_it_is_masked(client):
    settings = DeflateSettings(threshold=0)
    connection, peer = client()
    connection.use_deflate(client_pair(Parameters(), settings), settings.threshold)
    connection.send("€" * 100)
    header, payload = peer.receive()
    assert header == Header(1, 4, TEXT, 1, len(payload))
    assert (
        zlib.decompressobj(-15).decompress(payload + bytes.fromhex("0000ffff")).decode()
        == "€" * 100
    )


# The end (§7)


@pytest.mark.rfc("6455-5.5.1-10", "6455-5.5.1-06")
def test_5_5_1_a_close_of_the_server_is_answered_at_once_with_its_code(client, background):
    connection, peer = client()
    receiving = background(connection.recv)
    peer.send_frame(CLOSE, close_body(1001, "going"), **SERVER_FRAME)
    peer.expect_close(1001, masked=1)
    peer.half_close()
    with pytest.raises(ConnectionClosedOK):
        receiving.result()
    assert (connection.close_code, connection.close_reason) == (1001, "going")


@pytest.mark.rfc("6455-5.5.1-14", "6455-7.1.1-06")
def test_5_5_1_after_both_closes_the_client_leaves_the_end_of_tcp_to_the_server(client, background):
    connection, peer = client()
    receiving = background(connection.recv)
    peer.send_frame(CLOSE, **SERVER_FRAME)
    peer.expect_close(masked=1)
    peer.expect_silence()
    assert connection.state is State.CLOSING
    peer.half_close()
    with pytest.raises(ConnectionClosedOK):
        receiving.result()
    peer.expect_end()


@pytest.mark.rfc("6455-5.5.1-15", "6455-7.1.1-04")
def test_5_5_1_a_server_that_does_not_end_tcp_is_waited_for_no_longer_than_close_timeout(client):
    connection, peer = client(close_timeout=0.05)
    peer.send_frame(CLOSE, **SERVER_FRAME)
    with pytest.raises(ConnectionClosedOK):
        connection.recv()
    peer.expect_close(masked=1)
    peer.expect_cut()


@pytest.mark.rfc("6455-7.1.7-01", "6455-7.2.1-01")
@pytest.mark.parametrize(
    "wire, code",
    [
        (b"\xc1\x00", 1002),
        (b"\x83\x00", 1002),
        (b"\x80\x00", 1002),
        (b"\x89\x7e\x00\x7e" + bytes(126), 1002),
        (b"\x81\x01\xff", 1007),
        (b"\x81\x7e\x00\x01a", 1002),
        (b"\x88\x01x", 1002),
        (frame(TEXT, b"masked"), 1002),
    ],
    ids=[
        "RSV1",
        "opcode 3",
        "continuation of nothing",
        "long Ping",
        "UTF-8",
        "long form",
        "Close of 1 byte",
        "masked",
    ],
)
def test_7_1_7_a_server_that_breaks_a_rule_gets_a_close_with_the_code_and_then_the_end(
    client, background, wire, code
):
    connection, peer = client()
    peer.send(wire)
    receiving = background(connection.recv)
    peer.expect_close(code, masked=1)
    peer.half_close()
    peer.expect_end()
    with pytest.raises(ConnectionClosedError):
        receiving.result()
    assert connection.state is State.CLOSED


@pytest.mark.rfc("6455-7.2.1-02")
@pytest.mark.parametrize(
    "wire", [b"", b"\x81", b"\x81\x05Hel", b"\x01\x05Hello"], ids=lambda wire: f"{len(wire)} bytes"
)
def test_7_2_1_the_loss_of_tcp_is_1006_wherever_it_happens(client, wire):
    connection, peer = client()
    peer.send(wire)
    peer.half_close()
    with pytest.raises(ConnectionClosedError):
        connection.recv()
    assert connection.close_code == 1006
    with pytest.raises(ConnectionClosedError):
        connection.send("too late")


@pytest.mark.rfc("6455-7.1.7-08", "6455-7.2.1-03")
def test_7_1_7_a_client_that_nobody_asks_to_close_stays_connected(client, monkeypatch):
    connection, peer = client(
        ping_interval=0.02, ping_timeout=0.02, close_timeout=0.02, open_timeout=0.02
    )
    for _ in range(5):
        with pytest.raises(TimeoutError):
            connection.recv(timeout=0.02)
        header, payload = peer.receive()
        assert header.opcode == PING
        peer.send_frame(PONG, payload, **SERVER_FRAME)
    assert connection.state is State.OPEN


@pytest.mark.rfc("6455-7.4.1-14")
def test_7_4_1_1010_is_for_clients(client, opened, background):
    connection, peer = client()
    closing = background(connection.close, 1010, "permessage-deflate")
    peer.expect_close(1010, "permessage-deflate", masked=1)
    peer.half_close()
    closing.result()
    server, _ = opened()
    with pytest.raises(ValueError, match=r"§7\.4\.1: close code 1010 is for clients"):
        server.close(1010)
    assert server.state is State.OPEN


@pytest.mark.rfc("6455-7.4.1-05")
def test_7_4_1_an_endpoint_that_takes_only_text_may_say_1003(opened, background):
    connection, peer = opened()
    peer.send_frame(BINARY, b"no text")
    assert isinstance(connection.recv(), bytes)
    closing = background(connection.close, 1003, "text only")
    peer.expect_close(1003, "text only")
    peer.send_frame(CLOSE, close_body(1003))
    peer.half_close()
    closing.result()
    assert connection.close_code == 1003
