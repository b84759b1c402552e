"""Run the tests, in a virtual environment that this script makes and keeps, on all CPUs at once.

python3 scripts/test.py                        everything, then the coverage, which must reach its
limits python3 scripts/test.py --quick                what one runs all day: no coverage, TCP only,
no other programs python3 scripts/test.py --python python3.13    the same on another Python python3
scripts/test.py -x -k handshake        whatever pytest understands, in one process; no limits are
judged
"""

from __future__ import annotations

import argparse
import configparser
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.testing import spread

PROJECT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = PROJECT / ".environments"
OLDEST_PYTHON = (3, 11)

EVERYTHING = ("-m", "", "--transport", "all")
"""For pytest: tests that drive other programs too, and those of the endpoint over each transport.
"""

LIMITS = (("refws/protocol/*", 100), ("refws/*", 95))
"""Files and the least branch coverage that they must have together, in percent."""


class NotPossible(Exception):
    """The tests cannot be run; the message says what to do."""


def main() -> int:
    """Exit status: 0 if all is well, 1 for a failed test or too little coverage, 2 where tests
    cannot be run.
    """
    options, pytest_arguments = command_line().parse_known_args()
    try:
        environment_python = prepare(find_python(options.python))
    except NotPossible as error:
        print(f"scripts/test.py: {error}", file=sys.stderr)
        return 2
    started = time.monotonic()
    passed = (run_quickly if options.quick else run_all)(environment_python, pytest_arguments)
    print(
        f"{'passed' if passed else 'FAILED'} in {time.monotonic() - started:.1f} s, "
        f"{version(environment_python)}"
    )
    return 0 if passed else 1


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=(
            "Run all tests under branch coverage, in a virtual environment that this "
            "script makes and keeps."
        ),
        epilog="All other arguments go to pytest, which then runs in one process; as they may "
        "leave tests out, the "
        "coverage is then not judged.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--python",
        default=sys.executable,
        metavar="COMMAND",
        help="the Python to test on, a name or a path (default: the one that runs this script)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="without coverage, over TCP only, and without tests that drive other programs",
    )
    return parser


# The virtual environment


def find_python(command: str) -> tuple[str, tuple[int, int]]:
    """The path and the version of a Python that is new enough; NotPossible otherwise."""
    path = shutil.which(command)
    if path is None:
        raise NotPossible(f"there is no {command!r}; install it, or name another one with --python")
    question = "import sys; print(*sys.version_info[:2])"
    answer = subprocess.run([path, "-c", question], capture_output=True, text=True)
    if answer.returncode != 0:
        raise NotPossible(
            f"{path} does not run; name another one with --python\n{answer.stderr.strip()}"
        )
    major, minor = map(int, answer.stdout.split())
    if (major, minor) < OLDEST_PYTHON:
        raise NotPossible(
            f"{path} is Python {major}.{minor}; name Python 3.11 or newer with --python"
        )
    return path, (major, minor)


def prepare(python: tuple[str, tuple[int, int]]) -> str:
    """The path of a Python with the tools that the tests need, installed if they are not there yet."""
    path, (major, minor) = python
    directory = ENVIRONMENTS / f"test-{major}.{minor}"
    environment_python = directory / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    tools = test_tools()
    if not has_modules(environment_python, tools):
        print(f"making {directory.relative_to(PROJECT)} with {', '.join(tools)}", flush=True)
        attempt(
            [path, "-m", "venv", "--clear", directory],
            "install the venv module (on Debian: python3-venv)",
        )
        pip: list[str | Path] = [
            environment_python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        attempt([*pip, *tools], "pip needs the network, or a place to find packages offline")
    return str(environment_python)


def test_tools() -> list[str]:
    """What setup.cfg names in its `test` extra."""
    settings = configparser.ConfigParser()
    settings.read(PROJECT / "setup.cfg", encoding="utf-8")
    return settings["options.extras_require"]["test"].split()


def has_modules(python: Path, names: list[str]) -> bool:
    if not python.exists():
        return False
    return (
        subprocess.run([python, "-c", f"import {', '.join(names)}"], capture_output=True).returncode
        == 0
    )


def attempt(command: list[str | Path], advice: str) -> None:
    """Run a command; NotPossible if it fails."""
    if subprocess.run(command).returncode != 0:
        raise NotPossible(f"this failed: {' '.join(map(str, command))}\n{advice}")


# The tests


def run_quickly(python: str, arguments: list[str]) -> bool:
    """True if all tests pass that need no other program."""
    command = [python, "-m", "pytest"]
    if arguments:
        return subprocess.run([*command, *arguments], cwd=PROJECT).returncode == 0
    return run_spread(command, "quick", os.environ)


def run_all(python: str, arguments: list[str]) -> bool:
    """Run everything, print the coverage. True if all tests pass, and cover enough unless there are
    arguments.
    """
    coverage = Coverage(python)
    coverage("erase")
    command = [
        *coverage.command,
        "run",
        "--parallel-mode",
        "--branch",
        "--concurrency=thread",
        "-m",
        "pytest",
    ]
    if arguments:
        run = subprocess.run([*command, "-m", "", *arguments], cwd=PROJECT, env=coverage.variables)
        tests_pass = run.returncode == 0
    else:
        tests_pass = run_spread([*command, *EVERYTHING], "all", coverage.variables)
    coverage("combine", "--quiet")
    coverage("report")
    covered = bool(arguments) or all(
        [coverage.reaches(files, percent) for files, percent in LIMITS]
    )
    return tests_pass and covered


def run_spread(command: list[str], kind: str, variables: Mapping[str, str]) -> bool:
    """Run pytest in a few processes at a time, each with some of the files. True if all tests pass.

    How long each file takes in a run of this kind is kept, for all versions of Python alike.
    """
    seconds_file = ENVIRONMENTS / f"test-seconds-{kind}.json"
    seconds = spread.load_seconds(seconds_file)
    files = sorted((PROJECT / "tests").glob("test_*.py"))
    shares = spread.share_out(files, seconds, spread.processes())
    longest = max(share.seconds for share in shares)
    print(f"{len(files)} files in {len(shares)} processes, about {longest:.0f} s", flush=True)
    outcomes = spread.run([*command, "-q"], shares, cwd=PROJECT, env=variables)
    for outcome in outcomes:
        seconds.update(outcome.seconds)
    spread.save_seconds(seconds_file, seconds)
    return spread.show(outcomes)


class Coverage:
    """The coverage tool of one environment. Calling it gives True for success."""

    def __init__(self, python: str) -> None:
        self.command = [python, "-m", "coverage"]
        data_file = Path(python).parent.parent / "coverage-data"
        self.variables = {**os.environ, "COVERAGE_FILE": str(data_file)}

    def __call__(self, *arguments: str, stdout: int | None = None) -> bool:
        run = subprocess.run(
            [*self.command, *arguments], cwd=PROJECT, env=self.variables, stdout=stdout
        )
        return run.returncode == 0

    def reaches(self, files: str, percent: int) -> bool:
        enough = self(
            "report", f"--include={files}", f"--fail-under={percent}", stdout=subprocess.DEVNULL
        )
        print(f"{files}: {'at least' if enough else 'LESS THAN'} {percent} % covered")
        return enough


def version(python: str) -> str:
    return subprocess.run([python, "--version"], capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
