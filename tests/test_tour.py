"""scripts/tour.py: what one echo runs, the same each time, within its budget, and as README.md has
it.
"""

import pathlib
import re
import subprocess
import sys

import pytest

PROJECT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- tour -->", "<!-- end of the tour -->"


def tour(*options):
    """The script in a process of its own, as this one may be profiled or traced by others."""
    command = [sys.executable, PROJECT / "scripts" / "tour.py", *options]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60)


@pytest.fixture(scope="module")
def text():
    run = tour()
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


@pytest.fixture(scope="module")
def markdown():
    run = tour("--markdown")
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


def rows(text):
    """(function, file, section, lines) of each function."""
    return re.findall(r"^    (\S+) +(\S+) +(\S.*?) +(\d+)$", text, re.MULTILINE)


def test_the_tour_is_the_same_each_time(text):
    assert tour().stdout == text


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
