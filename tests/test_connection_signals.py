"""Calls inside a call of the same thread, as a signal handler makes them, are no deadlock.

The handler of SIGALRM runs in the main thread, between two steps of what that thread is doing.
"""

import signal
import threading

import pytest

from refws import ConcurrencyError, ConnectionClosed, ConnectionClosedError, State
from wire import CLOSE, MANY, TEXT, close_body

pytestmark = [
    pytest.mark.transport("tcp", "unix", "tls"),
    pytest.mark.skipif(not hasattr(signal, "SIGUSR2"), reason="needs a signal of its own"),
]


def test_close_in_a_signal_handler_that_interrupts_recv_ends_the_connection(opened, on_signal):
    connection, peer = opened()
    on_signal(connection.close, lambda: connection._stream.waiting)

    def answer():
        peer.expect_close(1000)
        peer.send_frame(CLOSE, close_body(1000))
        peer.half_close()

    answering = threading.Thread(target=answer)
    answering.start()
    with pytest.raises(ConnectionClosed):
        connection.recv()
    answering.join()
    assert (connection.state, connection.close_code) == (State.CLOSED, 1000)


def test_send_in_a_signal_handler_that_interrupts_recv_sends(opened, on_signal):
    connection, peer = opened()
    on_signal(lambda: connection.send("from the handler"), lambda: connection._stream.waiting)
    answering = threading.Thread(
        target=lambda: (peer.expect(TEXT, b"from the handler"), peer.send_frame(TEXT, b"answer"))
    )
    answering.start()
    assert connection.recv() == "answer"
    answering.join()


def test_recv_in_a_signal_handler_that_interrupts_recv_is_an_error(opened, on_signal):
    connection, peer = opened()
    errors = []

    def handler():
        with pytest.raises(ConcurrencyError) as error:
            connection.recv()
        errors.append(error)
        peer.send_frame(TEXT, b"late")

    on_signal(handler, lambda: connection._stream.waiting)
    assert connection.recv() == "late"
    assert len(errors) == 1


@pytest.mark.parametrize("call", ["send", "ping", "pong"])
def test_a_write_in_a_signal_handler_that_interrupts_a_write_is_an_error(opened, on_signal, call):
    """It would cut into the frame that is being sent."""
    connection, peer = opened()
    errors = []

    def handler():
        with pytest.raises(ConcurrencyError, match="a write inside a write"):
            getattr(connection, call)("inside")
        errors.append(call)
        reading.start()

    reading = threading.Thread(target=lambda: peer.expect(0x2, bytes(MANY)))
    on_signal(handler, lambda: connection._stream._write_deadline is not None)
    connection.send(bytes(MANY))
    reading.join()
    assert errors == [call]
    assert len(connection._pings) == 0


def test_close_in_a_signal_handler_that_interrupts_a_write_ends_the_connection(opened, on_signal):
    """No Close can be sent in the middle of a frame, so TCP ends."""
    connection, _ = opened()
    on_signal(connection.close, lambda: connection._stream._write_deadline is not None)
    with pytest.raises(ConnectionClosedError, match="in the middle of a write"):
        connection.send(bytes(MANY))
