"""python -m tests.bench.profile SCENARIO: where the balancer's time goes while a scenario of wrk's loads it.

`--tool strace` counts system calls and tells how many there are for one request (tracing slows the program: only the
counts mean something); `--tool perf` samples stacks and prints the hottest functions.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.load import LoadResult, run_wrk
from tests.bench.measure import FullLoad, Place, Rig, read_config
from tests.bench.scenarios import SCENARIOS
from tests.peers.haproxy import debian_haproxy, program_under_test
from tests.peers.nginx import Nginx
from tests.peers.process import wait_until

TOOLS = ("strace", "perf")
_TOOL_SECONDS = 20.0


def main(arguments: list[str] | None = None) -> int:
    """0 when the profile was printed, 130 after ^C."""
    loads = {s.name: s.measurement for s in SCENARIOS if isinstance(s.measurement, FullLoad)}
    parser = argparse.ArgumentParser(prog="python -m tests.bench.profile", description=__doc__)
    parser.add_argument("scenario", choices=sorted(loads))
    parser.add_argument("--tool", choices=TOOLS, default="strace")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--program", help="command to profile; `reference` is the system's haproxy")
    options = parser.parse_args(arguments)
    program = debian_haproxy() if options.program == "reference" else program_under_test(options.program)
    if program is None:
        parser.error("haproxy is not installed")
    what = loads[options.scenario]
    try:
        with Nginx() as nginx:
            place = Place(program, nginx.port, options.seconds)
            with Rig(place, read_config(what.config), what.threads) as rig, tempfile.TemporaryDirectory() as folder:
                profile = strace_profile if options.tool == "strace" else perf_profile
                print(profile(rig, what, Path(folder)))
    except KeyboardInterrupt:
        return 130
    return 0


def strace_profile(rig: Rig, what: FullLoad, folder: Path) -> str:
    """System calls by name with their number for one request."""
    table = folder / "strace"
    argv = ["strace", "-f", "-c", "-U", "calls,errors,name", "-o", str(table), "-p", str(rig.balancer.pid)]
    result = _traced(argv, rig, what)
    return f"{result.requests} requests; system calls per request:\n" + syscalls_per_request(
        table.read_text(), result.requests
    )


def perf_profile(rig: Rig, what: FullLoad, folder: Path) -> str:
    """The functions that the samples fell into, hottest first."""
    data = str(folder / "perf.data")
    # The CPU clock, because virtual machines seldom have the counters that perf would take by itself.
    _traced(
        ["perf", "record", "-q", "-e", "cpu-clock", "-F", "997", "-g", "-o", data, "-p", str(rig.balancer.pid)],
        rig,
        what,
    )
    report = ["perf", "report", "--stdio", "--no-children", "-g", "none", "--percent-limit", "0.5", "-i", data]
    return subprocess.run(report, capture_output=True, text=True, check=True).stdout


def syscalls_per_request(table: str, requests: int) -> str:
    """strace's table of calls, errors and names as calls per request, most frequent first."""
    rows = []
    for line in table.splitlines():
        words = line.split()
        if len(words) in (2, 3) and words[0].isdigit() and words[-1] != "total":
            errors = int(words[1]) if len(words) == 3 else 0
            rows.append((int(words[0]), errors, words[-1]))
    rows.append((sum(row[0] for row in rows), sum(row[1] for row in rows), "total"))
    rows.sort(reverse=True)
    return "\n".join(
        f"{calls / requests:10.3f} {errors / requests:10.3f} failed  {name}" for calls, errors, name in rows
    )


def _traced(argv: list[str], rig: Rig, what: FullLoad) -> LoadResult:
    """Loads the balancer while the tool `argv` is attached to it."""
    tool = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, process_group=0)
    try:
        _wait_attached(tool, rig.balancer.pid)
        result = run_wrk(what.load, rig.port, rig.place.seconds)
    finally:
        tool.send_signal(signal.SIGINT)
        try:
            tool.wait(_TOOL_SECONDS)
        except subprocess.TimeoutExpired:
            tool.kill()
            tool.wait()
    return result


def _wait_attached(tool: subprocess.Popen[str], pid: int) -> None:
    """Returns when strace traces every thread of `pid`; perf cannot be seen to attach, so it is given a moment."""
    if os.path.basename(str(tool.args[0] if isinstance(tool.args, list) else tool.args)) == "perf":
        time.sleep(0.5)
        return
    if not wait_until(lambda: _all_traced(pid), _TOOL_SECONDS):
        raise RuntimeError(f"strace does not attach: {tool.stderr.read() if tool.stderr else ''}")


def _all_traced(pid: int) -> bool:
    for task in os.listdir(f"/proc/{pid}/task"):
        status = Path(f"/proc/{pid}/task/{task}/status").read_text()
        if "TracerPid:\t0\n" in status:
            return False
    return True


if __name__ == "__main__":
    sys.exit(main())
