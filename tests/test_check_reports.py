"""What is shown of a run, each format as those who read it expect it."""

import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import datetime

import pytest

from checks import (
    ECHO,
    EXCHANGE,
    FRAMES,
    LIMITS,
    MIXED,
    OPENED,
    SLOW,
    UNMASKED,
    not_read_by_jenkins,
    report,
    result,
)
from refws.check.case import Case, Group, Need
from refws.check.course import course_of, give_marks
from refws.check.engine import PROBE, Grade
from refws.check.link import Crossed
from refws.check.opening import edited, without
from refws.check.outcomes import Anything, Refuses
from refws.check.report import text as module
from refws.check.report.as_json import BadReport, as_json, read_grades
from refws.check.report.comparison import NONE, compare, draw_changes, without_others
from refws.check.report.crossed import FIRST, LAST, draw_crossed
from refws.check.report.junit import as_junit
from refws.check.report.markdown import as_markdown
from refws.check.report.points import as_gradescope, draw_points
from refws.check.report.progress import Progress
from refws.check.report.tapes import write_tapes
from refws.check.report.text import draw_report
from refws.check.seen import Seen
from refws.commands import replay
from refws.course.text.style import PLAIN, Style
from refws.protocol.frame import Side
from wire import PING, SAMPLE_KEY, TEXT, frame, request, response

HOSTILE = "\x1b[2J</failure>]]>&`|*\n# forged\u202e\ud800\x00"


def drawn(one):
    return "\n".join(draw_report(one))


# Text


def test_the_table_has_a_line_for_each_group_and_one_for_all():
    one = report(
        result(ECHO, Grade.PASS),
        result(UNMASKED, Grade.WEAK),
        result(SLOW, Grade.SKIPPED, Need.DEFLATE.value),
        groups=(FRAMES, LIMITS),
    )
    lines = drawn(one).splitlines()
    rows = [line.rsplit(maxsplit=4) for line in lines[2:6]]
    assert rows == [
        ["group", "pass", "weak", "fail", "skipped"],
        ["frames: Frames", "1", "1", ".", "."],
        ["limits: Limits | time", ".", ".", ".", "1"],
        ["in all", "1", "1", ".", "1"],
    ]
    assert " skipped         1 case: it declines permessage-deflate" in lines
    assert lines[-1] == "3 cases in 2.0 s: 1 pass, 1 weak, 1 skipped"


def test_a_case_that_did_not_pass_has_its_rule_what_was_seen_and_expected_and_its_bytes():
    text = drawn(MIXED)
    assert "5.6-text" not in text
    for words in [
        "FAIL 5.1-unmasked, §5.1\n",
        " rule            A frame without a mask fails the connection. (MUST,\n",
        " 6455-5.1-03)\n",
        " seen            text 'Hi', TCP ends\n",
        " expected        Close 1002, and nothing else\n",
        '  -> "GET /',
        "client -> server, byte ",
        " VIOLATION       §5.1, at byte ",
        "server -> client, byte ",
        "   1500.0 ms  <- end of the stream\n",
    ]:
        assert words in text


def test_a_hint_is_shown_where_the_mistake_is_known(monkeypatch):
    monkeypatch.setattr(module, "find_mistake", lambda result: f"hint for {result.case.name}")
    assert " hint            hint for 5.1-unmasked" in drawn(MIXED)
    hints = {case["name"]: case["hint"] for case in json.loads(as_json(MIXED))["cases"]}
    assert hints == {"5.6-text": "", "5.1-unmasked": "hint for 5.1-unmasked"}


def test_hints_that_several_failed_cases_share_are_shown_before_all_cases():
    names = "5.1-unmasked-text", "5.1-unmasked-again", "5.6-text"
    shared = [result(replace(UNMASKED, name=name)) for name in names[:2]]
    other = result(replace(ECHO, name=names[2]), observed=None, seen="nothing")
    cases = tuple(one.case for one in (*shared, other))
    drawn_lines = drawn(report(*shared, other, groups=(Group("g", "G", cases),)))
    first, _, _ = drawn_lines.partition("FAIL 5.1-unmasked-text")
    hint = "2 cases         The program accepts this: an unmasked frame"
    assert hint in first and "5.1-unmasked-text is the first of them" in first
    assert "5.6-text" not in first
    assert "what to mend first" not in drawn(report(*shared[:1], groups=(FRAMES,)))


@pytest.mark.parametrize("seconds, is_said", [(11, True), (9, False)])
def test_a_run_that_mostly_waited_says_how_to_wait_less(seconds, is_said):
    silent = [result(case, observed=Seen(seconds=seconds)) for case in (ECHO, UNMASKED)]
    text = " ".join(drawn(report(*silent)).split())
    assert ("note 22 s were silence of the endpoint: --timeout 0.5 waits less" in text) is is_said


def test_cases_with_other_hints_do_not_count_as_one():
    pairs = [result(UNMASKED), result(replace(ECHO, name="5.6-x"), crossed=(), observed=OPENED)]
    assert "what to mend first" not in drawn(report(*pairs, groups=(FRAMES,)))


def test_the_heads_are_drawn_in_full_only_where_the_case_is_about_them():
    host = Case("4.2.1-host", "", "", Refuses(), opening=edited(without("Host")))
    in_full = "4.2.1 item 4: must contain Upgrade"
    assert in_full not in drawn(MIXED)
    assert in_full in drawn(report(result(host)))
    assert in_full in drawn(report(result(observed=Seen(problem="no valid 101"))))


def test_only_the_first_failed_cases_are_drawn_bit_by_bit_and_the_text_says_so():
    cases = tuple(Case(f"5.{i}-x", "", "", Anything()) for i in range(5))
    text = drawn(report(*map(result, cases), groups=(Group("g", "G", cases),)))
    assert text.count("VIOLATION       §5.1") == module.MAX_FULL
    assert text.count("VIOLATION §5.1: an unmasked frame") == 5 - module.MAX_FULL
    assert "--only NAME" in text and "--only NAME" not in drawn(MIXED)


def test_a_long_case_shows_its_start_and_its_end():
    pings = [Crossed(0.1, Side.CLIENT, frame(PING, b"%d" % i)) for i in range(1000)]
    lines = list(draw_crossed(result(crossed=(*EXCHANGE[:2], *pings))))
    assert len(lines) == FIRST + LAST + 1
    assert lines[FIRST].strip() == "... and 978 more: --tapes DIR keeps them all"
    assert '"999"' in lines[-1]


def test_the_probe_and_what_is_cut_off_have_a_line():
    crossed = (
        *EXCHANGE[:2],
        Crossed(0.1, Side.CLIENT, frame(TEXT, PROBE)),
        Crossed(0.2, Side.SERVER, b"\x81\x05He"),
    )
    text = "\n".join(draw_crossed(result(crossed=crossed)))
    assert '  -> text FIN masked 16 "is anyone there?"  legal' in text
    assert "CUT OFF" in text


def test_cases_that_reached_no_server_are_one_text_with_advice():
    refused = {"seen": "no connection: refused", "crossed": (), "observed": None}
    one = report(result(ECHO, Grade.PASS), result(UNMASKED, **refused))
    text = drawn(one)
    assert "FAIL 1 case: no connection: refused" in text
    assert "5.1-unmasked, after 5.6-text" in text
    assert "FAIL 5.1-unmasked, §5.1" not in text


def test_a_server_without_echo_gets_advice():
    one = report(result(ECHO, Grade.SKIPPED, Need.ECHO.value))
    assert "give --path the path" in " ".join(drawn(one).split())


def test_an_interrupted_run_says_how_many_cases_are_missing():
    assert drawn(report(interrupted=True)).endswith("stopped by Ctrl-C: no result of 2 cases")


def test_what_a_peer_sends_reaches_no_terminal_and_no_file_as_it_is():
    forged = Crossed(0.1, Side.SERVER, b"HTTP/1.1 400 \x1b[2J\r\nX: \x1b[2J\xe2\x80\xae\r\n\r\n")
    one = report(result(seen=HOSTILE, crossed=(EXCHANGE[0], forged), observed=None))
    for text in (drawn(one), as_json(one), as_markdown(one), as_junit(one).decode()):
        assert not set(text) & set("\x1b\u202e\ud800\x00")
        assert "\n# forged" not in text


def test_colours_are_sent_only_if_the_style_has_them():
    assert "\x1b" not in drawn(MIXED)
    assert "\x1b[31mFAIL 5.1-unmasked, §5.1\x1b[0m" in draw_report(MIXED, Style(color=True))


# Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_how_many_cases_are_done_and_the_time_left():
    times = iter([0.0, 3.0, 100.0])
    terminal = Terminal()
    progress = Progress(41, terminal, lambda: next(times))
    progress.note(result(ECHO, Grade.PASS))
    progress.note(result(UNMASKED))
    progress.end()
    assert terminal.getvalue().split("\r\x1b[K") == [
        "",
        "1 of 41, 0 failed, about 2:00 left  5.6-text",
        "2 of 41, 1 failed, about 32:30 left  5.1-unmasked",
        "",
    ]


@pytest.mark.parametrize("columns, width", [(40, 39), (300, 79)])
def test_the_progress_fits_the_terminal(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    long = replace(ECHO, name="5.6-" + "x" * 100)
    Progress(2, terminal).note(result(long))
    assert len(terminal.getvalue().removeprefix("\r\x1b[K")) == width


def test_a_file_gets_no_progress():
    file = io.StringIO()
    progress = Progress(1, file)
    progress.note(result())
    progress.end()
    assert file.getvalue() == ""


# JSON

SCHEMA = {
    "format": str,
    "version": int,
    "refws": str,
    "address": str,
    "started": str,
    "seconds": float,
    "interrupted": bool,
    "lacks": list,
    "counts": dict,
    "cases": list,
}
SCHEMA_OF_CASE = {
    "name": str,
    "group": str,
    "section": str,
    "requirement": str,
    "level": str,
    "rule": str,
    "grade": str,
    "seen": str,
    "expected": str,
    "hint": str,
    "seconds": float,
}


def test_the_json_has_the_documented_members_with_the_documented_types():
    parsed = json.loads(as_json(report(*MIXED.results, lacks=frozenset({Need.DEFLATE}))))
    assert {name: type(value) for name, value in parsed.items()} == SCHEMA
    assert (parsed["format"], parsed["version"]) == ("refws check", 1)
    assert datetime.fromisoformat(parsed["started"]).isoformat() == "2025-01-31T12:00:00+00:00"
    assert parsed["lacks"] == ["deflate"]
    assert parsed["counts"] == {"pass": 1, "weak": 0, "fail": 1, "skipped": 0}
    for case in parsed["cases"]:
        assert {name: type(value) for name, value in case.items()} == SCHEMA_OF_CASE
    assert parsed["cases"][1] == {
        "name": "5.1-unmasked",
        "group": "frames",
        "section": "§5.1",
        "requirement": "6455-5.1-03",
        "level": "must",
        "rule": "A frame without a mask fails the connection.",
        "grade": "fail",
        "seen": "text 'Hi', TCP ends",
        "expected": "Close 1002, and nothing else",
        "hint": parsed["cases"][1]["hint"],
        "seconds": 1.5,
    }


def test_the_json_is_read_again(tmp_path):
    (tmp_path / "a.json").write_text(as_json(MIXED), encoding="utf-8")
    expected = {"5.6-text": "pass", "5.1-unmasked": "fail"}
    assert read_grades(str(tmp_path / "a.json")) == expected


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": "other", "version": 2, "cases": []}',
        '{"format": "refws check", "version": 1, "cases": {}, "x": NaN'[:-9],
        '{"format": "refws check", "version": 1, "cases": [{"name": "a", "grade": "good"}]}',
        '{"format": "refws check", "version": 1, "cases": [{"name": 1, "grade": "pass"}]}',
        '{"format": "refws check", "version": 1, "cases": [{"name": "a", "grade": []}]}',
        '{"format": "refws check", "version": 1, "cases": [7]}',
        "[" * 100_000,
    ],
)
def test_another_file_is_no_report(content, tmp_path):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(BadReport, match="a.json' is no report of refws check: give a file"):
        read_grades(str(tmp_path / "a.json"))


@pytest.mark.parametrize("version", [2, "1", None])
def test_a_report_of_another_version_is_named(version, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"format": "refws check", "version": version, "cases": []}))
    with pytest.raises(BadReport, match=f"is of version {version!r} of .* reads 1: write it again"):
        read_grades(str(path))


# Comparison


def test_a_comparison_lists_changed_grades_new_cases_and_cases_that_are_gone():
    before = {"a": "pass", "b": "fail", "c": "pass", "d": "weak", "e": "skipped"}
    after = {"a": "pass", "b": "weak", "c": "fail", "e": "pass", "f": "pass"}
    changes = compare(before, after)
    assert [change[:] for change in changes] == [
        ("b", "fail", "weak"),
        ("c", "pass", "fail"),
        ("e", "skipped", "pass"),
        ("f", NONE, "pass"),
        ("d", "weak", NONE),
    ]
    assert list(draw_changes(changes)) == [
        "5 changes:",
        " b: fail -> weak (better)",
        " c: pass -> fail (worse)",
        " e: skipped -> pass",
        " f: not run -> pass",
        " d: weak -> not run",
    ]
    assert list(draw_changes(compare(after, after))) == ["no changes"]


def test_cases_that_were_not_selected_are_not_compared_but_ones_that_no_longer_exist_are():
    before = {"run": "pass", "left out": "pass", "gone": "pass"}
    assert without_others(before, run={"run"}, known={"run", "left out"}) == {
        "run": "pass",
        "gone": "pass",
    }


# JUnit


def suites(data):
    root = ET.fromstring(data)
    assert root.tag == "testsuites"
    return root, root.findall("testsuite")


@pytest.mark.parametrize("strict", [False, True])
def test_the_counts_of_junit_are_the_ones_of_its_elements(strict):
    one = report(
        result(ECHO, Grade.WEAK),
        result(UNMASKED),
        result(SLOW, Grade.SKIPPED, "it is slow"),
        groups=(FRAMES, LIMITS),
    )
    root, found = suites(as_junit(one, strict))
    assert [suite.get("name") for suite in found] == ["frames: Frames", "limits: Limits | time"]
    counted = [(root, root.findall(".//testcase")), *((suite, list(suite)) for suite in found)]
    for element, cases in counted:
        failures = [case for case in cases if case.find("failure") is not None]
        skipped = [case for case in cases if case.find("skipped") is not None]
        counts = {name: int(element.get(name)) for name in ("tests", "failures")}
        assert counts == {"tests": len(cases), "failures": len(failures)}
        assert element.get("skipped") == (None if element is root else str(len(skipped)))
        assert element.get("errors") == "0" and not element.findall(".//error")
        times = [float(case.get("time")) for case in cases]
        assert float(element.get("time")) == pytest.approx(sum(times))
    assert root.get("failures") == ("2" if strict else "1")
    assert not_read_by_jenkins(root) == []
    assert all(re.fullmatch(r"2025-01-31T12:00:00", suite.get("timestamp")) for suite in found)
    assert {case.get("classname") for case in found[0]} == {"refws.check.frames"}


def test_a_failure_has_the_sentence_and_the_bytes_and_a_weak_case_its_output():
    _, (suite,) = suites(as_junit(report(result(ECHO, Grade.WEAK), result())))
    weak, failed = suite
    assert weak.find("failure") is None and "WEAK 5.6-text" in weak.find("system-out").text
    failure = failed.find("failure")
    assert failure.get("type") == "fail"
    assert failure.get("message").startswith("§5.1: text 'Hi', TCP ends; expected Close 1002")
    assert "VIOLATION       §5.1" in failure.text


# Markdown


def test_the_markdown_has_the_table_and_each_case_with_its_bytes_as_code():
    lines = as_markdown(MIXED).splitlines()
    assert lines[0] == "# ws://127.0.0.1:9000/"
    table = [line for line in lines if line.startswith("|")]
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in table] == [6] * len(table)
    assert table[-1] == "| Frames | 1 | 0 | 1 | 0 |"
    assert r"## FAIL 5.1\-unmasked, §5.1" in lines
    assert any(line.startswith("     VIOLATION       §5.1") for line in lines)


def test_in_markdown_what_was_seen_is_text_and_a_title_with_a_bar_stays_in_its_cell():
    one = report(result(seen="<script>`x``y|*z* @me #1 $x$"), groups=(FRAMES, LIMITS))
    text = as_markdown(one)
    assert "- seen: ``` <script>`x``y|*z* @me #1 $x$ ```\n- expected: `Close 1002, and" in text
    assert r"| Limits \| time | 0 | 0 | 0 | 0 |" in text


# Tapes


def test_each_failed_case_is_a_tape_that_replay_explains_without_secrets(tmp_path, capsys):
    (path,) = write_tapes(MIXED, str(tmp_path / "new" / "tapes"))
    assert path.name == "5.1-unmasked.txt"
    text = path.read_text(encoding="utf-8")
    assert "# §5.1: text 'Hi', TCP ends; expected Close 1002" in text
    assert b"secret".hex(" ") not in text and b"c2VjcmV0".hex(" ") not in text
    assert replay.main([str(path)]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert "-> text FIN 2  VIOLATION §5.1: an unmasked frame from the client" in out
    assert '<- text FIN 2 "Hi"  legal' in out and "1500.0 ms  <- end of the stream" in out


def test_a_tape_of_a_case_that_does_not_fail_any_more_is_removed_and_no_other_file(tmp_path):
    write_tapes(report(result(ECHO), result(UNMASKED)), str(tmp_path))
    (tmp_path / "notes.txt").write_text("refws tape 1, a name of no case")
    passed = report(result(ECHO, Grade.PASS), result(UNMASKED, Grade.WEAK))
    assert write_tapes(passed, str(tmp_path)) == []
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    (tmp_path / f"{ECHO.name}.txt").write_text("no tape")
    assert write_tapes(passed, str(tmp_path)) == []
    assert (tmp_path / f"{ECHO.name}.txt").exists()


def test_a_tape_has_all_bytes_in_their_order_and_none_after_an_end(tmp_path):
    crossed = (
        Crossed(0.0, Side.CLIENT, request()),
        Crossed(0.1, Side.SERVER, response(SAMPLE_KEY) + b"\x81"),
        Crossed(0.2, Side.SERVER, b""),
        Crossed(0.2, Side.SERVER, b""),
        Crossed(0.3, Side.CLIENT, bytes(40_000)),
    )
    (path,) = write_tapes(report(result(crossed=crossed)), str(tmp_path))
    entries = [line.split(maxsplit=3) for line in path.read_text("utf-8").splitlines()]
    sent = {side.value: b"" for side in Side}
    for words in entries[1:]:
        if words[0] != "#" and words[2] in sent and words[3] != "end":
            sent[words[2]] += bytes.fromhex(words[3])
    assert sent == {
        "client": request() + bytes(40_000),
        "server": response(SAMPLE_KEY) + b"\x81",
    }
    assert [words[3] for words in entries if words[2:3] == ["server"]][-1] == "end"
    assert replay.main([str(path)]) in (0, 1)


def test_a_name_cut_off_at_the_end_is_on_the_tape(tmp_path):
    crossed = (Crossed(0.0, Side.CLIENT, b"GET / HTTP/1.1\r\nHos"),)
    (path,) = write_tapes(report(result(crossed=crossed)), str(tmp_path))
    assert b"Hos".hex(" ") in path.read_text("utf-8")


# Points


def stages(*results):
    tables = [{"title": "First", "points": {"5.6-*": 2}}, {"points": {"frames": 1}}]
    return give_marks(course_of("x", {"stages": tables, "weak": 0.5}), (FRAMES,), results)


def test_the_points_are_a_table_by_stage():
    lines = list(draw_points(stages(result(ECHO, Grade.WEAK)), PLAIN))
    assert [line.split() for line in lines] == [
        ["stage", "points", "of"],
        ["1.", "First", "1", "2"],
        ["2.", "stage", "2", "0", "1"],
        ["in", "all", "1", "3"],
    ]


def is_number(value):
    return type(value) in (int, float)


def is_text(value):
    return isinstance(value, str) and "\r" not in value  # "use Unix line endings"


def is_object(value):
    return isinstance(value, dict)


def is_one_of(*words):
    return lambda value: value in words


is_format = is_one_of("text", "html", "simple_format", "md", "ansi")
is_visibility = is_one_of("hidden", "after_due_date", "after_published", "visible")

GRADESCOPE = {
    "score": is_number,
    "execution_time": is_number,
    "output": is_text,
    "output_format": is_format,
    "test_output_format": is_format,
    "test_name_format": is_format,
    "visibility": is_visibility,
    "stdout_visibility": is_visibility,
    "extra_data": is_object,
    "tests": lambda tests: isinstance(tests, list) and all(map(is_test_of_gradescope, tests)),
    "leaderboard": lambda entries: isinstance(entries, list),
}
"""What "Output format" of https://gradescope-autograders.readthedocs.io/en/latest/specs/ allows."""

GRADESCOPE_TEST = {
    "score": is_number,
    "max_score": is_number,
    "status": is_one_of("passed", "failed"),
    "name": is_text,
    "name_format": is_format,
    "number": is_text,
    "output": is_text,
    "output_format": is_format,
    "tags": lambda tags: isinstance(tags, list) and all(map(is_text, tags)),
    "visibility": is_visibility,
    "extra_data": is_object,
}


def is_described(parsed, fields):
    return all(name in fields and fields[name](value) for name, value in parsed.items())


def is_test_of_gradescope(test):
    return is_described(test, GRADESCOPE_TEST)


def is_read_by_gradescope(parsed):
    """Each field is known and fits; a score is on top, or on each test."""
    tests = parsed.get("tests", [])
    scored = "score" in parsed or (tests and all("score" in test for test in tests))
    return is_described(parsed, GRADESCOPE) and bool(scored)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tests": []},
        {"score": "2"},
        {"score": 2, "points": 2},
        {"score": 2, "tests": [{"status": "skipped"}]},
        {"score": 2, "visibility": "shown"},
        {"score": 2, "output": "two\r\nlines"},
        {"tests": [{"score": 1}, {"max_score": 1}]},
    ],
)
def test_the_reader_of_gradescope_refuses_what_its_documentation_does_not_allow(wrong):
    assert is_read_by_gradescope({"score": 2.0, "tests": [{"score": 2, "number": "1.1"}]})
    assert not is_read_by_gradescope(wrong)


def test_gradescope_gets_the_fields_that_its_documentation_names():
    marks = stages(result(ECHO, Grade.PASS), result(seen="Hi"))
    parsed = json.loads(as_gradescope(marks, 2.25, "the table"))
    assert is_read_by_gradescope(parsed)
    assert (parsed["score"], parsed["output"]) == (2.0, "the table")
    for test in parsed["tests"]:
        assert 0 <= test["score"] <= test["max_score"]
    first, second = parsed["tests"]
    assert (first["name"], first["status"], first["number"]) == ("First: 5.6-text", "passed", "1.1")
    assert (second["score"], second["max_score"], second["status"]) == (0.0, 1.0, "failed")
    assert "fail: Hi" in second["output"] and "expected: Close 1002" in second["output"]


def test_gradescope_shows_the_table_of_points_as_it_is():
    """Without output_format it is HTML, in which all spaces of a column are one."""
    parsed = json.loads(as_gradescope(stages(), 0.0, "stage     points"))
    assert parsed["output_format"] == "text"


def test_gradescope_reads_what_a_hostile_server_has_said():
    parsed = json.loads(as_gradescope(stages(result(seen=f"{HOSTILE}\r\n")), 0.0, ""))
    assert is_read_by_gradescope(parsed)


def test_what_was_not_run_earns_nothing_and_says_so():
    parsed = json.loads(as_gradescope(stages(), 0.0, ""))
    assert parsed["score"] == 0
    assert ["not run" in test["output"] for test in parsed["tests"]] == [True, True]
