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
import json
import math
import os
import platform
import shlex
import statistics
import sys
from collections.abc import Iterator

from scripts.bench import deflate_load
from scripts.bench.load import Measurement, RepeatedFrame, Scenario, measure
from scripts.bench.placement import available_cpus, on_cpu
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

BARE = "bare"
REFWS, REFWS_6 = "refws", "refws-6"
WEBSOCKETS = "websockets"
TAKEN = (BARE, REFWS, REFWS_6, WEBSOCKETS)
BIG = 4096


@dataclasses.dataclass(frozen=True)
class Server:
    """Where a server listens; `command` starts it, and is None if it was started elsewhere."""

    name: str
    host: str
    port: int
    path: str
    command: tuple[str, ...] | None

    def path_for(self, scenario: Scenario) -> str:
        return self.path.format(opcode=scenario.opcode, payload_length=scenario.payload_length)


@dataclasses.dataclass(frozen=True)
class Placement:
    """The CPU of the servers and that of the load generator; None lets the kernel choose."""

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

    def ratios(self, name: str, baseline: str) -> list[float]:
        return [
            rate / base for rate, base in zip(self.rates(name), self.rates(baseline), strict=True)
        ]


def bare_server() -> Server:
    command = (sys.executable, "-m", "scripts.bench.bare_loop", "{port}")
    return Server(
        BARE, server_process.HOST, server_process.free_port(), "/{opcode}/{payload_length}", command
    )


def refws_server() -> Server:
    command = server_process.refws_command("--max-message-size", str(2 * 1024 * 1024))
    return Server(REFWS, server_process.HOST, server_process.free_port(), "/echo", tuple(command))


def deflate_servers() -> list[Server]:
    """refws with its own level and with that of `websockets`; `websockets`. PeerUnavailable."""
    port = server_process.free_port()
    python, *program = peer_command(WEBSOCKETS, port)
    commands = {
        REFWS: (python, *server_process.refws_command("--deflate")[1:]),
        REFWS_6: (python, "-m", "scripts.bench.deflate_echo", "{port}", "6"),
    }
    ours = [
        Server(name, server_process.HOST, server_process.free_port(), "/echo", command)
        for name, command in commands.items()
    ]
    return [*ours, Server(WEBSOCKETS, server_process.HOST, port, "/echo", (python, *program))]


class PeerUnavailable(Exception):
    """The package to compare with cannot be had on this machine; says what to do."""


def peer_command(name: str, port: int) -> list[str]:
    """The command of a peer's echo server, in an environment that is made on the first call."""
    sys.path.insert(0, str(server_process.ROOT / "conformance"))
    import environment
    import peers

    try:
        server = next(peer for peer in peers.PEERS if peer.name == name).server()
    except environment.Unavailable as error:
        raise PeerUnavailable(f"{name} cannot be had: {error}") from error
    return [str(word) for word in server.command(port)]


def parse_server(text: str) -> Server:
    """NAME=ws://HOST:PORT/PATH, or NAME=COMMAND with {port} for the port of its endpoint /echo."""
    name, _, value = text.partition("=")
    if not name or not value:
        raise argparse.ArgumentTypeError(
            f"{text!r}: write NAME=ws://HOST:PORT/PATH or NAME=COMMAND with {{port}}"
        )
    if name in TAKEN:
        raise argparse.ArgumentTypeError(
            f"{text!r}: write another name, as this script uses {', '.join(TAKEN)} itself"
        )
    if value.startswith("ws:"):
        return Server(name, *wire.parse_address(value), command=None)
    if "{port}" not in value:
        raise argparse.ArgumentTypeError(
            f"{text!r}: the command needs {{port}} where the port number goes"
        )
    return Server(
        name, server_process.HOST, server_process.free_port(), "/echo", tuple(shlex.split(value))
    )


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


def table(results: list[Result], names: list[str], baseline: str) -> str:
    """One line for each scenario: rates, costs, then each ratio to the baseline with its spread."""
    others = [name for name in names if name != baseline]
    heads = [*(f"{name} msg/s" for name in names), *(f"{name} CPU" for name in names)]
    lines = [["scenario", *heads, *(f"{name} / {baseline}" for name in others)]]
    for result in results:
        rates = [
            describe_rate(result.scenario, statistics.median(result.rates(name))) for name in names
        ]
        costs = [f"{statistics.median(result.costs_us(name)):,.1f} us" for name in names]
        ratios = [describe_ratios(result.ratios(name, baseline)) for name in others]
        lines.append([result.scenario.name, *rates, *costs, *ratios])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in lines
    )


def sizes(results: list[Result], names: list[str]) -> str:
    """How long the messages are on the wire, server by server."""
    lengths = {
        name: statistics.fmean(
            measurement.reply_length
            for result in results
            for measurement in result.measurements[name]
        )
        for name in names
    }
    shown = ", ".join(f"{name} {length:.0f}" for name, length in lengths.items())
    return f"compressed to, bytes of {deflate_load.MESSAGE_LENGTH:,}: {shown}"


def verdicts(results: list[Result]) -> list[figures.Figure]:
    """For each scenario and level: refws must be at least as fast as `websockets`."""
    return [
        figures.Figure(
            f"{result.scenario.name}, {name} / {WEBSOCKETS}",
            statistics.median(result.ratios(name, WEBSOCKETS)),
            1.0,
            floor=True,
        )
        for result in results
        for name in (REFWS, REFWS_6)
    ]


def describe_rate(scenario: Scenario, rate: float) -> str:
    """Messages per second; for big messages also megabytes (10^6) of payload, in each direction."""
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
