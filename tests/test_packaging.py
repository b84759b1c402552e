"""What pip installs is complete: a wheel and an archive of the source, tried outside of both."""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tomllib
import urllib.request
import zipfile
from pathlib import Path

import pytest

import refws
from test_commands_serve import (
    DEADLINE_S,
    PROJECT,
    open_connection,
    printed_address,
    program_running,
)
from wire import TEXT

pytestmark = pytest.mark.programs

STEP_S = 300
"""Seconds that pip has, on a busy machine and network too."""

STATIC = PROJECT / "refws" / "course" / "web" / "static"

BUILD = """
import sys
from setuptools import build_meta
build_meta.build_sdist(sys.argv[1])
"""

VARIABLES = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def run(*command, cwd):
    """What a command prints, also to stderr. CalledProcessError with it if the command fails."""
    return subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=VARIABLES,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=STEP_S,
    ).stdout


def inside(environment, name):
    """The path of a program of a virtual environment."""
    return environment / ("Scripts" if os.name == "nt" else "bin") / name


def files_below(directory):
    return {
        path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory outside of the project, to work in."""
    return tmp_path_factory.mktemp("packaging")


@pytest.fixture(scope="module")
def source(place):
    """A copy of the project without what .gitignore names, and the files in it.

    To build leaves more files there.
    """
    ignored = (PROJECT / ".gitignore").read_text(encoding="utf-8").split()
    names = [name.rstrip("/").rpartition("/")[2] for name in ignored]
    ignore = shutil.ignore_patterns(".git", *names)
    directory = shutil.copytree(PROJECT, place / "source", ignore=ignore)
    return directory, files_below(directory)


@pytest.fixture(scope="module")
def pip(place):
    """The command of a pip whose environment has what pyproject.toml needs for a build."""
    environment = place / "builder"
    needed = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    try:
        run(sys.executable, "-m", "venv", environment, cwd=place)
        command = (inside(environment, "python"), "-m", "pip", "--disable-pip-version-check")
        run(*command, "install", *needed["build-system"]["requires"], cwd=place)
    except subprocess.CalledProcessError as error:
        *_, last_line = error.stdout.splitlines()
        pytest.skip(f"what builds a package cannot be installed: {last_line}")
    return command


@pytest.fixture(scope="module")
def archive(place, source, pip):
    """The archive of the source that PyPI would have."""
    run(pip[0], "-c", BUILD, place / "archive", cwd=source[0])
    (path,) = (place / "archive").iterdir()
    return path


def wheel_of(what, pip, place, name):
    """The wheel that `pip install` makes of an archive or a directory, and installs."""
    directory = place / name
    offline = ("--no-build-isolation", "--no-index", "--no-deps")
    run(*pip, "wheel", *offline, "--wheel-dir", directory, what, cwd=place)
    (path,) = directory.iterdir()
    return path


@pytest.fixture(scope="module")
def wheel(place, source, pip):
    return wheel_of(source[0], pip, place, "wheel")


@pytest.fixture(scope="module")
def program(place, wheel, pip):
    """The path of the command `refws`, in an environment that has nothing else."""
    environment = place / "empty"
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=place)
    offline = ("--no-index", "--no-deps")
    run(*pip, "--python", inside(environment, "python"), "install", *offline, wheel, cwd=place)
    return inside(environment, "refws")


# What is in them


def test_the_wheel_has_every_file_of_the_package_and_no_other(wheel):
    assert wheel.name == f"refws-{refws.__version__}-py3-none-any.whl"
    wanted = {
        f"refws/{name}"
        for name in files_below(PROJECT / "refws")
        if "__pycache__" not in name and not name.endswith(".md")
    }
    assert "refws/py.typed" in wanted and "refws/course/web/static/page.js" in wanted
    assert "refws/check/courses/default.toml" in wanted
    about = f"refws-{refws.__version__}.dist-info/"
    names = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
    assert {name for name in names if not name.startswith(about)} == wanted


def test_the_archive_of_the_source_has_every_file_of_the_project(archive, source):
    files = source[1]
    with tarfile.open(archive) as opened:
        names = {member.name.partition("/")[2] for member in opened if member.isfile()}
    assert "tests/conftest.py" in files and ".ci/run" in files
    assert {"missing": sorted(files - names)} == {"missing": []}
    added = {name for name in names - files if not name.startswith("refws.egg-info/")}
    assert added == {"PKG-INFO"}


def test_the_archive_makes_the_same_wheel_as_the_project(archive, wheel, pip, place):
    made = wheel_of(archive, pip, place, "wheel-of-archive")
    assert made.name == wheel.name
    assert sorted(zipfile.ZipFile(made).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


# What is installed


def test_the_command_runs_outside_of_the_project_and_says_its_version(program, place):
    assert run(program, "--version", cwd=place).startswith(f"refws {refws.__version__} (Python ")
    where = "import refws; print(refws.__file__)"
    found = Path(run(program.parent / "python", "-c", where, cwd=place).strip())
    assert found.is_relative_to(place / "empty")


def test_the_lesson_is_the_one_of_the_project(program, place):
    expected = run(sys.executable, "-m", "refws", "lesson", "--answers", cwd=PROJECT)
    assert run(program, "lesson", "--answers", cwd=place) == expected


def test_the_server_has_its_page_with_all_files_and_its_endpoints(program, place):
    pages = {f"/{path.name}": path.read_bytes() for path in STATIC.iterdir()}
    pages["/"] = pages.pop("/index.html")
    with program_running("--port", "0", program=[str(program)], cwd=place) as process:
        host, port = printed_address(process)
        for path, content in pages.items():
            with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=DEADLINE_S) as page:
                assert (page.status, page.read()) == (200, content), path
        for path in ("/lesson", "/close_codes.js", "/health"):
            with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=DEADLINE_S) as page:
                assert page.status == 200
        with open_connection((host, port), "/echo") as client:
            client.send_frame(TEXT, b"installed")
            client.expect(TEXT, b"installed")
            client.finish()
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
        assert "Traceback" not in process.stderr.read()
