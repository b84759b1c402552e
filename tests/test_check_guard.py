"""refws check: a server that ends, hangs or refuses further connections fails no case but one."""

from contextlib import closing
from dataclasses import replace
from socket import create_server
from threading import Barrier, Event

import pytest

from checks import ECHO, OPENED, UNMASKED, answering, report, result, send_back
from refws.check import engine, guard
from refws.check.engine import Abilities, Grade, run
from refws.check.frames import frame
from refws.check.guard import ENDED, Guard, ask
from refws.check.opening import Opening
from refws.check.report.text import draw_report
from refws.check.seen import End
from refws.check.survey import survey
from refws.check.target import Target
from refws.protocol.client.uri import parse_uri
from refws.protocol.http import Headers, Response
from wire import CLOSE, DEADLINE_S, TEXT, Background, Wire, response

pytestmark = [
    pytest.mark.slow,
    pytest.mark.transport("tcp", reason="the servers listen on TCP"),
]

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
SWITCHING = Response(101, "Switching Protocols", Headers())
REFUSED = "no connection: refused"


def target_at(port):
    return Target(parse_uri(f"ws://127.0.0.1:{port}/"), timeout=DEADLINE_S)


def opened(wire):
    _, headers = wire.receive_request()
    wire.send(response(headers["sec-websocket-key"]))


def mortal():
    """A server, and its address, that ends at the first frame without a mask."""

    def serve():
        with closing(listener):
            while True:
                sock, _ = listener.accept()
                with sock:
                    wire = Wire(sock)
                    opened(wire)
                    header, payload = wire.receive()
                    if not header.masked:
                        listener.close()
                        return
                    wire.send_frame(header.opcode, payload, masked=0)
                    wire.send_frame(CLOSE, b"\x03\xe8", masked=0)

    listener = create_server(("127.0.0.1", 0))
    return Background(serve), listener.getsockname()[1]


def test_the_case_that_the_server_does_not_outlive_fails_and_no_case_after_it():
    thread, port = mortal()
    watch = Guard(target_at(port), Abilities(), patience=0)
    assert watch.judge(ECHO).grade is Grade.PASS
    killer, later = watch.judge(UNMASKED), watch.judge(ECHO)
    thread.result()
    assert run(UNMASKED, target_at(port), Abilities()).seen.startswith("no connection")
    assert (killer.grade, killer.outlived) == (Grade.FAIL, False)
    assert "TCP ends" in killer.seen and "a valid opening handshake fails" in killer.seen
    assert (later.grade, later.seen) == (Grade.SKIPPED, ENDED)
    lines = "\n".join(draw_report(report(killer, later)))
    assert "FAIL 5.1-unmasked: the server ended, or hangs" in lines
    assert "while true; do COMMAND; done" in " ".join(lines.split())


@pytest.mark.parametrize(
    "problems, expected",
    [
        ([""], ("", True)),
        (["silent", ""], ("silent", True)),
        (["silent", REFUSED, "silent", ""], (REFUSED, True)),
    ],
)
def test_a_server_that_is_back_was_away_or_only_busy(problems, expected, monkeypatch):
    left = iter(problems)
    monkeypatch.setattr(guard, "problem_with", lambda target: next(left))
    monkeypatch.setattr(guard, "PAUSE", 0)
    assert ask(target_at(1), DEADLINE_S, Event()) == expected
    assert list(left) == []


@pytest.mark.parametrize("first, grade", [("silent", Grade.WEAK), (REFUSED, Grade.FAIL)])
def test_a_server_that_was_started_again_has_not_outlived_the_case(first, grade, monkeypatch):
    left = iter([first, "", ""])
    monkeypatch.setattr(guard, "problem_with", lambda target: next(left))
    monkeypatch.setattr(guard, "PAUSE", 0)

    def ends(wire):
        opened(wire)
        wire.receive()

    with answering(ends) as port:
        watch = Guard(target_at(port), Abilities())
        found = watch.judge(UNMASKED)
        assert (found.grade, found.outlived) == (grade, grade is not Grade.FAIL)
        assert watch.judge(UNMASKED).grade is not Grade.SKIPPED


@pytest.fixture
def at_once(monkeypatch):
    """at_once(is_back) judges two cases at the same time. The server ends in both, and alone in
    UNMASKED only; then it is back, or not.
    """

    def run_case(case, target, abilities):
        first = case.name not in tried
        tried.add(case.name)
        if first:
            both.wait(DEADLINE_S)
        if first or case is UNMASKED:
            return result(case, observed=replace(OPENED, end=End.FIN, response=SWITCHING))
        return result(case, Grade.PASS, "fine")

    def judged(is_back):
        monkeypatch.setattr(guard, "ask", lambda *arguments: (REFUSED, is_back))
        watch = Guard(target_at(1), Abilities())
        other = Background(watch.judge, UNMASKED)
        return watch.judge(ECHO), other.result()

    tried, both = set(), Barrier(2)
    monkeypatch.setattr(guard, "run", run_case)
    return judged


def test_a_case_beside_the_one_that_ended_the_server_is_run_again_alone(at_once):
    neighbour, killer = at_once(is_back=True)
    assert (neighbour.grade, neighbour.outlived) == (Grade.PASS, True)
    assert (killer.grade, killer.outlived) == (Grade.FAIL, False)
    assert "--jobs" not in killer.seen


def test_if_the_server_is_not_back_each_case_that_ran_then_may_have_ended_it(at_once):
    for found in at_once(is_back=False):
        assert (found.grade, found.outlived) == (Grade.FAIL, False)
        assert "it may have been one of them: --jobs 1 shows which" in found.seen


def test_a_case_is_run_again_if_the_server_took_no_more_connections_just_then():
    answers = iter([TOO_MANY, b"", TOO_MANY])

    def serve(wire):
        if (answer := next(answers, None)) is None:
            opened(wire)
            send_back(wire)
        else:
            wire.receive_request()
            wire.send(answer)

    with answering(serve) as port:
        assert Guard(target_at(port), Abilities()).judge(ECHO).grade is Grade.PASS
    assert list(answers) == []


@pytest.mark.parametrize("answer", [TOO_MANY, b""])
def test_a_server_may_be_busy_for_a_moment_after_a_reset(answer):
    """It turns the next connection away, each time; but not the one after that."""

    def serve(wire):
        _, headers = wire.receive_request()
        if was_reset and was_reset.pop():
            wire.send(answer)
            return
        wire.send(response(headers["sec-websocket-key"]))
        try:
            send_back(wire)
        except ConnectionError:
            was_reset.append(True)

    was_reset = []
    resets = replace(ECHO, before=(frame(TEXT, b"Hi"),))
    with answering(serve) as port:
        found = Guard(target_at(port), Abilities()).judge(resets)
    assert (found.grade, found.case) == (Grade.PASS, resets)


@pytest.mark.parametrize("answer", [TOO_MANY, b""])
def test_a_server_that_takes_no_more_connections_passes_no_case(answer):
    def serve(wire):
        wire.receive_request()
        wire.send(answer)

    refused = replace(UNMASKED, best=guard.VALID_REQUEST.best, weak=(engine.Anything(),))
    with answering(serve) as port:
        watch = Guard(target_at(port), Abilities(), patience=0)
        assert [watch.judge(refused).grade for _ in "12"] == [Grade.FAIL, Grade.SKIPPED]


def test_a_refusal_is_an_answer_and_no_end_of_the_server():
    def serve(wire):
        wire.receive_request()
        wire.send(NOT_FOUND)

    with answering(serve) as port:
        watch = Guard(target_at(port), Abilities(), patience=0)
        assert [watch.judge(ECHO).seen for _ in "12"] == ["status 404 'Not Found'"] * 2


def test_the_survey_says_what_the_server_has_not_outlived():
    def serve():
        with closing(listener):
            sock, _ = listener.accept()
            listener.close()
            with sock:
                wire = Wire(sock)
                opened(wire)
                send_back(wire)

    listener = create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    thread = Background(serve)
    abilities = survey(target_at(port), patience=0)
    thread.result()
    assert abilities.ended
    assert "after a message of 5 bytes" in abilities.problem


def test_what_a_server_still_sends_after_the_verdict_is_not_reset(monkeypatch):
    """A server of Node without a listener for errors ends at a reset."""
    sent = []

    def serve(wire):
        opened(wire)
        wire.send_frame(TEXT, b"a mask, which no server may send", masked=1)
        wire.sock.recv(1)
        for text in (b"late", b"later"):  # the first one after a reset is lost without an error
            wire.send_frame(TEXT, text, masked=0)
            sent.append(text)

    monkeypatch.setattr(engine, "LEAVING_TIME", DEADLINE_S)
    with answering(serve) as port:
        case = replace(ECHO, steps=(), opening=Opening())
        found = run(case, target_at(port), Abilities())
    assert "no endpoint may send" in found.seen
    assert sent == [b"late", b"later"]
