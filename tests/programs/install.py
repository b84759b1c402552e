"""Install what the tests of interoperability talk to: `python3 tests/programs/install.py`, in
seconds, once.

The packages go to .environments, in the versions that conformance/peers.py names. Exit status 1 if
that fails.
"""

import sys
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(PROJECT / "conformance"), str(PROJECT)]

import environment  # noqa: E402
import peers  # noqa: E402

NAMES = ("websockets", "ws")
"""Those of the peers that have a program here."""


def main() -> int:
    status = 0
    for peer in peers.PEERS:
        if peer.name in NAMES:
            status |= install(f"{peer.name} {peer.versions}", peer.server)
    return status | install("axe-core", axe_core)


def axe_core() -> Path:
    return environment.node_packages("axe-core", environment.AXE_CORE)


def install(name: str, make: Callable[[], object]) -> int:
    print(f"{name}: ", end="", flush=True)
    try:
        make()
    except environment.Unavailable as error:
        print(error)
        return 1
    print("installed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
