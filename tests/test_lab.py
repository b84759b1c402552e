"""The commands of a page (RFC 6455 §5.4, §5.5, §7.1): run on its own connections, or refused."""

import json
import threading
from inspect import signature

import pytest

from refws import Close, basic_auth, raw_client
from refws.course import services
from refws.course.web import lab, own_bytes, watch_endpoint, wire_view
from refws.course.web.commands import COMMANDS, Call, Command, parse
from refws.course.web.lab import InvalidCommand
from refws.course.web.violations import CLIENT_CASES, GROUPS, SERVER_CASES
from refws.protocol.credentials import basic_credentials
from watching import PAGE, Page
from wire import (
    BINARY,
    CONT,
    DEADLINE_S,
    PING,
    PONG,
    TEXT,
    Header,
    close_body,
    eventually,
    patiently,
)

OTHER_PAGE = "e" * 32


@pytest.fixture
def running(serving):
    """What `python3 -m refws` serves, with the wire view."""
    return serving(
        services.serve_endpoint, process_request=services.process_request, trace=wire_view.choose
    )


@pytest.fixture
def page(running):
    return Page(running)


# The grammar of a command


def test_a_command_has_its_name_its_id_and_its_fields():
    fields = {"connection": 1, "code": 4000, "reason": "grüße"}
    message = json.dumps({"command": "close", "id": 3, **fields})
    assert parse(message) == Call("close", 3, fields)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_fields_of_a_command_are_the_parameters_of_its_function(name):
    command = COMMANDS[name]
    assert list(signature(command.run).parameters) == ["self", *command.fields]


@pytest.mark.parametrize(
    "message, words",
    [
        (b'{"command": "clock", "id": 1}', "a text message"),
        ('{"command": "clock", "id": 1}' + 20_000 * " ", "at most 16384 characters"),
        ("", "JSON"),
        ("ping", "JSON"),
        ("[" * 16_000, "JSON"),
        ("1" * 5000, "JSON"),
        ("[]", "a JSON object"),
        ("null", "a JSON object"),
        ("{}", "one of clock, renew, ping"),
        ('{"command": 1, "id": 1}', "one of clock, renew, ping"),
        ('{"command": ["clock"], "id": 1}', "one of clock, renew, ping"),
        ('{"command": "reboot", "id": 1}', "one of clock, renew, ping"),
        ('{"command": "__class__", "id": 1}', "one of clock, renew, ping"),
        ('{"command": "clock"}', "exactly these fields: id"),
        ('{"command": "clock", "id": 1, "connection": 1}', "exactly these fields: id"),
        ('{"command": "ping", "id": 1}', "exactly these fields: id, connection"),
        ('{"command": "clock", "id": "1"}', "id is a whole number"),
        ('{"command": "clock", "id": 1.0}', "id is a whole number"),
        ('{"command": "clock", "id": true}', "id is a whole number"),
        ('{"command": "clock", "id": -1}', "id is a whole number"),
        ('{"command": "clock", "id": NaN}', "id is a whole number"),
        ('{"command": "ping", "id": 1, "connection": 0}', "connection is a whole number from 1"),
        ('{"command": "ping", "id": 1, "connection": null}', "connection is a whole number from 1"),
        (
            '{"command": "stop", "id": 1, "connection": 1, "seconds": 31}',
            "seconds is a whole number from 1 to 30",
        ),
        (
            '{"command": "read", "id": 1, "connection": 1, "size": -1}',
            "size is a whole number from 0 to 65536",
        ),
        (
            '{"command": "read", "id": 1, "connection": 1, "size": 65537}',
            "size is a whole number from 0 to 65536",
        ),
        (
            '{"command": "read", "id": 1, "connection": 1, "size": 1.5}',
            "size is a whole number from 0 to 65536",
        ),
        (
            '{"command": "read", "id": 1, "connection": 1}',
            "exactly these fields: id, connection, size",
        ),
        (
            '{"command": "fragments", "id": 1, "connection": 1, "count": 51, "text": ""}',
            "count is a whole number from 1",
        ),
        (
            '{"command": "fragments", "id": 1, "connection": 1, "count": 5, "text": 7}',
            "text is a text of at most 4096",
        ),
        (
            '{"command": "break", "id": 1, "rule": "' + 41 * "x" + '"}',
            "rule is a text of at most 40",
        ),
        (
            '{"command": "close", "id": 1, "connection": 1, "code": 1000, "reason": "\\ud800"}',
            "half of a surrogate pair",
        ),
        (
            '{"command": "close", "id": 1, "connection": 1, "code": 65536, "reason": ""}',
            "code is a whole number from 0",
        ),
    ],
)
def test_anything_else_is_refused_in_words(message, words):
    with pytest.raises(InvalidCommand, match=words):
        parse(message)


def test_a_message_without_a_command_gets_an_error_and_the_view_goes_on(page):
    page.wire.send_frame(BINARY, b"\x00")
    assert page.next() == {
        "event": "error",
        "command": None,
        "id": None,
        "message": "a command is a text message of at most 16384 characters",
    }
    assert page.command("clock")["event"] == "answer"


@pytest.mark.parametrize(
    "command, fields, words",
    [
        ("fragments", {"connection": 1, "count": 0, "text": ""}, "count is a whole number from 1"),
        ("fragments", {"connection": 1, "count": None, "text": ""}, "count is a whole number"),
        ("read", {"connection": 1, "size": 65537}, "size is a whole number from 0 to 65536"),
        ("stop", {"connection": 1, "seconds": 2.5}, "seconds is a whole number from 1 to 30"),
        ("clock", {"more": 1}, "clock takes exactly these fields: id"),
    ],
)
def test_a_wrong_number_is_answered_at_once_with_the_id_of_its_command(
    page, command, fields, words
):
    answer = page.command(command, **fields)
    assert (answer["event"], answer["command"]) == ("error", command)
    assert words in answer["message"]


@pytest.mark.parametrize("message", ['{"command": [], "id": 7}', '{"command": "clock", "id": "7"}'])
def test_a_name_or_an_id_of_another_type_is_not_repeated(message):
    with pytest.raises(InvalidCommand) as refused:
        parse(message)
    assert (refused.value.name, refused.value.id) in [(None, 7), ("clock", None)]


def test_the_page_gets_all_rules_at_the_start(page):
    groups = page.hello["violations"]
    names = [case["name"] for group in groups for case in group["cases"]]
    assert names == [*CLIENT_CASES, *SERVER_CASES]
    assert [group["command"] for group in groups] == 7 * ["break"] + ["provoke"]
    assert [group["title"] for group in groups] == [group.title for group in GROUPS]


# Commands


def test_the_clock_goes_forward(page):
    first, second = page.command("clock"), page.command("clock")
    assert 0 <= first["time"] <= second["time"] < 60


@pytest.mark.rfc("6455-5.5.2-04")
def test_5_5_2_ping_me_gives_the_round_trip(page):
    client, number = page.open()
    command = page.send("ping", connection=number)
    header, payload = client.receive()
    assert header.opcode == PING
    client.send_frame(PONG, payload)
    answer = page.answer(command)
    assert answer["event"] == "answer" and 0 < answer["round_trip"] < 5


def test_5_5_2_a_ping_without_a_pong_is_an_error(page, monkeypatch):
    monkeypatch.setattr(lab, "PONG_TIMEOUT", 0.01)
    _, number = page.open()
    assert page.command("ping", connection=number)["message"] == "no Pong within 0.01 s"


@pytest.mark.rfc("6455-5.4-05", "6455-5.4-11")
def test_5_4_as_many_fragments_leave_as_are_asked_for_with_pings_between_them(page):
    client, number = page.open()
    command = page.send("fragments", connection=number, count=3, text="grüße!")
    frames = [client.receive() for _ in range(5)]
    assert [(header.opcode, header.fin) for header, _ in frames] == [
        (TEXT, 0),
        (PING, 1),
        (CONT, 0),
        (PING, 1),
        (CONT, 1),
    ]
    assert [payload.decode() for header, payload in frames if header.opcode != PING] == [
        "gr",
        "üß",
        "e!",
    ]
    assert page.answer(command)["event"] == "answer"


def test_5_4_more_fragments_than_characters_are_empty_ones(page):
    client, number = page.open()
    page.send("fragments", connection=number, count=3, text="a")
    payloads = [
        payload for header, payload in (client.receive() for _ in range(5)) if header.opcode != PING
    ]
    assert payloads == [b"a", b"", b""]


def test_5_4_one_fragment_is_a_message_in_one_frame(page):
    client, number = page.open()
    page.send("fragments", connection=number, count=1, text="whole")
    client.expect(TEXT, b"whole")


@pytest.mark.rfc("6455-7.1.2-01")
def test_7_1_2_close_sends_this_code_and_this_reason(page):
    client, number = page.open()
    command = page.send("close", connection=number, code=4001, reason="grüße")
    assert client.expect_close(4001) == "grüße"
    client.send_frame(0x8, close_body(4001))
    client.close()
    answer = page.answer(command)
    assert (answer["event"], answer["code"]) == ("answer", 4001)


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 5000])
def test_7_4_a_code_that_must_not_be_sent_is_an_error_and_the_connection_lives_on(page, code):
    client, number = page.open()
    answer = page.command("close", connection=number, code=code, reason="")
    assert answer["event"] == "error" and "§7.4" in answer["message"]
    client.send_frame(TEXT, b"alive")
    client.expect(TEXT, b"alive")


def test_5_5_1_a_reason_of_too_many_bytes_is_an_error(page):
    _, number = page.open()
    answer = page.command("close", connection=number, code=1000, reason="ü" * 123)
    assert "§5.5.1" in answer["message"]


@pytest.mark.rfc("6455-7.1.5-03")
def test_7_1_5_cut_ends_tcp_without_a_close(page):
    client, number = page.open()
    assert page.command("cut", connection=number)["event"] == "answer"
    client.expect_end()


def test_1_5_read_lasts_until_another_size_is_asked_for(running, page):
    client, number = page.open()
    for size in (1, 65536, 0):
        page.read_at_a_time(client, number, size)
        assert sorted(each.read_size for each in running.server.all_connections) == [0, size]


def test_1_5_read_ends_after_some_thousand_reads(running, page, monkeypatch):
    monkeypatch.setattr(wire_view, "MAX_SMALL_READS", 100)
    client, number = page.open()
    page.read_at_a_time(client, number, 1)
    client.send_frame(TEXT, 200 * b"x")
    client.expect(TEXT, 200 * b"x")
    event = page.until("item")[-1]
    assert event["item"]["payload_received"] == 200
    assert event["chunks"] < 110
    client.send_frame(TEXT, b"at once")
    client.expect(TEXT, b"at once")
    while (event := page.until("item")[-1])["item"]["text"] != "at once":
        assert event["item"]["sender"] == "server"
    assert (event["item"]["sender"], event["chunks"]) == ("client", 1)


def test_1_5_read_without_a_pong_is_an_error(page, monkeypatch):
    monkeypatch.setattr(lab, "PONG_TIMEOUT", 0.01)
    _, number = page.open()
    assert page.command("read", connection=number, size=1)["message"] == "no Pong within 0.01 s"


def test_stop_answers_when_the_time_is_over(page):
    client, number = page.open()
    command = page.send("stop", connection=number, seconds=1)
    again = page.command("stop", connection=number, seconds=1)
    assert "already" in again["message"]
    client.send_frame(TEXT, b"late")
    assert page.answer(command)["event"] == "answer"
    client.expect(TEXT, b"late")


def test_stop_ends_with_its_connection(page):
    _, number = page.open()
    command = page.send("stop", connection=number, seconds=30)
    page.command("cut", connection=number)
    assert page.answer(command)["event"] == "answer"


def test_a_page_reaches_no_connection_of_another_page(running, page):
    other = Page(running, OTHER_PAGE)
    client, number = other.open()
    assert (
        page.command("cut", connection=number)["message"]
        == f"connection {number} is closed; connect first"
    )
    client.send_frame(TEXT, b"alive")
    client.expect(TEXT, b"alive")


def test_a_connection_that_is_closing_gives_an_error(page):
    client, number = page.open()
    command = page.send("close", connection=number, code=1000, reason="")
    client.expect_close(1000)
    assert "sent Close 1000" in page.command("ping", connection=number)["message"]
    client.send_frame(0x8, close_body(1000))
    client.close()
    assert page.answer(command)["event"] == "answer"


def test_only_a_few_commands_run_at_a_time(page, monkeypatch):
    monkeypatch.setattr(lab, "PONG_TIMEOUT", 0.2)
    _, number = page.open()
    commands = [page.send("ping", connection=number) for _ in range(watch_endpoint.MAX_RUNNING)]
    refused = page.send("clock")
    assert "are running" in page.answer(refused)["message"]
    answers = {page.until("error")[-1]["message"] for _ in commands}
    assert answers == {"no Pong within 0.2 s"}
    assert eventually(lambda: page.command("clock")["event"] == "answer")


def test_an_internal_error_is_logged_and_the_page_gets_no_traceback(page, log, monkeypatch):
    def broken(lab):
        raise RuntimeError("an error in the command")

    monkeypatch.setitem(COMMANDS, "clock", Command(broken, {}))
    words = "internal error; the server's log has the details"
    assert page.command("clock")["message"] == words
    assert "an error in the command" in log.text


# Breaking rules


def test_a_rule_is_broken_by_a_connection_that_the_page_sees(page):
    command = page.send("break", rule="unmasked")
    events = page.until("closed")
    answers = [event for event in events if event.get("id") == command] or [page.answer(command)]
    target = next(event["target"] for event in events if event["event"] == "connection")
    assert target == f"/echo?page={PAGE}&rule=unmasked&deflate=0"
    assert (answers[0]["code"], answers[0]["as_expected"]) == (1002, True)


def test_7617_a_rule_is_broken_with_the_login_of_the_page(serving):
    login = services.with_login(basic_auth(credentials=("ada", "engine")))
    running = serving(services.serve_endpoint, process_request=login, trace=wire_view.choose)
    authorization = f"Authorization: {basic_credentials('ada', 'engine')}"
    answer = Page(running, PAGE, authorization).command("break", rule="unmasked")
    assert (answer["status"], answer["code"], answer["as_expected"]) == (101, 1002, True)


@pytest.mark.parametrize(
    "text, size, form, answer",
    [
        ("81 85 37 fa 21 3d 7f 9f 4d 51 58", 11, None, {"messages": 1, "code": None}),
        ("b'\\x81\\x05Hello'", 7, "bytes literal", {"messages": 0, "code": 1002}),
        ("[136, 130, 0, 0, 0, 0, 3, 232]", 8, "array", {"messages": 0, "code": 1000}),
        ("<Buffer 81 05 ... 5 more bytes>", 2, "leaves out 5 more bytes", {"code": 1002}),
    ],
)
def test_the_raw_client_sends_bytes_in_any_form_and_the_page_sees_them(
    page, monkeypatch, text, size, form, answer
):
    monkeypatch.setattr(own_bytes, "TIMEOUT", DEADLINE_S)
    number = page.send("bytes", text=text)
    found = page.answer(number)
    assert found["event"] == "answer" and (found["size"], found["status"]) == (size, 101)
    assert {name: found[name] for name in answer} == answer
    assert found["problem"] == ""
    assert form in found["read_as"] if form else found["read_as"] == ""


def test_bytes_that_get_no_message_and_no_close_say_so(page, monkeypatch):
    def attempt(seconds):
        monkeypatch.setattr(own_bytes, "TIMEOUT", seconds)
        return page.command("bytes", text="89 80 00 00 00 00")

    answer = patiently(attempt, lambda answer: answer["status"])
    assert (answer["messages"], answer["code"]) == (0, None)
    assert "no message and no Close" in answer["problem"]


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "paste some, such as 81 85"),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "paste the frames alone"),
        ("81 8", "give two for each byte"),
        ("hello", "give two digits, 0 to 9 and a to f, for each byte; no other form fits either"),
        ("\\400", "give \\0 to \\377"),
    ],
)
def test_what_is_no_bytes_of_a_client_is_refused_with_what_to_do(page, text, words):
    answer = page.command("bytes", text=text)
    assert answer["event"] == "error" and words in answer["message"]
    assert "--" not in answer["message"], "a page has no options"


def test_an_unknown_rule_is_an_error(page):
    assert "no such rule" in page.command("break", rule="rm -rf")["message"]
    assert "no such rule" in page.command("provoke", rule="unmasked", connection=1)["message"]


def test_one_rule_at_a_time(page, monkeypatch):
    under_way, go_on = threading.Event(), threading.Event()

    def slow(case, address, target, login):
        under_way.set()
        assert go_on.wait(5)
        return raw_client.Answer(101, Close(1002))

    monkeypatch.setattr(lab, "send_case", slow)
    first = page.send("break", rule="unmasked")
    assert under_way.wait(5)
    assert "one rule at a time" in page.command("break", rule="rsv1")["message"]
    go_on.set()
    assert page.answer(first)["as_expected"]


def test_the_server_breaks_a_rule_for_the_browser(page):
    client, number = page.open()
    command = page.send("provoke", connection=number, rule="server-opcode")
    assert client.receive() == (Header(1, 0, 3, 0, 5), b"Hello")
    client.finish(1002)
    client.close()
    answer = page.answer(command)
    assert (answer["code"], answer["as_expected"]) == (1002, True)


# What a page chooses for its connections

OFFER = "Sec-WebSocket-Extensions: permessage-deflate"


@pytest.mark.parametrize(
    "compression, query, agreed",
    [
        (None, "deflate=1", True),
        (None, "deflate=0", False),
        (None, "deflate=yes", False),
        (None, "", False),
        ("deflate", "deflate=0", False),
        ("deflate", "deflate=1", True),
        ("deflate", "", True),
    ],
)
def test_a_page_switches_compression_on_and_off(serving, compression, query, agreed):
    running = serving(
        services.serve_endpoint,
        process_request=services.process_request,
        trace=wire_view.choose,
        compression=compression,
    )
    page = Page(running)
    client, _ = page.open(f"/echo?{query}", OFFER)
    assert ("sec-websocket-extensions" in client.headers) == agreed


def test_compression_that_a_page_has_switched_on_compresses_the_shortest_message(page):
    client, _ = page.open("/echo?deflate=1", OFFER)
    client.send_frame(TEXT, b"Hello")
    header, _ = client.receive()
    assert header.rsv == 0b100
    assert page.until("item")[-1]["item"]["text"] == "Hello"
    assert page.until("item")[-1]["item"]["compressed"]


def test_a_page_chooses_its_heartbeat(running, page):
    page.open("/echo?heartbeat=5")
    page.open("/hello?heartbeat=off")
    page.open("/clock?heartbeat=0.001")
    intervals = {
        connection.request.absolute_path: connection.settings.ping_interval
        for connection in running.server.all_connections
    }
    assert intervals == {"/watch": 20, "/echo": 5, "/hello": None, "/clock": 20}


def test_who_is_not_watched_chooses_nothing(running):
    client = running.open("/echo?deflate=1&heartbeat=5", OFFER)
    assert "sec-websocket-extensions" not in client.headers
    other = running.open(f"/echo?page={OTHER_PAGE}&deflate=1&heartbeat=5", OFFER)
    assert "sec-websocket-extensions" not in other.headers
    assert {connection.settings.ping_interval for connection in running.server.all_connections} == {
        20
    }
