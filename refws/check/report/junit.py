"""A report as JUnit's XML, which CI systems read: a suite for each group.

A failed case has a `failure`; a weak one has one, too, if `strict`, and otherwise a `system-out`. A
skipped case has a `skipped`. The counts of a suite are the ones of its cases; the root has no count
of skipped cases, because Jenkins refuses a file that has one there.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ..case import Group
from ..engine import Grade, Result
from ..runner import Report
from .text import draw_result, sentence


def as_junit(report: Report, strict: bool = False) -> bytes:
    root = Element("testsuites", name="refws check")
    for group, results in report.by_group():
        add_suite(root, report, group, results, strict)
    add_counts(root, report.results, strict)
    del root.attrib["skipped"]
    indent(root)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def add_suite(
    root: Element, report: Report, group: Group, results: Sequence[Result], strict: bool
) -> None:
    suite = SubElement(root, "testsuite", name=f"{group.name}: {group.title}")
    suite.set("timestamp", report.started.strftime("%Y-%m-%dT%H:%M:%S"))
    add_counts(suite, results, strict)
    for result in results:
        add_case(suite, group, result, strict)


def add_counts(element: Element, results: Sequence[Result], strict: bool) -> None:
    element.set("tests", str(len(results)))
    element.set("failures", str(sum(is_failure(result, strict) for result in results)))
    element.set("errors", "0")
    element.set("skipped", str(sum(result.grade is Grade.SKIPPED for result in results)))
    element.set("time", f"{sum(result.seconds for result in results):.3f}")


def add_case(suite: Element, group: Group, result: Result, strict: bool) -> None:
    case = SubElement(suite, "testcase", classname=f"refws.check.{group.name}")
    case.set("name", result.case.name)
    case.set("time", f"{result.seconds:.3f}")
    if result.grade is Grade.SKIPPED:
        SubElement(case, "skipped", message=sentence(result))
    elif is_failure(result, strict):
        failure = SubElement(case, "failure", message=sentence(result), type=result.grade.value)
        failure.text = "\n".join(draw_result(result))
    elif result.grade is Grade.WEAK:
        SubElement(case, "system-out").text = "\n".join(draw_result(result))


def is_failure(result: Result, strict: bool) -> bool:
    return result.grade is Grade.FAIL or (strict and result.grade is Grade.WEAK)
