"""RFC 6455 §5.4, §5.5, §6, §7 on a real socket: one connection, driven by the test, a raw client at
its other end.
"""

import gc
import threading
from itertools import pairwise

import pytest

from refws import (
    ConcurrencyError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidState,
    State,
)
from refws.endpoint import connection as module
from refws.endpoint import heartbeat
from refws.endpoint.connection import format_address
from wire import (
    BINARY,
    CLOSE,
    CONT,
    DEADLINE_S,
    PING,
    PONG,
    TEXT,
    Header,
    close_body,
    eventually,
    frame,
)

pytestmark = pytest.mark.transport("tcp", "unix", "tls")

MANY = 8 * 2**20
"""More bytes than the two buffers between two sockets take."""

IN_TIME = 0.05
"""Seconds after which a timeout may fire in a test that wants to see it fire."""

EURO = "€".encode()


def waiting(connection):
    """True once a thread waits in a receive of this connection."""
    return eventually(lambda: connection._stream.waiting)


# Receiving (§6.2)


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
    peer.send(*(frame(code, part, fin=0) for code, part in zip(opcodes, parts)), frame(CONT, b"!"))
    assert connection.recv() == join([*parts, b"!"])


@pytest.mark.rfc("6455-5.6-02", "6455-8.1-01")
def test_5_6_a_character_may_be_cut_between_frames(opened):
    connection, peer = opened()
    peer.send(frame(TEXT, EURO[:1], fin=0), frame(CONT, EURO[1:2], fin=0), frame(CONT, EURO[2:]))
    assert connection.recv() == "€"


@pytest.mark.rfc("6455-10.7-05")
def test_10_7_a_payload_that_looks_like_a_frame_or_a_request_is_passed_on(opened):
    connection, peer = opened()
    payload = frame(CLOSE, close_body(1000)) + b"GET / HTTP/1.1\r\n\r\n" + bytes([0x88, 0])
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
def test_a_second_receiver_gets_a_concurrency_error_and_harms_nobody(background, opened, second):
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
def test_recv_keeps_what_came_before_its_timeout_for_the_next_recv(opened, cut):
    connection, peer = opened()
    peer.send(MESSAGE[:cut])
    with pytest.raises(TimeoutError, match="kept"):
        connection.recv(timeout=0.01)
    peer.send(MESSAGE[cut:], frame(TEXT, b"next"))
    assert [connection.recv(), connection.recv()] == [WHOLE, "next"]


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_recv_keeps_what_came_before_its_timeout_for_recv_streaming(opened, cut):
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


def test_the_end_of_the_connection_is_no_timeout(opened):
    connection, peer = opened()
    peer.half_close()
    with pytest.raises(ConnectionClosedError):
        connection.recv(timeout=DEADLINE_S)


def test_a_broken_message_within_the_timeout_fails_the_connection(opened):
    connection, peer = opened(max_size=10)
    peer.send(frame(BINARY, b"x" * 11))
    peer.half_close()
    with pytest.raises(ConnectionClosedError):
        connection.recv(timeout=DEADLINE_S)
    peer.expect_close(1009)


# recv_streaming


def test_streaming_gives_the_pieces_of_a_frame_while_it_is_still_arriving(opened):
    connection, peer = opened()
    message = frame(BINARY, b"abcdef")
    pieces = connection.recv_streaming()
    peer.send(message[:8])
    assert next(pieces) == b"ab"
    peer.send(message[8:11])
    assert next(pieces) == b"cde"
    peer.send(message[11:])
    assert list(pieces) == [b"f"]


def test_streaming_cuts_text_between_characters(opened):
    connection, peer = opened()
    message = frame(TEXT, b"a" + EURO + b"b")
    pieces = connection.recv_streaming()
    peer.send(message[:8])
    assert next(pieces) == "a"
    peer.send(message[8:])
    assert list(pieces) == ["€b"]


def test_streaming_joins_the_fragments_of_one_message_and_stops_at_its_end(opened):
    connection, peer = opened()
    peer.send(
        frame(TEXT, b"a", fin=0), frame(PING, b"p"), frame(CONT, b"", fin=0), frame(CONT, b"b")
    )
    peer.send_frame(TEXT, b"c")
    assert "".join(connection.recv_streaming()) == "ab"
    assert "".join(connection.recv_streaming()) == "c"
    peer.expect(PONG, b"p")


@pytest.mark.parametrize("opcode, empty", [(TEXT, ""), (BINARY, b"")])
def test_streaming_an_empty_message_gives_one_empty_piece(opened, opcode, empty):
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


def test_a_streaming_that_is_held_but_not_read_on_is_abandoned_by_the_next_recv(opened):
    """ "What is not read of the message is dropped by the next call that receives", also while the
    iterator lives.
    """
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


def test_streaming_a_message_that_breaks_a_rule_raises_and_fails_the_connection(opened):
    connection, peer = opened()
    peer.send(frame(TEXT, b"good", fin=0), frame(CONT, b"\xff"))
    peer.half_close()
    pieces = connection.recv_streaming()
    assert next(pieces) == "good"
    with pytest.raises(ConnectionClosedError):
        next(pieces)
    peer.expect_close(1007)


# Ping and Pong (§5.5.2, §5.5.3)


@pytest.mark.rfc("6455-5.5.2-01", "6455-5.5.2-02", "6455-5.5.3-01", "6455-6.2-03")
@pytest.mark.parametrize("payload", [b"", b"text", b"\xff\0\x80", bytes(125)])
def test_5_5_3_a_ping_is_answered_by_a_pong_with_the_same_payload(opened, payload):
    connection, peer = opened()
    peer.send(frame(PING, payload), frame(TEXT, b"next"))
    assert connection.recv() == "next"
    peer.expect(PONG, payload)


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
    assert 0 < connection.latency < DEADLINE_S


@pytest.mark.rfc("6455-5.5.3-02")
def test_5_5_3_a_pong_acknowledges_the_earlier_pings_too(opened):
    connection, peer = opened()
    events = [connection.ping(data) for data in (b"1", b"2", b"3")]
    peer.send(frame(PONG, b"2"), frame(TEXT))
    connection.recv()
    assert [event.is_set() for event in events] == [True, True, False]


def test_5_5_3_the_end_of_the_connection_releases_who_waits_for_a_pong(background, opened):
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


def test_a_second_ping_with_the_data_of_one_that_waits_is_refused_and_not_sent(opened):
    connection, peer = opened()
    connection.ping(b"same")
    with pytest.raises(ConcurrencyError, match="same data"):
        connection.ping(b"same")
    connection.ping(b"other")
    peer.expect(PING, b"same")
    peer.expect(PING, b"other")


def test_a_ping_that_could_not_be_sent_waits_for_no_pong(opened):
    """Each try says that the connection is closed; the first must not leave its data behind."""
    connection, peer = opened()
    peer.send_frame(CLOSE, close_body(1000))
    peer.half_close()
    with pytest.raises(ConnectionClosedOK):
        connection.recv()
    for _ in range(2):
        with pytest.raises(ConnectionClosedOK):
            connection.ping(b"same")


@pytest.mark.rfc("6455-5.5-02")
@pytest.mark.parametrize("data", [bytes(126), "€" * 42])
def test_5_5_126_bytes_are_refused_for_a_ping_and_a_pong_and_125_are_not(opened, data):
    connection, peer = opened()
    for method in (connection.ping, connection.pong):
        with pytest.raises(ValueError, match="§5.5: 126 bytes"):
            method(data)
        method(data[:-1] + data[:0])
    assert peer.receive()[1] == peer.receive()[1]


@pytest.mark.rfc("6455-5.5.3-03")
def test_5_5_3_a_pong_can_be_sent_unasked(opened):
    connection, peer = opened()
    connection.pong()
    connection.pong("heart")
    peer.expect(PONG)
    peer.expect(PONG, b"heart")


# Sending (§6.1)


@pytest.mark.rfc("6455-6.1-01", "6455-6.1-04", "6455-6.1-06")
@pytest.mark.rfc("6455-5.2-01", "6455-5.2-03", "6455-5.2-11", "6455-5.1-04")
@pytest.mark.parametrize(
    "message, wire",
    [
        ("Hello", bytes.fromhex("810548656c6c6f")),  # the example of §5.7
        ("", b"\x81\x00"),
        ("€", b"\x81\x03\xe2\x82\xac"),
        (b"\x00\xff", b"\x82\x02\x00\xff"),
        (bytearray(b"ab"), b"\x82\x02ab"),
        (memoryview(b"abcd")[::2], b"\x82\x02ac"),
        (bytes(125), b"\x82\x7d" + bytes(125)),
        (bytes(126), b"\x82\x7e\x00\x7e" + bytes(126)),
        (bytes(65535), b"\x82\x7e\xff\xff" + bytes(65535)),
        (bytes(65536), b"\x82\x7f\0\0\0\0\0\1\0\0" + bytes(65536)),
    ],
    ids=lambda value: f"{len(value)} bytes",
)
def test_6_1_a_message_leaves_as_one_unmasked_frame_byte_for_byte(opened, message, wire):
    connection, peer = opened()
    connection.send(message)
    assert peer.read(len(wire)) == wire


@pytest.mark.rfc("6455-5.6-03", "6455-8.1-01")
@pytest.mark.parametrize("message", ["\ud800", ["\udfff"]])
def test_5_6_text_that_is_not_utf_8_is_not_sent_and_does_no_harm(opened, message):
    connection, peer = opened()
    with pytest.raises(UnicodeEncodeError):
        connection.send(message)
    connection.send("good")
    peer.expect(TEXT, b"good")


@pytest.mark.parametrize("message", [{"a": 1}, 5, None, [5], [None]])
def test_what_is_no_message_is_refused_and_does_no_harm(opened, message):
    connection, peer = opened()
    with pytest.raises(TypeError):
        connection.send(message)
    connection.send("good")
    peer.expect(TEXT, b"good")


@pytest.mark.rfc("6455-5.4-03", "6455-5.4-11", "6455-6.1-05", "6455-6.1-06", "6455-6.1-07")
@pytest.mark.parametrize("kind", [list, iter])
@pytest.mark.parametrize(
    "fragments, opcode",
    [
        (["a"], TEXT),
        (["a", "", "€"], TEXT),
        ([""], TEXT),
        ([b"a", b"b" * 70_000, b""], BINARY),
        ([b"a", bytearray(b"b"), memoryview(b"c")], BINARY),
    ],
    ids=["one", "text", "empty fragment", "binary", "kinds of bytes"],
)
def test_5_4_an_iterable_leaves_as_fragments_of_one_message(
    background, opened, fragments, opcode, kind
):
    connection, peer = opened()
    sending = background(connection.send, kind(fragments))
    for number, fragment in enumerate(fragments):
        payload = fragment.encode() if isinstance(fragment, str) else bytes(fragment)
        peer.expect(CONT if number else opcode, payload, fin=0)
    peer.expect(CONT, b"", fin=1)
    sending.result()


def test_5_4_each_fragment_leaves_before_the_next_one_is_asked_for(background, opened):
    connection, peer = opened()
    go_on = threading.Event()

    def fragments():
        yield "first"
        assert go_on.wait(DEADLINE_S)
        yield "second"

    sending = background(connection.send, fragments())
    peer.expect(TEXT, b"first", fin=0)
    go_on.set()
    peer.expect(CONT, b"second", fin=0)
    peer.expect(CONT)
    sending.result()


def test_an_empty_iterable_sends_nothing(opened):
    connection, peer = opened()
    connection.send([])
    connection.send("next")
    peer.expect(TEXT, b"next")


class Mistake(Exception):
    pass


def break_off(error, *fragments):
    yield from fragments
    raise error


@pytest.mark.rfc("6455-5.4-08", "6455-7.4.1-15")
@pytest.mark.parametrize(
    "error", [Mistake("secret"), SystemExit()], ids=["Exception", "SystemExit"]
)
def test_5_4_an_iterable_that_raises_in_mid_message_closes_with_1011_and_raises_on(opened, error):
    """Nothing else can end the message: its rest will never come, and no other may begin before it
    ends.
    """
    connection, peer = opened()
    with pytest.raises(type(error)):
        connection.send(break_off(error, "a"))
    peer.expect(TEXT, b"a", fin=0)
    assert "secret" not in peer.expect_close(1011)
    with pytest.raises(ConnectionClosedError):
        connection.send("next")


def test_5_4_an_iterable_that_raises_before_its_first_fragment_does_no_harm(opened):
    connection, peer = opened()
    with pytest.raises(Mistake):
        connection.send(break_off(Mistake()))
    connection.send("next")
    peer.expect(TEXT, b"next")


@pytest.mark.parametrize("fragments", [["a", b"b"], [b"a", "b"], ["a", 5], [b"a", None]])
def test_5_4_fragments_of_another_type_than_the_first_close_with_1011(opened, fragments):
    connection, peer = opened()
    with pytest.raises(TypeError, match="all str or all bytes"):
        connection.send(fragments)
    peer.expect(TEXT if fragments[0] == "a" else BINARY, b"a", fin=0)
    peer.expect_close(1011)


@pytest.mark.rfc("6455-5.4-08")
def test_5_4_messages_and_pings_of_many_threads_mix_neither_frames_nor_fragments(
    background, opened
):
    connection, peer = opened()
    threads, rounds = 8, 25
    together = threading.Barrier(threads, timeout=DEADLINE_S)

    def send_all(name):
        together.wait()
        for number in range(rounds):
            connection.send([f"{name}.{number}.{part}" + "x" * 200 for part in "abc"])
            connection.send(f"{name}.{number}")
            connection.pong(f"{name}.{number}")

    senders = [background(send_all, str(thread)) for thread in range(threads)]
    messages, pongs, parts = [], 0, []
    while len(messages) < threads * rounds * 2 or pongs < threads * rounds:
        header, payload = peer.receive()
        if header.opcode == PONG:
            pongs += 1
            continue
        assert header.opcode == (CONT if parts else TEXT)
        parts.append(payload.decode().strip("x"))
        if header.fin:
            messages.append(parts)
            parts = []
    for sender in senders:
        sender.result()
    expected = [[f"{thread}.{number}"] for thread in range(threads) for number in range(rounds)]
    expected += [[f"{name}.{part}" for part in "abc"] + [""] for (name,) in expected]
    assert sorted(messages) == sorted(expected)


@pytest.mark.rfc("6455-5.4-05", "6455-5.5.2-03")
def test_5_4_control_frames_go_out_between_the_fragments_of_a_message(background, opened):
    connection, peer = opened()
    go_on = threading.Event()

    def fragments():
        yield "a"
        assert go_on.wait(DEADLINE_S)
        yield "b"

    receiving = background(connection.recv)
    sending = background(connection.send, fragments())
    peer.expect(TEXT, b"a", fin=0)
    peer.send_frame(PING, b"in the middle")
    peer.expect(PONG, b"in the middle")
    connection.ping(b"ours")
    peer.expect(PING, b"ours")
    go_on.set()
    peer.expect(CONT, b"b", fin=0)
    peer.expect(CONT)
    sending.result()
    peer.send_frame(TEXT, b"done")
    assert receiving.result() == "done"


@pytest.mark.rfc("6455-6.1-03", "6455-5.5.1-07", "6455-5.5.1-11")
def test_6_1_a_close_in_the_middle_of_a_fragmented_message_ends_the_sending(background, opened):
    connection, peer = opened()
    go_on = threading.Event()

    def fragments():
        yield "a"
        assert go_on.wait(DEADLINE_S)
        yield "b"

    sending = background(connection.send, fragments())
    peer.expect(TEXT, b"a", fin=0)
    closing = background(connection.close, 4000)
    peer.expect_close(4000)
    go_on.set()
    with pytest.raises(ConnectionClosed):
        sending.result()
    peer.send_frame(CLOSE, close_body(4000))
    peer.expect_end()
    peer.close()
    closing.result()


@pytest.mark.rfc("6455-6.1-10")
def test_6_1_sixteen_megabytes_to_a_slow_reader_arrive_whole(background, opened):
    connection, peer = opened()
    message = bytes(range(256)) * (2**24 // 256)
    sending = background(connection.send, message)
    assert eventually(lambda: connection._stream._blocked_since is not None)
    assert peer.receive() == (Header(1, 0, BINARY, 0, 2**24), message)
    sending.result()


def test_a_send_to_a_peer_that_never_reads_is_freed_and_the_exception_says_so(opened):
    connection, _ = opened(send_timeout=IN_TIME)
    with pytest.raises(ConnectionClosedError, match="took nothing of a frame for 0.05 s"):
        connection.send(bytes(MANY))
    with pytest.raises(ConnectionClosedError, match="took nothing"):
        connection.recv()
    assert connection.close_code == 1006


def test_a_send_that_waits_behind_a_blocked_one_is_freed_with_it(background, opened):
    connection, _ = opened(send_timeout=0.2)
    senders = [background(connection.send, bytes(MANY)) for _ in range(3)]
    for sender in senders:
        with pytest.raises(ConnectionClosedError, match="took nothing"):
            sender.result()


@pytest.mark.rfc("6455-7.1.5-03")
def test_sending_to_a_peer_that_has_reset_the_connection_raises_closed(opened):
    connection, peer = opened()
    peer.reset()
    with pytest.raises(ConnectionClosedError) as raised:
        for _ in range(1000):
            connection.send("x")
    assert raised.value.cause
    with pytest.raises(ConnectionClosedError):
        connection.recv()
    assert connection.close_code == 1006


def test_raw_bytes_go_out_as_they_are_between_two_frames(opened):
    connection, peer = opened()
    connection.send("one")
    connection.send_raw(b"\xff\xff\x00")
    connection.send("two")
    peer.expect(TEXT, b"one")
    assert peer.read(3) == b"\xff\xff\x00"
    peer.expect(TEXT, b"two")


def test_raw_bytes_may_follow_a_close_but_not_the_end(opened):
    connection, peer = opened()
    peer.send_frame(CLOSE)
    peer.half_close()
    with pytest.raises(ConnectionClosedOK):
        connection.recv()
    with pytest.raises(ConnectionClosedOK):
        connection.send_raw(b"\x81\x00")


def test_raw_bytes_wait_for_the_opening_handshake(opened):
    connection, peer = opened(connecting=True)
    with pytest.raises(InvalidState):
        connection.send_raw(b"\x81\x00")


# The closing handshake, begun by the peer (§5.5.1, §7.1)


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


def test_a_ping_whose_answer_finds_the_connection_reset_ends_it_with_1006(monkeypatch, opened):
    connection, peer = opened()

    def broken(data):
        raise ConnectionResetError("as the test wants it")

    monkeypatch.setattr(type(connection._stream), "write", lambda self, data: broken(data))
    peer.send_frame(PING)
    with pytest.raises(ConnectionClosedError, match="as the test wants it"):
        connection.recv()
    assert connection.close_code == 1006


# The closing handshake, begun by us


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


def test_recv_while_another_thread_waits_for_the_peers_close_is_no_mistake(background, opened):
    """A handler that comes back to recv after another thread has called close gets the end, not a
    ConcurrencyError.
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


def test_a_message_on_its_way_reaches_the_thread_that_receives_while_another_closes(
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


def test_closing_twice_and_from_two_threads_sends_one_close(background, opened):
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
    with pytest.raises(ValueError, match=f"§7.4: close code {code} "):
        connection.close(code)
    connection.send("still open")
    peer.expect(TEXT, b"still open")


@pytest.mark.rfc("6455-7.4.1-07")
def test_7_4_1_close_refuses_1005(opened):
    connection, peer = opened(close_timeout=IN_TIME)
    with pytest.raises(ValueError, match="§7.4"):
        connection.close(1005)
    assert connection.state is State.OPEN


@pytest.mark.rfc("6455-5.5.1-04")
def test_5_5_1_a_reason_of_124_bytes_is_refused_and_of_123_sent(opened):
    connection, peer = opened()
    with pytest.raises(ValueError, match="§5.5.1: a reason of 124 bytes"):
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


# Failing the connection (§7.1.7)


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
def test_7_1_7_a_broken_rule_sends_its_code_and_nothing_behind_it_is_processed(
    log, opened, sent, code, section
):
    connection, peer = opened(**LIMITS)
    peer.send(sent, frame(PING, b"late"), frame(TEXT, b"late"), frame(CLOSE, close_body(1000)))
    peer.half_close()
    with pytest.raises(ConnectionClosedError, match=section) as raised:
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
    with pytest.raises(ConnectionClosedError, match="§5.4"):
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


# Heartbeat, and what a server does to its connections


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
    assert 0 < connection.latency < DEADLINE_S


def test_a_silent_peer_is_given_up_and_recv_says_why(monkeypatch, opened, log):
    monkeypatch.setattr(heartbeat, "SECOND_LOOK", IN_TIME)
    connection, peer = opened(ping_interval=IN_TIME, ping_timeout=IN_TIME)
    with pytest.raises(
        ConnectionClosedError, match="nothing received for 0.05 s after a Ping"
    ) as raised:
        connection.recv()
    assert raised.value.sent.code == 1011
    assert connection.close_code == 1006
    frames = []
    while (received := peer.receive())[0].opcode != CLOSE:
        frames.append(received[0].opcode)
    assert set(frames) == {PING}
    assert received[1][:2] == (1011).to_bytes(2, "big")
    peer.expect_cut()
    assert log.messages == [
        "192.0.2.1:5: given up, §5.5.2: nothing received for 0.05 s after a Ping"
    ]


class NoRoom:
    """The socket of a peer that has stopped to read: nothing can be sent without waiting."""

    def __init__(self, sock):
        self._sock = sock

    def __getattr__(self, name):
        return getattr(self._sock, name)

    def send(self, data, flags):
        raise BlockingIOError


def test_a_peer_with_no_room_for_a_ping_is_given_up_and_recv_says_why(opened):
    connection, _ = opened(wrap=NoRoom, ping_interval=IN_TIME, ping_timeout=IN_TIME)
    with pytest.raises(
        ConnectionClosedError, match="no Ping could be sent for 0.05 s, as the peer does not read"
    ):
        connection.recv()
    assert connection.close_code == 1006


def test_a_silent_peer_is_given_up_though_a_send_to_it_is_blocked(monkeypatch, background, opened):
    """The timer thread must not wait for the writer; so there is no Close."""
    monkeypatch.setattr(heartbeat, "SECOND_LOOK", 0.2)
    connection, peer = opened(ping_interval=IN_TIME, ping_timeout=IN_TIME)
    receiving = background(connection.recv)
    assert peer.receive()[0].opcode == PING
    sending = background(connection.send, bytes(MANY))
    for thread in (sending, receiving):
        with pytest.raises(ConnectionClosedError, match="nothing received") as raised:
            thread.result()
        assert raised.value.sent is None


def test_go_away_never_waits_for_a_writer(background, opened):
    connection, peer = opened()
    sending = background(connection.send, bytes(MANY))
    assert eventually(lambda: connection._stream._blocked_since is not None)
    assert not connection.go_away()
    assert len(peer.receive()[1]) == MANY
    sending.result()
    assert connection.go_away()
    peer.expect_close(1001)


def test_the_heartbeat_sends_no_ping_after_our_close(opened):
    connection, peer = opened(ping_interval=0.02, close_timeout=0.1)
    connection.close()
    while (received := peer.receive()[0].opcode) == PING:
        pass
    assert received == CLOSE
    peer.expect_cut()


def test_a_ping_of_the_heartbeat_into_a_broken_stream_aborts_it(opened):
    connection, peer = opened()
    connection._stream.half_close()
    assert connection._send_heartbeat(0.0) is None
    with pytest.raises(ConnectionClosedError):
        connection.recv()
    assert connection.close_code == 1006


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


def test_go_away_ends_a_connection_without_room_for_a_close(opened):
    connection, _ = opened(wrap=NoRoom)
    assert connection.go_away()
    with pytest.raises(ConnectionClosedError, match="no room for a Close"):
        connection.recv()


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


# Small things


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
