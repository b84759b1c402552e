"""The rules to break (RFC 6455 §7.1.7): each is answered as it says, and the wire view agrees."""

import pytest

from refws import Close
from refws.course import services
from refws.course.web import wire_view
from refws.course.web.lab import provoke, send_case
from refws.course.web.violations import CLIENT_CASES, GROUPS, SERVER_CASES
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
