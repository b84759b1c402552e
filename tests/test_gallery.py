"""The gallery of broken rules (RFC 6455 §7.1.7): each is answered as it says, and the wire view
agrees.
"""

import socket
from contextlib import suppress
from pathlib import Path

import pytest

from refws.course import services
from refws.course.web import raw_client, wire_view
from refws.course.web import violations as gallery
from refws.course.web.raw_client import Outcome, provoke, run
from refws.course.web.violations import PROVOCATIONS, TRIALS, Trial
from refws.endpoint.tls.certificates import server_context
from watching import Page
from wire import Background

CERTIFICATES = Path(__file__).parent / "certificates"
JUDGED_BY_THE_SERVER_ALONE = {"foreign-origin"}
"""What the wire view cannot judge, as it depends on how the server is set up."""


@pytest.fixture
def running(serving):
    """What `python3 -m refws` serves, with the wire view."""
    return serving(
        services.serve_endpoint, process_request=services.process_request, trace=wire_view.choose
    )


def test_the_gallery_has_many_rules_each_with_its_own_name_and_words():
    assert len(TRIALS) + len(PROVOCATIONS) == sum(map(len, gallery.GROUPS.values())) + len(
        gallery.TO_THE_BROWSER
    )
    assert len([trial for trial in TRIALS.values() if not trial.allowed]) >= 20
    for trial in [*TRIALS.values(), *PROVOCATIONS.values()]:
        assert "§" in trial.section and trial.title and trial.why.endswith(".")


@pytest.mark.rfc("6455-7.1.7-03", "6455-7.1.7-05", "6455-10.7-03", "6455-10.7-04")
@pytest.mark.parametrize("name", TRIALS)
def test_7_1_7_each_is_answered_as_it_says_and_explained_with_the_same_section(running, name):
    trial = TRIALS[name]
    page = Page(running)
    outcome = run(trial, running.address, page.target(f"/echo?deflate={int(trial.compressed)}"))
    assert outcome.as_expected, outcome
    verdicts = [item["verdict"] for item in page.items() if item["type"] != "NotRead"]
    broken = [
        (verdict["section"], verdict["code"])
        for verdict in verdicts
        if verdict["type"] == "Violation"
    ]
    right_code = trial.code if trial.status == 101 else trial.status
    if trial.code in (1000, None) or name in JUDGED_BY_THE_SERVER_ALONE:
        assert broken == []
    else:
        assert broken == [(trial.section, right_code)]


def test_what_is_allowed_is_echoed(running):
    allowed = [trial for trial in TRIALS.values() if trial.allowed]
    assert len(allowed) >= 5
    for trial in allowed:
        assert run(trial, running.address, "/echo").messages == trial.messages


def test_over_a_unix_socket_too(serving, tmp_path):
    path = str(tmp_path / "socket")
    serving(services.serve_endpoint, host=None, unix_path=path)
    outcome = run(TRIALS["unmasked"], path, "/echo")
    assert (outcome.code, outcome.as_expected) == (1002, True)


def test_over_tls_too(serving):
    context = server_context(str(CERTIFICATES / "localhost.pem"), str(CERTIFICATES / "key.pem"))
    running = serving(services.serve_endpoint, ssl=context)
    outcome = run(TRIALS["unmasked"], running.address, "/echo")
    assert (outcome.code, outcome.as_expected) == (1002, True), outcome


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "::1"])
def test_a_server_that_listens_on_every_address_is_reached(serving, host):
    try:
        running = serving(services.serve_endpoint, host=host)
    except OSError:
        pytest.skip(f"this machine has no address {host}")
    assert run(TRIALS["unmasked"], running.server.address, "/echo").as_expected


@pytest.mark.parametrize(
    "address, host",
    [
        (("127.0.0.1", 8080), "127.0.0.1:8080"),
        (("0.0.0.0", 80), "127.0.0.1:80"),
        (("::", 80, 0, 0), "[::1]:80"),
        ("/run/refws", "localhost"),
    ],
)
def test_host_names_the_server(address, host):
    assert raw_client.host_of(address) == host


# Answers that are not the right ones


class Scripted:
    """A server that says the same to everybody who comes, whatever they say."""

    def __init__(self, *answers):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.thread = Background(self.serve, answers)

    def serve(self, answers):
        for answer in answers:
            client, _ = self.listener.accept()
            with client, suppress(ConnectionError):
                client.recv(4096)
                client.sendall(answer)
                client.shutdown(socket.SHUT_WR)
                while client.recv(4096):
                    pass

    def __enter__(self):
        return self.address

    def __exit__(self, *error):
        self.thread.result()
        self.listener.close()


ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


@pytest.mark.parametrize(
    "name, answer, code, messages",
    [
        ("unmasked", b"\x88\x02\x03\xe8", 1000, 0),
        ("unmasked", b"\x81\x05Hello\x88\x02\x03\xea", 1002, 1),
        ("unmasked", b"", None, 0),
        ("unmasked", b"\x88\x01\x03", None, 0),
        ("unmasked", b"\x88\x02\x03", None, 0),
        ("data-after-close", b"\x81\x05Hello\x88\x02\x03\xe8", 1000, 1),
        ("ping-between", b"\x81\x02He\x81\x03llo\x88\x02\x03\xe8", 1000, 2),
        ("no-close", b"\x88\x02\x03\xe8", 1000, 0),
    ],
)
def test_a_server_that_answers_something_else_is_told_so(
    nothing_left_behind, name, answer, code, messages
):
    with Scripted(ACCEPTED + answer) as address:
        outcome = run(TRIALS[name], address, "/")
    assert (outcome.status, outcome.code, outcome.messages) == (101, code, messages)
    assert not outcome.as_expected


def test_a_server_without_end_is_left_in_the_end(nothing_left_behind):
    with Scripted(ACCEPTED + 200 * b"\x81\x00") as address:
        outcome = run(TRIALS["unmasked"], address, "/")
    assert outcome.messages == raw_client.MOST_FRAMES and not outcome.as_expected


def test_a_handshake_that_should_have_been_refused_is_told_so(nothing_left_behind):
    with Scripted(ACCEPTED) as address:
        outcome = run(TRIALS["no-key"], address, "/")
    assert outcome.status == 101 and not outcome.as_expected


def test_an_answer_that_is_no_http_is_a_problem_in_words(nothing_left_behind):
    with Scripted(b"SSH-2.0-x\r\n", b"SSH-2.0-x\r\n") as address:
        outcome = run(TRIALS["unmasked"], address, "/")
    assert not outcome.as_expected
    assert outcome.problem.startswith(
        "no answer of a WebSocket server came: RFC 9112 §4: status line 'SSH-2.0-x'"
    )


def test_a_server_that_is_not_there_is_a_problem_in_words(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    assert "try it again" in run(TRIALS["unmasked"], address, "/").problem
    assert "try it again" in run(TRIALS["unmasked"], str(tmp_path / "nothing"), "/").problem


def test_the_raw_client_waits_no_longer_than_its_patience(running):
    """The half of a header gets no answer."""
    half = Trial("half", "Half a header", "§5.2", "Nothing is wrong so far.", (b"\x81",))
    outcome = run(half, running.address, "/echo", patience=0.05)
    assert (outcome.status, outcome.code, outcome.as_expected) == (101, None, False)


def test_what_the_page_is_told_of_a_trial_and_an_outcome():
    trial = TRIALS["no-key"]
    assert trial.as_json()["headers"] == [["Sec-WebSocket-Key", None]]
    assert (trial.as_json()["status"], trial.as_json()["wire"]) == (400, "")
    assert TRIALS["unmasked"].as_json()["wire"] == "810548656c6c6f"
    assert Outcome(trial, 400).as_json() == {
        "name": "no-key",
        "status": 400,
        "code": None,
        "reason": "",
        "messages": 0,
        "problem": "",
        "as_expected": True,
    }


# The other way round


class Over:
    """An end that has come, or has not, whatever the patience."""

    def __init__(self, over):
        self.over = over

    def wait(self, seconds):
        return self.over


@pytest.mark.parametrize("name", PROVOCATIONS)
def test_what_the_browser_is_sent_breaks_the_rule_that_it_says(running, name):
    page = Page(running)
    client, number = page.open()
    asked = page.send("provoke", connection=number, rule=name)
    violation = page.until("item")[-1]["item"]["verdict"]
    assert (violation["section"], violation["code"]) == (
        PROVOCATIONS[name].section,
        PROVOCATIONS[name].code,
    )
    assert client.file.peek(1)  # the wire view tells what is about to be sent, before it arrives
    client.close()
    assert page.answer(asked)["as_expected"]


@pytest.mark.parametrize("code, right", [(1002, True), (None, True), (1000, False)])
def test_7_1_7_a_client_may_fail_the_connection_with_a_close_or_without(code, right):
    assert Outcome(PROVOCATIONS["server-rsv2"], 101, code).as_expected == right


def test_a_browser_that_puts_up_with_it_is_told_so(opened):
    connection, peer = opened()
    outcome = provoke(PROVOCATIONS["server-rsv2"], connection, Over(False))
    assert peer.receive()[0].rsv == 0b010
    assert "puts up with it" in outcome.problem and not outcome.as_expected
