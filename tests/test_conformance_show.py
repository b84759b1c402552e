"""`autobahn.py show`: what went over the wire in one case, and what it is about."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

import autobahn
import referees
import runs
import show
from fake_autobahn import FakeTestsuite, write_report

NOON = datetime(2026, 11, 26, 12)

REQUEST = "GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

RESPONSE = "HTTP/1.1 101 Switching Protocols\r\nServer: \x1b[31mred\r\n\r\n"


def octets(data: bytes) -> list[object]:
    """The form in which the testsuite keeps bytes: at most 64 of them."""
    return [len(data), data[:64].hex() + (" ..." if len(data) > 60 else "")]


def noted(*events: object, **changes: object) -> dict[str, object]:
    return {
        "agent": "refws",
        "started": "2026-11-22T18:50:20.973Z",
        "duration": 1001,
        "description": "Send <b>text</b>.<br><br>PARTS:<br>\nPART1 = ce &amp; ba<br>\n",
        "expectation": "Fail fast.",
        "result": "Ok",
        "resultClose": "Closed",
        "httpRequest": REQUEST,
        "httpResponse": RESPONSE,
        "droppedByMe": False,
        "isServer": False,
        "wirelog": [
            ["TO", octets(REQUEST.encode()), False],
            ["RO", octets(RESPONSE.encode())],
            *events,
        ],
        **changes,
    }


def shown(*events: object, **changes: object) -> list[str]:
    return list(show.wire(noted(*events, **changes)))


def test_show_has_the_bytes_in_hexadecimal_with_their_direction() -> None:
    lines = shown(["TO", octets(b"\x86\x11Hello, world!\x00~\x7f"), False], ["RO", octets(b"\x88")])
    assert lines[-6:-1] == [
        "  -> 18 bytes",
        "       86 11 48 65 6c 6c 6f 2c  20 77 6f 72 6c 64 21 00   ..Hello, world!.",
        "       7e 7f                                              ~.",
        "  <- 1 byte",
        "       88                                                 .",
    ]


def test_show_says_how_many_bytes_the_report_does_not_keep() -> None:
    assert (
        "and 1,036 bytes that the report does not keep"
        in shown(["TO", octets(bytes(1100)), False])[-2]
    )


def test_show_leaves_out_bytes_after_the_first_64_that_the_report_has() -> None:
    lines = list(show.hexdump(300, bytes(200).hex() + " ..."))
    assert len(lines) == 6
    assert lines[-2:] == [
        "       and 136 bytes that the testsuite's own page has",
        "       and 100 bytes that the report does not keep",
    ]


def test_show_has_the_heads_as_text_once_and_nothing_that_a_terminal_would_obey() -> None:
    lines = shown()
    assert lines[1:3] == [f"  -> {len(REQUEST)} bytes", "       GET /echo HTTP/1.1"]
    assert "       Server: .[31mred" in lines
    assert len([line for line in lines if "->" in line and "bytes" in line]) == 1


def test_show_of_a_client_has_its_request_first_and_says_that_it_ended_the_connection() -> None:
    log = [["RO", octets(REQUEST.encode())], ["TO", octets(RESPONSE.encode()), False]]
    lines = list(show.wire(noted(isServer=True, wirelog=log)))
    assert lines[0] == "On the wire (-> from the testsuite to the client, <- back):"
    assert lines[1:3] == [f"  <- {len(REQUEST)} bytes", "       GET /echo HTTP/1.1"]
    assert f"  -> {len(RESPONSE)} bytes" in lines
    assert lines[-1] == "  <- the client ended the TCP connection"


def test_show_does_not_take_frames_after_the_response_for_a_part_of_it() -> None:
    more = RESPONSE.encode() + b"\x81\x00"
    lines = list(show.wire(noted(wirelog=[["RO", octets(more)]])))
    assert f"  <- {len(more)} bytes" in lines


def test_show_names_frames_waits_and_the_end() -> None:
    lines = shown(
        ["TF", [12, "ping payload"], 9, True, 0, "292f55b7", None, None, False],
        ["RF", [2, "0x03ea"], 8, True, 4, False, None],
        ["CT", 1, "A"],
        ["CTE", "A"],
        ["KL", 1.5],
        ["KLE"],
        ["WLM", False],
        ["NEW", 1],
        droppedByMe=True,
    )
    assert lines[-9:] == [
        "  -> frame: Ping, FIN 1, RSV 000, payload of 12 bytes: ping payload",
        "  <- frame: Close, FIN 1, RSV 100, payload of 2 bytes: 0x03ea",
        "  .. A: waits for 1 s",
        "  .. A: the wait is over",
        "  .. will end the connection in 1.5 s",
        "  .. time is up: ends the connection",
        "  .. the report leaves out the next events",
        "  .. ['NEW', 1]",
        "  -> the testsuite ended the TCP connection",
    ]


def test_show_cuts_long_logs_in_the_middle_and_long_lines_at_their_end() -> None:
    lines = shown(*([["CT", 1, f"tag{number}"] for number in range(1000)]))
    assert "  .. 960 more events, which the testsuite's own page has" in lines
    assert any("tag0:" in line for line in lines) and any("tag999:" in line for line in lines)
    [long_line] = [
        line for line in shown(["RF", [500, "x" * 500], 1, True, 0, False, None]) if "xxx" in line
    ]
    assert len(long_line) == show.WIDTH and long_line.endswith(" ...")


def test_show_turns_descriptions_into_plain_lines() -> None:
    assert show.plain_text("Send <b>text</b>.<br><br>A:<br>\nP = &amp;<br>\n") == [
        "Send text.",
        "A:",
        "P = &",
    ]


@pytest.fixture
def last_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The reports of 6.4.3: of refws, of its client, and of a peer. No testsuite is installed."""
    monkeypatch.setattr(runs, "REPORTS", tmp_path)
    monkeypatch.setattr(referees, "installed", lambda: None)
    directories = {}
    for tested, agent in (("server", "refws"), ("client", "refws"), ("server", "ws")):
        directory = runs.begin(tested, agent, NOON)
        write_report(directory, {"6.4.3": ("OK", "OK")}, agent)
        found = json.dumps(noted(agent=agent, isServer=tested == "client"))
        (directory / f"{agent}_case_6_4_3.json").write_text(found, "utf-8")
        runs.end(directory)
        directories[f"{tested} {agent}"] = directory
    return directories


def test_show_command_prints_sections_requirements_functions_and_verdict(
    last_reports: dict[str, Path], heard_signals: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert autobahn.main(["show", "6.4.3"]) == 0
    printed = capsys.readouterr().out
    for part in (
        "6.4.3: OK, closing OK",
        "RFC 6455 §8.1: 6455-8.1-01",
        "refws/protocol/message.py IncomingMessage.add",
        "sends      Send text.",
        "PART1 = ce & ba",
        "as always  the opening handshake",
        str(last_reports["server refws"] / "refws_case_6_4_3.html"),
    ):
        assert part in printed
    assert max(map(len, printed.splitlines()[:-1])) <= show.WIDTH


def test_show_command_reads_the_report_of_a_peer(
    last_reports: dict[str, Path], heard_signals: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert autobahn.main(["show", "6.4.3", "--peer", "ws"]) == 0
    assert "(ws, 2026" in capsys.readouterr().out


def test_show_command_reads_the_report_of_the_client(
    last_reports: dict[str, Path], heard_signals: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert autobahn.main(["show", "--client", "6.4.3"]) == 0
    printed = capsys.readouterr().out
    assert "from the testsuite to the client" in printed
    assert str(last_reports["client refws"] / "refws_case_6_4_3.html") in printed


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ([], "autobahn.py server --cases 6.4.4"),
        (["--client"], "autobahn.py client --cases 6.4.4"),
        (["--agent", "mine"], "autobahn.py server --url ws://... --agent mine --cases 6.4.4"),
        (
            ["--agent", "mine", "--client"],
            "autobahn.py client --command '... {url}' --agent mine --cases 6.4.4",
        ),
    ],
)
def test_show_command_has_the_rules_of_a_case_that_has_not_run_and_says_how_to_run_it(
    last_reports: dict[str, Path],
    heard_signals: None,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    advice: str,
) -> None:
    assert autobahn.main(["show", "6.4.4", *words]) == 0
    printed = capsys.readouterr().out
    for part in (advice, "RFC 6455 §8.1: 6455-8.1-01", "message.py IncomingMessage.add"):
        assert part in printed
    assert "On the wire" not in printed


def test_show_command_has_what_an_installed_testsuite_says_of_a_case_that_has_not_run(
    last_reports: dict[str, Path],
    heard_signals: None,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Describing(FakeTestsuite):
        def description(self, case: str) -> list[str]:
            return [f"Send <b>{case}</b>.", "Fail &amp; close."]

    monkeypatch.setattr(referees, "installed", lambda: Describing(tmp_path))
    assert autobahn.main(["show", "6.4.4"]) == 0
    printed = capsys.readouterr().out
    assert "sends      Send 6.4.4.\nexpects    Fail & close.\n" in printed


def test_show_command_refuses_a_case_that_does_not_exist(
    last_reports: dict[str, Path], heard_signals: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert autobahn.main(["show", "6.4.5"]) == 2
    assert "no case fits '6.4.5'" in capsys.readouterr().err


def test_show_command_wants_one_case_of_a_pattern(
    last_reports: dict[str, Path], heard_signals: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert autobahn.main(["show", "6.4.*"]) == 2
    said = capsys.readouterr().err
    assert "'6.4.*' fits 4 cases, from 6.4.1 to 6.4.4: show one of them, as in 6.4.1" in said
    assert autobahn.main(["show", "6.4.[4]"]) == 0
    assert "6.4.4" in capsys.readouterr().out
