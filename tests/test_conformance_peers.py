"""`autobahn.py peers`: other servers, and the table of their results."""

from __future__ import annotations

import datetime
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import autobahn
import environment
import fuzzing
import peers
import report
import results
from fake_autobahn import FOREVER, INFORMATIONAL, LISTENING, OK, QUICK, interrupt_run, merged

DAY = datetime.date(2026, 11, 22)


def verdict(behavior: str, close: str = "OK") -> report.Verdict:
    return report.Verdict(behavior, close)


def markdown(*entries: results.Entry, cases: Sequence[str] = ("1.1.1", "2.1", "3.1")) -> str:
    return results.Table(
        entries, cases, 2, "autobahntestsuite 25.10.1", "Linux", "peers", DAY
    ).markdown()


def test_results_count_each_case_at_its_best_and_name_what_is_not_strict() -> None:
    rounds = [
        {
            "1.1.1": verdict("OK"),
            "2.1": verdict("FAILED", "WRONG CODE"),
            "3.1": verdict("NON-STRICT"),
        },
        {
            "1.1.1": verdict("FAILED"),
            "2.1": verdict("FAILED", "WRONG CODE"),
            "3.1": verdict("NON-STRICT"),
        },
    ]
    text = markdown(results.Entry("ws", "8", "default", rounds))
    #                        OK  NON-STRICT INFORMATIONAL UNIMPLEMENTED FAILED unclean unsteady
    assert "| ws | 8 | 1 | 1 | 0 | 0 | 1 | 1 | 1 |" in text
    for line in (
        "- FAILED: 2.1",
        "- Closed WRONG CODE: 2.1",
        "- NON-STRICT: 3.1",
        "- Unsteady: 1.1.1 (OK, FAILED)",
        "- **ws** (8): default",
    ):
        assert line in text.splitlines()
    assert (
        "2026-11-22" in text
        and "3 cases (1-3), 2 rounds" in text
        and "autobahntestsuite 25.10.1" in text
    )


def test_results_name_closes_that_differ_from_round_to_round() -> None:
    entry = results.Entry(
        "ws", "8", "", [{"2.1": verdict("OK", "UNCLEAN")}, {"2.1": verdict("OK")}]
    )
    assert "- Unsteady: 2.1 (closed UNCLEAN, closed OK)" in markdown(entry)
    assert "| ws | 8 | 1 | 0 | 0 | 0 | 0 | 0 | 1 |" in markdown(entry)


def test_results_say_nothing_is_wrong_where_nothing_is() -> None:
    entry = results.Entry(
        "refws", "1", "", [{"1.1.1": verdict("OK"), "7.1.6": verdict(*INFORMATIONAL)}]
    )
    assert "### refws\n\nNothing.\n" in markdown(entry)


def test_results_count_a_case_without_result_as_failed(tmp_path: Path) -> None:
    found = results.verdicts(["1.1.1", "2.1"], merged(tmp_path, {"1.1.1": OK}))
    assert found == {"1.1.1": report.STRICT, "2.1": results.NO_RESULT}
    assert "- FAILED: 2.1" in markdown(results.Entry("ws", "8", "", [found]))


def test_results_say_why_a_server_is_missing() -> None:
    text = markdown(results.Entry("ws", "8", "", missing="no node is on PATH"))
    assert "| ws | 8 | no node is on PATH |" in text
    assert "### ws" not in text


def test_every_peer_has_a_pinned_version_and_its_own_program() -> None:
    everything = [*peers.PEERS, *peers.CLIENTS]
    for peer in everything:
        pinned = r"[a-z-]+" if peer.program.endswith(".c") else r"[a-z-]+(==|@)\d+(\.\d+)*"
        assert all(re.fullmatch(pinned, requirement) for requirement in peer.requirements)
        assert (peers.PROGRAMS / peer.program).is_file()
    assert len({peer.program for peer in everything}) == len(everything)


def test_versions_of_a_peer_are_its_own_and_that_of_its_protocol() -> None:
    assert peers.Peer("a", ("a==1.0", "b==2.0"), "a.py", "").versions == "1.0, b 2.0"
    assert peers.Peer("ws", ("ws@8.1",), "ws.cjs", "").versions == "8.1"


def test_a_python_peer_runs_in_its_own_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[object] = []

    def build(scratch: Path, requirements: Sequence[str]) -> None:
        built.append(list(requirements))
        (scratch / "environment").mkdir()

    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(environment, "_build_python", build)
    peer = peers.Peer("a", ("a==1.0", "b==2.0"), "a.py", "")
    commands = [peer.server().command(80) for _ in range(2)]
    assert built == [["a==1.0", "b==2.0"]]
    assert commands == 2 * [[tmp_path / "peer-a" / "bin" / "python", peers.PROGRAMS / "a.py", "80"]]


def test_a_node_peer_finds_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(
        environment, "_build_node", lambda scratch, requirements: (scratch / "environment").mkdir()
    )
    monkeypatch.setattr(environment.shutil, "which", lambda name: f"/usr/bin/{name}")
    command = peers.Peer("ws", ("ws@8",), "ws.cjs", "").server().command(80)
    modules = tmp_path / "peer-ws" / "node_modules"
    assert command == [
        "env",
        f"NODE_PATH={modules}",
        "/usr/bin/node",
        peers.PROGRAMS / "ws.cjs",
        "80",
    ]


@pytest.fixture
def one_peer(fake_world: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A peer that can be had and one that cannot."""
    script = LISTENING + FOREVER
    server = fuzzing.Server("refws", lambda port: [*QUICK, script, str(port)])

    class Available(peers.Peer):
        def server(self) -> fuzzing.Server:
            return server

    class Missing(peers.Peer):
        def server(self) -> fuzzing.Server:
            raise environment.Unavailable("no node is on PATH\n  second line")

    found = (
        Available("websockets", ("websockets==1",), "", "set up"),
        Missing("ws", ("ws@8",), "", "set up"),
    )
    monkeypatch.setattr(peers, "PEERS", found)
    return tmp_path / "RESULTS.md"


def test_peers_command_writes_the_table_and_skips_a_peer_that_is_missing(
    one_peer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["peers", "--cases", "1.*,7.1.*", "--rounds", "2", "--output", str(one_peer)]
    assert autobahn.main(words) == 0
    text = one_peer.read_text("utf-8")
    assert "| websockets | 1 | 22 | 0 | 0 | 0 | 0 | 0 | 0 |" in text
    assert "| ws | 8 | no node is on PATH |" in text
    assert (
        "`python3 conformance/autobahn.py peers --cases '1.*,7.1.*' --rounds 2 --output "
        f"{one_peer}`"
    ) in text
    assert "--max-message-size" in text
    assert "skipped: no node is on PATH" in capsys.readouterr().out


def test_peers_command_leaves_the_table_alone_when_interrupted(
    one_peer: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one_peer.write_text("before", "utf-8")
    interrupt_run(monkeypatch, signal.SIGINT)
    assert autobahn.main(["peers", "--cases", "1.*", "--output", str(one_peer)]) == 130
    assert one_peer.read_text("utf-8") == "before"


def test_what_installs_the_peers_for_the_tests_finds_all_its_modules(tmp_path: Path) -> None:
    """CI starts it before anything is installed, and not in the directory of the project."""
    program = Path(__file__).parent / "programs" / "install.py"
    only_imports = f"import runpy; runpy.run_path({str(program)!r})"
    subprocess.run([sys.executable, "-I", "-c", only_imports], check=True, cwd=tmp_path)
