"""Many threads on each connection of refws, and an end at a random moment: no promise may break.

    python3 scripts/stress                              60 s: TCP, TLS and Unix, with and without
                                                        compression, in turn
    python3 scripts/stress --seconds 600
    python3 scripts/stress --seed 7 --first 12 --rounds 1     the plan of one round again
    python3 scripts/stress --transport tls --deflate on

In a round, a server has four connections at once: two with refws.connect, a raw client, and a
refws.connect to a raw server. On each side of refws some threads send (short, long, in fragments,
what cannot be sent), one receives (with short timeouts, chunk by chunk, streams that it abandons),
one pings. Then comes the planned end: close, abort, a handler that returns or raises, a message
that breaks off, shutdown; or the raw peer resets, half-closes in mid-frame, falls silent, breaks a
rule. Everything is written down and judged afterwards: see judge.py for the invariants.

A seed fixes the plans, not the moments at which threads run: a fault may need several tries.
Exit status 1 if an invariant is broken, 2 if it cannot be tried. Only 127.0.0.1 is used.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from scripts.shared.time_left import Progress
from scripts.stress.judge import Broken
from scripts.stress.places import TRANSPORTS
from scripts.stress.plans import plan_round
from scripts.stress.rounds import Round

DEFLATES = {"both": (False, True), "on": (True,), "off": (False,)}
ROUND_S = 3.0
"""A guess, for the time left with --rounds only."""


def parse_options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/stress",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--seconds", type=float, default=60, help="no round starts later (default: 60)"
    )
    parser.add_argument("--rounds", type=int, help="how many, instead of --seconds")
    parser.add_argument("--seed", type=int, help="of all plans (default: a new one, printed)")
    parser.add_argument("--first", type=int, default=0, help="number of the first round")
    parser.add_argument(
        "--transport",
        choices=[*TRANSPORTS, "all"],
        default="all",
        help="what the connections run over (default: all in turn)",
    )
    parser.add_argument(
        "--deflate", choices=[*DEFLATES], default="both", help="compression (default: both)"
    )
    parser.add_argument(
        "--slack",
        type=float,
        default=2,
        help="seconds that a call may take beyond its bound (default: 2), and as much more as this "
        "process is late by itself",
    )
    parser.add_argument("--keep-going", action="store_true", help="go on after a broken invariant")
    options = parser.parse_args(argv)
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if options.seconds <= 0 or options.slack < 0 or options.first < 0:
        parser.error("--seconds must be above 0, --slack and --first not below 0")
    return options


def main(argv: list[str] | None = None) -> int:
    options = parse_options(argv)
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 31)
    print(f"seed {options.seed}", flush=True)
    started = time.monotonic()
    try:
        rounds, broken = run(options)
    except KeyboardInterrupt:
        print("scripts/stress: interrupted", file=sys.stderr)
        return 130
    for one in broken:
        print(f"\n{one}")
    seconds = time.monotonic() - started
    print(f"\n{rounds} rounds in {seconds:.0f} s, {len(broken)} broken invariants")
    return 1 if broken else 0


def run(options: argparse.Namespace) -> tuple[int, list[Broken]]:
    """How many rounds were run, and what was broken."""
    transports = TRANSPORTS if options.transport == "all" else (options.transport,)
    deflates = DEFLATES[options.deflate]
    total_s = options.seconds if options.rounds is None else options.rounds * ROUND_S
    progress = Progress(total_s)
    until = time.monotonic() + total_s
    broken: list[Broken] = []
    done = 0
    while done < options.rounds if options.rounds is not None else time.monotonic() < until:
        plan = plan_round(options.seed, options.first + done, transports, deflates)
        progress.show(f"round {plan.number}, {plan.transport}, {len(broken)} broken")
        one = Round(plan, options.slack)
        found = one.run()
        done += 1
        broken += found
        if one.is_stuck or (found and not options.keep_going):
            print(f"again: {again(options, plan.number)}")
            break
    progress.done()
    return done, broken


def again(options: argparse.Namespace, number: int) -> str:
    """The command that runs the plan of this round again, a few times."""
    chosen = f"--transport {options.transport} --deflate {options.deflate}"
    return f"python3 scripts/stress --seed {options.seed} --first {number} --rounds 1 {chosen}"
