"""conformance/marks.py: servers marked by `refws check`, as a table."""

import re

import pytest

import environment
import fuzzing
import marks
from refws.check.groups import GROUPS
from refws.check.runner import Selection, select

pytestmark = [
    pytest.mark.slow,
    pytest.mark.transport("tcp", reason="the servers listen on TCP"),
]


class Peer:
    def __init__(self, name, server):
        self.name, self.versions, self.server = name, "1.0", server


def cannot_be_installed():
    raise environment.Unavailable("no package index can be reached\nmore lines")


def test_each_server_has_a_row_with_its_marks_or_the_reason_why_there_are_none(
    tmp_path, monkeypatch, capsys
):
    silent = fuzzing.Server(
        "silent",
        lambda port: [
            "python3",
            "-c",
            f"""
import socket
with socket.create_server(("127.0.0.1", {port})) as listener:
    while True:
        with listener.accept()[0] as sock:
            sock.sendall(b"220 mail" + bytes((13, 10)))
""",
        ],
    )
    monkeypatch.setattr(
        marks.peers,
        "PEERS",
        (Peer("missing", cannot_be_installed), Peer("mail", lambda: silent)),
    )
    file = tmp_path / "MARKS.md"
    assert marks.main(["--output", str(file)]) == 0
    text = file.read_text("utf-8")
    count = sum(len(group.cases) for group in select(GROUPS, Selection()))
    passed, skipped = re.search(r"\| refws \| \S+ \| (\d+) \| 0 \| 0 \| (\d+) \|", text).groups()
    assert int(passed) + int(skipped) == count
    assert "| missing | 1.0 | no package index can be reached |" in text
    assert "| mail | 1.0 | it cannot be tested: " in text
    assert "missing 1.0: skipped, no package" in capsys.readouterr().out
