"""recv(timeout) keeps its time at any byte, and loses none (RFC 6455 §5.4, §6.2)."""

import threading
import zlib
from contextlib import suppress
from math import inf

import pytest

from refws.protocol.deflate.codec import server_pair
from refws.protocol.deflate.negotiation import DeflateSettings, Parameters
from wire import BINARY, CONT, IN_TIME, PING, PONG, TEXT, frame

pytestmark = pytest.mark.transport("tcp", "unix", "tls")


def deflated(data):
    deflater = zlib.compressobj(wbits=-15)
    return (deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


MESSAGES = {
    "a short text": (frame(TEXT, b"Hello"), "Hello", b""),
    "a length of 16 bits": (frame(BINARY, bytes(300)), bytes(300), b""),
    "an empty message": (frame(TEXT), "", b""),
    "a Ping before it": (frame(PING, b"ping") + frame(TEXT, b"Hello"), "Hello", b"\x8a\x04ping"),
    "fragments, a Pong between": (
        frame(TEXT, b"Hel", fin=0) + frame(PONG, b"unasked") + frame(CONT, b"lo"),
        "Hello",
        b"",
    ),
    "compressed": (frame(TEXT, deflated(b"Hello"), rsv=4), "Hello", b""),
}


@pytest.mark.rfc("6455-6.2-01")
@pytest.mark.parametrize("name", MESSAGES)
def test_6_2_a_recv_that_times_out_at_any_byte_goes_on_there(opened, name):
    wire, message, answer = MESSAGES[name]
    connection, peer = opened()
    settings = DeflateSettings()
    connection.use_deflate(server_pair(Parameters(), settings), settings.threshold)
    for cut in range(len(wire)):
        peer.send(wire[:cut])
        with pytest.raises(TimeoutError):
            connection.recv(timeout=0.001)
        peer.send(wire[cut:])
        assert connection.recv(timeout=IN_TIME * 100) == message, cut
        if answer:
            assert peer.file.read(len(answer)) == answer


def test_6_2_after_a_timeout_a_recv_without_one_goes_on_too(opened):
    connection, peer = opened()
    wire = frame(BINARY, bytes(200))
    peer.send(wire[:5])
    with pytest.raises(TimeoutError):
        connection.recv(timeout=IN_TIME)
    peer.send(wire[5:], frame(TEXT, b"next"))
    assert connection.recv() == bytes(200)
    assert connection.recv() == "next"


def test_6_2_a_message_that_has_arrived_is_received_with_a_timeout_of_0(opened):
    connection, peer = opened()
    peer.send(frame(PING), frame(TEXT, b"here"), frame(TEXT, b"and here"))
    assert connection.recv() == "here"
    assert connection.recv(timeout=0) == "and here"


@pytest.mark.parametrize("timeout", [-1, 0, 0.0])
def test_6_2_a_timeout_that_is_over_at_once_raises_at_once(opened, timeout):
    connection, _ = opened()
    with pytest.raises(TimeoutError):
        connection.recv(timeout=timeout)


@pytest.mark.parametrize("timeout", [inf, 1e7, 1e300])
def test_6_2_a_timeout_that_no_clock_can_hold_waits(opened, background, timeout):
    connection, peer = opened()
    receiving = background(connection.recv, timeout)
    peer.send(frame(TEXT, b"late"))
    assert receiving.result() == "late"


FLOODS = {
    "Pongs": 1000 * frame(PONG, b"flood"),
    "empty fragments": 100 * frame(CONT, b"", fin=0),
    "the bytes of one frame": bytes(50_000),
}


@pytest.mark.parametrize("name", FLOODS)
def test_6_2_a_peer_that_never_stops_does_not_keep_recv_from_its_timeout(opened, name):
    connection, peer = opened(max_fragments=None, max_size=None)
    stop = threading.Event()

    def flood():
        with suppress(OSError):
            while not stop.is_set():
                peer.sock.sendall(FLOODS[name])

    start = frame(BINARY, b"", length=2**40) if name == "the bytes of one frame" else b""
    peer.send(start or frame(BINARY, b"", fin=0))
    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        with pytest.raises(TimeoutError):
            connection.recv(timeout=IN_TIME)
    finally:
        stop.set()
        peer.cut()
        flooding.join()
