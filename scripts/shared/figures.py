"""What a process uses, as Linux reports it in /proc, and figures printed beside their bounds."""

import dataclasses
import os
import pathlib
import time
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Usage:
    """One look at a process: PSS (its memory, shared pages divided by their users) and CPU time."""

    threads: int
    descriptors: int
    pss_kib: int
    cpu_s: float


def usage(pid: int) -> Usage:
    """How much the process uses now; FileNotFoundError or ProcessLookupError if it has ended."""
    return Usage(
        *held(pid),
        parse_kib(read_proc(pid, "smaps_rollup"), "Pss"),
        parse_cpu_s(read_proc(pid, "stat")),
    )


def held(pid: int) -> tuple[int, int]:
    """Threads and open file descriptors of the process; cheaper than `usage`."""
    return parse_threads(read_proc(pid, "stat")), len(os.listdir(f"/proc/{pid}/fd"))


def read_proc(pid: int, name: str) -> str:
    return pathlib.Path(f"/proc/{pid}/{name}").read_text()


def parse_kib(text: str, name: str) -> int:
    """The value of a line such as `Pss:    1234 kB`."""
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name + ":"))


def stat_fields(text: str) -> list[str]:
    """The fields of /proc/PID/stat after the second one, which may hold any characters."""
    return text.rpartition(")")[2].split()


def parse_cpu_s(text: str) -> float:
    """utime + stime in seconds."""
    fields = stat_fields(text)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def parse_threads(text: str) -> int:
    return int(stat_fields(text)[17])


def is_available() -> bool:
    return os.path.exists("/proc/self/smaps_rollup")


@dataclasses.dataclass(frozen=True)
class Figure:
    """A measured value and its bound: at most `bound`, or at least if `floor` is true."""

    name: str
    value: float
    bound: float
    unit: str = ""
    floor: bool = False

    @property
    def kept(self) -> bool:
        return self.value >= self.bound if self.floor else self.value <= self.bound

    def cells(self) -> list[str]:
        word = "at least" if self.floor else "at most"
        return [
            self.name,
            f"{rounded(self.value)} {self.unit}".strip(),
            f"{word} {rounded(self.bound)} {self.unit}".strip(),
            "ok" if self.kept else "BROKEN",
        ]


def rounded(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def table(figures: list[Figure]) -> str:
    lines = [["figure", "measured", "bound", ""], *(figure.cells() for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def wait_until(condition: Callable[[], bool], timeout_s: float) -> float:
    """Seconds until the condition holds, checked every 50 ms; timeout_s if it never does."""
    started = time.monotonic()
    while (passed := time.monotonic() - started) < timeout_s:
        if condition():
            return passed
        time.sleep(0.05)
    return timeout_s
