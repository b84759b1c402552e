"""What the system says of a socket: with poll, and with select where there is no poll."""

import socket
from time import monotonic

import pytest

from refws.endpoint import readiness
from refws.endpoint.readiness import is_readable, is_writable, unsent_bytes
from wire import IN_TIME


@pytest.fixture(params=["poll", "select"])
def pair(request, monkeypatch, nothing_left_behind):
    if request.param == "select":
        monkeypatch.setattr(readiness, "POLL", None)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_bytes_and_the_end_can_be_read(pair):
    ours, theirs = pair
    assert not is_readable(ours, 0)
    theirs.sendall(b"x")
    assert is_readable(ours, 0)
    ours.recv(1)
    theirs.shutdown(socket.SHUT_WR)
    assert is_readable(ours, 0)


def test_a_wait_for_bytes_ends_in_time(pair):
    started = monotonic()
    assert not is_readable(pair[0], IN_TIME)
    assert monotonic() - started >= IN_TIME


def test_a_full_buffer_takes_nothing(pair):
    ours, _ = pair
    assert is_writable(ours)
    assert unsent_bytes(ours) == 0
    ours.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            ours.send(bytes(4096))
    assert not is_writable(ours)


def test_a_closed_socket_is_an_error(pair):
    ours, _ = pair
    ours.close()
    for ask in (lambda: is_readable(ours, 0), lambda: is_writable(ours)):
        with pytest.raises(OSError, match="the socket is closed"):
            ask()
    assert unsent_bytes(ours) == 0
