"""Outcomes as a Markdown table for people and as JSON for programs, with the date and the class of machine."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.measure import METRICS
from tests.bench.runner import Outcome, Plan


def machine() -> str:
    """The class of this machine: usable CPUs, their model, the kernel."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{len(os.sched_getaffinity(0))} cores, {model}, {platform.system()} {platform.release()}"


def markdown(plan: Plan, outcomes: list[Outcome]) -> str:
    """The table: one line for each metric of each scenario, budgets that are not kept in bold."""
    mine, theirs = plan.program.name, plan.reference.name
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {machine()}; {plan.rounds} rounds of {plan.seconds:g} s, taken in turns.",
        "",
        f"| scenario | figure | {theirs} | {mine} | {mine}/{theirs} | budget |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for outcome in outcomes:
        lines += _rows(outcome)
    return "\n".join(lines) + "\n"


def as_json(plan: Plan, outcomes: list[Outcome]) -> dict[str, Any]:
    """Everything that was measured, round by round."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "reference": plan.reference.argv,
        "program": plan.program.argv,
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "scenarios": {
            outcome.scenario.name: {
                "error": outcome.error,
                "reference": [dict(figures) for figures in outcome.reference],
                "program": [dict(figures) for figures in outcome.program],
                "ratios": {}
                if outcome.error
                else {name: outcome.ratio(name) for name in outcome.scenario.measurement.metrics},
            }
            for outcome in outcomes
        },
    }


def missed(outcome: Outcome, metric: str) -> bool:
    """True if the budget of a metric is not kept; without a budget, or without figures, nothing is missed."""
    if outcome.error:
        return False
    more = METRICS[metric].more
    budget = outcome.scenario.budget.get(metric)
    if budget is not None and (outcome.ratio(metric) < budget if more else outcome.ratio(metric) > budget):
        return True
    limit = outcome.scenario.limit.get(metric)
    shown = outcome.medians(metric)[1] * METRICS[metric].scale
    return limit is not None and (shown < limit if more else shown > limit)


def _rows(outcome: Outcome) -> list[str]:
    title = outcome.scenario.title
    if outcome.error:
        return [f"| {title} | **failed** | | | | |"]
    return [_row(outcome, title if not i else "", name) for i, name in enumerate(outcome.scenario.measurement.metrics)]


def _row(outcome: Outcome, title: str, name: str) -> str:
    metric = METRICS[name]
    theirs, mine = (f"{value * metric.scale:,.{metric.digits}f}" for value in outcome.medians(name))
    ratio = f"{outcome.ratio(name):.2f}"
    if missed(outcome, name):
        ratio = f"**{ratio}**"
    return f"| {title} | {metric.label} | {theirs} | {mine} | {ratio} | {_budget(outcome, name)} |"


def _budget(outcome: Outcome, name: str) -> str:
    sign = "≥" if METRICS[name].more else "≤"
    if name in outcome.scenario.budget:
        ratio = f"{outcome.scenario.budget[name]:.2f}"
        return f"{sign} {ratio.removesuffix('0')}x"
    if name in outcome.scenario.limit:
        return f"{sign} {outcome.scenario.limit[name]:,.0f} {METRICS[name].label.split()[-1]}"
    return ""
