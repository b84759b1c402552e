"""The cases of the opening handshake and of HTTP around it (RFC 6455 §4.2): against refws's own
server, against a server that opens whatever it is asked, and against one that says nothing."""

import re
import socket
from contextlib import closing

import pytest

from checks import answering
from refws.check.case import Need
from refws.check.engine import Abilities, Grade, run
from refws.check.groups.deflate_offers import OFFERS
from refws.check.groups.http import HIDDEN, HTTP
from refws.check.groups.negotiation import NEGOTIATION
from refws.check.groups.opening import OPENING
from refws.check.groups.request import REQUEST
from refws.check.opening import VALID, Opening, absolute, added, as_sent, named, reordered
from refws.check.outcomes import Answers, AnyOf, EndsBefore101, No101, Opens, Refuses
from refws.check.reading import ResponseReader
from refws.check.seen import End, Seen
from refws.check.survey import survey
from refws.check.target import Target
from refws.course import services
from refws.protocol.client.handshake import Agreement
from refws.protocol.client.uri import parse_uri
from refws.protocol.extensions import Extension
from refws.protocol.http import Headers, Response
from wire import CLOSE, DEADLINE_S, IN_TIME, SOON_S, TEXT, Wire, close_body, frame, response

pytestmark = pytest.mark.slow

GROUPS = {group.name: group for group in (OPENING, REQUEST, NEGOTIATION, HTTP)}
CASES = {case.name: case for group in GROUPS.values() for case in group.cases}

NAME = re.compile(r"(\d{4}-)?\d+(\.\d+)*(-[a-z0-9.]+)+")
SECTION = re.compile(r"§\d+\.\d+(\.\d+)*|RFC 9\d{3} §\d+(\.\d+)*")
REQUIREMENT = re.compile(r"6455-\d+(\.\d+)+-\d\d")

KEY_LINE = re.compile(rb"(?i)sec-websocket-key:[ \t]*([^\r\n]*?)[ \t]*\r?\n")


def test_there_are_many_cases_each_with_its_own_name_its_section_and_a_sentence():
    assert len(CASES) == sum(len(group.cases) for group in GROUPS.values())
    assert len(CASES) - len(HTTP.cases) >= 60 and len(HTTP.cases) >= 15
    for case in CASES.values():
        assert NAME.fullmatch(case.name) and SECTION.fullmatch(case.section), case.name
        assert case.rule[0].isupper() and case.rule.endswith("."), case.name
        rfc_6455 = case.section.startswith("§")
        assert REQUIREMENT.fullmatch(case.requirement or ("" if rfc_6455 else "6455-4.2.1-01"))
        assert not case.slow


def head(*edits):
    request = Target(parse_uri("ws://example.com/chat")).request()
    return request, Opening(edits).edited(request.to_bytes())


# Against servers


def target_of(running):
    return Target(parse_uri(running.uri), timeout=DEADLINE_S)


@pytest.mark.rfc("6455-4.2.1-03", "6455-4.2.2-20", "6455-4.4-03", "6455-10.7-04")
@pytest.mark.parametrize("compression", [None, "deflate"])
@pytest.mark.parametrize("name", GROUPS)
def test_4_2_our_server_passes_every_case(serving, name, compression):
    running = serving(services.echo, compression=compression)
    target = target_of(running)
    abilities = survey(target)
    assert abilities.lacks == (frozenset() if compression else {Need.DEFLATE})
    results = [run(case, target, abilities) for case in GROUPS[name].cases]
    assert [result for result in results if result.grade is not Grade.PASS] == []


@pytest.fixture
def careless(background):
    """careless(answer) is the target of a server that sends `answer(key)` after each head."""
    listeners = []

    def start(answer, timeout=DEADLINE_S):
        listeners.append(socket.create_server(("127.0.0.1", 0)))
        background(serve, listeners[-1], answer)
        return Target(
            parse_uri(f"ws://127.0.0.1:{listeners[-1].getsockname()[1]}/"), timeout=timeout
        )

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def serve(listener, answer):
    while True:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        with closing(sock):
            sock.settimeout(DEADLINE_S)
            head = b""
            while b"\r\n\r\n" not in head:
                head += sock.recv(65536)
            key = KEY_LINE.search(head)
            sock.sendall(answer(key[1].decode("latin-1") if key else ""))
            while sock.recv(65536):
                pass


def may_open(case):
    return any(isinstance(outcome, Opens) for outcome in (case.best, *case.weak))


def test_4_2_1_a_server_that_opens_whatever_it_is_asked_fails_and_nothing_waits(careless):
    target = careless(response)
    must_refuse = [case for case in REQUEST.cases if not may_open(case)]
    assert len(must_refuse) >= 25
    for case in must_refuse:
        result = run(case, target, Abilities())
        assert (result.grade, result.seen) == (Grade.FAIL, "a valid 101"), case.name
        assert result.seconds < SOON_S


def test_4_2_1_a_server_that_refuses_whatever_it_is_asked_fails_what_is_valid(careless):
    target = careless(lambda key: b"HTTP/1.1 400 Bad Request\r\n\r\n")
    valid = [case for case in REQUEST.cases if case.best == Opens() and not case.weak]
    assert len(valid) >= 5
    for case in valid:
        result = run(case, target, Abilities())
        assert (result.grade, result.seen) == (Grade.FAIL, "status 400 'Bad Request'"), case.name


def test_a_plain_get_that_is_not_answered_is_a_failure(careless):
    result = run(CASES["4.2.1-plain-get"], careless(lambda key: b"", IN_TIME), Abilities())
    assert (result.grade, result.seen) == (Grade.FAIL, "no whole response within 0.05 s")


@pytest.mark.parametrize("name", ["9112-3-garbage", "10.1-tls-client-hello"])
def test_what_is_no_request_may_be_left_without_an_answer(careless, name):
    result = run(CASES[name], careless(lambda key: b"", IN_TIME), Abilities())
    assert result.grade is Grade.WEAK


def test_4_4_a_refusal_of_a_version_that_does_not_name_13_fails(careless):
    case = CASES["4.4-version-14"]
    for lines, grade in {
        "": Grade.FAIL,
        "Sec-WebSocket-Version: 8\r\n": Grade.FAIL,
        "Sec-WebSocket-Version: 8, 13\r\n": Grade.PASS,
    }.items():
        answer = f"HTTP/1.1 426 Upgrade Required\r\n{lines}\r\n".encode()
        assert run(case, careless(lambda key, answer=answer: answer), Abilities()).grade is grade


@pytest.mark.rfc("6455-10.7-02")
@pytest.mark.parametrize(
    "case",
    [CASES["4.2.1-plain-get"], *(case for case in OFFERS if "unknown-parameter" in case.name)],
    ids=lambda c: c.name,
)
def test_10_7_a_server_may_drop_what_it_does_not_understand(case):
    with answering(Wire.receive_request) as port:
        target = Target(parse_uri(f"ws://127.0.0.1:{port}/"), timeout=DEADLINE_S)
        result = run(case, target, Abilities())
    assert (result.grade, result.seen) == (Grade.WEAK, "no response; TCP ends")


HIDING = [case for case in HTTP.cases if HIDDEN in head(*case.opening.edits)[1]]


@pytest.mark.parametrize("case", HIDING, ids=lambda case: case.name)
def test_a_key_that_is_hidden_in_another_line_must_not_count(careless, case):
    """careless() finds it in any place. The version is where it should be, for servers without."""
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in head(*case.opening.edits)[1]
    result = run(case, careless(response), Abilities())
    assert (result.grade, result.seen) == (Grade.FAIL, "a valid 101")


def test_five_lines_hide_a_key():
    assert len(HIDING) == 5


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
REFUSAL = b"HTTP/1.1 417 Expectation Failed\r\n\r\n"


@pytest.mark.parametrize(
    "answer, grade, seen",
    [
        (lambda key: REFUSAL, Grade.PASS, "status 417 'Expectation Failed'"),
        (lambda key: CONTINUE + REFUSAL, Grade.PASS, "status 417 'Expectation Failed'"),
        (lambda key: CONTINUE + response(key), Grade.WEAK, "a valid 101"),
        (lambda key: CONTINUE, Grade.WEAK, "status 100, then no whole response within 0.05 s"),
        (response, Grade.FAIL, "a valid 101"),
        (lambda key: b"", Grade.FAIL, "no whole response within 0.05 s"),
    ],
    ids=["refused", "100-refused", "100-opened", "100-alone", "opened", "silent"],
)
def test_9110_7_8_who_announces_a_body_gets_a_100_before_a_101(careless, answer, grade, seen):
    result = run(CASES["9110-7.8-expect-with-body"], careless(answer, IN_TIME), Abilities())
    assert (result.grade, result.seen) == (grade, seen)


ECHO = frame(TEXT, b"Hello", masked=0) + frame(CLOSE, close_body(1000), masked=0)


@pytest.mark.parametrize(
    "answer, grade",
    [
        (lambda key: response(key) + ECHO, Grade.PASS),
        (lambda key: CONTINUE + response(key) + ECHO, Grade.PASS),
        (lambda key: REFUSAL, Grade.WEAK),
        (lambda key: response(key) + CONTINUE + ECHO, Grade.FAIL),
        (lambda key: CONTINUE * 5 + response(key) + ECHO, Grade.FAIL),
    ],
    ids=["opened", "100-opened", "refused", "opened-100", "many-100"],
)
def test_9110_10_1_1_without_a_body_no_100_is_needed(careless, answer, grade):
    case = CASES["9110-10.1.1-expect-without-body"]
    assert run(case, careless(answer), Abilities()).grade is grade


@pytest.mark.parametrize("status", [101, 404])
def test_9112_4_a_server_must_send_the_space_that_a_client_may_do_without(status):
    seen = Seen()
    ResponseReader(seen, head()[0]).feed(f"HTTP/1.1 {status}\r\nA: b\r\n\r\n".encode())
    assert seen.problem.startswith("RFC 9112 §4: a status line that ends with the status")
    assert seen.response is None


# The request that is sent, and how


def test_an_answer_is_judged_by_the_key_that_was_sent():
    request, valid = head()
    assert (
        as_sent(request, valid).headers["Sec-WebSocket-Key"] == request.headers["Sec-WebSocket-Key"]
    )
    own = f"Sec-WebSocket-Key: {request.headers['Sec-WebSocket-Key']}\r\n".encode()
    other = valid.replace(own, b"sec-websocket-key:  other \r\nSec-WebSocket-Key: third\r\n")
    assert as_sent(request, other).headers["Sec-WebSocket-Key"] == "other"
    assert as_sent(request, valid.replace(own, b"")).headers["Sec-WebSocket-Key"] == ""


def test_an_answer_is_judged_by_the_offers_that_make_sense():
    offers = 'permessage-deflate, x refws, x-refws; a="1"'
    request, sent = head(
        added("Sec-WebSocket-Extensions", offers), added("Sec-WebSocket-Protocol", "a")
    )
    sent = as_sent(request, b"\r\n" + sent.replace(b"\r\n", b"\n") + b"\n folded\n")
    assert sent.headers.get_all("Sec-WebSocket-Extensions") == [
        "permessage-deflate",
        'x-refws; a="1"',
    ]
    assert sent.headers["Sec-WebSocket-Protocol"] == "a"


def test_the_edits_of_a_head():
    _, valid = head()
    first, *lines = valid.removesuffix(b"\r\n\r\n").split(b"\r\n")
    assert head(reordered)[1].count(b"\r\n") == valid.count(b"\r\n")
    assert reordered(valid).split(b"\r\n") == [first, *lines[::-1], b"", b""]
    assert b"\r\nUPGRADE: websocket\r\n" in named(bytes.upper)(valid)
    assert absolute(valid).startswith(
        b"GET http://example.com/chat HTTP/1.1\r\nHost: example.com\r\n"
    )
    assert VALID.edited(valid) == valid


# Outcomes


def opened(*lines, subprotocol=None, extensions=()):
    agreement = Agreement(subprotocol, tuple(Extension(name) for name in extensions), None)
    return Seen(response=Response(101, "", Headers(lines)), agreement=agreement)


def answered(status, *lines):
    return Seen(response=Response(status, "", Headers(lines)))


def test_opens_may_ask_for_a_subprotocol_for_extensions_and_for_no_header():
    assert Opens().is_seen(opened()) and not Opens().is_seen(answered(101))
    assert Opens("a").is_seen(opened(subprotocol="a")) and not Opens("a").is_seen(opened())
    without = Opens(without="Content-Length")
    assert without.is_seen(opened()) and not without.is_seen(opened(("content-length", "0")))
    assert Opens(extensions=()).is_seen(opened())
    assert not Opens(extensions=()).is_seen(opened(extensions=["x"]))
    assert Opens(extensions=("x", "y")).is_seen(opened(extensions=["x"]))


def test_refuses_may_ask_for_a_header_and_for_an_element_in_it():
    assert Refuses().is_seen(answered(500)) and not Refuses().is_seen(answered(302))
    assert not Refuses((400,)).is_seen(answered(404))
    named_13 = Refuses(header="Sec-WebSocket-Version: 13")
    assert named_13.is_seen(answered(400, ("sec-websocket-version", "8,13")))
    assert not named_13.is_seen(answered(400, ("Sec-WebSocket-Version", "130")))
    assert not named_13.is_seen(answered(400))
    assert Refuses(header="Upgrade").is_seen(answered(426, ("Upgrade", "websocket")))


def test_what_is_no_101():
    nothing, end = Seen(), Seen(end=End.FIN)
    assert Answers().is_seen(answered(200)) and not Answers().is_seen(nothing)
    assert not Answers().is_seen(answered(101)) and not No101().is_seen(opened())
    assert No101().is_seen(nothing) and No101().is_seen(answered(200))
    either = AnyOf((Answers(), EndsBefore101()))
    assert either.is_seen(end) and not either.is_seen(nothing)
