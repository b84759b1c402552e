"""RFC 6455 §4.2: a server and the proxy in front of it are together the server. nginx and HAProxy
run with the configurations of the README.

Both run in the foreground, with all their files in the directory of the test. A test changes the
addresses of a configuration, and what it says that it changes.
"""

import csv
import queue
import shutil
import threading
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest

import processes
from chromium import browser, why_not
from refws import (
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidStatus,
    Side,
    connect,
)
from refws.course import services
from refws.course.web import wire_view
from test_browser import CONNECTED, ECHOED, send
from test_interop import LENGTHS, START_S, Peer, command_of, text_of
from test_readme import code_blocks
from transports import KEY, LOCALHOST, contexts, secure
from wire import Wire, connected, eventually, request

pytestmark = pytest.mark.programs

HOST = "127.0.0.1"

ENDPOINTS = {
    "handler": services.serve_endpoint,
    "process_request": services.process_request,
    "trace": wire_view.choose,
}
"""Arguments for `serve`: what `python3 -m refws` serves."""


# The proxies

AROUND_THE_SITE = {
    "nginx": """
        daemon off;
        master_process off;
        pid {directory}/pid;
        events {{}}
        http {{
            access_log off;
            client_body_temp_path {directory}/client_body;
            proxy_temp_path {directory}/proxy;
            fastcgi_temp_path {directory}/fastcgi;
            uwsgi_temp_path {directory}/uwsgi;
            scgi_temp_path {directory}/scgi;
            include {directory}/site;
        }}
    """,
    "haproxy": "global\n    stats socket {directory}/stats\n",
}
"""What a proxy needs besides the configuration of the README; so nginx runs as any user."""


@dataclass(frozen=True)
class Nginx:
    tls: bool = False

    program = "nginx"
    unix = "unix:"
    limit = "proxy_read_timeout 60s"
    command = "nginx -e stderr -p . -c {directory}/main"

    def changes(self, port):
        """{what the README has for the public address: what it is in the test}."""
        return {"listen 443 ssl": f"listen {HOST}:{port}{' ssl' * self.tls}"}


@dataclass(frozen=True)
class HAProxy:
    mode: str = "http"
    tls: bool = False
    alpn: str = ""

    program = "haproxy"
    unix = "unix@"
    limit = "timeout tunnel 60s"
    command = "haproxy -db -f main -f site"

    def changes(self, port):
        certificate = " ssl crt cert-and-key.pem"
        secured = f"{certificate} {self.alpn}" * self.tls
        return {
            "mode http": f"mode {self.mode}",
            f"bind :443{certificate}": f"bind {HOST}:{port}{secured}",
        }


PROXIES = {
    "nginx": Nginx(),
    "nginx TLS": Nginx(tls=True),
    "HAProxy": HAProxy(),
    "HAProxy TLS": HAProxy(tls=True),
    "HAProxy tcp": HAProxy("tcp"),
    "HAProxy tcp TLS": HAProxy("tcp", tls=True),
}


def with_proxies(*names):
    """Run the test with each of these as `proxy`; without names with all."""
    return pytest.mark.parametrize(
        "proxy", [pytest.param(PROXIES[name], id=name) for name in names or PROXIES]
    )


def replaced(text, changes):
    for old, new in changes.items():
        assert text.count(old) == 1, f"{old!r} must be once in\n{text}"
        text = text.replace(old, new)
    return text


def write_files(proxy, directory, changes):
    """The configuration of the README with these changes, and the files that it names."""
    (text,) = code_blocks(proxy.program)
    (directory / "site").write_text(replaced(text, changes))
    around = AROUND_THE_SITE[proxy.program].format(directory=directory)
    (directory / "main").write_text(around)
    shutil.copy(LOCALHOST, directory / "cert.pem")
    shutil.copy(KEY, directory / "key.pem")
    both = [(directory / name).read_bytes() for name in ("cert.pem", "key.pem")]
    (directory / "cert-and-key.pem").write_bytes(b"".join(both))


def health(connection, request):
    """For `process_request`: what HAProxy asks for."""
    return connection.respond(200, "ok\n") if request.path == "/health" else None


class Behind:
    """A server behind a proxy. `port` is the proxy's, `directory` has the proxy's files."""

    def __init__(self, proxy, port, directory):
        self.running = None
        self.port = port
        self.directory = directory
        self.opened = queue.SimpleQueue()
        self.over = threading.Event()
        self._tls = proxy.tls
        self._clients = ExitStack()

    @property
    def way(self):
        """Arguments for `connect` besides the URI."""
        return {"ssl": contexts()[Side.CLIENT]} if self._tls else {}

    def url(self, scheme, path="/"):
        """The URL of a path, for `scheme` "ws" or "http", with TLS "wss" or "https"."""
        return f"{scheme}{'s' * self._tls}://{HOST}:{self.port}{path}"

    def hold(self, connection):
        """The handler: the test has the connection until it ends."""
        self.opened.put(connection)
        self.over.wait(4 * START_S)

    def meet(self, **settings):
        """Both ends of a connection: {side: connection}."""
        client = connect(self.url("ws"), **self.way, **settings)
        self._clients.enter_context(client)
        return {Side.CLIENT: client, Side.SERVER: self.opened.get(timeout=START_S)}

    def connect(self):
        """A raw client that has sent nothing yet."""
        sock = connected((HOST, self.port))
        client = secure(sock, Side.CLIENT) if self._tls else Wire(sock)
        self._clients.callback(client.close)
        return client

    def answer(self, head):
        """(status, body) for a request of these bytes."""
        client = self.connect()
        client.send(head)
        status, headers = client.receive_head()
        size = 0 if head.startswith(b"HEAD") else int(headers["content-length"])
        return status, client.read(size).decode()

    def end(self):
        self.over.set()
        self._clients.close()


@pytest.fixture
def start(serving, tmp_path):
    """start(proxy, **settings of serve) gives a Behind.

    `changes` are further ones of the configuration. With `own_origin` the server lists the origin
    that the pages of the proxy have.
    """
    with ExitStack() as stack:

        def run(proxy, *, changes=(), own_origin=False, **settings):
            if shutil.which(proxy.program) is None:
                pytest.skip(f"{proxy.program} is not installed (Debian's package {proxy.program})")
            behind = Behind(proxy, processes.free_port(), tmp_path)
            origins = [behind.url("http", "")] if own_origin else None
            ours = {"handler": behind.hold, "process_request": health, "origins": origins}
            behind.running = serving(**{**ours, **settings})
            address = behind.running.address
            inside = proxy.unix + address if isinstance(address, str) else f"{HOST}:{address[1]}"
            all_changes = proxy.changes(behind.port) | {"127.0.0.1:8080": inside} | dict(changes)
            write_files(proxy, tmp_path, all_changes)
            command = proxy.command.format(directory=tmp_path).split()
            process = processes.Process(command, tmp_path / "log", directory=tmp_path)
            stack.enter_context(process)
            processes.wait_for_port(process, behind.port, START_S)
            stack.callback(behind.end)
            return behind

        yield run


# Messages and the end


@pytest.mark.rfc("6455-4.2-01")
@pytest.mark.parametrize("compression", [None, "deflate"], ids=["plain", "deflate"])
@with_proxies()
def test_4_2_messages_of_every_length_pass_both_ways(start, background, proxy, compression):
    ends = start(proxy, compression=compression).meet(compression=compression)
    agreed = ends[Side.CLIENT].response.headers.get("Sec-WebSocket-Extensions")
    assert (agreed is None) == (compression is None)
    for side in Side:
        for length in LENGTHS:
            for message in (text_of(length), bytes(length)):
                sending = background(ends[side].send, message)
                assert ends[side.peer].recv(START_S) == message
                sending.result()


@pytest.mark.parametrize("code, reason", [(1000, ""), (4001, "genug für heute €")])
@pytest.mark.parametrize("closing", Side, ids=lambda side: side.value)
@with_proxies()
def test_7_the_code_and_the_reason_of_a_close_pass_both_ways(
    start, background, proxy, closing, code, reason
):
    ends = start(proxy).meet()
    receiving = background(ends[closing.peer].recv)
    ends[closing].close(code, reason)
    with pytest.raises(ConnectionClosedOK if code == 1000 else ConnectionClosedError) as caught:
        receiving.result()
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (code, reason)
    assert ends[closing].close_code == code, "the answer to the Close passes too"


@pytest.mark.rfc("6455-5.5.2-04")
@with_proxies("nginx", "HAProxy", "HAProxy tcp")
def test_5_5_2_pings_keep_a_quiet_connection_open(start, proxy):
    """Without them the proxy would end it after 2 s; the last of the Pings comes later."""
    enough, pings = threading.Event(), []

    def count_pings(sender, data):
        if sender is Side.SERVER and data.startswith(b"\x89"):
            pings.append(data)
        if len(pings) == 7:
            enough.set()

    changes = {proxy.limit: proxy.limit.replace("60s", "2s")}
    behind = start(proxy, changes=changes, ping_interval=0.4)
    ends = behind.meet(ping_interval=None, trace=lambda connection: count_pings)
    assert enough.wait(START_S)
    ends[Side.CLIENT].send("still here")
    assert ends[Side.SERVER].recv(START_S) == "still here"


@pytest.mark.rfc("6455-7.1.5-03")
@with_proxies("nginx", "HAProxy", "HAProxy tcp")
def test_7_1_5_without_pings_the_proxy_ends_a_quiet_connection_which_is_1006(start, proxy):
    changes = {proxy.limit: proxy.limit.replace("60s", "200ms")}
    ends = start(proxy, changes=changes, ping_interval=None).meet(ping_interval=None)
    for end in ends.values():
        with pytest.raises(ConnectionClosedError):
            end.recv(START_S)
        assert end.close_code == 1006


@pytest.mark.transport("unix", reason="the proxy goes to the path of a Unix socket")
@with_proxies("nginx", "HAProxy")
def test_4_2_the_server_may_listen_on_a_unix_socket(start, proxy):
    ends = start(proxy).meet()
    ends[Side.CLIENT].send("hello")
    assert ends[Side.SERVER].recv(START_S) == "hello"


# Other clients


@pytest.fixture(scope="module", params=["websockets", "ws"])
def peer(request):
    program = Peer(request.param, command_of(request.param))
    yield program
    program.stop()


@pytest.mark.parametrize("deflate", [None, {}], ids=["plain", "deflate"])
@with_proxies()
def test_4_2_other_clients_get_messages_and_the_close_through(start, peer, proxy, deflate):
    compression = None if deflate is None else "deflate"
    behind = start(proxy, compression=compression)
    name = peer.next_meeting()
    trusted = {"ca": LOCALHOST} if proxy.tls else {}
    uri = behind.url("ws", f"/echo?{name}")
    peer.order(connect=uri, subprotocols=[], deflate=deflate, **trusted)
    connection = behind.opened.get(timeout=START_S)
    agreed = [] if deflate is None else ["permessage-deflate"]
    assert peer.hear("opened", name) == [None, agreed]
    for message in map(text_of, LENGTHS):
        connection.send(message)
        assert connection.recv(START_S) == message
    connection.close(4001, "genug")
    assert peer.hear("closed", name) == [4001, "genug"]


# Origins


def from_page(scheme, host):
    """The handshake of a page at this host, which has connected to its own server."""
    head = request("/", f"Origin: {scheme}://{host}")
    return head.replace(b"Host: 127.0.0.1\r\n", f"Host: {host}\r\n".encode())


@pytest.mark.rfc("6455-4.2.2-08", "6455-10.2-01", "6455-10.2-02")
@pytest.mark.parametrize("listed, status", [(True, 101), (False, 403)])
@with_proxies()
def test_10_2_a_page_of_the_public_host_connects_if_its_origin_is_listed(
    start, proxy, listed, status
):
    scheme = "https" if proxy.tls else "http"
    behind = start(proxy, origins=[f"{scheme}://example.com"] if listed else None)
    client = behind.connect()
    client.send(from_page(scheme, "example.com"))
    assert client.receive_head()[0] == status


@with_proxies()
def test_10_2_a_page_by_ip_address_must_be_listed_after_tls_at_the_proxy(start, proxy):
    """refws sees a connection without TLS, so a page of https:// is not from the same origin."""
    behind = start(proxy)
    client = behind.connect()
    client.send(from_page("https" if proxy.tls else "http", f"{HOST}:{behind.port}"))
    assert client.receive_head()[0] == (403 if proxy.tls else 101)


@pytest.fixture(scope="module")
def chromium():
    if why_not():
        pytest.skip(why_not())
    with browser("--ignore-certificate-errors") as running:
        yield running


@pytest.mark.parametrize(
    "proxy, status",
    [
        (Nginx(tls=True), 101),
        (HAProxy(tls=True, alpn="alpn http/1.1"), 101),
        (HAProxy(tls=True, alpn="alpn h2,http/1.1"), 200),
        (HAProxy("tcp", tls=True), 101),
    ],
    ids=["nginx", "HAProxy", "HAProxy h2", "HAProxy tcp"],
)
def test_10_2_the_page_of_the_server_works_through_the_proxy(start, chromium, proxy, status):
    """With HTTP/2 the browser gets 200, of RFC 8441 §5, and refws a handshake in HTTP/1.1."""
    behind = start(proxy, own_origin=True, **ENDPOINTS)
    page = chromium.new_page()
    page.command("Network.enable")
    page.open(behind.url("http"))
    page.wait_for(CONNECTED)
    send(page, "hello")
    page.wait_for(ECHOED)
    answers = [
        parameters["response"]["status"]
        for name, parameters in page.events()
        if name == "Network.webSocketHandshakeResponseReceived"
    ]
    assert set(answers) == {status}
    assert page.problems == []
    page.close()


# Plain HTTP

FOR_UPGRADES = {
    "proxy_http_version 1.1;": (
        "proxy_http_version 1.0;",
        "HTTP/1.1 (a proxy in between may say HTTP/1.0: "
        "nginx does, without proxy_http_version 1.1)",
    ),
    "proxy_set_header Upgrade $http_upgrade;": (
        "",
        "Upgrade: websocket (a proxy in between must pass it on)",
    ),
    "proxy_set_header Connection $connection_upgrade;": (
        "",
        "Connection: Upgrade (a proxy in between must pass it on)",
    ),
}
"""Line of the configuration of nginx -> (what nginx does without it, what refws then expects)."""


def without(lines):
    """The changes for a configuration that lacks these lines."""
    return {line: FOR_UPGRADES[line][0] for line in lines}


@pytest.mark.parametrize(
    "start_line, fields",
    [
        ("GET /health HTTP/1.1", ()),
        ("GET /health HTTP/1.0", ()),
        (
            "GET /health HTTP/1.1",
            ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
        ),
        ("HEAD /health HTTP/1.1", ()),
    ],
    ids=["http-1.1", "http-1.0", "h2c", "head"],
)
@with_proxies()
def test_9110_a_plain_request_gets_its_answer_through_the_proxy(start, proxy, start_line, fields):
    behind = start(proxy, **ENDPOINTS)
    head = "\r\n".join((start_line, f"Host: {HOST}", *fields, "", "")).encode()
    assert behind.answer(head) == (200, "" if start_line.startswith("HEAD") else "ok\n")


@pytest.mark.parametrize("path, begin", [("/", "<!doctype html>"), ("/health", "ok\n")])
def test_9110_a_plain_request_needs_none_of_the_lines_for_upgrades(start, path, begin):
    behind = start(Nginx(), changes=without(FOR_UPGRADES), **ENDPOINTS)
    status, text = behind.answer(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    assert (status, text[: len(begin)]) == (200, begin)


@pytest.mark.rfc("6455-4.2.1-04", "6455-4.2.1-07", "6455-4.2.1-08")
@pytest.mark.parametrize("lines", [[line] for line in FOR_UPGRADES] + [list(FOR_UPGRADES)])
def test_4_2_1_a_handshake_is_refused_with_what_the_configuration_of_nginx_lacks(start, lines):
    behind = start(Nginx(), changes=without(lines))
    with pytest.raises(InvalidStatus, match="the body of its answer may say which") as caught:
        behind.meet()
    assert caught.value.response.status_code == 400
    text = caught.value.response.body.decode()
    expected = {line: f"expected: {words}\n" for line, (_, words) in FOR_UPGRADES.items()}
    assert [line for line in FOR_UPGRADES if expected[line] in text] == lines


@with_proxies("nginx", "HAProxy")
def test_9110_15_6_a_proxy_that_cannot_reach_the_server_says_so(start, proxy):
    behind = start(proxy)
    behind.running.server.shutdown()
    with pytest.raises(InvalidStatus, match="try again later") as caught:
        behind.meet()
    assert caught.value.response.status_code == (502 if proxy.program == "nginx" else 503)


# Checks of health


def statistics_of_haproxy(behind):
    """What it writes to its socket for statistics; None until it listens there.

    It listens on its ports first, then gives this socket its name, and only then listens on it.
    """
    try:
        sock = connected(str(behind.directory / "stats"))
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    with closing(sock):
        sock.sendall(b"show stat\n")
        return sock.makefile().read()


def health_seen_by_haproxy(behind):
    """(state of the server, result of the last check, status in its answer); None if unknown."""
    statistics = statistics_of_haproxy(behind)
    if statistics is None:
        return None
    rows = csv.DictReader(statistics.removeprefix("# ").splitlines())
    (server,) = [row for row in rows if row["svname"] == "refws"]
    return server["status"], server["check_status"], server["check_code"]


@pytest.mark.parametrize("settings", [{}, ENDPOINTS], ids=["own server", "python3 -m refws"])
@with_proxies("HAProxy", "HAProxy tcp")
def test_9112_2_3_the_check_of_haproxy_in_http_1_0_finds_the_server_up(start, proxy, settings):
    behind = start(proxy, **settings)
    assert eventually(lambda: health_seen_by_haproxy(behind) == ("UP", "L7OK", "200"))


@with_proxies("HAProxy", "HAProxy tcp")
def test_9110_9_3_7_a_bare_httpchk_is_options_and_finds_the_server_up_too(start, proxy):
    changes = {"option httpchk GET /health": "option httpchk"}
    behind = start(proxy, changes=changes, **ENDPOINTS)
    assert eventually(lambda: health_seen_by_haproxy(behind) == ("UP", "L7OK", "204"))
