"""How fast refws echoes, as a ratio of the fastest thread-per-connection loop that Python allows.

    python3 scripts/bench
    python3 scripts/bench --only ping-pong-1 --only binary-1m --rounds 9
    python3 scripts/bench --server other=ws://127.0.0.1:9000/echo
    python3 scripts/bench --server "other=python3 other.py {port}"
    python3 scripts/bench --deflate

Each server is a process of its own; this process is the load generator (load.py). The servers take
turns, A B A B, so that a machine that slows down slows down all of them, and medians are printed.
The ratio is the median of the ratios of each round, the spread is their lowest and highest. Each
measurement has a fresh server, because where its memory happens to lie makes one process faster
than another of the same program for as long as it lives. CPU is the time that the server itself
computes for a message. It changes less than the rates do when other programs are busy, but it
changes too.

Every server started here runs on one CPU, because its threads share the interpreter lock anyway.
Where many messages are in flight, the load generator runs on another CPU: the server is then always
busy and the only thing that limits. Where a single message goes back and forth, it runs on the same
CPU: on two, that would measure how fast the kernel wakes the other one. With --free the kernel
chooses; it then changes between these two ways from second to second, and so do the rates.

--deflate compares with the threaded server of `websockets` instead: JSON messages of 1 KiB, a
browser's offer of permessage-deflate, every echo inflated and compared (deflate_load.py). Both
servers compress in a window of 12 bits with a context, which is their default; refws runs with its
default level 3 and, as refws-6, with the level 6 of `websockets`. conformance/ provides the peer
and makes its environment on the first run; its Python runs all the servers. The exit status is 1 if
refws is slower in any scenario.
"""

import argparse
import contextlib
import dataclasses
import math
import sys
from collections.abc import Iterator

from scripts.bench import deflate_load
from scripts.bench.load import Measurement, RepeatedFrame, Scenario, measure
from scripts.bench.placement import available_cpus, on_cpu
from scripts.bench.results import Result, as_json, sizes, table, verdicts
from scripts.bench.servers import (
    BARE,
    WEBSOCKETS,
    PeerUnavailable,
    Server,
    bare_server,
    deflate_servers,
    parse_server,
    refws_server,
)
from scripts.shared import client_wire as wire
from scripts.shared import figures, server_process
from scripts.shared.time_left import Progress

SCENARIOS = (
    Scenario("ping-pong-1", wire.TEXT, 32),
    Scenario("ping-pong-16", wire.TEXT, 32, connections=16),
    Scenario("ping-pong-64", wire.TEXT, 32, connections=64),
    Scenario("binary-32", wire.BINARY, 32),
    Scenario("in-flight-64", wire.TEXT, 32, window=64),
    Scenario("binary-64k", wire.BINARY, 64 * 1024),
    Scenario("binary-1m", wire.BINARY, 1024 * 1024),
)
DEFLATE_SCENARIOS = (
    Scenario("deflate-1", wire.TEXT, deflate_load.MESSAGE_LENGTH, deflate=True),
    Scenario("deflate-16", wire.TEXT, deflate_load.MESSAGE_LENGTH, connections=16, deflate=True),
)
WARM_UP = 0.25
START_S = 0.3
"""A guess, for the time left only."""


@dataclasses.dataclass(frozen=True)
class Placement:
    """The servers' CPU and the load generator's; None lets the kernel choose."""

    servers: int | None = None
    elsewhere: int | None = None

    @classmethod
    def choose(cls, cpus: list[int]) -> "Placement":
        return cls(servers=cpus[-1], elsewhere=cpus[0]) if len(cpus) > 1 else cls()

    def load_generator(self, scenario: Scenario) -> int | None:
        return self.elsewhere if scenario.in_flight > 1 else self.servers


class Bench:
    """The servers, and how they are measured."""

    def __init__(self, servers: list[Server], seconds: float, placement: Placement) -> None:
        self.servers = servers
        self.seconds = seconds
        self.placement = placement

    def run(self, scenario: Scenario, rounds: int, progress: Progress) -> Result:
        """All rounds of one scenario, the servers in turn; ServerFailed if an echo is wrong."""
        measurements: dict[str, list[Measurement]] = {server.name: [] for server in self.servers}
        with on_cpu(self.placement.load_generator(scenario)):
            for number in range(1, rounds + 1):
                for server in self.servers:
                    progress.show(f"{scenario.name}: round {number} of {rounds}, {server.name}")
                    measurements[server.name].append(self.measure(scenario, server))
        return Result(scenario, measurements)

    def measure(self, scenario: Scenario, server: Server) -> Measurement:
        load = deflate_load.DeflateLoad if scenario.deflate else RepeatedFrame
        with self.started(server) as pid:
            try:
                opened = load(scenario, server.host, server.port, server.path_for(scenario))
                return measure(opened, self.seconds * WARM_UP, self.seconds, lambda: cpu_s(pid))
            except (OSError, wire.WireError) as error:
                raise server_process.ServerFailed(
                    f"{server.name}, {scenario.name}: {error}"
                ) from error

    @contextlib.contextmanager
    def started(self, server: Server) -> Iterator[int | None]:
        """The process ID of a fresh server, stopped afterwards; None if it runs elsewhere."""
        if server.command is None:
            yield None
            return
        with contextlib.ExitStack() as stack:
            with on_cpu(self.placement.servers):
                process = stack.enter_context(
                    server_process.running(list(server.command), server.port)
                )
            yield process.pid


def cpu_s(pid: int | None) -> float:
    """CPU time of the server so far; NaN if it is not ours or cannot be known."""
    if pid is None or not figures.is_available():
        return math.nan
    return figures.parse_cpu_s(figures.read_proc(pid, "stat"))


def parse_options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default: 5)")
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="length of one measurement (default: 1)"
    )
    parser.add_argument(
        "--only",
        action="append",
        metavar="SCENARIO",
        help="only this scenario, may be repeated: "
        + names_of(SCENARIOS)
        + "; with --deflate: "
        + names_of(DEFLATE_SCENARIOS),
    )
    parser.add_argument(
        "--deflate", action="store_true", help="compressed messages, compared with websockets"
    )
    parser.add_argument("--json", metavar="FILE", help="write all rounds there")
    parser.add_argument(
        "--server",
        action="append",
        type=parse_server,
        default=[],
        metavar="NAME=ADDRESS|COMMAND",
        help="one more server: its ws:// address, or a command with {port} that serves /echo",
    )
    parser.add_argument("--free", action="store_true", help="let the kernel choose the CPUs")
    parser.add_argument("--no-refws", action="store_true", help="leave refws out")
    options = parser.parse_args(argv)
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds and --seconds must be above 0")
    if options.deflate and options.no_refws:
        parser.error("--deflate measures refws: leave out --no-refws")
    scenarios = DEFLATE_SCENARIOS if options.deflate else SCENARIOS
    if unknown := set(options.only or ()) - {scenario.name for scenario in scenarios}:
        parser.error(f"--only {min(unknown)}: no such scenario, choose from {names_of(scenarios)}")
    options.scenarios = [
        scenario for scenario in scenarios if not options.only or scenario.name in options.only
    ]
    return options


def names_of(scenarios: tuple[Scenario, ...]) -> str:
    return ", ".join(scenario.name for scenario in scenarios)


def own_servers(options: argparse.Namespace) -> list[Server]:
    if options.deflate:
        return deflate_servers()
    return [bare_server(), *([] if options.no_refws else [refws_server()])]


def benchmark(options: argparse.Namespace) -> tuple[list[Result], list[str]]:
    """Start the servers, measure, stop them; the results and the names of the servers.

    ServerFailed if one does not start or echoes wrongly, PeerUnavailable.
    """
    servers = [*own_servers(options), *options.server]
    placement = Placement() if options.free else Placement.choose(available_cpus())
    bench = Bench(servers, options.seconds, placement)
    measurements = options.rounds * len(servers) * len(options.scenarios)
    progress = Progress((options.seconds * (1 + WARM_UP) + START_S) * measurements)
    results = [bench.run(scenario, options.rounds, progress) for scenario in options.scenarios]
    progress.done()
    return results, [server.name for server in servers]


def report(results: list[Result], names: list[str], deflate: bool) -> int:
    """Print the figures; the exit status is 1 if one is below its bound."""
    print(table(results, names, WEBSOCKETS if deflate else BARE))
    if not deflate:
        return 0
    judged = verdicts(results)
    print(f"\n{sizes(results, names)}\n\n{figures.table(judged)}")
    return 0 if all(figure.kept for figure in judged) else 1


def main(argv: list[str] | None = None) -> int:
    options = parse_options(argv)
    server_process.exit_on_sigterm()
    try:
        results, names = benchmark(options)
    except PeerUnavailable as error:
        print(f"bench: skipped: {error}", file=sys.stderr)
        return 0
    except server_process.ServerFailed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbench: stopped", file=sys.stderr)
        return 130
    status = report(results, names, options.deflate)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            file.write(as_json(results, options))
    return status
