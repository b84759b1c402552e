"""The reports of several servers -> RESULTS.md: a table, deviations, configurations."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cases import as_ranges, case_order
from report import CLEAN_CLOSES, COLUMNS, Results, Verdict, not_ok

NO_RESULT = Verdict("FAILED", "no result")


EXPLANATION = """
OK is strict. NON-STRICT is legal, but not what the testsuite prefers: mostly an error noticed later
than it could have been, or good messages before it left unanswered. INFORMATIONAL is what the RFC
leaves open. UNIMPLEMENTED is an extension that the server does not have. FAILED breaks a rule. A
close is unclean when it has the wrong code, comes from the wrong side, or is missing.

A case counts at its best in all rounds, so that a busy machine harms no server; it is unsteady when
it did not end the same way each time. Each server echoes what it gets, in one process, with its own
defaults but for what is said below; its environment has nothing but the package in this version and
what that needs, in the newest versions."""


@dataclass(frozen=True)
class Entry:
    """A server, its versions and configuration; its verdicts by round, or why it has none."""

    name: str
    versions: str
    setup: str
    rounds: Sequence[Mapping[str, Verdict]] = ()
    missing: str = ""

    def best(self) -> dict[str, Verdict]:
        """Each case at its best."""
        return {case: min(verdicts, key=_badness) for case, verdicts in self._by_case().items()}

    def unsteady(self) -> dict[str, list[Verdict]]:
        """The cases that did not end the same way in all rounds."""
        return {
            case: verdicts for case, verdicts in self._by_case().items() if len(set(verdicts)) > 1
        }

    def _by_case(self) -> dict[str, list[Verdict]]:
        cases = sorted(set().union(*self.rounds), key=case_order)
        return {case: [verdicts.get(case, NO_RESULT) for verdicts in self.rounds] for case in cases}


def _badness(verdict: Verdict) -> tuple[int, bool]:
    place = COLUMNS.index(verdict.behavior) if verdict.behavior in COLUMNS else len(COLUMNS)
    return place, _is_unclean(verdict)


def _is_unclean(verdict: Verdict) -> bool:
    return verdict.behavior_close not in CLEAN_CLOSES


def verdicts(selected: Iterable[str], results: Results) -> dict[str, Verdict]:
    """A verdict for every selected case, also where the report has none."""
    return {case: results[case].verdict if case in results else NO_RESULT for case in selected}


@dataclass(frozen=True)
class Table:
    """All that RESULTS.md says."""

    entries: Sequence[Entry]
    selected: Sequence[str]
    rounds: int
    referee: str
    machine: str
    command: str
    day: datetime.date

    def write(self, file: Path) -> None:
        file.write_text(self.markdown(), "utf-8")

    def markdown(self) -> str:
        return "\n".join(
            (
                *self._introduction(),
                *self._table(),
                *self._explanation(),
                "\n## What is not strict\n",
                *(line for entry in self.entries if entry.rounds for line in _not_strict(entry)),
                "## How each was set up\n",
                *(
                    f"- **{entry.name}** ({entry.versions}): {entry.setup}"
                    for entry in self.entries
                ),
                "",
            )
        )

    def _introduction(self) -> Iterator[str]:
        yield "# refws and other servers in the Autobahn testsuite\n"
        yield f"Made on {self.day.isoformat()} by `{self.command}`, which writes this file anew."
        yield (
            f"{len(self.selected)} cases ({as_ranges(_groups(self.selected))}), "
            f"{self.rounds} rounds for each server;"
        )
        yield f"the referee is the fuzzing client of {self.referee}. {self.machine}.\n"

    def _table(self) -> Iterator[str]:
        yield f"| server | version | {' | '.join(COLUMNS)} | unclean closes | unsteady |"
        yield f"| --- | --- |{' ---: |' * (len(COLUMNS) + 2)}"
        for entry in self.entries:
            if entry.rounds:
                yield f"| {entry.name} | {entry.versions} | {' | '.join(_counts(entry))} |"
            else:
                yield (
                    f"| {entry.name} | {entry.versions} | {entry.missing} "
                    f"|{' |' * (len(COLUMNS) + 1)}"
                )

    def _explanation(self) -> Iterator[str]:
        yield EXPLANATION


def _groups(selected: Iterable[str]) -> list[str]:
    return sorted({case.partition(".")[0] for case in selected}, key=int)


def _counts(entry: Entry) -> list[str]:
    best = entry.best().values()
    behaviors = Counter(verdict.behavior for verdict in best)
    unclean = sum(map(_is_unclean, best))
    return [
        str(count)
        for count in (*(behaviors[column] for column in COLUMNS), unclean, len(entry.unsteady()))
    ]


def _each_round(found: Sequence[Verdict]) -> str:
    if len({verdict.behavior for verdict in found}) > 1:
        return ", ".join(verdict.behavior for verdict in found)
    return ", ".join(f"closed {verdict.behavior_close}" for verdict in found)


def _not_strict(entry: Entry) -> Iterator[str]:
    yield f"### {entry.name}\n"
    kinds = not_ok(entry.best())
    for kind, cases in kinds.items():
        yield f"- {kind}: {as_ranges(cases)}"
    unsteady = entry.unsteady()
    if unsteady:
        yield (
            "- Unsteady: "
            f"{'; '.join(f'{case} ({_each_round(found)})' for case, found in unsteady.items())}"
        )
    if not kinds and not unsteady:
        yield "Nothing."
    yield ""
