"""`python3 -m refws connect`: options, failures, and sessions in a pipe and on a terminal."""

import errno
import inspect
import io
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import refws
from pseudoterminal import PseudoTerminal, normal, play
from refws.commands.connect import command as program
from refws.commands.connect.advice import AS_OPTIONS, in_options
from refws.course.record.diagnosis import Diagnosis
from refws.endpoint.tls.certificates import server_context
from refws.protocol.client.advice import ADVICE
from refws.protocol.client.handshake import OWN_HEADERS
from refws.protocol.client.uri import InvalidURI, parse_uri
from refws.protocol.errors import Fault, HandshakeError
from refws.protocol.heads import IncompleteHead
from wire import CLOSE, Background, Wire, eventually, response

DEADLINE_S = 10
"""Seconds that a process has to start or to end, on a busy machine too."""

PROJECT = Path(__file__).parent.parent
NAMES = {"max_message_size": "max_size", "subprotocol": "subprotocols", "unix": "unix_path"}
"""Options whose keyword argument of `connect` has another name."""

URI = "ws://127.0.0.1:8080/"

NOT_UTF_8 = str(Path(__file__).parent / "pictures" / "page.png")
"""Any file that is no text."""

CERTIFICATES = PROJECT / "tests" / "certificates"
LOCALHOST, KEY = str(CERTIFICATES / "localhost.pem"), str(CERTIFICATES / "key.pem")


def run_main(arguments, capsys):
    """(exit status, stdout, stderr)"""
    try:
        status = program.main(arguments)
    except SystemExit as stop:
        status = stop.code
    return status, *capsys.readouterr()


# Options


@pytest.fixture
def connected_with(monkeypatch):
    """connected_with(*arguments) gives what `connect` is called with."""

    def call(*arguments):
        calls = []

        def fake_connect(*positional, **named):
            calls.append(inspect.signature(refws.connect).bind(*positional, **named).arguments)
            raise OSError(errno.ECONNREFUSED, "so that nothing starts")

        monkeypatch.setattr(program, "connect", fake_connect)
        assert program.main(list(arguments)) == 1
        return calls[0]

    return call


def test_without_options_the_client_has_the_defaults_of_the_library(connected_with):
    given = connected_with(URI)
    assert given.pop("uri") == URI
    assert list(given.pop("additional_headers")) == []
    assert given.pop("logger").name == "refws.connect"
    assert [type(tap.__self__) for tap in given.pop("trace")] == [Diagnosis]
    parameters = inspect.signature(refws.connect).parameters
    assert given == {name: parameters[name].default for name in given}


@pytest.mark.parametrize(
    "option, value, given",
    [
        ("--origin", "https://a.example", "https://a.example"),
        ("--proxy", "http://user:pw@proxy:3128", "http://user:pw@proxy:3128"),
        ("--unix", "/tmp/x", "/tmp/x"),
        ("--max-message-size", "1", 1),
        ("--max-line-size", "20000", 20_000),
        ("--max-header-lines", "200", 200),
        ("--max-head-size", "65536", 65_536),
        ("--open-timeout", "0.5", 0.5),
        ("--ping-interval", "0", None),
        ("--ping-interval", "5", 5),
        ("--close-timeout", "1e-3", 0.001),
    ],
)
def test_each_option_reaches_the_client(option, value, given, connected_with):
    name = option.removeprefix("--").replace("-", "_")
    assert connected_with(URI, option, value)[NAMES.get(name, name)] == given


def test_deflate_offers_compression(connected_with):
    assert connected_with(URI, "--deflate")["compression"] == "deflate"


def test_repeated_headers_and_subprotocols_all_reach_the_client_in_order(connected_with):
    given = connected_with(
        "--header", "A: 1", "--header", "A:2 : 3 ", "--subprotocol", "b", "--subprotocol", "a", URI
    )
    assert given["additional_headers"] == [("A", "1"), ("A", "2 : 3")]
    assert given["subprotocols"] == ["b", "a"]


def test_wss_checks_certificates_unless_insecure(connected_with):
    assert connected_with(URI)["ssl"] is None
    checked = connected_with("wss://127.0.0.1/")["ssl"]
    assert (checked.verify_mode, checked.check_hostname) == (ssl.CERT_REQUIRED, True)
    unchecked = connected_with("wss://127.0.0.1/", "--insecure")["ssl"]
    assert (unchecked.verify_mode, unchecked.check_hostname) == (ssl.CERT_NONE, False)


WANTS_A_CERTIFICATE = "the server wants to see a certificate, its alert says"


@pytest.mark.skipif(sys.platform == "win32", reason="the test writes to a pipe")
@pytest.mark.parametrize(
    "shown, status, words",
    [
        ([], 1, [WANTS_A_CERTIFICATE, "show one with --cert FILE and --key FILE"]),
        (["--cert", LOCALHOST, "--key", KEY], 1, ["'unknown ca'", "one from a CA that it knows"]),
        (["--cert", str(CERTIFICATES / "from_root.pem"), "--key", KEY], 0, []),
    ],
)
def test_10_5_a_server_that_wants_a_certificate(serving, shown, status, words):
    """In TLS 1.3 its alert arrives only after the client has sent its request."""
    context = server_context(LOCALHOST, KEY, str(CERTIFICATES / "root.pem"))
    port = serving(echo, ssl=context).address[1]
    command = [sys.executable, "-m", "refws", "connect", f"wss://localhost:{port}/"]
    done = subprocess.run(
        [*command, "--ca", LOCALHOST, *shown],
        input="hello\n",
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=3 * DEADLINE_S,
    )
    assert (done.returncode, done.stdout) == (status, "" if status else "hello\n")
    assert [word for word in words if word not in done.stderr] == []
    assert done.stderr.count("\n") == (1 if status else 0)


@pytest.mark.parametrize(
    "arguments, hint",
    [
        ([], "URI"),
        (["127.0.0.1:8080"], "ws://host/path"),
        (
            ["localhost:8080/echo?a"],
            "expected ws://host/path or wss://host/path: write ws://localhost",
        ),
        (["9000"], "write ws://127.0.0.1:9000/;"),
        ([":9000"], "write ws://127.0.0.1:9000/;"),
        (["ws//a.example/b"], "write ws://a.example/b;"),
        (["wss:a.example:9/b"], "write ws://a.example:9/b;"),
        (["[::1]:9"], "write ws://[::1]:9;"),
        (["help"], "without a scheme; expected ws://host/path"),
        (["http://127.0.0.1/"], "ws:// in its place"),
        (["ws://127.0.0.1/#x"], "%23"),
        ([URI, "--header", "no colon"], "Name: value"),
        ([URI, "--header", "a b: c"], "not a token"),
        ([URI, "--header", "a: \x1b"], "has a control character"),
        ([URI, "--header", "Host: x"], "the URI says it"),
        ([URI, "--header", "Origin: x"], "give --origin URL"),
        ([URI, "--header", "Sec-WebSocket-Protocol: x"], "give --subprotocol NAME"),
        ([URI, "--header", "Sec-WebSocket-Extensions: x"], "give --deflate"),
        (["ws://u:p@127.0.0.1/"], "send --header 'Authorization: Basic ...' instead"),
        ([URI, "--origin", "nothing"], "scheme://host"),
        ([URI, "--origin", "*"], "origin"),
        ([URI, "--subprotocol", "a b"], "not a subprotocol"),
        ([URI, "--subprotocol", "a", "--subprotocol", "a"], "twice"),
        ([URI, "--proxy", "socks5://x"], "http://"),
        ([URI, "--unix", ""], "leave the option out"),
        ([URI, "--wait", "-1"], "0 for off"),
        ([URI, "-x", "/nix"], "there is no command '/nix'"),
        ([URI, "-x"], "--execute needs a value"),
        ([URI, "hi"], "there is no place for hi: one URI is enough; a text to send is -x TEXT"),
        (["-y", "hi", URI], "there is no option '-y'"),
        ([URI, "--send-file", "/nowhere/x"], "cannot read '/nowhere/x', No such file"),
        ([URI, "--send-file", NOT_UTF_8], "is not UTF-8, as text must be (§5.6): --binary-file"),
        ([URI, "--binary-file", "/nowhere/x"], "give a file that you may read"),
        ([URI, "--count", "0"], "give a whole number from 1"),
        ([URI, "--auth", "ada"], "write user:password, or --auth-file FILE"),
        ([URI, "--auth", ":engine"], "write user:password"),
        ([URI, "--auth", "ada:\x1b"], "has a control character"),
        ([URI, "--auth-file", "/nowhere/x"], "cannot read '/nowhere/x', No such file"),
        ([URI, "--auth-file", NOT_UTF_8], "line 1: it is not UTF-8"),
        ([URI, "--auth", "a:b", "--header", "Authorization: x"], "there are two logins"),
        ([URI, "--auth", "a:b", "--header", "authorization: x"], "there are two logins"),
        ([URI, "--origin", "https://a.example/"], "write https://a.example"),
        ([URI, "--origin", "https://*.a.example"], "write https://example.com"),
        ([URI, "--unix", "x", "--proxy", "http://a"], "leave out --proxy"),
        ([URI, "--json", "--raw"], "not allowed with argument --json"),
        ([URI, "--resolve", "a.example:8080:127.0.0.1"], ":ADDRESS; see"),
        ([URI, "--resolve", "127.0.0.1:8080:here"], "'here' is no IP address: write one, such as"),
        ([URI, "--resolve", "127.0.0.1:8080:::1", "--unix", "x"], "leave out --unix and --proxy"),
        ([URI, "--open-timeout", "0"], "above 0"),
        ([URI, "--insecure"], "wss://"),
        ([URI, "--ca", "x.pem"], "wss://"),
        ([URI, "--cert", "x.pem"], "wss://"),
        ([URI, "--key", "x.pem"], "--key needs --cert"),
        (["wss://127.0.0.1/", "--key", "x.pem"], "--key needs --cert"),
        (["wss://127.0.0.1/", "--cert", "/nowhere/x.pem"], "give --ca, --cert and --key PEM files"),
        (["wss://127.0.0.1/", "--cert", LOCALHOST, "--key", __file__], "belong together"),
        (["wss://127.0.0.1/", "--ca", "/nowhere/x.pem"], "/nowhere/x.pem"),
        (["wss://127.0.0.1/", "--ca", __file__], "PEM"),
    ],
)
def test_a_bad_command_line_is_one_line_and_exit_status_2(arguments, hint, capsys, serving):
    address = serving(lambda connection: None).address
    arguments = [argument.replace(":8080", f":{address[1]}") for argument in arguments]
    status, out, err = run_main(arguments, capsys)
    assert (status, out) == (2, "")
    assert err.startswith("refws: ") and err.count("\n") == 1
    assert hint in err


def test_the_login_is_a_header(connected_with, tmp_path):
    """RFC 7617 §2: the example of the RFC."""
    users = tmp_path / "users.txt"
    users.write_text("# the first one counts\nAladdin:open sesame\nada:engine\n")
    users.chmod(0o600)
    for options in (["--auth", "Aladdin:open sesame"], ["--auth-file", str(users)]):
        given = connected_with(URI, *options, "--header", "A: 1")
        expected = [("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), ("A", "1")]
        assert given["additional_headers"] == expected


def test_a_login_that_is_no_utf_8_is_sent_as_it_was_typed(connected_with):
    """The command line has such a byte as one half of a surrogate pair."""
    given = connected_with(URI, "--auth", "u:\udcff")
    assert given["additional_headers"] == [("Authorization", "Basic dTr/")]  # 75 3a ff


@pytest.mark.skipif(os.name != "posix", reason="the modes of files are those of POSIX")
@pytest.mark.parametrize("mode, noted", [(0o600, False), (0o644, True)])
def test_a_login_that_others_can_read_is_noted(mode, noted, connected_with, tmp_path, capsys):
    users = tmp_path / "users.txt"
    users.write_text("ada:engine\n")
    users.chmod(mode)
    connected_with(URI, "--auth-file", str(users))
    note = f"refws: all users of this machine can read {str(users)!r}; chmod 600 changes that\n"
    err = capsys.readouterr().err
    assert (note in err) is noted and "engine" not in err


def test_raw_output_is_not_for_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(program, "is_terminal", lambda file: True)
    status, _, err = run_main([URI, "--raw"], capsys)
    assert status == 2 and "would let the server write to your terminal" in err


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_resolve_connects_to_an_address_and_the_host_stays_that_of_the_uri(
    address, serving, monkeypatch, capsys
):
    hosts = []

    def note(connection):
        hosts.append(connection.request.headers["Host"])

    try:
        port = serving(note, host=address.strip("[]")).address[1]
    except OSError:
        pytest.skip("this machine has no IPv6")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    given = f"a.example:{port}:{address}"
    assert run_main([f"ws://A.example:{port}/", "--resolve", given], capsys)[0] == 0
    assert hosts == [f"a.example:{port}"]


def test_what_was_not_sent_is_said_if_there_is_no_connection(monkeypatch, capsys):
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "x")
    arguments = [URI, "-x", "a", "--binary-file", __file__, "-x", "b"]
    *_, last = failure(refused, arguments, monkeypatch, capsys).splitlines()
    assert last == "refws: nothing was sent of -x, --binary-file"


# Failures


def failure(error, arguments, monkeypatch, capsys):
    """What is on stderr when `connect` raises this."""

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(program, "connect", fail)
    status, out, err = run_main(arguments, capsys)
    assert (status, out) == (1, "")
    return err


CERTIFICATE = ssl.SSLCertVerificationError(1, "the peer's certificate has expired; have it renewed")
NO_TLS = ssl.SSLError(1, "the answer is not TLS")


@pytest.mark.parametrize(
    "error, arguments, hints",
    [
        (
            ConnectionRefusedError(errno.ECONNREFUSED, "x"),
            [URI],
            ["127.0.0.1:8080", "start the server"],
        ),
        (ConnectionResetError(errno.ECONNRESET, "x"), [URI], ["its log may say why"]),
        (OSError(errno.EHOSTUNREACH, "x"), [URI], ["check the host"]),
        (OSError(errno.EMFILE, "x"), [URI], ["check the URI and the options"]),
        (
            TimeoutError("connecting took longer than 1 s; is it up?"),
            [URI],
            ["127.0.0.1:8080", "longer than 1 s"],
        ),
        (TimeoutError(errno.ETIMEDOUT, "x"), [URI], ["firewalls"]),
        (
            socket.gaierror(socket.EAI_NONAME, "x"),
            ["ws://nowhere.invalid/"],
            ["nowhere.invalid:80", "check the name"],
        ),
        (
            FileNotFoundError(errno.ENOENT, "x"),
            [URI, "--unix", "/x/y"],
            ["'/x/y'", "check the path"],
        ),
        (PermissionError(errno.EACCES, "x"), [URI, "--unix", "/x/y"], ["'/x/y'", "another user"]),
        (
            ConnectionRefusedError(errno.ECONNREFUSED, "x"),
            [URI, "--unix", "/x/y"],
            ["start the server, or check the path"],
        ),
        (OSError("AF_UNIX path too long"), [URI, "--unix", "/x/y"], ["use a shorter path"]),
        (
            ConnectionRefusedError(errno.ECONNREFUSED, "x"),
            [URI, "--proxy", "http://u:secret@p:3"],
            ["proxy p port 3"],
        ),
        (CERTIFICATE, ["wss://example.com/"], ["example.com:443", "certificate has expired"]),
        (NO_TLS, ["wss://example.com/"], ["no TLS with example.com:443", "the answer is not TLS"]),
    ],
)
def test_what_cannot_be_reached_is_one_line_that_says_what_to_do(
    error, arguments, hints, monkeypatch, capsys
):
    line = failure(error, arguments, monkeypatch, capsys)
    assert line.startswith("refws: ") and line.count("\n") == 1
    assert [hint for hint in hints if hint not in line] == []
    assert "secret" not in line


@pytest.mark.parametrize(
    "arguments, message, advice",
    [
        (["ws://a/"], "response", "if that port speaks TLS, write wss://"),
        (["wss://a/"], "response", "the server's log may say why"),
        (["ws://a/", "--proxy", "http://p:3"], "proxy response", "its log may say why"),
    ],
)
def test_the_end_of_tcp_in_place_of_an_answer_says_where_to_look(
    arguments, message, advice, monkeypatch, capsys
):
    line = failure(IncompleteHead(0, message), arguments, monkeypatch, capsys)
    assert line.startswith(
        f"refws: no WebSocket connection: the connection ended before any {message}: "
    )
    assert line.endswith(f"{advice}\n")


NO_NAME = socket.gaierror(socket.EAI_NONAME, "x")


@pytest.mark.parametrize(
    "error, arguments, is_named",
    [
        (NO_NAME, ["wss://a.example/"], True),
        (TimeoutError("connecting took longer than 1 s"), ["wss://a.example/"], True),
        (OSError(errno.ENETUNREACH, "x"), ["wss://a.example/"], True),
        (NO_NAME, ["wss://inside.example/"], False),
        (NO_NAME, ["ws://a.example/", "--proxy", "http://other:1"], False),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), ["wss://a.example/"], False),
    ],
)
def test_a_server_without_a_way_to_it_may_be_behind_the_proxy_of_the_environment(
    error, arguments, is_named, monkeypatch, capsys
):
    monkeypatch.setenv("https_proxy", "http://user:secret@proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    monkeypatch.delenv("wss_proxy", raising=False)
    line = failure(error, arguments, monkeypatch, capsys)
    named = "the environment names the proxy proxy.example:3128, which --proxy URL uses" in line
    assert named is is_named and "secret" not in line


def test_every_fault_of_an_answer_is_a_line(monkeypatch, capsys):
    error = HandshakeError([Fault("§1", "a", "b"), Fault("§2", "c", "d")])
    lines = failure(error, [URI], monkeypatch, capsys).splitlines()
    assert lines == [f"refws: no WebSocket connection: {fault}" for fault in error.faults]


@pytest.mark.parametrize(
    "status, words",
    [(401, "with --header 'Authorization: ...'"), (403, "wants another --origin URL")],
)
def test_advice_names_options_and_no_arguments_of_the_library(answering, capsys, status, words):
    """But the server's own words, which follow, are shown as they are."""
    answer = f"HTTP/1.1 {status} No\r\nContent-Length: 10\r\n\r\norigin=...".encode()
    result, out, err = run_main([answering(answer)], capsys)
    advice, *body = err.splitlines()
    assert (result, out) == (1, "") and words in advice and "=..." not in advice
    assert body[-1] == "  | origin=..."


@pytest.mark.parametrize(
    "argument, option", [each for each in AS_OPTIONS.items() if "=" in each[0]]
)
def test_each_argument_that_a_message_names_has_its_option(argument, option):
    messages = [*OWN_HEADERS.values(), *ADVICE.values()]
    for uri in ("ws://u:p@h/", "ws://[fe80::1%eth0]/"):
        with pytest.raises(InvalidURI) as caught:
            parse_uri(uri)
        messages.append(str(caught.value))
    assert any(argument in message for message in messages)
    assert any(option in in_options(message) for message in messages)
    assert [each for each in messages if re.search(r"\w=", in_options(each))] == []
    assert option.split()[0] in program.command_line().format_help()


@pytest.mark.parametrize(
    "option, value",
    [("--max-line-size", "30"), ("--max-header-lines", "1"), ("--max-head-size", "30")],
)
def test_a_limit_of_the_handshake_is_named_as_the_option_that_raises_it(
    option, value, answering, capsys
):
    answer = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    )
    status, _, err = run_main([answering(answer), option, value], capsys)
    assert status == 1 and f"({option})" in err and option.strip("-").replace("-", "_") not in err


@pytest.mark.parametrize(
    "message, shown",
    [
        (
            "§10.4: x; expected a smaller one, or a higher max_size",
            "or a higher --max-message-size",
        ),
        ("with --ca FILE, in a program with ssl=ssl.create(cafile=FILE); x", "with --ca FILE; x"),
        ("write a name instead, and give sock=...", "give --resolve NAME:PORT:ADDRESS"),
        (
            "send additional_headers={'Authorization': 'Basic ...'}",
            "; --auth user:password is short",
        ),
    ],
)
def test_advice_for_programs_is_in_the_words_of_options(message, shown):
    assert shown in in_options(message)


def test_ctrl_c_while_connecting_is_no_traceback(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "connect", interrupted)
    assert run_main([URI], capsys) == (130, "", "")


@pytest.fixture
def answering(nothing_left_behind):
    """answering(answer) gives a URI where one request gets these bytes, or answer(key).

    After that the server does `then`, and ends.
    """
    started = []

    def start(answer, then=lambda peer: None):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(DEADLINE_S)
        started.append((listener, Background(serve_one, listener, answer, then)))
        return f"ws://127.0.0.1:{listener.getsockname()[1]}/"

    yield start
    for listener, thread in started:
        thread.result()
        listener.close()


def until_its_close(peer):
    while peer.receive()[0].opcode != CLOSE:
        pass


def serve_one(listener, answer, then):
    sock, _ = listener.accept()
    peer = Wire(sock)
    try:
        key = ""
        while (line := peer.file.readline().strip()) != b"":
            name, _, value = line.decode().partition(": ")
            key = value if name == "Sec-WebSocket-Key" else key
        peer.send(answer(key) if callable(answer) else answer)
        then(peer)
    finally:
        peer.close()


@pytest.mark.rfc("6455-4.1-37")
def test_4_1_another_status_is_shown_with_its_body_from_which_nothing_can_be_forged(
    answering, capsys
):
    body = "first\nrefws: forged\n\x1b[2J\u202e last\n".encode()
    head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    status, out, err = run_main([answering(head + body)], capsys)
    assert (status, out) == (1, "")
    first, *rest = err.splitlines()
    assert first.startswith("refws: no WebSocket connection: §4.1 ")
    assert "status 403" in first and "expected 101" in first
    assert rest == [
        "The server's answer: HTTP/1.1 403 Forbidden",
        "  | first",
        "  | refws: forged",
        "  | \\x1b[2J\\u202e last",
    ]


def test_9110_5_5_a_header_from_the_command_line_is_sent_in_utf_8(connected_with):
    (line,) = connected_with(URI, "--header", "Cookie: a=ö€")["additional_headers"]
    assert (line[0], line[1].encode("latin-1").decode()) == ("Cookie", "a=ö€")


def test_9110_5_5_bytes_from_0x80_up_are_shown_as_numbers(answering, capsys):
    head = b"HTTP/1.1 403 Verbot\xe9n\x9b2J\r\nWWW-Authenticate: Caf\xc3\xa9\r\n\r\n"
    _, _, err = run_main([answering(head)], capsys)
    assert err.replace("§", "").isascii()
    assert "The server's answer: HTTP/1.1 403 Verbot\\xe9n\\x9b2J\n" in err
    assert "WWW-Authenticate: 'Caf\\xc3\\xa9'" in err


def test_a_long_body_is_cut(answering, capsys):
    for body, lines in ((b"x\n" * 41, 41), (b"y" * 1001, 2), (b"z\n" * 40, 40), (b"", 0)):
        head = f"HTTP/1.1 500 Oops\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        _, _, err = run_main([answering(head + body)], capsys)
        shown = err.splitlines()[2:]
        assert len(shown) == lines
        assert (f"  and more, {len(body)} bytes in all" in shown) is (
            body[:1] in b"xy" and body != b""
        )


@pytest.mark.rfc("6455-4.1-37", "6455-10.2-02")
@pytest.mark.parametrize("origin", ["http://localhost:3000", f"https://{'x' * 240}.example:65535"])
def test_10_2_a_foreign_origin_is_shown_with_the_option_that_lets_it_in(origin, uri, capsys):
    status, _, err = run_main([uri(echo), "--origin", origin], capsys)
    assert status == 1
    assert f"  |   seen:     Origin '{origin}', with Host " in err
    assert f'origins=["{origin}"] in code, --origin {origin} on the command line' in err
    assert err.splitlines()[-1].endswith("needs neither)")


@pytest.mark.rfc("6455-4.1-40")
def test_4_1_the_check_that_failed_is_named(answering, capsys):
    status, out, err = run_main([answering(lambda key: response("another key"))], capsys)
    assert (status, out) == (1, "")
    assert "Sec-WebSocket-Accept" in err.splitlines()[0]
    assert "The server's answer: HTTP/1.1 101 Switching Protocols" in err


@pytest.mark.parametrize(
    ("frames", "code", "hint"),
    [
        (b"\x81\x02" + "你好".encode(), 1007, "hint: the length counts characters, 2,"),
        (b"\x81\x7f\0\1\x11\x70" + bytes(9), 1009, "hint: after 127 the length has 8 bytes; were"),
    ],
)
def test_7_1_7_a_known_mistake_of_the_server_is_named(answering, frames, code, hint):
    status, out, err = in_a_pipe("", answering(lambda key: response(key) + frames, until_its_close))
    assert (status, out) == (1, "")
    assert f"failed with {code}" in err and hint in err
    assert "max-message-size" not in err


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 101 Sw", b"SSH-2.0-OpenSSH\r\n"])
def test_no_answer_half_of_one_and_none_in_http_is_one_line(answer, answering, capsys):
    status, out, err = run_main([answering(answer)], capsys)
    assert (status, out) == (1, "")
    assert err.startswith("refws: ") and err.count("\n") == 1


# In a pipe


def echo(connection):
    for message in connection:
        connection.send(message)


def agree(connection):
    assert connection.subprotocol == "b"
    connection.send(connection.request.headers["X-Test"])
    echo(connection)


@pytest.fixture
def uri(serving):
    """uri(handler, **settings) is that of a server with this handler."""
    return lambda handler, **settings: "ws://{}:{}/".format(*serving(handler, **settings).address)


def command(*arguments):
    return [sys.executable, "-m", "refws", "connect", *arguments]


def in_a_pipe(text, *arguments, **options):
    """(exit status, stdout, stderr) of the program with this input."""
    data = text if isinstance(text, bytes) else text.encode()
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    ended = subprocess.run(
        command(*arguments), cwd=PROJECT, input=data, timeout=3 * DEADLINE_S, **pipes
    )
    return ended.returncode, *(
        None if data is None else data.decode() for data in (ended.stdout, ended.stderr)
    )


def test_what_is_echoed_to_it_is_printed_and_the_exit_status_is_0(uri):
    assert in_a_pipe("hello\n", uri(echo)) == (0, "hello\n", "")


def test_options_commands_and_unicode_in_a_pipe(uri):
    arguments = [
        "--header",
        "X-Test: yes",
        "--subprotocol",
        "a",
        "--subprotocol",
        "b",
        "--deflate",
        "--wait",
        "0",
    ]
    server = uri(agree, subprotocols=["b"], compression="deflate")
    text = "Käse ✓\n/binary 00ff\nc:\\x\tz\n\n"
    assert in_a_pipe(text, server, *arguments) == (0, "yes\nKäse ✓\n00ff\nc:\\x\\tz\n\n", "")


def test_with_trace_every_frame_is_a_line_on_stderr_and_payloads_stay_alone_on_stdout(uri):
    status, out, err = in_a_pipe("hello\n", uri(echo), "--trace")
    assert (status, out) == (0, "hello\n")
    frames = [line for line in err.splitlines() if " text " in line or " close " in line]
    assert ["->" in line for line in frames] == [True, False, True, False]
    assert '"hello"' in frames[0] and "legal" in frames[0]


def test_with_record_the_session_is_on_a_tape(uri, tmp_path):
    tape = tmp_path / "tape"
    assert in_a_pipe("hello\n", uri(echo), "--record", str(tape)) == (0, "hello\n", "")
    lines = tape.read_text().splitlines()
    assert lines[0].startswith("refws tape ")
    assert any(" server 81 05 68 65 6c 6c 6f" in line for line in lines)


def test_bytes_that_are_no_utf_8_are_not_sent_and_characters_that_stdout_lacks_are_escaped(uri):
    variables = {**os.environ, "PYTHONIOENCODING": "ascii"}
    status, out, err = in_a_pipe(b"caf\xe9\ncaf\xc3\xa9\n", uri(echo), env=variables)
    assert (status, out) == (1, "caf\\xe9\n")
    assert "not UTF-8" in err and err.count("\n") == 1


def test_many_lines_all_come_back_in_order(uri):
    text = "".join(f"line {number}\n" for number in range(5000))
    assert in_a_pipe(text, uri(echo)) == (0, text, "")


def test_a_reader_that_leaves_is_no_traceback(uri):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        status, _, err = in_a_pipe("hello\n", uri(echo), stdout=writing)
    finally:
        os.close(writing)
    assert (status, err) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_an_output_that_is_full_is_one_line(uri):
    with open("/dev/full", "w") as full:
        status, _, err = in_a_pipe("hello\n", uri(echo), stdout=full)
    assert status == 1
    assert err.startswith("refws: the output cannot be written, ") and err.count("\n") == 1


def test_a_server_that_closes_ends_it_though_the_input_goes_on(uri):
    pipes = {
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }
    server = uri(lambda connection: connection.close(1001, "enough"))
    with subprocess.Popen(command(server), cwd=PROJECT, **pipes) as process:
        watchdog = threading.Timer(3 * DEADLINE_S, process.kill)
        watchdog.start()
        assert process.wait(2 * DEADLINE_S) == 0
        watchdog.cancel()
        watchdog.join()
        assert process.stderr.read().startswith("refws: closed by the server with 1001")


def test_files_and_lines_are_sent_first_and_then_the_pipe(uri, tmp_path):
    text, octets = tmp_path / "text", tmp_path / "octets"
    text.write_text("two\nlines\n", encoding="utf-8")
    octets.write_bytes(b"\x01\x02\xff")
    options = ["-x", "0102ff", "--send-file", str(text), "--binary-file", str(octets), "--json"]
    status, out, err = in_a_pipe("last\n", uri(echo), *options)
    assert (status, err) == (0, "")
    assert [json.loads(line) for line in out.splitlines()] == [
        {"type": "text", "size": 6, "payload": "0102ff"},
        {"type": "text", "size": 10, "payload": "two\nlines\n"},
        {"type": "binary", "size": 3, "payload": "0102ff"},
        {"type": "text", "size": 4, "payload": "last"},
    ]


def test_all_of_the_input_can_be_one_message_and_the_output_is_raw(uri):
    text = "two\nlines\n"
    assert in_a_pipe(text, uri(echo), "--send-file", "-", "--raw") == (0, text, "")


# On a terminal

SESSION = """
$ python3 -m refws connect ws://127.0.0.1:8080/echo
connected to ws://127.0.0.1:8080/echo; /help shows the commands, Ctrl-D closes
> hello
< text, 5 bytes: hello
> /ping are you there?
< pong after 0.3 ms: are you there?
> /fragment Hel|lo
< text, 5 bytes: Hello
> /binary 01 02 ff
< binary, 3 bytes: 01 02 ff
> /raw 81 05 48 65 6c 6c 6f
closed by the server with 1002 (protocol error: a rule of the RFC was broken)
reason: §5.1: an unmasked frame from the client; \
expected the MASK bit 1 in every frame of a client
"""


def test_a_session_on_a_terminal_looks_like_this(serving):
    port = serving(echo).address[1]
    assert normal(play(SESSION, port)) == normal(SESSION)


def test_a_message_that_arrives_while_a_line_is_typed_does_not_garble_it(uri):
    typed = threading.Event()

    def interfere(connection):
        typed.wait(DEADLINE_S)
        connection.send("news")
        echo(connection)

    with PseudoTerminal("-m", "refws", "connect", uri(interfere)) as terminal:
        terminal.wait_for(lambda text: text.endswith("\n>"))
        terminal.type("hel")
        terminal.wait_for(lambda text: text.endswith("\n> hel"))
        typed.set()
        terminal.wait_for(lambda text: text.endswith("\n< text, 4 bytes: news\n> hel"))
        terminal.type("lo\n")
        terminal.wait_for(lambda text: text.endswith("\n> hello\n< text, 5 bytes: hello\n>"))
        terminal.type("\x04")
        assert terminal.wait_for_end() == 0
    assert terminal.screen.text.endswith("\nclosed with 1000 (normal closure: all is done)")


def test_a_quiet_terminal_shows_what_was_sent_first_json_in_lines_and_no_end(uri):
    command = ["-m", "refws", "connect", uri(echo), "--quiet", "-x", '{"a":[1,2]}']
    with PseudoTerminal(*command) as terminal:
        shown = [
            "< text, 11 bytes, JSON:",
            "  {",
            '    "a": [',
            "      1,",
            "      2",
            "    ]",
            "  }",
        ]
        terminal.wait_for(lambda text: text == "\n".join([*shown, ">"]))
        terminal.type("more\n")
        terminal.wait_for(lambda text: text.endswith("> more\n< text, 4 bytes: more\n>"))
        terminal.type("\x04")
        assert terminal.wait_for_end() == 0
    assert terminal.screen.text.endswith("> more\n< text, 4 bytes: more")


def test_ctrl_c_closes_with_1001_and_the_terminal_is_as_before(uri):
    closes = []

    def handler(connection):
        echo(connection)
        closes.append(connection.close_code)

    with PseudoTerminal("-m", "refws", "connect", uri(handler)) as terminal:
        before = terminal.modes
        terminal.wait_for(lambda text: text.endswith("\n>"))
        assert terminal.modes != before
        terminal.type("half")
        terminal.wait_for(lambda text: text.endswith("\n> half"))
        terminal.type("\x03")
        assert terminal.wait_for_end() == 0
        assert terminal.modes == before
    assert eventually(lambda: closes == [1001])
    assert terminal.screen.text.endswith(
        "\nclosed with 1001 (going away: the program or page stops)"
    )
    assert "Traceback" not in terminal.screen.text


def test_the_second_ctrl_c_ends_it_at_once(uri):
    over = threading.Event()
    never_closes = uri(lambda connection: over.wait(3 * DEADLINE_S))
    try:
        with PseudoTerminal(
            "-m", "refws", "connect", never_closes, "--close-timeout", "3600"
        ) as terminal:
            terminal.wait_for(lambda text: text.endswith("\n>"))
            terminal.type("\x03")
            terminal.wait_for(
                lambda text: text.endswith("\nclosing with 1001; once more ends it at once")
            )
            terminal.type("\x03")
            assert terminal.wait_for_end() == -signal.SIGINT
    finally:
        over.set()
    assert "Traceback" not in terminal.screen.text


def test_a_server_that_closes_ends_it_without_another_key_and_the_terminal_is_as_before(uri):
    go = threading.Event()

    def handler(connection):
        go.wait(DEADLINE_S)
        connection.close(1011, "\x1b[2J")

    with PseudoTerminal(
        "-m", "refws", "connect", uri(handler, subprotocols=["b"]), "--subprotocol", "b"
    ) as terminal:
        before = terminal.modes
        terminal.wait_for(
            lambda text: text.endswith(
                "with subprotocol b; /help shows the commands, Ctrl-D closes\n>"
            )
        )
        go.set()
        assert terminal.wait_for_end() == 1
        assert terminal.modes == before
    *_, closed, reason = terminal.screen.text.splitlines()
    assert closed == "closed by the server with 1011 (internal error: of the server)"
    assert reason == "reason: \\x1b[2J"
