"""RFC 6455 and RFC 7692 with other programs: our server and client with `websockets` and npm's
`ws`, and with Chromium.

The peers run in their own processes (tests/programs). Each meeting has one connection, opened by
either side; what our side saw is compared with what the peer reports.
"""

import json
import queue
import random
import shutil
import struct
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from chromium import BrowserError, PageError, TimedOut, browser, processes_with, why_not
from installed import directory_of
from refws import (
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    DeflateSettings,
    Side,
    connect,
)
from refws.endpoint.tls.certificates import client_context, server_context
from wire import CLOSE, DEADLINE_S, TEXT, Background, close_body, eventually, frame

TESTS = Path(__file__).resolve().parent
PROGRAMS = TESTS / "programs"
CERTIFICATE, KEY = (str(TESTS / "certificates" / name) for name in ("localhost.pem", "key.pem"))

pytestmark = pytest.mark.programs

START_S = 20
"""Seconds for a peer to start on a busy machine."""

KIB, MIB = 2**10, 2**20
LENGTHS = (0, 1, 125, 126, 64 * KIB - 1, 64 * KIB, MIB)


# The peers


def command_of(name):
    """The command of this peer's program; skips the test if its packages are not installed."""
    directory = directory_of(name)
    if name == "websockets":
        return [directory / "bin" / "python", "-I", PROGRAMS / "websockets_peer.py"]
    if shutil.which("node") is None:
        pytest.skip("node is not on PATH; install Node.js")
    return ["env", f"NODE_PATH={directory / 'node_modules'}", "node", PROGRAMS / "ws_peer.cjs"]


class Peer:
    """A program of tests/programs: it reads orders and reports what happened."""

    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.said = queue.SimpleQueue()
        self.reader = Background(self.read)
        self.ports = {}
        self.meetings = 0

    def next_meeting(self):
        """A name for a connection with this peer."""
        self.meetings += 1
        return str(self.meetings)

    def read(self):
        for line in self.process.stdout:
            self.said.put(json.loads(line))

    def order(self, **words):
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()

    def hear(self, name, meeting=None):
        """The next report about this meeting, which must have this name."""
        while True:
            try:
                words = self.said.get(timeout=START_S)
            except queue.Empty:
                raise AssertionError(f"the peer has not said {name!r} within {START_S} s") from None
            if words.pop("meeting", None) == meeting:
                assert list(words) == [name], words
                return words[name]

    def port(self, **settings):
        """The port on which it listens with these settings."""
        key = json.dumps(settings)
        if key not in self.ports:
            self.order(listen=settings)
            self.ports[key] = self.hear("port")
        return self.ports[key]

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(DEADLINE_S)
        finally:
            self.process.kill()
            self.process.wait()
            self.reader.result()
            self.process.stdout.close()


@pytest.fixture(scope="module", params=["websockets", "ws"])
def peer(request):
    program = Peer(request.param, command_of(request.param))
    yield program
    program.stop()


class Meeting:
    """Our `connection`, with the peer at its other end; `agreed` is its report of the handshake."""

    def __init__(self, peer, name, connection, agreed):
        self.connection = connection
        self.agreed = agreed
        self._peer = peer
        self._name = name
        self._closed = None

    def closed(self):
        """Wait for the end; the code and the reason that the peer reports."""
        if self._closed is None:
            self._closed = self._peer.hear("closed", self._name)
        return self._closed

    def end(self):
        self.connection.close()
        self.closed()


@pytest.fixture(params=Side, ids=lambda side: f"our {side.value}")
def our_side(request):
    return request.param


@pytest.fixture
def meet(our_side, peer, serving):
    """meet(path, ...) gives a Meeting; the path says what the peer does with a message.

    `deflate` are our settings, `peer_deflate` the parameters that the peer wants. With either one
    the connection has compression.
    """
    with ExitStack() as stack:

        def start(
            path="/echo",
            *,
            tls=False,
            deflate=None,
            peer_deflate=None,
            subprotocols=(),
            peer_subprotocols=(),
        ):
            if deflate is not None and peer_deflate is None:
                peer_deflate = {}
            if peer_deflate is not None and deflate is None:
                deflate = DeflateSettings(
                    server_max_window_bits=15, client_max_window_bits=15, threshold=0
                )
            asked = {"subprotocols": list(peer_subprotocols), "deflate": peer_deflate}
            settings = {"subprotocols": subprotocols or None, "compression": deflate}
            name = peer.next_meeting()
            uri = ("wss" if tls else "ws") + "://127.0.0.1:{port}" + f"{path}?{name}"
            go = to_peer if our_side is Side.CLIENT else from_peer
            connection, agreed = go(uri, name, tls, asked, settings)
            meeting = Meeting(peer, name, connection, agreed)
            stack.callback(meeting.end)
            return meeting

        def to_peer(uri, name, tls, asked, settings):
            if tls:
                asked |= {"certificate": CERTIFICATE, "key": KEY}
                settings["ssl"] = client_context(CERTIFICATE)
            connection = connect(uri.format(port=peer.port(**asked)), **settings)
            return connection, peer.hear("opened", name)

        def from_peer(*words):
            """`websockets` reads and writes one TLS object in two threads, which loses the answer
            to a handshake in some hundreds: it has three tries.
            """
            for _ in range(2):
                try:
                    return once_from_peer(*words)
                except AssertionError as error:
                    lost = "timed out while waiting for handshake response" in str(error)
                    if not (lost and words[2] and peer.name == "websockets"):
                        raise
            return once_from_peer(*words)

        def once_from_peer(uri, name, tls, asked, settings):
            opened, may_end = queue.SimpleQueue(), threading.Event()
            stack.callback(may_end.set)

            def handler(connection):
                opened.put(connection)
                may_end.wait(2 * START_S)

            if tls:
                asked["ca"] = CERTIFICATE
                settings["ssl"] = server_context(CERTIFICATE, KEY)
            peer.order(connect=uri.format(port=serving(handler, **settings).address[1]), **asked)
            agreed = peer.hear("opened", name)
            return opened.get(timeout=START_S), agreed

        yield start


def text_of(length):
    """`length` bytes of UTF-8, with characters of one to four bytes."""
    text = ("aä€😀" * (length // 10 + 1)).encode()[:length].decode("utf-8", "ignore")
    return text + "." * (length - len(text.encode()))


def digits(length):
    """Random digits: deflate shortens them by about half, and finds no long part of them again."""
    return "".join(random.Random(7692).choices("0123456789", k=length))


# Messages


@pytest.mark.parametrize("deflate", [None, DeflateSettings()], ids=["plain", "deflate"])
@pytest.mark.parametrize("tls", [False, True], ids=["TCP", "TLS"])
def test_5_6_text_and_binary_messages_of_every_length_come_back(meet, tls, deflate):
    meeting = meet(tls=tls, deflate=deflate)
    assert meeting.agreed[1] == ([] if deflate is None else ["permessage-deflate"])
    for length in LENGTHS:
        for message in (text_of(length), random.Random(length).randbytes(length)):
            meeting.connection.send(message)
            assert meeting.connection.recv(START_S) == message


@pytest.mark.parametrize("deflate", [None, DeflateSettings()], ids=["plain", "deflate"])
def test_5_4_a_message_in_fragments_comes_back_whole(meet, deflate):
    connection = meet(deflate=deflate).connection
    for fragments in (
        ["one"],
        ["", "t", "wo€", ""],
        [b"\0\xff", bytes(70_000), b"end"],
        ["x"] * 500,
    ):
        connection.send(fragments)
        assert connection.recv(START_S) == type(fragments[0])().join(fragments)


@pytest.mark.rfc("6455-5.4-04", "6455-5.4-05")
@pytest.mark.parametrize("deflate", [None, DeflateSettings()], ids=["plain", "deflate"])
def test_5_4_fragments_of_the_peer_cut_in_characters_with_pings_between_them_are_one_message(
    meet, deflate
):
    connection = meet("/fragments", deflate=deflate).connection
    for message in (
        "a",
        "€€€€",
        text_of(1000),
        text_of(100_000),
        bytes(range(256)),
        bytes(200_000),
    ):
        connection.send(message)
        assert connection.recv(START_S) == message


def test_5_5_2_our_ping_is_answered_by_the_peer(meet):
    connection = meet().connection
    answered = connection.ping(b"there?")
    connection.send("go on")
    assert connection.recv(START_S) == "go on"
    assert answered.is_set()
    assert 0 < connection.latency < START_S


@pytest.mark.rfc("6455-5.5.2-02", "6455-5.5.3-01")
@pytest.mark.parametrize("tls", [False, True], ids=["TCP", "TLS"])
def test_5_5_3_wait_returns_with_the_pong_of_the_peer_while_no_thread_receives(meet, tls):
    connection = meet(tls=tls).connection
    assert connection.ping().wait(START_S) is True
    assert 0 < connection.latency < START_S


@pytest.mark.rfc("6455-5.5.2-02", "6455-5.5.3-01")
@pytest.mark.parametrize("length", [1, 125])
def test_5_5_2_a_ping_of_the_peer_is_answered_though_no_thread_receives(meet, length):
    """The peer reports whether it got the Pong in a message, so that stays unread until then."""
    connection = meet("/ping").connection
    connection.send(bytes(range(length)))
    assert eventually(lambda: connection._receiver._resumable is not None, START_S)
    assert json.loads(connection.recv(START_S)) == [True, True]


@pytest.mark.rfc("6455-5.5.2-02", "6455-5.5.3-01")
@pytest.mark.parametrize("length", [1, 125])
def test_5_5_2_a_ping_of_the_peer_is_answered_with_its_own_data(meet, length):
    connection = meet("/ping").connection
    connection.send(bytes(range(length)))
    assert json.loads(connection.recv(START_S)) == [True, True]


@pytest.mark.rfc("6455-5.5.3-03")
def test_5_5_3_an_unsolicited_pong_disturbs_neither_side(meet):
    connection = meet().connection
    connection.pong(b"still here")
    connection.send("go on")
    assert connection.recv(START_S) == "go on"


# The end


@pytest.mark.parametrize(
    "code, reason", [(1000, ""), (1001, "on my way"), (4001, "genug für heute €")]
)
def test_7_our_close_code_and_reason_reach_the_peer_which_answers(meet, code, reason):
    meeting = meet()
    meeting.connection.close(code, reason)
    assert meeting.closed() == [code, reason]
    assert meeting.connection.close_code == code


@pytest.mark.parametrize(
    "code, reason", [(1000, ""), (1011, "broken"), (4999, "genug für heute €")]
)
def test_7_the_close_code_and_reason_of_the_peer_reach_us_and_our_answer_the_peer(
    meet, code, reason
):
    meeting = meet("/close")
    meeting.connection.send(json.dumps([code, reason]))
    with pytest.raises(ConnectionClosed) as caught:
        meeting.connection.recv(START_S)
    assert isinstance(caught.value, ConnectionClosedOK if code == 1000 else ConnectionClosedError)
    assert (meeting.connection.close_code, meeting.connection.close_reason) == (code, reason)
    assert meeting.closed()[0] == code


def test_7_a_send_after_the_close_of_the_peer_says_its_code_though_no_thread_receives(meet):
    meeting = meet("/close")
    meeting.connection.send(json.dumps([1000, "enough"]))
    assert meeting.closed()[0] == 1000
    assert eventually(lambda: meeting.connection.close_code is not None, START_S)
    with pytest.raises(ConnectionClosedOK) as caught:
        meeting.connection.send("too late")
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1000, "enough")


def test_7_1_5_a_close_of_the_peer_without_a_code_is_1005(meet, peer):
    if peer.name == "websockets":
        pytest.skip("websockets sends a code with each Close")
    meeting = meet("/close")
    meeting.connection.send("[]")
    assert list(meeting.connection) == []
    assert meeting.connection.close_code == meeting.closed()[0] == 1005


def test_7_1_5_a_peer_that_vanishes_is_1006(meet):
    meeting = meet("/vanish")
    meeting.connection.send("go")
    with pytest.raises(ConnectionClosedError):
        meeting.connection.recv(START_S)
    assert meeting.connection.close_code == meeting.closed()[0] == 1006


@pytest.mark.parametrize(
    "opcode, payload, code",
    [(3, b"", 1002), (TEXT, b"\xff", 1007), (CLOSE, close_body(1005), 1002)],
)
def test_7_1_7_the_peer_fails_the_connection_for_a_broken_rule_and_we_get_its_code(
    meet, our_side, opcode, payload, code
):
    """A reserved opcode, bad UTF-8, a Close with 1005."""
    meeting = meet()
    meeting.connection.send_raw(frame(opcode, payload, masked=our_side is Side.CLIENT))
    with pytest.raises(ConnectionClosedError):
        meeting.connection.recv(START_S)
    assert meeting.connection.close_code == code


# What is agreed on


@pytest.mark.parametrize(
    "ours, theirs, common",
    [(["chat"], ["chat"], "chat"), (["one", "two"], ["two"], "two"), (["chat"], [], None)],
)
def test_1_9_both_sides_know_the_same_subprotocol(meet, ours, theirs, common):
    meeting = meet(subprotocols=ours, peer_subprotocols=theirs)
    assert meeting.agreed[0] == meeting.connection.subprotocol == common


class Counter:
    """How many bytes either side has sent over a connection."""

    def __init__(self, connection):
        self.bytes = dict.fromkeys(Side, 0)
        connection.trace = self.count

    def count(self, sender, data):
        self.bytes[sender] += len(data)

    def take(self):
        """{side: bytes} since the last time."""
        taken, self.bytes = self.bytes, dict.fromkeys(Side, 0)
        return taken


def sizes(connection, message):
    """[{side: bytes on the wire}] for this message there and back, twice."""
    counter, taken = Counter(connection), []
    for _ in range(2):
        connection.send(message)
        assert connection.recv(START_S) == message
        taken.append(counter.take())
    return taken


TAKEOVERS = [(server, client) for server in (False, True) for client in (False, True)]


@pytest.mark.rfc("7692-7.2.1-11", "7692-7.2.1-13", "7692-7.2.2-04", "7692-7.2.2-06")
@pytest.mark.parametrize("server_resets, client_resets", TAKEOVERS)
def test_7692_7_1_1_a_message_sent_again_is_short_where_the_context_is_kept(
    meet, server_resets, client_resets
):
    deflate = DeflateSettings(
        server_no_context_takeover=server_resets, client_no_context_takeover=client_resets
    )
    check_takeover(meet(deflate=deflate), server_resets, client_resets)


@pytest.mark.parametrize("server_resets, client_resets", TAKEOVERS)
def test_7692_7_1_1_what_the_peer_wants_of_the_context_happens(meet, server_resets, client_resets):
    wanted = {
        "server_no_context_takeover": server_resets,
        "client_no_context_takeover": client_resets,
    }
    check_takeover(meet(peer_deflate=wanted), server_resets, client_resets)


def check_takeover(meeting, server_resets, client_resets):
    message = digits(2000)
    first, second = sizes(meeting.connection, message)
    for side, resets in ((Side.SERVER, server_resets), (Side.CLIENT, client_resets)):
        assert 500 < first[side] < 1500
        assert second[side] == first[side] if resets else second[side] < 100


@pytest.mark.parametrize("bits", [8, 9, 12, 15])
def test_7692_7_1_2_windows_of_the_size_that_we_want(meet, peer, our_side, bits):
    """8 as a server is declined by `websockets`, which leaves messages plain; as a client it breaks
    off.
    """
    if bits == 8 and peer.name == "websockets" and our_side is Side.SERVER:
        pytest.skip("websockets takes no server_max_window_bits=8 that it has not asked for")
    deflate = DeflateSettings(server_max_window_bits=bits, client_max_window_bits=bits, threshold=0)
    check_windows(meet(deflate=deflate).connection)


@pytest.mark.parametrize("bits", [9, 12, 15])
def test_7692_7_1_2_windows_of_the_size_that_the_peer_wants(meet, bits):
    wanted = {"server_max_window_bits": bits, "client_max_window_bits": bits}
    check_windows(meet(peer_deflate=wanted).connection)


def check_windows(connection):
    """A window larger than agreed would refer to a block 300, 5,000 or 20,000 bytes before."""
    for length in (300, 5_000, 20_000):
        message = digits(length) * 4
        connection.send(message)
        assert connection.recv(START_S) == message


# A browser


@pytest.fixture(scope="module")
def chromium():
    if why_not():
        pytest.skip(why_not())
    with browser() as running:
        yield running


@pytest.mark.rfc("6455-4.1-03")
def test_4_1_our_client_asks_the_devtools_of_chromium_for_its_version(
    chromium, nothing_left_behind
):
    with connect(chromium.uri) as connection:
        connection.send(json.dumps({"id": 1, "method": "Browser.getVersion"}))
        answer = json.loads(connection.recv(START_S))
    assert answer["id"] == 1
    assert "Chrome" in answer["result"]["product"]
    assert answer["result"]["protocolVersion"].startswith("1.")


def html(body):
    return f"data:text/html,<!doctype html><title>test</title>{body}"


def test_a_page_is_evaluated_and_waited_for(chromium):
    page = chromium.new_page(html("<p id=p>hello</p>"))
    assert page.evaluate("1 + 1") == 2
    assert page.evaluate("new Promise(done => setTimeout(done, 1, [1, {a: null}]))") == [
        1,
        {"a": None},
    ]
    assert page.evaluate("undefined") is None
    assert page.text("#p") == "hello"
    page.evaluate("setTimeout(() => p.textContent = 'changed', 50)")
    assert page.wait_for("p.textContent === 'changed' && p.textContent") == "changed"
    assert page.problems == []
    page.close()


def test_an_error_in_a_page_is_reported(chromium):
    page = chromium.new_page(
        html("<script>console.log('before', 1); console.error('oh'); nowhere()</script>")
    )
    assert page.console[0] == "log: before 1"
    assert [line.partition(":")[0] for line in page.problems] == ["error", "exception"]
    assert "nowhere is not defined" in page.problems[1]
    with pytest.raises(
        PageError, match=r"(?s)throw 'away'.*: Uncaught away.*The page has written:.*log: before 1"
    ):
        page.evaluate("(() => { throw 'away' })()")
    with pytest.raises(TimedOut, match=r"(?s)not true within 0\.05 s, still 0: 0.*error: oh"):
        page.wait_for("0", timeout=0.05)
    page.close()


def test_a_page_that_crashes_is_reported_at_once(chromium):
    page = chromium.new_page()
    with pytest.raises(BrowserError, match="crashed"):
        page.command("Page.crash")
    with pytest.raises(BrowserError, match="crashed"):
        page.evaluate("1")
    page.close()


def test_keys_and_clicks_reach_the_page(chromium):
    page = chromium.new_page(
        html("<button onclick='this.textContent = 1'>0</button><input><input id=last>")
    )
    page.click("button")
    assert page.text("button") == "1"
    page.press("Tab")
    page.type("some ")
    page.press("a")
    assert page.evaluate("document.activeElement.value") == "some a"
    page.press("Tab")
    assert page.evaluate("document.activeElement.id") == "last"
    page.press("Tab", "Shift")
    page.press("Tab", "Shift")
    page.evaluate("document.querySelector('button').textContent = 0")
    page.press("Enter")
    assert page.text("button") == "1"
    page.close()


@pytest.mark.parametrize("width, height, dark", [(1280, 800, False), (390, 844, True)])
def test_a_screenshot_has_the_size_and_the_colours_that_were_asked_for(
    chromium, tmp_path, width, height, dark
):
    page = chromium.new_page(html("<p>hello"))
    page.screenshot(tmp_path / "page.png", width, height, dark=dark)
    picture = (tmp_path / "page.png").read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack("!II", picture[16:24]) == (width, height)
    assert page.evaluate("[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]") == [
        width,
        dark,
    ]
    page.close()


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_the_websocket_of_chromium_and_our_server(chromium, serving, compression):
    seen = []

    def page_for(connection, request):
        return None if "Upgrade" in request.headers else connection.respond(200, "a page")

    def echo(connection):
        seen.append(
            (
                connection.request.headers["Origin"],
                connection.response.headers.get("Sec-WebSocket-Extensions"),
            )
        )
        connection.ping()
        try:
            for message in connection:
                connection.send(message)
        finally:
            seen.append((connection.close_code, connection.close_reason, connection.latency > 0))

    running = serving(echo, process_request=page_for, compression=compression)
    host = f"127.0.0.1:{running.address[1]}"
    page = chromium.new_page(f"http://{host}/")
    page.evaluate(f"""new Promise((done, failed) => {{
        socket = new WebSocket("ws://{host}/");
        socket.binaryType = "arraybuffer";
        socket.onopen = done;
        socket.onerror = failed;
        answer = message => new Promise(done => {{
            socket.onmessage = event => done(event.data);
            socket.send(message);
        }});
    }})""")
    for length in (0, 125, 126, 65536, MIB):
        assert (
            page.evaluate(
                f"answer('x'.repeat({length})).then(text => text === 'x'.repeat({length}))"
            )
            is True
        )
        assert (
            page.evaluate(f"answer(new Uint8Array({length})).then(data => data.byteLength)")
            == length
        )
    assert page.evaluate("answer('€😀')") == "€😀"
    page.evaluate(
        "new Promise(done => { socket.onclose = done; socket.close(4001, 'genug €') })"
        ".then(() => 1)"
    )
    assert eventually(lambda: len(seen) == 2)
    assert seen[0][0] == f"http://{host}"
    assert (seen[0][1] or "").startswith("permessage-deflate" if compression else "")
    assert seen[1] == (4001, "genug €", True)
    page.close()


def test_a_handler_that_only_pushes_gets_the_close_of_chromium(chromium, serving):
    ended = queue.SimpleQueue()

    def page_for(connection, request):
        return None if "Upgrade" in request.headers else connection.respond(200, "a page")

    def push(connection):
        pause = threading.Event()
        try:
            while not pause.wait(0.01):
                connection.send("news")
        except ConnectionClosed as closed:
            ended.put((closed.rcvd.code, closed.rcvd.reason))

    running = serving(push, process_request=page_for)
    host = f"127.0.0.1:{running.address[1]}"
    page = chromium.new_page(f"http://{host}/")
    code = page.evaluate(f"""new Promise(done => {{
        const socket = new WebSocket("ws://{host}/");
        socket.onmessage = () => socket.close(4001, "genug €");
        socket.onclose = event => done([event.code, event.reason, event.wasClean]);
    }})""")
    assert code == [4001, "", True]
    assert ended.get(timeout=START_S) == (4001, "genug €")
    page.close()


def test_no_process_of_the_browser_and_no_profile_is_left(nothing_left_behind):
    if why_not():
        pytest.skip(why_not())
    with browser() as running:
        assert processes_with(running.profile)
    assert not processes_with(running.profile)
    assert not Path(running.profile).exists()
