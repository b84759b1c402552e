"""Virtual environments under .environments/, made once, with the tools that setup.cfg names."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = PROJECT / ".environments"
OLDEST_PYTHON = (3, 11)

HAS_TOOLS = """
import sys
from importlib.metadata import PackageNotFoundError, version
for name, _, pinned in (tool.partition("==") for tool in sys.argv[1:]):
    try:
        found = version(name)
    except PackageNotFoundError:
        sys.exit(1)
    if pinned and found != pinned:
        sys.exit(1)
"""
"""A program that ends with status 1 if a tool is not installed in its version."""


class NotPossible(Exception):
    """The environment cannot be made; the message says what to do."""


@dataclass(frozen=True)
class Python:
    """A Python that is new enough."""

    path: str
    major: int
    minor: int


def find_python(command: str) -> Python:
    """The Python with this name or path; NotPossible if there is none or it is too old."""
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
    return Python(path, major, minor)


def prepare(python: Python, kind: str, *extras: str) -> str:
    """The path of a Python with the tools of these extras; NotPossible if there can be none.

    Missing tools are installed in .environments/KIND-VERSION.
    """
    directory = ENVIRONMENTS / f"{kind}-{python.major}.{python.minor}"
    inside = directory / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    tools = [tool for extra in extras for tool in tools_of(extra)]
    if not has_tools(inside, tools):
        print(
            f"making {directory.relative_to(ENVIRONMENTS.parent)} with {', '.join(tools)}",
            flush=True,
        )
        venv = [python.path, "-m", "venv", "--clear", str(directory)]
        attempt(venv, "install the venv module (on Debian: python3-venv)")
        pip = [str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        attempt([*pip, *tools], "pip needs the network, or a place to find packages offline")
    return str(inside)


def keeping_byte_code() -> dict[str, str]:
    """The variables of this process, but Python keeps byte code, and in .environments.

    Without it, each process of the tests compiles all that it imports.
    """
    variables = {**os.environ, "PYTHONPYCACHEPREFIX": str(ENVIRONMENTS / "byte-code")}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    return variables


def tools_of(extra: str) -> list[str]:
    """The requirements that setup.cfg lists for one of its extras."""
    settings = configparser.ConfigParser()
    settings.read(PROJECT / "setup.cfg", encoding="utf-8")
    return settings["options.extras_require"][extra].split()


def has_tools(python: Path, tools: list[str]) -> bool:
    if not python.exists():
        return False
    return subprocess.run([python, "-c", HAS_TOOLS, *tools], capture_output=True).returncode == 0


def attempt(command: list[str], advice: str) -> None:
    """Run a command; NotPossible with what it printed if it fails."""
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode != 0:
        raise NotPossible(f"this failed: {' '.join(command)}\n{run.stdout.strip()}\n{advice}")
