"""The Autobahn runner: whole runs, with a testsuite and a server of our own."""

from __future__ import annotations

import io
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import autobahn
import environment
import fuzzing
import processes
import referees
import report
import runs
import workers
from fake_autobahn import (
    BOTH_SIDES,
    FOREVER,
    QUICK,
    FakeTestsuite,
    client_under_test,
    interrupt_run,
)
from progress import Progress

pytestmark = pytest.mark.slow

TESTEE = fuzzing.Testee("refws", "ws://127.0.0.1:9/echo")


def execute(
    tmp_path: Path,
    portions: Sequence[Sequence[str]],
    *,
    server: str = FOREVER,
    case_s: float = 20,
    run_s: float = 20,
) -> workers.Run:
    limits = workers.Limits(case_s, run_s)
    with processes.Process([*QUICK, server], tmp_path / "server.log") as process:
        start = partial(fuzzing.start_fuzzing_client, FakeTestsuite(tmp_path), TESTEE)
        run = workers.Run(start, tmp_path / "reports", process)
        run.execute(
            portions, 2, limits, Progress(["1.1.1"], 2, io.StringIO(), started=time.monotonic())
        )
    return run


def execute_client(
    tmp_path: Path, portions: Sequence[Sequence[str]], *, case_s: float = 20, run_s: float = 20
) -> workers.Run:
    client = fuzzing.Client("refws", client_under_test)
    run = workers.Run(
        partial(fuzzing.start_fuzzing_server, FakeTestsuite(tmp_path), client), tmp_path / "reports"
    )
    progress = Progress(["1.1.1"], 2, io.StringIO(), started=time.monotonic())
    run.execute(portions, 2, workers.Limits(case_s, run_s), progress)
    return run


OF_BOTH_SIDES = pytest.mark.parametrize("run_portions", [execute, execute_client])


def reported(run: fuzzing.Run, tmp_path: Path) -> list[str]:
    report.merge(run.directories, "refws", tmp_path)
    return list(report.read(tmp_path, "refws"))


@OF_BOTH_SIDES
def test_a_run_reports_the_cases_of_all_portions(
    tmp_path: Path, run_portions: Callable[..., workers.Run]
) -> None:
    run = run_portions(tmp_path, [["1.1.1"], ["1.1.2", "2.1"], ["2.2"]])
    assert run.notes == []
    assert reported(run, tmp_path) == ["1.1.1", "1.1.2", "2.1", "2.2"]


@OF_BOTH_SIDES
def test_a_case_that_hangs_is_given_up_and_the_others_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_portions: Callable[..., workers.Run]
) -> None:
    monkeypatch.setenv("HANGING_CASE", "1.1.2")
    run = run_portions(tmp_path, [["1.1.1", "1.1.2", "2.1"]], case_s=0.5)
    assert run.notes == ["1.1.2 did not end within 0.5 s (--case-timeout)"]
    assert reported(run, tmp_path) == ["1.1.1", "2.1"]


def test_a_client_that_crashes_is_noted_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRASHING_CASE", "1.1.2")
    run = execute(tmp_path, [["1.1.1", "1.1.2"], ["2.1"]])
    [note] = run.notes
    assert "status 1 during 1.1.2" in note and "broken pipe" in note
    assert reported(run, tmp_path) == ["2.1"]


def test_a_client_under_test_that_crashes_is_noted_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRASHING_CASE", "1.1.2")
    run = execute_client(tmp_path, [["1.1.1", "1.1.2"], ["2.1"]])
    [note] = run.notes
    assert "status 1 during 1.1.2" in note and "out of memory" in note
    assert reported(run, tmp_path) == ["1.1.1", "1.1.2", "2.1"]


def test_a_referee_that_prints_no_case_runs_each_by_itself_after_a_portion_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANGING_CASE", "1.1.2")
    monkeypatch.setattr(FakeTestsuite, "prints_cases", False)
    monkeypatch.setattr(workers, "SILENT_S", 0.5)
    monkeypatch.setattr(workers, "TIMES_TYPICAL", 0)
    run = execute(tmp_path, [["1.1.1", "1.1.2", "2.1"]])
    assert run.notes == ["1.1.2 did not end within 0.5 s (--case-timeout)"]
    assert reported(run, tmp_path) == ["1.1.1", "2.1"]


def test_what_a_client_under_test_printed_is_kept_beside_its_report(tmp_path: Path) -> None:
    client = fuzzing.Client(
        "refws", lambda url, cases: [*QUICK, "print('connection failed with 1007')"]
    )
    fuzzing.fuzz_client(
        FakeTestsuite(tmp_path), client, ["1.1.1"], tmp_path / "reports", 1, workers.Limits(20, 20)
    )
    [log] = (tmp_path / "reports").glob("*.log")
    assert log.read_text("utf-8") == "connection failed with 1007\n"


def test_a_server_that_dies_ends_the_run_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANGING_CASE", "1.1.1")
    with pytest.raises(
        workers.RunFailed, match=r"(?s)the server ended with status 1 .*out of memory"
    ):
        execute(tmp_path, [["1.1.1"]], server="raise SystemExit('out of memory')")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[processes.Process]:
    """All processes that are started from now on."""
    result: list[processes.Process] = []
    start = processes.Process.__init__

    def noting_start(self: processes.Process, *arguments: object, **options: object) -> None:
        start(self, *arguments, **options)  # type: ignore[arg-type]
        result.append(self)

    monkeypatch.setattr(processes.Process, "__init__", noting_start)
    return result


@OF_BOTH_SIDES
def test_a_run_ends_at_its_deadline_and_leaves_no_process(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    started: list[processes.Process],
    run_portions: Callable[..., workers.Run],
) -> None:
    monkeypatch.setenv("HANGING_CASE", "1.1.1")
    with pytest.raises(workers.RunFailed, match=r"no end after 0.1 s, .*--deadline"):
        run_portions(tmp_path, [["1.1.1"]], run_s=0.1)
    assert len(started) == 2
    assert None not in [process.status for process in started]


def test_a_fuzzing_server_that_never_listens_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[processes.Process]
) -> None:
    monkeypatch.setattr(FakeTestsuite, "fuzzing_server", lambda self, spec: [*QUICK, FOREVER])
    monkeypatch.setattr(fuzzing, "STARTUP_S", 0)
    with pytest.raises(processes.CommandFailed, match="does not listen"):
        execute_client(tmp_path, [["1.1.1"]])
    [server] = started
    assert server.status is not None


def test_a_signal_while_a_fuzzing_server_starts_leaves_no_process(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    started: list[processes.Process],
    heard_signals: None,
) -> None:
    monkeypatch.setattr(FakeTestsuite, "fuzzing_server", lambda self, spec: [*QUICK, FOREVER])
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        execute_client(tmp_path, [["1.1.1"]])
    [server] = started
    assert server.status is not None


def test_the_testsuite_serves_on_this_machine_only_and_without_its_web_pages(
    tmp_path: Path,
) -> None:
    command = referees.Testsuite(tmp_path).fuzzing_server(tmp_path / "spec.json")
    assert command[-6:] == [
        "--mode",
        "fuzzingserver",
        "--webport",
        "0",
        "--spec",
        tmp_path / "spec.json",
    ]
    assert "interface='127.0.0.1'" in referees.FUZZING_SERVER and referees.FUZZING_SERVER in command


@BOTH_SIDES
def test_the_command_exits_with_0_when_all_is_as_expected(
    fake_world: None, capsys: pytest.CaptureFixture[str], tested: str
) -> None:
    assert autobahn.main([tested, "--cases", "1.*,2.*", "--jobs", "2"]) == 0
    assert "27 cases" in capsys.readouterr().out


@BOTH_SIDES
def test_the_command_exits_with_1_and_names_each_difference(
    fake_world: None, capsys: pytest.CaptureFixture[str], tested: str
) -> None:
    assert autobahn.main([tested, "--cases", "7.1.5,7.1.6"]) == 1
    printed = capsys.readouterr().out
    last = runs.last(tested, "refws")
    assert last and f"{last}/index.html" in printed
    assert "7.1.6: expected INFORMATIONAL, closing INFORMATIONAL; got OK, closing OK" in printed
    assert "refws_case_7_1_6.html" in printed
    assert "7.1.5:" not in printed


def test_over_tls_the_server_has_a_certificate_and_the_testsuite_another_scheme(
    fake_world: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested: list[fuzzing.Server] = []
    fuzz = fuzzing.fuzz_server

    def noting_fuzz(referee: Any, server: fuzzing.Server, *rest: Any) -> Any:
        tested.append(server)
        return fuzz(referee, server, *rest)

    monkeypatch.setattr(fuzzing, "fuzz_server", noting_fuzz)
    assert autobahn.main(["server", "--tls", "--cases", "1.*"]) == 0
    assert autobahn.main(["server", "--cases", "1.*"]) == 0
    assert [server.scheme for server in tested] == ["wss", "ws"]
    over_tls, plain = ([str(word) for word in server.command(1)] for server in tested)
    assert over_tls[: len(plain)] == plain and over_tls[len(plain) :: 2] == ["--cert", "--key"]


def test_the_command_exits_with_2_for_cases_that_do_not_exist(
    fake_world: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert autobahn.main(["server", "--cases", "8.*"]) == 2
    assert "'8.*'" in capsys.readouterr().err


@BOTH_SIDES
def test_the_command_exits_with_130_after_a_signal(
    fake_world: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tested: str,
) -> None:
    interrupt_run(monkeypatch, signal.SIGTERM)
    assert autobahn.main([tested, "--cases", "1.*"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_kosoku_gets_cases_address_and_directory_from_the_same_spec(tmp_path: Path) -> None:
    servers = [{"agent": "refws", "url": "ws://127.0.0.1:9/echo"}]
    spec = fuzzing.write_spec(tmp_path / "portion", ["1.1.1", "2.1"], {"servers": servers})
    command = referees.Kosoku(Path("python")).fuzzing_client(spec)
    assert command[3:] == [
        "--outdir", str(tmp_path / "portion"), "--include", "1.1.1", "--include", "2.1",
        "ws://127.0.0.1:9/echo",
    ]  # fmt: skip


def test_kosoku_referees_when_asked_to(
    fake_world: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def no_testsuite(say: environment.Say) -> referees.Testsuite:
        raise environment.Unavailable("no python2.7")

    monkeypatch.setattr(referees, "testsuite", no_testsuite)
    monkeypatch.setattr(referees, "kosoku", lambda: FakeTestsuite(tmp_path))
    monkeypatch.setattr(FakeTestsuite, "cannot_judge", referees.Kosoku.cannot_judge)
    assert autobahn.main(["server", "--cases", "1.*,12.1.*", "--referee", "autobahn"]) == 3
    assert autobahn.main(["server", "--cases", "1.*,12.1.*", "--referee", "kosoku"]) == 0
    assert "33 cases" in capsys.readouterr().out
    last = runs.last("server", "refws")
    assert last and "12.1.1" not in report.read(last, "refws")


def test_a_client_that_ends_with_a_status_of_its_referee_is_not_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRASHING_CASE", "1.1.2")
    monkeypatch.setattr(FakeTestsuite, "passing", (0, 1))
    assert execute(tmp_path, [["1.1.2"]]).notes == []
