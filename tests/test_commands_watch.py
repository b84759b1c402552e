"""`python3 -m refws watch URI`: options, output, TLS on both sides, and its end."""

import errno
import re
import signal
import socket
import ssl
from contextlib import contextmanager

import pytest

from refws import connect
from refws.commands import watch as program
from refws.course.record.tape_reader import TapeReader
from refws.endpoint.tls.certificates import client_context, server_context
from test_commands_serve import DEADLINE_S, program_running, refusal
from transports import KEY, LOCALHOST
from wire import TEXT, Wire, request


def echo(connection):
    for message in connection:
        connection.send(message)


@contextmanager
def watching(uri, *options):
    """(the process, the URI that it prints for clients, the address of its page)."""
    with program_running("watch", uri, "--port", "0", *options) as process:
        lines = [process.stdout.readline() for _ in range(4)]
        own = re.search(r"Connect your client to (wss?://\S+) in its place", lines[1])[1]
        page = re.search(r"for you only: (https?://\S+)", lines[2])[1]
        yield process, own, page


def raw_client(own):
    host, port = own.removeprefix("ws://").split(":")
    return Wire.connect((host, int(port)))


def ended(process):
    """What it has printed, after Ctrl-C."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    return out


def test_what_passes_is_traced_recorded_and_judged_until_ctrl_c(serving, tmp_path):
    running = serving(echo)
    host, port = running.address
    tape = tmp_path / "tape"
    with watching(f"ws://{host}:{port}", "--trace", "--record", str(tape)) as watched:
        process, own, page = watched
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{22}", page)
        with connect(f"{own}/echo?secret=1") as client:
            client.send("Hello")
            assert client.recv() == "Hello"
        silent, still_open = raw_client(own), raw_client(own)
        still_open.send(request("/echo"))
        assert still_open.receive_head()[0] == 101
        still_open.send_frame(TEXT, b"Hello")
        still_open.expect(TEXT, b"Hello")
        out = ended(process)
        silent.close()
        still_open.close()
    assert f"became {host}:{port}" in out
    assert '-> text FIN masked 5 "Hello"' in out
    assert "The client sent Close 1000" in " ".join(out.split())
    assert "watch was stopped" in out
    with tape.open("rb") as file:
        entries = list(TapeReader(file))
    assert "secret=1" not in tape.read_text()
    wire = b"".join(entry.data for entry in entries[1:] if entry.connection == 1)
    assert b"GET /echo?******** HTTP/1.1" in wire


def test_tls_on_both_sides(serving):
    """wss:// to the server, whose certificate is checked, and wss:// for clients."""
    running = serving(echo, host="127.0.0.1", ssl=server_context(LOCALHOST, KEY))
    uri = f"wss://localhost:{running.address[1]}"
    options = ("--ca", LOCALHOST, "--cert", LOCALHOST, "--key", KEY)
    with watching(uri, *options) as (process, own, page):
        assert own.startswith("wss://") and page.startswith("https://")
        with connect(f"{own}/echo", ssl=client_context(LOCALHOST)) as client:
            client.send("x" * 100_000)
            assert client.recv() == "x" * 100_000
        assert "1000" in ended(process)


def target(*arguments):
    """The server, as these arguments name it."""
    parser = program.command_line()
    return program.target_of(parser, parser.parse_args(arguments))


@pytest.mark.parametrize(
    "arguments, headers",
    [
        (["ws://a.example"], {"Host": "a.example"}),
        (["ws://a.example:80"], {"Host": "a.example"}),
        (["wss://a.example:80"], {"Host": "a.example:80"}),
        (["ws://[::1]:81/"], {"Host": "[::1]:81"}),
        (
            ["ws://a.example", "--origin", "https://b.example"],
            {"Host": "a.example", "Origin": "https://b.example"},
        ),
    ],
)
def test_host_names_the_server_and_origin_is_replaced_with_the_option(arguments, headers):
    assert target(*arguments).headers == headers


def test_the_certificate_of_the_server_is_checked_unless_insecure():
    assert target("ws://a.example").context is None
    assert target("wss://a.example").context.verify_mode is ssl.CERT_REQUIRED
    assert target("wss://a.example", "--insecure").context.verify_mode is ssl.CERT_NONE


def test_a_server_that_is_not_reached_is_described_with_what_to_do():
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
    described = target("ws://a.example:81").describe(refused)
    assert (
        described.startswith("cannot connect to a.example:81") and "start the server" in described
    )


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "such as ws://127.0.0.1:8080"),
        (["ws://127.0.0.1", "ws://127.0.0.2"], "a watch of its own"),
        (["ws://127.0.0.1", "-p", "1"], "write --port 9000"),
        (["ws://127.0.0.1:9000"], "is where watch would listen itself"),
        (["http://127.0.0.1"], "ws://"),
        (["ws://127.0.0.1/chat"], "whose path is passed on"),
        (["ws://127.0.0.1", "--insecure"], "use them with wss://"),
        (["ws://127.0.0.1", "--key", "a"], "--key needs --cert"),
        (["ws://127.0.0.1", "--cert", "missing"], "--cert and --key"),
        (["wss://127.0.0.1", "--ca", "missing"], "--ca"),
        (["ws://127.0.0.1", "--origin", "a"], "scheme://host"),
        (["ws://127.0.0.1", "--record-secrets"], "needs --record"),
        (["ws://127.0.0.1", "--host", "192.0.2.1"], "no such address"),
        (["ws://127.0.0.1", "--port", "65536"], "from 0 to 65535"),
    ],
)
def test_a_bad_option_ends_in_one_line(arguments, words, capsys, monkeypatch):
    monkeypatch.setattr("test_commands_serve.program", program)
    assert words in refusal(arguments, capsys)


def test_a_port_in_use_is_said(capsys, monkeypatch):
    monkeypatch.setattr("test_commands_serve.program", program)
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        assert "choose another port" in refusal(["ws://a.example", "--port", str(port)], capsys)


@pytest.mark.parametrize(
    "host, page, origin",
    [
        ("0.0.0.0", "127.0.0.1:9000", "http://localhost:9000"),
        ("::", "[::1]:9000", "http://[::1]:9000"),
        ("198.51.100.7", "198.51.100.7:9000", "http://198.51.100.7:9000"),
    ],
)
def test_the_page_is_opened_on_this_machine(host, page, origin):
    assert program.page_host(host, 9000) == page
    assert origin in program.own_origins(host, 9000, secure=False)
    assert not any("0.0.0.0" in each for each in program.own_origins(host, 9000, secure=False))


def test_the_defaults_are_in_the_help():
    actions = program.command_line()._actions
    helps = {name: action.help for action in actions for name in action.option_strings}
    assert helps["--host"].endswith(f"(default: {program.HOST})")
    assert program.command_line().parse_args(["ws://a.example"]).port == program.PORT
