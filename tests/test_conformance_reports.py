"""The Autobahn runner: reports are merged, and compared with the committed expectation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import expectations
import report
from fake_autobahn import ALL_CASES, BOTH_SIDES, INFORMATIONAL, OK, merged, write_report

EXPECTED = expectations.Expectation(
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
    assert expectations.differences(["1.1.1", "1.1.2", "7.1.6"], EXPECTED, results) == []


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
    [difference] = expectations.differences([case], EXPECTED, results)
    assert difference.case == case
    assert difference.expected == f"{EXPECTED.verdicts[case]}"
    assert difference.got == f"{got[0]}, closing {got[1]}"
    assert difference.page == tmp_path / f"refws_case_{case.replace('.', '_')}.html"
    assert str(difference.page) in str(difference)


def test_a_selected_case_without_result_is_a_difference(tmp_path: Path) -> None:
    [difference] = expectations.differences(
        ["1.1.1", "1.1.2"], EXPECTED, merged(tmp_path, {"1.1.1": OK})
    )
    assert (difference.case, difference.got, difference.page) == ("1.1.2", "no result", None)


def test_a_case_that_the_expectation_does_not_know_is_a_difference(tmp_path: Path) -> None:
    [difference] = expectations.differences(
        ["1.1.1"], EXPECTED, merged(tmp_path, {"1.1.1": OK, "14.1": OK})
    )
    assert (difference.case, difference.expected) == ("14.1", "no such case")


def test_cases_that_were_not_selected_are_not_missed(tmp_path: Path) -> None:
    assert expectations.differences(["1.1.1"], EXPECTED, merged(tmp_path, {"1.1.1": OK})) == []


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


def test_a_report_under_another_agent_is_read_all_the_same(tmp_path: Path) -> None:
    part = write_report(tmp_path / "client-001", {"1.1.1": OK}, agent="127.0.0.1:9")
    report.merge([part], "refws", tmp_path)
    assert report.read(tmp_path, "refws")["1.1.1"].page.name == "127.0.0.1:9_case_1_1_1.html"


@BOTH_SIDES
def test_the_committed_expectation_counts_every_case_of_the_testsuite(tested: str) -> None:
    verdicts = expectations.Expectation.load(report.EXPECTED[tested]).verdicts
    assert len(verdicts) == ALL_CASES
    assert {"1.1.1", "2.11", "6.22.34", "7.13.2", "10.1.1", "12.5.18", "13.7.18"} <= set(verdicts)


@BOTH_SIDES
def test_only_the_cases_that_are_informational_by_nature_are_not_strict(tested: str) -> None:
    verdicts = expectations.Expectation.load(report.EXPECTED[tested]).verdicts
    others = {case: verdict for case, verdict in verdicts.items() if verdict != report.STRICT}
    assert others == dict.fromkeys(["7.1.6", "7.13.1", "7.13.2"], INFORMATIONAL)


def test_an_exception_for_a_case_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "expected.json"
    file.write_text(json.dumps({"cases": {"2": 11}, "exceptions": {"2.12": OK}}), "utf-8")
    with pytest.raises(ValueError, match=r"2\.12"):
        expectations.Expectation.load(file)
