"""The raw client (RFC 6455 §7.1.7): it sends any bytes, and reads whatever a server answers."""

import ast
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from refws import Close, raw_client
from refws.course import services
from refws.endpoint.tls.certificates import server_context
from refws.raw_client import Answer, exchange, host_of
from wire import TEXT, Background, frame, patiently, request

CERTIFICATES = Path(__file__).parent / "certificates"
UNMASKED = frame(TEXT, b"Hello", masked=0)


def break_5_1(address):
    """The answer to an unmasked frame."""
    return exchange(address, request("/echo"), [UNMASKED])


def test_it_depends_on_the_protocol_only():
    """Whatever is built on it can test any server, without an endpoint of ours."""
    tree = ast.parse(Path(raw_client.__file__).read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    relative = [
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert len(modules) > 5
    assert {name.partition(".")[0] for name in relative} == {"protocol"}


def test_the_answer_has_the_status_the_messages_and_the_close(serving):
    running = serving(services.echo)
    chunks = [frame(TEXT, b"one"), frame(TEXT, b"two"), UNMASKED]
    answer = exchange(running.address, request("/"), chunks)
    assert (answer.status, answer.messages, answer.close.code) == (101, (b"one", b"two"), 1002)
    assert "§5.1" in answer.close.reason and answer.problem == ""


def test_it_stops_after_as_many_messages_as_it_is_given(serving):
    running = serving(services.echo)
    answer = exchange(running.address, request("/"), [frame(TEXT, b"one")], max_messages=1)
    assert answer == Answer(101, None, (b"one",))


def test_a_refused_handshake_is_a_status(serving):
    running = serving(services.serve_endpoint, process_request=services.process_request)
    assert exchange(running.address, request("/nowhere"), [UNMASKED]) == Answer(404)


# Where the server listens


def test_over_a_unix_socket_too(serving, tmp_path):
    path = str(tmp_path / "socket")
    serving(services.echo, host=None, unix_path=path)
    assert break_5_1(path).close.code == 1002


def test_over_tls_too(serving):
    context = server_context(str(CERTIFICATES / "localhost.pem"), str(CERTIFICATES / "key.pem"))
    answer = break_5_1(serving(services.echo, ssl=context).address)
    assert answer.close is not None and answer.close.code == 1002, answer


def test_a_server_that_wants_a_certificate_of_its_clients_is_a_problem_that_says_so(serving):
    localhost, key = str(CERTIFICATES / "localhost.pem"), str(CERTIFICATES / "key.pem")
    context = server_context(localhost, key, str(CERTIFICATES / "root.pem"))
    answer = break_5_1(serving(services.echo, ssl=context).address)
    assert answer == Answer(problem=raw_client.NO_CERTIFICATE)
    assert "without --client-ca" in answer.problem


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "::1"])
def test_a_server_that_listens_on_every_address_is_reached(serving, host):
    try:
        running = serving(services.echo, host=host)
    except OSError:
        pytest.skip(f"this machine has no address {host}")
    assert break_5_1(running.server.address).close.code == 1002


@pytest.mark.parametrize(
    "address, host",
    [
        (("127.0.0.1", 8080), "127.0.0.1:8080"),
        (("0.0.0.0", 80), "127.0.0.1:80"),
        (("::", 80, 0, 0), "[::1]:80"),
        ("/run/refws", "localhost"),
    ],
)
def test_host_names_the_server(address, host):
    assert host_of(address) == host


# Servers that answer something else


class Scripted:
    """A server that gives each client the next of these answers, whatever the client sends."""

    def __init__(self, *answers):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.thread = Background(self.serve, answers)

    def serve(self, answers):
        for answer in answers:
            client, _ = self.listener.accept()
            with client, suppress(OSError):
                client.recv(4096)
                client.sendall(answer)
                client.shutdown(socket.SHUT_WR)
                while client.recv(4096):
                    pass

    def __enter__(self):
        return self.address

    def __exit__(self, *error):
        self.thread.result()
        self.listener.close()


ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


@pytest.mark.parametrize(
    "frames, close, messages",
    [
        (b"", None, ()),
        (b"\x88\x00", Close(1005), ()),
        (b"\x88\x02\x03\xe8", Close(1000), ()),
        (b"\x88\x05\x03\xe8bye", Close(1000, "bye"), ()),
        (b"\x81\x05Hello\x88\x02\x03\xea", Close(1002), (b"Hello",)),
        (b"\x01\x03Hel\x89\x00\x80\x02lo\x88\x02\x03\xe8", Close(1000), (b"Hello",)),
        (b"\x81\x02He\x81\x03llo", None, (b"He", b"llo")),
        (b"\x01\x03Hel", None, ()),
        (b"\x88\x01\x03", None, ()),
        (b"\x88\x02\x03", None, ()),
    ],
)
def test_what_a_server_sends_is_the_answer(nothing_left_behind, frames, close, messages):
    with Scripted(ACCEPTED + frames) as address:
        assert break_5_1(address) == Answer(101, close, messages)


def test_a_server_that_never_stops_is_left(nothing_left_behind):
    with Scripted(ACCEPTED + 200 * b"\x81\x00") as address:
        answer = break_5_1(address)
    assert answer == Answer(101, None, raw_client.MAX_FRAMES * (b"",))


def test_an_answer_that_is_not_http_is_a_problem_in_words(nothing_left_behind):
    with Scripted(b"SSH-2.0-x\r\n", b"SSH-2.0-x\r\n") as address:
        answer = break_5_1(address)
    assert answer.problem.startswith(
        "the answer is not from a WebSocket server: RFC 9112 §4: status line 'SSH-2.0-x'"
    )


def test_a_server_that_is_not_there_is_a_problem_in_words(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    assert "try again" in break_5_1(address).problem
    assert "try again" in break_5_1(str(tmp_path / "nothing")).problem


def test_it_waits_no_longer_than_its_timeout(serving):
    """Half of a header gets no answer."""
    running = serving(services.echo)

    def attempt(seconds):
        return exchange(running.address, request("/"), [b"\x81"], timeout=seconds)

    assert patiently(attempt, lambda answer: answer.status) == Answer(101)
