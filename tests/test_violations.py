"""The rules to break (RFC 6455 §7.1.7): each is answered as it says, and the wire view agrees."""

import pytest

from refws import Close
from refws.check.case import Drip
from refws.check.clients.groups import CLIENT_GROUPS
from refws.check.frames import GOOD_BYE
from refws.check.groups import GROUPS as CHECK_GROUPS
from refws.check.seen import End, Seen
from refws.check.target import Target
from refws.course import services
from refws.course.web import wire_view
from refws.course.web.lab import provoke, send_case
from refws.course.web.violations import CLIENT_CASES, GROUPS, SERVER_CASES
from refws.protocol.client.handshake import Agreement
from refws.protocol.client.uri import parse_uri
from refws.protocol.http import Headers, Response
from refws.raw_client import Answer
from watching import Page

JUDGED_BY_THE_SERVER_ALONE = {"foreign-origin"}
"""The wire view cannot judge these, because they depend on how the server is set up."""


@pytest.fixture
def running(serving, monkeypatch):
    """What `python3 -m refws` serves, with the wire view, which soon sees that a server ended."""
    monkeypatch.setattr(wire_view, "CLOSED_CHECK_INTERVAL", 0.01)
    return serving(
        services.serve_endpoint, process_request=services.process_request, trace=wire_view.choose
    )


def test_there_are_many_rules_each_with_its_own_name_and_words():
    cases = [case for group in GROUPS for case in group.cases]
    assert len({case.name for case in cases}) == len(CLIENT_CASES) + len(SERVER_CASES) == len(cases)
    assert len([case for case in CLIENT_CASES.values() if not case.allowed]) >= 20
    for case in cases:
        assert "§" in case.section and case.title and case.why.endswith(".")


# The same cases in `refws check`


def checked(groups):
    return {case.name: case for group in groups for case in group.cases}


OF_SERVERS, OF_CLIENTS = checked(CHECK_GROUPS), checked(CLIENT_GROUPS)

BOTH = [
    *((case, OF_SERVERS[case.checked]) for case in CLIENT_CASES.values() if case.checked),
    *((case, OF_CLIENTS[case.checked]) for case in SERVER_CASES.values()),
]


def unmasked(data):
    """The header without its masking key, and the payload without its mask, of each frame."""
    frames = []
    while data:
        header_size = {126: 4, 127: 10}.get(data[1] & 0x7F, 2)
        length = int.from_bytes(data[2:header_size]) if header_size > 2 else data[1] & 0x7F
        start = header_size + (4 if data[1] & 0x80 else 0)
        key = data[header_size:start] or bytes(4)
        payload = data[start : start + length]
        frames.append((data[:header_size], bytes(b ^ key[i % 4] for i, b in enumerate(payload))))
        data = data[start + length :]
    return frames


def sent_by(case):
    steps = (step.data if isinstance(step, Drip) else step for step in case.steps)
    return b"".join(step for step in steps if isinstance(step, bytes))


def test_only_what_no_answer_can_be_seen_of_is_no_case_of_check():
    assert [case.name for case in CLIENT_CASES.values() if not case.checked] == ["no-close"]


@pytest.mark.parametrize("shown, case", BOTH, ids=lambda each: each.name)
def test_check_sends_the_same(shown, case):
    """It may send a Close after it, for a server that accepts what is wrong."""
    wire = b"".join(shown.wire)
    assert unmasked(sent_by(case)) in (unmasked(wire), unmasked(wire + GOOD_BYE))
    assert shown.compressed is (case.opening.offer is not None)
    request = Target(parse_uri("ws://example.com/echo")).request(case.opening.offer)
    first, *lines = case.opening.edited(request.to_bytes()).decode("latin-1").split("\r\n")
    assert first.split()[0] == shown.method
    fields = dict(line.split(": ", 1) for line in lines if line)
    for name, value in shown.headers:
        assert fields.get(name, "").partition(";")[0] == (value or "")


@pytest.mark.parametrize("shown, case", BOTH, ids=lambda each: each.name)
def test_what_the_page_calls_right_is_best_for_check_too(shown, case):
    seen = Seen(response=Response(shown.status, "", Headers()))
    if shown.status == 426:
        seen.response.headers["Sec-WebSocket-Version"] = "13"
    if shown.status == 101:
        best = case.best
        seen.agreement = Agreement(None, (), None)
        seen.close, seen.end = Close(shown.code), End.FIN
        seen.messages = list(getattr(best, "messages", ()))
        seen.pongs = list(getattr(best, "payloads", ()))
        assert len(seen.messages) == shown.messages
    assert case.best.is_seen(seen)


@pytest.mark.rfc("6455-7.1.7-03", "6455-7.1.7-05", "6455-10.7-03", "6455-10.7-04")
@pytest.mark.parametrize("name", CLIENT_CASES)
def test_7_1_7_each_is_answered_as_it_says_and_explained_with_the_same_section(running, name):
    case = CLIENT_CASES[name]
    page = Page(running)
    target = page.target(f"/echo?deflate={int(case.compressed)}")
    answer = send_case(case, running.address, target)
    assert case.is_right(answer), answer
    verdicts = [item["verdict"] for item in page.items() if item["type"] != "NotRead"]
    broken = [
        (verdict["section"], verdict["code"])
        for verdict in verdicts
        if verdict["type"] == "Violation"
    ]
    right_code = case.code if case.status == 101 else case.status
    if case.code in (1000, None) or name in JUDGED_BY_THE_SERVER_ALONE:
        assert broken == []
    else:
        assert broken == [(case.section, right_code)]


def test_what_is_allowed_is_echoed(running):
    allowed = [case for case in CLIENT_CASES.values() if case.allowed]
    assert len(allowed) >= 5
    for case in allowed:
        assert len(send_case(case, running.address, "/echo").messages) == case.messages


@pytest.mark.parametrize(
    "name, answer, right",
    [
        ("unmasked", Answer(101, Close(1002)), True),
        ("unmasked", Answer(101, Close(1000)), False),
        ("unmasked", Answer(101, Close(1002), (b"Hello",)), False),
        ("unmasked", Answer(101), False),
        ("unmasked", Answer(400), False),
        ("unmasked", Answer(101, Close(1002), problem="no whole answer"), False),
        ("data-after-close", Answer(101, Close(1000)), True),
        ("data-after-close", Answer(101, Close(1000), (b"Hello",)), False),
        ("ping-between", Answer(101, Close(1000), (b"Hello",)), True),
        ("ping-between", Answer(101, Close(1000), (b"He", b"llo")), False),
        ("no-close", Answer(101, None, (b"Hello",)), True),
        ("no-close", Answer(101, Close(1000)), False),
        ("no-key", Answer(400), True),
        ("no-key", Answer(101), False),
    ],
)
def test_an_answer_is_right_or_not(name, answer, right):
    assert CLIENT_CASES[name].is_right(answer) == right


@pytest.mark.parametrize(
    "answer, right",
    [(Answer(101, Close(1002)), True), (Answer(101), True), (Answer(101, Close(1000)), False)],
)
def test_7_1_7_a_client_may_fail_the_connection_with_a_close_or_without(answer, right):
    assert SERVER_CASES["server-rsv2"].is_right(answer) == right


def test_what_the_page_shows_of_a_case_and_of_an_answer():
    case = CLIENT_CASES["no-key"]
    assert case.as_json()["headers"] == [["Sec-WebSocket-Key", None]]
    assert (case.as_json()["status"], case.as_json()["wire"]) == (400, "")
    assert CLIENT_CASES["unmasked"].as_json()["wire"] == "810548656c6c6f"
    assert case.outcome(Answer(400)) == {
        "name": "no-key",
        "status": 400,
        "code": None,
        "reason": "",
        "messages": 0,
        "problem": "",
        "as_expected": True,
    }
    answered = CLIENT_CASES["unmasked"].outcome(Answer(101, Close(1000, "bye"), (b"a", b"b")))
    assert (answered["code"], answered["reason"], answered["messages"]) == (1000, "bye", 2)


# The other way round


class Over:
    """An end that has come, or has not, however long one waits."""

    def __init__(self, over):
        self.over = over

    def wait(self, seconds):
        return self.over


@pytest.mark.parametrize("name", SERVER_CASES)
def test_what_the_browser_is_sent_breaks_the_rule_that_it_says(running, name):
    page = Page(running)
    client, number = page.open()
    command = page.send("provoke", connection=number, rule=name)
    violation = page.until("item")[-1]["item"]["verdict"]
    assert (violation["section"], violation["code"]) == (
        SERVER_CASES[name].section,
        SERVER_CASES[name].code,
    )
    assert client.file.peek(1)  # the wire view shows what is about to be sent, before it arrives
    client.close()
    assert page.answer(command)["as_expected"]


def test_a_browser_that_accepts_a_broken_rule_is_reported(opened):
    connection, peer = opened()
    answer = provoke(SERVER_CASES["server-rsv2"], connection, Over(False))
    assert peer.receive()[0].rsv == 0b010
    assert "accepts it" in answer.problem
    assert not SERVER_CASES["server-rsv2"].is_right(answer)
