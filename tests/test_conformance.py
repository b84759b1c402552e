"""The Autobahn runner: selection, portions, progress, merging and judging, all with a made-up testsuite."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

CONFORMANCE = Path(__file__).resolve().parent.parent / "conformance"
sys.path.insert(0, str(CONFORMANCE))

import autobahn  # noqa: E402
import environment  # noqa: E402
import fuzzing  # noqa: E402
import processes  # noqa: E402
import report  # noqa: E402
from cases import UnknownCases, case_order, portions, select, typical_s  # noqa: E402
from progress import Progress, clock, left_s  # noqa: E402

QUICK = (sys.executable, "-S", "-c")
FOREVER = "import signal; signal.pause()"
ALL_CASES = 517

# --- cases ------------------------------------------------------------------------------------------------------------


def test_cases_are_ordered_by_number_not_by_letter() -> None:
    assert sorted(["10.1.1", "9.10.1", "9.2.1", "2.11", "2.2"], key=case_order) == [
        "2.2",
        "2.11",
        "9.2.1",
        "9.10.1",
        "10.1.1",
    ]


def test_select_takes_patterns_and_single_cases_and_leaves_out_the_excluded() -> None:
    known = ["1.1.1", "1.1.2", "2.1", "9.1.1", "9.1.2", "10.1.1"]
    assert select(known, ["1.*", "9.1.1"], ["1.1.2"]) == ["1.1.1", "9.1.1"]


def test_select_of_1_star_does_not_take_10() -> None:
    assert select(["1.1.1", "10.1.1"], ["1.*"]) == ["1.1.1"]


def test_select_of_a_case_does_not_take_longer_numbers() -> None:
    assert select(["9.1.1", "9.1.10"], ["9.1.1"]) == ["9.1.1"]


@pytest.mark.parametrize(("patterns", "excluded"), [(["8.*"], []), (["*"], ["8.*"])])
def test_select_refuses_a_pattern_that_fits_no_case(patterns: list[str], excluded: list[str]) -> None:
    with pytest.raises(UnknownCases, match=r"8\.\*"):
        select(["1.1.1"], patterns, excluded)


@pytest.mark.parametrize(("patterns", "excluded"), [([], []), (["1.*"], ["*"])])
def test_select_refuses_to_select_nothing(patterns: list[str], excluded: list[str]) -> None:
    with pytest.raises(UnknownCases, match="no case is left"):
        select(["1.1.1"], patterns, excluded)


def test_typical_duration_is_that_of_the_longest_name() -> None:
    assert typical_s("9.5.1") > typical_s("9.5.2") > typical_s("1.1.1")
    assert typical_s("12.1.1") == typical_s("13.7.18")


def test_portions_hold_every_case_once_and_the_longest_first() -> None:
    cases = ["1.1.1", "6.4.3", *(f"12.1.{n}" for n in range(1, 19))]
    split = portions(cases, clients=2)
    assert sorted(case for portion in split for case in portion) == sorted(cases)
    assert len(split) >= 2
    assert "1.1.1" in split[-1]
    assert split[0][0].startswith("12.")


def test_portions_are_in_the_order_in_which_the_testsuite_runs_them() -> None:
    assert portions(["6.4.1", "10.1.1", "2.11", "2.2"], clients=1) == [["2.2", "2.11", "6.4.1", "10.1.1"]]


def test_quick_cases_are_not_spread_over_more_clients_than_pay() -> None:
    assert len(portions(["1.1.1", "1.1.2", "2.1"], clients=8)) == 1


# --- progress ---------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3600, "60:00")])
def test_clock_counts_minutes_and_seconds(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_time_left_is_by_the_pace_so_far() -> None:
    cases = [f"12.1.{n}" for n in range(1, 5)]
    assert left_s(cases[:1], cases, elapsed_s=30, clients=2) == pytest.approx(90)


def test_time_left_at_the_start_is_by_the_typical_durations() -> None:
    cases = [f"12.1.{n}" for n in range(1, 5)]
    assert left_s([], cases, elapsed_s=0, clients=2) == pytest.approx(2 * typical_s("12.1.1"))


def test_progress_on_a_terminal_rewrites_one_line_and_clears_it() -> None:
    output = Terminal()
    progress = Progress(["1.1.1", "1.1.2"], 1, output, started=100)
    progress.show({"1.1.1"}, ["1.1.2"], now=101)
    progress.show({"1.1.1"}, ["1.1.2"], now=102)
    progress.end()
    assert "\n" not in output.getvalue()
    assert output.getvalue().count("\r") == 3
    assert "1 of 2  0:02" in output.getvalue()
    assert output.getvalue().endswith("\r\x1b[K")


def test_progress_elsewhere_is_a_plain_line_every_five_seconds() -> None:
    output = io.StringIO()
    progress = Progress(["1.1.1", "1.1.2"], 1, output, started=100)
    for now in (101, 104.9, 105, 106, 109.9, 110):
        progress.show({"1.1.1"}, ["1.1.2"], now)
    progress.end()
    lines = output.getvalue().splitlines()
    assert [line.split(",")[0].split()[-1] for line in lines] == ["0:05", "0:10"]
    assert lines[0].endswith("1.1.2")
    assert "\x1b" not in output.getvalue()


def test_last_started_is_the_case_printed_last() -> None:
    printed = "Cases = ['1.1.1', '1.1.2']\n" + "".join(
        f"Running test case ID {case} for agent refws from peer tcp4:127.0.0.1:9\n" for case in ("1.1.1", "1.1.2")
    )
    assert fuzzing.last_started(printed) == "1.1.2"
    assert fuzzing.last_started("Cases = ['1.1.1']\n") is None


# --- reports ----------------------------------------------------------------------------------------------------------


def write_report(directory: Path, verdicts: dict[str, tuple[str, str]], agent: str = "refws") -> Path:
    """A report as the testsuite writes it."""
    directory.mkdir(parents=True, exist_ok=True)
    index = {}
    for case, (behavior, close) in verdicts.items():
        stem = f"{agent}_case_{case.replace('.', '_')}"
        index[case] = {"behavior": behavior, "behaviorClose": close, "duration": 3, "reportfile": f"{stem}.json"}
        (directory / f"{stem}.json").write_text("{}", "utf-8")
        (directory / f"{stem}.html").write_text(f"page of {case}", "utf-8")
    (directory / "index.json").write_text(json.dumps({agent: index}), "utf-8")
    return directory


def merged(target: Path, *parts: dict[str, tuple[str, str]]) -> dict[str, report.Result]:
    target.mkdir(exist_ok=True)
    directories = [write_report(target / f"client-{n}", part) for n, part in enumerate(parts)]
    report.merge(directories, "refws", target)
    return report.read(target, "refws")


OK = ("OK", "OK")
INFORMATIONAL = ("INFORMATIONAL", "INFORMATIONAL")
EXPECTED = report.Expectation(
    {"1.1.1": report.STRICT, "1.1.2": report.STRICT, "7.1.6": report.Verdict(*INFORMATIONAL)}
)


def test_merge_joins_the_cases_of_all_parts_in_their_order(tmp_path: Path) -> None:
    results = merged(tmp_path, {"10.1.1": OK, "2.1": OK}, {"9.1.1": ("NON-STRICT", "OK")})
    assert list(results) == ["2.1", "9.1.1", "10.1.1"]
    assert results["9.1.1"].verdict == ("NON-STRICT", "OK")


def test_merge_moves_the_pages_and_links_them(tmp_path: Path) -> None:
    results = merged(tmp_path, {"1.1.1": OK}, {"1.1.2": OK})
    assert [result.page.read_text("utf-8") for result in results.values()] == ["page of 1.1.1", "page of 1.1.2"]
    assert 'href="refws_case_1_1_2.html"' in (tmp_path / "index.html").read_text("utf-8")
    assert list(tmp_path.glob("client-*")) == []


def test_merge_takes_a_part_without_index_as_no_results(tmp_path: Path) -> None:
    (tmp_path / "client-1").mkdir()
    part = write_report(tmp_path / "client-2", {"1.1.1": OK})
    report.merge([tmp_path / "client-1", part], "refws", tmp_path)
    assert list(report.read(tmp_path, "refws")) == ["1.1.1"]


def test_a_report_as_expected_has_no_differences(tmp_path: Path) -> None:
    results = merged(tmp_path, {"1.1.1": OK, "1.1.2": OK, "7.1.6": INFORMATIONAL})
    assert report.differences(["1.1.1", "1.1.2", "7.1.6"], EXPECTED, results) == []


@pytest.mark.parametrize(
    ("case", "got"),
    [
        ("1.1.1", ("FAILED", "OK")),
        ("1.1.1", ("NON-STRICT", "OK")),
        ("1.1.1", ("OK", "UNCLEAN")),
        ("1.1.1", ("OK", "WRONG CODE")),
        ("1.1.1", ("OK", "FAILED BY CLIENT")),
        ("7.1.6", OK),
    ],
)
def test_a_verdict_worse_or_better_than_expected_is_a_difference(
    tmp_path: Path, case: str, got: tuple[str, str]
) -> None:
    results = merged(tmp_path, {case: got})
    [difference] = report.differences([case], EXPECTED, results)
    assert difference.case == case
    assert difference.expected == f"{EXPECTED.verdicts[case]}"
    assert difference.got == f"{got[0]}, closing {got[1]}"
    assert difference.page == tmp_path / f"refws_case_{case.replace('.', '_')}.html"
    assert str(difference.page) in str(difference)


def test_a_selected_case_without_result_is_a_difference(tmp_path: Path) -> None:
    [difference] = report.differences(["1.1.1", "1.1.2"], EXPECTED, merged(tmp_path, {"1.1.1": OK}))
    assert (difference.case, difference.got, difference.page) == ("1.1.2", "no result", None)


def test_a_case_that_the_expectation_does_not_know_is_a_difference(tmp_path: Path) -> None:
    [difference] = report.differences(["1.1.1"], EXPECTED, merged(tmp_path, {"1.1.1": OK, "14.1": OK}))
    assert (difference.case, difference.expected) == ("14.1", "no such case")


def test_cases_that_were_not_selected_are_not_missed(tmp_path: Path) -> None:
    assert report.differences(["1.1.1"], EXPECTED, merged(tmp_path, {"1.1.1": OK})) == []


def test_summary_counts_by_group_and_in_all(tmp_path: Path) -> None:
    results = merged(
        tmp_path,
        {
            "2.1": OK,
            "2.2": ("NON-STRICT", "OK"),
            "7.1.6": INFORMATIONAL,
            "10.1.1": ("FAILED", "UNCLEAN"),
            "12.1.1": ("UNIMPLEMENTED", "OK"),
        },
    )
    table = {line.split()[0]: line.split()[1:] for line in report.summary(results).splitlines()[1:]}
    #                cases OK  NON-STRICT INFORMATIONAL UNIMPLEMENTED FAILED unclean
    assert table == {
        "2.*": ["2", "1", "1", "0", "0", "0", "0"],
        "7.*": ["1", "0", "0", "1", "0", "0", "0"],
        "10.*": ["1", "0", "0", "0", "0", "1", "1"],
        "12.*": ["1", "0", "0", "0", "1", "0", "0"],
        "all": ["5", "1", "1", "1", "1", "1", "1"],
    }


def test_index_page_escapes_what_it_shows(tmp_path: Path) -> None:
    result = report.Result(report.Verdict("<b>", "OK"), tmp_path / "page.html")
    page = report.index_page("<agent>", {"1.1.1": result})
    assert "<b>" not in page and "<agent>" not in page


# --- the committed expectation ----------------------------------------------------------------------------------------


def test_the_committed_expectation_counts_every_case_of_the_testsuite() -> None:
    verdicts = report.Expectation.load(autobahn.EXPECTED).verdicts
    assert len(verdicts) == ALL_CASES
    assert {"1.1.1", "2.11", "6.22.34", "7.13.2", "10.1.1", "12.5.18", "13.7.18"} <= set(verdicts)


def test_only_the_cases_that_are_informational_by_nature_are_not_strict() -> None:
    verdicts = report.Expectation.load(autobahn.EXPECTED).verdicts
    others = {case: verdict for case, verdict in verdicts.items() if verdict != report.STRICT}
    assert others == dict.fromkeys(["7.1.6", "7.13.1", "7.13.2"], INFORMATIONAL)


def test_an_exception_for_a_case_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "expected.json"
    file.write_text(json.dumps({"cases": {"2": 11}, "exceptions": {"2.12": OK}}), "utf-8")
    with pytest.raises(ValueError, match=r"2\.12"):
        report.Expectation.load(file)


def test_by_default_the_compression_cases_are_left_out() -> None:
    known = set(report.Expectation.load(autobahn.EXPECTED).verdicts)
    assert len(autobahn.selection(known, autobahn.parser().parse_args(["server"]))) == 301
    asked_for = autobahn.parser().parse_args(["server", "--cases", "12.1.*", "--exclude-cases", "12.1.1"])
    assert len(autobahn.selection(known, asked_for)) == 17


# --- processes --------------------------------------------------------------------------------------------------------


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return not is_zombie(process_id)


def is_zombie(process_id: int) -> bool:
    """Ended, but its new parent has not taken notice yet (Linux; elsewhere the parent is quick)."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{process_id}/status").read_text("utf-8")
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        processes.pause(0.01)


def test_leaving_the_block_ends_the_process_and_its_children(tmp_path: Path) -> None:
    script = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:]).pid, flush=True);"
    log = tmp_path / "log"
    with processes.Process([*QUICK, script + FOREVER, *QUICK, FOREVER], log) as process:
        wait_until(lambda: log.read_text("ascii").endswith("\n"))
        child = int(log.read_text("ascii"))
    assert process.status == -signal.SIGTERM
    wait_until(lambda: not is_alive(child))


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "TERMINATE_S", 0.05)
    script = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True);"
    log = tmp_path / "log"
    with processes.Process([*QUICK, script + FOREVER], log) as process:
        wait_until(lambda: log.read_text("ascii") == "ready\n")
    assert process.status == -signal.SIGKILL


def test_run_reports_the_status_and_the_last_lines_of_a_failing_command(tmp_path: Path) -> None:
    with pytest.raises(processes.CommandFailed, match=r"ended with 3:\n    no room") as caught:
        processes.run([*QUICK, "print('no room'); raise SystemExit(3)"], tmp_path / "log", timeout=20)
    assert sys.executable in str(caught.value)


def test_run_ends_a_command_that_takes_too_long(tmp_path: Path) -> None:
    with pytest.raises(processes.CommandFailed, match="more than 0 s"):
        processes.run([*QUICK, FOREVER], tmp_path / "log", timeout=0)


def test_wait_for_port_says_what_a_server_printed_that_ended_early(tmp_path: Path) -> None:
    command = [*QUICK, "raise SystemExit('port in use')"]
    with processes.Process(command, tmp_path / "log") as server:
        with pytest.raises(processes.CommandFailed, match=r"status 1 before it listened:\n    port in use"):
            processes.wait_for_port(server, processes.free_port(), timeout=20)


def test_wait_for_port_gives_up_on_a_server_that_never_listens(tmp_path: Path) -> None:
    with processes.Process([*QUICK, FOREVER], tmp_path / "log") as server:
        with pytest.raises(processes.CommandFailed, match="does not listen on port"):
            processes.wait_for_port(server, processes.free_port(), timeout=0)


@pytest.fixture
def heard_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    processes.hear_signals()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts_the_next_pause_and_only_that(heard_signals: None, number: signal.Signals) -> None:
    signal.raise_signal(number)
    with pytest.raises(KeyboardInterrupt):
        processes.pause(0)
    processes.pause(0)


# --- a whole run, with a testsuite and a server of our own ------------------------------------------------------------

FAKE_CLIENT = textwrap.dedent(
    """
    import json, os, signal, sys
    spec = json.load(open(sys.argv[1]))
    index = {}
    for case in spec["cases"]:
        print("Running test case ID", case, "for agent refws from peer tcp4:127.0.0.1:9", flush=True)
        if case == os.environ.get("HANGING_CASE"):
            signal.pause()
        if case == os.environ.get("CRASHING_CASE"):
            sys.exit("broken pipe")
        index[case] = {"behavior": os.environ.get("BEHAVIOR", "OK"), "behaviorClose": "OK", "duration": 1,
                       "reportfile": "refws_case_%s.json" % case.replace(".", "_")}
    json.dump({"refws": index}, open(os.path.join(spec["outdir"], "index.json"), "w"))
    """
)


class FakeTestsuite(environment.Testsuite):
    def cases(self) -> list[str]:
        return list(report.Expectation.load(autobahn.EXPECTED).verdicts)

    def fuzzing_client(self, spec: Path) -> list[str | Path]:
        return [*QUICK, FAKE_CLIENT, spec]


def execute(
    tmp_path: Path,
    portions: Sequence[Sequence[str]],
    *,
    server: str = FOREVER,
    case_s: float = 20,
    run_s: float = 20,
) -> fuzzing.Run:
    limits = fuzzing.Limits(case_s, run_s)
    with processes.Process([*QUICK, server], tmp_path / "server.log") as process:
        testee = fuzzing.Testee("refws", "ws://127.0.0.1:9/echo")
        run = fuzzing.Run(FakeTestsuite(tmp_path), testee, process, tmp_path / "reports")
        run.execute(portions, 2, limits, Progress(["1.1.1"], 2, io.StringIO(), started=time.monotonic()))
    return run


def reported(run: fuzzing.Run, tmp_path: Path) -> list[str]:
    report.merge(run.directories, "refws", tmp_path)
    return list(report.read(tmp_path, "refws"))


def test_a_run_reports_the_cases_of_all_portions(tmp_path: Path) -> None:
    run = execute(tmp_path, [["1.1.1"], ["1.1.2", "2.1"], ["2.2"]])
    assert run.notes == []
    assert reported(run, tmp_path) == ["1.1.1", "1.1.2", "2.1", "2.2"]


def test_a_case_that_hangs_is_given_up_and_the_others_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANGING_CASE", "1.1.2")
    run = execute(tmp_path, [["1.1.1", "1.1.2", "2.1"]], case_s=0.5)
    assert run.notes == ["1.1.2 made no end within 0.5 s (--case-timeout)"]
    assert reported(run, tmp_path) == ["1.1.1", "2.1"]


def test_a_client_that_crashes_is_noted_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRASHING_CASE", "1.1.2")
    run = execute(tmp_path, [["1.1.1", "1.1.2"], ["2.1"]])
    [note] = run.notes
    assert "status 1" in note and "broken pipe" in note
    assert reported(run, tmp_path) == ["2.1"]


def test_a_server_that_dies_ends_the_run_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANGING_CASE", "1.1.1")
    with pytest.raises(fuzzing.RunFailed, match=r"(?s)the server ended with status 1 .*out of memory"):
        execute(tmp_path, [["1.1.1"]], server="raise SystemExit('out of memory')")


def test_a_run_ends_at_its_deadline_and_leaves_no_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANGING_CASE", "1.1.1")
    started: list[processes.Process] = []
    start = processes.Process.__init__

    def noting_start(self: processes.Process, *arguments: object, **options: object) -> None:
        start(self, *arguments, **options)  # type: ignore[arg-type]
        started.append(self)

    monkeypatch.setattr(processes.Process, "__init__", noting_start)
    with pytest.raises(fuzzing.RunFailed, match=r"no end after 0.1 s, .*--deadline"):
        execute(tmp_path, [["1.1.1"]], run_s=0.1)
    assert len(started) == 2
    assert None not in [process.status for process in started]


LISTENING = "import socket, sys; listener = socket.create_server(('127.0.0.1', int(sys.argv[1])));"


@pytest.fixture
def fake_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard_signals: None) -> None:
    monkeypatch.setattr(environment, "testsuite", lambda say: FakeTestsuite(tmp_path))
    monkeypatch.setattr(autobahn, "REPORTS", tmp_path / "reports")
    monkeypatch.setattr(autobahn, "server_command", lambda port: [*QUICK, LISTENING + FOREVER, str(port)])


def test_the_command_exits_with_0_when_all_is_as_expected(fake_world: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert autobahn.main(["server", "--cases", "1.*,2.*", "--jobs", "2"]) == 0
    assert "27 cases" in capsys.readouterr().out


def test_the_command_exits_with_1_and_names_each_difference(
    fake_world: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert autobahn.main(["server", "--cases", "7.1.5,7.1.6"]) == 1
    printed = capsys.readouterr().out
    assert "7.1.6: expected INFORMATIONAL, closing INFORMATIONAL; got OK, closing OK" in printed
    assert "refws_case_7_1_6.html" in printed
    assert "7.1.5:" not in printed


def test_the_command_exits_with_2_for_cases_that_do_not_exist(
    fake_world: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert autobahn.main(["server", "--cases", "8.*"]) == 2
    assert "'8.*'" in capsys.readouterr().err


def test_the_command_exits_with_130_after_a_signal(
    fake_world: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(autobahn, "portions", lambda cases, clients: signal.raise_signal(signal.SIGTERM) or [cases])
    assert autobahn.main(["server", "--cases", "1.*"]) == 130
    assert "interrupted" in capsys.readouterr().err


# --- the environment --------------------------------------------------------------------------------------------------


def test_without_python_2_7_the_command_exits_with_3_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard_signals: None, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path / "environments")
    monkeypatch.setattr(environment, "_candidates", lambda: [tmp_path / "python2.7", Path(sys.executable)])
    assert autobahn.main(["server"]) == 3
    [line] = capsys.readouterr().err.splitlines()
    assert "install" in line and "Python 2.7" in line
    assert list(tmp_path.iterdir()) == []


def test_a_python_that_says_it_is_2_7_is_taken_and_a_shim_that_fails_is_not(tmp_path: Path) -> None:
    shim, real = tmp_path / "shim", tmp_path / "real"
    shim.write_text("#!/bin/sh\nexit 127\n", "ascii")
    real.write_text("#!/bin/sh\necho 2.7\n", "ascii")
    for file in (shim, real):
        file.chmod(0o755)
    assert environment.find_python2([shim, real]) == real


def test_an_environment_is_complete_only_with_the_marker_of_these_requirements(tmp_path: Path) -> None:
    assert not environment.is_complete(tmp_path)
    (tmp_path / environment.MARKER).write_text("autobahntestsuite==0\n", "utf-8")
    assert not environment.is_complete(tmp_path)
    (tmp_path / environment.MARKER).write_text(environment.REQUIREMENTS.read_text("utf-8"), "utf-8")
    assert environment.is_complete(tmp_path)


def test_a_failed_build_leaves_nothing_behind_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing_build(scratch: Path, python2: Path, say: environment.Say) -> None:
        (scratch / "environment").mkdir()
        raise processes.CommandFailed("pip ended with 1")

    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(environment, "find_python2", lambda candidates: Path("/usr/bin/python2.7"))
    monkeypatch.setattr(environment, "_build", failing_build)
    with pytest.raises(environment.Unavailable, match="pip ended with 1"):
        environment.testsuite(lambda line: None)
    assert list(tmp_path.iterdir()) == []


def test_a_built_environment_replaces_an_outdated_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(scratch: Path, python2: Path, say: environment.Say) -> None:
        (scratch / "environment").mkdir()
        (scratch / "environment" / environment.MARKER).write_bytes(environment.REQUIREMENTS.read_bytes())

    outdated = tmp_path / "autobahntestsuite"
    outdated.mkdir()
    (outdated / environment.MARKER).write_text("autobahntestsuite==0\n", "utf-8")
    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(environment, "find_python2", lambda candidates: Path("/usr/bin/python2.7"))
    monkeypatch.setattr(environment, "_build", build)
    assert environment.testsuite(lambda line: None).directory == outdated
    assert environment.is_complete(outdated)
    assert list(tmp_path.iterdir()) == [outdated]
