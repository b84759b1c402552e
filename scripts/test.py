"""Run all tests under branch coverage, in a virtual environment that this script makes and keeps.

    python3 scripts/test.py                        everything, then the coverage, which must reach its limits
    python3 scripts/test.py --python python3.13    the same on another Python
    python3 scripts/test.py -x -k handshake        whatever pytest understands; the limits are then not judged
"""

from __future__ import annotations

import argparse
import configparser
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = PROJECT / ".environments"
OLDEST_PYTHON = (3, 11)

LIMITS = (("refws/protocol/*", 100), ("refws/*", 95))
"""Files and the least branch coverage that they must have together, in percent."""


class NotPossible(Exception):
    """The tests cannot be run; the message says what to do."""


def main() -> int:
    """Exit status: 0 if all is well, 1 for a failed test or too little coverage, 2 where tests cannot be run."""
    options, pytest_arguments = command_line().parse_known_args()
    try:
        environment_python = prepare(find_python(options.python))
    except NotPossible as error:
        print(f"scripts/test.py: {error}", file=sys.stderr)
        return 2
    return run_tests(environment_python, pytest_arguments)


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Run all tests under branch coverage, in a virtual environment that this script makes and keeps.",
        epilog="All other arguments go to pytest; as they may leave tests out, the coverage is then not judged.",
        allow_abbrev=False,
    )
    parser.add_argument("--python", default=sys.executable, metavar="COMMAND",
                        help="the Python to test on, a name or a path (default: the one that runs this script)")
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
        raise NotPossible(f"{path} does not run; name another one with --python\n{answer.stderr.strip()}")
    major, minor = map(int, answer.stdout.split())
    if (major, minor) < OLDEST_PYTHON:
        raise NotPossible(f"{path} is Python {major}.{minor}; name Python 3.11 or newer with --python")
    return path, (major, minor)


def prepare(python: tuple[str, tuple[int, int]]) -> str:
    """The path of a Python with the tools that the tests need, installed if they are not there yet."""
    path, (major, minor) = python
    directory = ENVIRONMENTS / f"test-{major}.{minor}"
    environment_python = directory / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    tools = test_tools()
    if not has_modules(environment_python, tools):
        print(f"making {directory.relative_to(PROJECT)} with {', '.join(tools)}", flush=True)
        attempt([path, "-m", "venv", "--clear", directory], "install the venv module (on Debian: python3-venv)")
        install = [environment_python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *tools]
        attempt(install, "pip needs the network, or a place to find packages offline")
    return str(environment_python)


def test_tools() -> list[str]:
    """What setup.cfg names in its `test` extra."""
    settings = configparser.ConfigParser()
    settings.read(PROJECT / "setup.cfg", encoding="utf-8")
    return settings["options.extras_require"]["test"].split()


def has_modules(python: Path, names: list[str]) -> bool:
    if not python.exists():
        return False
    return subprocess.run([python, "-c", f"import {', '.join(names)}"], capture_output=True).returncode == 0


def attempt(command: list[str | Path], advice: str) -> None:
    """Run a command; NotPossible if it fails."""
    if subprocess.run(command).returncode != 0:
        raise NotPossible(f"this failed: {' '.join(map(str, command))}\n{advice}")


# The tests


def run_tests(python: str, arguments: list[str]) -> int:
    """Run pytest, print the coverage and judge both."""
    started = time.monotonic()
    coverage = Coverage(python)
    coverage("erase")
    tests_pass = coverage("run", "--parallel-mode", "--branch", "--concurrency=thread", "-m", "pytest", *arguments)
    coverage("combine", "--quiet")
    coverage("report")
    covered = bool(arguments) or all([coverage.reaches(files, percent) for files, percent in LIMITS])
    passed = tests_pass and covered
    print(f"{'passed' if passed else 'FAILED'} in {time.monotonic() - started:.1f} s, {version(python)}")
    return 0 if passed else 1


class Coverage:
    """The coverage tool of one environment. Calling it gives True for success."""

    def __init__(self, python: str) -> None:
        self.command = [python, "-m", "coverage"]
        data_file = Path(python).parent.parent / "coverage-data"
        self.variables = {**os.environ, "COVERAGE_FILE": str(data_file)}

    def __call__(self, *arguments: str, **settings: int) -> bool:
        return subprocess.run([*self.command, *arguments], cwd=PROJECT, env=self.variables, **settings).returncode == 0

    def reaches(self, files: str, percent: int) -> bool:
        enough = self("report", f"--include={files}", f"--fail-under={percent}", stdout=subprocess.DEVNULL)
        print(f"{files}: {'at least' if enough else 'LESS THAN'} {percent} % covered")
        return enough


def version(python: str) -> str:
    return subprocess.run([python, "--version"], capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
