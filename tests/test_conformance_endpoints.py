"""The Autobahn runner against anybody's server or client, and what it writes about a run."""

from __future__ import annotations

import json
import shlex
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autobahn
import endpoints
import environment
import expectations
import processes
import referees
import report
import runs
from checks import not_read_by_jenkins
from fake_autobahn import CLIENT_BY_CONVENTION, CLIENT_OF_ONE_CASE, QUICK, FakeTestsuite

pytestmark = pytest.mark.slow

ANY_CASES = ("--cases", "1.1.1,1.1.2,7.1.6")


@pytest.fixture
def server(fake_world: None, serving: Callable[..., Any]) -> list[str]:
    """The words of a command that tests a server which is running."""
    _, port = serving(lambda connection: list(connection)).address
    return ["server", "--url", f"ws://127.0.0.1:{port}/", "--agent", "mine", *ANY_CASES]


def give(monkeypatch: pytest.MonkeyPatch, verdicts: dict[str, tuple[str, str]]) -> None:
    """Let the next runs have these verdicts; all others are OK."""
    monkeypatch.setenv("VERDICTS", json.dumps(verdicts))


def test_a_running_server_is_tested_at_its_url_and_no_other_is_started(
    server: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    specs: list[dict[str, Any]] = []
    fuzz = FakeTestsuite.fuzzing_client

    def noting_fuzz(self: FakeTestsuite, spec: Path) -> list[str | Path]:
        specs.append(json.loads(spec.read_text("utf-8")))
        return fuzz(self, spec)

    def never(port: int) -> list[str]:
        raise AssertionError("refws was started")

    monkeypatch.setattr(FakeTestsuite, "fuzzing_client", noting_fuzz)
    monkeypatch.setattr(endpoints, "server_command", never)
    assert autobahn.main(server) == 0
    assert [spec["servers"] for spec in specs] == [[{"agent": "mine", "url": server[2]}]]
    last = runs.last("server", "mine")
    assert last and list(report.read(last, "mine")) == ["1.1.1", "1.1.2", "7.1.6"]


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (("NON-STRICT", "OK"), 0),
        (("UNIMPLEMENTED", "OK"), 0),
        (("INFORMATIONAL", "INFORMATIONAL"), 0),
        (("FAILED", "OK"), 1),
        (("ERROR", "OK"), 1),
        (("OK", "WRONG CODE"), 1),
        (("OK", "UNCLEAN"), 1),
    ],
)
def test_without_an_expectation_a_run_fails_if_a_case_broke_a_rule(
    server: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verdict: tuple[str, str],
    status: int,
) -> None:
    give(monkeypatch, {"1.1.2": verdict})
    assert autobahn.main(server) == status
    printed = capsys.readouterr().out
    assert ("1.1.2: expected no failure; got " + ", closing ".join(verdict) in printed) == status
    kind = verdict[0] if verdict[0] != "OK" else f"Closed {verdict[1]}"
    assert (f"  {kind}: 1.1.2\n" in printed) == (kind != "INFORMATIONAL")


def test_a_case_without_a_result_has_failed(
    server: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HANGING_CASE", "1.1.2")
    assert autobahn.main([*server, "--case-timeout", "1"]) == 1
    assert "1.1.2: expected no failure; got no result" in capsys.readouterr().out


def test_an_expectation_is_written_and_then_compared(
    server: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "mine.json"
    give(monkeypatch, {"1.1.2": ("FAILED", "UNCLEAN")})
    words = [*server, "--expect", str(file)]
    assert autobahn.main([*words, "--update"]) == 0
    assert autobahn.main(words) == 0
    exceptions = json.loads(file.read_text("utf-8"))["exceptions"]
    assert exceptions == {"1.1.2": ["FAILED", "UNCLEAN"]}
    give(monkeypatch, {})
    capsys.readouterr()
    assert autobahn.main(words) == 1
    better = "1.1.2: expected FAILED, closing UNCLEAN; got OK, closing OK"
    assert better in capsys.readouterr().out


def test_an_update_keeps_what_is_expected_of_the_cases_that_did_not_run(
    server: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.json"
    before = expectations.Expectation.load(report.EXPECTED["server"])
    before.updated(
        {
            "1.1.2": report.Result(report.Verdict("FAILED", "OK"), file),
            "2.5": report.Result(report.Verdict("NON-STRICT", "OK"), file),
        }
    ).save(file)
    give(monkeypatch, {})
    assert autobahn.main([*server, "--expect", str(file), "--update"]) == 0
    after = expectations.Expectation.load(file).verdicts
    assert list(after) == list(before.verdicts)
    assert {case: after[case] for case in ("1.1.2", "2.5", "7.1.6")} == {
        "1.1.2": report.STRICT,
        "2.5": report.Verdict("NON-STRICT", "OK"),
        "7.1.6": report.STRICT,
    }


def test_an_update_does_not_hide_a_case_without_a_result(
    server: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANGING_CASE", "1.1.2")
    words = [*server, "--case-timeout", "1", "--expect", str(tmp_path / "mine.json"), "--update"]
    assert autobahn.main(words) == 1


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (None, "--update writes it"),
        ("{", "cannot be read"),
        ("[]", "--update writes such a file"),
        ('{"cases": {"1.1": "8"}, "exceptions": {}}', "--update writes such a file"),
        ('{"cases": {"1.1": 8}, "exceptions": {"1.1.1": ["OK"]}}', "--update writes such a file"),
        ('{"cases": {"1.1": 8}, "exceptions": {"x": ["OK", "OK"]}}', "does not count: x"),
    ],
)
def test_a_file_that_is_no_expectation_is_refused_before_the_run(
    server: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str | None,
    advice: str,
) -> None:
    file = tmp_path / "mine.json"
    if text is not None:
        file.write_text(text, "utf-8")
    assert autobahn.main([*server, "--expect", str(file)]) == 2
    assert advice in capsys.readouterr().err
    assert runs.last("server", "mine") is None


def test_a_server_that_does_not_answer_is_named_before_the_run(
    fake_world: None, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"ws://127.0.0.1:{processes.free_port()}/"
    assert autobahn.main(["server", "--url", url, "--agent", "mine"]) == 1
    printed = capsys.readouterr().err
    assert url in printed and "start the server" in printed


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["server", "--url", "ws://a/"], "--agent NAME"),
        (["server", "--agent", "mine"], "--url and --agent belong together"),
        (["client", "--command", "true {url}"], "--agent NAME"),
        (["server", "--url", "ws://a/", "--agent", "b", "--update"], "--expect FILE"),
        (["server", "--url", "wss://a/", "--agent", "b", "--tls"], "write wss:// in --url"),
        (["client", "--command", "true", "--agent", "b"], "has no {url}"),
        (["client", "--command", "no-such {url}", "--agent", "b"], "no program 'no-such'"),
        (["client", "--command", "true '{url}", "--agent", "b"], "quote it as in a shell"),
    ],
)
def test_options_that_do_not_fit_together_are_refused_with_advice(
    fake_world: None, capsys: pytest.CaptureFixture[str], words: list[str], advice: str
) -> None:
    assert autobahn.main(words) == 2
    assert advice in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["--url", "http://a/"], "ws://"),
        (["--agent", "../a"], "letters, digits"),
        (["--json", "no-such-directory/a.json"], "a directory that exists"),
    ],
)
def test_values_that_cannot_be_used_are_refused_by_the_command_line(
    capsys: pytest.CaptureFixture[str], words: list[str], advice: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        autobahn.main(["server", *words])
    assert advice in capsys.readouterr().err


# Clients


def test_a_client_that_knows_the_convention_needs_the_url_alone(fake_world: None) -> None:
    command = shlex.join([*QUICK, CLIENT_BY_CONVENTION, "{url}"])
    assert autobahn.main(["client", "--command", command, "--agent", "mine", *ANY_CASES]) == 0
    last = runs.last("client", "mine")
    assert last and list(report.read(last, "mine")) == ["1.1.1", "1.1.2", "7.1.6"]


def test_a_client_that_only_echoes_starts_for_each_case_and_may_end_with_an_error(
    fake_world: None, capsys: pytest.CaptureFixture[str]
) -> None:
    command = shlex.join([*QUICK, CLIENT_OF_ONE_CASE, "{case_url}", "{agent}", "case {case}"])
    assert autobahn.main(["client", "--command", command, "--agent", "mine", *ANY_CASES]) == 0
    last = runs.last("client", "mine")
    assert last and list(report.read(last, "mine")) == ["1.1.1", "1.1.2", "7.1.6"]
    printed = sorted(log.read_text("utf-8").split("\n")[0] for log in last.glob("mine-*.log"))
    assert printed == ["ran case 1.1.1", "ran case 1.1.2", "ran case 7.1.6"]
    assert "ended with status" not in capsys.readouterr().out


def test_no_shell_reads_a_command_and_other_braces_stay() -> None:
    client = endpoints.client("true {url} '{a: {agent}}' ; $HOME", "mine")
    words = client.command("ws://127.0.0.1:9", ["1.1.1"])
    assert words == ["true", "ws://127.0.0.1:9", "{a: mine}", ";", "$HOME"]
    assert client.directory is None and not client.one_case_each


# Without Python 2.7


@pytest.mark.parametrize("tested", ["server", "client"])
def test_without_the_testsuite_kosoku_judges_and_a_line_says_so(
    fake_world: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tested: str,
) -> None:
    def unavailable(say: environment.Say) -> referees.Testsuite:
        raise environment.Unavailable("install Python 2.7")

    monkeypatch.setattr(referees, "testsuite", unavailable)
    monkeypatch.setattr(referees, "kosoku", lambda: FakeTestsuite(tmp_path))
    monkeypatch.setattr(FakeTestsuite, "cannot_judge", referees.Kosoku.cannot_judge)
    monkeypatch.setattr(FakeTestsuite, "name", "kosoku 0")
    assert autobahn.main([tested, "--cases", "1.*,12.1.1,12.1.2"]) == 0
    printed = capsys.readouterr().out
    assert "install Python 2.7.\nUntil then kosoku 0 judges, without 12.*.1, 13.*.1" in printed
    assert "17 cases" in printed


def test_over_tls_only_the_testsuite_judges(
    fake_world: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unavailable(say: environment.Say) -> referees.Testsuite:
        raise environment.Unavailable("install Python 2.7")

    monkeypatch.setattr(referees, "testsuite", unavailable)
    assert autobahn.main(["server", "--tls"]) == 3
    [line] = capsys.readouterr().err.splitlines()
    assert "install Python 2.7; and kosoku does not speak TLS" in line


def test_kosoku_serves_the_cases_and_the_address_of_the_spec(tmp_path: Path) -> None:
    spec = tmp_path / "spec.json"
    told = {"outdir": "there", "url": "ws://127.0.0.1:9", "cases": ["1.1.1", "2.1"]}
    spec.write_text(json.dumps(told), "utf-8")
    assert referees.Kosoku(Path("python")).fuzzing_server(spec)[3:] == [
        "--outdir", "there", "--include", "1.1.1", "--include", "2.1",
        "--mode", "fuzzingserver", "127.0.0.1:9",
    ]  # fmt: skip


# What is written about a run


def test_json_has_each_case_with_its_verdict_and_its_difference(
    server: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, {"1.1.2": ("FAILED", "OK"), "7.1.6": ("INFORMATIONAL", "OK")})
    assert autobahn.main([*server, "--json", str(tmp_path / "run.json")]) == 1
    written = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert {key: written[key] for key in ("format", "tested", "agent", "target", "passed")} == {
        "format": "autobahn-run 1",
        "tested": "server",
        "agent": "mine",
        "target": server[2],
        "passed": False,
    }
    assert written["referee"] == "autobahntestsuite 25.10.1"
    assert written["directory"] == str(runs.last("server", "mine"))
    cases = written["cases"]
    assert list(cases) == ["1.1.1", "1.1.2", "7.1.6"]
    assert "RFC 6455 §5.6" in cases["1.1.2"].pop("sections")
    assert cases["1.1.2"] == {
        "behavior": "FAILED",
        "behaviorClose": "OK",
        "milliseconds": 1,
        "page": "refws_case_1_1_2.json",
        "difference": {"expected": "no failure", "got": "FAILED, closing OK"},
    }
    assert cases["1.1.1"]["difference"] is None and cases["7.1.6"]["difference"] is None


def test_json_has_null_for_a_case_without_a_result(
    server: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANGING_CASE", "1.1.2")
    words = [*server, "--case-timeout", "1", "--json", str(tmp_path / "run.json")]
    assert autobahn.main(words) == 1
    case = json.loads((tmp_path / "run.json").read_text("utf-8"))["cases"]["1.1.2"]
    assert case["behavior"] is case["behaviorClose"] is case["milliseconds"] is case["page"] is None
    assert case["difference"]["got"] == "no result"


def test_junit_has_a_test_for_each_case_failed_where_it_differs(
    server: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(monkeypatch, {"1.1.2": ("FAILED", "OK"), "7.1.6": ("UNIMPLEMENTED", "OK")})
    assert autobahn.main([*server, "--junit", str(tmp_path / "run.xml")]) == 1
    root = ET.parse(tmp_path / "run.xml").getroot()
    assert not_read_by_jenkins(root) == []
    [suite] = root
    counts = {name: suite.get(name) for name in ("tests", "failures", "skipped", "errors")}
    assert counts == {"tests": "3", "failures": "1", "skipped": "1", "errors": "0"}
    marks = {
        f"{test.get('classname')} {test.get('name')}": [child.tag for child in test]
        for test in suite.iter("testcase")
    }
    assert marks == {
        "autobahn.server.1.1 1.1.1": [],
        "autobahn.server.1.1 1.1.2": ["failure"],
        "autobahn.server.7.1 7.1.6": ["skipped"],
    }
    [failure] = suite.iter("failure")
    assert failure.get("message") == "expected no failure; got FAILED, closing OK"
    assert failure.text and "RFC 6455 §5.6" in failure.text
