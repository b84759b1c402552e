"""RFC 6455 §5.5: Pings, Pongs and Closes are dealt with while no thread receives."""

import signal
import threading
from contextlib import suppress
from time import monotonic

import pytest

from connections import wait_readable, waiting
from refws import (
    ConcurrencyError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    Side,
    State,
)
from refws.endpoint import heartbeat, reading, starting
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
    close_body,
    eventually,
    frame,
)

pytestmark = pytest.mark.transport("tcp", "unix", "tls")


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """The timer thread looks every 20 ms; one test sees the real interval."""
    monkeypatch.setattr(reading, "LOOK_INTERVAL", 0.02)


def looks(connection):
    """Whether looks go on."""
    return connection._looks is not None


def looked(connection):
    """True once a look has found nothing to read: all that had arrived is dealt with."""
    connection._stream.reader.waiting = False
    return eventually(lambda: connection._stream.waiting)


# When


@pytest.mark.transport("tcp", reason="it opens no connection")
def test_a_look_comes_within_its_interval_at_a_time_that_connections_share(monkeypatch):
    """Half an interval after a receive at the earliest: mostly the next receive comes before."""
    monkeypatch.setattr(reading, "LOOK_INTERVAL", 8.0)
    looks = {now: reading.next_look(now) for now in (16.0, 16.5, 19.5, 20.0, 23.5)}
    assert looks == {16.0: 24, 16.5: 24, 19.5: 24, 20.0: 28, 23.5: 28}
    assert reading.next_look(24.0) == 32, "a look that is on time has the next after an interval"


# Control frames


@pytest.mark.rfc("6455-5.5.2-01", "6455-5.5.2-02")
def test_5_5_2_a_ping_is_answered_while_no_thread_receives(opened):
    _, peer = opened()
    peer.send(frame(PING, b"1"))
    peer.expect(PONG, b"1")
    peer.send(frame(PING, b"2"), frame(PING, b"3"))
    peer.expect(PONG, b"2")
    peer.expect(PONG, b"3")


def test_a_look_comes_within_a_second(opened, monkeypatch):
    monkeypatch.undo()
    _, peer = opened()
    sent = monotonic()
    peer.send(frame(PING))
    peer.expect(PONG, b"")
    assert monotonic() - sent < 1


def test_5_5_2_a_ping_that_arrives_byte_by_byte_is_answered_while_no_thread_receives(opened):
    connection, peer = opened()
    for byte in frame(PING, b"slow"):
        peer.send(bytes([byte]))
        assert looked(connection)
    peer.expect(PONG, b"slow")
    peer.send(frame(TEXT, b"next"))
    assert connection.recv() == "next"


@pytest.mark.rfc("6455-5.5.3-01")
def test_5_5_3_wait_returns_with_the_pong_while_no_thread_receives(opened, background):
    connection, peer = opened()
    answered = connection.ping("here?")
    waits = background(answered.wait)
    peer.expect(PING, b"here?")
    assert waiting(connection)
    peer.send(frame(PONG, b"here?"))
    assert waits.result() is True
    assert 0 < connection.latency < SOON_S
    assert answered.wait() is True


def test_5_5_3_wait_gives_false_after_its_timeout(opened):
    connection, _ = opened()
    started = monotonic()
    assert connection.ping().wait(IN_TIME) is False
    assert IN_TIME <= monotonic() - started < SOON_S


def test_5_5_3_a_pong_is_seen_without_a_thread_that_waits(opened):
    connection, peer = opened()
    answered = connection.ping(b"x")
    peer.expect(PING, b"x")
    peer.send(frame(PONG, b"x"))
    assert eventually(answered.is_set)


def test_5_5_3_two_threads_wait_for_their_pongs(opened, background):
    connection, peer = opened()
    events = [connection.ping(data) for data in (b"1", b"2")]
    threads = [background(event.wait) for event in events]
    peer.send(frame(PONG, b"2"))
    assert [thread.result() for thread in threads] == [True, True]


# Data frames


@pytest.mark.rfc("6455-5.4-05")
def test_a_message_waits_for_its_receive_and_what_follows_it_waits_too(opened, background):
    connection, peer = opened()
    answered = connection.ping(b"x")
    peer.expect(PING, b"x")
    peer.send(frame(PING, b"1"), frame(TEXT, b"message"), frame(PONG, b"x"), frame(PING, b"2"))
    peer.expect(PONG, b"1")
    assert answered.wait(IN_TIME) is False
    assert connection.recv() == "message"
    assert eventually(answered.is_set)
    peer.expect(PONG, b"2")


@pytest.mark.parametrize("cut", range(1, len(frame(TEXT, b"message"))))
def test_a_message_that_has_arrived_in_part_stays_whole(opened, cut):
    connection, peer = opened()
    message = frame(TEXT, b"message")
    peer.send(frame(PING), message[:cut])
    peer.expect(PONG, b"")
    assert eventually(lambda: connection._receiver._resumable is not None)
    peer.send(message[cut:])
    assert connection.recv() == "message"


@pytest.mark.rfc("6455-5.4-10")
def test_5_4_a_ping_between_fragments_is_answered_while_no_thread_receives(opened):
    connection, peer = opened()
    peer.send(frame(TEXT, b"a", fin=0))
    chunks = connection.recv_streaming()
    assert next(chunks) == "a"
    peer.send(frame(PING, b"between"))
    peer.expect(PONG, b"between")
    peer.send(frame(CONT, b"b"))
    assert list(chunks) == ["b"]


def test_a_receive_takes_over_from_a_thread_that_waits_for_a_pong(opened, background):
    connection, peer = opened()
    waits = background(connection.ping(b"x").wait)
    assert waiting(connection)
    with pytest.raises(TimeoutError, match="no whole message within 0.05 s"):
        connection.recv(timeout=IN_TIME)
    receiving = background(connection.recv)
    peer.expect(PING, b"x")
    peer.send(frame(TEXT, b"message"), frame(PONG, b"x"))
    assert receiving.result() == "message"
    assert waits.result() is True


def test_a_thread_waits_for_a_pong_while_another_receives(opened, background):
    connection, peer = opened()
    receiving = background(connection.recv)
    assert waiting(connection)
    waits = background(connection.ping(b"x").wait)
    peer.expect(PING, b"x")
    peer.send(frame(PONG, b"x"))
    assert waits.result() is True
    with pytest.raises(ConcurrencyError):
        connection.recv(timeout=IN_TIME)
    peer.send(frame(TEXT, b"message"))
    assert receiving.result() == "message"


# The end


@pytest.mark.rfc("6455-5.5.1-05", "6455-5.5.1-10", "6455-7.1.2-02")
@pytest.mark.parametrize("side", Side)
def test_5_5_1_a_close_is_answered_while_no_thread_receives(opened, side):
    connection, peer = opened(side=side)
    masked = side is Side.SERVER
    peer.send(frame(CLOSE, close_body(1001, "bye"), masked=masked))
    peer.expect(CLOSE, close_body(1001), masked=not masked)
    assert eventually(lambda: connection.state is not State.OPEN)
    with pytest.raises(ConnectionClosedOK) as closed:
        connection.send("too late")
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1001, "bye")
    peer.close()
    assert eventually(lambda: connection.state is State.CLOSED)
    assert (connection.close_code, connection.close_reason) == (1001, "bye")
    with pytest.raises(ConnectionClosedOK):
        connection.recv()


def test_7_1_7_a_broken_rule_fails_the_connection_while_no_thread_receives(opened):
    connection, peer = opened()
    peer.send(frame(PING), frame(0x3))
    peer.expect(PONG, b"")
    header, body = peer.receive()
    assert (header.opcode, body[:2]) == (CLOSE, close_body(1002))
    assert body[2:].startswith("§5.2: ".encode())
    peer.close()
    assert eventually(lambda: connection.state is State.CLOSED)
    with pytest.raises(ConnectionClosedError, match="reserved opcode"):
        connection.send("too late")


@pytest.mark.parametrize("end", ["close", "reset"])
def test_7_1_5_the_end_of_tcp_is_noticed_while_no_thread_receives(opened, end):
    connection, peer = opened()
    getattr(peer, end)()
    assert eventually(lambda: connection.state is State.CLOSED)
    assert connection.close_code == 1006


def test_abort_gives_everything_back_while_no_thread_receives(opened, timers):
    connection, peer = opened(ping_interval=4 * IN_TIME)
    peer.send(frame(TEXT, b"unread"))
    assert eventually(lambda: connection._receiver._resumable is not None)
    connection.abort("no more")
    assert eventually(lambda: connection.state is State.CLOSED)
    assert eventually(lambda: connection._stream._sock.fileno() < 0)
    assert eventually(lambda: connection._heartbeat.function is None)
    assert eventually(lambda: len(timers._schedule) == 0 or not looks(connection))
    with pytest.raises(ConnectionClosedError, match="no more"):
        connection.recv()


@pytest.mark.parametrize("length", [7, 20_000])
def test_what_arrived_before_a_deadline_ended_the_stream_is_still_delivered(opened, length):
    """It is kept in memory until the receive; the descriptor and the timers are given back."""
    connection, peer = opened(ping_interval=1)
    message = "x" * length
    peer.send(frame(TEXT, message.encode()), frame(CLOSE, close_body(4000)))
    assert eventually(lambda: connection._receiver._resumable is not None)
    connection._stream.abort("a deadline")
    assert eventually(lambda: connection._stream._sock.fileno() < 0)
    assert eventually(lambda: connection._heartbeat.function is None)
    with pytest.raises(ConnectionClosedError, match="a deadline"):
        connection.send("too late")
    assert connection.recv() == message
    with pytest.raises(ConnectionClosedError):
        connection.recv()
    assert connection.close_code == 4000


@pytest.mark.parametrize(
    "method, data", [("send", "x"), ("ping", None), ("pong", b""), ("send_raw", b"x")]
)
def test_7_1_5_what_is_sent_into_a_broken_stream_reports_the_close_that_explains_it(
    opened, monkeypatch, method, data
):
    monkeypatch.setattr(reading, "LOOK_INTERVAL", 1000)
    connection, peer = opened()
    peer.send(frame(CLOSE, close_body(4001, "enough")))
    peer.close()
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            getattr(connection, method)(data)
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "enough")


def test_a_listener_that_finds_the_end_is_released(opened, background):
    connection, peer = opened()
    waits = background(connection.ping(b"x").wait)
    peer.expect(PING, b"x")
    assert waiting(connection)
    peer.send(frame(CLOSE, close_body(1000)))
    peer.expect_close(1000)
    peer.half_close()
    assert waits.result() is True
    assert connection.state is not State.OPEN


def test_5_5_2_a_silent_peer_is_given_up_while_no_thread_receives(opened, monkeypatch):
    monkeypatch.setattr(heartbeat, "SECOND_LOOK", 0.1)
    connection, _ = opened(ping_interval=IN_TIME, ping_timeout=IN_TIME)
    assert eventually(lambda: connection.state is State.CLOSED)
    with pytest.raises(ConnectionClosedError, match="nothing received for 0.05 s after a Ping"):
        connection.send("x")


def test_5_5_2_a_peer_with_an_unread_message_is_not_called_silent(opened, monkeypatch):
    monkeypatch.setattr(heartbeat, "SECOND_LOOK", 0.1)
    connection, peer = opened(ping_interval=IN_TIME, ping_timeout=IN_TIME)
    peer.send(frame(TEXT, b"unread"))
    for _ in range(12):
        assert peer.receive()[0].opcode == PING
    assert connection.recv() == "unread"


# The timer thread


def test_an_idle_connection_costs_nothing_while_a_thread_receives(opened, background, timers):
    connection, peer = opened(ping_interval=None)
    receiving = background(connection.recv)
    assert eventually(lambda: not looks(connection))
    assert len(timers._schedule) == 0
    peer.send(frame(TEXT, b"message"))
    assert receiving.result() == "message"
    assert looks(connection)
    peer.send(frame(PING))
    peer.expect(PONG, b"")


def test_looks_wait_for_nothing(opened, background, timers):
    """A writer that is blocked, a tap that waits: the timer thread runs its other timers."""
    connection, peer = opened()
    sending = background(connection.send, bytes(MANY))
    assert eventually(lambda: connection._sender._in_write)
    peer.send(frame(PING), frame(CLOSE, close_body(1000)))
    assert eventually(lambda: connection._pings.unanswered is not None)
    called = threading.Event()
    timers.call_at(0, lambda now: called.set())
    assert called.wait(DEADLINE_S)
    connection.abort()
    with pytest.raises(ConnectionClosed):
        sending.result()


def test_a_tap_sees_what_looks_read_in_another_thread_and_in_order(opened):
    connection, peer = opened()
    seen, threads = [], set()

    def tap(side, data):
        threads.add(threading.current_thread().name)
        seen.append((side, data))

    connection.trace = tap
    peer.send(frame(PING, b"1"))
    peer.expect(PONG, b"1")
    peer.send(frame(PING, b"2"), frame(TEXT, b"message"))
    peer.expect(PONG, b"2")
    assert connection.recv() == "message"
    theirs = b"".join(data for side, data in seen if side is Side.CLIENT)
    assert theirs == frame(PING, b"1") + frame(PING, b"2") + frame(TEXT, b"message")
    ours = b"".join(data for side, data in seen if side is Side.SERVER)
    assert ours == frame(PONG, b"1", masked=0) + frame(PONG, b"2", masked=0)
    assert not any("timers" in name for name in threads)


def test_without_a_thread_for_the_end_the_next_look_tries_again(opened, monkeypatch):
    class NoThread:
        tries = 0

        def __init__(self, **options):
            NoThread.tries += 1

        def start(self):
            raise RuntimeError("can't start new thread")

    connection, peer = opened()
    with monkeypatch.context() as patched:
        patched.setattr(starting.threading, "Thread", NoThread)
        peer.send(frame(CLOSE, close_body(1000)))
        assert eventually(lambda: NoThread.tries > 2)
    assert eventually(lambda: connection.state is not State.OPEN)
    assert connection.close_code == 1000


def test_an_internal_error_in_the_thread_that_ends_is_logged(opened, monkeypatch, log):
    connection, peer = opened()

    def fails(end, timeout):
        raise KeyError("planted")

    monkeypatch.setattr(type(connection), "_end_with", lambda self, *end: fails(*end))
    peer.send(frame(CLOSE, close_body(1000)))
    assert eventually(lambda: any("an internal error" in line for line in log.messages))
    connection.abort()


# Pongs that do not fit


def test_5_5_2_a_pong_that_does_not_fit_keeps_no_receive_waiting(opened, background):
    """recv keeps its timeout, and the newest Ping is answered once the peer reads (§5.5.3)."""
    connection, peer = opened()
    sending = background(connection.send, bytes(MANY))
    assert eventually(lambda: connection._sender._in_write)
    peer.send(frame(PING, b"1"), frame(PING, b"2"), frame(TEXT, b"message"))
    assert connection.recv(timeout=DEADLINE_S) == "message"
    started = monotonic()
    with pytest.raises(TimeoutError):
        connection.recv(timeout=IN_TIME)
    assert monotonic() - started < SOON_S
    assert len(peer.receive()[1]) == MANY
    peer.expect(PONG, b"2")
    sending.result()


def test_without_a_thread_for_timers_the_next_ping_tries_again(opened, monkeypatch):
    connection, peer = opened()

    def no_thread(when, function):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(type(connection._stream), "call_at", lambda self, *call: no_thread(*call))
        patched.setattr(type(connection._stream), "try_write", lambda self, *data: False)
        peer.send(frame(PING, b"1"), frame(TEXT, b"message"))
        assert connection.recv() == "message"
    peer.send(frame(PING, b"2"))
    peer.expect(PONG, b"2")


# Exceptions that interrupt


class Interrupt(BaseException):
    """Like KeyboardInterrupt, which pytest itself would obey."""


@pytest.fixture
def interrupts(monkeypatch, on_signal):
    """interrupts(when) raises Interrupt in the main thread by a signal, once `when` is true.

    No look of the timer thread reads meanwhile.
    """
    monkeypatch.setattr(reading, "LOOK_INTERVAL", 1000)

    def interrupt():
        raise Interrupt

    return lambda when: on_signal(interrupt, when)


def receives_so_far(connection, peer):
    """How often bytes have arrived, once a message has: before it TLS sends records of its own."""
    peer.send(frame(TEXT, b"first", masked=0))
    assert connection.recv() == "first"
    return connection._stream.receives


@pytest.mark.parametrize("timeout", [None, DEADLINE_S])
def test_an_interrupted_receive_goes_on_between_two_frames(interrupts, opened, timeout):
    connection, peer = opened(side=Side.CLIENT)
    received = receives_so_far(connection, peer)
    peer.send(frame(TEXT, b"a", fin=0, masked=0))
    interrupts(lambda: connection._stream.receives > received and connection._stream.waiting)
    with pytest.raises(Interrupt):
        connection.recv(timeout)
    assert connection.state is State.OPEN
    peer.send(frame(CONT, b"b", masked=0))
    assert connection.recv() == "ab"


@pytest.mark.parametrize("timeout", [None, DEADLINE_S])
@pytest.mark.parametrize("cut", range(1, 13))
def test_a_receive_that_is_interrupted_inside_a_frame_goes_on_or_ends_the_connection(
    interrupts, opened, cut, timeout
):
    """Each message arrives whole, or the connection ends there: no byte is ever lost in silence."""
    connection, peer = opened(side=Side.CLIENT)
    received = receives_so_far(connection, peer)
    wire = frame(TEXT, b"message", masked=0) + frame(TEXT, b"next", masked=0)
    peer.send(wire[:cut])
    interrupts(lambda: connection._stream.receives > received and connection._stream.waiting)
    got = []
    with pytest.raises(Interrupt):
        got.append(connection.recv(timeout))
        got.append(connection.recv(timeout))
    with suppress(BrokenPipeError):  # a Unix socket has noticed the end already
        peer.send(wire[cut:])
    try:
        while len(got) < 2:
            got.append(connection.recv())
    except ConnectionClosedError as closed:
        assert "interrupted in the middle of a frame" in str(closed)
        assert got == ["message"][: len(got)]
        assert cut not in (1, 9, 10), "before a header, or inside it, a receive can go on"
    else:
        assert got == ["message", "next"]


def test_an_exception_of_a_signal_that_looks_like_one_of_the_socket_goes_through(
    opened, monkeypatch
):
    """The usual recipe for a time limit: an alarm whose handler raises TimeoutError."""
    monkeypatch.setattr(reading, "LOOK_INTERVAL", 1000)
    connection, peer = opened(side=Side.CLIENT)

    def handler(number, stack):
        raise TimeoutError("too slow")

    previous = signal.signal(signal.SIGALRM, handler)
    try:
        for wait in (connection.recv, connection.ping(b"x").wait):
            signal.setitimer(signal.ITIMER_REAL, IN_TIME)
            with pytest.raises(TimeoutError, match="too slow"):
                wait()
    finally:
        signal.signal(signal.SIGALRM, previous)
    peer.send(frame(TEXT, b"message", masked=0))
    assert connection.recv() == "message"


def test_an_interrupted_receive_gives_back_what_a_look_has_kept(interrupts, opened):
    connection, peer = opened(side=Side.CLIENT)
    received = receives_so_far(connection, peer)
    peer.send(frame(TEXT, b"message", masked=0)[:1])
    assert eventually(lambda: wait_readable(connection._stream, 0))
    connection._look(monotonic())
    interrupts(lambda: connection._stream.receives > received and connection._use)
    with pytest.raises(Interrupt):
        connection.recv(DEADLINE_S)
    peer.send(frame(TEXT, b"message", masked=0)[1:])
    assert connection.recv() == "message"


def test_a_listener_that_is_interrupted_leaves_the_position_known(interrupts, opened):
    connection, peer = opened(side=Side.CLIENT)
    answered = connection.ping(b"x")
    interrupts(lambda: connection._stream.waiting)
    with pytest.raises(Interrupt):
        answered.wait()
    peer.send(frame(PONG, b"x", masked=0), frame(TEXT, b"message", masked=0))
    assert connection.recv() == "message"
    assert answered.is_set()


def test_an_exception_in_the_middle_of_a_message_ends_the_connection(opened, monkeypatch):
    """Memory can run out anywhere: what was read is lost, so no later byte has a meaning."""
    connection, peer = opened()

    def no_memory(self, data):
        raise MemoryError

    monkeypatch.setattr(type(connection._receiver.incoming), "collect", no_memory)
    peer.send(frame(TEXT, b"a", fin=0))
    with pytest.raises(MemoryError):
        connection.recv()
    with pytest.raises(ConnectionClosedError, match="interrupted"):
        connection.recv()


def test_a_wait_for_a_pong_inside_a_receive_of_the_same_thread_is_an_error(opened):
    """As a signal's handler does that interrupts a receive, which would have to read the Pong."""
    connection, peer = opened()
    answered = connection.ping(b"x")
    connection._reading.acquire()
    connection._use = reading.RECEIVES
    try:
        with pytest.raises(ConcurrencyError):
            answered.wait(IN_TIME)
    finally:
        connection._use = reading.FREE
        connection._reading.release()
    peer.send(frame(PONG, b"x"))
    assert answered.wait(DEADLINE_S) is True


# Found by programs that try to break the above


def test_a_time_that_is_no_number_is_refused_and_harms_nothing(opened):
    connection, peer = opened()
    with pytest.raises(ValueError, match="timeout is nan"):
        connection.recv(float("nan"))
    peer.send(frame(TEXT, b"message"))
    assert connection.recv() == "message"


@pytest.mark.parametrize("side", Side)
def test_a_receive_with_a_timeout_does_not_wait_for_the_end_of_tcp(opened, side):
    """It says how the connection ends; a thread waits for the peer (§7.1.1)."""
    connection, peer = opened(side=side)
    peer.send(frame(CLOSE, close_body(1001, "bye"), masked=side is Side.SERVER))
    started = monotonic()
    with pytest.raises(ConnectionClosed) as closed:
        connection.recv(IN_TIME)
    assert monotonic() - started < 1
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1001, "bye")
    peer.expect(CLOSE, close_body(1001), masked=side is Side.CLIENT)
    peer.close()
    assert eventually(lambda: connection.state is State.CLOSED)


def test_a_receive_with_a_timeout_does_not_wait_for_a_blocked_send(opened, background):
    connection, peer = opened()
    sending = background(connection.send, bytes(MANY))
    assert eventually(lambda: connection._sender._in_write)
    peer.send(frame(CLOSE, close_body(1001, "bye")))
    with pytest.raises(ConnectionClosed) as closed:
        connection.recv(IN_TIME)
    assert closed.value.rcvd.code == 1001
    connection.abort()
    with pytest.raises(ConnectionClosed):
        sending.result()


def test_a_handler_that_polls_gives_a_silent_peer_up(opened, monkeypatch):
    monkeypatch.setattr(heartbeat, "SECOND_LOOK", 0.1)
    connection, _ = opened(ping_interval=IN_TIME, ping_timeout=IN_TIME)

    def polled():
        try:
            connection.recv(timeout=0)
        except TimeoutError:
            return False
        except ConnectionClosedError as closed:
            return "nothing received" in str(closed)

    assert eventually(polled)


def test_many_control_frames_are_dealt_with_in_one_look(opened, monkeypatch):
    monkeypatch.setattr(reading, "LOOK_INTERVAL", 1.0)
    connection, peer = opened()
    started = monotonic()
    peer.send(*[frame(PONG, bytes(100))] * 400, frame(CLOSE, close_body(1000)))
    peer.expect(CLOSE, close_body(1000))
    assert monotonic() - started < 3, "40 reads of 4 KiB, one at each look, would take 10 s"
    assert connection.state is not State.OPEN


def test_5_5_2_a_pong_leaves_beside_a_thread_that_sends_without_a_pause(opened, background):
    connection, peer = opened()

    def push():
        with pytest.raises(ConnectionClosed):
            while True:
                connection.send(bytes(50_000))

    pushing = background(push)
    peer.send(frame(PING, b"here?"))
    while (received := peer.receive())[0].opcode != PONG:
        pass
    assert received[1] == b"here?"
    connection.abort()
    pushing.result()


def test_5_4_an_interrupted_message_in_fragments_is_broken_off(opened, monkeypatch):
    """Whatever interrupts it: no other message may follow half of one."""
    connection, peer = opened()
    encode = type(connection._sender)._encode
    calls = iter(range(10))

    def no_memory(self, *arguments):
        if next(calls) == 1:
            raise MemoryError
        return encode(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(type(connection._sender), "_encode", no_memory)
        with pytest.raises(MemoryError):
            connection.send(["one", "two"])
    peer.expect(TEXT, b"one", fin=0)
    peer.expect_close(1011, "§5.4: a fragmented message broke off")


@pytest.mark.transport("tcp", "tls", reason="a Unix socket has no RST")
def test_the_reason_why_tcp_broke_is_reported_though_a_look_has_found_it(opened):
    connection, peer = opened()
    peer.reset()
    assert eventually(lambda: connection.state is State.CLOSED)
    with pytest.raises(ConnectionClosedError) as closed:
        connection.recv()
    assert str(closed.value) not in ("received no Close, sent no Close", "")


@pytest.fixture
def late_threads(monkeypatch):
    """late_threads.run() starts the threads that refws has asked for until then."""

    class Late:
        def __init__(self):
            self.waiting = []

        def start(self, function, name):
            self.waiting.append(function)

        def run(self):
            for function in self.waiting:
                function()

    late = Late()
    monkeypatch.setattr(reading, "STARTER", late)
    return late


@pytest.mark.rfc("6455-5.5.1-08")
@pytest.mark.parametrize("again", ["recv", "recv with a timeout", "close"])
def test_5_5_1_the_close_that_a_recv_with_a_timeout_has_found_is_not_lost_for_the_next_reader(
    opened, late_threads, again
):
    """The thread that ends the connection may be slow to start: another one must not read on."""
    connection, peer = opened(close_timeout=DEADLINE_S)
    peer.send_frame(CLOSE, close_body(4999, "enough"))
    peer.half_close()
    with pytest.raises(ConnectionClosed, match="4999"):
        connection.recv(timeout=0.1)
    assert connection.state is State.OPEN, "no thread has ended it yet"
    started = monotonic()
    if again == "close":
        connection.close()
    elif again == "recv":
        with pytest.raises(ConnectionClosed, match="4999"):
            connection.recv()
    else:
        with pytest.raises(ConnectionClosed, match="4999"):
            connection.recv(timeout=0.1)
        late_threads.run()
    assert monotonic() - started < DEADLINE_S - 1
    peer.expect_close(4999 if again != "close" else 1000)
    assert (connection.close_code, connection.close_reason) == (4999, "enough")
    late_threads.run()
    assert connection.state is State.CLOSED


def test_5_5_1_a_look_ends_a_connection_whose_end_was_found(opened, late_threads):
    connection, peer = opened()
    peer.send_frame(CLOSE, close_body(4999))
    peer.half_close()
    with pytest.raises(ConnectionClosed):
        connection.recv(timeout=0.1)
    count = len(late_threads.waiting)
    assert eventually(lambda: len(late_threads.waiting) > count)
    late_threads.waiting[-1]()
    peer.expect_close(4999)
    assert connection.close_code == 4999
