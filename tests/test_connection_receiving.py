"""RFC 6455 §5.4, §5.6, §6.2: what `recv` and iteration return, and that no timeout loses a byte."""

from itertools import pairwise

import pytest

from connections import EURO, waiting
from refws import ConcurrencyError, ConnectionClosedError
from wire import BINARY, CLOSE, CONT, DEADLINE_S, PING, PONG, TEXT, Header, close_body, frame

pytestmark = pytest.mark.transport("tcp", "unix", "tls")


@pytest.mark.rfc(
    "6455-6.2-02", "6455-6.2-04", "6455-6.2-05", "6455-6.2-09", "6455-5.6-01", "6455-5.1-07"
)
def test_6_2_a_text_frame_is_a_str_and_a_binary_frame_is_bytes(opened):
    connection, peer = opened()
    peer.send(frame(TEXT, EURO), frame(BINARY, EURO), frame(TEXT), frame(BINARY))
    assert [connection.recv() for _ in range(4)] == ["€", EURO, "", b""]


@pytest.mark.rfc("6455-5.6-04", "6455-5.2-13")
def test_5_6_binary_payload_is_passed_on_unchanged(opened):
    connection, peer = opened()
    peer.send_frame(BINARY, bytes(range(256)) * 3)
    assert connection.recv() == bytes(range(256)) * 3


@pytest.mark.rfc("6455-5.2-08", "6455-5.2-10")
@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 128, 65535, 65536, 200_000])
def test_5_2_payloads_of_every_length_form_come_in_and_go_out(background, opened, length):
    connection, peer = opened()
    payload = bytes(range(251)) * (length // 251 + 1)
    peer.send_frame(BINARY, payload[:length])
    message = connection.recv()
    assert message == payload[:length]
    sending = background(connection.send, message)
    assert peer.receive() == (Header(1, 0, BINARY, 0, length), message)
    sending.result()


@pytest.mark.rfc("6455-6.2-01")
def test_6_2_frames_may_come_one_byte_at_a_time(background, opened):
    connection, peer = opened()
    receiving = background(lambda: [connection.recv(), connection.recv(), connection.recv()])
    stream = (
        frame(TEXT, EURO * 50)
        + frame(PING, b"p")
        + frame(BINARY, b"\0" * 130, fin=0)
        + frame(CONT, b"\1")
    )
    peer.send_byte_by_byte(stream + frame(TEXT, b"end"))
    assert receiving.result() == ["€" * 50, b"\0" * 130 + b"\1", "end"]
    peer.expect(PONG, b"p")


def test_a_timeout_that_is_no_number_is_a_type_error_and_the_next_recv_works(opened):
    connection, peer = opened()
    with pytest.raises(TypeError):
        connection.recv(timeout="5")
    peer.send(frame(TEXT, b"still here"))
    assert connection.recv(timeout=5) == "still here"


@pytest.mark.rfc("6455-6.2-07", "6455-5.4-12", "6455-5.4-02")
def test_6_2_messages_follow_each_other_in_one_segment_fragmented_or_not(opened):
    connection, peer = opened()
    fragmented = frame(TEXT, b"a", fin=0) + frame(CONT, b"b", fin=0) + frame(CONT, b"c")
    peer.send(frame(TEXT, b"1"), fragmented, frame(BINARY, b"2"), fragmented)
    assert [connection.recv() for _ in range(4)] == ["1", "abc", b"2", "abc"]


@pytest.mark.rfc(
    "6455-5.4-03", "6455-5.4-04", "6455-5.4-07", "6455-5.4-17", "6455-6.2-06", "6455-5.4-01"
)
@pytest.mark.parametrize(
    "opcode, join", [(BINARY, b"".join), (TEXT, lambda parts: b"".join(parts).decode())]
)
@pytest.mark.parametrize(
    "parts", [[b"abc"], [b"", b"abc"], [b"a", b"b", b"c"], [b"ab", b"", b"c", b""], [b"", b"", b""]]
)
def test_5_4_a_fragmented_message_is_its_fragments_in_order_with_the_type_of_the_first(
    opened, opcode, join, parts
):
    connection, peer = opened()
    opcodes = [opcode] + [CONT] * (len(parts) - 1)
    fragments = (frame(opcode, part, fin=0) for opcode, part in zip(opcodes, parts, strict=True))
    peer.send(*fragments, frame(CONT, b"!"))
    assert connection.recv() == join([*parts, b"!"])


@pytest.mark.rfc("6455-5.6-02", "6455-8.1-01")
def test_5_6_a_character_may_be_cut_between_frames(opened):
    connection, peer = opened()
    peer.send(frame(TEXT, EURO[:1], fin=0), frame(CONT, EURO[1:2], fin=0), frame(CONT, EURO[2:]))
    assert connection.recv() == "€"


@pytest.mark.rfc("6455-10.7-05")
def test_10_7_a_payload_that_looks_like_a_frame_or_a_request_is_passed_on(opened):
    connection, peer = opened()
    payload = frame(CLOSE, close_body(1000)) + b"GET / HTTP/1.1\r\n\r\n" + frame(CLOSE, masked=0)
    peer.send_frame(BINARY, payload)
    assert connection.recv() == payload


@pytest.mark.parametrize("code", [1000, 1001, None])
def test_iteration_gives_the_messages_and_ends_with_a_good_end(opened, code):
    connection, peer = opened()
    close = frame(CLOSE, close_body(code) if code else b"")
    peer.send(frame(TEXT, b"1"), frame(TEXT, b"2"), close)
    peer.half_close()
    assert list(connection) == ["1", "2"]


@pytest.mark.parametrize(
    "last_frame", [frame(CLOSE, close_body(4000)), b""], ids=["Close 4000", "no Close"]
)
def test_iteration_raises_at_a_bad_end_after_the_messages_before_it(opened, last_frame):
    connection, peer = opened()
    peer.send(frame(TEXT, b"1"), last_frame)
    peer.half_close()
    messages = iter(connection)
    assert next(messages) == "1"
    with pytest.raises(ConnectionClosedError):
        next(messages)


@pytest.mark.parametrize("second", ["recv", "recv_streaming"])
def test_a_second_receiver_gets_a_concurrency_error_and_does_not_disturb_the_first(
    background, opened, second
):
    connection, peer = opened()
    first = background(connection.recv)
    assert waiting(connection)
    with pytest.raises(ConcurrencyError, match="one thread"):
        if second == "recv":
            connection.recv()
        else:
            next(connection.recv_streaming())
    peer.send_frame(TEXT, b"for the first")
    assert first.result() == "for the first"


# recv(timeout)


MESSAGE = frame(TEXT, b"abc" + EURO, fin=0) + frame(PING, b"between") + frame(CONT, b"def" * 50)
WHOLE = "abc€" + "def" * 50
CUTS = {
    "before the first frame": 0,
    "after the header": 6,
    "inside the payload": 8,
    "inside a character": 11,
    "after the first fragment": 12,
    "after a Ping": 25,
    "after the last header": 33,
    "before the last byte": len(MESSAGE) - 1,
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_recv_keeps_the_bytes_before_its_timeout_for_the_next_recv(opened, cut):
    connection, peer = opened()
    peer.send(MESSAGE[:cut])
    with pytest.raises(TimeoutError, match="kept"):
        connection.recv(timeout=0.01)
    peer.send(MESSAGE[cut:], frame(TEXT, b"next"))
    assert [connection.recv(), connection.recv()] == [WHOLE, "next"]


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_recv_keeps_the_bytes_before_its_timeout_for_recv_streaming(opened, cut):
    connection, peer = opened()
    peer.send(MESSAGE[:cut])
    with pytest.raises(TimeoutError):
        connection.recv(timeout=0.01)
    peer.send(MESSAGE[cut:], frame(TEXT, b"next"))
    assert ["".join(connection.recv_streaming()), connection.recv()] == [WHOLE, "next"]


def test_recv_with_a_timeout_gives_the_whole_message_however_often_it_passed(opened):
    connection, peer = opened()
    for start, end in pairwise(CUTS.values()):
        peer.send(MESSAGE[start:end])
        with pytest.raises(TimeoutError):
            connection.recv(timeout=0.01)
    peer.send(MESSAGE[end:])
    assert connection.recv(timeout=DEADLINE_S) == WHOLE


@pytest.mark.parametrize("timeout", [0, -1])
def test_recv_without_time_gives_what_is_there_already(opened, timeout):
    connection, peer = opened()
    peer.send(frame(TEXT, b"first"), frame(TEXT, b"second"))
    assert connection.recv() == "first"
    assert connection.recv(timeout) == "second"
    with pytest.raises(TimeoutError):
        connection.recv(timeout)


def test_7_1_5_the_end_of_the_connection_is_no_timeout(opened):
    connection, peer = opened()
    peer.half_close()
    with pytest.raises(ConnectionClosedError):
        connection.recv(timeout=DEADLINE_S)


def test_7_1_7_a_broken_message_within_the_timeout_fails_the_connection(opened):
    connection, peer = opened(max_size=10)
    peer.send(frame(BINARY, b"x" * 11))
    peer.half_close()
    with pytest.raises(ConnectionClosedError):
        connection.recv(timeout=DEADLINE_S)
    peer.expect_close(1009)
