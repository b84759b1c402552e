"""RFC 6455 §5.4, §6.2: `recv_streaming` gives a message while it is still arriving."""

import gc

import pytest

from connections import EURO, waiting
from refws import ConcurrencyError, ConnectionClosedError
from wire import BINARY, CONT, PING, PONG, TEXT, frame

pytestmark = pytest.mark.transport("tcp", "unix", "tls")


def test_6_2_streaming_gives_the_chunks_of_a_frame_while_it_is_still_arriving(opened):
    connection, peer = opened()
    message = frame(BINARY, b"abcdef")
    pieces = connection.recv_streaming()
    peer.send(message[:8])
    assert next(pieces) == b"ab"
    peer.send(message[8:11])
    assert next(pieces) == b"cde"
    peer.send(message[11:])
    assert list(pieces) == [b"f"]


def test_5_6_streaming_cuts_text_between_characters(opened):
    connection, peer = opened()
    message = frame(TEXT, b"a" + EURO + b"b")
    pieces = connection.recv_streaming()
    peer.send(message[:8])
    assert next(pieces) == "a"
    peer.send(message[8:])
    assert list(pieces) == ["€b"]


def test_6_2_streaming_gives_no_empty_chunk_before_the_last(opened):
    connection, peer = opened()
    peer.send(frame(TEXT, b"a", fin=0), frame(CONT, b"", fin=0), frame(CONT, EURO[:1], fin=0))
    peer.send(frame(CONT, EURO[1:], fin=0), frame(CONT))
    assert list(connection.recv_streaming()) == ["a", "€", ""]


def test_5_4_streaming_joins_the_fragments_of_one_message_and_stops_at_its_end(opened):
    connection, peer = opened()
    peer.send(
        frame(TEXT, b"a", fin=0), frame(PING, b"p"), frame(CONT, b"", fin=0), frame(CONT, b"b")
    )
    peer.send_frame(TEXT, b"c")
    assert "".join(connection.recv_streaming()) == "ab"
    assert "".join(connection.recv_streaming()) == "c"
    peer.expect(PONG, b"p")


@pytest.mark.parametrize("opcode, empty", [(TEXT, ""), (BINARY, b"")])
def test_streaming_an_empty_message_gives_one_empty_chunk(opened, opcode, empty):
    connection, peer = opened()
    peer.send(frame(opcode), frame(opcode, b"x", fin=0), frame(CONT))
    assert list(connection.recv_streaming()) == [empty]
    assert list(connection.recv_streaming()) == [frame_value(opcode, b"x"), empty]


def frame_value(opcode, payload):
    return payload.decode() if opcode == TEXT else payload


ABANDONED = (
    frame(TEXT, b"abandoned " * 5, fin=0)
    + frame(PING, b"p")
    + frame(CONT, b"more", fin=0)
    + frame(CONT, b".")
)


@pytest.mark.parametrize("receive", ["recv", "recv_streaming"])
def test_what_is_left_of_an_abandoned_message_is_dropped(opened, receive):
    connection, peer = opened()
    peer.send(ABANDONED[:20])
    for piece in connection.recv_streaming():
        assert piece.startswith("abandoned")
        break
    gc.collect()
    peer.send(ABANDONED[20:], frame(TEXT, b"next"))
    assert (
        connection.recv() if receive == "recv" else "".join(connection.recv_streaming())
    ) == "next"
    peer.expect(PONG, b"p")


def test_dropping_an_abandoned_message_keeps_to_the_timeout_and_goes_on_later(opened):
    connection, peer = opened()
    pieces = connection.recv_streaming()
    peer.send(ABANDONED[:20])
    next(pieces)
    pieces.close()
    with pytest.raises(TimeoutError):
        connection.recv(timeout=0.01)
    peer.send(ABANDONED[20:], frame(TEXT, b"next"))
    assert connection.recv() == "next"


def test_a_message_streamed_to_its_end_leaves_nothing_to_drop(opened):
    connection, peer = opened()
    peer.send(frame(TEXT, b"1"), frame(TEXT, b"2"))
    pieces = connection.recv_streaming()
    assert next(pieces) == "1"
    pieces.close()
    assert connection.recv() == "2"


def test_streaming_that_never_started_takes_nothing(opened):
    connection, peer = opened()
    connection.recv_streaming().close()
    peer.send_frame(TEXT, b"whole")
    assert connection.recv() == "whole"


def test_the_next_recv_drops_the_rest_of_a_message_whose_iterator_is_still_held(opened):
    """The next call that receives drops the rest, although the iterator still exists."""
    connection, peer = opened()
    peer.send(
        frame(TEXT, b"a", fin=0), frame(CONT, b"rest of a"), frame(TEXT, b"b"), frame(TEXT, b"c")
    )
    held = connection.recv_streaming()
    assert next(held) == "a"
    assert connection.recv() == "b"
    del held
    gc.collect()
    assert connection.recv() == "c"


def test_a_concurrency_error_does_not_bring_an_abandoned_message_back(background, opened):
    connection, peer = opened()
    pieces = connection.recv_streaming()
    peer.send(ABANDONED[:20])
    next(pieces)
    pieces.close()
    dropping = background(connection.recv, timeout=0.2)
    assert waiting(connection)
    with pytest.raises(ConcurrencyError):
        next(connection.recv_streaming())
    with pytest.raises(TimeoutError):
        dropping.result()
    peer.send(ABANDONED[20:], frame(TEXT, b"next"))
    assert connection.recv() == "next"


def test_7_1_7_streaming_a_message_that_breaks_a_rule_raises_and_fails_the_connection(opened):
    connection, peer = opened()
    peer.send(frame(TEXT, b"good", fin=0), frame(CONT, b"\xff"))
    peer.half_close()
    pieces = connection.recv_streaming()
    assert next(pieces) == "good"
    with pytest.raises(ConnectionClosedError):
        next(pieces)
    peer.expect_close(1007)
