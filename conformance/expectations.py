"""What is expected of a server or a client, in a file; what differs from it in a report.

    {
      "about": "for people",
      "cases": {"1.1": 8, "2": 11},
      "exceptions": {"2.5": ["NON-STRICT", "OK"]}
    }

`cases` says how many cases each subgroup has: "1.1": 8 stands for 1.1.1 to 1.1.8. Each is expected
to be OK and closed OK, but for the exceptions (behavior, behaviorClose).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cases import case_order
from report import CLEAN_CLOSES, NO_FAULT, STRICT, Results, Verdict

ABOUT = (
    "'7.1': 6 stands for 7.1.1 to 7.1.6. Each is OK and closed OK, but for the exceptions "
    "(behavior, behaviorClose)."
)


class BadExpectation(ValueError):
    """The file cannot be read, or is not in this format; the text says what to do."""


@dataclass(frozen=True)
class Expectation:
    """Every case of the testsuite and its verdict."""

    verdicts: Mapping[str, Verdict]

    @classmethod
    def load(cls, file: Path) -> Expectation:
        """Read `cases` and `exceptions`. BadExpectation."""
        data = _read(file)
        verdicts = {
            f"{group}.{n}": STRICT
            for group, count in data["cases"].items()
            for n in range(1, count + 1)
        }
        exceptions = {case: Verdict(*verdict) for case, verdict in data["exceptions"].items()}
        unknown = sorted(set(exceptions) - set(verdicts))
        if unknown:
            raise BadExpectation(
                f"{file.name}: exceptions for cases that it does not count: {', '.join(unknown)}"
            )
        return cls(verdicts | exceptions)

    def all_strict(self) -> Expectation:
        """The same cases without exceptions."""
        return Expectation(dict.fromkeys(self.verdicts, STRICT))

    def updated(self, results: Results) -> Expectation:
        """Expect what these cases had as results; the others as before."""
        return Expectation(
            {**self.verdicts, **{case: result.verdict for case, result in results.items()}}
        )

    def save(self, file: Path) -> None:
        """Write the file: a line for each exception. OSError."""
        file.write_text(self._as_json(), "utf-8")

    def _as_json(self) -> str:
        in_order = sorted(self.verdicts, key=case_order)
        cases = Counter(case.rpartition(".")[0] for case in in_order)
        exceptions = ",".join(
            f"\n    {json.dumps(case)}: {json.dumps(self.verdicts[case])}"
            for case in in_order
            if self.verdicts[case] != STRICT
        )
        return (
            f'{{\n  "about": {json.dumps(ABOUT)},\n  "cases": {json.dumps(cases)},\n'
            f'  "exceptions": {{{exceptions}\n  }}\n}}\n'
        )


def _read(file: Path) -> dict[str, Any]:
    """The JSON of a file in this format. BadExpectation."""
    try:
        data = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise BadExpectation(f"{file} does not exist; --update writes it") from None
    except (OSError, ValueError) as error:
        raise BadExpectation(f"{file} cannot be read: {error}") from None
    if not _has_the_format(data):
        raise BadExpectation(
            f"{file} is not in the format of conformance/expected-server.json;"
            " give another name, and --update writes such a file"
        )
    return {"cases": data["cases"], "exceptions": data["exceptions"]}


def _has_the_format(data: object) -> bool:
    match data:
        case {"cases": dict(cases), "exceptions": dict(exceptions)}:
            return all(type(count) is int for count in cases.values()) and all(
                isinstance(verdict, list) and [type(word) for word in verdict] == [str, str]
                for verdict in exceptions.values()
            )
        case _:
            return False


@dataclass(frozen=True)
class Difference:
    case: str
    expected: str
    got: str
    page: Path | None

    def __str__(self) -> str:
        return (
            f"{self.case}: expected {self.expected}; got {self.got}\n    "
            f"{self.page or 'no report of this case'}"
        )


def differences(
    selected: Iterable[str], expectation: Expectation, results: Results
) -> list[Difference]:
    """All that is not as expected, better or worse, in selected cases and reported ones."""
    return [
        _difference(case, str(expectation.verdicts.get(case, "no such case")), results)
        for case in sorted(set(selected) | set(results), key=case_order)
        if case not in results or results[case].verdict != expectation.verdicts.get(case)
    ]


def failures(selected: Iterable[str], results: Results) -> list[Difference]:
    """Without an expectation: the cases that FAILED, have no clean close, or have no result."""
    return [
        _difference(case, "no failure", results)
        for case in sorted(set(selected) | set(results), key=case_order)
        if case not in results or has_failed(results[case].verdict)
    ]


def has_failed(verdict: Verdict) -> bool:
    """Whether a rule is broken: by messages, or by the code, the side or the lack of a Close."""
    return verdict.behavior not in NO_FAULT or verdict.behavior_close not in CLEAN_CLOSES


def _difference(case: str, expected: str, results: Results) -> Difference:
    result = results.get(case)
    got, page = (str(result.verdict), result.page) if result else ("no result", None)
    return Difference(case, expected, got, page)
