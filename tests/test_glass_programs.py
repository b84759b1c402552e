"""watch between other programs: `websockets`, npm's `ws`, Chromium, and a server that breaks rules.

Between each program and watch there is a relay that notes the bytes: what the client sent is what
the server got, except for Host, and what the server sent is what the client got.
"""

import json
import re
import socket
import threading
from contextlib import ExitStack

import pytest

from chromium import browser, why_not
from glass import Glass
from installed import axe_core
from refws import connect
from refws.course.glass.page import Pages
from refws.course.glass.terminal import Terminal
from refws.course.services import echo
from refws.protocol.frame import Side
from test_browser import SERIOUS
from test_interop import peer, text_of
from wire import DEADLINE_S, MANY, TEXT, Background, Wire, frame, response

__all__ = ["peer"]  # the fixture

pytestmark = pytest.mark.programs

in_chromium = pytest.mark.skipif(why_not() is not None, reason=why_not() or "Chromium is here")

START_S = 20


class Relay:
    """Passes the bytes of one connection on, and notes them: `sent` by the client, and `answered`.

    With sendall in two threads: so simple that it can be trusted.
    """

    def __init__(self, stack, address):
        self.listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.listener.settimeout(START_S)
        self.address = self.listener.getsockname()
        self.sent, self.answered = bytearray(), bytearray()
        self._to = address
        self._running = Background(self._run)
        stack.callback(self._running.result, START_S)

    def _run(self):
        client, _ = self.listener.accept()
        with client, socket.create_connection(self._to) as server:
            back = threading.Thread(target=self._pass, args=(server, client, self.answered))
            back.start()
            self._pass(client, server, self.sent)
            back.join()

    def _pass(self, source, target, noted):
        while data := source.recv(65536):
            noted += data
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


class Between:
    """client -> relay -> watch -> relay -> server, with the page of watch."""

    def __init__(self, port):
        self._stack = ExitStack()
        stack = self._stack
        self.lines = []
        self._near_server = Relay(stack, ("127.0.0.1", port))
        pages = Pages("ws://127.0.0.1:9000", "ws://server.example", [])
        uri = f"ws://127.0.0.1:{self._near_server.address[1]}"
        stack.callback(pages.stop)
        self.glass = Glass(stack, uri=uri, page_at=pages.address)
        pages.start(self.glass.forwarder)
        terminal = Terminal(self.lines.append, publish=self.glass.forwarder.show)
        self.glass.forwarder.add(terminal.copies)
        terminal.start()
        stack.callback(terminal.stop, 0)
        self._near_client = Relay(stack, self.glass.address)
        self.uri = f"ws://127.0.0.1:{self._near_client.address[1]}"
        host, own_port = self.glass.address
        self.page = f"http://{host}:{own_port}/?token={pages.token}"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._stack.__exit__(*error)

    def compare(self):
        """Once the connection has ended: the bytes at both ends are the same, and as copied."""
        copies = self.glass.all_copies()
        sent, arrived = bytes(self._near_client.sent), bytes(self._near_server.sent)
        old, new = (re.search(rb"\r\nHost: ([^\r]*)\r\n", head)[1] for head in (sent, arrived))
        assert sent.replace(old, new, 1) == arrived
        assert self._near_client.answered == self._near_server.answered
        for side, wire in (Side.CLIENT, arrived), (Side.SERVER, self._near_server.answered):
            passed = [copy for copy in copies if getattr(copy, "sender", None) is side]
            assert b"".join(getattr(copy, "data", b"") for copy in passed) == wire
        return sent, arrived


MESSAGES = ["", "a", text_of(125), text_of(126), text_of(70_000), bytes(range(256)), bytes(2**20)]


@pytest.fixture
def ports(peer, nothing_left_behind):
    """The port of the peer's server; without compression, which watch would pass on as well."""
    return peer.port(subprotocols=[], deflate=None)


def test_our_client_and_the_server_of_a_peer(peer, ports):
    name = peer.next_meeting()
    with Between(ports) as between:
        with connect(f"{between.uri}/echo?{name}") as client:
            for message in MESSAGES:
                client.send(message)
                assert client.recv(START_S) == message
            client.send(["in ", "three ", "frames"])
            assert client.recv(START_S) == "in three frames"
            assert client.ping().wait(START_S)
        peer.hear("opened", name)
        assert peer.hear("closed", name)[0] == 1000
        sent, _ = between.compare()
        assert f"GET /echo?{name} ".encode() in sent


def test_the_client_of_a_peer_and_our_server(peer, serving):
    name = peer.next_meeting()
    received = []

    def handler(connection):
        for message in MESSAGES:
            connection.send(message)
            received.append(connection.recv(START_S))

    with Between(serving(handler).address[1]) as between:
        uri = f"{between.uri}/echo?{name}"
        peer.order(connect=uri, subprotocols=[], deflate=None)
        peer.hear("opened", name)
        assert peer.hear("closed", name)[0] == 1000
        between.compare()
    assert received == MESSAGES


def test_compressed_messages_pass_as_they_are(peer, nothing_left_behind):
    name, port = peer.next_meeting(), peer.port(subprotocols=[], deflate={})
    with Between(port) as between:
        with connect(f"{between.uri}/echo?{name}", compression="deflate") as client:
            for message in MESSAGES:
                client.send(message)
                assert client.recv(START_S) == message
        peer.hear("opened", name)
        peer.hear("closed", name)
        _, arrived = between.compare()
    assert b"permessage-deflate" in arrived


# Chromium


@pytest.fixture(scope="module")
def chromium():
    with browser() as running:
        yield running


SCRIPT = """new Promise((resolve) => {
  const socket = new WebSocket(URI), got = [];
  socket.onopen = () => MESSAGES.forEach((message) => socket.send(message));
  socket.onmessage = (event) => {
    got.push(event.data);
    if (got.length === MESSAGES.length) socket.close(3000, "enough");
  };
  socket.onclose = (event) => resolve([event.code, event.reason, got]);
})"""


def from_browser(page, uri, messages):
    """(code, reason, messages that came back), as the browser reports them."""
    script = SCRIPT.replace("URI", json.dumps(uri)).replace("MESSAGES", json.dumps(messages))
    return page.evaluate(script)


@in_chromium
def test_chromium_and_the_server_of_a_peer(peer, chromium, ports):
    name, messages = peer.next_meeting(), ["a", "€", "x" * 100_000]
    page = chromium.new_page()
    with Between(ports) as between:
        code, reason, got = from_browser(page, f"{between.uri}/echo?{name}", messages)
        assert (code, reason, got) == (3000, "enough", messages)
        peer.hear("opened", name)
        assert peer.hear("closed", name) == [3000, "enough"]
        sent, _ = between.compare()
    assert b"\r\nOrigin: " in sent and b"\r\nUser-Agent: " in sent
    page.close()


def broken_server(listener, wire):
    """Accepts a handshake, as it should be, then sends these bytes, and reads to the end."""
    sock, _ = listener.accept()
    server = Wire(sock)
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(65536)
    key = re.search(rb"Sec-WebSocket-Key: (\S+)", head)[1].decode()
    server.send(response(key), wire)
    rest = server.file.read()
    server.close()
    return rest


@in_chromium
@pytest.mark.parametrize(
    "wire, section, hint",
    [
        (frame(TEXT, b"Hello"), "§5.1", "a server must not mask"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "§5.2", "HTTP"),
        (b"\x81\x02\xc3\x28", "§8.1", ""),
    ],
    ids=["masked", "HTTP", "not UTF-8"],
)
def test_why_chromium_reports_1006_is_on_the_page(
    wire, section, hint, chromium, background, nothing_left_behind
):
    page, glass_page = chromium.new_page(), chromium.new_page()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE_S)
        breaking = background(broken_server, listener, wire)
        with Between(listener.getsockname()[1]) as between:
            glass_page.open(between.page)
            glass_page.wait_for("document.querySelector('#watch-state').dataset.state === 'open'")
            code, _, got = from_browser(page, f"{between.uri}/chat", ["Hello"])
            assert (code, got) == (1006, [])
            assert breaking.result()
            between.compare()
            verdict = "document.querySelector('#verdicts dd.bad')"
            text = glass_page.wait_for(f"{verdict}?.textContent")
            assert text.startswith(f"by the server, {section}")
            assert hint in glass_page.text("#verdicts")
            link = f"document.querySelector('#verdicts a[href$=\"#section-{section[1:]}\"]')"
            assert glass_page.evaluate(f"Boolean({link})")
            row = "document.querySelector('#timeline .badge.Violation')"
            assert section in glass_page.wait_for(f"{row}?.textContent")
            assert glass_page.problems == []
    page.close()
    glass_page.close()


@in_chromium
def test_axe_finds_nothing_serious_on_the_page_of_watch(chromium, serving, nothing_left_behind):
    script, glass_page = axe_core(), chromium.new_page()
    with Between(serving(echo).address[1]) as between:
        glass_page.open(between.page)
        glass_page.wait_for("document.querySelector('#watch-state').dataset.state === 'open'")
        with connect(f"{between.uri}/echo") as client:
            client.send("Hello")
            assert client.recv(START_S) == "Hello"
        between.compare()
        glass_page.wait_for("document.querySelector('#verdicts article')", START_S)
        glass_page.evaluate(f"{script}\n;0")
        assert glass_page.evaluate(SERIOUS) == []
    glass_page.close()


@in_chromium
def test_the_page_of_watch_survives_a_flood(chromium, background, nothing_left_behind):
    """It is thinned, and the traffic does not wait for it."""
    glass_page = chromium.new_page()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE_S)
        flood = frame(TEXT, b"flood", masked=0) * 5000 + frame(2, bytes(MANY), masked=0)
        answering = background(broken_server, listener, flood)
        with Between(listener.getsockname()[1]) as between:
            glass_page.open(between.page)
            glass_page.wait_for("document.querySelector('#watch-state').dataset.state === 'open'")
            host, port = between.uri.removeprefix("ws://").split(":")
            client = Wire.connect((host, int(port)))
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n")
            client.send(b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n")
            client.send(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            client.receive_head()
            assert client.file.read(len(flood)) == flood
            client.close()
            answering.result()
            between.compare()
            glass_page.wait_for("document.querySelector('#verdicts article')", START_S)
            assert glass_page.problems == []
    glass_page.close()
