"""RFC 6455 §1.2: between a client and a server bytes pass unchanged, and so do the ends of TCP."""

import random
import socket
import ssl
import threading
from collections import defaultdict
from contextlib import ExitStack

import pytest

from glass import Glass
from refws.course.glass import forwarder
from refws.course.glass.client import CopyReport, Exchange
from refws.course.glass.copies import Ended, How, Opened, Over, Passed
from refws.course.glass.head import HeadChanger
from refws.endpoint.tls.certificates import client_context
from refws.protocol.frame import Side
from wire import (
    MANY,
    TEXT,
    Wire,
    eventually,
    fill,
    frame,
    request,
    response,
)


@pytest.fixture
def glass(nothing_left_behind, request):
    """glass(**options of a Target) starts a forwarder, which is stopped after the test."""
    over = getattr(request, "param", "tcp")
    with ExitStack() as stack:
        yield lambda **options: Glass(stack, over=over, **options)


over_both = pytest.mark.parametrize("glass", ["tcp", "tls"], indirect=True)


RANDOM = random.Random(1).randbytes(3 * 2**20)
HOSTILE = {
    "random bytes": RANDOM,
    "a handshake and messages": request("/chat") + frame(TEXT, b"x" * 2**20) + frame(TEXT, b"\xe9"),
    "frames that break rules": request("/") + b"\x83\x05Hello\xff\xff" + frame(9, bytes(200)),
    "a plain GET": b"GET /file HTTP/1.1\r\nHost: 127.0.0.1:9\r\n\r\n",
    "a chunked POST": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nHost:\r\n0\r\n\r\n",
    "a ClientHello": b"\x16\x03\x01\x00\x2d" + bytes(45),
}
ANSWERS = {
    "a 101 and frames": response("AAAA") + b"\x81\x05Hello\x88\x00",
    "random bytes": RANDOM[::-1],
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    "nothing": b"",
}


def as_passed_on(wire, host):
    """The request with the Host of the server: all that may be changed."""
    for line in (b"Host: 127.0.0.1:9\r\n", b"Host: 127.0.0.1\r\n", b"Host: a\r\n"):
        head, _, rest = wire.partition(b"\r\n\r\n")
        if line in head + b"\r\n":
            return (head + b"\r\n").replace(line, f"Host: {host}\r\n".encode()) + b"\r\n" + rest
    return wire


@over_both
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("wire", HOSTILE.values(), ids=HOSTILE)
def test_bytes_are_the_same_at_both_ends(wire, answer, glass, background):
    running = glass()
    client = running.client()
    sending = background(lambda: (client.send(wire), client.half_close()))
    server = running.accept()
    answering = background(lambda: (server.send(answer), server.half_close()))
    received = background(client.file.read)
    assert server.file.read() == as_passed_on(wire, running.host_header)
    assert received.result() == answer
    sending.result()
    answering.result()


@over_both
def test_one_byte_at_a_time(glass):
    running = glass()
    wire = request("/chat") + b"\x81\x85" + bytes(5) + b"\xff" * 20
    client = running.client()
    client.send_byte_by_byte(wire)
    client.half_close()
    server = running.accept()
    assert server.file.read() == as_passed_on(wire, running.host_header)
    server.send_byte_by_byte(b"HTTP/1.1 101\r\n\r\n\x81\x00")
    server.half_close()
    assert client.file.read() == b"HTTP/1.1 101\r\n\r\n\x81\x00"


@over_both
def test_each_chunk_is_passed_on_at_once(glass):
    """So a client that waits for an answer to half a frame gets it."""
    client, server, first = glass().meet(b"\x81")
    assert first == b"\x81"
    for octet in b"\xfe", b"\x01", b"abc":
        client.send(octet)
        assert server.file.read(len(octet)) == octet
        server.send(octet)
        assert client.file.read(len(octet)) == octet


# The ends


@pytest.fixture(params=Side, ids=lambda side: f"the {side.value} ends")
def ending(request):
    return request.param


@over_both
def test_a_half_close_is_passed_on_and_the_other_direction_goes_on(ending, glass):
    client, server, _ = glass().meet()
    first, second = (client, server) if ending is Side.CLIENT else (server, client)
    first.half_close()
    assert second.file.read() == b""
    second.send(b"still here")
    assert first.file.read(10) == b"still here"
    second.half_close()
    assert first.file.read() == b""


def was_reset(wire):
    """Over TLS, an end without a close_notify means the same."""
    try:
        return wire.file.read() == b"" and wire.sock.cut
    except ConnectionResetError:
        return True


@over_both
def test_a_reset_is_passed_on_as_a_reset(ending, glass):
    running = glass()
    client, server, _ = running.meet()
    first, second = (client, server) if ending is Side.CLIENT else (server, client)
    first.reset()
    assert was_reset(second)
    ends = [copy for copy in running.all_copies() if isinstance(copy, Ended)]
    assert [(end.sender, end.how) for end in ends] == [(ending, How.RESET)]


def test_a_client_that_is_gone_is_noticed_when_the_server_sends(glass):
    """The client closes with bytes unread: its system answers more of them with a reset."""
    client, server, _ = glass().meet()
    server.send(b"unread")
    assert eventually(lambda: client.sock.recv(6, socket.MSG_PEEK) == b"unread")
    client.close()
    with pytest.raises(ConnectionError):
        server.file.read()
        while True:
            server.send(bytes(1000))


def test_a_peer_that_does_not_read_slows_the_other_one_and_nothing_else(glass):
    running = glass()
    client, server, _ = running.meet()
    fill(client.sock)
    server.send(b"the other direction goes on")
    assert client.file.read(27) == b"the other direction goes on"
    other_client, other_server, _ = running.meet()
    other_client.send(b"and so does another client")
    assert other_server.file.read(26) == b"and so does another client"


# The server cannot be reached


@pytest.mark.parametrize(
    ("why", "end"), [("start it", "start it.\n"), ("is it up?", "is it up?\n")]
)
def test_without_the_server_the_client_gets_a_502_with_a_sentence(glass, why, end):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        running = glass(uri=f"ws://127.0.0.1:{port}", describe=lambda error: why)
        client = running.client()
        client.send(request("/chat"))
        status, _ = client.receive_head()
        text = client.file.read().decode()
    assert status == 502
    client.close()
    assert text == f"watch cannot pass this on: {end}"
    opened, passed, over = running.all_copies()
    assert (opened.server, opened.why) == (None, why)
    assert passed.data == request("/chat")
    assert isinstance(over, Over)


def test_a_certificate_that_is_not_trusted_is_a_502_too(nothing_left_behind, background):
    with ExitStack() as stack:
        running = Glass(stack, over="tls", context=client_context())
        client = running.client()
        client.send(request())
        refused = background(running.accept)
        assert client.receive_head()[0] == 502
        assert "trust it with --ca FILE" in client.file.read().decode()
        client.close()
        with pytest.raises(ssl.SSLError):
            refused.result()
        opened, *_ = running.all_copies()
    assert "the peer's certificate" in opened.why


def test_a_client_without_tls_where_it_is_expected_is_reported(nothing_left_behind):
    with ExitStack() as stack:
        running = Glass(stack, over="tls")
        client = Wire.connect(running.address)
        client.send(request())
        client.file.read()
        client.close()
        opened, over = running.all_copies()
    assert opened.why.startswith("no TLS with the client: ") and "wss://" in opened.why
    assert isinstance(over, Over)


# Internal errors


def test_an_internal_error_ends_both_directions(glass, log, monkeypatch):
    running = glass()

    def fail(*_):
        raise RuntimeError("a mistake")

    client, server, _ = running.meet()
    monkeypatch.setattr(CopyReport, "passed", fail)
    client.send(b"a")
    assert client.file.read() == server.file.read() == b""
    assert eventually(lambda: "an internal error" in log.text)
    assert isinstance(running.all_copies()[-1], Over)


def test_more_clients_than_the_limit_get_503(glass, monkeypatch):
    monkeypatch.setattr(forwarder, "MAX_CLIENTS", 1)
    running = glass()
    running.meet()
    late = running.client()
    late.send(request())
    assert late.receive_head()[0] == 503


# Copies


def test_the_copies_are_in_the_order_of_cause_and_effect(glass):
    running = glass()
    client, server, _ = running.meet(b"\x01")
    for number in range(2, 20, 2):
        client.send(bytes([number]))
        assert server.file.read(1) == bytes([number])
        server.send(bytes([number + 1]))
        assert client.file.read(1) == bytes([number + 1])
    client.half_close()
    assert server.file.read() == b""
    server.close()
    assert client.file.read() == b""
    opened, *between, over = running.all_copies()
    assert isinstance(opened, Opened) and opened.client == client.sock.getsockname()
    assert opened.server == running.server.getsockname()
    passed = [copy for copy in between if isinstance(copy, Passed)]
    assert b"".join(copy.data for copy in passed) == bytes(range(1, 20))
    assert [copy.time for copy in passed] == sorted(copy.time for copy in passed)
    assert [(copy.sender, copy.how) for copy in between if isinstance(copy, Ended)] == [
        (Side.CLIENT, How.FIN),
        (Side.SERVER, How.FIN),
    ]
    assert isinstance(over, Over) and not over.stopped


@over_both
def test_9112_9_3_a_request_on_a_kept_connection_is_shown_as_another_connection(glass):
    """So the upgrade after a plain request is explained, too."""
    running = glass()
    client, plain, upgrade = running.client(), b"GET /a HTTP/1.1\r\n\r\n", request("/chat")
    client.send(plain)
    server = running.accept()
    assert server.file.read(len(plain)) == plain
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    server.send(page)
    assert client.file.read(len(page)) == page
    client.send(upgrade)
    changed = as_passed_on(upgrade, running.host_header)
    assert server.file.read(len(changed)) == changed
    client.half_close()
    assert server.file.read() == b""
    server.send(response("AAAA"))
    server.close()
    assert client.file.read() == response("AAAA")
    first, second = running.all_copies(), running.all_copies()
    assert [copy.data for copy in first if isinstance(copy, Passed)] == [plain, page]
    assert [copy.data for copy in second if isinstance(copy, Passed)] == [changed, response("AAAA")]
    assert {copy.connection for copy in first} == {1}
    assert {copy.connection for copy in second} == {2}
    assert (first[0].client, first[0].server) == (second[0].client, second[0].server)


REFUSAL = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"


def try_twice(running):
    """A client sends its handshake again after a 401; the bytes of both as they are passed on."""
    client, upgrade = running.client(), request("/chat")
    client.send(upgrade)
    server = running.accept()
    changed = as_passed_on(upgrade, running.host_header)
    assert server.file.read(len(changed)) == changed
    server.send(REFUSAL)
    assert client.file.read(len(REFUSAL)) == REFUSAL
    client.send(upgrade)
    assert server.file.read(len(changed)) == changed
    server.send(response("AAAA"))
    server.close()
    assert client.file.read() == response("AAAA")
    client.close()
    return changed


@over_both
def test_9110_15_5_2_a_second_try_after_a_401_is_changed_and_shown(glass):
    running = glass()
    changed = try_twice(running)
    first, second = running.all_copies(), running.all_copies()
    assert [copy.data for copy in first if isinstance(copy, Passed)] == [changed, REFUSAL]
    assert [copy.data for copy in second if isinstance(copy, Passed)] == [changed, response("AAAA")]


def test_each_field_of_what_both_directions_use_has_one_writer(glass, monkeypatch):
    writers = defaultdict(set)

    def note(thing, name, value):
        if hasattr(thing, name):  # its maker is no writer
            writers[type(thing), name].add(threading.get_ident())
        object.__setattr__(thing, name, value)

    for kind in (CopyReport, Exchange, HeadChanger):
        monkeypatch.setattr(kind, "__setattr__", note)
    running = glass()
    try_twice(running)
    for _ in range(2):
        running.all_copies()
    assert (HeadChanger, "_refusals") in writers and (CopyReport, "_shown") in writers
    assert [field for field, threads in writers.items() if len(threads) > 1] == []


def test_a_looker_on_that_takes_nothing_does_not_slow_the_traffic(glass, background):
    """More passes than its queue takes; what is left out is counted."""
    running = glass()
    small = type(running.copies)(max_bytes=100_000)
    running.forwarder.add(small)
    client, server, _ = running.meet()
    sending = background(lambda: (client.send(bytes(MANY)), client.half_close()))
    assert len(server.file.read()) == MANY
    sending.result()
    server.half_close()
    assert client.file.read() == b""
    running.all_copies()
    small.close()
    copies = list(small.take())
    seen = sum(len(copy.data) for copy in copies if isinstance(copy, Passed))
    left_out = sum(copy.left_out for copy in copies if not isinstance(copy, Opened))
    assert seen <= 100_000
    assert seen + left_out == MANY + len(b"POST ")
    assert isinstance(copies[-1], Over)


# The stop


@over_both
def test_stop_ends_the_connections_and_leaves_no_thread(glass):
    running = glass()
    client, server, _ = running.meet()
    silent = running.client()
    assert eventually(lambda: len(running.forwarder._clients) == 2)
    running.forwarder.stop()
    for wire in client, server, silent:
        assert wire.file.read() == b""
    running.running.result()
    (over,) = [copy for copy in running.all_copies() if isinstance(copy, Over)]
    assert over.stopped
