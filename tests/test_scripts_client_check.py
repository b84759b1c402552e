"""scripts/checks/client.py: that it counts right, and that it notices a client which does not wait
for its turn.
"""

import contextlib
import io
import socket
import sys

import pytest

from refws.endpoint.client import connecting
from scripts.checks import client

HANDSHAKES = 48


class Silent:
    """Progress that shows nothing."""

    def show(self, what):
        pass

    def done(self):
        pass


@pytest.fixture
def two_addresses():
    if not sys.platform.startswith("linux"):
        pytest.skip("127.0.0.2 is an address on Linux only")
    with contextlib.closing(socket.create_server(("127.0.0.2", 0))):
        pass


def broken(figures):
    return [figure.name for figure in figures if not figure.kept]


@pytest.mark.rfc("6455-4.1-06", "6455-4.1-07")
def test_4_1_item_2_many_threads_never_have_two_handshakes_open_with_one_address(
    two_addresses, nothing_left_behind
):
    assert broken(client.check_turns(HANDSHAKES, Silent())) == []


def test_a_client_that_does_not_wait_for_its_turn_is_noticed(
    two_addresses, nothing_left_behind, monkeypatch
):
    monkeypatch.setattr(connecting.Slots, "slot", lambda *arguments: contextlib.nullcontext())
    assert "most at once with one address and port" in broken(
        client.check_turns(HANDSHAKES, Silent())
    )


@pytest.mark.parametrize(
    "head, told",
    [
        (b"", "in the middle"),
        (b"GET / HTTP/1.1\r\nA: b\r\n", "in the middle"),
        (b"GET /\r\n\r\n", "has no Sec-"),
    ],
)
def test_a_request_that_is_none_is_told(head, told):
    with pytest.raises(ValueError, match=told):
        client.read_key(io.BytesIO(head))


def test_the_key_of_a_request():
    assert (
        client.read_key(
            io.BytesIO(b"GET / HTTP/1.1\r\nsec-websocket-KEY:  abc= \r\nHost: a\r\n\r\n")
        )
        == "abc="
    )


def test_options_that_make_no_sense_are_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        client.parse_options(["--connects", "0"])
    assert "--connects must be at least 1" in capsys.readouterr().err
