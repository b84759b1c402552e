"""The README tells the truth: its code runs, its map is complete, its defaults are those of the
code.
"""

import ast
import inspect
import queue
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import refws
from pseudoterminal import normal, play
from refws import __main__
from refws.commands import serve as program
from refws.endpoint.tls.certificates import client_context, server_context
from wire import DEADLINE_S, TEXT, Background, Wire, request

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def code_blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def section(title):
    return re.search(
        rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE
    )[1]


def rows(title):
    """The cells of the table in a section, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_server_in_eight_lines_runs_and_echoes(monkeypatch, nothing_left_behind):
    servers = queue.Queue()

    def serve_on_a_free_port(handler, host, port):
        assert (host, port) == ("127.0.0.1", 8080)
        server = serve(handler, host, 0)
        servers.put(server)
        return server

    serve = refws.serve
    monkeypatch.setattr(refws, "serve", serve_on_a_free_port)
    block, _ = code_blocks("python")
    assert len(block.splitlines()) == 8
    example = Background(exec, compile(block, "README.md", "exec"), {})
    server = servers.get(timeout=DEADLINE_S)
    try:
        with closing(Wire.connect(server.address)) as client:
            client.send(request("/"))
            assert client.receive_head()[0] == 101
            client.send_frame(TEXT, b"hello")
            client.expect(TEXT, b"hello")
            client.finish()
    finally:
        server.stop()
        example.result()


def test_the_client_prints_what_it_gets_back(serving, monkeypatch, capsys):
    def connect_to_a_free_port(uri):
        assert uri == "ws://127.0.0.1:8080/echo"
        return connect(uri.replace("8080", str(running.address[1])))

    def echo(connection):
        for message in connection:
            connection.send(message)

    connect = refws.connect
    running = serving(echo)
    monkeypatch.setattr(refws, "connect", connect_to_a_free_port)
    exec(compile(code_blocks("python")[1], "README.md", "exec"), {})
    assert capsys.readouterr().out == "hello\n"


@pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl is not installed, which makes the certificate"
)
def test_the_line_for_a_certificate_makes_one_that_serve_takes(tmp_path):
    (command,) = re.findall(r"^    openssl .*\n.*$", README, re.MULTILINE)
    arguments = shlex.split(command.replace("\\\n", ""))
    subprocess.run(arguments, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    server_context(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    client_context(str(tmp_path / "cert.pem"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_the_session_on_a_terminal_is_as_it_looks(serving):
    def echo(connection):
        for message in connection:
            connection.send(message)

    block = re.search(
        r"^    \$ python3 -m refws connect .*?\n\n", README, re.DOTALL | re.MULTILINE
    )[0]
    played = play(block, serving(echo).address[1])
    assert normal(played) == normal(block)


LESSON = re.findall(
    r"^    \$ python3 -m refws ((?:explain|accept) .*)\n((?:    .*\n)*)", README, re.MULTILINE
)


@pytest.mark.parametrize("command, shown", LESSON, ids=[command for command, _ in LESSON])
def test_the_commands_of_the_lesson_print_what_it_shows(command, shown, capsys):
    __main__.main(shlex.split(command))
    assert capsys.readouterr().out.strip("\n").splitlines() == [
        line[4:] for line in shown.splitlines()
    ]


def test_the_lesson_has_a_command_for_most_of_its_steps():
    assert len(LESSON) == 6


def test_the_side_of_the_browser_is_five_lines_of_javascript():
    (block,) = code_blocks("javascript")
    assert len(block.splitlines()) == 5
    assert "ws://127.0.0.1:8080/" in block
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, which alone could check the syntax")
    checked = subprocess.run(
        [node, "--check", "-"], input=block, capture_output=True, text=True, timeout=30
    )
    assert checked.returncode == 0, checked.stderr


def test_every_file_of_the_map_exists():
    named = [cells[0].strip("`") for cells in rows("The map")]
    assert len(named) > 15
    assert [name for name in named if not (PROJECT / name).exists()] == []


def test_no_module_is_missing_from_the_map():
    modules = {path.relative_to(PROJECT).as_posix() for path in (PROJECT / "refws").rglob("*.py")}
    mapped = set(re.findall(r"`(refws/[\w/]+\.py)`", section("The map")))
    assert {
        name for name in modules if name.count("/") < 2 or not name.endswith("/__init__.py")
    } == mapped


def test_every_section_of_the_map_is_named_in_its_file():
    for name, sections, *_ in rows("The map"):
        if not sections:
            continue
        text = (PROJECT / name.strip("`")).read_text(encoding="utf-8")
        assert [one for one in sections.split(", ") if one not in text] == [], name


def test_imports_go_one_way_only():
    parts = ["protocol", "endpoint", "course", "commands", "__main__"]
    for number, part in enumerate(parts[:-1]):
        below = "|".join(parts[number + 1 :])
        for module in (PROJECT / "refws" / part).glob("*.py"):
            forbidden = rf"^\s*(?:from|import) \.*(?:refws\.)?(?:{below})\b"
            assert re.findall(forbidden, module.read_text(encoding="utf-8"), re.MULTILINE) == [], (
                module
            )


def test_every_command_names_a_file_that_exists():
    commands = re.findall(r"^    python3 (\S+(?: refws)?)", README, re.MULTILINE)
    assert set(commands) >= {
        "-m refws",
        "scripts/test.py",
        "conformance/autobahn.py",
        "scripts/bench",
    }
    assert [path for path in commands if path != "-m refws" and not (PROJECT / path).exists()] == []


@pytest.mark.parametrize("keyword, option, default", [row[1:] for row in rows("Defaults")])
def test_the_defaults_are_those_of_the_code(keyword, option, default):
    in_code = inspect.signature(refws.serve).parameters[keyword.strip("`")].default
    assert default.replace(",", "").split()[0] == str(in_code)
    if option:
        assert option.strip("`") in program.command_line().format_help()


def test_the_limits_of_a_request_head_are_those_of_the_code():
    from refws.protocol import http

    stated = re.search(r"may have (\d+) header lines, (\d+) KiB each, (\d+) KiB in all", README)
    in_code = [http.MAX_FIELD_LINES, http.MAX_LINE_SIZE // 1024, http.MAX_HEAD_SIZE // 1024]
    assert list(map(int, stated.groups())) == in_code


def test_nothing_outside_the_standard_library_is_imported():
    imported = set()
    for module in (PROJECT / "refws").rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            imported |= {name.partition(".")[0] for name in names}
    assert imported <= sys.stdlib_module_names
