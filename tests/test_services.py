"""The endpoints of `python3 -m refws` and the way to them: by the path of the request (RFC 6455
§4.2.2 item 4).
"""

import json
import shutil
import subprocess
from datetime import datetime
from functools import partial

import pytest

from refws import ConnectionClosedOK, basic_auth
from refws.course import services
from refws.course.web import refusals
from refws.protocol.credentials import basic_credentials
from watching import PAGE, refused
from wire import (
    BINARY,
    CLOSE,
    CONT,
    IN_TIME,
    PING,
    PONG,
    SAMPLE_ACCEPT,
    SAMPLE_KEY,
    TEXT,
    close_body,
    frame,
    request,
)


@pytest.fixture
def demo(serving):
    """What `python3 -m refws` serves."""
    return demo_of(serving)


def demo_of(serving):
    return serving(services.serve_endpoint, process_request=services.process_request)


def answer(server, head):
    """(status, body) of the HTTP response, after which the server closes."""
    client = server.connect()
    client.send(head)
    status, _ = client.receive_head()
    return status, client.file.read().decode()


def get(server, path, *fields):
    """What a plain GET is answered with."""
    return answer(
        server, "\r\n".join((f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *fields, "", "")).encode()
    )


# What was refused


def refused_lately(server):
    status, text = get(server, "/refused")
    assert status == 200
    return json.loads(text)


@pytest.fixture
def refusing(serving, monkeypatch):
    """What `python3 -m refws` serves, with no refusals of other tests."""
    kept = refusals.Refusals()
    monkeypatch.setattr(services, "REFUSALS", kept)
    return serving(
        services.serve_endpoint,
        process_request=services.process_request,
        process_response=kept.note,
    )


def test_4_2_2_a_refused_handshake_is_told_to_its_address_with_the_reason(refusing):
    assert refused_lately(refusing) == []
    refused(refusing, "/nope?page=secret")
    status, text = refused(refusing, "/echo", "Origin: https://evil.example")
    (newest, oldest) = refused_lately(refusing)
    assert (newest["path"], newest["status"], newest["text"]) == ("/echo", status, text)
    assert (oldest["path"], oldest["status"]) == ("/nope", 404)
    assert "§10.2" in text and 0 <= newest["seconds"] <= oldest["seconds"]


def test_what_is_no_handshake_or_is_not_refused_is_not_kept(refusing):
    get(refusing, "/nope")
    refusing.open("/echo").close()
    assert refused_lately(refusing) == []


def test_an_address_sees_its_own_refusals_only_and_there_is_an_end_to_them():
    kept = refusals.Refusals()
    for number in range(refusals.MAX_KEPT + 5):
        refusal = refusals.Refusal(number, "192.0.2.7", f"/{number}", 404, "")
        kept._kept.append(refusal)
    assert kept.for_address("192.0.2.8") == []
    found = kept.for_address("192.0.2.7")
    assert [refusal.time for refusal in found[:2]] == [204, 203]
    assert len(found) == refusals.MAX_SHOWN


def test_without_the_lab_a_page_that_wants_to_watch_learns_how_to_turn_it_on(serving):
    server = serving(services.serve_without_lab, process_request=services.process_request)
    reason = server.open(f"/watch?page={PAGE}").expect_close(1008)
    assert "start it with --lab" in reason
    echo = server.open(f"/echo?page={PAGE}")
    echo.send_frame(TEXT, b"as ever")
    echo.expect(TEXT, b"as ever")


# The way to an endpoint


@pytest.mark.rfc("6455-4.2.2-11")
def test_4_2_2_two_paths_reach_two_handlers(demo):
    demo.open("/hello").expect(TEXT, b"world")
    echo = demo.open("/echo")
    echo.send_frame(TEXT, b"the first thing that /echo sends")
    echo.expect(TEXT, b"the first thing that /echo sends")


@pytest.mark.rfc("6455-4.2.2-12")
@pytest.mark.parametrize(
    "path",
    ["/nope", "/health", "/echo/", "/ECHO", "/page.js", "/watch.js", "/watch/", "/lesson", "//"],
)
def test_4_2_2_unknown_service_gets_404_that_lists_the_endpoints(demo, path):
    status, text = answer(demo, request(path))
    assert status == 404
    assert all(endpoint in text for endpoint in ("/echo", "/hello", "/clock", "/health"))


@pytest.mark.parametrize("path", ["/nope", "/page", "/echo/"])
def test_plain_get_of_an_unknown_path_gets_404_that_lists_the_endpoints(demo, path):
    status, text = get(demo, path)
    assert status == 404
    assert all(endpoint in text for endpoint in ("/echo", "/hello", "/clock", "/health"))


def test_plain_get_of_the_root_and_of_the_lesson_is_a_page_and_of_health_is_ok(demo):
    status, text = get(demo, "/")
    assert status == 200 and text.startswith("<!doctype html>")
    assert get(demo, "/health") == (200, "ok\n")
    assert "<h1>The lesson</h1>" in get(demo, "/lesson")[1]


@pytest.mark.parametrize("path", ["/", "/health", "/lesson", "/page.js"])
@pytest.mark.parametrize(
    "start, fields",
    [
        ("GET {} HTTP/1.0", ()),
        ("GET {} HTTP/1.1", ("Host: a",)),
        (
            "GET {} HTTP/1.1",
            (
                "Host: a",
                "Connection: Upgrade, HTTP2-Settings",
                "Upgrade: h2c",
                "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
            ),
        ),
        ("HEAD {} HTTP/1.1", ("Host: a",)),
        ("HEAD {} HTTP/1.0", ()),
    ],
    ids=["http-1.0", "http-1.1", "h2c", "head", "head-http-1.0"],
)
def test_9110_a_page_is_for_health_checks_and_for_clients_that_offer_h2c(demo, path, start, fields):
    head = "\r\n".join((start.format(path), *fields, "", ""))
    status, text = answer(demo, head.encode())
    assert (status, bool(text)) == (200, not start.startswith("HEAD"))


@pytest.mark.parametrize("path", ["/", "/health", "/nope", "/echo", "*"])
def test_9110_9_3_7_options_gets_204_with_the_methods_that_are_allowed(demo, path):
    client = demo.connect()
    client.send(f"OPTIONS {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    status, headers = client.receive_head()
    assert (status, headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    assert "content-length" not in headers
    client.expect_end()


@pytest.mark.parametrize("path", ["/", "/health", "/nope", "/echo"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_9110_15_5_6_another_method_gets_405_that_names_the_allowed_ones(demo, path, method):
    client = demo.connect()
    client.send(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    status, headers = client.receive_head()
    assert (status, headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_the_root_with_a_query_is_page_and_endpoint_too(demo):
    assert get(demo, "/?from=bookmark")[0] == 200
    client = demo.open("/?room=1")
    client.send_frame(TEXT, b"echo")
    client.expect(TEXT, b"echo")


@pytest.mark.rfc("6455-4.2.1-07")
@pytest.mark.parametrize("path", ["/echo", "/hello", "/clock"])
def test_4_2_1_item_3_plain_get_of_an_endpoint_is_told_what_a_handshake_needs(demo, path):
    status, text = get(demo, path)
    assert status == 400
    assert "§4.2.1 item 3" in text and "no Upgrade header" in text


def test_4_2_1_faulty_handshake_at_the_root_is_explained_and_not_taken_for_a_visit_to_the_page(
    demo,
):
    status, text = get(demo, "/", f"Sec-WebSocket-Key: {SAMPLE_KEY}", "Sec-WebSocket-Version: 13")
    assert status == 400
    assert "§4.2.1 item 3" in text


def test_a_plain_get_of_the_watch_is_told_what_a_handshake_needs(demo):
    status, text = get(demo, "/watch?page=" + 32 * "a")
    assert status == 400
    assert "§4.2.1 item 3" in text


def test_a_watch_without_the_id_of_a_page_is_told_what_it_needs(demo):
    status, text = answer(demo, request("/watch"))
    assert status == 400
    assert "/watch?page=ID" in text


# As curl sees it

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
over_tcp = pytest.mark.transport("tcp", reason="curl is given a URL of http://")


def curl(*arguments):
    """(status, header lines by lower-case name, body) of the answer."""
    command = ["curl", "--silent", "--max-time", "10", "--include", *arguments]
    done = subprocess.run(command, capture_output=True, timeout=20)
    assert done.returncode == 0
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("ascii").split("\r\n")
    fields = [line.split(": ", 1) for line in lines]
    return int(status_line.split()[1]), {name.lower(): value for name, value in fields}, body


@needs_curl
@over_tcp
@pytest.mark.parametrize(
    "options, body",
    [([], b"ok\n"), (["--http2"], b"ok\n"), (["-0"], b"ok\n"), (["-I"], b"")],
    ids=str,
)
def test_9110_curl_gets_the_health_of_the_server(demo, options, body):
    host, port = demo.address
    status, headers, received = curl(*options, f"http://{host}:{port}/health")
    assert (status, headers["content-length"], received) == (200, "3", body)


@pytest.mark.rfc("6455-4.2.2-24")
@needs_curl
@over_tcp
def test_4_2_2_curl_gets_a_101_and_the_frames_after_it(serving):
    """curl sends no Close, so the server ends the connection after `close_timeout`."""
    running = serving(
        lambda connection: connection.send("hello"),
        process_request=services.process_request,
        close_timeout=IN_TIME,
    )
    host, port = running.address
    head = ["-H", "Upgrade: websocket", "-H", "Connection: Upgrade"]
    head += ["-H", f"Sec-WebSocket-Key: {SAMPLE_KEY}", "-H", "Sec-WebSocket-Version: 13"]
    status, headers, frames = curl("--http1.1", *head, f"http://{host}:{port}/echo")
    assert (status, headers["sec-websocket-accept"]) == (101, SAMPLE_ACCEPT)
    assert frames == frame(TEXT, b"hello", masked=0) + frame(CLOSE, close_body(1000), masked=0)


# With a login


@pytest.mark.parametrize(
    "path", ["/", "/page.js", "/lesson", "/nope", "/echo", "/health/", "/health?"]
)
def test_7617_with_a_login_no_request_goes_on_without_one_except_for_the_health(serving, path):
    login = services.with_login(basic_auth(credentials=("ada", "engine")))
    server = serving(services.serve_endpoint, process_request=login)
    open_to_all = path == "/health?"
    authorization = f"Authorization: {basic_credentials('ada', 'engine')}"
    assert (get(server, path)[0] == 401) is not open_to_all
    assert (answer(server, request(path))[0] == 401) is not open_to_all
    assert get(server, path, authorization)[0] == get(demo_of(serving), path)[0]


def test_7617_with_a_login_a_websocket_opens_for_its_user(serving):
    login = services.with_login(basic_auth(credentials=("ada", "engine")))
    server = serving(services.serve_endpoint, process_request=login)
    client = server.open("/hello", f"Authorization: {basic_credentials('ada', 'engine')}")
    client.expect(TEXT, b"world")
    client.finish()


# What the endpoints do


@pytest.mark.parametrize("path", ["/", "/echo"])
def test_echo_sends_back_text_as_text_and_binary_as_binary(demo, path):
    client = demo.open(path)
    for opcode, payload in [(TEXT, "grüße".encode()), (BINARY, b"\x00\xff"), (TEXT, b"")]:
        client.send_frame(opcode, payload)
        client.expect(opcode, payload)
    client.finish()


def test_hello_logs_the_connection_sends_world_and_logs_what_it_gets(demo, log):
    client = demo.open("/hello")
    client.expect(TEXT, b"world")
    client.send_frame(TEXT, b"something")
    client.send_frame(BINARY, b"\x00\x01\x02")
    client.finish()
    lines = [message for message in log.messages if message.startswith("/hello")]
    peer = "{}:{}".format(*client.sock.getsockname())
    assert len(lines) == 3 and all(peer in line for line in lines)
    assert "something" in lines[1] and "3 bytes" in lines[2]


def test_hello_lets_no_message_forge_a_line_of_the_log(demo, log):
    client = demo.open("/hello")
    client.expect(TEXT, b"world")
    client.send_frame(TEXT, "x\n2026-01-01 all is well\x1b[2J\u202e".encode())
    client.finish()
    logged = [message for message in log.messages if "all is well" in message]
    assert len(logged) == 1
    assert logged[0].isprintable() and logged[0].isascii()


def test_5_4_the_dialogue_is_the_same_in_one_frame_and_in_three(demo):
    client = demo.open("/dialogue")
    client.send(frame(TEXT, b"hello"))
    client.expect(TEXT, b"Hi.")
    client.send(frame(TEXT, b"and a happy new year!"))
    client.expect(TEXT, b"Happy new year to you too!")
    client.send(frame(TEXT, b"and a ", fin=0), frame(CONT, b"happy new ", fin=0))
    client.send(frame(CONT, b"year!"))
    client.expect(TEXT, b"Happy new year to you too!")
    client.send(frame(BINARY, b"hello"))
    client.expect(TEXT, b'Say "hello", or "and a happy new year!".')


@pytest.mark.rfc("6455-5.5.2-02", "6455-5.5.1-08")
def test_5_5_clock_answers_ping_and_close_between_two_ticks(serving):
    client = serving(partial(services.clock, interval=3600)).open()
    header, payload = client.receive()
    assert (
        header.opcode == TEXT and datetime.fromisoformat(payload.decode()).utcoffset() is not None
    )
    client.send_frame(PING, b"still there?")
    client.expect(PONG, b"still there?")
    client.send_frame(TEXT, b"a message that is dropped")
    client.send_frame(CLOSE, close_body(1000))
    client.expect_close(1000)
    client.expect_end()


def test_the_clock_endpoint_sends_the_time(demo):
    header, payload = demo.open("/clock").receive()
    assert header.opcode == TEXT
    assert datetime.fromisoformat(payload.decode())


class Day:
    """A connection and a clock: each recv takes the next of `waits`, in seconds, or its timeout
    where that is None.
    """

    def __init__(self, *waits):
        self.now = 100.0
        self.waits = list(waits)
        self.ticks = []

    def monotonic(self):
        return self.now

    def send(self, message):
        self.ticks.append(self.now - 100.0)

    def recv(self, timeout):
        if not self.waits:
            raise ConnectionClosedOK(None, None)
        wait = self.waits.pop(0)
        self.now += timeout if wait is None else wait
        if wait is None:
            raise TimeoutError
        return "a message"


@pytest.mark.parametrize(
    "waits, ticks",
    [
        pytest.param([None, None, None], [0, 1, 2, 3], id="no messages"),
        pytest.param([0.25, 0.25, None, None], [0, 1, 2], id="messages do not move the next tick"),
        pytest.param(
            [0.75, 0.5, 0.5, None], [0, 1.25, 2], id="a late tick does not move later ones"
        ),
        pytest.param(
            [9.5, None, None], [0, 9.5, 10, 11], id="after a long sleep missed ticks are left out"
        ),
    ],
)
def test_clock_ticks_every_second_until_the_peer_goes(monkeypatch, waits, ticks):
    day = Day(*waits)
    monkeypatch.setattr(services, "time", day)
    with pytest.raises(ConnectionClosedOK):
        services.clock(day)
    assert day.ticks == ticks
