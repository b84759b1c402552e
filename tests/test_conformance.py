"""The Autobahn runner: selection, portions, progress, merging, judging, showing; all with a made-up
testsuite.
"""

from __future__ import annotations

import ast
import datetime
import io
import json
import os
import re
import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import refws
from refws.protocol.deflate.negotiation import offer

CONFORMANCE = Path(__file__).resolve().parent.parent / "conformance"
sys.path.insert(0, str(CONFORMANCE))

import autobahn  # noqa: E402
import cases as autobahn_cases  # noqa: E402
import echo_client  # noqa: E402
import environment  # noqa: E402
import fuzzing  # noqa: E402
import peers  # noqa: E402
import processes  # noqa: E402
import report  # noqa: E402
import results  # noqa: E402
import rules  # noqa: E402
import show  # noqa: E402
from cases import UnknownCases, as_ranges, case_order, covers, portions, select, typical_s  # noqa: E402
from progress import Progress, clock, left_s  # noqa: E402

QUICK = (sys.executable, "-S", "-c")
FOREVER = "import signal; signal.pause()"
ALL_CASES = 517
BOTH_SIDES = pytest.mark.parametrize("tested", ["server", "client"])

# --- cases
# ------------------------------------------------------------------------------------------------------------


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
def test_select_refuses_a_pattern_that_fits_no_case(
    patterns: list[str], excluded: list[str]
) -> None:
    with pytest.raises(UnknownCases, match=r"8\.\*"):
        select(["1.1.1"], patterns, excluded)


@pytest.mark.parametrize(("patterns", "excluded"), [([], []), (["1.*"], ["*"])])
def test_select_refuses_to_select_nothing(patterns: list[str], excluded: list[str]) -> None:
    with pytest.raises(UnknownCases, match="no case is left"):
        select(["1.1.1"], patterns, excluded)


def test_typical_duration_is_that_of_the_longest_name() -> None:
    assert typical_s("9.5.1") > typical_s("9.5.2") > typical_s("1.1.1")
    assert typical_s("13.1.1") < typical_s("13.1.10") < typical_s("12.2.10")
    assert typical_s("13.1.10") == typical_s("13.7.10")


def test_every_compression_case_has_a_typical_duration() -> None:
    for case in (case for case in KNOWN if case.startswith(("12.", "13."))):
        assert typical_s(case) > autobahn_cases.OTHER_CASES_S


@pytest.mark.parametrize(
    ("ranges", "case", "covered"),
    [
        ("6", "6.4.3", True),
        ("6", "7.1.1", False),
        ("6.4", "6.4.3", True),
        ("6.4", "6.14.3", False),
        ("2.1-2.4", "2.4", True),
        ("2.1-2.4", "2.5", False),
        ("2.4-2.11", "2.10", True),
        ("1.1.3-1.1.7,1.2.3-1.2.7", "1.2.3", True),
        ("1.1.3-1.1.7,1.2.3-1.2.7", "1.2.2", False),
        ("6.3,6.12-6.21", "6.21.8", True),
        ("6.3,6.12-6.21", "6.22.1", False),
        ("12-13", "13.7.18", True),
        ("12-13", "10.1.1", False),
    ],
)
def test_ranges_cover_groups_and_all_between_their_ends(
    ranges: str, case: str, covered: bool
) -> None:
    assert covers(ranges, case) is covered


def test_as_ranges_joins_neighbours_of_one_group() -> None:
    assert (
        as_ranges(["3.2", "3.4", "3.3", "5.15", "1.1.8", "1.2.1"]) == "1.1.8, 1.2.1, 3.2-3.4, 5.15"
    )


def test_portions_hold_every_case_once_and_the_longest_first() -> None:
    cases = ["1.1.1", "6.4.3", *(f"12.1.{n}" for n in range(1, 19))]
    split = portions(cases, clients=2)
    assert sorted(case for portion in split for case in portion) == sorted(cases)
    assert len(split) >= 2
    assert "1.1.1" in split[-1]
    assert split[0][0].startswith("12.")


def test_portions_are_in_the_order_in_which_the_testsuite_runs_them() -> None:
    assert portions(["6.4.1", "10.1.1", "2.11", "2.2"], clients=1) == [
        ["2.2", "2.11", "6.4.1", "10.1.1"]
    ]


def test_quick_cases_are_not_spread_over_more_clients_than_pay() -> None:
    assert len(portions(["1.1.1", "1.1.2", "2.1"], clients=8)) == 1


# --- progress
# ---------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3600, "60:00")]
)
def test_clock_counts_minutes_and_seconds(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_time_left_is_by_the_pace_so_far() -> None:
    cases = [f"13.{n}.1" for n in range(1, 5)]
    assert left_s(cases[:1], cases, elapsed_s=30, clients=2) == pytest.approx(90)


def test_time_left_at_the_start_is_by_the_typical_durations() -> None:
    cases = [f"13.{n}.1" for n in range(1, 5)]
    assert left_s([], cases, elapsed_s=0, clients=2) == pytest.approx(2 * typical_s("13.1.1"))


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
        f"Running test case ID {case} for agent refws from peer tcp4:127.0.0.1:9\n"
        for case in ("1.1.1", "1.1.2")
    )
    assert fuzzing.last_started(printed) == "1.1.2"
    assert fuzzing.last_started("Cases = ['1.1.1']\n") is None


# --- reports
# ----------------------------------------------------------------------------------------------------------


def write_report(
    directory: Path, verdicts: dict[str, tuple[str, str]], agent: str = "refws"
) -> Path:
    """A report as the testsuite writes it."""
    directory.mkdir(parents=True, exist_ok=True)
    index = {}
    for case, (behavior, close) in verdicts.items():
        stem = f"{agent}_case_{case.replace('.', '_')}"
        index[case] = {
            "behavior": behavior,
            "behaviorClose": close,
            "duration": 3,
            "reportfile": f"{stem}.json",
        }
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
    assert [result.page.read_text("utf-8") for result in results.values()] == [
        "page of 1.1.1",
        "page of 1.1.2",
    ]
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
    [difference] = report.differences(
        ["1.1.1"], EXPECTED, merged(tmp_path, {"1.1.1": OK, "14.1": OK})
    )
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


# --- the committed expectation
# ----------------------------------------------------------------------------------------


@BOTH_SIDES
def test_the_committed_expectation_counts_every_case_of_the_testsuite(tested: str) -> None:
    verdicts = report.Expectation.load(autobahn.EXPECTED[tested]).verdicts
    assert len(verdicts) == ALL_CASES
    assert {"1.1.1", "2.11", "6.22.34", "7.13.2", "10.1.1", "12.5.18", "13.7.18"} <= set(verdicts)


@BOTH_SIDES
def test_only_the_cases_that_are_informational_by_nature_are_not_strict(tested: str) -> None:
    verdicts = report.Expectation.load(autobahn.EXPECTED[tested]).verdicts
    others = {case: verdict for case, verdict in verdicts.items() if verdict != report.STRICT}
    assert others == dict.fromkeys(["7.1.6", "7.13.1", "7.13.2"], INFORMATIONAL)


def test_an_exception_for_a_case_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "expected.json"
    file.write_text(json.dumps({"cases": {"2": 11}, "exceptions": {"2.12": OK}}), "utf-8")
    with pytest.raises(ValueError, match=r"2\.12"):
        report.Expectation.load(file)


KNOWN = list(report.Expectation.load(autobahn.EXPECTED["server"]).verdicts)


def selected(*words: str) -> list[str]:
    return autobahn.selection(set(KNOWN), autobahn.parser().parse_args(words))


def test_without_cases_server_and_client_run_all_and_the_peers_run_all_but_speed_and_compression() -> (
    None
):
    assert (
        len(selected("server"))
        == len(selected("server", "--cases", "all"))
        == len(selected("client"))
        == ALL_CASES
    )
    assert len(selected("peers")) == 247
    assert len(selected("server", "--cases", "12.1.*", "--exclude-cases", "12.1.1")) == 17


def test_the_cases_for_ci_have_every_group_and_every_kind_of_compressed_message_once() -> None:
    sample = selected("server", "--cases", "ci")
    assert {case.rpartition(".")[0] for case in sample} == {
        case.rpartition(".")[0] for case in KNOWN
    }
    compressed = [case for case in sample if case.startswith(("12.", "13."))]
    assert sorted(int(case.rpartition(".")[2]) for case in compressed) == list(range(1, 19))
    assert len(sample) - len(compressed) == 301


def test_the_cases_for_ci_take_less_than_three_minutes_on_two_cores() -> None:
    assert sum(map(typical_s, selected("server", "--cases", "ci"))) / 2 < 180


# --- rules
# ------------------------------------------------------------------------------------------------------------

TABLE = rules.load()


@BOTH_SIDES
def test_every_case_has_a_rule_with_a_subject_and_a_function(tested: str) -> None:
    for case in KNOWN:
        found = rules.rules_of(case, rules.of_side(TABLE, tested))
        assert all(rule.subject for rule in found)
        assert any(rule.functions for rule in found), f"add {case} to {rules.RULES.name}"


@BOTH_SIDES
def test_every_case_has_a_requirement_besides_those_of_every_case(tested: str) -> None:
    for case in KNOWN:
        assert any(
            rule.requirements for rule in rules.rules_of(case, rules.of_side(TABLE, tested))
        ), case


def test_rules_of_a_side_are_not_for_the_other_and_those_of_none_are_for_both(
    tmp_path: Path,
) -> None:
    file = tmp_path / "rules.tsv"
    lines = (
        "cases subject requirements functions side",
        "1 both  ",
        "2 ours   server",
        "3 theirs   client",
    )
    file.write_text("".join(line.replace(" ", "\t") + "\n" for line in lines), "utf-8")
    assert [rule.subject for rule in rules.of_side(rules.load(file), "server")] == ["both", "ours"]
    assert [rule.subject for rule in rules.of_side(rules.load(file), "client")] == [
        "both",
        "theirs",
    ]


@pytest.mark.parametrize(
    ("tested", "function"),
    [
        ("server", "refws/protocol/handshake.py:check_request"),
        ("client", "refws/protocol/client/handshake.py:check_response"),
    ],
)
def test_every_case_has_the_opening_handshake_of_its_side_and_not_of_the_other(
    tested: str, function: str
) -> None:
    [every] = [rule for rule in rules.of_side(TABLE, tested) if rule.cases == rules.EVERY_CASE]
    assert [
        name for name in every.functions if name.endswith(("check_request", "check_response"))
    ] == [function]


def test_every_rule_is_about_some_case() -> None:
    for rule in TABLE:
        assert rule.cases == rules.EVERY_CASE or any(covers(rule.cases, case) for case in KNOWN), (
            rule
        )


def test_requirements_are_ids_of_rfc_6455_and_rfc_7692() -> None:
    for requirement in (requirement for rule in TABLE for requirement in rule.requirements):
        assert re.fullmatch(r"(6455|7692)-\d+(\.\d+)*-\d\d", requirement), requirement


def defined_names(file: Path) -> set[str]:
    """Functions, classes and methods, as in `Class.method`."""
    names = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {
                f"{node.name}.{method.name}"
                for method in node.body
                if isinstance(method, ast.FunctionDef)
            }
    return names


@pytest.mark.parametrize(
    "function", sorted({function for rule in TABLE for function in rule.functions})
)
def test_functions_that_rules_name_exist(function: str) -> None:
    file, _, name = function.partition(":")
    assert name in defined_names(environment.ROOT / file), f"correct {rules.RULES.name}"


def test_rules_of_a_case_add_up_and_those_of_every_case_stay_apart() -> None:
    table = [
        rules.Rule("*", "handshake", ("6455-4.2.1-01",), ()),
        rules.Rule("6", "text", (), ("refws/a.py:f",)),
        rules.Rule("6.4", "fail fast", ("6455-8.1-01",), ()),
        rules.Rule("6.5", "valid", ("6455-5.6-03",), ()),
    ]
    assert [rule.subject for rule in rules.rules_of("6.4.3", table)] == ["text", "fail fast"]


def test_by_section_groups_requirements_and_names_each_once() -> None:
    assert rules.by_section(["6455-5.4-03", "7692-7.1.1.2-05", "6455-5.4-01", "6455-5.4-03"]) == {
        "RFC 6455 §5.4": ["6455-5.4-03", "6455-5.4-01"],
        "RFC 7692 §7.1.1.2": ["7692-7.1.1.2-05"],
    }


# --- show
# -------------------------------------------------------------------------------------------------------------

REQUEST = "GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
RESPONSE = "HTTP/1.1 101 Switching Protocols\r\nServer: \x1b[31mred\r\n\r\n"


def octets(data: bytes) -> list[object]:
    """As the testsuite keeps them: at most 64 bytes."""
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


def test_show_has_the_heads_as_text_once_and_nothing_that_a_terminal_would_obey() -> None:
    lines = shown()
    assert lines[1:3] == [f"  -> {len(REQUEST)} bytes", "       GET /echo HTTP/1.1"]
    assert "       Server: .[31mred" in lines
    assert len([line for line in lines if "->" in line and "bytes" in line]) == 1


def test_show_of_a_client_has_its_request_before_the_response_and_names_it_as_the_one_that_ended() -> (
    None
):
    log = [["RO", octets(REQUEST.encode())], ["TO", octets(RESPONSE.encode()), False]]
    lines = list(show.wire(noted(isServer=True, wirelog=log)))
    assert lines[0] == "On the wire (-> from the testsuite to the client, <- back):"
    assert lines[1:3] == [f"  <- {len(REQUEST)} bytes", "       GET /echo HTTP/1.1"]
    assert f"  -> {len(RESPONSE)} bytes" in lines
    assert lines[-1] == "  <- the client ended the TCP connection"


def test_show_does_not_take_frames_behind_the_response_for_a_part_of_it() -> None:
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
        "  .. the report leaves out what comes now",
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
def last_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, agent in (("server", "refws"), ("client", "refws"), ("peers/ws/round-1", "ws")):
        directory = write_report(tmp_path / name, {"6.4.3": ("OK", "OK")}, agent)
        found = json.dumps(noted(agent=agent, isServer=name == "client"))
        (directory / f"{agent}_case_6_4_3.json").write_text(found, "utf-8")
    monkeypatch.setattr(autobahn, "REPORTS", tmp_path)
    return tmp_path


def test_show_command_tells_sections_requirements_functions_and_verdict(
    last_report: Path, heard_signals: None, capsys: pytest.CaptureFixture[str]
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
        str(last_report / "server" / "refws_case_6_4_3.html"),
    ):
        assert part in printed
    assert max(map(len, printed.splitlines()[:-1])) <= show.WIDTH


def test_show_command_reads_the_report_of_a_peer(
    last_report: Path, heard_signals: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert autobahn.main(["show", "6.4.3", "--peer", "ws"]) == 0
    assert "(ws, 2026" in capsys.readouterr().out


def test_show_command_reads_the_report_of_the_client(
    last_report: Path, heard_signals: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert autobahn.main(["show", "--client", "6.4.3"]) == 0
    printed = capsys.readouterr().out
    assert "from the testsuite to the client" in printed
    assert str(last_report / "client" / "refws_case_6_4_3.html") in printed


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["6.4.4"], "autobahn.py server --cases 6.4.4"),
        (["6.4.4", "--client"], "autobahn.py client --cases 6.4.4"),
        (["6.4.4", "--peer", "ws"], "autobahn.py peers"),
        (["6.4.5"], "no case fits '6.4.5'"),
    ],
)
def test_show_command_says_what_to_do_without_a_report_of_the_case(
    last_report: Path,
    heard_signals: None,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    advice: str,
) -> None:
    assert autobahn.main(["show", *words]) == 2
    assert advice in capsys.readouterr().err


# --- processes
# --------------------------------------------------------------------------------------------------------


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


def test_a_process_that_ignores_sigterm_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "TERMINATE_S", 0.05)
    script = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True);"
    )
    log = tmp_path / "log"
    with processes.Process([*QUICK, script + FOREVER], log) as process:
        wait_until(lambda: log.read_text("ascii") == "ready\n")
    assert process.status == -signal.SIGKILL


def test_run_reports_the_status_and_the_last_lines_of_a_failing_command(tmp_path: Path) -> None:
    with pytest.raises(processes.CommandFailed, match=r"ended with 3:\n    no room") as caught:
        processes.run(
            [*QUICK, "print('no room'); raise SystemExit(3)"], tmp_path / "log", timeout=20
        )
    assert sys.executable in str(caught.value)


def test_run_ends_a_command_that_takes_too_long(tmp_path: Path) -> None:
    with pytest.raises(processes.CommandFailed, match="more than 0 s"):
        processes.run([*QUICK, FOREVER], tmp_path / "log", timeout=0)


def test_wait_for_port_says_what_a_server_printed_that_ended_early(tmp_path: Path) -> None:
    command = [*QUICK, "raise SystemExit('port in use')"]
    with processes.Process(command, tmp_path / "log") as server:
        with pytest.raises(
            processes.CommandFailed, match=r"status 1 before it listened:\n    port in use"
        ):
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
def test_a_signal_interrupts_the_next_pause_and_only_that(
    heard_signals: None, number: signal.Signals
) -> None:
    signal.raise_signal(number)
    with pytest.raises(KeyboardInterrupt):
        processes.pause(0)
    processes.pause(0)


# --- a whole run, with a testsuite and a server of our own
# ------------------------------------------------------------

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


FAKE_SERVER = textwrap.dedent(
    """
    import json, os, signal, socket, sys
    spec = json.load(open(sys.argv[1]))
    index = {}
    with socket.create_server(("127.0.0.1", int(spec["url"].rpartition(":")[2]))) as listener:
        while True:
            with listener.accept()[0] as connection:
                asked = connection.makefile().readline().strip()
                if asked in spec["cases"]:
                    print("Running test case ID", asked, "for agent refws from peer tcp4:127.0.0.1:9", flush=True)
                    index[asked] = {"behavior": os.environ.get("BEHAVIOR", "OK"), "behaviorClose": "OK", "duration": 1,
                                    "reportfile": "refws_case_%s.json" % asked.replace(".", "_")}
                if asked == os.environ.get("HANGING_CASE"):
                    signal.pause()
                if asked == "reports":
                    json.dump({"refws": index}, open(os.path.join(spec["outdir"], "index.json"), "w"))
    """
)

FAKE_CLIENT_UNDER_TEST = textwrap.dedent(
    """
    import os, socket, sys
    for case in [*sys.argv[2:], "reports"]:
        with socket.create_connection(("127.0.0.1", int(sys.argv[1].rpartition(":")[2]))) as connection:
            connection.sendall(case.encode() + b"\\n")
            connection.recv(1)
        if case == os.environ.get("CRASHING_CASE"):
            sys.exit("out of memory")
    """
)


class FakeTestsuite(environment.Testsuite):
    def cases(self) -> list[str]:
        return KNOWN

    def fuzzing_client(self, spec: Path) -> list[str | Path]:
        return [*QUICK, FAKE_CLIENT, spec]

    def fuzzing_server(self, spec: Path) -> list[str | Path]:
        return [*QUICK, FAKE_SERVER, spec]


def client_under_test(url: str, cases: Sequence[str]) -> list[str]:
    return [*QUICK, FAKE_CLIENT_UNDER_TEST, url, *cases]


TESTEE = fuzzing.Testee("refws", "ws://127.0.0.1:9/echo")


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
        start = partial(fuzzing.start_fuzzing_client, FakeTestsuite(tmp_path), TESTEE)
        run = fuzzing.Run(start, tmp_path / "reports", process)
        run.execute(
            portions, 2, limits, Progress(["1.1.1"], 2, io.StringIO(), started=time.monotonic())
        )
    return run


def execute_client(
    tmp_path: Path, portions: Sequence[Sequence[str]], *, case_s: float = 20, run_s: float = 20
) -> fuzzing.Run:
    client = fuzzing.Client("refws", client_under_test)
    run = fuzzing.Run(
        partial(fuzzing.start_fuzzing_server, FakeTestsuite(tmp_path), client), tmp_path / "reports"
    )
    progress = Progress(["1.1.1"], 2, io.StringIO(), started=time.monotonic())
    run.execute(portions, 2, fuzzing.Limits(case_s, run_s), progress)
    return run


OF_BOTH_SIDES = pytest.mark.parametrize("run_portions", [execute, execute_client])


def reported(run: fuzzing.Run, tmp_path: Path) -> list[str]:
    report.merge(run.directories, "refws", tmp_path)
    return list(report.read(tmp_path, "refws"))


@OF_BOTH_SIDES
def test_a_run_reports_the_cases_of_all_portions(
    tmp_path: Path, run_portions: Callable[..., fuzzing.Run]
) -> None:
    run = run_portions(tmp_path, [["1.1.1"], ["1.1.2", "2.1"], ["2.2"]])
    assert run.notes == []
    assert reported(run, tmp_path) == ["1.1.1", "1.1.2", "2.1", "2.2"]


@OF_BOTH_SIDES
def test_a_case_that_hangs_is_given_up_and_the_others_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_portions: Callable[..., fuzzing.Run]
) -> None:
    monkeypatch.setenv("HANGING_CASE", "1.1.2")
    run = run_portions(tmp_path, [["1.1.1", "1.1.2", "2.1"]], case_s=0.5)
    assert run.notes == ["1.1.2 made no end within 0.5 s (--case-timeout)"]
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
    assert reported(run, tmp_path) == ["2.1"]


def test_what_a_client_under_test_printed_is_kept_beside_its_report(tmp_path: Path) -> None:
    client = fuzzing.Client(
        "refws", lambda url, cases: [*QUICK, "print('connection failed with 1007')"]
    )
    fuzzing.fuzz_client(
        FakeTestsuite(tmp_path), client, ["1.1.1"], tmp_path / "reports", 1, fuzzing.Limits(20, 20)
    )
    [log] = (tmp_path / "reports").glob("*.log")
    assert log.read_text("utf-8") == "connection failed with 1007\n"


def test_a_server_that_dies_ends_the_run_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANGING_CASE", "1.1.1")
    with pytest.raises(
        fuzzing.RunFailed, match=r"(?s)the server ended with status 1 .*out of memory"
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
    run_portions: Callable[..., fuzzing.Run],
) -> None:
    monkeypatch.setenv("HANGING_CASE", "1.1.1")
    with pytest.raises(fuzzing.RunFailed, match=r"no end after 0.1 s, .*--deadline"):
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
    command = environment.Testsuite(tmp_path).fuzzing_server(tmp_path / "spec.json")
    assert command[-6:] == [
        "--mode",
        "fuzzingserver",
        "--webport",
        "0",
        "--spec",
        tmp_path / "spec.json",
    ]
    assert (
        "interface='127.0.0.1'" in environment.FUZZING_SERVER
        and environment.FUZZING_SERVER in command
    )


LISTENING = "import socket, sys; listener = socket.create_server(('127.0.0.1', int(sys.argv[1])));"


@pytest.fixture
def fake_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard_signals: None) -> None:
    monkeypatch.setattr(environment, "testsuite", lambda say: FakeTestsuite(tmp_path))
    monkeypatch.setattr(autobahn, "REPORTS", tmp_path / "reports")
    monkeypatch.setattr(
        autobahn, "server_command", lambda port: [*QUICK, LISTENING + FOREVER, str(port)]
    )
    monkeypatch.setattr(autobahn, "client_command", client_under_test)


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
    assert f"{tested}/index.html" in printed
    assert "7.1.6: expected INFORMATIONAL, closing INFORMATIONAL; got OK, closing OK" in printed
    assert "refws_case_7_1_6.html" in printed
    assert "7.1.5:" not in printed


def test_over_tls_the_server_has_a_certificate_and_the_testsuite_another_scheme(
    fake_world: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested: list[fuzzing.Server] = []
    fuzz = fuzzing.fuzz_server
    monkeypatch.setattr(
        fuzzing,
        "fuzz_server",
        lambda referee, server, *rest: tested.append(server) or fuzz(referee, server, *rest),
    )
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
    monkeypatch.setattr(
        fuzzing, "portions", lambda cases, clients: signal.raise_signal(signal.SIGTERM) or [cases]
    )
    assert autobahn.main([tested, "--cases", "1.*"]) == 130
    assert "interrupted" in capsys.readouterr().err


# --- the client under test
# --------------------------------------------------------------------------------------------


class FuzzingServer:
    """Sends messages in each case and keeps what comes back; `refused` are resources that it
    answers with 404.
    """

    def __init__(self, *messages: str | bytes | list[str], refused: Sequence[str] = ()) -> None:
        self.asked: list[str] = []
        self.offers: list[str | None] = []
        self.echoes: list[str | bytes] = []
        self._messages = messages
        self._refused = refused

    def handle(self, connection: refws.Connection) -> None:
        if "/runCase" in connection.request.resource_name:
            for message in self._messages:
                connection.send(message)
                self.echoes.append(connection.recv(timeout=10))

    def note(self, connection: refws.Connection, request: refws.Request) -> refws.Response | None:
        self.asked.append(request.resource_name)
        self.offers.append(request.headers.get("Sec-WebSocket-Extensions"))
        return (
            connection.respond(404, "no such case")
            if request.resource_name in self._refused
            else None
        )


@pytest.fixture
def run_client(serving: Callable[..., Any]) -> Callable[..., int]:
    """run_client(fuzzing_server, *cases) gives the exit status."""

    def run(server: FuzzingServer, *cases: str) -> int:
        options = {"process_request": server.note, "max_size": 2**21, "compression": "deflate"}
        _, port = serving(server.handle, **options).address
        return echo_client.main(f"ws://127.0.0.1:{port}", "refws", *cases)

    return run


def test_the_client_runs_the_cases_in_order_and_asks_for_the_reports_last(
    run_client: Callable[..., int],
) -> None:
    server = FuzzingServer()
    assert run_client(server, "1.1.1", "13.2.1") == 0
    assert server.asked == [
        "/runCase?casetuple=1.1.1&agent=refws",
        "/runCase?casetuple=13.2.1&agent=refws",
        "/updateReports?agent=refws",
    ]


def test_the_client_sends_back_what_it_gets_of_the_same_type(
    run_client: Callable[..., int],
) -> None:
    messages = ["grün", b"\x00\xff", ""]
    server = FuzzingServer(*messages)
    assert run_client(server, "1.1.1") == 0
    assert server.echoes == messages


def test_the_client_takes_longer_messages_and_more_fragments_than_by_default(
    run_client: Callable[..., int],
) -> None:
    server = FuzzingServer("x" * (2**20 + 1), ["x"] * 1025)
    assert run_client(server, "9.1.1") == 0
    assert server.echoes == ["x" * (2**20 + 1), "x" * 1025]


def test_a_case_that_breaks_off_is_logged_and_the_others_run(
    run_client: Callable[..., int], caplog: pytest.LogCaptureFixture
) -> None:
    server = FuzzingServer("hello", refused=["/runCase?casetuple=1.1.1&agent=refws"])
    assert run_client(server, "1.1.1", "1.1.2") == 0
    assert server.echoes == ["hello"]
    assert "1.1.1 broke off" in caplog.text and "404" in caplog.text


def test_without_reports_the_client_ends_with_1_and_says_so(
    run_client: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_client(FuzzingServer(refused=["/updateReports?agent=refws"]), "1.1.1") == 1
    assert echo_client.main(f"ws://127.0.0.1:{processes.free_port()}", "refws") == 1
    assert capsys.readouterr().err.count("no reports: ") == 2


@pytest.mark.parametrize(
    ("case", "parameters"),
    [
        ("13.2.1", {"server_no_context_takeover"}),
        ("13.3.1", {"server_max_window_bits=9"}),
        ("13.4.1", {"server_max_window_bits=15"}),
        ("13.5.1", {"server_no_context_takeover", "server_max_window_bits=9"}),
        ("13.6.1", {"server_no_context_takeover", "server_max_window_bits=15"}),
        ("13.7.1", {"server_no_context_takeover", "server_max_window_bits=9"}),
    ],
)
def test_the_client_offers_what_the_title_of_the_case_says_and_lets_the_server_limit_it(
    run_client: Callable[..., int], case: str, parameters: set[str]
) -> None:
    server = FuzzingServer()
    run_client(server, case)
    assert set((server.offers[0] or "").split("; ")) == parameters | {
        "permessage-deflate",
        "client_max_window_bits=15",
    }


@pytest.mark.parametrize("case", ["1.1.1", "3.1", "12.1.1", "13.1.1"])
def test_in_all_other_cases_the_client_offers_what_it_offers_by_default(
    run_client: Callable[..., int], case: str
) -> None:
    server = FuzzingServer()
    run_client(server, case)
    assert server.offers[0] == offer(refws.DeflateSettings())


def test_the_command_for_the_client_runs_it_with_url_agent_and_cases() -> None:
    program, *words = autobahn.client_command("ws://127.0.0.1:9", ["1.1.1", "2.1"])[1:]
    assert words == ["ws://127.0.0.1:9", "refws", "1.1.1", "2.1"]
    assert Path(program) == Path(echo_client.__file__)


# --- the peers
# --------------------------------------------------------------------------------------------------------

DAY = datetime.date(2026, 11, 22)


def verdict(behavior: str, close: str = "OK") -> report.Verdict:
    return report.Verdict(behavior, close)


def markdown(*entries: results.Entry, cases: Sequence[str] = ("1.1.1", "2.1", "3.1")) -> str:
    return results.Table(
        entries, cases, 2, "autobahntestsuite 25.10.1", "Linux", "peers", DAY
    ).markdown()


def test_results_count_each_case_at_its_best_and_name_what_is_not_strict() -> None:
    rounds = [
        {
            "1.1.1": verdict("OK"),
            "2.1": verdict("FAILED", "WRONG CODE"),
            "3.1": verdict("NON-STRICT"),
        },
        {
            "1.1.1": verdict("FAILED"),
            "2.1": verdict("FAILED", "WRONG CODE"),
            "3.1": verdict("NON-STRICT"),
        },
    ]
    text = markdown(results.Entry("ws", "8", "default", rounds))
    #                        OK  NON-STRICT INFORMATIONAL UNIMPLEMENTED FAILED unclean unsteady
    assert "| ws | 8 | 1 | 1 | 0 | 0 | 1 | 1 | 1 |" in text
    for line in (
        "- FAILED: 2.1",
        "- Closed WRONG CODE: 2.1",
        "- NON-STRICT: 3.1",
        "- Unsteady: 1.1.1 (OK, FAILED)",
        "- **ws** (8): default",
    ):
        assert line in text.splitlines()
    assert (
        "2026-11-22" in text
        and "3 cases (1-3), 2 rounds" in text
        and "autobahntestsuite 25.10.1" in text
    )


def test_results_name_closes_that_differ_from_round_to_round() -> None:
    entry = results.Entry(
        "ws", "8", "", [{"2.1": verdict("OK", "UNCLEAN")}, {"2.1": verdict("OK")}]
    )
    assert "- Unsteady: 2.1 (closed UNCLEAN, closed OK)" in markdown(entry)
    assert "| ws | 8 | 1 | 0 | 0 | 0 | 0 | 0 | 1 |" in markdown(entry)


def test_results_say_nothing_is_wrong_where_nothing_is() -> None:
    entry = results.Entry(
        "refws", "1", "", [{"1.1.1": verdict("OK"), "7.1.6": verdict(*INFORMATIONAL)}]
    )
    assert "### refws\n\nNothing.\n" in markdown(entry)


def test_results_count_a_case_without_result_as_failed(tmp_path: Path) -> None:
    found = results.verdicts(["1.1.1", "2.1"], merged(tmp_path, {"1.1.1": OK}))
    assert found == {"1.1.1": report.STRICT, "2.1": results.NO_RESULT}
    assert "- FAILED: 2.1" in markdown(results.Entry("ws", "8", "", [found]))


def test_results_say_why_a_server_is_missing() -> None:
    text = markdown(results.Entry("ws", "8", "", missing="no node is on PATH"))
    assert "| ws | 8 | no node is on PATH |" in text
    assert "### ws" not in text


def test_every_peer_has_a_pinned_version_and_its_own_program() -> None:
    for peer in peers.PEERS:
        assert all(
            re.fullmatch(r"[a-z-]+(==|@)\d+(\.\d+)*", requirement)
            for requirement in peer.requirements
        )
        assert (peers.PROGRAMS / peer.program).is_file()
    assert len({peer.program for peer in peers.PEERS}) == len(peers.PEERS)


def test_versions_of_a_peer_are_its_own_and_that_of_its_protocol() -> None:
    assert peers.Peer("a", ("a==1.0", "b==2.0"), "a.py", "").versions == "1.0, b 2.0"
    assert peers.Peer("ws", ("ws@8.1",), "ws.cjs", "").versions == "8.1"


def test_a_python_peer_runs_in_its_own_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[object] = []

    def build(scratch: Path, requirements: Sequence[str]) -> None:
        built.append(list(requirements))
        (scratch / "environment").mkdir()

    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(environment, "_build_python", build)
    peer = peers.Peer("a", ("a==1.0", "b==2.0"), "a.py", "")
    commands = [peer.server().command(80) for _ in range(2)]
    assert built == [["a==1.0", "b==2.0"]]
    assert commands == 2 * [[tmp_path / "peer-a" / "bin" / "python", peers.PROGRAMS / "a.py", "80"]]


def test_a_node_peer_finds_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(
        environment, "_build_node", lambda scratch, requirements: (scratch / "environment").mkdir()
    )
    monkeypatch.setattr(environment.shutil, "which", lambda name: f"/usr/bin/{name}")
    command = peers.Peer("ws", ("ws@8",), "ws.cjs", "").server().command(80)
    modules = tmp_path / "peer-ws" / "node_modules"
    assert command == [
        "env",
        f"NODE_PATH={modules}",
        "/usr/bin/node",
        peers.PROGRAMS / "ws.cjs",
        "80",
    ]


@pytest.fixture
def one_peer(fake_world: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A peer that can be had and one that cannot."""
    script = LISTENING + FOREVER
    server = fuzzing.Server("refws", lambda port: [*QUICK, script, str(port)])

    class Available(peers.Peer):
        def server(self) -> fuzzing.Server:
            return server

    class Missing(peers.Peer):
        def server(self) -> fuzzing.Server:
            raise environment.Unavailable("no node is on PATH\n  second line")

    found = (
        Available("websockets", ("websockets==1",), "", "set up"),
        Missing("ws", ("ws@8",), "", "set up"),
    )
    monkeypatch.setattr(peers, "PEERS", found)
    return tmp_path / "RESULTS.md"


def test_peers_command_writes_the_table_and_skips_who_cannot_be_had(
    one_peer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["peers", "--cases", "1.*,7.1.*", "--rounds", "2", "--output", str(one_peer)]
    assert autobahn.main(words) == 0
    text = one_peer.read_text("utf-8")
    assert "| websockets | 1 | 22 | 0 | 0 | 0 | 0 | 0 | 0 |" in text
    assert "| ws | 8 | no node is on PATH |" in text
    assert (
        "`python3 conformance/autobahn.py peers --cases '1.*,7.1.*' --rounds 2 --output "
        f"{one_peer}`"
    ) in text
    assert "--max-message-size" in text
    assert "skipped: no node is on PATH" in capsys.readouterr().out


def test_peers_command_leaves_the_table_alone_when_interrupted(
    one_peer: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one_peer.write_text("before", "utf-8")
    monkeypatch.setattr(
        fuzzing, "portions", lambda cases, clients: signal.raise_signal(signal.SIGINT) or [cases]
    )
    assert autobahn.main(["peers", "--cases", "1.*", "--output", str(one_peer)]) == 130
    assert one_peer.read_text("utf-8") == "before"


# --- kosoku
# -----------------------------------------------------------------------------------------------------------


def test_kosoku_is_told_cases_address_and_directory_by_the_same_spec(tmp_path: Path) -> None:
    servers = [{"agent": "refws", "url": "ws://127.0.0.1:9/echo"}]
    spec = fuzzing.write_spec(tmp_path / "portion", ["1.1.1", "2.1"], {"servers": servers})
    command = environment.Kosoku(Path("python")).fuzzing_client(spec)
    assert command[3:] == [
        "--outdir", str(tmp_path / "portion"), "--include", "1.1.1", "--include", "2.1", "ws://127.0.0.1:9/echo",
    ]  # fmt: skip


def test_a_report_under_another_agent_is_read_all_the_same(tmp_path: Path) -> None:
    part = write_report(tmp_path / "client-001", {"1.1.1": OK}, agent="127.0.0.1:9")
    report.merge([part], "refws", tmp_path)
    assert report.read(tmp_path, "refws")["1.1.1"].page.name == "127.0.0.1:9_case_1_1_1.html"


def test_kosoku_referees_when_asked_to(
    fake_world: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def no_testsuite(say: environment.Say) -> environment.Testsuite:
        raise environment.Unavailable("no python2.7")

    monkeypatch.setattr(environment, "testsuite", no_testsuite)
    monkeypatch.setattr(environment, "kosoku", lambda: FakeTestsuite(tmp_path))
    monkeypatch.setattr(FakeTestsuite, "cannot_judge", environment.Kosoku.cannot_judge)
    assert autobahn.main(["server", "--cases", "1.*,12.1.*"]) == 3
    assert autobahn.main(["server", "--cases", "1.*,12.1.*", "--referee", "kosoku"]) == 0
    assert "33 cases" in capsys.readouterr().out
    assert "12.1.1" not in report.read(autobahn.REPORTS / "server", "refws")


def test_a_client_that_ends_with_a_status_of_its_referee_is_not_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRASHING_CASE", "1.1.2")
    monkeypatch.setattr(FakeTestsuite, "passing", (0, 1))
    assert execute(tmp_path, [["1.1.2"]]).notes == []


# --- the environment
# --------------------------------------------------------------------------------------------------


@BOTH_SIDES
def test_without_python_2_7_the_command_exits_with_3_and_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    heard_signals: None,
    capsys: pytest.CaptureFixture[str],
    tested: str,
) -> None:
    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path / "environments")
    monkeypatch.setattr(
        environment, "_candidates", lambda: [tmp_path / "python2.7", Path(sys.executable)]
    )
    assert autobahn.main([tested]) == 3
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


def test_an_environment_is_complete_only_with_the_marker_of_these_requirements(
    tmp_path: Path,
) -> None:
    assert not environment.is_complete(tmp_path, "ws@8\n")
    (tmp_path / environment.MARKER).write_text("ws@7\n", "utf-8")
    assert not environment.is_complete(tmp_path, "ws@8\n")
    (tmp_path / environment.MARKER).write_text("ws@8\n", "utf-8")
    assert environment.is_complete(tmp_path, "ws@8\n")


def test_a_failed_build_leaves_nothing_behind_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing_build(scratch: Path, python2: Path, say: environment.Say) -> None:
        (scratch / "environment").mkdir()
        raise processes.CommandFailed("pip ended with 1")

    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(environment, "find_python2", lambda candidates: Path("/usr/bin/python2.7"))
    monkeypatch.setattr(environment, "_build_testsuite", failing_build)
    with pytest.raises(environment.Unavailable, match="pip ended with 1"):
        environment.testsuite(lambda line: None)
    assert list(tmp_path.iterdir()) == []


def test_a_built_environment_replaces_an_outdated_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(scratch: Path, python2: Path, say: environment.Say) -> None:
        (scratch / "environment").mkdir()

    outdated = tmp_path / "autobahntestsuite"
    outdated.mkdir()
    (outdated / environment.MARKER).write_text("autobahntestsuite==0\n", "utf-8")
    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(environment, "find_python2", lambda candidates: Path("/usr/bin/python2.7"))
    monkeypatch.setattr(environment, "_build_testsuite", build)
    assert environment.testsuite(lambda line: None).directory == outdated
    assert environment.is_complete(outdated, environment.REQUIREMENTS.read_text("utf-8"))
    assert list(tmp_path.iterdir()) == [outdated]
