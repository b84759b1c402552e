"""The testsuite's reports: several directories -> one, compared with the expected results."""

from __future__ import annotations

import html
import json
import shutil
from collections import ChainMap, Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from cases import case_order, group_of

INDEX = "index.json"

SERVER, CLIENT = "server", "client"
"""What is tested."""

EXPECTED = {
    tested: Path(__file__).with_name(f"expected-{tested}.json") for tested in (SERVER, CLIENT)
}
"""What is expected of refws."""


class Verdict(NamedTuple):
    """What the testsuite says of a case: of the peer's behaviour, and of its close."""

    behavior: str
    behavior_close: str

    def __str__(self) -> str:
        return f"{self.behavior}, closing {self.behavior_close}"


STRICT = Verdict("OK", "OK")
CLEAN_CLOSES = ("OK", "INFORMATIONAL")
NO_FAULT = ("OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED")
COLUMNS = ("OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED")


@dataclass(frozen=True)
class Result:
    """One case of a report. `page` is the file with all that went over the wire."""

    verdict: Verdict
    page: Path
    milliseconds: int = 0


Results = Mapping[str, Result]


def merge(parts: Iterable[Path], agent: str, target: Path) -> None:
    """Move the pages of all parts into `target`, with one index (JSON and HTML)."""
    merged: dict[str, Any] = {}
    for part in parts:
        merged.update(_read_index(part, agent))
        for page in part.glob("*_case_*"):
            page.replace(target / page.name)
        shutil.rmtree(part)
    ordered = {case: merged[case] for case in sorted(merged, key=case_order)}
    (target / INDEX).write_text(json.dumps({agent: ordered}, indent=1) + "\n", "utf-8")
    (target / "index.html").write_text(index_page(agent, read(target, agent)), "utf-8")


def _read_index(directory: Path, agent: str) -> dict[str, Any]:
    """Empty if the client ended before it wrote its reports. Many choose another agent's name."""
    index = directory / INDEX
    if not index.is_file():
        return {}
    agents = json.loads(index.read_text("utf-8"))
    others = (cases for name, cases in agents.items() if name != agent)
    return dict(ChainMap(agents.get(agent, {}), *others))


def read(directory: Path, agent: str) -> dict[str, Result]:
    """The results of a report, in the order of the cases."""
    index = _read_index(directory, agent)
    return {case: _result(directory, index[case]) for case in sorted(index, key=case_order)}


def _result(directory: Path, entry: Mapping[str, Any]) -> Result:
    page = directory / Path(entry["reportfile"]).with_suffix(".html").name
    verdict = Verdict(entry["behavior"], entry["behaviorClose"])
    return Result(verdict, page, entry.get("duration") or 0)


def not_ok(verdicts: Mapping[str, Verdict]) -> dict[str, list[str]]:
    """What is worse than OK or INFORMATIONAL, such as `Closed WRONG CODE` -> its cases."""
    kinds: dict[str, list[str]] = {}
    for case, verdict in verdicts.items():
        if verdict.behavior not in ("OK", "INFORMATIONAL"):
            kinds.setdefault(verdict.behavior, []).append(case)
        if verdict.behavior_close not in CLEAN_CLOSES:
            kinds.setdefault(f"Closed {verdict.behavior_close}", []).append(case)
    return kinds


def summary(results: Results) -> str:
    """A table with one line for each group of cases, and one for all."""
    groups = sorted({group_of(case) for case in results}, key=int)
    rows = [
        _row(f"{group}.*", [r.verdict for c, r in results.items() if group_of(c) == group])
        for group in groups
    ]
    total = _row("all", [result.verdict for result in results.values()])
    return _table([("", "cases", *COLUMNS, "unclean"), *rows, total])


def _row(name: str, verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    behaviors = Counter(verdict.behavior for verdict in verdicts)
    unclean = sum(verdict.behavior_close not in CLEAN_CLOSES for verdict in verdicts)
    counts = (len(verdicts), *(behaviors[column] for column in COLUMNS), unclean)
    return (name, *map(str, counts))


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )


def index_page(agent: str, results: Results) -> str:
    """HTML: all cases with their verdicts and links to their pages."""
    rows = "\n".join(_html_row(case, result) for case, result in results.items())
    title = f"{html.escape(agent)}: {len(results)} cases"
    style = "body { font: 1rem sans-serif } td { padding: 0 1em } .other { background: #fdd }"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<meta '
        f'charset="utf-8">\n<title>{title}</title>\n<style>{style}</style>\n'
        f"<h1>{title}</h1>\n<pre>{html.escape(summary(results))}</pre>\n"
        f"<table>\n<tr><th>case<th>behavior<th>closing\n{rows}\n</table>\n</html>\n"
    )


def _html_row(case: str, result: Result) -> str:
    strict = (
        result.verdict.behavior in CLEAN_CLOSES and result.verdict.behavior_close in CLEAN_CLOSES
    )
    link = f'<a href="{html.escape(result.page.name)}">{html.escape(case)}</a>'
    cells = "".join(f"<td>{html.escape(cell)}" for cell in result.verdict)
    return f'<tr class="{"ok" if strict else "other"}"><td>{link}{cells}'


def clear(directory: Path) -> None:
    """An empty directory, also where there was another one."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
