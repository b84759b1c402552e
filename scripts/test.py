"""Run the checks and the tests, in virtual environments that this script makes and keeps.

python3 scripts/test.py                        everything, then the coverage and its limits
python3 scripts/test.py --quick                for use while you work: tests over TCP only, no
                                               checks, no coverage, no other programs, and no
                                               measurements by scripts
python3 scripts/test.py --checks               only the checks: ruff and mypy
python3 scripts/test.py --python python3.13    everything on another Python
python3 scripts/test.py -x -k handshake        tests only, in one process, as pytest understands
                                               these words; no limits are judged
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.testing import gates, second_try, spread
from scripts.testing.environments import (
    ENVIRONMENTS,
    PROJECT,
    NotPossible,
    Python,
    find_python,
    keeping_byte_code,
    prepare,
)

EVERYTHING = ("-m", "", "--transport", "all")
"""For pytest: tests that drive other programs, slow ones, the endpoint's over each transport."""

LIMITS = (("refws/protocol/*", 100), ("refws/*", 95))
"""Files, and the least branch coverage that they must have together, in percent."""


def main() -> int:
    """Exit status: 0 if all is well, 1 if a check or test failed, 2 if tests cannot be run."""
    options, pytest_arguments = command_line().parse_known_args()
    checks_wanted = not (options.no_checks or options.quick or pytest_arguments)
    try:
        python = find_python(options.python)
        checked = gates.run(python) if options.checks or checks_wanted else True
        if options.checks:
            return 0 if checked else 1
        environment_python = prepare(python, "test", "test")
    except NotPossible as error:
        print(f"scripts/test.py: {error}", file=sys.stderr)
        return 2
    started = time.monotonic()
    passed = (run_quickly if options.quick else run_all)(environment_python, pytest_arguments)
    seconds = time.monotonic() - started
    print(f"tests: {'passed' if passed else 'FAILED'} in {seconds:.1f} s, {describe(python)}")
    if not checked:
        print("checks: FAILED, see above")
    return 0 if passed and checked else 1


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Run the checks, and all tests under branch coverage, in virtual environments "
        "that this script makes and keeps.",
        epilog="All other arguments go to pytest, which then runs in one process, without the "
        "checks. Because they may leave tests out, the coverage is then not judged.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--python",
        default=sys.executable,
        metavar="COMMAND",
        help="the Python to test on, a name or a path (default: the one that runs this script)",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--quick",
        action="store_true",
        help="tests over TCP only, without checks and coverage, and without tests that are slow or "
        "drive other programs",
    )
    which.add_argument("--checks", action="store_true", help="only the checks: ruff and mypy")
    which.add_argument("--no-checks", action="store_true", help="everything but the checks")
    return parser


def describe(python: Python) -> str:
    return f"Python {python.major}.{python.minor}"


def run_quickly(python: str, arguments: list[str]) -> bool:
    """True if all tests pass that are not slow and need no other program."""
    command, variables = [python, "-m", "pytest"], keeping_byte_code()
    if arguments:
        run = subprocess.run([*command, *arguments], cwd=PROJECT, env=variables)
        return run.returncode == 0
    return run_spread(command, "quick", variables)


def run_all(python: str, arguments: list[str]) -> bool:
    """Run all tests, print the coverage.

    True if all tests pass; where there are no arguments, they must also cover enough.
    """
    coverage = Coverage(python)
    coverage("erase")
    options = ("--parallel-mode", "--branch", "--concurrency=thread")
    command = [*coverage.command, "run", *options, "-m", "pytest"]
    if arguments:
        run = subprocess.run([*command, "-m", "", *arguments], cwd=PROJECT, env=coverage.variables)
        passed = run.returncode == 0
    else:
        passed = run_spread([*command, *EVERYTHING], "all", coverage.variables)
    coverage("combine", "--quiet")
    coverage("report")
    if arguments:
        return passed
    reached = [coverage.reaches(files, percent) for files, percent in LIMITS]
    return passed and all(reached)


def run_spread(command: list[str], kind: str, variables: Mapping[str, str]) -> bool:
    """Run pytest in a few processes at a time, each with some of the files. True if all tests pass,
    those that drive other programs at their second try at the latest.

    How long each file takes in a run of this kind is kept, for all versions of Python alike.
    """
    seconds_file = ENVIRONMENTS / f"test-seconds-{kind}.json"
    seconds = spread.load_seconds(seconds_file)
    files = sorted((PROJECT / "tests").glob("test_*.py"))
    shares = spread.share_out(files, seconds, spread.processes())
    longest = max(share.seconds for share in shares)
    print(
        f"tests: {len(files)} files in {len(shares)} processes, about {longest:.0f} s", flush=True
    )
    outcomes = spread.run([*command, "-q"], shares, cwd=PROJECT, env=variables)
    seconds.update(spread.measured(shares, outcomes))
    spread.save_seconds(seconds_file, seconds)
    return spread.show(outcomes) or second_try.passes(command, outcomes, PROJECT, variables)


class Coverage:
    """The coverage tool of one environment. Calling it gives True for success."""

    def __init__(self, python: str) -> None:
        self.command = [python, "-m", "coverage"]
        data_file = Path(python).parent.parent / "coverage-data"
        self.variables = {**keeping_byte_code(), "COVERAGE_FILE": str(data_file)}

    def __call__(self, *arguments: str, stdout: int | None = None) -> bool:
        command = [*self.command, *arguments]
        run = subprocess.run(command, cwd=PROJECT, env=self.variables, stdout=stdout)
        return run.returncode == 0

    def reaches(self, files: str, percent: int) -> bool:
        enough = self(
            "report", f"--include={files}", f"--fail-under={percent}", stdout=subprocess.DEVNULL
        )
        print(f"{files}: {'at least' if enough else 'LESS THAN'} {percent} % covered")
        return enough


if __name__ == "__main__":
    sys.exit(main())
