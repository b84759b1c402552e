"""The checks that every change passes before its tests: ruff, its formatter, mypy.

pyproject.toml has their settings, setup.cfg their versions.
"""

from __future__ import annotations

import subprocess
import time

from scripts.testing.environments import PROJECT, NotPossible, Python, prepare

GATES = (
    ("ruff", "check", "--quiet", "--output-format=concise", "."),
    ("ruff", "format", "--check", "--quiet", "."),
    ("mypy", "--strict", "refws", "conformance", "scripts"),
    ("mypy", "tests"),
)
"""The tests have no annotations that mypy could be strict about."""


def run(python: Python) -> bool:
    """True if no gate finds anything, or if the tools cannot be installed, which is reported."""
    try:
        environment_python = prepare(python, "check", "check", "test")
    except NotPossible as error:
        print(f"checks: SKIPPED, as their tools cannot be installed: {error}", flush=True)
        return True
    passed = [check(environment_python, gate) for gate in GATES]
    return all(passed)


def check(python: str, gate: tuple[str, ...]) -> bool:
    """Run one gate; print its name, what it finds, and the seconds that it took."""
    print(f"checks: {' '.join(gate)} ", end="", flush=True)
    started = time.monotonic()
    done = subprocess.run([python, "-m", *gate], cwd=PROJECT, capture_output=True, text=True)
    passed = done.returncode == 0
    print(f"{'passed' if passed else 'FAILED'} in {time.monotonic() - started:.1f} s", flush=True)
    if not passed:
        print((done.stdout + done.stderr).rstrip(), flush=True)
    return passed
