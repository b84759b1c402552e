"""The file of --auth (RFC 7617): its users are let in, and what is wrong with it is one line."""

import os

import pytest

from refws import connect
from refws.commands import logins
from refws.commands import serve as program
from refws.protocol.credentials import basic_credentials
from test_commands_serve import WITH_TLS, FakeServer, refusal, started_with
from wire import DEADLINE_S, Background

SECRET = "hunter2"


@pytest.fixture
def file(tmp_path):
    """file(octets) gives the path of a file that only its owner can read."""

    def write(octets):
        path = tmp_path / "users.txt"
        path.write_bytes(octets)
        path.chmod(0o600)
        return str(path)

    return write


@pytest.mark.parametrize(
    "octets, pairs",
    [
        (b"ada:engine\n", [("ada", "engine")]),
        (b"ada:engine", [("ada", "engine")]),
        (b"ada:engine\r\ngrace:compiler\r\n", [("ada", "engine"), ("grace", "compiler")]),
        (b"# users\n\n  \nada:engine\n#b:c\n", [("ada", "engine")]),
        (b"ada:a:b #c \n", [("ada", "a:b #c ")]),
        (b"ada:\n", [("ada", "")]),
        ("\ufeffAbū:سمسم\n".encode(), [("Abū", "سمسم")]),
        ("a:one\u2028line\n".encode(), [("a", "one\u2028line")]),
    ],
)
def test_each_line_is_a_user_and_the_rest_after_the_first_colon_the_password(file, octets, pairs):
    assert logins.read_logins(file(octets)) == pairs


@pytest.mark.parametrize(
    "octets, where, what_to_do",
    [
        (b"", "has no user", "write a line user:password"),
        (b"# nobody yet\n", "has no user", "write a line user:password"),
        (
            b"# users\n" + SECRET.encode(),
            "line 2",
            "write user:password, or begin a comment with #",
        ),
        (b":" + SECRET.encode(), "line 1", "write user:password"),
        (b" ada:" + SECRET.encode(), "line 1", "write user:password"),
        (b"ada :" + SECRET.encode(), "line 1", "write user:password"),
        (b"ada:a\nada:" + SECRET.encode(), "line 2", "give each user one"),
        (b"ada:\xfc" + SECRET.encode(), "line 1", "save the file as UTF-8"),
        (b"ada:\t" + SECRET.encode(), "line 1", "leave it out"),
        (b"ada:$apr1$x$" + SECRET.encode(), "line 1", "write the password itself"),
        (b"ada:$2y$05$" + SECRET.encode(), "line 1", "write the password itself"),
        (b"ada:{SHA}" + SECRET.encode(), "line 1", "write the password itself"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_without_its_secret(
    file, capsys, octets, where, what_to_do
):
    path = file(octets)
    line = refusal(["--auth", path], capsys)
    assert repr(path) in line and where in line and what_to_do in line
    assert SECRET not in line


@pytest.mark.parametrize("name, reason", [("", "directory"), ("missing", "No such file")])
def test_a_file_that_cannot_be_read_is_one_line_too(tmp_path, capsys, name, reason):
    line = refusal(["--auth", str(tmp_path / name)], capsys)
    assert reason in line and "give --auth a file that you may read" in line


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has these permissions")
@pytest.mark.parametrize("mode, warned", [(0o600, False), (0o640, False), (0o644, True)])
def test_a_file_that_all_can_read_is_a_warning_with_the_command_that_changes_it(
    file, log, mode, warned
):
    path = file(b"ada:engine\n")
    os.chmod(path, mode)
    logins.login_from(path)
    assert [path in line and "chmod 600" in line for line in log.messages] == [True] * warned


def test_the_server_lets_in_the_users_of_the_file(file, nothing_left_behind):
    options = program.command_line().parse_args(["--port", "0"])
    login = program.with_login(logins.login_from(file(b"ada:engine\n")))
    with program.start(options, process=login) as server:
        accepting = Background(server.serve_forever)
        authorization = {"Authorization": basic_credentials("ada", "engine")}
        uri = f"ws://127.0.0.1:{server.address[1]}/echo"
        with connect(uri, additional_headers=authorization) as connection:
            connection.send("open")
            assert connection.recv(DEADLINE_S) == "open"
        server.stop()
        accepting.result()


def test_the_option_reaches_the_server(file, monkeypatch):
    assert started_with([], monkeypatch)["process_request"] is program.process_request
    given = started_with(["--auth", file(b"ada:engine\n")], monkeypatch)["process_request"]
    assert given is not program.process_request


@pytest.mark.parametrize(
    "arguments, warned",
    [
        ([], False),
        (["--host", "::1"], False),
        (["--host", "LocalHost"], False),
        (["--unix", "PATH"], False),
        (["--host", "0.0.0.0"], True),
        (["--host", "127.0.0.1", "--host", "::"], True),
        (["--host", "here.test"], True),
        (["--host", "0.0.0.0", *WITH_TLS], False),
    ],
)
def test_passwords_that_leave_the_machine_without_tls_are_a_warning(
    file, log, monkeypatch, arguments, warned
):
    monkeypatch.setattr(program, "start", lambda *arguments: FakeServer())
    monkeypatch.setattr(program, "run", lambda *arguments, **options: 0)
    monkeypatch.setattr(program, "set_switch_interval", lambda connections: None)
    assert program.main(["--auth", file(b"ada:engine\n"), *arguments]) == 0
    assert ["--cert" in line for line in log.messages] == [True] * warned


def test_help_says_what_the_file_has_and_which_path_needs_no_login():
    (action,) = [one for one in program.command_line()._actions if one.dest == "auth"]
    assert "user:password" in action.help and "/health does not" in action.help
