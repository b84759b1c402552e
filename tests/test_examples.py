"""The programs of tests/programs/examples: each runs with refws, and with `websockets` by another
import.

They are the usual first programs of that library's documentation, written anew. A program is run as
a user runs it, on a port that is free.
"""

import re
import socket
import ssl
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

import processes
from installed import directory_of
from refws import ConnectionClosed, Headers, InvalidStatus, connect, unix_connect
from refws.protocol.client.proxy import basic_credentials
from wire import eventually

TESTS = Path(__file__).resolve().parent
EXAMPLES = TESTS / "programs" / "examples"
CERTIFICATE, KEY = (str(TESTS / "certificates" / name) for name in ("localhost.pem", "key.pem"))

START_S = 20
"""Seconds for a program to start on a busy machine."""

MODULES = {
    "basic_auth": "websockets.sync.server",
    "connect": "websockets.sync.client",
    "ConnectionClosed": "websockets.exceptions",
    "serve": "websockets.sync.server",
    "unix_connect": "websockets.sync.client",
    "unix_serve": "websockets.sync.server",
}
"""Where `websockets` has the names that refws has in one place."""

IMPORT = re.compile("^from refws import (.+)$", re.MULTILINE)

pytestmark = [
    pytest.mark.programs,
    pytest.mark.transport("tcp", reason="the programs listen on what they name"),
]


def other_import(match):
    return "\n".join(f"from {MODULES[name]} import {name}" for name in match[1].split(", "))


class Example:
    """One of the programs, with one of the two imports, on a free port."""

    def __init__(self, name, library, directory):
        text = (EXAMPLES / f"{name}.py").read_text("utf-8")
        self.library = library
        self.python = sys.executable
        if library == "websockets":
            self.python = directory_of("websockets") / "bin" / "python"
            text, count = IMPORT.subn(other_import, text)
            assert count == 1
        self.port = processes.free_port()
        assert "8765" in text or name == "unix"
        self.program = directory / f"{name}.py"
        self.program.write_text(text.replace("8765", str(self.port)), "utf-8")
        self.uri = f"ws://localhost:{self.port}/"

    def command(self, *arguments):
        return [self.python, self.program, *arguments]

    def run(self, *arguments):
        """What a run of it prints, until it ends."""
        return subprocess.run(
            self.command(*arguments),
            check=True,
            capture_output=True,
            cwd=TESTS.parent,
            env={"PYTHONPATH": str(TESTS.parent)},
            text=True,
            timeout=START_S,
        ).stdout

    @contextmanager
    def serving(self, *arguments):
        """Run it as a server while the block runs."""
        process = subprocess.Popen(
            self.command(*arguments), cwd=TESTS.parent, env={"PYTHONPATH": str(TESTS.parent)}
        )
        try:
            assert eventually(lambda: self.listens(arguments), timeout=START_S)
            assert process.poll() is None
            yield
        finally:
            process.kill()
            process.wait()

    def listens(self, arguments):
        family, address = socket.AF_INET, ("127.0.0.1", self.port)
        if self.program.name == "unix.py":
            family, address = socket.AF_UNIX, arguments[0]
        with socket.socket(family) as sock:
            return sock.connect_ex(address) == 0


@pytest.fixture(params=["refws", "websockets"])
def example(request, tmp_path, nothing_left_behind):
    """example(name) is this program with the import of one of the two libraries."""
    return lambda name: Example(name, request.param, tmp_path)


def test_echo(example):
    echo = example("echo")
    with echo.serving(), connect(echo.uri) as client:
        for message in ("text", b"bytes"):
            client.send(message)
            assert client.recv() == message


def test_hello(example):
    hello = example("hello")
    with hello.serving():
        assert hello.run("Ada") == "Hello Ada!\n"


def test_push_sends_the_time_until_the_client_leaves(example):
    push = example("push")
    with push.serving(), connect(push.uri) as client:
        first, second = client.recv(), client.recv()
        assert first < second
        client.close()
        assert client.close_code == 1000


def test_auth_lets_in_who_knows_the_password(example):
    auth = example("auth")
    right, wrong = (
        {"Authorization": basic_credentials("ada", word)} for word in ("correct horse", "wrong")
    )
    with auth.serving():
        with connect(auth.uri, additional_headers=right) as client:
            assert client.recv() == "Hello ada!"
        for headers in (wrong, None):
            with pytest.raises(InvalidStatus) as caught:
                connect(auth.uri, additional_headers=headers)
            response = caught.value.response
            assert response.status_code == 401
            assert 'realm="greetings"' in Headers(response.headers)["WWW-Authenticate"]


def test_page_is_served_beside_its_websocket(example):
    page = example("page")
    address = f"http://localhost:{page.port}"
    with page.serving():
        with urllib.request.urlopen(f"{address}/", timeout=START_S) as answer:
            assert answer.headers.get_content_type() == "text/html"
            assert f'new WebSocket("ws://localhost:{page.port}/shout")' in answer.read().decode()
        with connect(f"{page.uri}shout", origin=address) as client:
            client.send("hey")
            assert client.recv() == "HEY"
        with pytest.raises(InvalidStatus, match="status 403"):
            connect(f"{page.uri}shout", origin="http://other.example")
        with pytest.raises(InvalidStatus, match="status 404"):
            connect(f"{page.uri}other", origin=address)


def test_paths_have_a_handler_each(example):
    paths = example("paths")
    with paths.serving():
        for path, answer in ("echo", "abc"), ("reverse", "cba"):
            with connect(f"{paths.uri}{path}") as client:
                client.send("abc")
                assert client.recv() == answer
        with pytest.raises(InvalidStatus, match="status 404"):
            connect(paths.uri)


def test_tls_encrypts_the_echo(example):
    """`websockets` reads and writes one TLS object in two threads, which loses a connection in some
    hundreds: it has three tries.
    """
    tls = example("tls")
    with tls.serving(CERTIFICATE, KEY):
        for left in (2, 1, 0) if tls.library == "websockets" else (0,):
            try:
                echoes_over_tls(tls)
                break
            except (ConnectionClosed, OSError, subprocess.SubprocessError):
                if not left:
                    raise


def echoes_over_tls(tls):
    assert tls.run(CERTIFICATE) == "over TLS\n"
    context = ssl.create_default_context(cafile=CERTIFICATE)
    with connect(f"wss://localhost:{tls.port}/", ssl=context) as client:
        client.send("x")
        assert client.recv() == "x"


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no Unix sockets")
def test_unix_echoes_at_a_path(example, tmp_path):
    unix, path = example("unix"), str(tmp_path / "socket")
    with unix.serving(path):
        assert unix.run(path, "by path") == "by path\n"
        with unix_connect(path) as client:
            client.send("x")
            assert client.recv() == "x"


def test_each_program_has_a_test():
    tests = {name.split("_")[1] for name in globals() if name.startswith("test_")}
    assert {path.stem for path in EXAMPLES.glob("*.py")} <= tests
