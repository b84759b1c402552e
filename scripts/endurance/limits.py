"""`endurance limits`: two tables in Markdown, as they are in refws/endpoint/README.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from refws.endpoint.settings import DEFAULTS, Settings
from scripts.endurance import costs, holding

HOLDING = "Who may hold what, and for how long"
COSTS = "What a byte costs"
"""The headings of the tables."""

BROKEN = "BROKEN"


def run(words: Sequence[str], cpu_s: float, times: Settings = DEFAULTS) -> tuple[str, bool]:
    """The tables, and whether all bounds were kept; with `words` only rows that have one of them.

    Raises what `holding.measure` and `costs.measure` raise.
    """
    cases = tuple(case for case in holding.CASES if is_wanted(case.name, words))
    inputs = tuple(one for one in costs.INPUTS if is_wanted(one.name, words))
    held = holding.measure(cases, times) if cases else []
    spent = costs.measure(inputs, cpu_s) if inputs else []
    tables = []
    if held:
        rows = [(holding.cells(row), row.kept) for row in held]
        tables.append(f"## {HOLDING}\n\n{table(holding.HEAD, rows)}")
    if spent:
        rows = [(costs.cells(row), row.kept) for row in spent]
        tables.append(f"## {COSTS}\n\n{table(costs.HEAD, rows)}")
    kept = all(row.kept for row in held) and all(row.kept for row in spent)
    return "\n\n".join(tables), kept


def is_wanted(name: str, words: Sequence[str]) -> bool:
    return not words or any(word in name for word in words)


def table(head: Sequence[str], rows: Iterable[tuple[Sequence[str], bool]]) -> str:
    """The rows as Markdown; a word after the last cell marks a bound that was not kept."""
    lines = [line(head), line(["---"] * len(head))]
    lines += [line(row) + ("" if kept else f" {BROKEN}") for row, kept in rows]
    return "\n".join(lines)


def line(row: Sequence[str]) -> str:
    return f"| {' | '.join(row)} |"
