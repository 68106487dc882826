"""Takes turns between the reference and the program under test, one scenario after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from tests.bench.load import LoadError
from tests.bench.measure import Figures, Place
from tests.bench.scenarios import Scenario
from tests.peers.haproxy import Program
from tests.peers.nginx import Nginx
from tests.peers.process import PeerError


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures of all rounds of one scenario; `error` instead if it could not be measured."""

    scenario: Scenario
    reference: tuple[Figures, ...] = ()
    program: tuple[Figures, ...] = ()
    error: str | None = None

    def medians(self, metric: str) -> tuple[float, float]:
        """The reference's and the program's median of one metric."""
        return median(figures[metric] for figures in self.reference), median(
            figures[metric] for figures in self.program
        )

    def ratio(self, metric: str) -> float:
        """The median of the rounds' ratios, program to reference."""
        pairs = zip(self.program, self.reference, strict=True)
        return median(mine[metric] / theirs[metric] if theirs[metric] else float("inf") for mine, theirs in pairs)


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is compared, and how long."""

    reference: Program
    program: Program
    rounds: int
    seconds: float


def run(plan: Plan, scenarios: Iterable[Scenario], progress: Callable[[str], None]) -> list[Outcome]:
    """The outcomes of the scenarios, in order. A scenario's failure is part of its outcome and ends only that one."""
    outcomes = []
    with Nginx() as nginx:
        for scenario in scenarios:
            progress(f"{scenario.name}: {scenario.title}")
            try:
                outcomes.append(_run_one(plan, scenario, nginx.port, progress))
            except (LoadError, PeerError, OSError) as error:
                progress(f"  FAILED: {error}")
                outcomes.append(Outcome(scenario, error=str(error)))
    return outcomes


def _run_one(plan: Plan, scenario: Scenario, server_port: int, progress: Callable[[str], None]) -> Outcome:
    with ExitStack() as stack:
        sessions = []
        for program in (plan.reference, plan.program):
            place = Place(program, server_port, plan.seconds)
            sessions.append((program, stack.enter_context(scenario.measurement.session(place))))
        figures: tuple[list[Figures], list[Figures]] = ([], [])
        for _ in range(plan.rounds):
            for (program, session), taken in zip(sessions, figures, strict=True):
                try:
                    taken.append(session.sample())
                except LoadError as error:
                    raise LoadError(f"{program.name}: {error}") from None
                shown = ", ".join(f"{name} {value:.6g}" for name, value in taken[-1].items())
                progress(f"  {program.name}: {shown}")
    return Outcome(scenario, tuple(figures[0]), tuple(figures[1]))
