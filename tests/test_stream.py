"""One blocking byte stream: reading, writing, what wakes a thread, and that no RST eats a frame."""

import socket
import threading
from contextlib import suppress
from time import monotonic

import pytest

from connections import wait_readable
from refws.endpoint import stream as module
from refws.endpoint.stream import Stream
from refws.endpoint.timers import Timers
from wire import (
    DEADLINE_S,
    IN_TIME,
    MANY,
    SOON_S,
    eventually,
    fill,
    receive_exactly,
    reset_when_closed,
    send_byte_by_byte,
)

FAR = 3600.0


@pytest.fixture(params=["as on Linux", "as on Windows"])
def system(request, monkeypatch):
    """Both ways to write without waiting."""
    if request.param == "as on Windows":
        monkeypatch.setattr(module, "DONT_WAIT", None)
    elif module.DONT_WAIT is None:
        pytest.skip("this system has no MSG_DONTWAIT")


@pytest.fixture
def ends(tcp, timers):
    """(stream, socket of the peer)"""
    sock, peer = tcp()
    peer.settimeout(DEADLINE_S)
    stream = Stream(sock, timers, FAR)
    yield stream, peer
    stream.abort()
    stream.close()


# Reading


@pytest.mark.rfc("6455-6.2-01")
def test_6_2_reading_does_not_depend_on_how_the_stream_was_cut(ends):
    stream, peer = ends
    send_byte_by_byte(peer, b"abcdef")
    assert stream.file.read(4) == b"abcd"
    assert stream.file.read(2) == b"ef"


def test_read_size_is_the_most_that_is_received_at_once(ends):
    stream, peer = ends
    peer.sendall(b"abcdefg")
    stream.reader.read_size = 3
    assert stream.file.read(7) == b"abcdefg"
    assert stream.receives == 3
    stream.reader.read_size = 0
    peer.sendall(b"hijklmn")
    assert stream.file.read(7) == b"hijklmn"
    assert stream.receives == 4


def test_the_end_of_the_stream_reads_as_nothing(ends):
    stream, peer = ends
    peer.close()
    assert stream.file.read(1) == b""
    assert stream.receives == 1


def test_a_stream_knows_whether_a_thread_waits_and_how_often_bytes_arrived(ends, background):
    stream, peer = ends
    assert (stream.waiting, stream.receives) == (False, 0)
    reading = background(stream.file.read, 1)
    assert eventually(lambda: stream.waiting)
    peer.sendall(b"x")
    assert reading.result() == b"x"
    assert (stream.waiting, stream.receives) == (False, 1)


def test_no_thread_waits_for_bytes_while_a_tap_gets_them(ends):
    """A slow tap must not look like a silent peer."""
    stream, peer = ends
    waiting = []
    stream.set_tap(lambda sent, data: waiting.append(stream.waiting))
    peer.sendall(b"x")
    assert stream.file.read(1) == b"x"
    assert waiting == [False]
    stream.set_tap(None)


def test_wait_readable_is_false_after_its_time_and_takes_nothing(ends):
    stream, peer = ends
    start = monotonic()
    assert not wait_readable(stream, 0.02)
    assert monotonic() - start >= 0.02
    assert stream.receives == 0
    peer.sendall(b"late")
    assert stream.file.read(4) == b"late"


def test_wait_readable_does_not_wait_when_its_time_is_over_already(ends):
    stream, _ = ends
    assert not wait_readable(stream, 0)
    assert not wait_readable(stream, -1)


def test_a_read_after_wait_readable_waits_again(ends, background):
    stream, peer = ends
    assert not wait_readable(stream, 0)
    reading = background(stream.file.read, 1)
    reading.thread.join(IN_TIME)
    assert reading.thread.is_alive()
    peer.sendall(b"x")
    assert reading.result() == b"x"


def test_wait_readable_sees_bytes_on_their_way_and_bytes_in_the_buffer(ends):
    stream, peer = ends
    peer.sendall(b"ab")
    assert wait_readable(stream, DEADLINE_S)
    assert stream.file.read(1) == b"a"
    assert wait_readable(stream, 0)
    assert stream.file.read(1) == b"b"


def test_wait_readable_sees_the_end_of_the_stream(ends):
    stream, peer = ends
    peer.close()
    assert wait_readable(stream, DEADLINE_S)
    assert stream.file.read(1) == b""


# Writing


@pytest.mark.rfc("6455-6.1-10")
def test_6_1_a_long_write_to_a_slow_reader_arrives_whole(system, tcp, timers, background):
    sock, peer = tcp()
    stream = Stream(sock, timers, FAR)
    data = bytes(range(256)) * (MANY // 256)
    writing = background(stream.write, data)
    assert receive_exactly(peer, len(data)) == data
    writing.result()
    assert stream.writes == 1


def test_a_peer_that_takes_nothing_frees_the_writer_after_the_timeout_and_says_why(
    system, tcp, timers, background
):
    stream = Stream(tcp()[0], timers, 0.05)
    writing = background(stream.write, bytes(MANY))
    with pytest.raises(OSError):
        writing.result()
    assert stream.cause == "the peer took less than 64 KiB of a frame in 0.05 s"


def test_the_timeout_of_a_write_starts_again_with_each_part_that_the_peer_takes(
    tcp, timers, background
):
    sock, peer = tcp()
    stream = Stream(sock, timers, FAR)
    fill(sock)
    writing = background(stream.write, bytes(MANY) + b"last")
    assert eventually(lambda: stream._write_deadline is not None)
    starts, received = set(), b""
    while not received.endswith(b"last"):
        starts.add(stream._write_deadline._blocked_since)
        received = received[-3:] + peer.recv(65536)
    writing.result()
    assert len(starts - {None}) > 1


def test_many_blocked_writes_share_one_timer(tcp, background):
    timers = Timers()
    sock, peer = tcp()
    stream = Stream(sock, timers, FAR)
    try:
        for _ in range(3):
            size = fill(sock) + MANY  # so that the write finds no room
            writing = background(stream.write, bytes(MANY))
            assert len(receive_exactly(peer, size)) == size
            writing.result()
        assert stream.writes == 3
        assert len(timers._schedule) == 1
    finally:
        timers.stop()


@pytest.mark.rfc("6455-6.1-10")
def test_6_1_a_write_that_finds_no_room_waits_for_it(system, tcp, timers, background):
    sock, peer = tcp()
    stream = Stream(sock, timers, FAR)
    fill(sock)
    writing = background(stream.write, bytes(2**24) + b"last")
    assert eventually(lambda: stream._write_deadline is not None)
    received = bytearray()
    while not received.endswith(b"last"):
        received += peer.recv(2**20)
    writing.result()
    assert received.count(0) == len(received) - 4
    assert stream._write_deadline._blocked_since is None


def test_try_write_sends_what_fits(system, ends):
    stream, peer = ends
    assert stream.try_write(b"ping")
    assert receive_exactly(peer, 4) == b"ping"
    assert stream.writes == 1


def test_try_write_gives_false_when_nothing_fits(system, tcp, timers):
    sock, _ = tcp()
    stream = Stream(sock, timers, FAR)
    fill(sock)
    assert not stream.try_write(b"ping")
    assert (stream.writes, stream.cause) == (0, "")


def test_half_a_control_frame_ends_the_stream(tcp, timers):
    """The next bytes would be taken for the rest of that frame."""

    class TakesHalf:
        def __init__(self, sock):
            self.sock = sock

        def __getattr__(self, name):
            return getattr(self.sock, name)

        def send(self, data, flags):
            return self.sock.send(data[: len(data) // 2])

    sock, peer = tcp()
    stream = Stream(TakesHalf(sock), timers, FAR)
    with pytest.raises(BrokenPipeError, match="only a part of a control frame fitted"):
        stream.try_write(b"1234")
    assert "does not read" in stream.cause
    assert receive_exactly(peer, 99) == b"12"


def test_writing_to_a_broken_stream_raises(system, ends):
    stream, _ = ends
    stream.abort()
    with pytest.raises(OSError):
        stream.write(b"x")
    with pytest.raises(OSError):
        stream.try_write(b"x")
    assert stream.writes == 0


# The end


def test_abort_wakes_a_blocked_reader(ends, background):
    stream, _ = ends
    reading = background(stream.file.read, 1)
    assert eventually(lambda: stream.waiting)
    stream.abort("because")
    assert reading.result() == b""
    assert stream.cause == "because"


def test_abort_wakes_a_blocked_writer(ends, background):
    stream, _ = ends
    writing = background(stream.write, bytes(MANY))
    assert eventually(lambda: stream._write_deadline is not None)
    stream.abort("because")
    with pytest.raises(OSError):
        writing.result()


def test_the_first_cause_is_kept(ends):
    stream, _ = ends
    stream.abort()
    stream.abort("first")
    stream.abort("second")
    assert stream.cause == "first"


def test_a_deadline_aborts_with_its_cause(ends, background):
    stream, _ = ends
    reading = background(stream.file.read, 1)
    stream.abort_at(monotonic(), "too late")
    assert reading.result() == b""
    assert stream.cause == "too late"


def test_a_cancelled_deadline_does_nothing(ends, timers):
    stream, peer = ends
    passed = threading.Event()
    stream.abort_at(monotonic(), "too late").cancel()
    timers.call_at(monotonic(), lambda now: passed.set())
    assert passed.wait(DEADLINE_S)
    peer.sendall(b"x")
    assert (stream.file.read(1), stream.cause) == (b"x", "")


def test_7_1_1_what_was_written_before_half_close_arrives(ends):
    stream, peer = ends
    stream.write(b"last")
    stream.half_close()
    assert receive_exactly(peer, 99) == b"last"
    peer.sendall(b"still heard")
    assert stream.file.read(11) == b"still heard"


@pytest.mark.rfc("6455-7.1.1-01")
def test_7_1_1_drained_bytes_do_not_turn_into_a_reset_that_eats_the_last_frame(ends, background):
    stream, peer = ends

    def flood_then_read():
        peer.sendall(bytes(MANY))
        peer.shutdown(socket.SHUT_WR)
        return receive_exactly(peer, 99)

    flooding = background(flood_then_read)
    assert stream.file.read(1) == b"\0"
    stream.write(b"last")
    stream.half_close()
    stream.drain(DEADLINE_S)
    stream.close()
    assert flooding.result() == b"last"


@pytest.mark.rfc("6455-7.1.1-02")
def test_7_1_1_draining_ends_in_time_though_the_peer_never_stops(ends, background):
    stream, peer = ends

    def flood():
        with pytest.raises(OSError):
            while True:
                peer.sendall(bytes(65536))

    flooding = background(flood)
    start = monotonic()
    stream.half_close()
    stream.drain(0.05)
    assert 0.05 <= monotonic() - start < SOON_S
    stream.close()
    with suppress(OSError):
        peer.shutdown(socket.SHUT_RDWR)
    flooding.result()


def test_draining_survives_a_reset(ends):
    stream, peer = ends
    reset_when_closed(peer)
    peer.close()
    stream.drain(DEADLINE_S)
    with pytest.raises(OSError):
        stream.write(b"x")


def test_abort_after_close_does_nothing(ends):
    stream, _ = ends
    stream.close()
    stream.abort("late")
    stream.close()
    with pytest.raises(OSError):
        stream.try_write(b"x")
