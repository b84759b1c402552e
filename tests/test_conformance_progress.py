"""The Autobahn runner: what it shows while it runs."""

from __future__ import annotations

import io

import pytest

import workers
from cases import typical_s
from progress import Progress, clock, left_s


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
    assert workers.last_started(printed) == "1.1.2"
    assert workers.last_started("Cases = ['1.1.1']\n") is None
