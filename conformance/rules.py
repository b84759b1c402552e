"""rules.tsv: a case, the rules of the RFCs that it exercises, the functions of refws that answer.

A case has the rules of all lines that fit it: `6.4` fits 6.4.1, and so do `6`, `6-7` and
`6.3.2-6.4.2`. `*` fits every case. A rule with a side, `server` or `client`, is only for reports of
that side.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cases import covers

RULES = Path(__file__).with_name("rules.tsv")
EVERY_CASE = "*"


@dataclass(frozen=True)
class Rule:
    """A line: cases, subject, ids such as 6455-5.4-03, functions such as refws/x.py:Class.f."""

    cases: str
    subject: str
    requirements: tuple[str, ...]
    functions: tuple[str, ...]
    side: str = ""


def load(file: Path = RULES) -> list[Rule]:
    with file.open(encoding="utf-8", newline="") as lines:
        return [
            _rule(line)
            for line in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, restval="")
        ]


def _rule(line: Mapping[str, str]) -> Rule:
    requirements, functions = line["requirements"].split(), line["functions"].split()
    return Rule(
        line["cases"], line["subject"], tuple(requirements), tuple(functions), line.get("side", "")
    )


def of_side(rules: Iterable[Rule], side: str) -> list[Rule]:
    """The rules for reports of a `server` or of a `client`."""
    return [rule for rule in rules if rule.side in ("", side)]


def rules_of(case: str, rules: Iterable[Rule]) -> list[Rule]:
    """The rules that are about this case, in the order of the table; none that fit all."""
    return [rule for rule in rules if rule.cases != EVERY_CASE and covers(rule.cases, case)]


def by_section(requirements: Iterable[str]) -> dict[str, list[str]]:
    """`RFC 6455 §5.4` -> the requirements of that section, each once."""
    sections: dict[str, list[str]] = {}
    for requirement in dict.fromkeys(requirements):
        rfc, section, _ = requirement.split("-")
        sections.setdefault(f"RFC {rfc} §{section}", []).append(requirement)
    return sections


def sections_of(case: str, table: Iterable[Rule]) -> list[str]:
    """The sections that the case is about, such as `RFC 6455 §5.4`."""
    found = rules_of(case, table)
    return list(by_section(requirement for rule in found for requirement in rule.requirements))
