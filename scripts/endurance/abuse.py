"""`endurance abuse`: bad clients of five kinds in turn, and a good one beside them all the time.

The good client is a process of its own and does one echo every 10 ms. After each attack the server
must be back at its base: the threads and file descriptors that it has with the good client alone.
The first round of all attacks warms the server up; later memory is compared with that round.
"""

import dataclasses
import random
from collections.abc import Callable

from scripts.endurance import attacks
from scripts.endurance.garbage import garbage
from scripts.endurance.good_client import Address, GoodClient
from scripts.shared import server_process
from scripts.shared.figures import Figure, held, usage, wait_until
from scripts.shared.time_left import Progress

ROUND_TRIP_BOUND_MS = 1000
MEMORY_MARGIN_KIB = 4 * 1024


@dataclasses.dataclass(frozen=True)
class Attack:
    """An attack: `attack` returns how many of its `connections` were cut or ended in time."""

    name: str
    attack: Callable[[Address], int]
    connections: int
    expected_s: float


ATTACKS = (
    Attack(
        "killed in mid-frame",
        attacks.kill_in_mid_frame,
        attacks.KILLED_PROCESSES * attacks.SOCKETS_EACH,
        1,
    ),
    Attack(
        "half a handshake",
        attacks.send_half_a_handshake,
        attacks.SILENT,
        attacks.OPEN_TIMEOUT_S + 1,
    ),
    Attack("never reading", attacks.never_read, attacks.NEVER_READING, attacks.SEND_TIMEOUT_S + 1),
    Attack(
        "garbage",
        attacks.talk_nonsense,
        len(list(garbage(random.Random(attacks.GARBAGE_SEED), ("", 0)))),
        attacks.OPEN_TIMEOUT_S,
    ),
    Attack("TLS ClientHello", attacks.say_hello_in_tls, attacks.TLS_CLIENTS, 1),
)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One attack: the good client's worst round trip, and what the server held 5 s later."""

    attack: Attack
    worst_ms: float
    ended: int
    left_over: int


def carry_out(
    attack: Attack, address: Address, pid: int, base: tuple[int, int], good: GoodClient
) -> Outcome:
    good.report()
    ended = attack.attack(address)
    wait_until(lambda: held(pid) <= base, attacks.MARGIN_S)
    left_over = sum(max(0, now - before) for now, before in zip(held(pid), base, strict=True))
    return Outcome(attack, good.report()[0], ended, left_over)


def run(rounds: int) -> list[Figure]:
    """The figures of all attacks on a server with the default deadlines."""
    address = server_process.HOST, server_process.free_port()
    progress = Progress(rounds * sum(attack.expected_s for attack in ATTACKS))
    with server_process.running(server_process.refws_command(), address[1]) as server:
        good = GoodClient(address)
        try:
            good.report()
            base = held(server.pid)
            outcomes, memory_kib = [], []
            for number in range(1, rounds + 1):
                for attack in ATTACKS:
                    progress.show(f"round {number} of {rounds}: {attack.name}")
                    outcomes.append(carry_out(attack, address, server.pid, base, good))
                memory_kib.append(usage(server.pid).pss_kib)
        finally:
            good.stop()
    progress.done()
    growth = Figure(
        "memory (PSS) since the first round",
        memory_kib[-1] - memory_kib[0],
        MEMORY_MARGIN_KIB,
        "KiB",
    )
    return [*(figure for attack in ATTACKS for figure in judge(attack, outcomes)), growth]


def judge(attack: Attack, outcomes: list[Outcome]) -> list[Figure]:
    """The worst of all rounds of one attack."""
    rounds = [outcome for outcome in outcomes if outcome.attack is attack]
    ended = min(outcome.ended for outcome in rounds)
    left_over = max(outcome.left_over for outcome in rounds)
    worst_ms = max(outcome.worst_ms for outcome in rounds)
    return [
        Figure(f"{attack.name}: connections ended in time", ended, attack.connections, floor=True),
        Figure(f"{attack.name}: threads and descriptors left over", left_over, 0),
        Figure(
            f"{attack.name}: good client's worst round trip", worst_ms, ROUND_TRIP_BOUND_MS, "ms"
        ),
    ]
