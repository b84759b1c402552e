"""How fast refws echoes, as a ratio of the fastest thread-per-connection loop that Python allows.

    python3 scripts/bench.py
    python3 scripts/bench.py --only ping-pong-1 --only binary-1m --rounds 9
    python3 scripts/bench.py --server other=ws://127.0.0.1:9000/echo --server "third=python3 third.py {port}"

Each server is a process of its own, this process is the load generator (load.py). The servers take turns, A B A B,
so that a machine that slows down slows down all of them; medians are printed. The ratio is the median of the
ratios of each round, the spread is their lowest and highest. CPU is the time that the server itself computes for a
message; it hardly changes when other programs are busy on this machine, as the rates do.

Every server started here runs on one CPU: its threads take turns with the interpreter lock anyway. The load
generator runs on another one where messages are in flight at the same time (the server is then busy all the time
and the only thing that limits), and on the same one where a single message goes to and fro (on two CPUs that would
measure how fast the kernel wakes the other CPU, four times as long as everything that the server does). Left to
itself (--free) the kernel changes between these two ways from second to second: the same server then did 13,000
or 62,000 ping-pongs per second, with deviations of 15 to 40 % where placed servers had 2 to 15 %.
"""

import argparse
import contextlib
import dataclasses
import json
import math
import os
import platform
import shlex
import statistics
import sys
from collections.abc import Iterator

import bare_loop
import figures
import server_process
import client_wire as wire
from load import Measurement, Scenario, measure
from placement import available_cpus, on_cpu
from time_left import Progress

SCENARIOS = (
    Scenario("ping-pong-1", wire.TEXT, 32),
    Scenario("ping-pong-16", wire.TEXT, 32, connections=16),
    Scenario("ping-pong-64", wire.TEXT, 32, connections=64),
    Scenario("binary-32", wire.BINARY, 32),
    Scenario("in-flight-64", wire.TEXT, 32, window=64),
    Scenario("binary-64k", wire.BINARY, 64 * 1024),
    Scenario("binary-1m", wire.BINARY, 1024 * 1024),
)
WARM_UP = 0.25
BARE = "bare"
BIG = 4096


@dataclasses.dataclass(frozen=True)
class Server:
    """Where a server listens; `command` starts it, None if somebody else did."""

    name: str
    host: str
    port: int
    path: str
    command: tuple[str, ...] | None

    def path_for(self, scenario: Scenario) -> str:
        return self.path.format(opcode=scenario.opcode, payload_length=scenario.payload_length)


@dataclasses.dataclass(frozen=True)
class Placement:
    """The CPU of the servers and the one that the load generator may have for itself; None lets the kernel choose."""

    servers: int | None = None
    elsewhere: int | None = None

    @classmethod
    def choose(cls, cpus: list[int]) -> "Placement":
        return cls(servers=cpus[-1], elsewhere=cpus[0]) if len(cpus) > 1 else cls()

    def load_generator(self, scenario: Scenario) -> int | None:
        return self.elsewhere if scenario.in_flight > 1 else self.servers


@dataclasses.dataclass(frozen=True)
class Result:
    """One scenario, server by server, round by round."""

    scenario: Scenario
    measurements: dict[str, list[Measurement]]

    def rates(self, name: str) -> list[float]:
        return [measurement.rate for measurement in self.measurements[name]]

    def costs_us(self, name: str) -> list[float]:
        return [measurement.cost_us for measurement in self.measurements[name]]

    def ratios(self, name: str) -> list[float]:
        return [rate / bare for rate, bare in zip(self.rates(name), self.rates(BARE), strict=True)]


def bare_server() -> Server:
    command = (sys.executable, bare_loop.__file__, "{port}")
    return Server(BARE, server_process.HOST, server_process.free_port(), "/{opcode}/{payload_length}", command)


def refws_server() -> Server:
    command = server_process.refws_command("--max-message-size", str(2 * 1024 * 1024))
    return Server("refws", server_process.HOST, server_process.free_port(), "/echo", tuple(command))


def parse_server(text: str) -> Server:
    """NAME=ws://HOST:PORT/PATH, or NAME=COMMAND where {port} stands for the port to listen on (endpoint /echo)."""
    name, _, value = text.partition("=")
    if not name or not value or name == BARE:
        raise argparse.ArgumentTypeError(f"{text!r}: write NAME=ws://HOST:PORT/PATH or NAME=COMMAND with {{port}}")
    if value.startswith("ws:"):
        return Server(name, *wire.parse_address(value), command=None)
    if "{port}" not in value:
        raise argparse.ArgumentTypeError(f"{text!r}: the command needs {{port}} where the port number goes")
    return Server(name, server_process.HOST, server_process.free_port(), "/echo", tuple(shlex.split(value)))


class Bench:
    """Servers that run, and how they are measured."""

    def __init__(self, servers: list[Server], seconds: float, placement: Placement) -> None:
        self.servers = servers
        self.seconds = seconds
        self.placement = placement
        self.pids: dict[str, int] = {}

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """All servers that are ours to start, started, and stopped afterwards."""
        with contextlib.ExitStack() as stack:
            with on_cpu(self.placement.servers):
                for server in self.servers:
                    if server.command:
                        process = stack.enter_context(server_process.running(list(server.command), server.port))
                        self.pids[server.name] = process.pid
            yield

    def run(self, scenario: Scenario, rounds: int, progress: Progress) -> Result:
        """All rounds of one scenario, the servers taking turns; ServerFailed if an echo is wrong."""
        measurements: dict[str, list[Measurement]] = {server.name: [] for server in self.servers}
        with on_cpu(self.placement.load_generator(scenario)):
            for number in range(1, rounds + 1):
                for server in self.servers:
                    progress.show(f"{scenario.name}: round {number} of {rounds}, {server.name}")
                    measurements[server.name].append(self.measure(scenario, server))
        return Result(scenario, measurements)

    def measure(self, scenario: Scenario, server: Server) -> Measurement:
        address = server.host, server.port, server.path_for(scenario)
        try:
            return measure(scenario, address, self.seconds * WARM_UP, self.seconds, lambda: self.cpu_s(server))
        except (OSError, wire.WireError) as error:
            raise server_process.ServerFailed(f"{server.name}, {scenario.name}: {error}") from error

    def cpu_s(self, server: Server) -> float:
        """CPU time of the server so far; NaN where it is not ours or cannot be known."""
        if server.name not in self.pids or not figures.is_available():
            return math.nan
        return figures.parse_cpu_s(figures.read_proc(self.pids[server.name], "stat"))


def table(results: list[Result], names: list[str]) -> str:
    """One line for each scenario: rates, costs, then each ratio to the bare loop with its spread."""
    others = [name for name in names if name != BARE]
    heads = [*(f"{name} msg/s" for name in names), *(f"{name} CPU" for name in names)]
    lines = [["scenario", *heads, *(f"{name} / {BARE}" for name in others)]]
    for result in results:
        rates = [describe_rate(result.scenario, statistics.median(result.rates(name))) for name in names]
        costs = [f"{statistics.median(result.costs_us(name)):,.1f} us" for name in names]
        lines.append([result.scenario.name, *rates, *costs, *(describe_ratios(result.ratios(name)) for name in others)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in lines
    )


def describe_rate(scenario: Scenario, rate: float) -> str:
    """Messages per second; for big messages also megabytes (10^6) of payload per second and direction."""
    if scenario.payload_length < BIG:
        return f"{rate:,.0f}"
    return f"{rate:,.0f} ({rate * scenario.payload_length / 1e6:,.0f} MB/s)"


def describe_ratios(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"


def as_json(results: list[Result], options: argparse.Namespace) -> str:
    """Everything that was measured, for a later look."""
    document = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "free": options.free,
        "results": [dataclasses.asdict(result) for result in results],
    }
    return json.dumps(document, indent=2) + "\n"


def parse_options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default: 5)")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of one measurement (default: 1)")
    parser.add_argument("--only", action="append", metavar="SCENARIO", choices=[s.name for s in SCENARIOS],
                        help="only this scenario, may be repeated: " + ", ".join(s.name for s in SCENARIOS))
    parser.add_argument("--json", metavar="FILE", help="write all rounds there")
    parser.add_argument("--server", action="append", type=parse_server, default=[], metavar="NAME=ADDRESS|COMMAND",
                        help="one more server: its ws:// address, or a command with {port} that serves /echo")
    parser.add_argument("--free", action="store_true", help="let the kernel choose the CPUs")
    parser.add_argument("--no-refws", action="store_true", help="leave refws out")
    options = parser.parse_args(argv)
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds and --seconds must be above 0")
    return options


def benchmark(options: argparse.Namespace) -> tuple[list[Result], list[str]]:
    """Start the servers, measure, stop them. ServerFailed if one does not start or echoes wrongly."""
    servers = [bare_server(), *([] if options.no_refws else [refws_server()]), *options.server]
    scenarios = [scenario for scenario in SCENARIOS if not options.only or scenario.name in options.only]
    placement = Placement() if options.free else Placement.choose(available_cpus())
    bench = Bench(servers, options.seconds, placement)
    with bench.running():
        progress = Progress(options.seconds * (1 + WARM_UP) * options.rounds * len(servers) * len(scenarios))
        results = [bench.run(scenario, options.rounds, progress) for scenario in scenarios]
        progress.done()
    return results, [server.name for server in servers]


def main(argv: list[str] | None = None) -> int:
    options = parse_options(argv)
    server_process.exit_on_sigterm()
    try:
        results, names = benchmark(options)
    except server_process.ServerFailed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbench: stopped", file=sys.stderr)
        return 130
    print(table(results, names))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            file.write(as_json(results, options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
