"""Autobahn's verdicts as cases of refws check: what is read, and how it is graded."""

import json
from datetime import UTC, datetime

import pytest

import as_json
from checks import MIXED
from fake_autobahn import write_report
from outcome import Outcome
from refws.check.autobahn import BadRun, read_run, with_run
from refws.check.engine import Grade
from refws.check.report.as_json import document
from refws.check.report.junit import as_junit
from refws.check.report.markdown import as_markdown
from refws.check.report.text import draw_report
from report import SERVER, read

VERDICTS = {
    "1.1.1": ("OK", "OK"),
    "6.4.10": ("FAILED", "UNCLEAN"),
    "6.4.3": ("NON-STRICT", "OK"),
    "7.1.6": ("INFORMATIONAL", "INFORMATIONAL"),
    "7.7.1": ("OK", "WRONG CODE"),
    "7.7.2": ("OK", "FAILED BY CLIENT"),
    "12.1.1": ("UNIMPLEMENTED", "UNCLEAN"),
}
NOW = datetime(2026, 1, 1, tzinfo=UTC)

GRADES = [
    ("autobahn-1.1.1", Grade.PASS),
    ("autobahn-6.4.3", Grade.WEAK),
    ("autobahn-6.4.10", Grade.FAIL),
    ("autobahn-7.1.6", Grade.PASS),
    ("autobahn-7.7.1", Grade.FAIL),
    ("autobahn-7.7.2", Grade.WEAK),
    ("autobahn-12.1.1", Grade.SKIPPED),
]


def grades(run):
    assert [result.case for result in run.results] == list(run.group.cases)
    return [(result.case.name, result.grade) for result in run.results]


@pytest.fixture
def index(tmp_path):
    """The index.json of a report, as the testsuite writes it."""
    return write_report(tmp_path, VERDICTS, "mine") / "index.json"


@pytest.fixture
def run_of_conformance(tmp_path, index):
    """The --json of conformance/autobahn.py for the same report, and a case without a result."""
    results = read(tmp_path, "mine")
    cases = [*VERDICTS, "9.1.1"]
    outcome = Outcome(SERVER, "mine", "ws://h/", "kosoku", NOW, 1.0, tmp_path, cases, results, [])
    file = tmp_path / "run.json"
    file.write_text(as_json.as_json(outcome), "utf-8")
    return file


def test_the_index_of_the_testsuite_is_read_in_the_order_of_the_cases(index):
    run = read_run(index)
    assert grades(run) == GRADES
    failed = run.results[2]
    assert (failed.seen, failed.expected) == ("FAILED, closing UNCLEAN", "OK, closing OK")
    assert (failed.seconds, failed.case.section) == (0.003, "Autobahn")


def test_the_json_of_conformance_is_read_with_the_sections(run_of_conformance):
    run = read_run(run_of_conformance)
    assert grades(run) == [*GRADES[:-1], ("autobahn-9.1.1", Grade.FAIL), GRADES[-1]]
    assert run.results[6].seen.startswith("no result")
    assert "RFC 6455 §8.1" in run.results[1].case.section


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"mine": {}}',
        '{"mine": {"1.1.1": {}}, "other": {}}',
        '{"mine": {"1.1.x": {"behavior": "OK", "behaviorClose": "OK"}}}',
        '{"mine": {"1.1.1": {"behavior": "OK"}}}',
        '{"mine": {"1.1.1": {"behavior": 1, "behaviorClose": 1}}}',
        '{"format": "autobahn-run 2", "cases": {}}',
        "[" * 100_000,
    ],
)
def test_another_file_is_refused_with_what_to_give(tmp_path, text):
    file = tmp_path / "other.json"
    file.write_text(text)
    with pytest.raises(BadRun, match="is no run of one agent by Autobahn: conformance/autobahn.py"):
        read_run(file)


def test_it_is_a_group_like_all_others_in_each_report(index):
    report = with_run(MIXED, read_run(index), seconds=60.0)
    text = "\n".join(draw_report(report))
    assert "autobahn: Autobahn's testsuite" in text and "FAIL autobahn-6.4.10, Autobahn" in text
    assert "show 6.4.10" in " ".join(text.split())
    assert text.endswith("9 cases in 62.0 s: 3 pass, 2 weak, 3 fail, 1 skipped")
    found = document(report)
    assert found["counts"] == {"pass": 3, "weak": 2, "fail": 3, "skipped": 1}
    assert [case["name"] for case in found["cases"] if case["group"] == "autobahn"] == [
        name for name, _ in GRADES
    ]
    assert json.dumps(found)
    assert b'classname="refws.check.autobahn" name="autobahn-6.4.3"' in as_junit(report)
    assert "| Autobahn's testsuite | 2 | 2 | 2 | 1 |" in as_markdown(report)
