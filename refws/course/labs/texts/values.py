"""What a table of texts has: one file for each language gives all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepText:
    """`story` says what happens. `outcome` says, for each setting of the switch, what is expected;
    the outcome named ANY is for all settings that are not named. Braces hold a step's facts; in
    the story of a step with readings they are known when it begins.
    """

    title: str
    story: str
    outcome: Mapping[str, str]
    measured: str = ""
    """What the columns of the readings are, in a step in which memory and delay are shown live."""

    def outcome_of(self, defence: str) -> str:
        return self.outcome.get(defence) or self.outcome[ANY]


ANY = ""


@dataclass(frozen=True, slots=True)
class LabText:
    """`seen` is one sentence for lists of labs; `switch` says what each setting of it means."""

    title: str
    seen: str
    switch: Mapping[str, str]
    steps: Mapping[str, StepText]
    lesson: str


@dataclass(frozen=True, slots=True)
class Words:
    """The words around the steps of all labs. `remedies` are by the errno of an OSError."""

    warning: str
    switch: str
    as_expected: str
    not_as_expected: str
    failed: str
    remedies: Mapping[int, str]
    press_enter: str
    no_more_input: str
    stays: str
    log: str
    all_came_out: str
    some_did_not: str
    addresses_ended: str
    other_settings: str
    all_labs: str
    minutes: str
    play: str
    see: str
    play_again: str
    servers_ended: str
    next: str
    side_by_side: str
    line_by_line: str
    bars: str
    going_on: str

    def why(self, error: Exception) -> str:
        """Why a lab could not go on, and what to do."""
        remedy = self.remedies.get(getattr(error, "errno", None) or 0)
        return remedy or self.failed.format(error=error or type(error).__name__)


@dataclass(frozen=True, slots=True)
class Language:
    words: Words
    labs: Mapping[str, LabText]
