"""The README is true: its code and its examples run, and each path that it names exists."""

import importlib
import queue
import re
import shlex
import shutil
import signal
import subprocess
import sys
from base64 import b64encode
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import refws
from pseudoterminal import normal, play
from refws import __main__
from refws.check.case import Case, Group
from refws.check.course import load_course, with_cases
from refws.check.outcomes import Opens
from refws.course.labs.labs import LABS
from refws.course.labs.texts.english import ENGLISH
from refws.endpoint.tls.certificates import client_context, server_context
from wire import DEADLINE_S, TEXT, Background, Wire, request

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def code_blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def rows(head):
    """The cells of the table that begins with this head."""
    table = README[README.index(f"\n{head}") + 1 :].partition("\n\n")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]
    ]


@contextmanager
def running(block, monkeypatch):
    """The server of an example, on a free port in place of 8080."""
    servers = queue.Queue()

    def serve_on_a_free_port(handler, host, port, **settings):
        assert (host, port) == ("127.0.0.1", 8080)
        server = serve(handler, host, 0, **settings)
        servers.put(server)
        return server

    serve = refws.serve
    monkeypatch.setattr(refws, "serve", serve_on_a_free_port)
    example = Background(exec, compile(block, "README.md", "exec"), {})
    server = servers.get(timeout=DEADLINE_S)
    try:
        yield server
    finally:
        server.stop()
        example.result()


def test_the_server_in_eight_lines_runs_and_echoes(monkeypatch, nothing_left_behind):
    block = code_blocks("python")[0]
    assert len(block.splitlines()) == 8
    with running(block, monkeypatch) as server, closing(Wire.connect(server.address)) as client:
        client.send(request("/"))
        assert client.receive_head()[0] == 101
        client.send_frame(TEXT, b"hello")
        client.expect(TEXT, b"hello")
        client.finish()


@pytest.mark.skipif(sys.platform == "win32", reason="the test sends SIGINT to a process")
def test_ctrl_c_ends_the_server_in_eight_lines_as_any_program_but_without_a_traceback():
    block = code_blocks("python")[0].replace("8080", "0")
    begun = "print('begun', flush=True)\n    server.serve_forever()"
    program = block.replace("server.serve_forever()", begun)
    command = [sys.executable, "-c", program]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=PROJECT, **pipes) as process:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, errors) == (-signal.SIGINT, "")


def test_the_server_with_a_login_lets_in_only_its_users(monkeypatch, nothing_left_behind):
    block = code_blocks("python")[2]
    with running(block, monkeypatch) as server:
        for user, password in [("ada", "engine"), ("grace", "compiler")]:
            login = b64encode(f"{user}:{password}".encode()).decode()
            with closing(Wire.connect(server.address)) as client:
                client.send(request("/", f"Authorization: Basic {login}"))
                assert client.receive_head()[0] == 101
                client.expect(TEXT, f"hello {user}".encode())
        with closing(Wire.connect(server.address)) as client:
            client.send(request("/"))
            assert client.receive_head()[0] == 401


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
    (command,) = re.findall(r"^ +openssl .*\n.*$", README, re.MULTILINE)
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


def test_every_path_that_the_readme_names_exists():
    in_text = re.findall(r"`([\w.]+/[\w./-]*)`", README)
    in_commands = re.findall(r"^ +(?:python3 )?(\.?\w+/[\w./-]+)", README, re.MULTILINE)
    assert {"scripts/test.py", "conformance/autobahn.py", ".ci/run"} <= set(in_commands)
    made_later = {".environments/"}
    named = {*in_text, *in_commands} - made_later
    assert [path for path in sorted(named) if not (PROJECT / path).exists()] == []


def test_the_table_of_labs_has_each_as_the_lab_itself_says():
    assert rows("| lab |") == [
        [f"`{name}`", ENGLISH.labs[name].seen, lab.section, str(lab.minutes)]
        for name, lab in LABS.items()
    ]


def test_the_table_of_commands_has_each_with_an_example_that_its_command_line_takes():
    table = rows("| command |")
    assert [name.strip("`") for name, _, _ in table] == list(__main__.COMMANDS)
    for name, _, example in table:
        assert example == f"`{__main__.COMMANDS[name.strip('`')].example}`"
        words = shlex.split(example.strip("`"))
        assert words[:4] == ["python3", "-m", "refws", name.strip("`")]
        command_line(words[3]).parse_args(words[4:])


def test_each_line_with_check_is_one_that_its_command_line_takes(tmp_path):
    lines = [
        *re.findall(r"^    python3 -m refws check (.*?) *(?:#.*)?$", README, re.MULTILINE),
        *re.findall(r"^python3 -m refws check ((?:.*\\\n)*.*)$", README, re.MULTILINE),
    ]
    assert len(lines) == 13
    for line in lines:
        here = line.replace("\\\n", "").replace("/autograder/results", str(tmp_path))
        command_line("check").parse_args(shlex.split(here))


def test_the_course_of_the_readme_is_one(tmp_path):
    (block,) = code_blocks("toml")
    (tmp_path / "course.toml").write_text(block)
    course = load_course(str(tmp_path / "course.toml"))
    assert [stage.title for stage in course.stages] == ["The opening handshake", "Frames"]
    assert sum(line.points for stage in course.stages for line in stage.lines) == 50
    first = Group("opening", "", (Case("4.1-a", "", "", Opens()),))
    second = Group("framing", "", tuple(Case(f"5.{i}-a", "", "", Opens()) for i in (1, 2)))
    shares = [valued for _, valued in with_cases(course, (first, second))]
    assert shares == [
        ((first.cases[0], 20.0),),
        ((second.cases[0], 10.0), (second.cases[1], 20.0)),
    ]


def command_line(name):
    return importlib.import_module(f"refws.commands.{name}").command_line()


@pytest.mark.parametrize("name", ["serve", "connect"])
def test_the_options_that_the_readme_names_for_both_exist(name):
    needed = ["ws://127.0.0.1/"] if name == "connect" else []
    for option in ("--trace", "--trace=full", "--record tape.txt"):
        assert f"`{option}`" in README
        command_line(name).parse_args([*needed, *option.split()])


def test_the_tour_is_about_as_long_as_the_text_says():
    intro = README.partition("## The tour")[2].partition("<!-- tour -->")[0]
    functions, files = (int(number.replace(",", "")) for number in re.findall(r"\d,\d{3}", intro))
    table = README.partition("<!-- tour -->")[2].partition("<!-- end of the tour -->")[0]
    paths = re.findall(r"^\| \[\S+\]\((\S+)\)", table, re.MULTILINE)
    lines = sum(len((PROJECT / path).read_text(encoding="utf-8").splitlines()) for path in paths)
    listed = int(re.search(r"with ([\d,]+) lines", table)[1].replace(",", ""))
    assert (functions, files) == (round(listed, -2), round(lines, -3))


def test_a_page_by_a_dns_name_connects_if_its_origin_is_listed_as_the_readme_says(serving):
    (options,) = re.findall(r"`python3 -m refws (--host [^`]+)`", README)
    given = command_line("serve").parse_args(options.split())
    assert (given.host, given.lab, given.max_pages) == (["0.0.0.0"], True, 200)
    (origin,) = re.findall(r"`--origin (\S+)`", README)
    assert command_line("serve").parse_args(["--origin", origin]).origin == [origin]
    own_host = f"Host: {origin.removeprefix('http://')}\r\nOrigin: {origin}\r\n".encode()
    opening = request("/").replace(b"Host: 127.0.0.1\r\n", own_host)
    for origins, status in (None, 403), ([origin], 101):
        with closing(serving(print, origins=origins).connect()) as client:
            client.send(opening)
            assert client.receive_head()[0] == status


def test_each_pattern_is_in_a_file_of_its_own():
    files = [file.strip("`") for _, file in rows("| pattern |")]
    assert len(files) >= 10
    assert len(files) == len(set(files))
    assert [file for file in files if not (PROJECT / file).is_file()] == []


def options_named_in(text):
    return set(re.findall(r"`(--[\w-]+)", text))


def test_each_option_that_the_text_names_exists():
    before, _, rest = README.partition("\n## Check your own server, or client\n")
    of_check, _, after = rest.partition("\n## ")
    described = "".join(
        command_line(name).format_help() for name in ("serve", "explain", "replay", "lab")
    )
    described += "--quick --help"
    assert "--origin" in options_named_in(before + after)
    assert [one for one in sorted(options_named_in(before + after)) if one not in described] == []
    described = command_line("check").format_help()
    assert "--strict" in options_named_in(of_check)
    assert [one for one in sorted(options_named_in(of_check)) if one not in described] == []


def test_each_line_with_lab_names_a_lab_and_a_setting_of_its_switch():
    lines = re.findall(r"^    python3 -m refws lab (.*?) *(?:#.*)?$", README, re.MULTILINE)
    played = [command_line("lab").parse_args(shlex.split(line)) for line in lines]
    names = {options.name for options in played if options.name}
    assert names > {"first", "poison", "hijack"}
    for options in played:
        if options.name:
            assert options.defence in (None, *LABS[options.name].defences)
