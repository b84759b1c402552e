"""What was measured, as tables, as a verdict, and as JSON."""

import argparse
import dataclasses
import json
import os
import platform
import statistics

from scripts.bench.deflate_load import MESSAGE_LENGTH
from scripts.bench.load import Measurement, Scenario
from scripts.bench.servers import REFWS, REFWS_6, WEBSOCKETS
from scripts.shared import figures

BIG = 4096
"""Bytes of payload from which on the megabytes per second are printed too."""


@dataclasses.dataclass(frozen=True)
class Result:
    """One scenario, server by server, round by round."""

    scenario: Scenario
    measurements: dict[str, list[Measurement]]

    def rates(self, name: str) -> list[float]:
        return [measurement.rate for measurement in self.measurements[name]]

    def costs_us(self, name: str) -> list[float]:
        return [measurement.cost_us for measurement in self.measurements[name]]

    def ratios(self, name: str, baseline: str) -> list[float]:
        return [
            rate / base for rate, base in zip(self.rates(name), self.rates(baseline), strict=True)
        ]


def table(results: list[Result], names: list[str], baseline: str) -> str:
    """One line for each scenario: rates, costs, then each ratio to the baseline with its spread."""
    others = [name for name in names if name != baseline]
    heads = [*(f"{name} msg/s" for name in names), *(f"{name} CPU" for name in names)]
    lines = [["scenario", *heads, *(f"{name} / {baseline}" for name in others)]]
    for result in results:
        rates = [
            describe_rate(result.scenario, statistics.median(result.rates(name))) for name in names
        ]
        costs = [f"{statistics.median(result.costs_us(name)):,.1f} us" for name in names]
        ratios = [describe_ratios(result.ratios(name, baseline)) for name in others]
        lines.append([result.scenario.name, *rates, *costs, *ratios])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in lines
    )


def sizes(results: list[Result], names: list[str]) -> str:
    """How long the messages are on the wire, server by server."""
    lengths = {
        name: statistics.fmean(
            measurement.reply_length
            for result in results
            for measurement in result.measurements[name]
        )
        for name in names
    }
    shown = ", ".join(f"{name} {length:.0f}" for name, length in lengths.items())
    return f"compressed to, bytes of {MESSAGE_LENGTH:,}: {shown}"


def verdicts(results: list[Result]) -> list[figures.Figure]:
    """For each scenario and level: refws must be at least as fast as `websockets`."""
    return [
        figures.Figure(
            f"{result.scenario.name}, {name} / {WEBSOCKETS}",
            statistics.median(result.ratios(name, WEBSOCKETS)),
            1.0,
            floor=True,
        )
        for result in results
        for name in (REFWS, REFWS_6)
    ]


def describe_rate(scenario: Scenario, rate: float) -> str:
    """Messages per second; for big messages also megabytes (10^6) of payload, in each direction."""
    if scenario.payload_length < BIG:
        return f"{rate:,.0f}"
    return f"{rate:,.0f} ({rate * scenario.payload_length / 1e6:,.0f} MB/s)"


def describe_ratios(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"


def as_json(results: list[Result], options: argparse.Namespace) -> str:
    """Everything that was measured, for a later look."""
    document = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "free": options.free,
        "results": [dataclasses.asdict(result) for result in results],
    }
    return json.dumps(document, indent=2) + "\n"
