"""Limits and times are checked when they are given; none of them ends the timer thread."""

from math import inf, nan

import pytest

from refws.endpoint.settings import Settings

TIMES = ["open_timeout", "ping_interval", "ping_timeout", "close_timeout", "send_timeout"]


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", [0, -1, nan, "5", -inf])
def test_a_time_that_is_no_number_above_0_is_refused_with_what_to_use(name, value):
    with pytest.raises(ValueError, match=f"^{name} is .*; use a number of seconds above 0"):
        Settings(**{name: value})


@pytest.mark.parametrize("name", ["close_timeout", "send_timeout"])
def test_a_close_and_a_send_always_have_an_end(name):
    """Nothing waits without a way out: inf is possible, and must be written."""
    with pytest.raises(ValueError, match="use a number of seconds above 0$"):
        Settings(**{name: None})


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", [1e-9, 1e300, inf])
def test_every_time_above_0_is_taken(name, value):
    assert getattr(Settings(**{name: value}), name) == value


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", [1e10, inf])
@pytest.mark.transport("tcp", "unix", "tls")
def test_a_connection_works_with_times_that_no_clock_can_hold(opened, background, name, value):
    connection, peer = opened(**{name: value})
    connection.send("out")
    assert peer.receive()[1] == b"out"
    closing = background(connection.close)
    peer.expect_close(1000)
    peer.send(b"\x88\x80\0\0\0\0")
    peer.half_close()
    closing.result()
    connection._timers.call_at(0, lambda now: None)
    assert connection._timers._thread is None or connection._timers._thread.is_alive()
