"""refws check: the cases of frames, messages and closing, and how a case is run.

refws's own server passes each case. What a case makes of a server that is not so good is tested
with servers that are scripts.
"""

import re
import select
import socket
from contextlib import ExitStack
from dataclasses import replace

import pytest

from checks import from_server
from refws.check.case import Case
from refws.check.engine import Abilities, Grade, run
from refws.check.frames import GOOD_BYE, HELLO, frame, text
from refws.check.groups.closing import CLOSING
from refws.check.groups.control import CONTROL
from refws.check.groups.fragmentation import FRAGMENTATION
from refws.check.groups.framing import FRAMING
from refws.check.groups.utf8 import UTF_8
from refws.check.link import Link
from refws.check.outcomes import Closes, Echoes, Fails, Pongs, Sends
from refws.check.reading import FrameReader
from refws.check.seen import End, Seen
from refws.check.target import Target
from refws.protocol.client.uri import parse_uri
from refws.protocol.close import Close
from refws.protocol.frame import Side
from transports import contexts
from wire import (
    BINARY,
    CLOSE,
    DEADLINE_S,
    IN_TIME,
    PING,
    PONG,
    TEXT,
    Background,
    Wire,
    close_body,
    response,
)

pytestmark = pytest.mark.slow

SILENCE = 1.0
"""Seconds without a byte after which a case is over in these tests."""


@pytest.fixture
def scripted(nothing_left_behind):
    """scripted(script, ...) is a target; each script serves one connection, after its 101.

    After the test, what a script raised is raised.
    """
    with ExitStack() as stack:

        def start(*scripts, timeout=DEADLINE_S):
            listener = socket.create_server(("127.0.0.1", 0))
            listener.settimeout(DEADLINE_S)
            uri = parse_uri(f"ws://127.0.0.1:{listener.getsockname()[1]}/")
            stack.callback(Background(serve_in_turn, listener, scripts).result)
            return Target(uri, timeout=timeout)

        yield start


def serve_in_turn(listener, scripts):
    with listener:
        for script in scripts:
            sock, _ = listener.accept()
            wire = Wire(sock)
            try:
                _, fields = wire.receive_request()
                wire.send(response(fields["sec-websocket-key"]))
                script(wire)
            finally:
                wire.close()


def case(best, *steps, weak=()):
    return Case("5.2-test", "A rule.", "", best, weak, steps)


def graded(target, best, *steps, weak=()):
    return run(case(best, *steps, weak=weak), target, Abilities()).grade


# The cases

FRAMES = (FRAMING, FRAGMENTATION, UTF_8, CONTROL, CLOSING)


def echo(connection):
    for message in connection:
        connection.send(message)


def not_passed(group, target):
    """{name of a case: what was seen} for each case of the group that does not pass."""
    results = [run(case, target, Abilities()) for case in group.cases]
    return {result.case.name: result.seen for result in results if result.grade is not Grade.PASS}


@pytest.mark.parametrize("group", FRAMES, ids=lambda group: group.name)
def test_refws_passes_each_case(serving, group):
    port = serving(echo).address[1]
    assert not_passed(group, Target(parse_uri(f"ws://127.0.0.1:{port}/"))) == {}


def test_refws_passes_each_case_of_closing_over_tls(serving):
    """Where TCP ends in one direction below TLS."""
    port = serving(echo, ssl=contexts()[Side.SERVER]).address[1]
    target = Target(parse_uri(f"wss://localhost:{port}/"), contexts()[Side.CLIENT])
    assert not_passed(CLOSING, target) == {}


CASES = [case for group in FRAMES for case in group.cases]


def test_each_case_has_a_name_of_its_own_that_begins_with_its_section():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[578](\.\d)+(-[0-9a-z]+)+", name)] == []


def test_each_case_has_a_sentence_and_a_requirement_of_rfc_6455():
    for case in CASES:
        assert re.fullmatch(r"[A-Z].*\w\.", case.rule), case.name
        assert re.fullmatch(r"6455-[578](\.\d)*-\d\d", case.requirement), case.name


# What a case makes of a server that is not the best


def taking(name):
    (found,) = [case for case in CASES if case.name == name]
    return found


def closing_with(body):
    """A server that answers the first frame with this Close."""

    def script(wire):
        wire.receive()
        wire.send(from_server(CLOSE, body))
        wire.file.read()

    return script


@pytest.mark.parametrize(
    "name, body, grade",
    [
        ("7.4-close-1001", close_body(1001), Grade.PASS),
        ("7.4-close-1001", close_body(1000), Grade.WEAK),
        ("7.4-close-1001", b"", Grade.WEAK),
        ("7.4-close-1001", close_body(1002), Grade.FAIL),
        ("7.4-close-1005-is-invalid", close_body(1000), Grade.WEAK),
        ("7.4-close-1005-is-invalid", close_body(1005), Grade.FAIL),
        ("7.4-close-2999-is-invalid", close_body(2999), Grade.WEAK),
        ("7.4-close-2999-is-invalid", close_body(3000), Grade.FAIL),
        ("5.5.1-reason-with-byte-ff", close_body(1000), Grade.WEAK),
        ("5.5.1-reason-with-byte-ff", close_body(1000) + b"\xff", Grade.FAIL),
        ("5.2-rsv1", close_body(1007), Grade.WEAK),
        ("5.2-rsv1", close_body(1000), Grade.WEAK),
        ("5.2-rsv1-in-a-close", close_body(1000), Grade.WEAK),
    ],
)
def test_5_5_1_the_code_of_a_close_decides(scripted, name, body, grade):
    result = run(taking(name), scripted(closing_with(body)), Abilities())
    assert result.grade is grade, result.seen


@pytest.mark.parametrize(
    "name, code, grade",
    [
        ("7.1.5-close-after-close", 1002, Grade.WEAK),
        ("7.1.5-close-after-close", 1008, Grade.FAIL),
        ("7.1.7-tcp-ends-after-a-failure", 1002, Grade.WEAK),
        ("7.1.7-tcp-ends-after-a-failure", 1007, Grade.WEAK),
        ("7.1.7-tcp-ends-after-a-failure", 1000, Grade.FAIL),
    ],
)
def test_7_1_tcp_may_stay_open_for_a_while_after_a_close_of_the_server(scripted, name, code, grade):
    target = scripted(closing_with(close_body(code)), timeout=SILENCE)
    result = run(taking(name), target, Abilities())
    assert (result.grade, result.observed.end) == (grade, End.OPEN), result.seen


def test_5_2_a_length_in_more_bytes_than_needed_may_be_accepted(scripted):
    def script(wire):
        _, payload = wire.receive()
        wire.send(from_server(TEXT, payload))
        wire.receive()
        wire.send(from_server(CLOSE, close_body(1000)))

    case = taking("5.2-length-5-in-16-bits")
    assert run(case, scripted(script), Abilities()).grade is Grade.WEAK


@pytest.mark.parametrize(
    "answer, grade",
    [
        pytest.param(b"", Grade.WEAK, id="nothing"),
        pytest.param(from_server(BINARY, HELLO), Grade.FAIL, id="an echo"),
    ],
)
def test_5_2_a_length_with_the_top_bit_may_be_waited_for(scripted, answer, grade):
    def script(wire):
        wire.send(answer)
        wire.file.read()

    target = scripted(script, timeout=SILENCE)
    result = run(taking("5.2-length-with-the-top-bit"), target, Abilities())
    assert result.grade is grade, result.seen


def test_8_1_text_that_is_no_utf_8_may_be_noticed_at_its_end(scripted):
    def script(wire):
        wire.receive()
        wire.expect_end()

    case = taking("8.1-noticed-before-the-last-fragment")
    assert run(case, scripted(script), Abilities()).grade is Grade.WEAK


@pytest.mark.parametrize(
    "pongs, grade",
    [
        (range(10), Grade.PASS),
        ([9], Grade.WEAK),
        ([3, 9], Grade.WEAK),
        (range(9), Grade.FAIL),
        ([], Grade.FAIL),
    ],
)
def test_5_5_3_of_several_pings_the_latest_must_be_answered(scripted, pongs, grade):
    def script(wire):
        payloads = [wire.receive()[1] for _ in range(10)]
        wire.send(*(from_server(PONG, payloads[i]) for i in pongs))
        wire.expect(CLOSE, close_body(1000), masked=1)
        wire.send(from_server(CLOSE, close_body(1000)))

    target = scripted(script, timeout=SILENCE)
    assert run(taking("5.5.2-ten-pings"), target, Abilities()).grade is grade


@pytest.mark.parametrize("name", ["5.5.2-ping", "5.5.2-ten-pings"])
def test_5_5_3_a_pong_that_no_ping_asks_for_may_come_at_any_time(scripted, name):
    """RFC 6455 §5.5.3: it is a heartbeat in one direction."""

    def script(wire):
        header, payload = wire.receive()
        while header.opcode == PING:
            wire.send(from_server(PONG, b"beat"), from_server(PONG, payload), from_server(PONG))
            header, payload = wire.receive()
        wire.send(from_server(CLOSE, payload))

    assert run(taking(name), scripted(script), Abilities()).grade is Grade.PASS


@pytest.mark.parametrize(
    "end, grade",
    [(Wire.close, Grade.PASS), (Wire.reset, Grade.WEAK), (Wire.expect_end, Grade.FAIL)],
)
def test_5_5_1_the_server_ends_tcp_after_the_closing_handshake(scripted, end, grade):
    def script(wire):
        wire.receive()
        wire.send(from_server(CLOSE, close_body(1000)))
        end(wire)

    target = scripted(script, timeout=SILENCE)
    assert run(taking("5.5.1-tcp-ends-after-close"), target, Abilities()).grade is grade


@pytest.mark.parametrize(
    "body, grade",
    [(close_body(1002), Grade.PASS), (close_body(1000), Grade.WEAK), (b"", Grade.WEAK)],
)
def test_7_1_7_a_server_that_ends_tcp_may_have_another_code_in_its_close(scripted, body, grade):
    def script(wire):
        wire.receive()
        wire.send(from_server(CLOSE, body))

    case = taking("7.1.7-tcp-ends-after-a-failure")
    assert run(case, scripted(script), Abilities()).grade is grade


@pytest.mark.parametrize("opcode, grade", [(PONG, Grade.WEAK), (TEXT, Grade.FAIL)])
def test_5_5_1_what_a_server_sends_after_its_close(scripted, opcode, grade):
    def script(wire):
        wire.receive()
        _, payload = wire.receive()
        wire.send(from_server(CLOSE, close_body(1000)), from_server(opcode, payload))

    target = scripted(script, timeout=SILENCE)
    assert run(taking("5.5.2-ping-after-close"), target, Abilities()).grade is grade


# The Close at the end of a case


@pytest.mark.parametrize("opcode, best", [(TEXT, Echoes((text(HELLO),))), (PING, Pongs((HELLO,)))])
def test_5_5_1_no_close_is_sent_before_the_answer_is_there(scripted, opcode, best):
    """A server that has received a Close need not send an answer that is still missing."""

    def script(wire):
        wire.receive()
        select.select([wire.sock], [], [], IN_TIME)
        wire.expect_silence()
        wire.send(from_server(PONG if opcode == PING else TEXT, HELLO))
        wire.expect(CLOSE, close_body(1000), masked=1)
        wire.send(from_server(CLOSE, close_body(1000)))

    assert graded(scripted(script), best, frame(opcode, HELLO), GOOD_BYE) is Grade.PASS


def test_the_close_is_sent_although_the_answer_never_comes(scripted):
    def script(wire):
        wire.receive()
        wire.expect(CLOSE, close_body(1000), masked=1)
        wire.send(from_server(CLOSE, close_body(1000)))

    best = Echoes((text(HELLO),))
    target = scripted(script, timeout=SILENCE)
    assert graded(target, best, frame(*text(HELLO)), GOOD_BYE) is Grade.FAIL


@pytest.mark.parametrize("end", [Wire.expect_end, Wire.reset], ids=["silence", "reset"])
def test_a_server_that_does_not_answer_a_close_passes_where_the_case_is_about_messages(
    scripted, end
):
    def script(wire):
        wire.receive()
        wire.send(from_server(TEXT, HELLO))
        wire.receive()
        end(wire)

    best = Echoes((text(HELLO),))
    assert graded(scripted(script), best, frame(TEXT, HELLO), GOOD_BYE) is Grade.PASS


@pytest.mark.parametrize(
    "then",
    [from_server(TEXT, HELLO), from_server(CLOSE, close_body(1002)), from_server(TEXT, b"\xff")],
    ids=["the message again", "a failure", "no UTF-8"],
)
def test_a_server_that_sends_more_than_the_answer_fails(scripted, then):
    def script(wire):
        wire.receive()
        wire.send(from_server(TEXT, HELLO))
        wire.receive()
        wire.send(then)
        wire.expect_end()

    best = Echoes((text(HELLO),))
    assert graded(scripted(script), best, frame(TEXT, HELLO), GOOD_BYE) is Grade.FAIL


# Silence


def test_no_probe_is_sent_where_silence_is_allowed(scripted):
    """It would be a message inside of the one that is unfinished."""

    def script(wire):
        wire.receive()
        wire.expect_end()

    start = frame(TEXT, HELLO, fin=False)
    assert graded(scripted(script), Fails((1007,)), start, weak=(Sends(),)) is Grade.WEAK


def test_a_probe_finds_a_server_that_went_on(scripted):
    def script(wire):
        wire.receive()
        _, probe = wire.receive()
        wire.send(from_server(TEXT, probe))
        wire.expect_end()

    result = run(case(Fails(), frame(TEXT, HELLO)), scripted(script), Abilities())
    assert (result.grade, result.observed.went_on) == (Grade.FAIL, True)


# A connection before that of the case


def test_what_comes_before_a_case_is_sent_on_a_connection_that_is_reset(scripted):
    def first(wire):
        wire.expect(TEXT, HELLO, masked=1)
        with pytest.raises(ConnectionResetError):
            wire.receive()

    def second(wire):
        wire.expect(CLOSE, close_body(1000), masked=1)
        wire.send(from_server(CLOSE, close_body(1000)))

    on_two = replace(case(Closes(), GOOD_BYE), before=(frame(TEXT, HELLO),))
    assert run(on_two, scripted(first, second), Abilities()).grade is Grade.PASS


def test_a_server_that_does_not_outlive_the_reset_fails(scripted):
    """Its listening socket is closed after the one connection that it has a script for."""
    on_two = replace(case(Closes(), GOOD_BYE), before=(frame(TEXT, HELLO),))
    result = run(on_two, scripted(lambda wire: wire.receive()), Abilities())
    assert result.grade is Grade.FAIL


# The connection


@pytest.fixture
def linked(tcp):
    """A Link, and the raw server at its other end."""
    ours, theirs = tcp()
    return Link(ours, Side.CLIENT), Wire(theirs)


def test_7_1_1_what_came_before_a_reset_is_read_after_a_send_that_broke(linked):
    link, server = linked
    with link:
        server.send(b"the last words")
        server.reset()
        for _ in range(3):
            link.send(b"too late", DEADLINE_S)
        assert link.end is End.OPEN
        assert link.receive(DEADLINE_S) == b"the last words"
        assert link.receive(DEADLINE_S) == b""
        assert link.end is End.RESET


def test_7_1_1_a_send_after_the_end_of_tcp_does_not_make_it_a_reset(linked):
    link, server = linked
    with link:
        server.send(b"the last words")
        server.close()
        for _ in range(3):
            link.send(b"too late", DEADLINE_S)
        assert link.receive(DEADLINE_S) == b"the last words"
        assert link.receive(DEADLINE_S) == b""
        assert link.end is End.FIN


def test_a_send_after_a_half_close_does_nothing_and_the_stream_stays_open(linked):
    link, server = linked
    with link:
        link.half_close()
        link.send(b"too late", DEADLINE_S)
        server.expect_end()
        assert link.receive(IN_TIME) == b""
        assert link.end is End.OPEN
        server.close()


# What the server sends


def read(*frames):
    """What is seen of a server that sends these frames."""
    seen = Seen()
    FrameReader(seen).feed(b"".join(frames))
    return seen


def test_5_5_2_a_pong_after_its_close_is_noted_and_no_violation():
    seen = read(from_server(CLOSE, close_body(1000)), from_server(PONG, HELLO))
    assert (seen.close, seen.pongs, seen.violation) == (Close(1000), [HELLO], "")


@pytest.mark.parametrize("opcode, payload", [(TEXT, HELLO), (CLOSE, close_body(1000))])
def test_5_5_1_a_message_or_a_close_after_its_close_is_a_violation(opcode, payload):
    seen = read(from_server(CLOSE, close_body(1000)), from_server(opcode, payload))
    assert seen.violation == "§5.5.1: a message or a Close after its Close"


@pytest.mark.parametrize("code", [1004, 1016, 2999, 5000, 65535])
def test_7_4_2_a_code_without_a_meaning_is_noted_and_no_violation(code):
    seen = read(from_server(CLOSE, close_body(code, "why")))
    assert (seen.close, seen.violation) == (Close(code, "why"), "")


@pytest.mark.parametrize("code", [0, 999, 1005, 1006, 1015])
def test_7_4_a_code_that_no_close_may_carry_is_a_violation(code):
    seen = read(from_server(CLOSE, close_body(code)))
    assert seen.close is None
    assert f"close code {code}" in seen.violation


def test_5_5_1_a_reason_that_is_not_utf_8_is_a_violation_also_after_such_a_code():
    assert "§5.5.1" in read(from_server(CLOSE, close_body(2999) + b"\xff")).violation
