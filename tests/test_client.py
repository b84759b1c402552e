"""RFC 6455 §4.1 on real sockets: `connect` to our server, and to servers that the test plays."""

import random
import re
import select
import socket
import ssl
import sys
import threading
import time
import zlib
from contextlib import ExitStack, suppress

import pytest

from refws import (
    ConnectionClosedError,
    ConnectionClosedOK,
    DeflateSettings,
    HandshakeError,
    IncompleteHead,
    InvalidResponse,
    InvalidStatus,
    InvalidURI,
    ProxyError,
    Side,
    State,
    connect,
)
from refws.endpoint.client import connecting
from wire import (
    BINARY,
    CLOSE,
    CONT,
    DEADLINE_S,
    PING,
    PONG,
    RSV1,
    TEXT,
    Background,
    close_body,
    eventually,
    frame,
    response,
)

pytestmark = pytest.mark.transport("tcp", "unix", "tls")

its_own_uri = pytest.mark.transport(
    "tcp", reason="the test is about another URI or its own way to the server"
)

IN_TIME = 0.1
"""Seconds after which a deadline may pass in a test that wants to see it pass."""

SYNC = bytes.fromhex("0000ffff")
"""RFC 7692 §7.2.1: what the sender of a compressed message cuts off."""

MASKED = {"masked": 1}
UNMASKED = {"masked": 0}


def echo(connection):
    for message in connection:
        connection.send(message)


class Played:
    """A server that is a function of the test, called with the raw peer of each connection."""

    def __init__(self, script, transport):
        self.transport = transport
        self.listener = transport.listen()
        self.address = self.listener.getsockname()
        self.uri, self.way = transport.uri(self.address), transport.way(self.address)
        self.script = script
        self.peers = []
        self.thread = Background(self.run)

    def dial(self):
        """A socket that is connected to it, and speaks nothing yet."""
        sock = socket.socket(self.listener.family)
        sock.settimeout(DEADLINE_S)
        sock.connect(self.address)
        return sock

    def run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.peers.append(self.transport.accept(sock))
            self.script(self.peers[-1])

    def stop(self):
        """Raises what the script has raised."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for peer in self.peers:
            peer.cut()
        try:
            self.thread.result()
        finally:
            for peer in self.peers:
                peer.close()


@pytest.fixture
def played(nothing_left_behind, transport):
    """played(script) starts a server that runs `script(peer)`; its errors are raised at the end."""
    servers = []

    def start(script):
        servers.append(Played(script, transport))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def open_by_hand(peer, *fields, then=b""):
    """Answer the client's opening handshake correctly, `then` in the same packet.

    Returns the header lines of the request.
    """
    _, headers = peer.receive_request()
    peer.send(response(headers["sec-websocket-key"], *fields), then)
    return headers


def answering(*parts):
    """A script that reads the request, sends these bytes and ends; the client may end before it."""

    def script(peer):
        peer.receive_request()
        peer.send(*parts)
        with suppress(OSError):
            peer.half_close()

    return script


@pytest.mark.parametrize(
    "status, lines",
    [
        (b"101 Switching Protocols", "Server: café\r\n".encode()),
        ("101 Protokolle gewählt".encode(), b""),
        (b"101 a\rb", b""),
        (b"101 Switching Protocols", b"X-Long: a,\r\n b\r\n"),
    ],
    ids=["bytes-from-0x80-up", "reason-phrase", "cr-in-the-reason-phrase", "folded-line"],
)
def test_9112_what_a_client_must_pass_over_in_a_101_keeps_no_connection_closed(
    played, status, lines
):
    def script(peer):
        _, headers = peer.receive_request()
        head = response(headers["sec-websocket-key"])
        peer.send(head.replace(b"101 Switching Protocols", status)[:-2] + lines + b"\r\n")
        peer.expect_close(1000, masked=1)
        peer.send_frame(CLOSE, close_body(1000), **UNMASKED)
        peer.half_close()

    running = played(script)
    with connect(running.uri, **running.way) as connection:
        assert connection.response.status_code == 101


@pytest.mark.parametrize(
    "limits, lines",
    [
        ({"max_line_size": 10_000}, ["Set-Cookie: a=" + "x" * 9000]),
        ({"max_head_size": 50_000}, ["X-Token: " + "x" * 8000] * 5),
        ({"max_header_lines": 80}, [f"X-{n}: v" for n in range(70)]),
    ],
)
def test_6585_5_a_client_has_limits_of_a_head_too(played, limits, lines):
    head = "\r\n".join(("HTTP/1.1 403 Forbidden", "Content-Length: 0", *lines, "", "")).encode()
    running = played(answering(head))
    with pytest.raises(HandshakeError, match=rf"\({next(iter(limits))}\)"):
        connect(running.uri, **running.way)
    with pytest.raises(InvalidStatus):
        connect(running.uri, **running.way, **limits)


@pytest.mark.parametrize(
    "options, value",
    [
        ({}, "refws"),
        ({"user_agent_header": "mine/1"}, "mine/1"),
        ({"user_agent_header": None}, None),
        ({"additional_headers": {"user-agent": "other"}}, "other"),
    ],
)
def test_9110_10_1_5_a_request_says_by_which_client(played, options, value):
    seen = []

    def script(peer):
        seen.append(peer.receive_request()[1].get("user-agent"))
        peer.send(b"HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n")

    running = played(script)
    with pytest.raises(InvalidStatus):
        connect(running.uri, **running.way, **options)
    assert seen == [value]


@pytest.mark.parametrize("status", [600, 799, 999])
def test_9110_15_a_status_above_599_counts_as_5xx_and_comes_with_its_response(played, status):
    running = played(answering(b"HTTP/1.1 %d x\r\nContent-Length: 2\r\n\r\nno" % status))
    with pytest.raises(InvalidStatus, match="the server failed") as caught:
        connect(running.uri, **running.way)
    assert caught.value.response.status_code == status
    assert caught.value.response.body == b"no"


# Our own server


@pytest.mark.rfc("6455-4.1-03", "6455-4.1-11", "6455-5.1-07")
@pytest.mark.parametrize("compression", [None, "deflate", DeflateSettings(level=9)], ids=str)
def test_4_1_messages_of_every_length_come_back(serving, compression):
    running = serving(echo, compression="deflate")
    with connect(running.uri, **running.way, compression=compression) as connection:
        for length in (0, 1, 125, 126, 65535, 65536, 300_000):
            for message in ("€" * (length // 3), bytes(range(256)) * (length // 256)):
                connection.send(message)
                assert connection.recv() == message
    assert connection.state is State.CLOSED
    assert (connection.close_code, connection.close_reason) == (1000, "")


def test_the_end_of_the_block_closes_with_1000_and_an_exception_in_it_with_1011(serving):
    codes = {}

    def handler(connection):
        try:
            list(connection)
        finally:
            codes[connection.request.path] = connection.close_code

    running = serving(handler)
    with connect(f"{running.uri}ends", **running.way):
        pass
    with pytest.raises(ZeroDivisionError), connect(f"{running.uri}raises", **running.way):
        raise ZeroDivisionError
    assert eventually(lambda: codes == {"/ends": 1000, "/raises": 1011})


@pytest.mark.rfc("6455-4.1-28", "6455-4.1-31", "6455-4.1-34", "6455-3-05")
def test_4_1_both_sides_know_what_was_agreed(serving):
    seen = []

    def handler(connection):
        seen.append((connection.request, connection.subprotocol))

    running = serving(handler, subprotocols=["chat", "superchat"], origins=["https://example.com"])
    with connect(
        running.uri + "room?number=1",
        **running.way,
        subprotocols=["superchat", "other"],
        origin="https://example.com",
        additional_headers={"Authorization": "Bearer of news"},
    ) as connection:
        assert list(connection) == []
    request, subprotocol = seen[0]
    assert request == connection.request
    assert request.target == "/room?number=1"
    assert request.headers["Authorization"] == "Bearer of news"
    assert subprotocol == connection.subprotocol == "superchat"
    assert connection.response.status_code == 101
    assert connection.remote_address == running.address
    assert connection.side is Side.CLIENT


def test_iteration_gives_the_messages_until_the_server_closes(serving):
    def handler(connection):
        connection.send("one")
        connection.send(["t", "w", "o"])

    running = serving(handler)
    with connect(running.uri, **running.way) as connection:
        assert list(connection) == ["one", "two"]


def test_5_5_2_a_ping_of_either_side_is_answered(serving):
    def handler(connection):
        answered = connection.ping()
        connection.send("go on")
        for _ in connection:
            connection.send(str(answered.is_set()))

    running = serving(handler)
    with connect(running.uri, **running.way) as connection:
        assert connection.recv() == "go on"
        answered = connection.ping(b"mine")
        connection.send("and you?")
        assert connection.recv() == "True"
        assert answered.is_set() and connection.latency > 0


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no Unix sockets")
@its_own_uri
def test_a_unix_socket_takes_the_place_of_host_and_port(serving, tmp_path):
    path = str(tmp_path / "socket")
    serving(echo, unix_path=path)
    with connect("ws://example.com/echo", unix_path=path) as connection:
        connection.send("hello")
        assert connection.recv() == "hello"
    assert connection.request.headers["Host"] == "example.com"
    assert connection.remote_address == path


@its_own_uri
def test_localhost_is_found_whether_it_is_ipv4_or_ipv6(serving):
    running = serving(echo)
    with connect(f"ws://localhost:{running.address[1]}/") as connection:
        connection.send("hello")
        assert connection.recv() == "hello"


@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
@its_own_uri
def test_an_ipv6_address_in_brackets(serving):
    try:
        running = serving(echo, host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6 address")
    with connect(f"ws://[::1]:{running.address[1]}/") as connection:
        connection.send("hello")
        assert connection.recv() == "hello"
    assert connection.request.headers["Host"] == f"[::1]:{running.address[1]}"


@its_own_uri
def test_4_1_item_3_the_next_address_is_tried_when_one_refuses(serving, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refusing = listener.getsockname()
    running = serving(echo)
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 0, "", address)
        for address in (refusing, running.address)
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: found)
    with connect("ws://two.example.com/") as connection:
        connection.send("hello")
        assert connection.recv() == "hello"
    assert connection.remote_address == running.address


@its_own_uri
def test_tcp_sends_a_small_frame_at_once(serving, monkeypatch):
    options = []
    set_option = socket.socket.setsockopt

    def noting(sock, *option):
        options.append(option)
        set_option(sock, *option)

    running = serving(echo)
    monkeypatch.setattr(socket.socket, "setsockopt", noting)
    with connect(running.uri):
        noted = options.copy()
    no_delay = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    assert noted.count(no_delay) == 2, "one for each end"


@pytest.mark.transport("tls", reason="it is about the certificate")
def test_4_1_the_certificate_must_be_for_server_hostname_if_that_is_given(serving):
    running = serving(echo)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"elsewhere\.test"):
        connect(running.uri, **running.way, server_hostname="elsewhere.test")


def test_the_trace_sees_the_handshake_and_the_frames(serving):
    seen = {Side.CLIENT: b"", Side.SERVER: b""}

    def trace(sender, data):
        seen[sender] += data

    running = serving(echo)
    with connect(running.uri, **running.way, trace=lambda connection: trace) as connection:
        connection.send("hello")
        connection.recv()
    assert seen[Side.CLIENT].startswith(connection.request.to_bytes() + b"\x81\x85")
    assert seen[Side.SERVER] == connection.response.to_bytes() + b"\x81\x05hello\x88\x02\x03\xe8"


# What a client must do (§5.1, §5.3, §7)


@pytest.mark.rfc("6455-5.1-01", "6455-5.3-01", "6455-5.3-03", "6455-10.3-01")
def test_5_3_every_frame_is_masked_with_a_key_of_its_own(played):
    keys, done = [], threading.Event()

    def script(peer):
        open_by_hand(peer)
        sent = [
            (TEXT, b"a"),
            (BINARY, bytes(70_000)),
            (PING, b"b"),
            (PONG, b"c"),
            (CLOSE, close_body(1000)),
        ]
        for opcode, payload in sent:
            peer.expect(opcode, payload, **MASKED)
            keys.append(peer.masking_key)
        peer.send_frame(CLOSE, close_body(1000), **UNMASKED)
        peer.half_close()
        done.set()

    server = played(script)
    with connect(server.uri, **server.way) as connection:
        connection.send("a")
        connection.send(bytes(70_000))
        connection.ping(b"b")
        connection.pong(b"c")
    assert done.wait(DEADLINE_S)
    assert len(set(keys)) == 5 and bytes(4) not in keys


@pytest.mark.rfc("6455-4.1-26")
def test_4_1_the_key_is_new_for_each_connection(played):
    keys = []

    def script(peer):
        keys.append(open_by_hand(peer)["sec-websocket-key"])
        peer.expect_close(1000, masked=1)
        peer.send_frame(CLOSE, close_body(1000), **UNMASKED)
        peer.half_close()

    server = played(script)
    for _ in range(5):
        with connect(server.uri, **server.way):
            pass
    assert len(set(keys)) == 5


@pytest.mark.rfc("6455-5.1-05", "6455-5.1-06")
def test_5_1_a_masked_frame_from_the_server_fails_the_connection_with_1002(played):
    codes = []

    def script(peer):
        open_by_hand(peer, then=frame(TEXT, b"masked"))
        codes.append(peer.expect_close(1002, masked=1))
        peer.half_close()

    server = played(script)
    broken_rule = pytest.raises(
        ConnectionClosedError, match=r"§5\.1: a masked frame from the server"
    )
    with connect(server.uri, **server.way) as connection, broken_rule:
        connection.recv()
    assert eventually(lambda: codes)


@pytest.mark.rfc("6455-5.5.2-02")
def test_5_5_2_a_ping_of_the_server_is_answered_masked(played):
    def script(peer):
        open_by_hand(
            peer, then=frame(PING, b"there?", **UNMASKED) + frame(TEXT, b"go on", **UNMASKED)
        )
        peer.expect(PONG, b"there?", **MASKED)
        peer.send_frame(CLOSE, **UNMASKED)
        peer.expect_close(masked=1)
        peer.half_close()

    server = played(script)
    with connect(server.uri, **server.way) as connection:
        assert connection.recv() == "go on"
        with pytest.raises(ConnectionClosedOK):
            connection.recv()


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65536])
def test_5_2_unmasked_frames_of_every_length_form_with_nothing_after_them(played, length):
    goes_on = threading.Event()

    def script(peer):
        open_by_hand(peer)
        for _ in range(2):
            peer.send_frame(BINARY, bytes(length), **UNMASKED)
            assert goes_on.wait(DEADLINE_S)
            goes_on.clear()
        peer.half_close()

    server = played(script)
    with connect(server.uri, **server.way) as connection:
        for _ in range(2):
            assert connection.recv() == bytes(length)
            goes_on.set()


@pytest.mark.rfc("6455-4.1-45")
def test_4_1_frames_in_the_same_packet_as_the_101_are_not_lost(played):
    def script(peer):
        frames = [
            frame(TEXT, b"fi", fin=0, masked=0),
            frame(CONT, b"rst", masked=0),
            frame(CLOSE, masked=0),
        ]
        open_by_hand(peer, then=b"".join(frames))
        peer.expect_close(masked=1)
        peer.half_close()

    server = played(script)
    with connect(server.uri, **server.way) as connection:
        assert list(connection) == ["first"]
    assert connection.close_code == 1005


@pytest.mark.rfc("6455-7.1.1-06")
def test_7_1_1_a_client_waits_for_the_server_to_end_the_tcp_connection(played, background):
    answered, may_end = threading.Event(), threading.Event()

    def script(peer):
        open_by_hand(peer)
        peer.expect_close(1000, masked=1)
        peer.send_frame(CLOSE, close_body(1000), **UNMASKED)
        peer.expect_silence()
        answered.set()
        assert may_end.wait(DEADLINE_S)
        peer.half_close()
        peer.expect_end()

    server = played(script)
    connection = connect(server.uri, **server.way)
    closing_it = background(connection.close)
    assert answered.wait(DEADLINE_S)
    assert connection.state is State.CLOSING
    may_end.set()
    closing_it.result()
    assert connection.state is State.CLOSED


@pytest.mark.rfc("6455-7.1.1-04")
@pytest.mark.parametrize("answers", [True, False])
def test_7_1_1_a_server_that_never_ends_the_connection_is_waited_for_until_the_deadline(
    played, answers
):
    def script(peer):
        open_by_hand(peer)
        peer.expect_close(1000, masked=1)
        if answers:
            peer.send_frame(CLOSE, close_body(1000), **UNMASKED)
        peer.expect_cut()

    server = played(script)
    connection = connect(server.uri, **server.way, close_timeout=IN_TIME)
    connection.close()
    assert connection.close_code == (1000 if answers else 1006)


# Answers that are no 101, or no good one


@pytest.mark.rfc("6455-4.1-37")
@pytest.mark.parametrize(
    "status, fields, advice",
    [
        (
            "301 Moved",
            "Location: https://example.com/chat",
            "redirects are not followed; connect to 'wss://example.com/chat'",
        ),
        (
            "302 Found",
            "Location: /login?next=chat",
            "connect to '/login?next=chat', which is relative to this URI, if you trust it",
        ),
        (
            "307 Elsewhere",
            "Location: //example.com/chat",
            "connect to '//example.com/chat', which is relative to this URI, if you trust it",
        ),
        ("401 Unauthorized", "WWW-Authenticate: Basic", "give credentials"),
        ("404 Not Found", "X-Other: 1", "check the path"),
        ("503 Busy", "Retry-After: 5", "try again later; Retry-After: '5'"),
        ("200 OK", "X-Other: 1", "check the path of the URI, or whether a proxy"),
    ],
)
def test_4_1_another_status_than_101_is_reported_with_its_body_and_what_to_do(
    played, status, fields, advice
):
    answer = f"HTTP/1.1 {status}\r\n{fields}\r\nContent-Length: 6\r\n\r\nwhy it"
    server = played(answering(answer.encode()))
    with pytest.raises(InvalidStatus, match=re.escape(advice)) as caught:
        connect(server.uri, **server.way)
    assert caught.value.response.status_code == int(status[:3])
    assert caught.value.response.body == b"why it"


@pytest.mark.rfc("6455-4.1-36", "6455-4.1-38", "6455-4.1-39", "6455-4.1-40")
def test_4_1_all_faults_of_a_101_are_reported_at_once(played):
    answer = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"
    )
    server = played(answering(answer))
    with pytest.raises(InvalidResponse) as caught:
        connect(server.uri, **server.way)
    assert [fault.section for fault in caught.value.faults] == [
        f"§4.1 response item {number}" for number in (2, 3, 4)
    ]


@pytest.mark.rfc("6455-4.1-41", "6455-4.1-42")
@pytest.mark.parametrize(
    "field, section",
    [
        ("Sec-WebSocket-Extensions: permessage-deflate", "§4.1 response item 5"),
        ("Sec-WebSocket-Protocol: chat", "§4.1 response item 6"),
    ],
)
def test_4_1_an_answer_to_what_was_not_asked_for_is_refused(played, field, section):
    server = played(lambda peer: open_by_hand(peer, field))
    with pytest.raises(InvalidResponse) as caught:
        connect(server.uri, **server.way)
    assert [fault.section for fault in caught.value.faults] == [section]


@pytest.mark.rfc("6455-4.1-33", "6455-4.1-46")
def test_4_1_a_server_that_declines_compression_gets_plain_messages(played):
    def script(peer):
        assert "permessage-deflate" in open_by_hand(peer)["sec-websocket-extensions"]
        _, payload = peer.receive()
        peer.send_frame(TEXT, payload, **UNMASKED)
        peer.half_close()

    server = played(script)
    with connect(server.uri, **server.way, compression="deflate") as connection:
        connection.send("x" * 1000)
        assert connection.recv() == "x" * 1000


@pytest.mark.rfc("6455-4.1-43")
@pytest.mark.parametrize(
    "answer, error, words",
    [
        (b"", IncompleteHead, "ended before any response"),
        (b"HTTP/1.1 101 Swi", IncompleteHead, "inside the response head, after 16 bytes"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", HandshakeError, "SSH"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 65 + b"\r\n", HandshakeError, "64"),
        (b"HTTP/1.1 101 " + b"x" * 10_000, HandshakeError, "8192"),
    ],
)
def test_4_1_an_answer_that_is_no_whole_response_is_reported_as_what_it_is(
    played, answer, error, words
):
    server = played(answering(answer))
    with pytest.raises(error, match=re.escape(words)):
        connect(server.uri, **server.way)


@pytest.mark.rfc("6455-4.1-36")
@pytest.mark.parametrize("fields", ["", "Transfer-Encoding: gzip\r\n"])
def test_4_1_a_refusal_that_only_the_end_of_the_stream_would_end_is_reported_after_a_second(
    played, fields
):
    def script(peer):
        peer.receive_request()
        peer.send(f"HTTP/1.1 404 Not Found\r\n{fields}\r\nno such".encode())
        peer.expect_cut()

    server = played(script)
    started = time.monotonic()
    with pytest.raises(InvalidStatus, match="404") as caught:
        connect(server.uri, **server.way, open_timeout=DEADLINE_S)
    assert 0.9 < time.monotonic() - started < DEADLINE_S - 1
    assert caught.value.response.body == b"no such"


def test_4_1_a_refusal_with_a_length_is_read_to_its_end_however_long_that_takes(
    played, monkeypatch
):
    monkeypatch.setattr("refws.endpoint.client.connect.BODY_TIMEOUT", 0.01)

    def script(peer):
        peer.receive_request()
        peer.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nno")
        threading.Event().wait(0.1)  # ten times as long as a body without a length may take
        peer.send(b" such")

    server = played(script)
    with pytest.raises(InvalidStatus) as caught:
        connect(server.uri, **server.way)
    assert caught.value.response.body == b"no such"


# Compression with servers of all kinds (RFC 7692 §5)

BROWSER = "permessage-deflate; client_max_window_bits"
NO_TAKEOVER = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


def elements(offer):
    return [element.split("; ") for element in offer.split(", ")]


def names_no_window_of_the_server(parameters):
    return not any(name.startswith("server_max_window_bits") for name in parameters)


def gorilla(offer):
    """gorilla/websocket, EnableCompression: the same answer to any offer of the name."""
    return NO_TAKEOVER if "permessage-deflate" in offer else None


def mojolicious(offer):
    """Mojolicious, with_compression: the name alone, whatever the parameters are."""
    return "permessage-deflate" if "permessage-deflate" in offer else None


def jetty(offer):
    """Jetty, 9.3 to 12: the first offer without its window bits, which it does not support."""
    name, *parameters = elements(offer)[0]
    kept = [each for each in parameters if each.endswith("_no_context_takeover")]
    return "; ".join([name, *kept])


def nhooyr(offer):
    """nhooyr.io/websocket 1.8.7, of its first offer: 400 for server_max_window_bits."""
    return NO_TAKEOVER if names_no_window_of_the_server(elements(offer)[0]) else 400


def coder(offer):
    """coder/websocket from 1.8.8 on: the first offer without server_max_window_bits."""
    return NO_TAKEOVER if any(map(names_no_window_of_the_server, elements(offer))) else None


def websockets(offer):
    """`websockets` 15 to 17, its defaults: its window is named even where the offer does not."""
    parameters = elements(offer)[0]
    wished = [each for each in parameters if each.startswith("server_max_window_bits")]
    limits = wished or ["server_max_window_bits=12"]
    limits += ["client_max_window_bits=12"] if "client_max_window_bits" in parameters else []
    return "; ".join(["permessage-deflate", *limits])


def ws(offer):
    """ws 8 for Node.js, perMessageDeflate: true: what it grants of the first offer."""
    granted = [each for each in elements(offer)[0] if each != "client_max_window_bits"]
    return "; ".join(granted)


def declining(offer):
    """gorilla/websocket and `websockets` with compression off: a 101 without the header."""


SERVERS = [gorilla, mojolicious, jetty, nhooyr, coder, websockets, ws, declining]

FAR = random.Random(7692).randbytes(20_000)
"""What lies between a text and its repetition: a window of 12 bits does not reach so far."""


def compressing_server(answer_to, offers):
    """A script: it answers the offer, and echoes by zlib alone, with the window agreed on."""

    def script(peer):
        _, headers = peer.receive_request()
        offers.append(headers["sec-websocket-extensions"])
        agreed = answer_to(offers[-1])
        if agreed == 400:
            peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            return
        fields = [] if agreed is None else [f"Sec-WebSocket-Extensions: {agreed}"]
        peer.send(response(headers["sec-websocket-key"], *fields))
        echo_by_zlib(peer, agreed)

    return script


def echo_by_zlib(peer, agreed):
    bits = re.search("server_max_window_bits=([0-9]+)", agreed or "")
    deflater = zlib.compressobj(9, zlib.DEFLATED, -int(bits[1] if bits else 15))
    header, payload = peer.receive()
    assert header.rsv == (RSV1 if agreed else 0)
    if agreed:
        payload = zlib.decompressobj(-15).decompress(payload + SYNC)
        payload = deflater.compress(payload) + deflater.flush(zlib.Z_SYNC_FLUSH)
    peer.send(frame(BINARY, payload.removesuffix(SYNC), rsv=header.rsv, masked=0))
    peer.half_close()


def echoed(server, compression):
    """Whether a message that repeats itself from far away came back."""
    with connect(server.uri, **server.way, compression=compression) as connection:
        connection.send(FAR + FAR)
        return connection.recv() == FAR + FAR


@pytest.mark.rfc("7692-5-01", "7692-5-11", "7692-7.2.2-08", "7692-7.1.2.1-06")
@pytest.mark.parametrize("answer_to", SERVERS, ids=lambda server: server.__name__)
def test_7692_5_compression_deflate_opens_a_connection_to_every_server(played, answer_to):
    """It offers what Chromium and `websockets` offer, byte for byte.

    The functions above have the answers, as they are made in the sources of these servers.
    `declining` alone does not compress.
    """
    offers = []
    server = played(compressing_server(answer_to, offers))
    assert echoed(server, "deflate")
    assert offers == [BROWSER]


@pytest.mark.rfc("7692-5-02", "7692-7.1.2.1-05", "7692-7.2.2-08")
@pytest.mark.parametrize(
    "answer_to",
    [each for each in SERVERS if each is not nhooyr],
    ids=lambda server: server.__name__,
)
def test_7692_5_a_smaller_window_is_a_wish_with_an_offer_to_fall_back_on(played, answer_to):
    """§7.1.3 has such an offer. nhooyr.io/websocket 1.8.7 reads the first one only, then refuses.

    With this wish no client can open a connection there; so it is not made by default.
    """
    offers = []
    server = played(compressing_server(answer_to, offers))
    assert echoed(server, DeflateSettings(server_max_window_bits=10))
    wish = "permessage-deflate; server_max_window_bits=10; client_max_window_bits"
    assert offers == [f"{wish}, {BROWSER}"]


@pytest.mark.rfc("7692-5-02", "7692-7.1.1.1-01", "7692-7.2.2-04")
@pytest.mark.parametrize("answer_to", [mojolicious, gorilla, declining])
def test_7692_7_1_1_1_no_context_takeover_of_the_server_is_a_wish_too(played, answer_to):
    offers = []
    server = played(compressing_server(answer_to, offers))
    assert echoed(server, DeflateSettings(server_no_context_takeover=True))
    assert offers[0].endswith(f", {BROWSER}")


# Through a proxy


def tunnel(peer, status="200 Connection established"):
    """Open a tunnel like a proxy; returns the CONNECT request."""
    request_line, headers = peer.receive_request()
    peer.send(f"HTTP/1.1 {status}\r\nContent-Length: 3\r\n\r\n".encode())
    return request_line, headers


@pytest.mark.rfc("6455-4.1-10")
@its_own_uri
@pytest.mark.parametrize("by_environment", [False, True])
def test_4_1_item_3_a_proxy_is_asked_for_a_tunnel_and_the_handshake_goes_through_it(
    played, monkeypatch, by_environment
):
    seen = []

    def script(peer):
        seen.append(tunnel(peer))
        seen.append(
            open_by_hand(peer, then=frame(TEXT, b"through", masked=0) + frame(CLOSE, masked=0))
        )
        peer.expect_close(masked=1)
        peer.half_close()

    proxy = played(script).uri.replace("ws://", "http://user:secret@")
    if by_environment:
        monkeypatch.setenv("https_proxy", proxy)
        monkeypatch.setenv("no_proxy", "")
        proxy = True
    with connect("ws://example.com/chat", proxy=proxy) as connection:
        assert list(connection) == ["through"]
    (request_line, asked), handshake = seen
    assert request_line == "CONNECT example.com:80 HTTP/1.1"
    assert asked == {"host": "example.com:80", "proxy-authorization": "Basic dXNlcjpzZWNyZXQ="}
    assert handshake["host"] == "example.com" and "proxy-authorization" not in handshake


@its_own_uri
def test_the_trace_begins_after_the_tunnel_of_a_proxy(played):
    seen = bytearray()

    def script(peer):
        tunnel(peer)
        open_by_hand(peer)
        peer.half_close()

    def trace(sender, data):
        if sender is Side.CLIENT:
            seen.extend(data)

    proxy = played(script).uri.replace("ws", "http")
    connection = connect("ws://example.com/", proxy=proxy, trace=lambda connection: trace)
    connection.close()
    assert seen.startswith(connection.request.to_bytes())


@its_own_uri
def test_6585_5_the_limits_of_a_head_are_for_the_answer_of_a_proxy_too(played):
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nX: " + 9000 * b"x" + b"\r\n\r\n"
    proxy = played(answering(head)).uri.replace("ws", "http")
    with pytest.raises(HandshakeError, match="max_line_size"):
        connect("ws://example.com/", proxy=proxy)
    with pytest.raises(ProxyError):
        connect("ws://example.com/", proxy=proxy, max_line_size=10_000)


NO_HTTP_PROXY = ", from the proxy; expected an answer in HTTP, without TLS: check host and port of"


@pytest.mark.parametrize(
    "answer, words",
    [
        (b"\x05\xff", NO_HTTP_PROXY),
        (b"hello\r\n\r\n", NO_HTTP_PROXY),
        (b"\x15\x03\x03\x00\x02\x02\x28", f"a TLS record{NO_HTTP_PROXY}"),
        (b"HTTP/1.1 200 OK\n\n", ", from the proxy; expected CR LF"),
    ],
)
@its_own_uri
def test_4_1_item_4_what_is_no_answer_of_a_proxy_is_named_as_the_proxys(played, answer, words):
    proxy = played(answering(answer)).uri.replace("ws", "http")
    with pytest.raises(HandshakeError, match=re.escape(words)):
        connect("ws://example.com/", proxy=proxy)


@pytest.mark.parametrize(
    "answer, words",
    [
        (b"", "before any proxy response"),
        (b"HTTP", "inside the proxy response head, after 4 bytes"),
    ],
)
@its_own_uri
def test_4_1_item_4_a_proxy_that_ends_tcp_is_named_as_the_one_that_did(played, answer, words):
    proxy = played(answering(answer)).uri.replace("ws", "http")
    with pytest.raises(IncompleteHead, match=words):
        connect("ws://example.com/", proxy=proxy)


@pytest.mark.rfc("6455-4.1-13")
@its_own_uri
def test_4_1_item_4_a_proxy_that_opens_no_tunnel_is_reported_with_its_body(played):
    def script(peer):
        peer.receive_request()
        peer.send(b"HTTP/1.1 407 No\r\nContent-Length: 3\r\n\r\nwho")

    with pytest.raises(ProxyError, match="credentials") as caught:
        connect("ws://example.com/chat", proxy=played(script).uri.replace("ws", "http"))
    assert caught.value.response.body == b"who"


@pytest.mark.rfc("6455-4.1-08", "6455-4.1-09")
@its_own_uri
def test_4_1_item_2_through_a_proxy_each_host_name_is_an_address_and_few_connect_at_once(
    played, background, monkeypatch
):
    monkeypatch.setattr("refws.endpoint.client.connect.MAX_BEHIND_A_PROXY", 2)
    lock, pending, most = threading.Lock(), set(), []

    def script(peer):
        """Only count: `answer_all` answers."""
        with lock:
            pending.add(peer)
            most.append(len(pending))

    def answer_all():
        answered = 0
        while answered < 4:
            assert eventually(lambda: pending)
            with lock:
                peer = pending.pop()
            peer.receive_request()
            peer.send(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n")
            answered += 1

    def refused(host):
        with pytest.raises(ProxyError):
            connect(f"ws://{host}/", proxy=proxy)

    proxy = played(script).uri.replace("ws", "http")
    clients = [background(refused, host) for host in ("a", "b", "c", "d")]
    assert eventually(lambda: len(most) == 2)
    assert len(pending) == 2
    background(answer_all).result()
    for client in clients:
        client.result()
    assert max(most) == 2 and len(most) == 4


# Deadlines


@pytest.mark.parametrize(
    "answer, seen", [(b"", "before any response"), (b"HTTP/1.1 1", "after 10 bytes")]
)
def test_4_1_a_server_that_does_not_answer_is_given_up_at_the_deadline(played, answer, seen):
    def script(peer):
        peer.receive_request()
        peer.send(answer)
        peer.expect_cut()

    server, seconds = played(script), 10 * IN_TIME  # a busy machine needs some for TLS
    with pytest.raises(
        TimeoutError, match=rf"§4\.1: the opening handshake took longer than {seconds:g} s.*{seen}"
    ):
        connect(server.uri, **server.way, open_timeout=seconds)


def test_4_1_the_deadline_of_the_handshake_ends_with_it(serving, background):
    """Neither its timer nor its timeout of the socket may end a recv that takes longer."""
    may_send = threading.Event()

    def handler(connection):
        assert may_send.wait(DEADLINE_S)
        connection.send("late")

    running = serving(handler)
    with connect(running.uri, **running.way, open_timeout=5 * IN_TIME) as connection:
        receiving = background(connection.recv)
        receiving.thread.join(6 * IN_TIME)
        may_send.set()
        assert receiving.result() == "late"


@pytest.mark.skipif(sys.platform != "linux", reason="a full backlog is refused elsewhere")
@its_own_uri
def test_4_1_a_server_that_takes_no_tcp_connection_is_given_up_at_the_deadline(nothing_left_behind):
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        host, port = listener.getsockname()
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((host, port))
        with pytest.raises(
            TimeoutError, match=rf"connecting to 127\.0\.0\.1:{port} took longer than 0\.1 s"
        ):
            connect(f"ws://{host}:{port}/", open_timeout=IN_TIME)


def test_an_endless_head_ends_at_its_limit(played):
    def script(peer):
        peer.receive_request()
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\n")
        with suppress(OSError):
            while True:
                peer.send(b"X-Again: and again\r\n" * 1000)

    server = played(script)
    with pytest.raises(HandshakeError, match="64"):
        connect(server.uri, **server.way)


def test_a_body_without_end_is_cut_off(played):
    def script(peer):
        peer.receive_request()
        peer.send(b"HTTP/1.1 500 Oh\r\n\r\n")
        with suppress(OSError):
            while True:
                peer.send(b"blah " * 1000)

    server = played(script)
    with pytest.raises(InvalidStatus) as caught:
        connect(server.uri, **server.way)
    assert len(caught.value.response.body) == 64 * 1024


def test_10_4_an_endless_frame_is_refused_at_its_header(played):
    def script(peer):
        open_by_hand(peer, then=frame(BINARY, length=2**62, **UNMASKED))
        peer.expect_close(1009, masked=1)
        peer.half_close()

    server = played(script)
    above_limit = pytest.raises(ConnectionClosedError, match=r"§10\.4")
    with connect(server.uri, **server.way) as connection, above_limit:
        connection.recv()


def test_the_heartbeat_ends_a_connection_whose_frame_stops_in_its_middle(played, monkeypatch):
    monkeypatch.setattr("refws.endpoint.heartbeat.SECOND_LOOK", 0.02)

    def script(peer):
        open_by_hand(peer, then=frame(BINARY, bytes(10), length=1000, **UNMASKED))
        while peer.receive()[0].opcode == PING:
            pass

    server = played(script)
    heartbeat = {"ping_interval": 0.05, "ping_timeout": 0.05}
    given_up = pytest.raises(ConnectionClosedError, match="nothing received")
    with connect(server.uri, **server.way, **heartbeat) as connection, given_up:
        connection.recv()


@pytest.mark.rfc("6455-4.1-13")
def test_4_1_connect_where_nothing_listens_is_refused(transport):
    with transport.listen() as listener:
        address = listener.getsockname()
    with pytest.raises(ConnectionRefusedError) as caught:
        connect(transport.uri(address), **transport.way(address))
    (note,) = caught.value.__notes__
    port_or_path = address if isinstance(address, str) else str(address[1])
    assert note.startswith("while connecting to ") and port_or_path in note


@its_own_uri
def test_4_1_the_end_of_tcp_in_place_of_an_answer_notes_that_the_port_may_speak_tls(played):
    server = played(answering(b""))
    with pytest.raises(IncompleteHead) as caught:
        connect(server.uri)
    (note,) = caught.value.__notes__
    assert note.endswith("; if that port speaks TLS, use wss://")


@its_own_uri
def test_4_1_item_3_an_error_on_the_way_to_a_proxy_names_the_proxy(nothing_left_behind):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        with pytest.raises(ConnectionRefusedError) as caught:
            connect("ws://example.com/?token=x", proxy=f"http://user:secret@127.0.0.1:{port}")
    assert caught.value.__notes__ == [
        f"while connecting to example.com:80, through the proxy 127.0.0.1:{port}"
    ]


@pytest.mark.rfc("6455-3-01", "6455-3-06", "6455-4.1-05")
@pytest.mark.parametrize(
    "uri", ["http://example.com/", "ws://example.com/#fragment", "ws:///nowhere", "example.com"]
)
def test_3_what_is_no_websocket_uri_is_refused_before_anything_is_sent(uri):
    with pytest.raises(InvalidURI, match="§3"):
        connect(uri)


@pytest.mark.transport("tcp", "unix", reason="one of the arguments is a context for TLS")
def test_a_wrong_argument_leaves_nothing_open(played, nothing_left_behind):
    server = played(lambda peer: peer.expect_end())
    for argument in (
        {"subprotocols": ["twice", "twice"]},
        {"origin": "no origin"},
        {"additional_headers": {"Host": "another"}},
        {"compression": "zip"},
        {"ssl": ssl.create_default_context()},
        {"ping_interval": -1},
        {"proxy": "socks5://localhost"},
    ):
        with pytest.raises((ValueError, TypeError)):
            connect(server.uri, **{**server.way, **argument})


# A socket of the caller


def test_a_connected_socket_is_taken_over(played, nothing_left_behind):
    def script(peer):
        open_by_hand(peer, then=frame(TEXT, b"hello", masked=0) + frame(CLOSE, masked=0))
        peer.expect_close(masked=1)
        peer.half_close()

    server = played(script)
    sock = server.dial()
    sock.settimeout(0.01)
    options = {name: value for name, value in server.way.items() if name != "unix_path"}
    with connect(server.uri, sock=sock, proxy=True, **options) as connection:
        assert list(connection) == ["hello"]
    assert sock.fileno() == -1


def test_a_socket_of_the_caller_is_closed_if_its_handshake_fails(played):
    server = played(answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
    sock = server.dial()
    options = {name: value for name, value in server.way.items() if name != "unix_path"}
    with pytest.raises(InvalidStatus):
        connect(server.uri, sock=sock, **options)
    assert sock.fileno() == -1


@its_own_uri
@pytest.mark.parametrize(
    "argument, error, words",
    [
        ({"sock": 3}, TypeError, "sock is 3; use a connected socket, or None"),
        ({}, ValueError, "sock is not connected; call its connect()"),
        ({"proxy": "http://proxy"}, ValueError, "a connection already; leave proxy out"),
        ({"unix_path": "path"}, ValueError, "a connection already; leave unix_path out"),
    ],
)
def test_a_socket_that_cannot_be_taken_over_is_refused(nothing_left_behind, argument, error, words):
    with socket.socket() as sock, pytest.raises(error, match=re.escape(words)):
        connect("ws://localhost/", **{"sock": sock, **argument})


@pytest.mark.rfc("6455-4.1-07")
@its_own_uri
def test_4_1_item_2_a_socket_of_the_caller_waits_for_the_slot_at_its_address(played):
    server = played(lambda peer: peer.expect_end())
    sock = server.dial()
    address = connecting.slot_at(sock.getpeername())
    with connecting.SLOTS.slot(address, connecting.Deadline(DEADLINE_S)):
        with pytest.raises(TimeoutError, match="another opening handshake with"):
            connect(server.uri, sock=sock, open_timeout=5 * IN_TIME)
    assert sock.fileno() == -1


# One at a time


@pytest.mark.rfc("6455-4.1-07")
def test_4_1_item_2_two_handshakes_with_one_address_are_never_open_at_once(played, background):
    answered, connected_meanwhile = [], []

    def script(peer):
        """Before each answer look whether another connection has arrived."""
        peer.receive_request()
        arrived, _, _ = select.select([server.listener], [], [], IN_TIME / 4)
        connected_meanwhile.extend(arrived)
        answered.append(peer)
        peer.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")

    def refused():
        with pytest.raises(InvalidStatus):
            connect(server.uri, **server.way)

    server = played(script)
    for thread in [background(refused) for _ in range(8)]:
        thread.result()
    assert len(answered) == 8
    assert not connected_meanwhile


@pytest.mark.rfc("6455-4.1-06")
def test_4_1_item_2_a_second_client_waits_for_the_first_and_connects_when_that_is_open(
    played, background, monkeypatch
):
    first_is_here, may_answer, second_waits = (
        threading.Event(),
        threading.Event(),
        threading.Event(),
    )
    accepted = []
    condition = connecting.SLOTS._condition
    wait = condition.wait

    def waits(timeout):
        second_waits.set()
        return wait(timeout)

    def script(peer):
        accepted.append(peer)
        first_is_here.set()
        assert may_answer.wait(DEADLINE_S)
        open_by_hand(peer)
        peer.half_close()

    monkeypatch.setattr(condition, "wait", waits)
    server = played(script)
    connections = [background(connect, server.uri, **server.way) for _ in range(2)]
    assert first_is_here.wait(DEADLINE_S) and second_waits.wait(DEADLINE_S)
    assert len(accepted) == 1
    may_answer.set()
    for connection in connections:
        connection.result().close()


@pytest.mark.rfc("6455-4.1-06")
def test_4_1_item_2_a_second_client_waits_for_the_first_until_the_deadline(played, background):
    first_is_here, may_answer = threading.Event(), threading.Event()

    def script(peer):
        first_is_here.set()
        assert may_answer.wait(DEADLINE_S)
        open_by_hand(peer)
        peer.half_close()

    server = played(script)
    first = background(connect, server.uri, **server.way)
    assert first_is_here.wait(DEADLINE_S)
    where = server.address if isinstance(server.address, str) else server.address[0]
    with pytest.raises(
        TimeoutError, match=re.escape(f"§4.1 item 2: another opening handshake with {where}")
    ):
        connect(server.uri, **server.way, open_timeout=5 * IN_TIME)
    may_answer.set()
    first.result().close()


# Threads


def test_all_clients_share_one_timer_thread_and_none_is_left_when_they_are_gone(serving):
    running = serving(echo)
    before = set(threading.enumerate())
    connections = [connect(running.uri, **running.way) for _ in range(5)]
    mine = [
        thread.name for thread in set(threading.enumerate()) - before if "client" in thread.name
    ]
    assert mine == ["refws-timers of clients"]
    for connection in connections:
        connection.close()
    assert not [thread for thread in threading.enumerate() if "client" in thread.name]
