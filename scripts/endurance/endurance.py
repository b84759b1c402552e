"""What refws endures: measured figures, each beside its bound.

    python3 scripts/endurance idle     10,000 idle connections: memory, CPU, threads (1.5 minutes)
    python3 scripts/endurance abuse    killed, stuck, silent, senseless clients beside a good one
                                       (2 minutes)
    python3 scripts/endurance crowd    1,000, 3,000 and 10,000 clients that come all at once and
                                       vanish all at once, beside a good one (1 minute)
    python3 scripts/endurance crowd --connections 10000 --switch-interval 0.005 refws
                                       compares the interval of Python with the one of refws
    python3 scripts/endurance limits   who may hold a thread, and what a byte costs, as the tables
                                       of refws/endpoint/README.md (2.5 minutes)

Exit status 1 if a bound is broken, 2 if it cannot be tried. Linux only, because the figures come
from /proc. Only 127.0.0.1 is used. Each connection takes one of about 28,000 local ports, also for
a minute after its end (TIME_WAIT); a new run has a new server port, so these do not collide.
"""

import argparse
import sys

from scripts.endurance import abuse, crowd, holding, idle, limits
from scripts.shared import client_wire as wire
from scripts.shared import figures, server_process

SPARE_DESCRIPTORS = 300


def raise_descriptor_limit(needed: int) -> None:
    """Allow as many open files as the hard limit says; SystemExit if these are too few."""
    import resource  # not on Windows

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < needed:
        cannot(
            f"{needed:,} open files are needed and the hard limit is {hard:,}; raise it (as "
            f"root: `ulimit -n {needed}` "
            "in this shell, or LimitNOFILE=/nofile for a service), or use --connections "
            f"{hard - SPARE_DESCRIPTORS}"
        )


def cannot(why: str) -> None:
    print(f"endurance: {why}", file=sys.stderr)
    sys.exit(2)


def parse_options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/endurance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    idle = commands.add_parser(
        "idle", help="many connections on which nothing happens but the heartbeat"
    )
    idle.add_argument("--connections", type=int, default=10_000, help="how many (default: 10000)")
    idle.add_argument(
        "--window",
        type=float,
        default=45,
        help="seconds of CPU time measured, 40 or more (default: 45)",
    )
    abuse = commands.add_parser(
        "abuse", help="clients that die, stick, stay silent or talk nonsense"
    )
    abuse.add_argument(
        "--rounds", type=int, default=2, help="the first warms up (default and minimum: 2)"
    )
    add_crowd(commands.add_parser("crowd", help="clients that come and vanish all at once"))
    limits = commands.add_parser(
        "limits", help="how long each kind of peer holds a thread; CPU time for each kind of byte"
    )
    limits.add_argument(
        "words", nargs="*", metavar="WORD", help="only rows that have one of these (default: all)"
    )
    limits.add_argument(
        "--cpu", type=float, default=1, help="CPU seconds for each kind of byte (default: 1)"
    )
    options = parser.parse_args(argv)
    if options.command == "idle" and not (options.connections > 0 and options.window >= 40):
        parser.error("--connections must be above 0 and --window at least 40")
    if options.command == "abuse" and options.rounds < 2:
        parser.error("--rounds must be at least 2, as the first one is the warm-up")
    if options.command == "crowd" and min(*options.connections, options.rounds) < 1:
        parser.error("--connections and --rounds must be above 0")
    if options.command == "limits" and not options.cpu > 0:
        parser.error("--cpu must be above 0")
    return options


def switch_interval(text: str) -> float | None:
    """Seconds, or None for the interval that refws sets."""
    if text == "refws":
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1000:
        what_to_do = "give seconds, such as 0.02, or refws"
        raise argparse.ArgumentTypeError(f"{text!r} is no switch interval: {what_to_do}")
    return seconds


def add_crowd(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument
    option(
        "--connections",
        type=int,
        nargs="+",
        default=[1000, 3000, 10_000],
        help="how many, one measurement for each number (default: 1000 3000 10000)",
    )
    option(
        "--python",
        nargs="+",
        metavar="PROGRAM",
        default=[sys.executable],
        help="the Pythons that run the server (default: this one)",
    )
    option(
        "--switch-interval",
        type=switch_interval,
        nargs="+",
        metavar="SECONDS",
        default=[None],
        help=(
            "the switch intervals of the server; only the default is judged (default: refws, the "
            "one that `python3 -m refws` sets)"
        ),
    )
    option("--rounds", type=int, default=1, help="measurements of each (default: 1)")


def run(options: argparse.Namespace) -> tuple[str, bool]:
    """The table or tables, and whether all bounds were kept."""
    if options.command == "limits":
        return limits.run(options.words, options.cpu)
    tables = []
    if options.command == "idle":
        raise_descriptor_limit(options.connections + SPARE_DESCRIPTORS)
        measured = idle.run(options.connections, options.window)
    elif options.command == "crowd":
        raise_descriptor_limit(max(options.connections) + SPARE_DESCRIPTORS)
        table, measured = crowd.run(
            options.connections, options.python, options.switch_interval, options.rounds
        )
        tables.append(table)
    else:
        raise_descriptor_limit(4 * SPARE_DESCRIPTORS)
        measured = abuse.run(options.rounds)
    if measured:
        tables.append(figures.table(measured))
    return "\n\n".join(tables), all(figure.kept for figure in measured)


def main(argv: list[str] | None = None) -> int:
    options = parse_options(argv)
    server_process.exit_on_sigterm()
    if not figures.is_available():
        cannot(
            "the figures come from /proc/PID/smaps_rollup, which this system does not have; "
            "use Linux"
        )
    try:
        text, kept = run(options)
    except (server_process.ServerFailed, holding.Failed, OSError, wire.WireError) as error:
        print(f"endurance: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nendurance: stopped", file=sys.stderr)
        return 130
    print(text)
    return 0 if kept else 1
