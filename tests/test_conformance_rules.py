"""rules.tsv: each case of the testsuite has its requirements and the functions that keep them."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

import environment
import rules
from cases import covers
from fake_autobahn import BOTH_SIDES, KNOWN

TABLE = rules.load()


@functools.cache
def rules_of(case: str, tested: str) -> list[rules.Rule]:
    return rules.rules_of(case, rules.of_side(TABLE, tested))


@BOTH_SIDES
def test_every_case_has_a_rule_with_a_subject_and_a_function(tested: str) -> None:
    for case in KNOWN:
        found = rules_of(case, tested)
        assert all(rule.subject for rule in found)
        assert any(rule.functions for rule in found), f"add {case} to {rules.RULES.name}"


@BOTH_SIDES
def test_every_case_has_a_requirement_of_its_own(tested: str) -> None:
    for case in KNOWN:
        assert any(rule.requirements for rule in rules_of(case, tested)), case


def test_rules_of_one_side_are_not_for_the_other_and_rules_of_no_side_are_for_both(
    tmp_path: Path,
) -> None:
    file = tmp_path / "rules.tsv"
    lines = (
        "cases subject requirements functions side",
        "1 both  ",
        "2 ours   server",
        "3 theirs   client",
    )
    file.write_text("".join(line.replace(" ", "\t") + "\n" for line in lines), "utf-8")
    assert [rule.subject for rule in rules.of_side(rules.load(file), "server")] == ["both", "ours"]
    assert [rule.subject for rule in rules.of_side(rules.load(file), "client")] == [
        "both",
        "theirs",
    ]


@pytest.mark.parametrize(
    ("tested", "function"),
    [
        ("server", "refws/protocol/handshake.py:check_request"),
        ("client", "refws/protocol/client/handshake.py:check_response"),
    ],
)
def test_every_case_has_the_opening_handshake_of_its_side_and_not_of_the_other(
    tested: str, function: str
) -> None:
    [every] = [rule for rule in rules.of_side(TABLE, tested) if rule.cases == rules.EVERY_CASE]
    assert [
        name for name in every.functions if name.endswith(("check_request", "check_response"))
    ] == [function]


def test_every_rule_is_about_some_case() -> None:
    for rule in TABLE:
        assert rule.cases == rules.EVERY_CASE or any(covers(rule.cases, case) for case in KNOWN), (
            rule
        )


def test_requirements_are_ids_of_rfc_6455_and_rfc_7692() -> None:
    for requirement in (requirement for rule in TABLE for requirement in rule.requirements):
        assert re.fullmatch(r"(6455|7692)-\d+(\.\d+)*-\d\d", requirement), requirement


def defined_names(file: Path) -> set[str]:
    """Functions, classes and methods, as in `Class.method`."""
    names = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {
                f"{node.name}.{method.name}"
                for method in node.body
                if isinstance(method, ast.FunctionDef)
            }
    return names


@pytest.mark.parametrize(
    "function", sorted({function for rule in TABLE for function in rule.functions})
)
def test_functions_that_rules_name_exist(function: str) -> None:
    file, _, name = function.partition(":")
    assert name in defined_names(environment.ROOT / file), f"correct {rules.RULES.name}"


def test_rules_of_a_case_add_up_and_the_rules_of_all_cases_stay_apart() -> None:
    table = [
        rules.Rule("*", "handshake", ("6455-4.2.1-01",), ()),
        rules.Rule("6", "text", (), ("refws/a.py:f",)),
        rules.Rule("6.4", "fail fast", ("6455-8.1-01",), ()),
        rules.Rule("6.5", "valid", ("6455-5.6-03",), ()),
    ]
    assert [rule.subject for rule in rules.rules_of("6.4.3", table)] == ["text", "fail fast"]


def test_by_section_groups_requirements_and_names_each_once() -> None:
    assert rules.by_section(["6455-5.4-03", "7692-7.1.1.2-05", "6455-5.4-01", "6455-5.4-03"]) == {
        "RFC 6455 §5.4": ["6455-5.4-03", "6455-5.4-01"],
        "RFC 7692 §7.1.1.2": ["7692-7.1.1.2-05"],
    }
