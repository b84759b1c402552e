"""scripts/: the wire of the measuring tools, and their options."""

import runpy
import socket
import subprocess
import sys

import pytest

from scripts.shared import client_wire as wire
from scripts.shared import server_process


def fake_server(*answers):
    """A socket pair's client side; on the other side the answers are sent at once, and then the
    stream ends.
    """
    client, server = socket.socketpair()
    client.settimeout(5)
    with server:
        for answer in answers:
            server.sendall(answer)
        server.shutdown(socket.SHUT_WR)
    return client


def test_4_2_2_accept_value_of_the_example_key():
    assert wire.accept_value("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_5_7_masked_and_unmasked_hello():
    assert wire.client_frame(wire.TEXT, b"Hello") == bytes.fromhex(
        "81 85 37 fa 21 3d 7f 9f 4d 51 58"
    )
    assert wire.server_frame(wire.TEXT, b"Hello") == bytes.fromhex("81 05 48 65 6c 6c 6f")


@pytest.mark.parametrize(
    ("length", "header"),
    [
        (125, "82 7d"),
        (126, "82 7e 00 7e"),
        (256, "82 7e 01 00"),
        (65535, "82 7e ff ff"),
        (65536, "82 7f 00 00 00 00 00 01 00 00"),
    ],
)
def test_5_2_shortest_length_form(length, header):
    assert wire.header(wire.BINARY, length, masked=False) == bytes.fromhex(header)


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 101 X\r\nSec-WebSocket-Accept: wrong", b""]
)
def test_4_1_response_that_opens_nothing_is_refused(head):
    with pytest.raises(wire.WireError):
        wire.check_response(head)


def test_stream_that_ends_early_is_an_error():
    with fake_server(b"abc") as connection, pytest.raises(wire.WireError, match="3 of 4"):
        wire.read_exactly(connection, 4)


def test_3_address_of_a_server():
    assert wire.parse_address("ws://127.0.0.1:9000/echo?x=1") == ("127.0.0.1", 9000, "/echo?x=1")
    with pytest.raises(ValueError, match="ws://HOST:PORT/PATH"):
        wire.parse_address("http://127.0.0.1/")


@pytest.mark.parametrize(
    "arguments",
    [
        ["bench", "--rounds", "0"],
        ["endurance", "idle", "--window", "5"],
        ["endurance", "abuse", "--rounds", "1"],
        ["endurance", "crowd", "--connections", "0"],
        ["endurance", "crowd", "--rounds", "0"],
        ["endurance", "crowd", "--switch-interval", "0"],
        ["endurance", "limits", "--cpu", "0"],
        ["endurance"],
        ["stress", "--rounds", "0"],
        ["checks/client.py", "--connects", "0"],
        ["checks/tls.py", "nonsense"],
        ["bench", "--only", "deflate-1"],
        ["bench", "--deflate", "--no-refws"],
        ["bench", "--deflate", "--only", "binary-32"],
    ],
)
def test_bad_option_is_one_line_and_status_2(arguments, monkeypatch, capsys):
    script = str(server_process.ROOT / "scripts" / arguments[0])
    monkeypatch.setattr(sys, "argv", [script, *arguments[1:]])
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(script, run_name="__main__")
    assert stop.value.code == 2
    assert "error:" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "script", ["bench", "endurance", "stress", "checks/client.py", "checks/tls.py"]
)
def test_each_script_finds_refws_by_itself(script, tmp_path):
    command = [sys.executable, server_process.ROOT / "scripts" / script, "--help"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
