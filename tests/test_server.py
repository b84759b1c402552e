"""RFC 6455 §4.2, §7.3 on real sockets: a whole server, its answers, its threads, its end."""

import errno
import gc
import os
import signal
import socket
import stat
import sys
import threading
import time
import weakref
from contextlib import ExitStack, closing, suppress
from email.utils import parsedate_to_datetime

import pytest

from refws import ConnectionClosed, Headers, Response, State, connect, serve
from refws.endpoint import server as module
from refws.endpoint import unix_listener
from refws.endpoint.log import format_address, indented_traceback
from refws.protocol.frame import Side
from transports import contexts
from wire import (
    BINARY,
    CLOSE,
    DEADLINE_S,
    IN_TIME,
    MANY,
    SAMPLE_ACCEPT,
    TEXT,
    Background,
    Header,
    Wire,
    close_body,
    eventually,
    frame,
    request,
)

pytestmark = pytest.mark.transport("tcp", "unix", "tls")

before_tls = pytest.mark.transport("tcp", "unix", reason="it ends before a TLS handshake")
its_own_socket = pytest.mark.transport(
    "tcp", "tls", reason="it listens on a Unix socket of its own"
)

OPENED_IN_TIME = 0.2
"""Seconds within which a TLS handshake or an opening handshake is surely done."""

FAR = 3600.0

HAS_UNIX_SOCKETS = hasattr(socket, "AF_UNIX")

needs_unix_sockets = pytest.mark.skipif(
    not HAS_UNIX_SOCKETS, reason="this system has no Unix sockets"
)


def echo(connection):
    for message in connection:
        connection.send(message)


def never_called(connection):
    raise AssertionError("no handler may be called here")


class Held:
    """A handler that waits until it is released, whatever happens to its connection."""

    def __init__(self):
        self.entered, self.release = threading.Event(), threading.Event()

    def __call__(self, connection):
        self.entered.set()
        assert self.release.wait(DEADLINE_S)


@pytest.fixture
def held():
    handler = Held()
    yield handler
    handler.release.set()


@pytest.fixture
def short_linger(monkeypatch):
    monkeypatch.setattr(module, "LINGER", IN_TIME)


def says_echo(client, message=b"still there"):
    client.send_frame(TEXT, message)
    client.expect(TEXT, message)


def close_cleanly(*clients, code=1001):
    """Answer the Close that each client gets."""
    for client in clients:
        client.expect_close(code)
        client.send_frame(CLOSE, close_body(code))
        client.expect_end()
        client.close()


# The opening handshake (§4.2)


@pytest.mark.rfc(
    "6455-4.2.2-01",
    "6455-4.2.2-09",
    "6455-4.2.2-15",
    "6455-4.2.2-18",
    "6455-4.2.2-19",
    "6455-4.2.2-20",
)
@pytest.mark.rfc("6455-4.2.2-21", "6455-4.2.2-22", "6455-4.2.2-23", "6455-4.2.2-24", "6455-4.4-02")
def test_4_2_2_a_valid_request_gets_a_101_with_its_three_headers_and_no_more(serving):
    client = serving(echo).connect()
    client.send(request())
    assert client.file.readline() == b"HTTP/1.1 101 Switching Protocols\r\n"
    lines = {client.file.readline() for _ in range(3)}
    assert lines == {
        b"Upgrade: websocket\r\n",
        b"Connection: Upgrade\r\n",
        f"Sec-WebSocket-Accept: {SAMPLE_ACCEPT}\r\n".encode(),
    }
    assert client.file.readline() == b"\r\n"
    client.finish()


@pytest.mark.parametrize(
    "line",
    [
        "Cookie: name=Jörg".encode(),
        "cf-ipcity: São Paulo".encode(),
        b"User-Agent: Caf\xe9/1.0",
        b"X-Any: " + bytes(range(0x80, 0x100)),
    ],
)
def test_9110_5_5_bytes_from_0x80_up_keep_no_client_out_and_reach_the_handler(serving, line):
    seen = []
    client = serving(lambda connection: seen.append(connection.request.headers)).connect()
    client.send(request()[:-2] + line + b"\r\n\r\n")
    assert client.receive_head()[0] == 101
    client.expect_close(1000)
    name, _, value = line.partition(b": ")
    assert seen[0][name.decode()].encode("latin-1") == value


@pytest.mark.rfc("6455-4.2.2-27", "6455-5.1-07")
def test_4_2_2_frames_in_the_packet_of_the_request_are_not_lost(serving):
    client = serving(echo).connect()
    client.send(request(), frame(TEXT, b"early"), frame(CLOSE, close_body(1000)))
    assert client.receive_head()[0] == 101
    client.expect(TEXT, b"early")
    client.expect_close(1000)
    client.expect_end()


@pytest.mark.rfc("6455-5.1-07")
def test_5_1_the_server_may_be_the_first_to_send(serving):
    client = serving(lambda connection: connection.send("hello")).open()
    client.expect(TEXT, b"hello")
    client.expect_close(1000)


@pytest.mark.rfc("6455-4.2.1-01", "6455-6.2-01")
def test_4_2_1_request_and_frames_may_come_one_byte_at_a_time(serving):
    client = serving(echo).connect()
    client.send_byte_by_byte(request() + frame(TEXT, b"slow"))
    assert client.receive_head()[0] == 101
    client.expect(TEXT, b"slow")
    client.finish()


@pytest.mark.rfc(
    "6455-4.2.2-13", "6455-4.2.2-14", "6455-4.2.2-15", "6455-4.2.2-16", "6455-4.2.2-25"
)
@pytest.mark.parametrize(
    "offer, chosen",
    [("a, chat", "chat"), ("superchat, chat", "superchat"), ("other", None), (None, None)],
)
def test_4_2_2_the_subprotocol_is_the_servers_favourite_of_the_clients_list(serving, offer, chosen):
    seen = []
    running = serving(
        lambda connection: seen.append(connection.subprotocol), subprotocols=["superchat", "chat"]
    )
    client = running.open("/", *([f"Sec-WebSocket-Protocol: {offer}"] if offer else []))
    client.expect_close(1000)
    assert seen == [chosen]
    assert client.headers.get("sec-websocket-protocol") == chosen


def test_a_connection_knows_its_request_its_response_and_its_addresses(serving):
    seen = []
    running = serving(seen.append)
    client = running.open("/chat?room=1", "X-Colour: blue")
    client.expect_close(1000)
    (connection,) = seen
    assert (connection.request.absolute_path, connection.request.path) == ("/chat", "/chat?room=1")
    assert connection.request.headers["x-colour"] == "blue"
    assert connection.response.status_code == 101
    assert connection.remote_address == client.sock.getsockname()
    assert connection.local_address == running.address


REFUSALS = {
    "wrong version": (request().replace(b"Version: 13", b"Version: 8"), 426),
    "no key": (request().replace(b"Sec-WebSocket-Key", b"X-Key"), 400),
    "foreign Origin": (request("/", "Origin: https://example.com"), 403),
    "POST": (request().replace(b"GET", b"POST"), 405),
    "endless header": (b"GET / HTTP/1.1\r\nX: " + b"x" * 9000, 431),
    "a body": (request("/", "Content-Length: 5") + b"hello", 400),
    "garbage": (b"\x00\xff\xfegarbage\r\n\r\n", 400),
    "TLS ClientHello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), 400),
    "no Host, no upgrade": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two lengths, no upgrade": (
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        400,
    ),
    "encoding without an end": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        400,
    ),
    "empty length": (request("/", "Content-Length:"), 400),
    "Host no address": (request().replace(b"Host: 127.0.0.1", b"Host: [::::]"), 400),
}


@pytest.mark.rfc(
    "6455-7.2.2-01", "6455-10.7-04", "6455-10.1-02", "6455-4.2.2-08", "6455-4.2.2-10", "6455-4.4-03"
)
@pytest.mark.parametrize("sent, status", REFUSALS.values(), ids=REFUSALS)
def test_7_2_2_a_refused_request_gets_http_and_no_frame_and_disturbs_no_other_client(
    serving, log, sent, status
):
    running = serving(never_called)
    good = running.connect()
    client = running.connect()
    client.send(sent)
    got, headers = client.receive_head()
    assert got == status
    assert headers["connection"] in ("close", "Upgrade, close")
    assert headers.get("sec-websocket-version") == ("13" if status == 426 else None)
    body = client.read(int(headers["content-length"]))
    assert "expected:" in body.decode()
    client.expect_end()
    refusals = [record.getMessage() for record in log.records if record.levelname == "WARNING"]
    assert (
        len(refusals) == 1
        and f"refused with {status}: " in refusals[0]
        and refusals[0].isprintable()
    )
    good.send(request().replace(b"GET", b"PUT"))
    assert good.receive_head()[0] == 405


ANSWERED = {
    "a page": (b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "head": (b"HEAD /page HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "a refused handshake": (request("/", "Host: b"), 400),
    "bad syntax": (b"GET / HTTP/1.1\r\nA\r\n\r\n", 400),
    "another method": (b"PUT / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "an error": (b"GET /error HTTP/1.1\r\nHost: a\r\n\r\n", 500),
}


def page_or_error(connection, request):
    if request.path == "/error":
        raise RuntimeError
    return connection.respond(200, "a page") if request.path == "/page" else None


@pytest.mark.parametrize("server_header, sent_header", [("test/1", "test/1"), (None, None)])
@pytest.mark.parametrize("sent, status", ANSWERED.values(), ids=ANSWERED)
def test_9110_6_6_1_every_answer_says_when_and_may_say_by_which_server(
    serving, sent, status, server_header, sent_header
):
    client = serving(
        never_called, process_request=page_or_error, server_header=server_header
    ).connect()
    before = int(time.time())
    client.send(sent)
    got, headers = client.receive_head()
    assert got == status
    assert headers["date"].endswith(" GMT")
    assert before <= parsedate_to_datetime(headers["date"]).timestamp() <= time.time()
    assert headers.get("server") == sent_header


@before_tls
def test_9110_6_6_1_a_503_has_a_date_too(short_linger, serving):
    client = serving(never_called, max_connections=0).connect()
    status, headers = client.receive_head()
    assert (status, headers["server"]) == (503, "refws")
    assert headers["date"].endswith(" GMT")


def test_9110_6_6_1_what_an_answer_has_already_is_left_as_it_is(serving):
    lines = [("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("server", "mine")]
    client = serving(
        never_called,
        process_request=lambda connection, request: Response(200, "OK", Headers(lines)),
    ).connect()
    client.send(request())
    _, headers = client.receive_head()
    assert headers == {"date": lines[0][1], "server": "mine", "connection": "close"}


@pytest.mark.parametrize("value", ["a\r\nb: c", "\0"])
def test_9110_5_5_a_server_header_that_would_inject_a_line_is_refused(value):
    with pytest.raises(ValueError, match="Server"):
        serve(never_called, "127.0.0.1", 0, server_header=value)


@pytest.mark.rfc("6455-4.4-03")
def test_4_4_any_answer_to_another_version_names_version_13(serving):
    client = serving(
        never_called, process_request=lambda connection, request: connection.respond(404, "no")
    ).connect()
    client.send(request().replace(b"Version: 13", b"Version: 8"))
    status, headers = client.receive_head()
    assert (status, headers["sec-websocket-version"]) == (404, "13")


@pytest.mark.parametrize(
    "sent",
    [
        request("/echo?token=s3cr3t-123"),
        request("/echo#s3cr3t-123"),
        request("/echo?token=s3cr3t-123", "Host: a"),
        request("http://user:s3cr3t-123@h/"),
        b"GET /echo?token=s3cr3t-123 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /echo?token=s3cr3t-123 HTTP/7\r\n\r\n",
        request("/", "Cookie: s3cr3t-123\x01"),
    ],
)
def test_no_secret_of_a_head_is_in_the_log(serving, log, sent):
    client = serving(lambda connection: None).connect()
    client.send(sent)
    client.receive_head()
    assert eventually(lambda: log.records)
    assert "s3cr3t" not in "".join(record.getMessage() for record in log.records)


def test_a_line_of_the_log_is_not_many_times_as_long_as_the_request(serving, log):
    head = b"GET / HTTP/1.1\r\n" + b"\xe9:\r\n" * 64 + b"\r\n"
    client = serving(never_called).connect()
    client.send(head)
    assert client.receive_head()[0] == 400
    (record,) = [record for record in log.records if record.levelname == "WARNING"]
    assert "| and 54 more" in record.getMessage()
    assert len(record.getMessage()) < 5 * len(head)


@pytest.mark.rfc("6455-4.2.2-08")
def test_4_2_2_a_refusal_arrives_although_the_client_is_still_sending(background, serving):
    """Bytes that are not read when TCP ends become a reset, which would eat the response."""
    client = serving(never_called).connect()
    flooding = background(client.send, request("/", f"Content-Length: {MANY}"), bytes(MANY))
    status, headers = client.receive_head()
    assert status == 400
    assert b"expected:" in client.read(int(headers["content-length"]))
    flooding.result()
    client.half_close()
    client.expect_end()


@pytest.mark.rfc("6455-4.2.2-07", "6455-4.2.2-08", "6455-10.2-01", "6455-10.2-02")
def test_10_2_an_origin_that_was_configured_passes_and_others_do_not(serving):
    running = serving(echo, origins=["https://example.com"])
    running.open("/", "Origin: https://example.com").finish()
    stranger = running.connect()
    stranger.send(request("/", "Origin: https://example.org"))
    assert stranger.receive_head()[0] == 403


@pytest.mark.transport("tcp", "tls", reason="Unix sockets have no IP address")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_6454_5_a_page_of_the_other_scheme_is_not_of_this_server(serving, transport, scheme):
    client = serving(echo).connect()
    client.send(request("/", f"Origin: {scheme}://127.0.0.1"))
    own = {"ws": "http", "wss": "https"}[transport.scheme]
    assert client.receive_head()[0] == (101 if scheme == own else 403)
    client.reset()


@pytest.mark.rfc("6455-10.2-02")
@pytest.mark.parametrize("origin", ["http://localhost:3000", "null"])
def test_10_2_the_log_and_the_body_of_a_403_say_what_to_type(serving, log, origin):
    stranger = serving(echo).connect()
    stranger.send(request("/", f"Origin: {origin}"))
    status, headers = stranger.receive_head()
    body = stranger.read(int(headers["content-length"])).decode()
    stranger.half_close()
    stranger.expect_end()
    assert status == 403
    for text in (body, log.text):
        assert f"Origin '{origin}'" in text
        assert f'origins=["{origin}"] in code, --origin {origin} on the command line' in text


@pytest.mark.parametrize("option", ["origins", "subprotocols"])
def test_a_str_is_not_taken_for_a_list_of_str(nothing_left_behind, option):
    with pytest.raises(TypeError, match="use a list of str"):
        serve(echo, "127.0.0.1", 0, **{option: "https://example.com"})


@pytest.mark.rfc("6455-7.2.2-01")
@pytest.mark.parametrize(
    "sent", [b"", b"G", request()[:-1]], ids=["nothing", "one byte", "all but one byte"]
)
def test_7_2_2_half_a_request_and_then_the_end_gets_no_answer(serving, log, sent):
    client = serving(never_called).connect()
    client.send(sent)
    client.half_close()
    client.expect_cut()
    assert eventually(lambda: log.messages)
    assert "no opening handshake: the connection ended" in log.messages[0]


@pytest.mark.rfc("6455-7.2.2-01")
def test_7_2_2_a_reset_in_the_middle_of_a_request_disturbs_no_other_client(serving, log):
    running = serving(echo)
    client = running.connect()
    client.send(b"GET /")
    assert eventually(lambda: running.server.all_connections)
    client.reset()
    assert eventually(lambda: not running.server.all_connections)
    running.open().finish()
    assert any("no opening handshake" in message for message in log.messages)


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n"], ids=["nothing", "half a request"]
)
def test_4_2_1_a_request_that_does_not_end_is_given_up_after_the_open_timeout(serving, log, sent):
    client = serving(never_called, open_timeout=OPENED_IN_TIME).connect()
    client.send(sent)
    client.expect_cut()
    assert eventually(lambda: log.messages)
    assert log.messages[0].endswith("no opening handshake: §4.2: it was not done within 0.2 s")


def test_the_open_timeout_ends_with_the_handshake(serving):
    """The second client makes no request: when its deadline has passed, the first one's has too."""
    running = serving(echo, open_timeout=OPENED_IN_TIME)
    client, late = running.open(), running.connect()
    late.expect_cut()
    says_echo(client)


def test_the_open_timeout_can_be_switched_off(serving):
    running = serving(echo, open_timeout=None)
    client = running.connect()
    client.send(request()[:-1])
    assert eventually(lambda: running.server.all_connections)
    assert len(running.server._timers._schedule) == 0
    client.send(request()[-1:])
    assert client.receive_head()[0] == 101


LARGE = {
    "a line of 9 KiB": ({"max_line_size": 10_000}, ["Cookie: a=" + "x" * 9000]),
    "40 KiB of tokens": ({"max_head_size": 50_000}, ["X-Token: " + "x" * 8000] * 5),
    "70 lines": ({"max_header_lines": 80}, [f"X-{n}: v" for n in range(66)]),
}


@pytest.mark.parametrize("limits, fields", LARGE.values(), ids=LARGE)
def test_6585_5_a_large_head_gets_431_unless_a_setting_allows_it(serving, limits, fields):
    client = serving(echo).connect()
    client.send(request("/", *fields))
    status, headers = client.receive_head()
    assert status == 431
    assert f"({next(iter(limits))})" in client.read(int(headers["content-length"])).decode()
    client.expect_end()
    serving(echo, **limits).open("/", *fields).finish()


# process_request


@pytest.mark.rfc("6455-4.2.2-04", "6455-4.2.2-05")
@pytest.mark.parametrize(
    "status, header", [(401, ("WWW-Authenticate", "Basic")), (302, ("Location", "/elsewhere"))]
)
def test_4_2_2_process_request_may_answer_instead_of_a_handshake(serving, status, header):
    seen = []

    def answer(connection, request):
        seen.append((connection.state, connection.request is request, request.path))
        return Response(status, "Because", Headers([header, ("Content-Length", "2")]), b"no")

    client = serving(never_called, process_request=answer).connect()
    client.send(request("/secret"), frame(TEXT, b"too early"))
    got, headers = client.receive_head()
    assert got == status
    del headers["date"], headers["server"]
    assert headers == {header[0].lower(): header[1], "content-length": "2", "connection": "close"}
    assert client.read(2) == b"no"
    client.expect_end()
    assert seen == [(State.CONNECTING, True, "/secret")]


@pytest.mark.parametrize(
    "sent, status",
    [
        (request().replace(b"Host:", b"X-Host:"), 400),
        (request("/", "Host: a"), 400),
        (request().replace(b"Host: ", b"Host: a b "), 400),
        (request().replace(b"HTTP/1.1", b"HTTP/2.0"), 505),
        (request("/#part"), 400),
        (request("*"), 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
    ],
)
def test_process_request_never_sees_what_http_forbids(serving, sent, status):
    client = serving(never_called, process_request=never_called).connect()
    client.send(sent)
    assert client.receive_head()[0] == status


@pytest.mark.parametrize(
    "sent",
    [
        request(),
        request().replace(b"GET", b"POST"),
        request().replace(b"HTTP/1.1", b"HTTP/1.0"),
        request("/", "Content-Length: 5") + b"hello",
        request().replace(b"Upgrade: websocket", b"Upgrade: h2c"),
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n\r\n",
    ],
)
def test_process_request_sees_every_request_that_http_allows(serving, sent):
    seen = []

    def answer(connection, request):
        seen.append(f"{request.method} {request.target} {request.version}")
        return connection.respond(418, "short and stout")

    client = serving(never_called, process_request=answer).connect()
    client.send(sent)
    assert client.receive_head()[0] == 418
    assert client.file.read() == b"short and stout"
    assert seen == [sent.partition(b"\r\n")[0].decode()]


@pytest.mark.parametrize("process_request", [None, lambda connection, request: None])
@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    ],
)
def test_9110_9_3_2_head_gets_what_get_gets_without_the_body(serving, process_request, sent):
    running = serving(never_called, process_request=process_request)
    heads = []
    for method in (b"GET", b"HEAD"):
        client = running.connect()
        client.send(sent.replace(b"GET", method))
        status, headers = client.receive_head()
        length, date = headers.pop("content-length"), headers.pop("date")
        assert date.endswith(" GMT")
        heads.append((status, headers))
        assert len(client.file.read()) == (int(length) if method == b"GET" else 0)
    assert heads[0] == heads[1]
    assert heads[0][0] == 400


def test_9110_9_3_2_head_of_an_answer_of_process_request_has_no_body(serving):
    running = serving(
        never_called, process_request=lambda connection, request: connection.respond(200, "a page")
    )
    client = running.connect()
    client.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    status, headers = client.receive_head()
    assert (status, headers["content-length"]) == (200, "6")
    client.expect_end()


def test_process_request_may_answer_a_plain_request(serving):
    running = serving(
        never_called, process_request=lambda connection, request: connection.respond(200, "a page")
    )
    client = running.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.receive_head()[0] == 200
    assert client.file.read() == b"a page"


def test_the_open_timeout_does_not_interrupt_process_request_but_its_answer_is_lost(serving, log):
    """The request was whole, so the log must not say that it was not."""

    cut = threading.Event()

    def late(connection, request):
        assert cut.wait(DEADLINE_S)
        return connection.respond(200, "too late")

    client = serving(never_called, process_request=late, open_timeout=OPENED_IN_TIME).connect()
    client.send(request())
    client.expect_cut()
    cut.set()
    end = "no opening handshake: §4.2: it was not done within 0.2 s"
    assert eventually(lambda: any(line.endswith(end) for line in log.messages))


def test_process_request_that_returns_none_leaves_the_answer_to_the_handshake(serving):
    client = serving(echo, process_request=lambda connection, request: None).open()
    says_echo(client)


FORGERY = "\nERROR forged\rERROR forged\x0bERROR forged\u2028ERROR forged\x85ERROR forged\x1b[2J"


def assert_traceback_is_indented(record):
    first, *traceback = record.getMessage().splitlines()
    assert record.levelname == "ERROR"
    assert traceback[0] == "  | Traceback (most recent call last):"
    assert all(line.startswith("  | ") and line.isprintable() for line in traceback)
    assert "forged" in traceback[-1]
    assert "forged" not in first


def test_process_request_that_raises_gets_500_and_a_traceback_in_the_log_that_cannot_be_forged(
    serving, log
):
    def broken(connection, request):
        raise ValueError(FORGERY)

    client = serving(never_called, process_request=broken).connect()
    client.send(request())
    status, headers = client.receive_head()
    assert status == 500
    assert b"forged" not in client.read(int(headers["content-length"]))
    client.expect_end()
    (error,) = [record for record in log.records if record.levelname == "ERROR"]
    assert_traceback_is_indented(error)
    assert "process_request failed" in error.getMessage()


@pytest.mark.parametrize("status", [100, 101, 103])
def test_process_request_that_returns_no_final_response_gets_500(serving, log, status):
    """Only the rules of §4.2.2 may open a connection."""
    client = serving(
        never_called,
        process_request=lambda connection, request: Response(status, "Mine", Headers()),
    ).connect()
    client.send(request())
    assert client.receive_head()[0] == 500
    assert any("return None" in message for message in log.messages)


@pytest.mark.parametrize("function", ["process_request", "process_response"])
@pytest.mark.parametrize(
    "headers, body, seen",
    [
        ([("A", "b")], b"text", "headers of type list"),
        ({"A": "b"}, b"text", "headers of type dict"),
        (Headers({"A": "b"}), "text", "body of type str"),
        (Headers({"A": "b"}), None, "body of type NoneType"),
    ],
)
def test_a_response_that_cannot_be_sent_gets_500_and_says_what_to_use(
    serving, log, function, headers, body, seen
):
    def answer(*_):
        return Response(200, "OK", headers, body)

    client = serving(never_called, **{function: answer}).connect()
    client.send(request())
    assert client.receive_head()[0] == 500
    (error,) = [record.getMessage() for record in log.records if record.levelname == "ERROR"]
    assert f"{function} returned a Response with {seen}; use Headers(...) and bytes" in error


def test_process_request_that_exits_gets_500_too(serving, log):
    client = serving(
        never_called, process_request=lambda connection, request: sys.exit(3)
    ).connect()
    client.send(request())
    assert client.receive_head()[0] == 500
    assert any("SystemExit: 3" in message for message in log.messages)


def test_process_request_that_returns_something_else_gets_500_and_disturbs_no_other_client(
    serving, log
):
    running = serving(echo, process_request=lambda connection, request: request.path != "/" or None)
    client = running.connect()
    client.send(request("/other"))
    assert client.receive_head()[0] == 500
    client.close()
    assert eventually(lambda: not running.server.all_connections)
    running.open().finish()
    assert [record.levelname for record in log.records].count("ERROR") == 1


# The handler


@pytest.mark.rfc("6455-7.4.1-02", "6455-7.1.1-05")
def test_7_4_1_a_handler_that_returns_closes_with_1000(serving, log):
    client = serving(lambda connection: None).open()
    close_cleanly(client, code=1000)
    assert eventually(
        lambda: any("closed; the peer's code: 1000" in message for message in log.messages)
    )


@pytest.mark.rfc("6455-7.4.1-15")
def test_7_4_1_a_handler_that_raises_closes_with_1011_and_disturbs_no_other_client(serving, log):
    def handler(connection):
        for message in connection:
            if message == "raise":
                raise ValueError(FORGERY)
            connection.send(message)

    running = serving(handler)
    other, client = running.open(), running.open()
    client.send_frame(TEXT, b"raise")
    assert "forged" not in client.expect_close(1011)
    client.send_frame(CLOSE, close_body(1011))
    client.expect_end()
    says_echo(other)
    (error,) = [record for record in log.records if record.levelname == "ERROR"]
    assert_traceback_is_indented(error)
    assert "the handler failed" in error.getMessage()


@pytest.mark.transport("tcp", reason="the inner client needs a host and a port")
def test_a_handler_that_lets_the_end_of_another_connection_through_has_failed(serving, log):
    """A relay whose own client ends must not look as if all were well."""
    closing = serving(lambda connection: None)

    def relay(connection):
        with connect("ws://{}:{}/".format(*closing.server.address)) as inner:
            inner.recv()

    client = serving(relay).open()
    client.expect_close(1011)
    (error,) = [record for record in log.records if record.levelname == "ERROR"]
    assert "the handler failed\n  | Traceback (most recent call last):" in error.getMessage()
    assert "ConnectionClosedOK: received Close 1000" in error.getMessage()


def test_a_handler_that_only_sends_and_finds_its_connection_broken_has_not_failed(serving, log):
    """The state is still OPEN then, because only the thread that receives ends a connection."""
    states = []

    def handler(connection):
        connection.abort("no more")
        states.append(connection.state)
        connection.send("nothing takes this")

    serving(handler).open()
    assert eventually(lambda: any("ended in the handler: " in line for line in log.messages))
    assert eventually(lambda: any("; the peer's code: 1006" in line for line in log.messages))
    assert states == [State.OPEN]
    assert {record.levelname for record in log.records} == {"INFO"}


@pytest.mark.rfc("6455-7.4.1-15")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_7_4_1_a_handler_that_exits_closes_with_1011_too(serving):
    def handler(connection):
        raise SystemExit

    client = serving(handler).open()
    client.expect_close(1011)


def test_a_handler_that_does_not_catch_the_end_of_its_connection_is_no_error(serving, log):
    running = serving(lambda connection: connection.recv())
    client = running.open()
    client.send_frame(CLOSE, close_body(4000))
    client.expect_close(4000)
    client.close()
    assert eventually(
        lambda: any("closed; the peer's code: 4000" in message for message in log.messages)
    )
    assert {record.levelname for record in log.records} == {"INFO"}


@pytest.mark.rfc("6455-7.1.5-03")
def test_7_1_5_clients_that_vanish_are_reported_as_1006(serving, log):
    running = serving(echo)
    running.open().reset()
    running.open().close()
    end = "closed; the peer's code: 1006, it sent no Close"
    assert eventually(lambda: sum(end in message for message in log.messages) == 2)


def suppressing(connection):
    with suppress(ConnectionClosed):
        connection.recv()


@pytest.mark.rfc("6455-7.1.7-03")
@pytest.mark.parametrize("handler", [echo, suppressing, lambda connection: connection.recv()])
def test_7_1_7_the_log_of_a_broken_rule_is_one_line_with_the_code_that_was_sent(
    handler, serving, log
):
    running = serving(handler)
    client = running.open()
    client.send(b"\x83\x80\0\0\0\0")
    client.expect_close(1002)
    client.send_frame(CLOSE, close_body(1002))
    client.expect_end()
    assert eventually(lambda: not running.server.all_connections)
    (line,) = [each for each in log.messages if ": 101" not in each]
    assert "connection failed with 1002: §5.2: " in line


def test_the_log_says_that_a_close_had_no_code(serving, log):
    client = serving(echo).open()
    client.send_frame(CLOSE, b"")
    client.expect_close()
    client.close()
    end = "closed; the peer's code: 1005, a Close without a code"
    assert eventually(lambda: any(end in line for line in log.messages))


def test_the_section_sign_stays_as_it_is_in_a_traceback_and_nothing_else_does():
    text = indented_traceback(ValueError("§4.2: é \\xa7 \x1b"))
    assert text.endswith("ValueError: §4.2: \\xe9 \\\\xa7 \\x1b")


def test_an_exception_whose_text_cannot_be_made_still_has_a_traceback():
    class Broken(Exception):
        def __str__(self):
            raise ValueError

    lines = indented_traceback(Broken()).splitlines()
    assert all(line.startswith("  | ") for line in lines)
    assert "Broken" in lines[-1]


# Too many


@before_tls
def test_beyond_max_connections_the_answer_is_503_until_one_leaves(short_linger, serving):
    running = serving(echo, max_connections=2)
    first, second = running.open(), running.open()
    client = running.connect()
    client.send(request())
    status, headers = client.receive_head()
    assert (status, headers["retry-after"], headers["connection"]) == (503, "1", "close")
    assert b"2 connections are open" in client.read(int(headers["content-length"]))
    client.expect_end()
    first.finish()
    first.close()
    assert eventually(lambda: len(running.server.all_connections) == 1)
    running.open().finish()
    says_echo(second)
    assert eventually(lambda: not running.server._overload._lingering)


def test_without_max_connections_there_is_no_limit(serving):
    running = serving(echo, max_connections=None)
    for client in [running.open() for _ in range(5)]:
        client.finish()


@before_tls
def test_beyond_the_limit_of_503_answers_a_connection_is_closed_at_once(monkeypatch, serving):
    """One thread accepts: the second answer comes after the first socket is closed."""
    monkeypatch.setattr("refws.endpoint.overload.MAX_LINGERING", 0)
    running = serving(echo, max_connections=0)
    assert running.connect().receive_head()[0] == 503
    assert running.connect().receive_head()[0] == 503
    assert not running.server._overload._lingering


@before_tls
def test_a_shutdown_closes_the_socket_of_a_connection_that_was_turned_away(serving):
    running = serving(echo, max_connections=0)
    assert running.connect().receive_head()[0] == 503


@pytest.mark.transport("tcp", reason="TLS is chosen by the test")
def test_over_tls_a_connection_beyond_the_limit_is_ended_without_http(short_linger, serving):
    client = serving(echo, max_connections=0, ssl=contexts()[Side.SERVER]).connect()
    client.expect_end()


class Listening(socket.socket):
    """A listening socket whose accept fails with these errors first; keeps what it accepted."""

    errors: list[OSError]
    accepted: list[socket.socket]

    def accept(self):
        if self.errors:
            raise self.errors.pop(0)
        sock, address = super().accept()
        self.accepted.append(sock)
        return sock, address


def listening(transport, *errors):
    sock = transport.listen(Listening)
    sock.errors, sock.accepted = list(errors), []
    return sock


@pytest.mark.transport("tcp", "tls", reason="Unix sockets have no such option")
def test_tcp_sends_a_small_frame_at_once(serving, transport):
    sock = listening(transport)
    says_echo(serving(echo, sock=sock).open())
    assert sock.accepted[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_without_a_file_descriptor_the_server_says_so_waits_and_goes_on(
    monkeypatch, serving, transport, log
):
    monkeypatch.setattr(module, "PAUSE_AFTER_FAILURE", 0.01)
    running = serving(echo, sock=listening(transport, OSError(errno.EMFILE, "Too many open files")))
    running.open().finish()
    assert [record.getMessage() for record in log.records if record.levelname == "ERROR"] == [
        "cannot accept a connection: [Errno 24] Too many open files; raise the limit of open files"
    ]


@before_tls
def test_the_pause_without_file_descriptors_is_cut_short_by_a_stop(
    monkeypatch, serving, transport, log
):
    monkeypatch.setattr(module, "PAUSE_AFTER_FAILURE", 100)
    running = serving(echo, sock=listening(transport, OSError(errno.EMFILE, "Too many open files")))
    running.connect()
    assert eventually(lambda: log.records)
    running.server.stop()
    running.accepting.result()


@pytest.mark.parametrize(
    "error", [BlockingIOError(), ConnectionAbortedError()], ids=lambda error: type(error).__name__
)
def test_a_connection_that_is_gone_before_it_is_accepted_is_not_logged(
    serving, transport, log, error
):
    running = serving(echo, sock=listening(transport, error))
    running.open().finish()
    assert {record.levelname for record in log.records} == {"INFO"}


@before_tls
def test_without_a_thread_the_answer_is_503(short_linger, monkeypatch, serving, log):
    start, failures = threading.Thread.start, [RuntimeError("can't start new thread")]

    def start_later(thread):
        if failures and thread.name.startswith("refws "):
            raise failures.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_later)
    running = serving(echo)
    client = running.connect()
    status, headers = client.receive_head()
    assert status == 503
    assert b"cannot start another thread" in client.read(int(headers["content-length"]))
    assert any("cannot start a thread" in record.getMessage() for record in log.records)
    assert running.server.all_connections == set()
    running.open().finish()
    assert eventually(lambda: not running.server._overload._lingering)


# Threads


def thread_names(base):
    return sorted(thread.name for thread in set(threading.enumerate()) - base)


def test_there_is_one_thread_for_each_connection_one_that_accepts_and_one_for_the_timers(serving):
    base = set(threading.enumerate())
    running = serving(echo)
    clients = [running.open() for _ in range(3)]
    for client in clients:
        says_echo(client)
    names = [f"refws {format_address(client.sock.getsockname())}" for client in clients]
    names += [f"refws-accept {format_address(running.address)}", "refws-timers"]
    assert thread_names(base) == sorted(names)
    clients[0].finish()
    clients[0].close()
    assert eventually(lambda: thread_names(base) == sorted(names[1:]))


def test_the_accepting_thread_gets_its_name_back(serving):
    running = serving(echo)
    thread = running.accepting.thread
    assert eventually(lambda: thread.name.startswith("refws-accept"))
    running.server.stop()
    running.accepting.result()
    assert thread.name == "test serve_forever"


def test_a_busy_handler_delays_no_other_client(serving, held):
    def handler(connection):
        (held if connection.request.path == "/busy" else echo)(connection)

    running = serving(handler)
    running.open("/busy")
    assert held.entered.wait(DEADLINE_S)
    says_echo(running.open())
    held.release.set()


@pytest.mark.rfc("6455-10.1-02", "6455-10.7-01")
def test_10_7_a_good_client_is_served_beside_many_bad_ones(serving):
    running = serving(echo, send_timeout=IN_TIME)
    good = running.open()
    for _ in range(10):
        running.connect().send(b"GET / HT")
        running.connect().send(os.urandom(64), b"\r\n\r\n")
        running.open().send(os.urandom(64))
        running.open().send(frame(BINARY, bytes(1000))[:500])
        running.open().reset()
        never_reads = running.open()
        with suppress(OSError):
            never_reads.send(frame(BINARY, bytes(1000)))
        says_echo(good)
    good.finish()


def test_the_timers_of_a_connection_that_has_ended_keep_nothing_of_it(serving):
    """The timers of its heartbeat and of its Close are due in an hour."""
    traces = []

    class Trace:
        def __call__(self, sender, data):
            """Only the connection refers to this object."""

    def trace_for(connection):
        trace = Trace()
        traces.append(weakref.ref(trace))
        return trace

    running = serving(echo, trace=trace_for, ping_interval=FAR, close_timeout=FAR)
    client = running.open()
    client.finish()
    client.close()
    assert eventually(lambda: not running.server.all_connections)
    assert eventually(lambda: gc.collect() >= 0 and traces[0]() is None)


# Stopping


@pytest.mark.rfc("6455-7.4.1-02")
def test_7_4_1_shutdown_may_give_another_code_and_reason(serving):
    running = serving(echo)
    client = running.open()
    ending = Background(running.server.shutdown, code=1012, reason="back in a minute")
    client.expect_close(1012, "back in a minute")
    client.send_frame(CLOSE, close_body(1012))
    client.half_close()
    client.expect_end()
    ending.result()


@pytest.mark.parametrize(
    "argument, words",
    [
        ({"code": 1005}, "must not be sent"),
        ({"code": 1010}, "is for clients"),
        ({"code": 999}, "must not be sent"),
        ({"reason": "x" * 124}, "shorten it"),
    ],
)
def test_7_4_shutdown_with_a_close_that_must_not_be_sent_ends_nothing(serving, argument, words):
    running = serving(echo)
    client = running.open()
    with pytest.raises(ValueError, match=words):
        running.server.shutdown(**argument)
    client.send_frame(TEXT, b"still here")
    client.expect(TEXT, b"still here")


@pytest.mark.rfc("6455-7.3-01", "6455-7.4.1-03")
def test_7_4_1_shutdown_sends_1001_to_all_waits_for_them_and_listens_no_more(background, serving):
    running = serving(echo)
    clients = [running.open() for _ in range(3)]
    stopping = background(running.server.shutdown)
    for client in clients:
        assert client.receive() == (
            Header(1, 0, CLOSE, 0, 24),
            close_body(1001, "the server is stopping"),
        )
    assert stopping.thread.is_alive()
    for client in clients:
        client.send_frame(CLOSE, close_body(1001))
        client.expect_end()
        client.close()
    stopping.result()
    running.accepting.result()
    assert running.server.all_connections == set()
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        running.connect()


def test_stop_lets_serve_forever_return_and_keeps_the_connections_open(serving):
    running = serving(echo)
    client = running.open()
    running.server.stop()
    running.accepting.result()
    says_echo(client)
    client.finish()


def test_serve_forever_after_a_stop_returns_at_once(serving):
    running = serving(echo)
    running.server.stop()
    running.accepting.result()
    Background(running.server.serve_forever).result()


@pytest.mark.parametrize("times", [1, 2])
def test_shutdown_without_serve_forever_and_serve_forever_after_shutdown_just_return(
    nothing_left_behind, times
):
    server = serve(echo, "127.0.0.1", 0)
    for _ in range(times):
        server.shutdown()
    server.stop()
    server.abort()
    Background(server.serve_forever).result()


def test_shutdown_from_two_threads_at_once_ends_both(background, serving):
    running = serving(echo)
    client = running.open()
    stopping = [background(running.server.shutdown) for _ in range(2)]
    close_cleanly(client)
    for thread in stopping:
        thread.result()


def test_7_2_2_shutdown_ends_unfinished_handshakes_without_a_close(background, serving):
    running = serving(never_called)
    client = running.connect()
    client.send(b"GET / HTTP/1.1\r\n")
    assert eventually(lambda: running.server.all_connections)
    stopping = background(running.server.shutdown)
    client.expect_cut()
    stopping.result()


@pytest.mark.rfc("6455-7.1.5-03")
def test_7_1_5_shutdown_does_not_wait_for_ever_for_a_peer_that_does_not_answer(background, serving):
    running = serving(echo, close_timeout=IN_TIME)
    client = running.open()
    running.server.shutdown()
    client.expect_close(1001)
    client.expect_cut()


def test_shutdown_waits_for_a_send_that_ends(background, serving):
    running = serving(lambda connection: connection.send(bytes(MANY)) or connection.recv())
    client = running.open()
    (connection,) = running.server.all_connections
    assert eventually(lambda: connection._stream._write_deadline is not None)
    stopping = background(running.server.shutdown)
    assert len(client.receive()[1]) == MANY
    close_cleanly(client)
    stopping.result()


def test_shutdown_cuts_a_send_that_does_not_end(serving, log):
    caught = []

    def handler(connection):
        with pytest.raises(ConnectionClosed) as raised:
            connection.send(bytes(MANY))
        caught.append(str(raised.value))

    running = serving(handler, close_timeout=IN_TIME)
    running.open()
    (connection,) = running.server.all_connections
    assert eventually(lambda: connection._stream._write_deadline is not None)
    running.server.shutdown()
    assert len(caught) == 1
    assert caught[0].endswith("the server is stopping, and no Close could be sent in time")


def test_shutdown_leaves_a_stuck_handler_with_a_warning(short_linger, serving, log, held):
    running = serving(held, close_timeout=IN_TIME)
    client = running.open()
    assert held.entered.wait(DEADLINE_S)
    Background(running.server.shutdown).result()
    warnings = [record.getMessage() for record in log.records if record.levelname == "WARNING"]
    assert len(warnings) == 1 and "has not returned; it is left running" in warnings[0]
    assert format_address(client.sock.getsockname()) in warnings[0]
    assert "refws-timers" in thread_names(set())
    held.release.set()
    client.expect_close(1001)
    client.expect_cut()
    assert eventually(lambda: "refws-timers" not in thread_names(set()))


def test_shutdown_from_a_handler_closes_the_others_and_then_its_own(serving, log):
    def handler(connection):
        for _ in connection:
            running.server.shutdown()

    running = serving(handler)
    client, other = running.open(), running.open()
    client.send_frame(TEXT, b"shut down")
    close_cleanly(other)
    close_cleanly(client)
    running.accepting.result()
    assert eventually(lambda: not running.server.all_connections)
    assert "WARNING" not in {record.levelname for record in log.records}


@pytest.mark.parametrize(
    "answers", [False, True], ids=["a peer that never answers", "a peer that keeps TCP open"]
)
def test_the_deadlines_of_a_connection_whose_handler_shuts_the_server_down_still_hold(
    monkeypatch, serving, answers
):
    """The timers must run for as long as a connection needs them to end."""
    monkeypatch.setattr("refws.endpoint.connection.LINGER", IN_TIME)
    done = threading.Event()

    def handler(connection):
        running.server.shutdown()
        done.set()

    running = serving(handler, close_timeout=IN_TIME)
    client = running.open()
    client.expect_close(1001)
    assert done.wait(DEADLINE_S)
    if answers:
        client.send_frame(CLOSE, close_body(1001))
    assert eventually(lambda: not running.server.all_connections, timeout=1)


@pytest.mark.skipif(
    not hasattr(signal, "pthread_kill"), reason="this system sends no signal to a thread"
)
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("method", ["stop", "shutdown"])
def test_a_signal_handler_of_the_accepting_thread_stops_it_and_the_with_block_does_the_rest(
    background, nothing_left_behind, method, times
):
    main = threading.main_thread()
    assert threading.current_thread() is main
    with serve(echo, "127.0.0.1", 0) as server:

        def handler(number, frame):
            for _ in range(times):
                getattr(server, method)()

        previous = signal.signal(signal.SIGTERM, handler)
        watchdog = threading.Timer(DEADLINE_S, server.stop)
        watchdog.start()

        def client():
            wire = Wire.connect(server.address)
            wire.send(request())
            assert wire.receive_head()[0] == 101
            assert eventually(
                lambda: [connection.state for connection in server.all_connections] == [State.OPEN]
            )
            signal.pthread_kill(main.ident, signal.SIGTERM)
            close_cleanly(wire)

        try:
            clients = background(client)
            server.serve_forever()
            assert watchdog.is_alive()
        finally:
            signal.signal(signal.SIGTERM, previous)
            watchdog.cancel()
            watchdog.join()
    clients.result()


@pytest.mark.skipif(
    not hasattr(signal, "pthread_kill"), reason="this system sends no signal to a thread"
)
def test_a_signal_that_the_system_gives_to_another_thread_wakes_the_accepting_one(
    background, nothing_left_behind
):
    """Only the main thread runs signal handlers: without a wake-up it would run them at the next
    connection.
    """
    woken = threading.Event()
    with serve(echo, "127.0.0.1", 0) as server:

        def handler(number, frame):
            woken.set()
            server.stop()

        def signal_myself():
            with closing(Wire.connect(server.address)) as client:
                client.send(request())
                assert client.receive_head()[0] == 101
            assert eventually(lambda: not server.all_connections)
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
            in_time = woken.wait(DEADLINE_S)
            server.stop()
            return in_time

        previous = signal.signal(signal.SIGTERM, handler)
        try:
            other = background(signal_myself)
            server.serve_forever()
        finally:
            signal.signal(signal.SIGTERM, previous)
        assert other.result()
    unset = signal.set_wakeup_fd(-1)
    assert unset == -1


def test_abort_ends_all_connections_at_once_without_a_close(serving, held):
    def handler(connection):
        (held if connection.request.path == "/busy" else echo)(connection)

    running = serving(handler)
    clients = [running.open(), running.open("/busy"), running.connect()]
    assert held.entered.wait(DEADLINE_S)
    assert eventually(lambda: len(running.server.all_connections) == 3)
    running.server.abort()
    for client in clients:
        client.expect_cut()
    running.accepting.result()
    held.release.set()


# Where it listens


def test_a_server_has_an_address_and_a_file_descriptor(nothing_left_behind):
    with serve(echo, "127.0.0.1", 0) as server:
        assert server.address[0] == "127.0.0.1" and server.address[1] > 0
        assert stat.S_ISSOCK(os.fstat(server.fileno()).st_mode)
        assert server.all_connections == set()


@pytest.mark.transport("tcp", "tls", reason="Unix sockets have no port")
def test_a_port_in_use_is_an_oserror_and_leaves_nothing_behind(serving):
    running = serving(echo)
    with pytest.raises(OSError) as raised:
        serve(echo, *running.address)
    assert raised.value.errno == errno.EADDRINUSE
    running.open().finish()


def test_ipv6_addresses_are_shown_in_brackets(nothing_left_behind):
    try:
        server = serve(echo, "::1", 0)
    except OSError:
        pytest.skip("this system has no IPv6 loopback")
    with server:
        accepting = Background(server.serve_forever)
        assert eventually(
            lambda: accepting.thread.name == f"refws-accept [::1]:{server.address[1]}"
        )
        server.stop()
        accepting.result()


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A path for a Unix socket; it must be short."""
    monkeypatch.chdir(tmp_path)
    return "refws.sock"


@needs_unix_sockets
@its_own_socket
def test_a_unix_socket_is_served_and_its_path_removed_at_the_end(background, serving, path):
    running = serving(echo, unix_path=path)
    assert running.address == path
    assert stat.S_ISSOCK(os.stat(path).st_mode)
    client = running.open()
    says_echo(client)
    stopping = background(running.server.shutdown)
    close_cleanly(client)
    stopping.result()
    assert not os.path.exists(path)


@needs_unix_sockets
@its_own_socket
def test_the_socket_of_a_dead_server_is_replaced(serving, path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    running = serving(echo, unix_path=path)
    says_echo(running.open())


@needs_unix_sockets
@its_own_socket
def test_the_socket_of_a_living_server_is_left_alone(serving, path):
    living = serving(echo, unix_path=path)
    with pytest.raises(OSError) as raised:
        serve(echo, unix_path=path)
    assert raised.value.errno == errno.EADDRINUSE
    says_echo(living.open())


@needs_unix_sockets
def test_a_file_at_the_path_is_left_alone(nothing_left_behind, path):
    with open(path, "w") as file:
        file.write("precious")
    with pytest.raises(OSError) as raised:
        serve(echo, unix_path=path)
    assert raised.value.errno == errno.EADDRINUSE
    with open(path) as file:
        assert file.read() == "precious"


@needs_unix_sockets
def test_a_path_in_a_directory_that_is_not_there_is_an_oserror(nothing_left_behind, path):
    with pytest.raises(FileNotFoundError):
        serve(echo, unix_path=f"missing/{path}")


@needs_unix_sockets
def test_a_path_that_was_removed_before_does_not_disturb_the_end(nothing_left_behind, path):
    with serve(echo, unix_path=path):
        os.unlink(path)
    assert not os.path.exists(path)


@needs_unix_sockets
@its_own_socket
def test_a_path_that_another_server_has_taken_over_is_left_to_it(serving, path):
    with serve(echo, unix_path=path):
        os.unlink(path)
        successor = serving(echo, unix_path=path)
    says_echo(successor.open())


@needs_unix_sockets
def test_a_path_is_removed_also_after_a_change_of_the_directory(nothing_left_behind, path):
    with serve(echo, unix_path=path):
        here = os.path.abspath(path)
        os.mkdir("elsewhere")
        os.chdir("elsewhere")
        with open(path, "w") as file:
            file.write("precious")
    assert not os.path.exists(here) and os.path.exists(path)


@needs_unix_sockets
def test_the_path_of_a_socket_that_the_caller_has_made_is_left_to_the_caller(
    nothing_left_behind, path
):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        sock.listen()
        with serve(echo, sock=sock) as server:
            assert server.address == path
        assert os.path.exists(path)


@needs_unix_sockets
def test_a_living_server_whose_queue_is_full_is_not_taken_for_a_dead_one(nothing_left_behind, path):
    with ExitStack() as sockets:
        living = sockets.enter_context(socket.socket(socket.AF_UNIX))
        living.bind(path)
        living.listen(0)
        with suppress(BlockingIOError):
            while True:
                waiting = sockets.enter_context(socket.socket(socket.AF_UNIX))
                waiting.setblocking(False)
                waiting.connect(path)
        with pytest.raises(OSError) as raised:
            serve(echo, unix_path=path)
        assert raised.value.errno == errno.EADDRINUSE
        assert os.path.exists(path)


@pytest.fixture
def locked(path):
    """The directory of the path, locked as by a server that starts; the value unlocks it."""
    descriptor = os.open(os.curdir, os.O_RDONLY)
    unix_listener.fcntl.flock(descriptor, unix_listener.fcntl.LOCK_EX)
    with ExitStack() as unlocking:
        unlocking.callback(os.close, descriptor)
        yield unlocking.close


@needs_unix_sockets
@its_own_socket
def test_of_two_servers_that_find_a_dead_socket_the_second_leaves_the_first_alone(
    background, nothing_left_behind, path, locked, monkeypatch
):
    """The test is the first one: it has the lock, and replaces the socket while the other waits."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    is_waiting = threading.Event()
    monkeypatch.setattr(unix_listener, "sleep", lambda seconds: is_waiting.set())
    second = background(serve, echo, unix_path=path)
    assert is_waiting.wait(DEADLINE_S)
    os.unlink(path)
    with socket.socket(socket.AF_UNIX) as first:
        first.bind(path)
        first.listen()
        locked()
        with pytest.raises(OSError) as raised:
            second.result()
        assert raised.value.errno == errno.EADDRINUSE
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)


@needs_unix_sockets
@its_own_socket
def test_of_many_servers_that_start_at_once_one_has_the_path(background, serving, path):
    for _ in range(20):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(path)
        start = threading.Barrier(4)

        def starting(start=start):
            start.wait(DEADLINE_S)
            with suppress(OSError):
                return serve(echo, unix_path=path)

        servers = [server.result() for server in [background(starting) for _ in range(4)]]
        (winner,) = [server for server in servers if server]
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
        winner.shutdown()
        assert not os.path.exists(path)


@needs_unix_sockets
@its_own_socket
def test_a_directory_that_stays_locked_is_an_oserror_that_says_what_to_do(
    nothing_left_behind, path, locked, monkeypatch
):
    monkeypatch.setattr(unix_listener, "LOCK_TIMEOUT", 0.0)
    with pytest.raises(OSError, match="use a path in another one"):
        serve(echo, unix_path=path)
    assert not os.path.exists(path)
    locked()
    serve(echo, unix_path=path).shutdown()


@needs_unix_sockets
@its_own_socket
def test_a_unix_client_cannot_forge_a_log_line_by_the_path_it_is_bound_to(serving, log, path):
    client = serving(echo, unix_path=path).connect(bind_to="client\nERROR forged")
    client.send(request())
    assert client.receive_head()[0] == 101
    client.finish()
    assert log.messages and all(message.isprintable() for message in log.messages)
