"""A run as JSON, for other programs. Later versions may add keys; none changes or goes away.

{
  "format": "autobahn-run 1",
  "tested": "server",                      or "client"
  "agent": "websockets",                   --agent; refws by default
  "target": "ws://127.0.0.1:9001",         --url, --command, or the version of refws
  "referee": "autobahntestsuite 25.10.1",  or kosoku and its version
  "started": "2026-11-26T21:30:05+00:00",
  "seconds": 12.3,
  "directory": "/.../reports/...",         with the testsuite's own pages
  "passed": false,                         true if no case has a difference
  "cases": {
    "6.4.3": {
      "behavior": "FAILED",                as in the testsuite; null if there is no result
      "behaviorClose": "UNCLEAN",          the same
      "milliseconds": 1001,                null if there is no result
      "page": "x_case_6_4_3.json",         in the directory; null if there is no result
      "sections": ["RFC 6455 §8.1"],       what the case is about
      "difference": {                      null if there is none
        "expected": "OK, closing OK",
        "got": "FAILED, closing UNCLEAN"
      }
    }
  }
}
"""

from __future__ import annotations

import json
from typing import Any

import rules
from outcome import Outcome
from report import Result

FORMAT = "autobahn-run 1"


def as_json(outcome: Outcome) -> str:
    table = rules.of_side(rules.load(), outcome.tested)
    differences = {difference.case: difference for difference in outcome.differences}
    cases = {
        case: {
            **_result(outcome.results.get(case)),
            "sections": rules.sections_of(case, table),
            "difference": {"expected": found.expected, "got": found.got}
            if (found := differences.get(case))
            else None,
        }
        for case in outcome.cases
    }
    whole = {
        "format": FORMAT,
        "tested": outcome.tested,
        "agent": outcome.agent,
        "target": outcome.target,
        "referee": outcome.referee,
        "started": outcome.started.isoformat(timespec="seconds"),
        "seconds": round(outcome.seconds, 1),
        "directory": str(outcome.directory),
        "passed": outcome.passed,
        "cases": cases,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _result(result: Result | None) -> dict[str, Any]:
    if result is None:
        return dict.fromkeys(("behavior", "behaviorClose", "milliseconds", "page"))
    return {
        "behavior": result.verdict.behavior,
        "behaviorClose": result.verdict.behavior_close,
        "milliseconds": result.milliseconds,
        "page": result.page.with_suffix(".json").name,
    }
