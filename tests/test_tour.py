"""scripts/tour.py: what one echo runs, the same each time, within its budget, and as README.md has
it; what one broken rule runs; and the places that name a section.
"""

import functools
import pathlib
import re
import signal
import subprocess
import sys

import pytest

import refws
from scripts.tour import main

PROJECT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- tour -->", "<!-- end of the tour -->"


def tour_again(*options):
    """The script in a process of its own, as this one may be profiled or traced by others."""
    command = [sys.executable, PROJECT / "scripts" / "tour.py", *options]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60)


tour = functools.cache(tour_again)
"""The same, but run once for all tests."""


@pytest.fixture
def text():
    run = tour()
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


@pytest.fixture
def markdown():
    run = tour("--markdown")
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


def rows(text):
    """(function, file, section, lines) of each function."""
    return re.findall(r"^    (\S+) +(\S+) +(\S.*?) +(\d+)$", text, re.MULTILINE)


def test_the_tour_is_the_same_each_time(text):
    assert tour_again().stdout == text


def test_the_tour_begins_with_accepting_and_passes_the_close(text):
    names = [name for name, *_ in rows(text)]
    assert names[0] == "Server.serve_forever"
    assert len(names) == len(set(rows(text)))
    order = ["Server._accept", "accept_key", "Connection.recv", "Connection.send", "Close.parse"]
    assert [name for name in names if name in order] == order


def test_each_function_of_the_tour_names_its_file_and_its_section(text):
    functions = rows(text)
    assert len(functions) == len([line for line in text.splitlines() if line.startswith("    ")])
    for name, file, section, lines in functions:
        code = (PROJECT / file).read_text(encoding="utf-8")
        assert re.search(rf"def {name.rpartition('.')[2]}\(", code), (name, file)
        assert int(lines) > 1
        no_rule = file.startswith("refws/endpoint/") and "§" not in code.split('"""')[1]
        assert re.fullmatch(r"(RFC \d+ )?§\d+(\.\d+)*", section) or (section, no_rule) == (
            "–",
            True,
        )


def test_the_table_has_the_same_functions_file_by_file(text, markdown):
    files = re.findall(r"^\| \[\S+\]\((\S+)\)<br>.+ \| (.+) \|$", markdown, re.MULTILINE)
    table = [(file, name) for file, names in files for name in re.findall(r"`(.+?)`", names)]
    in_order = [(file, name) for name, file, *_ in rows(text)]
    assert sorted(table) == sorted(in_order)
    for path, _ in files:
        assert [name for file, name in table if file == path] == [
            name for file, name in in_order if file == path
        ]
    assert [file for file, _ in files] == list(dict.fromkeys(file for file, _ in in_order))


def test_the_tour_keeps_its_budget():
    run = tour("--budget")
    assert (run.returncode, run.stderr) == (0, "")


def test_the_budget_counts_what_the_tour_lists(text, markdown):
    functions = rows(text)
    lines = sum(int(lines) for *_, lines in functions)
    files = len({file for _, file, *_ in functions})
    sums = f"In all {len(functions)} functions with {lines:,} lines, in {files} files.\n"
    assert tour("--budget").stdout == sums
    assert markdown.endswith(sums) and text.endswith(sums)


def test_the_readme_has_the_tour_of_this_code(markdown):
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    between = readme.partition(BEGIN)[2].partition(END)[0].strip()
    advice = f"put the output of scripts/tour.py --markdown after {BEGIN}"
    assert between == markdown.strip(), advice


# One refusal


def test_the_way_of_a_broken_rule_leads_from_the_header_to_the_end_of_tcp():
    run = tour("--refusal")
    assert (run.returncode, run.stderr) == (0, "")
    names = [name for name, *_ in rows(run.stdout)]
    order = [
        "Connection.recv",
        "read_header",
        "wrong_masking",
        "Connection._fail",
        "format_address",
        "Sender.start_closing",
        "Close.serialize",
        "Stream.half_close",
        "Stream.close",
        "ConnectionClosed.__init__",
    ]
    assert [name for name in names if name in order] == order
    assert len(names) == len(set(names))
    assert not {"Connection.send", "accept_key", "Server._accept"} & set(names)


def test_the_way_of_a_broken_rule_is_the_same_each_time():
    assert tour_again("--refusal").stdout == tour("--refusal").stdout


# Sections


PLACE = re.compile(r"  ([ *]) (\S+):(\d+)  (.+)\n {8}(\S.*)")
NAMED = re.compile(r"^\S.*: (\d+) named; .+\n", re.MULTILINE)

RFC_7692_7_2_1 = ["7692-7.2.1", "RFC 7692 7.2.1", "RFC 7692 §7.2.1", "rfc7692-7.2.1"]
SECTIONS = [
    *["1", "4.2", "4.2.1", "§4.2.1 item 3", "5", "5.1", "5.4", "§7.1.7"],
    *["7692-7.2", *RFC_7692_7_2_1, "9110-15.5.22"],
]
"""What the tests ask for, in one run: to read all files takes most of its time."""


@functools.cache
def all_places():
    """Section -> (mark, file, line, name, words) of each place."""
    run = tour(*SECTIONS)
    assert (run.returncode, run.stderr) == (0, "")
    nothing, *parts = NAMED.split(run.stdout)
    found = [PLACE.findall(part) for part in parts[1::2]]
    assert [len(places) for places in found] == [int(number) for number in parts[::2]]
    assert nothing == ""
    return dict(zip(SECTIONS, found, strict=True))


def places(section):
    return all_places()[section]


def names_in(found, file):
    return {name for _, path, _, name, _ in found if path == f"refws/{file}"}


@pytest.mark.slow
def test_5_1_is_where_an_unmasked_frame_is_refused():
    found = places("5.1")
    assert {"read_header", "wrong_masking"} <= names_in(found, "protocol/frame.py")
    marks = {name: mark for mark, path, _, name, _ in found if path == "refws/protocol/frame.py"}
    assert (marks["read_header"], marks["wrong_masking"]) == ("*", " ")


def test_5_4_is_where_fragments_are_checked_and_where_messages_take_turns():
    found = places("5.4")
    checked = {"IncomingMessage.start_frame", "IncomingMessage._continue"}
    assert checked <= names_in(found, "protocol/message.py")
    sent = {"Sender.send_fragments", "Sender._break_off", "Sender._in_steps"}
    assert sent <= names_in(found, "endpoint/sending.py")


def test_7_1_7_is_where_a_connection_is_failed():
    found = places("§7.1.7")
    failing = {"Connection._end_with", "Connection._fail"}
    assert failing <= names_in(found, "endpoint/connection.py")


def test_a_section_is_found_by_its_number_and_not_by_the_digits_of_another():
    for _, path, line, _, _ in places("1"):
        text = (PROJECT / path).read_text(encoding="utf-8")
        assert re.search(r"§1(?!\d)", text), (path, line)
    assert {place[1:4] for place in places("5.4")} < {place[1:4] for place in places("5")}


def test_each_place_has_its_line_its_docstring_and_the_order_of_the_map():
    for _, path, line, name, words in [*places("4.2"), *places("7692-7.2")]:
        lines = (PROJECT / path).read_text(encoding="utf-8").splitlines()
        if name == "(head of the file)":
            assert line == "1" and words in lines[0]
        else:
            assert re.search(rf"\b{name.rpartition('.')[2]}\b", lines[int(line) - 1])
            assert words in "\n".join(lines[int(line) - 1 :])
    in_4_2 = [(path, int(line)) for _, path, line, _, _ in places("4.2")]
    files = list(dict.fromkeys(path for path, _ in in_4_2))
    assert in_4_2 == sorted(in_4_2, key=lambda one: (files.index(one[0]), one[1]))
    floors = [path.split("/")[1] for path in files]
    floors_of_the_map = [word for word in refws.__doc__.split() if word in ("protocol/", "course/")]
    assert floors_of_the_map == ["protocol/", "course/"]
    assert list(dict.fromkeys(floors)) == ["protocol", "endpoint", "course"]


@pytest.mark.parametrize("section", RFC_7692_7_2_1)
def test_a_section_of_another_rfc_is_found_where_that_rfc_is_meant(section):
    found = places(section)
    assert {"TAIL", "Deflater"} <= names_in(found, "protocol/deflate/codec.py")


def test_an_item_of_a_list_is_found_alone_and_in_its_section():
    alone, all_items = places("§4.2.1 item 3"), places("4.2.1")
    assert "REQUEST_ITEMS" in names_in(alone, "protocol/handshake.py")
    assert {place[1:4] for place in alone} < {place[1:4] for place in all_items}


def test_the_sections_of_a_list_are_of_the_rfc_that_the_first_one_names():
    assert "HEADERS_OF_STATUS" in names_in(places("9110-15.5.22"), "protocol/handshake.py")


UNNAMED = ["5.41", "5.1", "1234-99", "7.2.1"]
"""All except one."""


@pytest.mark.slow
def test_a_section_that_nothing_names_is_exit_status_1_and_a_hint_with_the_nearest():
    run = tour(*UNNAMED)
    assert run.returncode == 1
    assert len(NAMED.findall(run.stdout)) == 1
    assert PLACE.findall(run.stdout) == places("5.1")
    first, second, _ = run.stderr.splitlines()
    assert first.startswith("tour: no place names §5.41; the nearest named: §5, §5.")
    assert second.startswith("tour: no place names RFC 1234 §99, nor another section of that RFC")


def test_a_section_that_only_another_rfc_has_is_named_in_the_hint():
    hint = tour(*UNNAMED).stderr.splitlines()[-1]
    assert hint.startswith("tour: no place names §7.2.1; ") and hint.endswith(", RFC 7692 §7.2.1")


@pytest.mark.parametrize("arguments", [["5.x"], ["RFC"], [""], ["5.4", "--budget"]])
def test_what_is_no_section_is_exit_status_2_and_a_message(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    out, err = capsys.readouterr()
    assert (stop.value.code, out) == (2, "")
    assert "not a section: give" in err or "give one of the two" in err


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="this system has no SIGPIPE")
def test_a_reader_that_stops_early_is_no_error():
    command = [sys.executable, PROJECT / "scripts" / "tour.py"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
