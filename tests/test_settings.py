"""Limits and times are checked when they are given; none of them ends the timer thread."""

import functools
from math import inf, nan

import pytest

from refws import connect, serve
from refws.endpoint.server_handshake import ServerOptions
from refws.endpoint.settings import Settings

Options = functools.partial(ServerOptions, print)
TIMES = ["open_timeout", "ping_interval", "ping_timeout", "close_timeout", "send_timeout"]


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", [0, -1, nan, "5", -inf, True, 10**400, [5]])
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


LIMITS = [
    (Settings, "max_size", 0),
    (Settings, "max_fragments", 1),
    (Options, "max_connections", 0),
    (Options, "max_connections_per_address", 1),
]


@pytest.mark.parametrize("kind, name, least", LIMITS)
def test_a_limit_is_a_whole_number_or_none(kind, name, least):
    for limit in (least, 2**70, None):
        assert getattr(kind(**{name: limit}), name) == limit


@pytest.mark.parametrize("kind, name, least", LIMITS)
@pytest.mark.parametrize("below", [-1, -5, "1000", 2.0, inf, nan, [1], True])
def test_any_other_limit_is_refused_with_what_to_use(kind, name, least, below):
    value = below + least if type(below) is int else below
    with pytest.raises(
        ValueError, match=f"^{name} is .*; use a whole number of at least {least}, "
    ):
        kind(**{name: value})


HEAD_LIMITS = ["max_line_size", "max_header_lines", "max_head_size"]


@pytest.mark.parametrize("name", HEAD_LIMITS)
@pytest.mark.parametrize("value", [None, 0, -1, "8192", 2.0, inf, nan, True])
def test_a_head_always_has_limits(name, value):
    with pytest.raises(ValueError, match=f"^{name} is .*; use a whole number of at least 1$"):
        Settings(**{name: value})


@pytest.mark.parametrize("name", HEAD_LIMITS)
@pytest.mark.parametrize("value", [1, 2**70])
def test_each_limit_of_a_head_is_a_setting(name, value):
    assert getattr(Settings(**{name: value}), name) == value


@pytest.mark.parametrize(
    "name",
    [
        "max_size",
        "max_fragments",
        "max_connections",
        "max_connections_per_address",
        *HEAD_LIMITS,
    ],
)
def test_a_server_with_a_wrong_limit_opens_no_socket(name, monkeypatch):
    monkeypatch.setattr("refws.endpoint.serve.listen", pytest.fail)
    with pytest.raises(ValueError, match=f"^{name} is -1; use"):
        serve(print, port=0, **{name: -1})


@pytest.mark.parametrize("name", ["max_size", "max_fragments", *HEAD_LIMITS])
def test_a_client_with_a_wrong_limit_opens_no_socket(name, monkeypatch):
    monkeypatch.setattr("refws.endpoint.client.connect.resolve", pytest.fail)
    with pytest.raises(ValueError, match=f"^{name} is -1; use"):
        connect("ws://127.0.0.1:1/", **{name: -1})
