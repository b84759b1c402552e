"""For the tests of conformance/: a testsuite, a server and a client that only play their parts."""

from __future__ import annotations

import json
import signal
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

import endpoints
import expectations
import fuzzing
import processes
import referees
import report
import runs

QUICK = (sys.executable, "-S", "-c")
FOREVER = "import signal; signal.pause()"
ALL_CASES = 517
BOTH_SIDES = pytest.mark.parametrize("tested", ["server", "client"])

OK = ("OK", "OK")
INFORMATIONAL = ("INFORMATIONAL", "INFORMATIONAL")

processes.POLL_S = 0.01  # the programs of the tests end soon

KNOWN = list(expectations.Expectation.load(report.EXPECTED["server"]).verdicts)


# Reports


def write_report(
    directory: Path, verdicts: dict[str, tuple[str, str]], agent: str = "refws"
) -> Path:
    """A report as the testsuite writes it."""
    directory.mkdir(parents=True, exist_ok=True)
    index = {}
    for case, (behavior, close) in verdicts.items():
        stem = f"{agent}_case_{case.replace('.', '_')}"
        index[case] = {
            "behavior": behavior,
            "behaviorClose": close,
            "duration": 3,
            "reportfile": f"{stem}.json",
        }
        (directory / f"{stem}.json").write_text("{}", "utf-8")
        (directory / f"{stem}.html").write_text(f"page of {case}", "utf-8")
    (directory / "index.json").write_text(json.dumps({agent: index}), "utf-8")
    return directory


def merged(target: Path, *parts: dict[str, tuple[str, str]]) -> dict[str, report.Result]:
    target.mkdir(exist_ok=True)
    directories = [write_report(target / f"client-{n}", part) for n, part in enumerate(parts)]
    report.merge(directories, "refws", target)
    return report.read(target, "refws")


# Programs


LISTENING = "import socket, sys; listener = socket.create_server(('127.0.0.1', int(sys.argv[1])));"

FAKE_CLIENT = textwrap.dedent(
    """
    import json, os, signal, sys
    spec = json.load(open(sys.argv[1]))
    verdicts = json.loads(os.environ.get("VERDICTS", "{}"))
    index = {}
    for case in spec["cases"]:
        print("Running test case ID", case, "for agent refws from peer tcp4:192.0.2.1:9")
        sys.stdout.flush()
        if case == os.environ.get("HANGING_CASE"):
            signal.pause()
        if case == os.environ.get("CRASHING_CASE"):
            sys.exit("broken pipe")
        page = f"refws_case_{case.replace('.', '_')}.json"
        behavior, close = verdicts.get(case, ("OK", "OK"))
        index[case] = {
            "behavior": behavior, "behaviorClose": close, "duration": 1, "reportfile": page
        }
    with open(os.path.join(spec["outdir"], "index.json"), "w") as file:
        json.dump({"refws": index}, file)
    """
)

FAKE_SERVER = textwrap.dedent(
    """
    import json, os, signal, socket, sys
    spec = json.load(open(sys.argv[1]))
    index = {}
    with socket.create_server(("127.0.0.1", int(spec["url"].rpartition(":")[2]))) as listener:
        while True:
            with listener.accept()[0] as connection:
                asked = connection.makefile().readline().strip()
                if asked == "count":
                    connection.sendall(str(len(spec["cases"])).encode())
                if asked.startswith("number "):
                    asked = spec["cases"][int(asked.split()[1]) - 1]
                if asked in spec["cases"]:
                    print(f"Running test case ID {asked} for agent refws from peer tcp4:1.2.3.4:9")
                    sys.stdout.flush()
                    index[asked] = {
                        "behavior": "OK",
                        "behaviorClose": "OK",
                        "duration": 1,
                        "reportfile": f"refws_case_{asked.replace('.', '_')}.json",
                    }
                if asked == os.environ.get("HANGING_CASE"):
                    signal.pause()
                if asked == "reports" or asked.startswith("GET /updateReports"):
                    with open(os.path.join(spec["outdir"], "index.json"), "w") as file:
                        json.dump({"refws": index}, file)
    """
)

FAKE_CLIENT_UNDER_TEST = textwrap.dedent(
    """
    import os, socket, sys
    address = "127.0.0.1", int(sys.argv[1].rpartition(":")[2])
    for case in [*sys.argv[2:], "reports"]:
        with socket.create_connection(address) as connection:
            connection.sendall(case.encode() + b"\\n")
            connection.recv(1)
        if case == os.environ.get("CRASHING_CASE"):
            sys.exit("out of memory")
    """
)


CLIENT_BY_CONVENTION = textwrap.dedent(
    """
    import socket, sys
    address = "127.0.0.1", int(sys.argv[1].rpartition(":")[2])
    def ask(question):
        with socket.create_connection(address) as connection:
            connection.sendall(question.encode() + b"\\n")
            return connection.recv(10)
    for number in range(1, int(ask("count")) + 1):
        ask(f"number {number}")
    ask("reports")
    """
)

CLIENT_OF_ONE_CASE = textwrap.dedent(
    """
    import socket, sys
    from urllib.parse import parse_qs, urlsplit
    url = urlsplit(sys.argv[1])
    assert url.path == "/runCase" and parse_qs(url.query)["agent"] == [sys.argv[2]], url
    with socket.create_connection((url.hostname, url.port)) as connection:
        connection.sendall(f"number {parse_qs(url.query)['case'][0]}\\n".encode())
        connection.recv(1)
    print("ran", sys.argv[3])
    sys.exit("failed with 1007")
    """
)


class FakeTestsuite(referees.Testsuite):
    def cases(self) -> list[str]:
        return KNOWN

    def fuzzing_client(self, spec: Path) -> list[str | Path]:
        return [*QUICK, FAKE_CLIENT, spec]

    def fuzzing_server(self, spec: Path) -> list[str | Path]:
        return [*QUICK, FAKE_SERVER, spec]


def client_under_test(url: str, cases: Sequence[str]) -> list[str]:
    return [*QUICK, FAKE_CLIENT_UNDER_TEST, url, *cases]


def interrupt_run(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    """Make the next run get this signal just before its first case."""

    def interrupted_portions(cases: Sequence[str], clients: int) -> list[Sequence[str]]:
        signal.raise_signal(number)
        return [cases]

    monkeypatch.setattr(fuzzing, "portions", interrupted_portions)


# What the fixtures of conftest.py do


@contextmanager
def hearing_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    processes.hear_signals()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def make_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referees, "testsuite", lambda say: FakeTestsuite(tmp_path))
    monkeypatch.setattr(runs, "REPORTS", tmp_path / "reports")
    monkeypatch.setattr(
        endpoints, "server_command", lambda port: [*QUICK, LISTENING + FOREVER, str(port)]
    )
    monkeypatch.setattr(endpoints, "client_command", client_under_test)
