"""Environments under .environments for the testsuite and the peers, each made once.

The testsuite needs Python 2.7. A current virtualenv makes an environment for that. It is installed
in a temporary directory, so nothing outside .environments changes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import processes

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".environments"
REQUIREMENTS = Path(__file__).with_name("requirements-autobahntestsuite.txt")

VIRTUALENV = "virtualenv==20.21.1"
"""The last release series that makes environments for Python 2.7 (20.22 dropped it)."""

MARKER = "complete.txt"
"""Holds the installed requirements; without it, or with others, the environment is made again."""

AXE_CORE = ("axe-core@4.14.1",)
"""The package of npm that finds what keeps people from using a page; only tests need it."""

STEP_TIMEOUT_S = 600.0

Say = Callable[[str], None]


class Unavailable(Exception):
    """The testsuite, or a peer, cannot be installed here; the text says what to do."""


def testsuite(say: Say) -> Path:
    """The directory of Autobahn's testsuite; made on the first call, in one to two minutes.

    Unavailable.
    """
    if found := installed_testsuite():
        return found
    directory, requirements = _testsuite()
    python2 = find_python2(_candidates())
    _make(directory, requirements, lambda scratch: _build_testsuite(scratch, python2, say))
    return directory


def installed_testsuite() -> Path | None:
    """The same, or None if it is not made yet."""
    directory, requirements = _testsuite()
    return directory if is_complete(directory, requirements) else None


def _testsuite() -> tuple[Path, str]:
    return ENVIRONMENTS / "autobahntestsuite", REQUIREMENTS.read_text("utf-8")


def python_packages(name: str, requirements: Sequence[str]) -> Path:
    """The python of an environment with these packages; made on the first call. Unavailable."""
    if found := installed_python(name, requirements):
        return found
    directory = ENVIRONMENTS / name
    _make(directory, _lines(requirements), lambda scratch: _build_python(scratch, requirements))
    return _python_in(directory)


def installed_python(name: str, requirements: Sequence[str]) -> Path | None:
    """The same, or None if it is not made yet."""
    directory = ENVIRONMENTS / name
    return _python_in(directory) if is_complete(directory, _lines(requirements)) else None


def _python_in(directory: Path) -> Path:
    return directory / "bin" / "python"


def node_packages(name: str, requirements: Sequence[str]) -> Path:
    """The node_modules with these packages of npm; made on the first call. Unavailable."""
    directory = ENVIRONMENTS / name
    if not is_complete(directory, _lines(requirements)):
        _make(directory, _lines(requirements), lambda scratch: _build_node(scratch, requirements))
    return directory / "node_modules"


def c_program(name: str, source: Path, library: str) -> Path:
    """The program that this C source makes with a library of the system. Unavailable."""
    version = library_version(library)
    if not version or shutil.which("cc") is None:
        raise Unavailable(
            f"it needs a C compiler, pkg-config and {library}; on Debian: apt-get install gcc "
            f"libc6-dev pkg-config {library}-dev"
        )
    directory = ENVIRONMENTS / name
    made_of = f"{library} {version}\n{source.read_text('utf-8')}"
    if not is_complete(directory, made_of):
        _make(directory, made_of, lambda scratch: _build_c(scratch, source, library))
    return directory / "program"


def library_version(library: str) -> str:
    """The version of a C library with its headers; empty if it is not installed."""
    return output("pkg-config", "--modversion", library).rstrip("-")


def node() -> str:
    """The path of Node.js. Unavailable."""
    found = shutil.which("node")
    if found is None:
        raise Unavailable("no node is on PATH; install Node.js and npm and run this again")
    return found


def _lines(requirements: Sequence[str]) -> str:
    return "".join(f"{requirement}\n" for requirement in requirements)


def is_complete(directory: Path, requirements: str) -> bool:
    marker = directory / MARKER
    return marker.is_file() and marker.read_text("utf-8") == requirements


def _make(directory: Path, requirements: str, build: Callable[[Path], None]) -> None:
    """Build aside and rename when all is done: a reader sees a whole environment or none."""
    ENVIRONMENTS.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="unfinished-", dir=ENVIRONMENTS))
    try:
        build(scratch)
        (scratch / "environment" / MARKER).write_text(requirements, "utf-8")
        _put_in_place(scratch / "environment", directory, requirements)
    except (processes.CommandFailed, OSError) as error:
        raise Unavailable(f"the environment {directory.name} could not be made: {error}") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _put_in_place(built: Path, directory: Path, requirements: str) -> None:
    if is_complete(directory, requirements):  # another run was faster
        return
    shutil.rmtree(directory, ignore_errors=True)
    built.rename(directory)


def _build_testsuite(scratch: Path, python2: Path, say: Say) -> None:
    tool, environment = scratch / "tool", scratch / "environment"
    say(
        f"Making the environment of the testsuite in {ENVIRONMENTS.name}/, once; this takes a "
        "minute or two."
    )
    say(f"  1/3  {VIRTUALENV}")
    _step(scratch, sys.executable, "-m", "venv", tool)
    _step(scratch, tool / "bin" / "pip", "install", VIRTUALENV)
    say(f"  2/3  an environment of {python2}")
    _step(
        scratch,
        tool / "bin" / "virtualenv",
        "--app-data",
        scratch / "cache",
        "--python",
        python2,
        environment,
    )
    say(f"  3/3  what {REQUIREMENTS.name} lists")
    _step(
        scratch,
        environment / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--requirement",
        REQUIREMENTS,
    )


def _build_python(scratch: Path, requirements: Sequence[str]) -> None:
    environment = scratch / "environment"
    _step(scratch, sys.executable, "-m", "venv", environment)
    _step(scratch, environment / "bin" / "python", "-m", "pip", "install", *requirements)


def _build_node(scratch: Path, requirements: Sequence[str]) -> None:
    environment = scratch / "environment"
    quietly = ("--no-audit", "--no-fund", "--ignore-scripts", "--cache", scratch / "cache")
    _step(scratch, "npm", "install", "--prefix", environment, *quietly, *requirements)


def _build_c(scratch: Path, source: Path, library: str) -> None:
    environment = scratch / "environment"
    environment.mkdir()
    flags = output("pkg-config", "--cflags", "--libs", library).split()
    _step(scratch, "cc", "-O1", "-o", environment / "program", source, *flags)


def _step(scratch: Path, *command: str | Path) -> None:
    processes.run(command, scratch / "log.txt", STEP_TIMEOUT_S)


def find_python2(candidates: Sequence[Path]) -> Path:
    """The first candidate that answers as Python 2.7. Unavailable."""
    for candidate in candidates:
        if _is_python2(candidate):
            return candidate
    raise Unavailable(
        "Autobahn's testsuite needs Python 2.7, and no python2.7 is on PATH;"
        " install it (for example `pyenv install 2.7.18`) and run this again"
    )


def _candidates() -> list[Path]:
    on_path = (shutil.which(name) for name in ("python2.7", "python2"))
    return [Path(found) for found in on_path if found] + list(_pyenv_candidates())


def _pyenv_candidates() -> Iterator[Path]:
    """The Pythons of pyenv, whose shim answers only where a version is activated."""
    root = os.environ.get("PYENV_ROOT") or output("pyenv", "root")
    if root:
        yield from sorted(Path(root).glob("versions/2.7*/bin/python2.7"), reverse=True)


def _is_python2(executable: Path) -> bool:
    return output(executable, "-c", "import sys; print('%d.%d' % sys.version_info[:2])") == "2.7"


def output(*command: str | Path, directory: Path | None = None, timeout: float = 10) -> str:
    """The output of the command; empty if it is missing, fails, or exceeds `timeout` seconds."""
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            capture_output=True,
            text=True,
            check=True,
            timeout=timeout,
            start_new_session=True,  # so that only this process gets a Ctrl-C
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
