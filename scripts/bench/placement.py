"""Which CPU runs what during a measurement, where the system allows to choose (Linux)."""

import contextlib
import os
from collections.abc import Iterator


def available_cpus() -> list[int]:
    """The CPUs that this process may use; empty where that cannot be asked or set."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []


@contextlib.contextmanager
def on_cpu(cpu: int | None) -> Iterator[None]:
    """Run this process, and the processes that it starts, on that CPU only; anywhere if None."""
    if cpu is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
