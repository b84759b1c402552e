"""What one connection shows of itself, and what it refuses before the opening handshake."""

import pytest

from connections import EURO, waiting
from refws import ConnectionClosedError, InvalidState, Side, State
from refws.endpoint.connection import format_address
from wire import BINARY, TEXT, frame

pytestmark = pytest.mark.transport("tcp", "unix", "tls")


@pytest.mark.rfc("6455-6.1-02")
@pytest.mark.parametrize(
    "act",
    [
        lambda connection: connection.recv(),
        lambda connection: next(connection.recv_streaming()),
        lambda connection: connection.send("x"),
        lambda connection: connection.send(["x"]),
        lambda connection: connection.ping(),
        lambda connection: connection.pong(),
        lambda connection: connection.close(),
    ],
)
def test_6_1_before_the_opening_handshake_nothing_can_be_sent_or_received(opened, act):
    connection, peer = opened(connecting=True)
    assert connection.state is State.CONNECTING
    with pytest.raises(InvalidState, match="opening handshake"):
        act(connection)
    connection.end()
    peer.expect_cut()


@pytest.mark.parametrize("size", [1, 7, 0])
def test_1_5_frames_do_not_depend_on_how_many_bytes_are_read_at_once(opened, size):
    connection, peer = opened()
    connection.read_size = size
    peer.send(frame(TEXT, b"one"), frame(BINARY, bytes(300)), frame(TEXT, EURO))
    assert [connection.recv() for _ in range(3)] == ["one", bytes(300), "€"]
    assert connection.read_size == size
    assert (connection._stream.receives > 300) == (size == 1)


def test_a_negative_read_size_is_refused(opened):
    connection, _ = opened()
    with pytest.raises(ValueError, match="0 for no limit"):
        connection.read_size = -1


def test_the_trace_gets_the_end_of_both_directions_after_a_reset_too(background, opened):
    connection, peer = opened()
    ended = set()
    connection.trace = lambda sender, data: None if data else ended.add(sender)
    receiving = background(connection.recv)
    assert waiting(connection)
    peer.reset()
    with pytest.raises(ConnectionClosedError):
        receiving.result()
    assert ended == set(Side)


def test_a_connection_shows_its_peer_and_its_state(opened):
    connection, _ = opened()
    assert repr(connection) == "<Connection 192.0.2.1:5 OPEN>"
    assert connection.remote_address == ("192.0.2.1", 5)
    assert connection.local_address == ("192.0.2.2", 80)


@pytest.mark.parametrize(
    "address, shown",
    [
        (("192.0.2.1", 80), "192.0.2.1:80"),
        (("2001:db8::1", 80, 0, 0), "[2001:db8::1]:80"),
        ("/run/refws", "/run/refws"),
        ("", "unix socket"),
        (None, "unix socket"),
    ],
)
def test_an_address_is_shown_as_in_a_uri(address, shown):
    assert format_address(address) == shown


@pytest.mark.parametrize("path", ["/tmp/a\nb", "/tmp/a\r\x1b[31mb", "/tmp/a\u2028b"])
def test_the_path_that_a_unix_client_has_bound_cannot_forge_a_log_line(path):
    assert format_address(path).isprintable()
