"""RFC 6455 §4.2.2: what the application may do with a server's connections and its answers."""

import sys
import threading
import weakref
from dataclasses import replace

import pytest

from refws import (
    ClientConnection,
    ConnectionClosed,
    DeflateSettings,
    Headers,
    InvalidState,
    Response,
    ServerConnection,
    State,
    connect,
    serve,
)
from refws.protocol.client.response import read_response
from refws.protocol.close import ClosingHandshake
from wire import CONT, DEADLINE_S, IN_TIME, SAMPLE_ACCEPT, TEXT, eventually, frame, request

pytestmark = pytest.mark.transport("tcp", reason="what carries the bytes does not matter")


def echo(connection):
    for message in connection:
        connection.send(message)


def never_called(connection):
    raise AssertionError("no handler may be called here")


# The connection as an object


def test_a_connection_has_the_class_of_its_role(serving):
    kinds = []
    running = serving(lambda connection: kinds.append(type(connection)))
    with connect(running.uri, **running.way) as client:
        assert list(client) == []
    assert (type(client), kinds) == (ClientConnection, [ServerConnection])


def test_the_application_gives_a_connection_attributes_from_the_first_function_on(serving):
    def log_in(connection, request):
        connection.user = "ann"

    def greet(connection):
        connection.send(f"hello {connection.user}")

    running = serving(greet, process_request=log_in)
    with connect(running.uri, **running.way) as client:
        client.nickname = "b"
        assert (client.recv(), client.nickname) == ("hello ann", "b")


def test_a_set_of_weak_references_forgets_a_connection_that_has_ended(serving):
    members = weakref.WeakSet()

    def join(connection):
        members.add(connection)
        echo(connection)

    running = serving(join)
    client = running.open()
    assert eventually(lambda: len(members) == 1)
    client.finish()
    client.close()
    assert eventually(lambda: len(members) == 0)


def test_each_connection_has_an_id_that_stays(serving):
    ids = []
    running = serving(lambda connection: ids.extend([connection.id, connection.id]))
    for _ in range(2):
        running.open().finish()
    assert eventually(lambda: len(ids) == 4)
    assert ids[0] == ids[1] != ids[2] == ids[3]
    assert ids[0].version == 4, "a random one (RFC 9562 §5.4)"


# server.connections


def test_connections_are_the_open_ones_and_all_connections_the_others_too(serving):
    held = []

    def keep(connection):
        held.append(connection)
        with pytest.raises(ConnectionClosed):
            connection.recv()

    running = serving(keep)
    in_handshake = running.connect()
    in_handshake.send(request()[:-2])
    client = running.open()
    assert eventually(lambda: held)
    assert running.server.connections == set(held)
    assert eventually(lambda: len(running.server.all_connections) == 2)
    states = {connection.state for connection in running.server.all_connections}
    assert states == {State.OPEN, State.CONNECTING}
    client.finish()
    client.close()
    assert eventually(lambda: len(running.server.all_connections) == 1)
    assert running.server.connections == set()


def test_4_2_2_a_client_that_has_the_101_is_among_the_connections(serving, background, monkeypatch):
    """Between the head and the state is a moment in which another thread may look."""
    looking, opened = threading.Event(), ClosingHandshake.open

    def open_while_one_looks(closing):
        assert looking.wait(DEADLINE_S)
        opened(closing)

    def look():
        looking.set()
        return running.server.connections

    monkeypatch.setattr(ClosingHandshake, "open", open_while_one_looks)
    running = serving(echo, close_timeout=DEADLINE_S)
    client = running.connect()
    client.send(request())
    assert client.receive_head()[0] == 101
    assert len(background(look).result()) == 1
    client.send_frame(TEXT, b"here")
    client.expect(TEXT, b"here")


def test_a_connection_has_the_logger_of_its_server(serving, log):
    def note(connection):
        connection.logger.info("noted %s", connection.id)

    running = serving(note)
    running.open().finish()
    assert eventually(lambda: any(line.startswith("noted ") for line in log.messages))


@pytest.mark.parametrize("port", [0, None])
def test_any_free_port_is_0_or_none(nothing_left_behind, port):
    with serve(echo, "127.0.0.1", port) as server:
        assert server.address[1] > 0


def test_a_server_has_its_listening_socket(serving):
    running = serving(echo)
    assert running.server.socket.getsockname() == running.address
    assert running.server.socket.fileno() == running.server.fileno()


# respond


@pytest.mark.parametrize(
    "status, text, fields, body",
    [
        (200, "", {"content-length": "0"}, b""),
        (403, "é", {"content-length": "2"}, "é".encode()),
        (401, "no", {"www-authenticate": "Basic", "content-length": "2"}, b"no"),
        (200, "{}", {"content-type": "application/json"}, b"{}"),
        (204, "", {"x-a": "1"}, b""),
    ],
)
def test_4_2_2_respond_makes_an_answer_with_headers_of_its_own(serving, status, text, fields, body):
    given = {name: value for name, value in fields.items() if name != "content-length"}
    client = serving(
        never_called,
        process_request=lambda connection, request: connection.respond(status, text, given),
    ).connect()
    client.send(request())
    got, headers = client.receive_head()
    assert (got, {name: headers.get(name) for name in fields}) == (status, fields)
    assert client.read(len(body)) == body
    client.expect_end()


@pytest.mark.parametrize("status", [204, 304])
def test_9110_8_6_an_answer_that_has_no_body_gives_no_length(status):
    headers = ServerConnection.respond(None, status, "").headers
    assert "Content-Length" not in headers
    assert "Content-Type" not in headers
    with pytest.raises(ValueError, match=f"status {status} has no text; use ''"):
        ServerConnection.respond(None, status, "text")


def test_9110_15_3_6_a_205_has_no_text_but_the_length_of_none():
    assert ServerConnection.respond(None, 205, "").headers["Content-Length"] == "0"
    with pytest.raises(ValueError, match="status 205 has no text; use ''"):
        ServerConnection.respond(None, 205, "text")


@pytest.mark.parametrize(
    "given, sent",
    [
        ([], ["close"]),
        ([("Connection", "close")], ["close"]),
        ([("Connection", "Upgrade, Close")], ["Upgrade, Close"]),
        ([("Connection", "Upgrade"), ("Upgrade", "h2c")], ["close", "Upgrade"]),
        ([("Connection", "keep-alive")], ["close", "keep-alive"]),  # close goes before (§9.3)
    ],
)
def test_9112_9_3_each_answer_says_that_the_connection_closes(serving, given, sent):
    answer = Response(200, "OK", Headers([*given, ("Content-Length", "2")]), b"ok")
    client = serving(never_called, process_request=lambda connection, request: answer).connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    response = read_response(client.file)
    assert response.headers.get_all("Connection") == sent
    assert client.file.read() == b"ok"


@pytest.mark.parametrize("status", [204, 304])
def test_9112_6_3_item_1_a_body_that_cannot_be_there_is_not_sent(serving, status):
    answer = Response(status, "Empty", Headers(), b"HTTP/1.1 200 OK")
    client = serving(never_called, process_request=lambda connection, request: answer).connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert read_response(client.file).status_code == status
    assert client.file.read() == b""


# process_response


def test_4_2_2_process_response_adds_headers_to_the_101(serving):
    seen = []

    def set_cookie(connection, request, response):
        seen.append((request is connection.request, response.status_code))
        response.headers["Set-Cookie"] = "a=1"
        response.headers["Set-Cookie"] = "b=2"

    running = serving(echo, process_response=set_cookie)
    with connect(running.uri, **running.way) as client:
        assert client.response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
        client.send("x")
        assert client.recv() == "x"
    assert seen == [(True, 101)]


def test_4_2_2_process_response_may_return_a_101_with_other_headers(serving):
    def cookie(connection, request, response):
        headers = response.headers.copy()
        headers["Set-Cookie"] = "a=1"
        return replace(response, headers=headers)

    client = serving(echo, process_response=cookie).open()
    assert client.headers["set-cookie"] == "a=1"
    assert client.headers["sec-websocket-accept"] == SAMPLE_ACCEPT
    client.finish()


@pytest.mark.parametrize(
    "sent, status",
    [
        (request(), 101),
        (request("/page"), 200),
        (request().replace(b"Version: 13", b"Version: 8"), 426),
        (b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ],
)
def test_process_response_sees_every_answer_to_a_request_that_can_be_parsed(serving, sent, status):
    def page(connection, request):
        return connection.respond(200, "a page") if request.path == "/page" else None

    def allow(connection, request, response):
        response.headers["Access-Control-Allow-Origin"] = f"for-{response.status_code}"

    client = serving(echo, process_request=page, process_response=allow).connect()
    client.send(sent)
    got, headers = client.receive_head()
    assert (got, headers["access-control-allow-origin"]) == (status, f"for-{status}")


def test_process_response_is_not_called_without_a_request(serving):
    client = serving(never_called, process_response=never_called).connect()
    client.send(b"no HTTP\r\n\r\n")
    assert client.receive_head()[0] == 400


def test_process_response_may_refuse_instead_of_the_101(serving, log):
    client = serving(
        never_called,
        process_response=lambda connection, request, response: connection.respond(403, "not you"),
    ).connect()
    client.send(request(), frame(TEXT, b"too early"))
    assert client.receive_head()[0] == 403
    assert client.read(len(b"not you")) == b"not you"
    client.expect_end()
    assert any("403 instead, because of process_response" in line for line in log.messages)


def change_accept(response):
    del response.headers["Sec-WebSocket-Accept"]
    response.headers["Sec-WebSocket-Accept"] = "x"


def add_extension(response):
    response.headers["Sec-WebSocket-Extensions"] = "permessage-deflate"


def add_length(response):
    response.headers["Content-Length"] = "0"


BAD_CHANGES = {
    "Sec-WebSocket-Accept of the 101 was changed": change_accept,
    "Sec-WebSocket-Extensions of the 101 was changed": add_extension,
    "Content-Length of the 101 was changed": add_length,
    "a body was added to the 101": lambda response: replace(response, body=b"x"),
    "process_response returned str": lambda response: "a page",
    "a 103 is no final response": lambda response: Response(103, "Early Hints", Headers()),
    "SystemExit: 3": lambda response: sys.exit(3),
    "forged": lambda response: response.headers.update({"X": "a\r\nforged: 1"}),
}


@pytest.mark.rfc("6455-4.2.2-19", "6455-4.2.2-20", "6455-4.2.2-24")
@pytest.mark.parametrize("change", BAD_CHANGES.values(), ids=BAD_CHANGES)
def test_4_2_2_what_opens_no_connection_becomes_a_500_with_the_reason_in_the_log(
    serving, log, change
):
    client = serving(
        never_called, process_response=lambda connection, request, response: change(response)
    ).connect()
    client.send(request())
    status, headers = client.receive_head()
    assert (status, "forged" in headers) == (500, False)
    (message,) = [each.getMessage() for each in log.records if each.levelname == "ERROR"]
    assert "process_response failed" in message
    words = next(words for words, each in BAD_CHANGES.items() if each is change)
    assert words in message


def test_4_2_2_a_refusal_cannot_be_changed_to_a_101(serving, log):
    client = serving(
        never_called,
        process_response=lambda connection, request, response: Response(101, "", Headers()),
    ).connect()
    client.send(request().replace(b"Version: 13", b"Version: 8"))
    assert client.receive_head()[0] == 500
    assert any("a 426 was changed to 101" in message for message in log.messages)


# Settings of one connection


def test_settings_that_process_request_replaces_limit_messages(serving):
    def limit(connection, request):
        connection.settings = replace(connection.settings, max_size=3, max_fragments=2)

    running = serving(echo, process_request=limit)
    client = running.open()
    client.send_frame(TEXT, b"four")
    client.expect_close(1009)
    client = running.open()
    client.send(frame(TEXT, b"a", fin=0), frame(CONT, b"b", fin=0), frame(CONT, b"c"))
    client.expect_close(1008)


def test_settings_that_process_response_replaces_count_beside_compression(serving):
    def limit(connection, request, response):
        connection.settings = replace(connection.settings, max_size=1000)

    running = serving(echo, process_response=limit, compression="deflate")
    with connect(running.uri, **running.way, compression="deflate") as client:
        client.send("x" * 1000)
        assert client.recv() == "x" * 1000
        client.send("x" * 1001)
        with pytest.raises(ConnectionClosed, match="1009"):
            client.recv()


def test_settings_that_process_request_replaces_limit_the_wait_for_a_close(serving):
    ends = []

    def limit(connection, request):
        connection.settings = replace(connection.settings, close_timeout=IN_TIME)

    def close(connection):
        connection.close()
        with pytest.raises(ConnectionClosed) as caught:
            connection.recv()
        ends.append(str(caught.value))

    client = serving(close, process_request=limit).open()
    client.expect_close(1000)
    client.expect_cut()
    assert eventually(lambda: ends)
    assert f"no Close in answer within {IN_TIME:g} s" in ends[0]


def test_settings_that_process_request_replaces_limit_a_send(serving):
    ends = []

    def limit(connection, request):
        connection.settings = replace(connection.settings, send_timeout=IN_TIME)

    def push(connection):
        try:
            while True:
                connection.send(bytes(2**20))
        except ConnectionClosed as closed:
            ends.append(str(closed))

    serving(push, process_request=limit, ping_interval=None).open()
    assert eventually(lambda: ends)
    assert f"in {IN_TIME:g} s" in ends[0]


def test_settings_cannot_be_replaced_once_the_connection_is_open(serving):
    errors = []

    def replace_settings(connection):
        for change in (
            lambda: setattr(connection, "settings", replace(connection.settings, max_size=3)),
            lambda: setattr(connection, "compression", "deflate"),
        ):
            with pytest.raises(InvalidState, match="only before the connection is open") as caught:
                change()
            errors.append(caught.value)

    serving(replace_settings).open().finish()
    assert eventually(lambda: len(errors) == 2)


def test_compression_is_one_of_the_settings(opened):
    connection, _ = opened(connecting=True)
    connection.compression = "deflate"
    assert connection.settings.compression == connection.compression == DeflateSettings()
    connection.settings = replace(connection.settings, compression=None)
    assert connection.compression is None
    with pytest.raises(TypeError, match="compression is 'zip'"):
        connection.compression = "zip"
