"""`python3 -m refws serve`: options, output, how it stops; no error is a traceback."""

import errno
import inspect
import io
import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import threading
import urllib.request
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import refws
from refws.commands import serve as program
from refws.course.services import serve_endpoint, serve_without_lab
from refws.course.web import wire_view
from wire import CLOSE, TEXT, Wire, close_body, request

DEADLINE_S = 10
"""Seconds that a process has to start or to end, on a busy machine too."""

PROJECT = Path(__file__).parent.parent
NAMES = {
    "max_message_size": "max_size",
    "origin": "origins",
    "subprotocol": "subprotocols",
    "unix": "unix_path",
}
"""Options whose keyword argument of `serve` has another name."""


def refusal(arguments, capsys):
    """The one line on stderr that a start with these arguments ends in, with exit status 2."""
    try:
        status = program.main(arguments)
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.count("\n") == 1 and err.endswith("\n") and err.startswith("refws: ")
    return err


class FakeServer:
    """A server without sockets: notes each call, and raises the `signals` listed for it."""

    address = ("127.0.0.1", 8080)
    connections = ()

    def __init__(self, **signals):
        self.signals = signals
        self.calls = []

    def __getattr__(self, name):
        def method():
            self.calls.append(name)
            for number in self.signals.get(name, ()):
                signal.raise_signal(number)

        return method


@pytest.fixture
def signals_restored():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


# Options


def started_with(arguments, monkeypatch):
    """What `serve` is called with."""
    calls = []

    def fake_serve(*positional, **named):
        calls.append(inspect.signature(refws.serve).bind(*positional, **named))
        raise OSError(errno.EADDRINUSE, "so that nothing starts")

    monkeypatch.setattr(program, "serve", fake_serve)
    assert program.main(arguments) == 2
    return calls[0].arguments


def test_without_options_the_server_has_the_defaults_of_the_library(monkeypatch):
    arguments = started_with([], monkeypatch)
    defaults = {
        name: value.default for name, value in inspect.signature(refws.serve).parameters.items()
    }
    ours = {"handler", "process_request", "process_response", "trace"}
    assert {name: arguments[name] for name in arguments.keys() - ours} == {
        name: defaults[name] for name in arguments.keys() - ours
    }


@pytest.mark.parametrize(
    "option, value, given",
    [
        ("--host", "::1", ["::1"]),
        ("--port", "0", 0),
        ("--port", "65535", 65535),
        ("--unix", "/tmp/x", "/tmp/x"),
        ("--max-message-size", "1", 1),
        ("--max-message-size", str(2**63 - 1), 2**63 - 1),
        ("--max-fragments", "1", 1),
        ("--max-fragments", "0", None),
        ("--max-line-size", "20000", 20_000),
        ("--max-header-lines", "200", 200),
        ("--max-head-size", "65536", 65_536),
        ("--max-connections", "1000000", 1_000_000),
        ("--max-connections-per-address", "1", 1),
        ("--server-header", "a server/1.0", "a server/1.0"),
        ("--server-header", "", None),
        ("--open-timeout", "0.5", 0.5),
        ("--ping-interval", "86400", 86400),
        ("--ping-interval", "0", None),
        ("--ping-timeout", "0.0", None),
        ("--close-timeout", "1e-3", 0.001),
        ("--send-timeout", "3", 3),
    ],
)
def test_each_option_reaches_the_server(option, value, given, monkeypatch):
    name = option.removeprefix("--").replace("-", "_")
    assert started_with([option, value], monkeypatch)[NAMES.get(name, name)] == given


def test_deflate_switches_compression_on(monkeypatch):
    assert started_with(["--deflate"], monkeypatch)["compression"] == "deflate"


def test_repeated_origins_and_subprotocols_all_reach_the_server_in_order(monkeypatch):
    arguments = [
        "--origin",
        "https://a.example",
        "--subprotocol",
        "v2.chat",
        "--subprotocol",
        "v1.chat",
    ]
    given = started_with([*arguments, "--origin", "http://b.example:8000"], monkeypatch)
    assert given["origins"] == ["https://a.example", "http://b.example:8000"]
    assert given["subprotocols"] == ["v2.chat", "v1.chat"]


def test_repeated_hosts_all_reach_the_server_in_order(monkeypatch):
    arguments = ["--host", "::1", "--host", "localhost"]
    assert started_with(arguments, monkeypatch)["host"] == ["::1", "localhost"]


def test_a_pattern_says_at_once_that_the_domain_itself_is_not_among_its_names(monkeypatch, capsys):
    """Also if the rest of the command line is wrong, and nothing starts."""
    pattern, domain = "https://*.example.com:8443", "https://example.com:8443"
    with pytest.raises(SystemExit):
        program.main(["--origin", pattern, "--port", "99999"])
    note, error = capsys.readouterr().err.splitlines()
    assert f"{pattern} lets in the names below {domain}, but not {domain} itself" in note
    assert error.startswith("refws: argument --port: '99999' is not a TCP port")
    both = ["--origin", domain, "--origin", pattern, "--origin", "*"]
    assert started_with(both, monkeypatch)["origins"] == [domain, pattern, "*"]
    assert "lets in" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "value",
    [
        "*",
        "null",
        "file://",
        "HTTPS://Example.com",
        "http://[::1]:8080",
        "https://*.example.com",
        "chrome-extension://abc",
    ],
)
def test_origins_that_a_browser_can_send_are_accepted(value, monkeypatch):
    assert started_with(["--origin", value], monkeypatch)["origins"] == [value]


@pytest.mark.parametrize(
    "option, value, hint",
    [
        ("--host", "", "leave the option out"),
        ("--port", "65536", "from 0 to 65535"),
        ("--port", "-1", "--port"),
        ("--port", "http", "from 0 to 65535"),
        ("--port", "٨٠", "from 0 to 65535"),
        ("--port", "9" * 5000, "from 0 to 65535"),
        ("--unix", "", "leave the option out"),
        ("--origin", "example.com", "scheme://host"),
        ("--origin", "https://example.com/", "no path"),
        ("--origin", "https://", "scheme://host"),
        ("--origin", "wss://example.com", "write https://example.com"),
        ("--origin", "https://*", "write https://example.com"),
        ("--subprotocol", "", "letters"),
        ("--subprotocol", "a b", "letters"),
        ("--max-message-size", "0", "from 1 to"),
        ("--max-message-size", "1MB", "from 1 to"),
        ("--max-message-size", str(2**63), "from 1 to"),
        ("--max-connections", "0", "from 1 to"),
        ("--max-connections-per-address", "0", "from 1 to"),
        ("--server-header", "a\r\nb: c", "give printable ASCII"),
        ("--server-header", "€", "give printable ASCII"),
        ("--open-timeout", "0", "above 0"),
        ("--open-timeout", "soon", "above 0"),
        ("--close-timeout", "inf", "at most 86400"),
        ("--ping-interval", "nan", "or 0 for off"),
        ("--ping-interval", "86401", "or 0 for off"),
        ("--ping-timeout", "-1", "--ping-timeout"),
        ("--log-level", "loud", "'warning'"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_option_and_what_to_give(
    option, value, hint, capsys
):
    line = refusal([option, value], capsys)
    assert option in line and hint in line and "--help" in line


@pytest.mark.parametrize("arguments", [["--colour", "red"], ["--por", "80"], ["8080"], ["--port"]])
def test_an_unknown_option_or_a_missing_value_is_one_line_too(arguments, capsys):
    assert arguments[0] in refusal(arguments, capsys)


def test_help_names_every_option_with_its_default_and_the_units(capsys):
    with pytest.raises(SystemExit) as stop:
        program.main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert stop.value.code == 0
    described = text.partition("options:")[2]
    for name, default in [
        ("--host NAME", "127.0.0.1"),
        ("--port NUMBER", "8080"),
        ("--max-message-size BYTES", "1048576"),
        ("--max-fragments NUMBER", "1024"),
        ("--max-line-size BYTES", "8192"),
        ("--max-header-lines NUMBER", "64"),
        ("--max-head-size BYTES", "32768"),
        ("--max-connections NUMBER", "1000"),
        ("--max-connections-per-address NUMBER", "no limit"),
        ("--server-header TEXT", "refws"),
        ("--open-timeout SECONDS", "10"),
        ("--ping-interval SECONDS", "20"),
        ("--ping-timeout SECONDS", "20"),
        ("--close-timeout SECONDS", "5"),
        ("--send-timeout SECONDS", "20"),
        ("--log-level LEVEL", "info"),
    ]:
        assert re.search(rf"{name} [^(]*\(default: {re.escape(default)}\)", described), name
    assert all(name in described for name in ("--unix PATH", "--origin URL", "--subprotocol NAME"))


# A server that cannot start


def test_a_port_in_use_is_one_line_that_says_what_to_do(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refusal(["--port", str(port)], capsys)
    assert str(port) in line and "--port 0" in line


@pytest.mark.parametrize(
    "error, arguments, hint",
    [
        (PermissionError(errno.EACCES, "denied"), ["--port", "80"], "--port 8080"),
        (
            OSError(errno.EADDRNOTAVAIL, "no such address"),
            ["--host", "192.0.2.1"],
            "--host 127.0.0.1",
        ),
        (
            socket.gaierror(socket.EAI_NONAME, "unknown"),
            ["--host", "nowhere.invalid"],
            "--host 127.0.0.1",
        ),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), ["--host", "[::1]"], "--host ::1"),
        (
            socket.gaierror(socket.EAI_NONAME, "unknown"),
            ["--host", "localhost:9000"],
            "--host localhost --port 9000",
        ),
        (
            socket.gaierror(socket.EAI_NONAME, "unknown"),
            ["--host", "ws://[::1]:9000/"],
            "--host ::1 --port 9000",
        ),
        (
            socket.gaierror(socket.EAI_NONAME, "unknown"),
            ["--host", "http://192.0.2.1"],
            "--host 192.0.2.1",
        ),
        (
            socket.gaierror(socket.EAI_NONAME, "unknown"),
            ["--host", "nowhere.invalid"],
            "--host 127.0.0.1",
        ),
        (OSError(errno.EMFILE, "too many"), ["--port", "80"], "--port"),
        (PermissionError(errno.EACCES, "denied"), ["--unix", "/x/y"], "where you may write"),
        (OSError(errno.EADDRINUSE, "in use"), ["--unix", "/x/y"], "another path"),
        (OSError("AF_UNIX path too long"), ["--unix", "/x/y"], "path too long"),
    ],
)
def test_what_the_system_refuses_is_one_line_that_says_what_to_do(
    error, arguments, hint, capsys, monkeypatch
):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(program, "serve", refuse)
    line = refusal(arguments, capsys)
    assert hint in line and arguments[1] in line


@pytest.mark.parametrize("host", ["x" * 64, "not a name"])
def test_a_host_that_cannot_be_a_name_is_one_line_too(capsys, host):
    assert "--host 127.0.0.1" in refusal(["--host", host], capsys)


@pytest.mark.parametrize(
    "error, words",
    [
        (OSError(errno.EADDRNOTAVAIL, "no", "192.0.2.7"), "'192.0.2.7' port 8080"),
        (socket.gaierror(socket.EAI_NONAME, "unknown", "192.0.2.7"), "for host '192.0.2.7'"),
    ],
)
def test_of_several_hosts_the_one_that_is_at_fault_is_named(error, words, capsys, monkeypatch):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(program, "serve", refuse)
    line = refusal(["--host", "198.51.100.1", "--host", "192.0.2.7"], capsys)
    assert words in line and "198.51.100.1" not in line


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no Unix sockets")
def test_a_unix_socket_in_a_missing_directory_is_one_line_too(tmp_path, capsys):
    assert "make its directory first" in refusal(
        ["--unix", str(tmp_path / "missing" / "socket")], capsys
    )


# The lab


@pytest.mark.parametrize(
    "arguments, is_on",
    [
        ([], True),
        (["--host", "::1", "--host", "localhost", "--host", "127.9.9.9"], True),
        (["--host", "0.0.0.0"], False),
        (["--host", "127.0.0.1", "--host", "::"], False),
        (["--host", "lab.uni.example"], False),
        (["--unix", "socket"], False),
        (["--host", "0.0.0.0", "--lab"], True),
        (["--unix", "socket", "--lab"], True),
    ],
)
def test_where_others_can_reach_the_server_the_lab_is_off_unless_it_is_asked_for(
    arguments, is_on, monkeypatch
):
    given = started_with(arguments, monkeypatch)
    assert given["handler"] is (serve_endpoint if is_on else serve_without_lab)
    assert given["trace"] == ([wire_view.choose] if is_on else [])


def test_a_server_without_the_lab_says_how_to_turn_it_on():
    address = ("192.0.2.7", 8080)
    assert "--lab turns it on" in program.greeting(address, lab=False)
    assert "lab" not in program.greeting(address)


def test_the_number_of_pages_is_an_option(monkeypatch):
    monkeypatch.setattr(wire_view.WATCHES, "max_pages", None)
    started_with([], monkeypatch)
    assert wire_view.WATCHES.max_pages == wire_view.MAX_PAGES
    started_with(["--max-pages", "200"], monkeypatch)
    assert wire_view.WATCHES.max_pages == 200


# Where it can be reached


@pytest.mark.parametrize(
    "address, authority",
    [
        (("127.0.0.1", 8080), "127.0.0.1:8080"),
        (("192.0.2.7", 80), "192.0.2.7:80"),
        (("::1", 8080, 0, 0), "[::1]:8080"),
    ],
)
def test_the_printed_addresses_can_be_opened(address, authority):
    text = program.greeting(address)
    assert f"http://{authority}/ " in text.partition("\n")[0]
    assert re.findall(r"ws://(\S+)", text) == [
        authority + path for path in ("/", "/echo", "/hello", "/clock", "/dialogue")
    ]
    assert "Ctrl-C" in text


def test_what_the_endpoints_do_is_in_one_column_of_a_terminal():
    lines = [line for line in program.greeting(("127.0.0.1", 65535)).splitlines() if "ws:" in line]
    texts = [service.__doc__ for service in program.ENDPOINTS.values()]
    assert len({line.index(text) for line, text in zip(lines, texts, strict=True)}) == 1
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_for_all_addresses_one_is_printed_that_others_can_open(host, monkeypatch):
    monkeypatch.setattr(program, "open_to_others", {host: "198.51.100.7"}.get)
    assert "http://198.51.100.7:8080/ " in program.greeting((host, 8080))


@pytest.mark.parametrize("secure, scheme", [(False, "http"), (True, "https")])
def test_further_hosts_are_printed_with_their_addresses_too(secure, scheme, monkeypatch):
    monkeypatch.setattr(
        program, "open_to_others", lambda host: host.replace("0.0.0.0", "192.0.2.7")
    )
    also = ["::1", "0.0.0.0", "192.0.2.7", "127.0.0.1", "here.test"]  # each is printed once
    text = program.greeting(("127.0.0.1", 80), secure, also)
    assert f"Open {scheme}://127.0.0.1:80/ in" in text
    assert re.findall(r"^Also at (\S+)$", text, re.MULTILINE) == [
        f"{scheme}://[::1]:80/",
        f"{scheme}://192.0.2.7:80/",
        f"{scheme}://here.test:80/",
    ]


def test_a_name_by_which_the_page_can_be_opened_is_printed():
    origins = [
        "http://lab.uni.example:8080",
        "https://lab.uni.example:8080",
        "http://lab.uni.example",
        "http://*.uni.example:8080",
        "null",
        "*",
    ]
    text = program.greeting(("192.0.2.7", 8080), origins=origins)
    assert re.findall(r"^By name at (\S+)$", text, re.MULTILINE) == ["http://lab.uni.example:8080/"]
    text = program.greeting(("192.0.2.7", 443), True, origins=["https://lab.uni.example"])
    assert "By name at https://lab.uni.example/" in text


def test_a_unix_socket_is_printed_with_a_command_that_reaches_it():
    text = program.greeting("/tmp/a b; ls")
    command = re.search(r"curl .*", text)[0]
    assert shlex.split(command)[:3] == ["curl", "--unix-socket", "/tmp/a b; ls"]
    assert "Ctrl-C" in text


CERTIFICATES = PROJECT / "tests" / "certificates"
WITH_TLS = ["--cert", str(CERTIFICATES / "localhost.pem"), "--key", str(CERTIFICATES / "key.pem")]


def test_with_a_certificate_the_addresses_begin_with_https_and_wss(monkeypatch):
    text = program.greeting(("127.0.0.1", 8443), secure=True)
    assert "https://127.0.0.1:8443/" in text and "wss://127.0.0.1:8443/echo" in text
    assert "http:" not in text and "ws:" not in text


def test_a_certificate_and_its_key_reach_the_server(monkeypatch):
    context = started_with(WITH_TLS, monkeypatch)["ssl"]
    assert isinstance(context, ssl.SSLContext) and context.verify_mode is ssl.CERT_NONE
    assert started_with([], monkeypatch)["ssl"] is None


def test_with_a_client_ca_each_client_must_show_a_certificate(monkeypatch):
    files = [*WITH_TLS, "--client-ca", str(CERTIFICATES / "root.pem")]
    context = started_with(files, monkeypatch)["ssl"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.cert_store_stats()["x509"] == 1


@pytest.mark.parametrize(
    "arguments, hint",
    [
        (["--key", "key.pem"], "--key needs --cert"),
        (
            ["--cert", "nowhere.pem"],
            "give --cert, --key and --client-ca PEM files that you may read",
        ),
        (["--client-ca", str(CERTIFICATES / "root.pem")], "--client-ca needs --cert"),
        ([*WITH_TLS, "--client-ca", "nowhere.pem"], "cannot read 'nowhere.pem'"),
        ([*WITH_TLS, "--client-ca", str(PROJECT / "setup.cfg")], "it must be PEM"),
        (
            ["--cert", str(CERTIFICATES / "localhost.pem"), "--key", "nowhere.pem"],
            "cannot read 'nowhere.pem'",
        ),
        (
            [
                "--cert",
                str(CERTIFICATES / "localhost.pem"),
                "--key",
                str(CERTIFICATES / "other_key.pem"),
            ],
            "belong together",
        ),
        (["--cert", str(PROJECT / "setup.cfg")], "PEM"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_one_line_that_says_why(arguments, hint, capsys):
    assert hint in refusal(arguments, capsys)


@pytest.mark.parametrize(
    "arguments, hint",
    [
        (["--subprotocol", "a", "--subprotocol", "a"], "name each of them once"),
        (["--unix", "x", "--host", "127.0.0.1"], "leave out --host, or --unix"),
    ],
)
def test_options_that_do_not_go_together_are_one_line_that_says_why(arguments, hint, capsys):
    assert hint in refusal(arguments, capsys)


def test_an_encoding_without_the_section_sign_is_no_error(signals_restored, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", stream)
        assert program.run(FakeServer()) == 0
        stream.flush()
    assert rb"\xa75.4" in stream.buffer.getvalue()


@pytest.mark.parametrize("number", [errno.EPIPE, errno.ENOSPC])
def test_where_the_greeting_cannot_be_written_it_serves(
    number, signals_restored, tmp_path, monkeypatch
):
    class Broken(io.StringIO):
        def write(self, text):
            raise OSError(number, os.strerror(number))

        def fileno(self):
            return file.fileno()

    server = FakeServer()
    with open(tmp_path / "out", "w") as file, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Broken())
        assert program.run(server) == 0
    assert server.calls == ["serve_forever", "shutdown"]


# Stopping


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_stops_gracefully_and_the_exit_status_is_0(number, signals_restored, capsys):
    server = FakeServer(serve_forever=[number])
    assert program.run(server) == 0
    assert server.calls == ["serve_forever", "stop", "shutdown"]


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_before_it_stops_the_second_signal_is_left_to_the_system(first, signals_restored, capsys):
    """A handler in Python would wait for the main thread, and an exception could be swallowed by a
    destructor.
    """
    server = FakeServer(serve_forever=[first])
    seen = []
    server.stop = lambda: seen.extend(
        [signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)]
    )
    program.run(server)
    assert seen == [signal.SIG_DFL, signal.SIG_DFL]


# The program itself


def open_connection(address, path):
    """A raw client after its opening handshake, to be closed by the test."""
    client = Wire.connect(address)
    client.send(request(path))
    assert client.receive_head()[0] == 101
    return closing(client)


@contextmanager
def program_running(*arguments, program=(sys.executable, "-m", "refws"), cwd=PROJECT):
    """The process; it is killed at the end, and earlier if the test takes too long."""
    command = [*program, *arguments]
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=cwd, env=variables, **pipes)
    too_long = threading.Timer(3 * DEADLINE_S, process.kill)
    too_long.start()
    try:
        with process:
            try:
                yield process
            finally:
                process.kill()
    finally:
        too_long.cancel()


def printed_address(process):
    """Host and port of the first line, which is printed while the process runs on."""
    host, port = re.search(r"http://([^/]+):(\d+)/", process.stdout.readline()).groups()
    return host, int(port)


def test_port_0_prints_an_address_where_the_page_is_and_logs_to_stderr():
    with program_running("--port", "0") as process:
        host, port = printed_address(process)
        with urllib.request.urlopen(f"http://{host}:{port}/", timeout=DEADLINE_S) as response:
            assert response.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == 0
        logged = process.stderr.read()
    assert "GET '/': 200" in logged and "Traceback" not in logged


@pytest.mark.rfc("6455-7.4.1-03")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_7_4_1_first_signal_sends_1001_waits_for_the_close_and_exits_with_0(number):
    with program_running("--port", "0", "--close-timeout", "60") as process:
        with open_connection(printed_address(process), "/echo") as client:
            client.send_frame(TEXT, b"open")
            client.expect(TEXT, b"open")
            process.send_signal(number)
            client.expect_close(1001)
            assert process.poll() is None
            client.send_frame(CLOSE, close_body(1001))
            client.expect_end()
        assert process.wait(DEADLINE_S) == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send a second signal to one process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_second_signal_exits_at_once_though_a_peer_never_answers_the_close(number):
    with program_running("--port", "0", "--close-timeout", "3600") as process:
        with open_connection(printed_address(process), "/hello") as client:
            client.expect(TEXT, b"world")
            process.send_signal(number)
            client.expect_close(1001)
            process.send_signal(number)
            assert process.wait(DEADLINE_S) == -number
        assert "Traceback" not in process.stderr.read()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no Unix sockets")
def test_a_unix_socket_is_served_and_removed_at_the_end(tmp_path):
    path = str(tmp_path / "socket")
    with program_running("--unix", path) as process:
        assert path in process.stdout.readline()
        with open_connection(path, "/hello") as client:
            client.expect(TEXT, b"world")
            client.finish()
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
    assert not Path(path).exists()


def test_a_port_in_use_is_exit_status_2_of_the_process_without_traceback():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "refws", "--port", str(taken.getsockname()[1])]
        ended = subprocess.run(
            command, cwd=PROJECT, capture_output=True, text=True, timeout=3 * DEADLINE_S
        )
    assert ended.returncode == 2
    assert ended.stdout == "" and ended.stderr.count("\n") == 1


def test_the_log_level_keeps_lesser_lines_off_stderr():
    with program_running("--port", "0", "--log-level", "error") as process:
        host, port = printed_address(process)
        with urllib.request.urlopen(f"http://{host}:{port}/health", timeout=DEADLINE_S) as response:
            assert response.read() == b"ok\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    "connections, before, after",
    [
        (1, 0.005, 0.005),
        (1000, 0.005, 0.02),
        (10_000, 0.005, 0.2),
        (1_000_000, 0.005, 0.5),
        (1000, 1.0, 1.0),
    ],
)
def test_more_connections_give_a_longer_switch_interval(connections, before, after):
    kept = sys.getswitchinterval()
    try:
        sys.setswitchinterval(before)
        program.set_switch_interval(connections)
        assert sys.getswitchinterval() == pytest.approx(after)
    finally:
        sys.setswitchinterval(kept)


def test_the_server_of_the_command_line_has_the_switch_interval_of_its_connections(monkeypatch):
    seen = []
    monkeypatch.setattr(program, "start", lambda *arguments: FakeServer())
    monkeypatch.setattr(program, "run", lambda *arguments, **options: seen.append("runs") or 0)
    monkeypatch.setattr(program, "set_switch_interval", seen.append)
    assert program.main(["--max-connections", "3000"]) == 0
    assert seen == [3000, "runs"]
