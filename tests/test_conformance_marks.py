"""conformance/marks.py: servers and clients marked by `refws check`, as tables with reasons."""

import re
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import browsers
import chromium
import environment
import marks
import marks_page
import peers
import reasons
from reasons import CLIENT, SERVER
from refws.check.clients.groups import CLIENT_GROUPS
from refws.check.groups import GROUPS
from refws.check.runner import Selection, select

pytestmark = [
    pytest.mark.slow,
    pytest.mark.transport("tcp", reason="the servers listen on TCP"),
]

MAIL_SERVER = """
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    while True:
        with listener.accept()[0] as sock:
            sock.sendall(b"220 mail" + bytes((13, 10)))
"""

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture
def only(monkeypatch):
    """only(servers, clients, browsers) leaves these beside refws."""

    def choose(servers=(), clients=(), some_browsers=()):
        monkeypatch.setattr(marks.peers, "PEERS", servers)
        monkeypatch.setattr(marks.peers, "CLIENTS", clients)
        monkeypatch.setattr(marks.browsers, "BROWSERS", some_browsers)

    return choose


@pytest.fixture
def few_client_cases(monkeypatch):
    """There are only these cases for clients."""
    groups = select(CLIENT_GROUPS, Selection(("5.2-text", "5.1-masked-text")))
    monkeypatch.setattr(marks, "CLIENT_GROUPS", groups)
    monkeypatch.setitem(marks_page.CATALOGUES, CLIENT, groups)


@dataclass(frozen=True)
class Fake(peers.Peer):
    """A peer that can be had, as this command, or with None cannot."""

    words: list[str] | None

    def command(self):
        if self.words is None:
            raise environment.Unavailable("no package index can be reached\nmore lines")
        return self.words


def peer(name, words):
    return Fake(name, (f"{name}==1.0",), "", "set up", words)


def test_each_server_has_a_row_with_its_marks_or_the_reason_why_there_are_none(
    tmp_path, only, capsys
):
    only([peer("missing", None), peer("mail", [sys.executable, "-c", MAIL_SERVER])])
    file = tmp_path / "MARKS.md"
    assert marks.main(["--kind", "server", "--output", str(file)]) == 0
    text = file.read_text("utf-8")
    count = sum(len(group.cases) for group in select(GROUPS, Selection()))
    assert f"## Servers: {count} quick cases" in text and "## Clients" not in text
    passed, skipped = re.search(r"\| refws \| \S+ \| (\d+) \| 0 \| 0 \| (\d+) \|", text).groups()
    assert int(passed) + int(skipped) == count
    assert "| missing | 1.0 | no package index can be reached |" in text
    assert "| mail | 1.0 | it cannot be tested: " in text
    assert "- **mail**, server (1.0): set up" in text
    out = capsys.readouterr().out
    assert "server missing 1.0: skipped, no package" in out
    assert re.search(r"3 of 3, about 0:00 left", out)


def test_each_client_has_a_row_and_what_it_fails_a_reason(
    tmp_path, only, few_client_cases, capsys, monkeypatch
):
    """The second one takes masked frames; the third one never connects."""
    taking = [sys.executable, "-c", TAKES_MASKED_FRAMES.format(tests=str(PROGRAMS.parent))]
    only((), [peer("taking", taking), peer("silent", [sys.executable, "-c", "print('no idea')"])])
    reason = reasons.Reason(CLIENT, "taking", "5.1-masked-*", "§5.1: it must close | this one.")
    monkeypatch.setattr(reasons, "REASONS", (reason,))
    file = tmp_path / "MARKS.md"
    assert marks.main(["--kind", "client", "--output", str(file)]) == 0
    text = file.read_text("utf-8")
    assert "## Clients: 2 quick cases" in text and "## Servers" not in text
    assert re.search(r"\| refws \| \S+ \| 2 \| 0 \| 0 \| 0 \|", text)
    assert "| taking | 1.0 | 1 | 0 | 1 | 0 |" in text
    assert "| silent | 1.0 | it has not connected: 'no idea' |" in text
    (row,) = (line for line in text.splitlines() if line.startswith("| 5.1-masked-text |"))
    assert row.endswith(r" | §5.1: it must close \| this one. |")
    assert "no reason is known yet" not in capsys.readouterr().out


TAKES_MASKED_FRAMES = (
    "import sys; sys.path.insert(0, {tests!r}); "
    "from mutants.plain_client import PlainClient; PlainClient('masked-taken').run(sys.argv[1])"
)


def test_a_failed_case_without_a_reason_is_named(tmp_path, only, few_client_cases, capsys):
    taking = [sys.executable, "-c", TAKES_MASKED_FRAMES.format(tests=str(PROGRAMS.parent))]
    only((), [peer("taking", taking)])
    words = ["--names", "taking", "--output", str(tmp_path / "MARKS.md")]
    assert marks.main(words) == 0
    out = capsys.readouterr().out
    assert "no reason is known yet, see conformance/reasons.py: client taking, 5.1-masked" in out


def test_a_browser_opens_a_page_and_connects_for_one_case_after_the_other(
    tmp_path, only, few_client_cases
):
    program = tmp_path / "browser"
    program.write_text(f"#!{sys.executable}\n{FAKE_BROWSER.format(tests=str(PROGRAMS.parent))}")
    program.chmod(0o755)

    def options(profile):
        assert profile.is_dir()
        return ["--headless"]

    found = browsers.Browser("fake", (str(program),), options, "headless")
    missing = browsers.Browser("lynx", (str(tmp_path / "lynx"),), options, "in text")
    only((), (), [found, missing])
    file = tmp_path / "MARKS.md"
    assert marks.main(["--names", "fake", "lynx", "--output", str(file)]) == 0
    text = file.read_text("utf-8")
    assert "| fake | 7.5 | 2 | 0 | 0 | 0 |" in text
    assert re.search(r"\| lynx \| - \| no \S+lynx is on PATH; on Debian: apt-get install", text)


FAKE_BROWSER = """
import sys, urllib.request
sys.path.insert(0, {tests!r})
if sys.argv[1] == "--version":
    sys.exit(print("A browser 7.5 made of Python"))
from mutants.plain_client import PlainClient
url, _, place = sys.argv[-1].partition("#")
assert sys.argv[1:-1] == ["--headless"] and b"WebSocket" in urllib.request.urlopen(url).read()
address, count = place.split("|")
for number in range(1, int(count) + 1):
    PlainClient().run(f"{{address}}/runCase?case={{number}}&agent=browser")
PlainClient().run(f"{{address}}/updateReports?agent=browser")
"""


@pytest.mark.programs
@pytest.mark.skipif(chromium.find() is None, reason=str(chromium.why_not()))
def test_the_page_is_a_client_in_a_browser(tmp_path, few_client_cases):
    file = tmp_path / "MARKS.md"
    assert marks.main(["--names", "Chromium", "--output", str(file)]) == 0
    assert re.search(r"\| Chromium \| [\d.]+ \| 2 \| 0 \| 0 \| 0 \|", file.read_text("utf-8"))


def test_ctrl_c_leaves_the_file_as_it_was(tmp_path, only, few_client_cases, monkeypatch, capsys):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    only()
    monkeypatch.setattr(marks, "mark", interrupt)
    file = tmp_path / "MARKS.md"
    file.write_text("before", "utf-8")
    assert marks.main(["--output", str(file)]) == 130
    assert file.read_text("utf-8") == "before"
    assert "as it was" in capsys.readouterr().out


def test_each_reason_is_for_a_case_and_for_one_that_is_marked():
    names = {
        SERVER: {endpoint.name for endpoint in marks.servers()},
        CLIENT: {endpoint.name for endpoint in marks.clients()},
    }
    for reason in reasons.REASONS:
        cases = [case.name for group in marks_page.CATALOGUES[reason.kind] for case in group.cases]
        assert {*reason.names.split(), "*"} <= {*names[reason.kind], "*"}, reason
        for glob in reason.cases.split():
            assert any(fnmatchcase(case, glob) for case in cases), (reason.names, glob)
        assert reason.words.endswith("."), reason


# A peer in C


@pytest.mark.skipif(
    not environment.library_version("zlib"), reason="there is no pkg-config, or no zlib for C"
)
def test_a_program_in_c_is_made_once_and_again_when_its_source_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path / "environments")
    source = tmp_path / "echo.c"
    for words in ("one", "two", "two"):
        source.write_text(f'#include <stdio.h>\nint main(void) {{ puts("{words}"); return 0; }}\n')
        program = environment.c_program("peer-c", source, "zlib")
        assert environment.output(program) == words


def test_without_its_library_a_program_in_c_cannot_be_had(tmp_path):
    with pytest.raises(environment.Unavailable) as error:
        environment.c_program("peer-c", tmp_path / "echo.c", "no-such-library")
    assert "apt-get install gcc libc6-dev pkg-config no-such-library-dev" in str(error.value)
