"""refws check: servers that do not only echo, and what a survey makes of them."""

import itertools
from dataclasses import replace
from uuid import uuid4

import pytest

from checks import ECHO, UNMASKED, answering, from_server, report, target_of
from refws.check import survey as survey_module
from refws.check.case import Need, Pause
from refws.check.engine import Abilities, Grade, run
from refws.check.frames import frame, text
from refws.check.report.text import draw_report
from refws.check.seen import MAX_RECEIVED
from refws.check.survey import LARGE, pattern_of, pattern_of_both, survey
from refws.check.tables import echoes
from refws.check.target import Target
from refws.protocol.client.uri import parse_uri
from wire import CLOSE, DEADLINE_S, IN_TIME, RSV1, TEXT, close_body, response

LISTEN_S = 0.3, 2, 10
"""Seconds for which the survey waits for what a server sends by itself, for each try."""

pytestmark = pytest.mark.slow

NUMBER = echoes("5.2-text", "A rule.", "", [text(b"4711")])


def heard(target, monkeypatch):
    """What a survey knows of a server that sends something by itself, soon or on a busy machine."""
    for seconds in LISTEN_S:
        monkeypatch.setattr(survey_module, "GREETING_TIME", seconds)
        abilities = survey(target)
        if abilities.greetings or len(abilities.unasked) > 1:
            break
    return abilities


def test_messages_with_changing_numbers_that_nothing_asked_for_do_not_count(serving, monkeypatch):
    numbers = itertools.count(29)

    def chat(connection):
        connection.send(f"Welcome guest{next(numbers)}!")
        connection.send(f"{next(numbers)}")
        for message in connection:
            connection.send(f"{next(numbers)}")
            connection.send(message)

    target = target_of(serving(chat), timeout=DEADLINE_S)
    abilities = heard(target, monkeypatch)
    assert abilities.lacks == {Need.DEFLATE}
    assert abilities.greetings == ()
    assert abilities.remarks[0].startswith(
        "messages that it sends by itself, such as text 'Welcome"
    )
    results = [run(case, target, abilities) for case in (ECHO, NUMBER)]
    assert [result.observed.messages for result in results] == [[text(b"Hi")], [text(b"4711")]]
    assert [result.grade for result in results] == [Grade.PASS] * 2


def test_a_greeting_that_is_always_the_same_is_expected_once(serving, monkeypatch):
    def greet(connection):
        connection.send("Hi")
        for message in connection:
            connection.send(message)

    target = target_of(serving(greet), timeout=DEADLINE_S)
    abilities = heard(target, monkeypatch)
    assert (abilities.greetings, abilities.unasked) == ((text(b"Hi"),), ())
    assert abilities.remarks == ()
    assert run(ECHO, target, abilities).grade is Grade.PASS


def test_a_number_in_what_is_unasked_fits_other_numbers_and_no_other_text():
    pattern = pattern_of(b"12:59. (1 user)\n")
    assert pattern.fullmatch(b"1:00. (10 user)\n")
    assert not pattern.fullmatch(b"12:59x (1 user)\n")
    assert not pattern.fullmatch(b"12:59. (1 user)\nHello")


def test_a_greeting_with_an_id_is_left_out_on_each_connection(serving, monkeypatch):
    def welcome(connection):
        connection.send(f'{{"type": "welcome", "id": "{uuid4().hex}"}}')
        for message in connection:
            connection.send(message)

    target = target_of(serving(welcome), timeout=DEADLINE_S)
    abilities = heard(target, monkeypatch)
    result = run(ECHO, target, abilities)
    assert (result.grade, result.observed.messages) == (Grade.PASS, [text(b"Hi")])


@pytest.mark.parametrize(
    "one, other, fits, fits_not",
    [
        (b"id: ab12 (new)", b"id: cd34 (new)", [b"id: ef56 (new)", b"id: x-9_z (new)"], b"Hello"),
        (b"user 9 on 5f3a", b"user 10 on 77ce", [b"user 11 on 01ab"], b"user 11 of 01ab"),
        (b"ab12", b"cd34", [b"ab12", b"ab99"], b"ef56"),
        (b"hello, you", b"hello you", [b"hello, you"], b"hello you"),
    ],
)
def test_what_fits_two_greetings_fits_another_word_but_no_other_text(one, other, fits, fits_not):
    pattern = pattern_of_both(one, other)
    assert all(map(pattern.fullmatch, [one, *fits]))
    assert not pattern.fullmatch(fits_not)


def test_an_answer_that_is_no_echo_is_shown_and_the_probe_is_found_in_it(serving):
    def reply(connection):
        for message in connection:
            connection.send(f"You said: {message}")

    target = target_of(serving(reply), timeout=DEADLINE_S)
    abilities = survey(target)
    assert {Need.ECHO, Need.BINARY} <= abilities.lacks
    assert "message text 'You said: refws'" in abilities.remarks[0]
    lines = " ".join("\n".join(draw_report(report(remarks=abilities.remarks))).split())
    assert "the answer to the text message 'refws' was: message text 'You said: refws'" in lines
    went_on = run(replace(UNMASKED, steps=(frame(TEXT, b"Hi"),)), target, abilities).observed
    assert went_on.went_on
    assert went_on.messages == [text(b"You said: Hi")]


def answering_large(*frames):
    """A server that echoes, but answers a message of more than 16 bits with these frames.

    Then it ends TCP.
    """

    def serve(wire):
        _, headers = wire.receive_request()
        wire.send(response(headers["sec-websocket-key"]))
        while True:
            header, payload = wire.receive()
            if len(payload) >= LARGE:
                wire.send(*frames)
                return
            wire.send_frame(header.opcode, payload, masked=0)
            if header.opcode == CLOSE:
                return

    return serve


@pytest.mark.parametrize(
    "frames, is_limit, remark",
    [
        ([from_server(CLOSE, close_body(1009))], True, ""),
        ([from_server(CLOSE, close_body(1011))], True, ""),
        ([], True, f"message of {LARGE:,} bytes was: TCP ends, so no case sends one"),
        ([from_server(CLOSE, close_body(1002))], False, ""),
        ([from_server(TEXT, b"")], False, ""),
        ([from_server(TEXT, b"*", rsv=RSV1)], False, ""),
    ],
)
def test_10_4_a_refusal_of_a_large_message_is_a_limit_and_a_wrong_answer_is_a_mistake(
    frames, is_limit, remark
):
    with answering(answering_large(*frames)) as port:
        abilities = survey(Target(parse_uri(f"ws://127.0.0.1:{port}/"), timeout=DEADLINE_S))
    assert abilities.lacks == {Need.DEFLATE, *[Need.LARGE][: int(is_limit)]}
    assert [remark in line for line in abilities.remarks] == [True][: len(remark)]


def test_text_that_comes_back_as_binary_is_an_echo_with_a_mistake(serving):
    def as_binary(connection):
        for message in connection:
            connection.send(message if isinstance(message, bytes) else message.encode())

    target = target_of(serving(as_binary), timeout=DEADLINE_S)
    abilities = survey(target)
    assert abilities.lacks == {Need.DEFLATE}
    assert run(ECHO, target, abilities).grade is Grade.FAIL


def test_a_server_that_always_says_something_is_not_awaited_for_ever():
    """Only what is asked for starts the wait for the rest anew."""

    def ticks(wire):
        _, headers = wire.receive_request()
        wire.send(response(headers["sec-websocket-key"]))
        while True:
            wire.send_frame(TEXT, b"12:59", masked=0)

    unasked = Abilities(unasked=(pattern_of(b"1:2"),))
    with answering(ticks) as port:
        target = Target(parse_uri(f"ws://127.0.0.1:{port}/"), timeout=IN_TIME)
        result = run(ECHO, target, unasked)
    assert (result.grade, result.seen.partition(",")[0]) == (Grade.FAIL, "a valid 101")


def messages_without_end(wire):
    _, headers = wire.receive_request()
    wire.send(response(headers["sec-websocket-key"]))
    while True:
        wire.send_frame(TEXT, b"*" * 60_000, masked=0)


def one_message_without_end(wire):
    _, headers = wire.receive_request()
    wire.send(response(headers["sec-websocket-key"]))
    wire.send(b"\x82\x7f" + (2**30).to_bytes(8))
    while True:
        wire.send(b"*" * 60_000)


def head_without_end(wire):
    wire.send(b"HTTP/1.1 101 Switching Protocols\r\n")
    while True:
        wire.send(b"X-Header: *\r\n" * 4_000)


@pytest.mark.parametrize("flood", [messages_without_end, one_message_without_end])
def test_what_is_kept_of_a_server_that_sends_without_end_is_bounded(flood):
    with answering(flood) as port:
        target = Target(parse_uri(f"ws://127.0.0.1:{port}/"), timeout=DEADLINE_S)
        result = run(replace(ECHO, steps=(Pause(DEADLINE_S), *ECHO.steps)), target, Abilities())
    assert result.observed.floods
    assert (result.grade, "nothing has asked for" in result.seen) == (Grade.FAIL, True)
    assert size(result) < 2 * MAX_RECEIVED


def test_the_survey_gives_up_a_server_that_sends_without_end():
    with answering(one_message_without_end) as port:
        target = Target(parse_uri(f"ws://127.0.0.1:{port}/"), timeout=DEADLINE_S)
        assert survey(target).problem.startswith("after the 101 it sends without an end")


def test_a_head_without_end_is_judged_before_its_end():
    with answering(head_without_end) as port:
        target = Target(parse_uri(f"ws://127.0.0.1:{port}/"), timeout=DEADLINE_S)
        result = run(ECHO, target, Abilities())
    assert (result.grade, "more header lines than" in result.seen) == (Grade.FAIL, True)
    assert size(result) < MAX_RECEIVED


def size(result):
    return sum(len(part.data) for part in result.crossed)
