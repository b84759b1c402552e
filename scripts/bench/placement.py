"""Which CPU runs what during a measurement, where the system lets us say so (Linux)."""

import contextlib
import os
from collections.abc import Iterator


def available_cpus() -> list[int]:
    """The CPUs this process may use; empty where that cannot be asked or set."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []


@contextlib.contextmanager
def on_cpu(cpu: int | None) -> Iterator[None]:
    """This process, and every process it starts meanwhile, runs on that CPU only; None changes
    nothing.
    """
    if cpu is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
