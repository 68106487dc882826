"""python -m tests.bench: measures the program under test beside the reference and prints the table."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

from tests.bench import report
from tests.bench.runner import Plan, run
from tests.bench.scenarios import SCENARIOS, choose
from tests.peers.haproxy import Program, debian_haproxy, program_under_test


def main(arguments: list[str] | None = None) -> int:
    """0 when everything was measured, 1 when a scenario failed, 2 for a wrong command line, 130 after ^C."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        scenarios = choose(options.scenario)
    except KeyError as unknown:
        parser.error(f"unknown scenario {unknown}")
    reference = _reference(options.reference)
    if reference is None:
        parser.error("haproxy is not installed: name another reference")
    program = program_under_test(options.program)
    if program.name == reference.name:
        program = Program(f"{program.name} tested", program.argv)
    plan = Plan(reference, program, options.rounds, options.seconds)
    try:
        outcomes = run(plan, scenarios, lambda text: print(text, file=sys.stderr, flush=True))
    except KeyboardInterrupt:
        return 130
    print(report.markdown(plan, outcomes))
    if options.json:
        options.json.write_text(json.dumps(report.as_json(plan, outcomes), indent=2) + "\n")
    return 1 if any(outcome.error for outcome in outcomes) else 0


def _parser() -> argparse.ArgumentParser:
    names = "\n".join(
        f"  {scenario.name:12}{scenario.title}" + (f" (needs {scenario.needs})" if scenario.needs else "")
        for scenario in SCENARIOS
    )
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        epilog=f"scenarios (all but those that need something, if none is named):\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", nargs="*")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each program (default 3)")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one load (default 4)")
    parser.add_argument("--json", type=Path, help="also write every figure to this file")
    parser.add_argument("--program", help="command of the program under test (default: this Python's lbcore)")
    parser.add_argument("--reference", help="command to compare with (default: the system's haproxy)")
    return parser


def _reference(command: str | None) -> Program | None:
    if command is None:
        return debian_haproxy()
    return Program("reference", tuple(shlex.split(command)))


if __name__ == "__main__":
    sys.exit(main())
