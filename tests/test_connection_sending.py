"""RFC 6455 §5.4, §6.1: messages go out as frames, of one thread or of many."""

import threading

import pytest

from connections import PausedMessage
from refws import (
    ConcurrencyError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    DeflateSettings,
    InvalidState,
)
from refws.protocol.deflate.codec import server_pair
from refws.protocol.deflate.negotiation import Parameters
from wire import (
    BINARY,
    CLOSE,
    CONT,
    DEADLINE_S,
    IN_TIME,
    MANY,
    PING,
    PONG,
    TEXT,
    Header,
    close_body,
    eventually,
)

pytestmark = pytest.mark.transport("tcp", "unix", "tls")


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
def test_a_value_that_is_no_message_is_refused_and_does_no_harm(opened, message):
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
    paused = PausedMessage()
    sending = background(connection.send, paused)
    peer.expect(TEXT, b"a", fin=0)
    paused.go_on.set()
    peer.expect(CONT, b"b", fin=0)
    peer.expect(CONT)
    sending.result()


def returning(last, *fragments):
    yield from fragments
    return last


@pytest.mark.rfc("6455-5.4-03")
@pytest.mark.parametrize(
    "fragments, last, opcode",
    [(["a"], "b", TEXT), ([b"a", b""], b"b", BINARY), ([], "a", TEXT), (["a", "b"], "", TEXT)],
)
def test_5_4_what_a_generator_returns_is_the_last_fragment(opened, fragments, last, opcode):
    connection, peer = opened()
    connection.send(returning(last, *fragments))
    for number, fragment in enumerate([*fragments, last]):
        payload = fragment.encode() if isinstance(fragment, str) else fragment
        peer.expect(CONT if number else opcode, payload, fin=int(number == len(fragments)))
    connection.send("next")
    peer.expect(TEXT, b"next")


def test_5_4_what_a_generator_returns_must_be_a_fragment_of_the_same_kind(opened):
    connection, peer = opened()
    with pytest.raises(TypeError, match="all str or all bytes"):
        connection.send(returning(b"b", "a"))
    peer.expect(TEXT, b"a", fin=0)
    peer.expect_close(1011)


def test_an_empty_iterable_sends_nothing(opened):
    connection, peer = opened()
    connection.send([])
    connection.send("next")
    peer.expect(TEXT, b"next")


class HandlerError(Exception):
    pass


def break_off(error, *fragments):
    yield from fragments
    raise error


@pytest.mark.rfc("6455-5.4-08", "6455-7.4.1-15")
@pytest.mark.parametrize(
    "error", [HandlerError("secret"), SystemExit()], ids=["Exception", "SystemExit"]
)
def test_5_4_an_iterable_that_raises_in_mid_message_closes_with_1011_and_raises_on(opened, error):
    """Only a Close can follow: the rest of the message never comes, and no other may start."""
    connection, peer = opened()
    with pytest.raises(type(error)):
        connection.send(break_off(error, "a"))
    peer.expect(TEXT, b"a", fin=0)
    assert "secret" not in peer.expect_close(1011)
    with pytest.raises(ConnectionClosedError):
        connection.send("next")


def test_5_4_an_iterable_that_raises_before_its_first_fragment_does_no_harm(opened):
    connection, peer = opened()
    with pytest.raises(HandlerError):
        connection.send(break_off(HandlerError()))
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
    paused = PausedMessage()
    receiving = background(connection.recv)
    sending = background(connection.send, paused)
    peer.expect(TEXT, b"a", fin=0)
    peer.send_frame(PING, b"in the middle")
    peer.expect(PONG, b"in the middle")
    connection.ping(b"ours")
    peer.expect(PING, b"ours")
    paused.go_on.set()
    peer.expect(CONT, b"b", fin=0)
    peer.expect(CONT)
    sending.result()
    peer.send_frame(TEXT, b"done")
    assert receiving.result() == "done"


@pytest.mark.rfc("6455-6.1-03", "6455-5.5.1-07", "6455-5.5.1-11")
def test_6_1_a_close_in_the_middle_of_a_fragmented_message_ends_the_sending(background, opened):
    connection, peer = opened()
    paused = PausedMessage()
    sending = background(connection.send, paused)
    peer.expect(TEXT, b"a", fin=0)
    closing = background(connection.close, 4000)
    peer.expect_close(4000)
    paused.go_on.set()
    with pytest.raises(ConnectionClosed):
        sending.result()
    peer.send_frame(CLOSE, close_body(4000))
    peer.expect_end()
    peer.close()
    closing.result()


@pytest.mark.rfc("6455-5.4-08")
def test_5_4_fragments_that_are_sent_without_a_pause_do_not_keep_other_messages_out(
    background, opened
):
    """A message that waits while one is sent in fragments goes out before the next such one."""
    connection, peer = opened()
    paused = PausedMessage()

    def send_twice():
        connection.send(paused)
        connection.send(["c"])

    sending = background(send_twice)
    peer.expect(TEXT, b"a", fin=0)
    others = []
    for text in ("first", "second"):
        others.append(background(connection.send, text))
        assert eventually(lambda: len(connection._sender._turn._waiting) == len(others))
    paused.go_on.set()
    peer.expect(CONT, b"b", fin=0)
    peer.expect(CONT)
    peer.expect(TEXT, b"first")
    peer.expect(TEXT, b"second")
    peer.expect(TEXT, b"c", fin=0)
    peer.expect(CONT)
    for thread in (sending, *others):
        thread.result()


@pytest.mark.rfc("6455-6.1-03", "6455-5.5.1-07")
@pytest.mark.parametrize("message", ["short", b"long" * 1000], ids=["short", "long"])
def test_6_1_after_a_close_a_message_fails_at_once_even_if_fragments_are_not_done(
    background, opened, message
):
    """It must not wait for its turn, which may come late: no data can follow a Close."""
    connection, peer = opened(close_timeout=60)
    paused = PausedMessage()
    sending = background(connection.send, paused)
    peer.expect(TEXT, b"a", fin=0)
    closing = background(connection.close)
    peer.expect_close(1011)
    other = background(connection.send, message)
    try:
        with pytest.raises(ConnectionClosed):
            other.result()
    finally:
        paused.go_on.set()
        connection.abort()
    with pytest.raises(ConnectionClosed):
        sending.result()
    closing.result()


@pytest.mark.rfc("6455-6.1-10")
def test_6_1_sixteen_megabytes_to_a_slow_reader_arrive_whole(background, opened):
    connection, peer = opened()
    message = bytes(range(256)) * (2**24 // 256)
    sending = background(connection.send, message)
    assert eventually(lambda: connection._stream._write_deadline is not None)
    assert peer.receive() == (Header(1, 0, BINARY, 0, 2**24), message)
    sending.result()


def test_a_send_to_a_peer_that_never_reads_is_freed_and_the_exception_says_so(opened):
    connection, _ = opened(send_timeout=IN_TIME)
    with pytest.raises(ConnectionClosedError, match=r"took less than 64 KiB of a frame in 0\.05 s"):
        connection.send(bytes(MANY))
    with pytest.raises(ConnectionClosedError, match="took less than"):
        connection.recv()
    assert connection.close_code == 1006


def test_a_send_that_waits_for_a_blocked_one_is_freed_with_it(background, opened):
    connection, _ = opened(send_timeout=0.2)
    senders = [background(connection.send, bytes(MANY)) for _ in range(3)]
    for sender in senders:
        with pytest.raises(ConnectionClosedError, match="took less than"):
            sender.result()


@pytest.mark.rfc("6455-7.1.5-03")
def test_7_1_5_sending_to_a_peer_that_has_reset_the_connection_raises_closed(opened):
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
    connection, _ = opened(connecting=True)
    with pytest.raises(InvalidState):
        connection.send_raw(b"\x81\x00")


# A message inside a message, and messages that break off


@pytest.mark.parametrize("compression", [None, DeflateSettings(threshold=0)])
def test_6_1_a_message_inside_a_fragmented_one_of_the_same_thread_is_an_error(opened, compression):
    """It would wait for itself; the fragmented one breaks off, as its iterator raised."""
    connection, peer = opened()
    if compression is not None:
        connection.use_deflate(server_pair(Parameters(), compression), compression.threshold)

    def fragments():
        yield "first"
        connection.send("inside")

    with pytest.raises(ConcurrencyError, match="of the same thread"):
        connection.send(fragments())
    peer.receive()
    peer.expect_close(1011)


def test_5_4_the_end_of_another_connection_in_the_middle_of_its_message_breaks_this_one_off(opened):
    """As in target.send(source.recv_streaming()): the source's end is not the target's."""
    target, peer = opened()

    def source():
        yield "half"
        raise ConnectionClosedOK(None, None)

    with pytest.raises(ConnectionClosedOK):
        target.send(source())
    peer.expect(TEXT, b"half", fin=0)
    peer.expect_close(1011)


def test_7_1_2_a_close_in_the_middle_of_a_fragmented_message_says_that_it_broke_off(
    opened, background
):
    """1000 would say that all is done, and half of a message is not."""
    connection, peer = opened()
    paused = PausedMessage()
    sending = background(connection.send, paused)
    peer.expect(TEXT, b"a", fin=0)
    closing = background(connection.close)
    peer.expect_close(1011)
    peer.send_frame(CLOSE, close_body(1011))
    peer.half_close()
    closing.result()
    paused.go_on.set()
    with pytest.raises(ConnectionClosedError):
        sending.result()


def test_7_1_2_a_close_right_after_a_fragment_knows_that_its_message_has_begun(opened, background):
    """The fragment and the note that it has left are one step under the write lock."""
    connection, peer = opened()
    lock, closing = connection._sender._lock, []

    class Lock:
        acquire, release = lock.acquire, lock.release

        def __enter__(self):
            lock.acquire()

        def __exit__(self, *error):
            lock.release()
            if connection._stream.writes == 1 and not closing:
                closing.append(background(connection.close))
                peer.expect(TEXT, b"a", fin=0)
                peer.expect_close(1011)

    connection._sender._lock = Lock()
    with pytest.raises(ConnectionClosedError):
        connection.send(["a", "b"])
    peer.send_frame(CLOSE, close_body(1011))
    peer.half_close()
    closing[0].result()


def test_the_end_of_the_connection_releases_a_message_that_waits_for_another_one(
    opened, background
):
    connection, peer = opened()
    paused = PausedMessage()
    sending = background(connection.send, paused)
    peer.expect(TEXT, b"a", fin=0)
    waiting = background(connection.send, "waits")
    assert eventually(lambda: connection._sender._turn._waiting)
    connection.abort("ended by the test")
    with pytest.raises(ConnectionClosedError, match="ended by the test"):
        waiting.result()
    paused.go_on.set()
    with pytest.raises(ConnectionClosedError):
        sending.result()


def test_a_write_that_an_exception_interrupts_ends_the_stream(opened, monkeypatch):
    """Such as KeyboardInterrupt: half of a frame may be written, and nothing may follow it."""
    connection, peer = opened()

    def interrupted(*data):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(connection._stream), "_write_blocking", interrupted)
    with pytest.raises(KeyboardInterrupt):
        connection.send(bytes(MANY))
    with pytest.raises(ConnectionClosedError):
        connection.send("more")
    with pytest.raises(ConnectionClosedError):
        connection.recv()
    peer.file.read()  # the end, and no other frame's bytes
