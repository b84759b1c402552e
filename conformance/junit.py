"""A run as JUnit's XML, which CI systems read: a test for each case.

A case fails that differs from what is expected of it. A case is skipped if it is UNIMPLEMENTED.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

import rules
from outcome import Outcome
from show import printable


def as_junit(outcome: Outcome) -> str:
    table = rules.of_side(rules.load(), outcome.tested)
    differences = {difference.case: difference for difference in outcome.differences}
    suite = ET.Element(
        "testsuite",
        name=f"Autobahn, {outcome.tested} {outcome.agent}",
        timestamp=outcome.started.replace(tzinfo=None).isoformat(timespec="seconds"),
        time=f"{outcome.seconds:.3f}",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (("target", printable(outcome.target)), ("referee", outcome.referee)):
        ET.SubElement(properties, "property", name=name, value=value)
    for case in outcome.cases:
        result = outcome.results.get(case)
        test = ET.SubElement(
            suite,
            "testcase",
            classname=f"autobahn.{outcome.tested}.{case.rpartition('.')[0]}",
            name=case,
            time=f"{result.milliseconds / 1000 if result else 0:.3f}",
        )
        if found := differences.get(case):
            message = f"expected {found.expected}; got {found.got}"
            failure = ET.SubElement(test, "failure", message=message, type="difference")
            failure.text = "\n".join([str(found), *rules.sections_of(case, table)])
        elif result and result.verdict.behavior == "UNIMPLEMENTED":
            ET.SubElement(test, "skipped", message="an extension that it does not have")
    for count, element in (("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")):
        suite.set(count, str(sum(1 for _ in suite.iter(element))))
    suite.set("errors", "0")
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    xml: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return xml.decode() + "\n"
