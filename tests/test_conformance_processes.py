"""The Autobahn runner: the processes that it starts, and the signals that it gets."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import processes
from fake_autobahn import FOREVER, QUICK


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return not is_zombie(process_id)


def is_zombie(process_id: int) -> bool:
    """It has ended, but its new parent has not collected its status yet (Linux only)."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{process_id}/status").read_text("utf-8")
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        processes.pause()


def test_leaving_the_block_ends_the_process_and_its_children(tmp_path: Path) -> None:
    script = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:]).pid, flush=True);"
    log = tmp_path / "log"
    with processes.Process([*QUICK, script + FOREVER, *QUICK, FOREVER], log) as process:
        wait_until(lambda: log.read_text("ascii").endswith("\n"))
        child = int(log.read_text("ascii"))
    assert process.status == -signal.SIGTERM
    wait_until(lambda: not is_alive(child))


def test_a_process_that_ignores_sigterm_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "TERMINATE_S", 0.05)
    script = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True);"
    )
    log = tmp_path / "log"
    with processes.Process([*QUICK, script + FOREVER], log) as process:
        wait_until(lambda: log.read_text("ascii") == "ready\n")
    assert process.status == -signal.SIGKILL


def test_run_reports_the_status_and_the_last_lines_of_a_failing_command(tmp_path: Path) -> None:
    with pytest.raises(processes.CommandFailed, match=r"ended with 3:\n    no room") as caught:
        processes.run(
            [*QUICK, "print('no room'); raise SystemExit(3)"], tmp_path / "log", timeout=20
        )
    assert sys.executable in str(caught.value)


def test_run_ends_a_command_that_takes_too_long(tmp_path: Path) -> None:
    with pytest.raises(processes.CommandFailed, match="more than 0 s"):
        processes.run([*QUICK, FOREVER], tmp_path / "log", timeout=0)


def test_wait_for_port_says_what_a_server_printed_that_ended_early(tmp_path: Path) -> None:
    command = [*QUICK, "raise SystemExit('port in use')"]
    failed = pytest.raises(
        processes.CommandFailed, match=r"status 1 before it listened:\n    port in use"
    )
    with processes.Process(command, tmp_path / "log") as server, failed:
        processes.wait_for_port(server, processes.free_port(), timeout=20)


def test_wait_for_port_gives_up_on_a_server_that_never_listens(tmp_path: Path) -> None:
    failed = pytest.raises(processes.CommandFailed, match="does not listen on port")
    with processes.Process([*QUICK, FOREVER], tmp_path / "log") as server, failed:
        processes.wait_for_port(server, processes.free_port(), timeout=0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts_the_next_pause_and_only_that(
    heard_signals: None, number: signal.Signals
) -> None:
    signal.raise_signal(number)
    with pytest.raises(KeyboardInterrupt):
        processes.pause()
    processes.pause()
