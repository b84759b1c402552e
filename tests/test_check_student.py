"""The session in the README is true: its messages lead a student's server to green."""

import re
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

import processes
from refws import __main__ as program
from wire import eventually

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text("utf-8")
SERVER = PROJECT / "tests" / "programs" / "student_server.py"

MENDS = (
    (
        ('file.read(2), "little"', 'file.read(2), "big"'),
        ('file.read(8), "little"', 'file.read(8), "big"'),
    ),
    (('send_frame(sock, 10, b"")', "send_frame(sock, 10, data)"),),
    (
        (
            "                return\n",
            "                send_frame(sock, 8, data)\n                return\n",
        ),
    ),
)
"""What the author changes after each run, as the README says."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.transport("tcp", reason="the server listens on TCP"),
]


@contextmanager
def running(text, directory):
    """The server with this text, on a free port."""
    port = processes.free_port()
    file = directory / "server.py"
    file.write_text(text.replace("9000", str(port)), "utf-8")
    process = subprocess.Popen([sys.executable, file], stderr=subprocess.DEVNULL)
    try:
        assert eventually(lambda: listens(port))
        yield f"ws://127.0.0.1:{port}/"
    finally:
        process.kill()
        process.wait()


def listens(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def session():
    """The blocks of the session: the options of its command, then what each run prints."""
    part = README.partition("A session: `tests/programs/student_server.py`")[2]
    blocks = re.findall(
        r"(?:^    .*\n(?:\n(?=    ))?)+", part.partition("A course has")[0], re.MULTILINE
    )
    command, _, first = blocks[0].partition("\n")
    options = re.findall(r"--only '?([^' ]+)'?", command)
    return options, [first, *blocks[1:]]


def parts(block):
    """The texts between the lines `...`, without the indentation."""
    text = "\n".join(line[4:] for line in block.splitlines())
    return [part.strip("\n") for part in text.split("...") if part.strip()]


def test_the_messages_lead_the_server_of_the_readme_to_green(tmp_path, capsys, nothing_left_behind):
    names, blocks = session()
    options = [word for name in names for word in ("--only", name)]
    text = SERVER.read_text("utf-8")
    assert len(blocks) == len(MENDS)
    for block, mends in zip(blocks, MENDS, strict=True):
        with running(text, tmp_path) as uri:
            assert program.main(["check", uri, "--timeout", "0.5", *options]) == 1
        printed = capsys.readouterr().out
        assert [part for part in parts(block) if part not in printed] == []
        for old, new in mends:
            assert text.count(old) == 1
            text = text.replace(old, new)
    with running(text, tmp_path) as uri:
        assert program.main(["check", uri, *options]) == 0
    count = re.search(r"all (\d+) cases pass", README)[1]
    assert f"{count} cases in" in capsys.readouterr().out


def test_the_server_of_the_readme_has_about_sixty_lines():
    assert 55 <= len(SERVER.read_text("utf-8").splitlines()) <= 65
