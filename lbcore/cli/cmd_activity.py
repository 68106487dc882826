"""What the process keeps its memory for and spends its time on: `show pools`, `show activity`, `show tasks`, profiling.

The forms are HAProxy's; the figures are those that there are here (management manual 9.3).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from lbcore.cli.registry import NOTHING, Call, Command, Level, Refusal, Reply
from lbcore.cli.views import Pool

_POOL_USAGE = "Expects either 'byname', 'bysize', 'byusage', 'match <pfx>', or a max number of output lines."
_SORTS = {
    "byname": lambda pool: pool.name,
    "bysize": lambda pool: -pool.size,
    "byusage": lambda pool: -pool.bytes,
}
_PROFILING_USAGE = "Expects either 'all', 'status', 'tasks', 'memory' or a max number of output lines."
_NO_MEMORY = "Memory profiling not compiled in."


# --- memory ---


def show_pools(call: Call) -> Reply:
    """`show pools [byname|bysize|byusage] [match <pfx>] [<nb>]`: objects of one size, and how many there are."""
    found = list(call.process.pools())
    order, limit, index = "", None, 0
    while word := call.arg(index):
        index += 1
        if word in _SORTS:
            order = word
        elif word == "match" and call.arg(index):
            found = [pool for pool in found if pool.name.startswith(call.arg(index))]
            index += 1
        elif word.isdecimal() and int(word):
            limit = int(word)
        else:
            raise Refusal(_POOL_USAGE)
    if order == "byusage":
        found = [pool for pool in found if pool.total]
    if order:
        found.sort(key=_SORTS[order])
    return Reply(_pool_lines(found[:limit], len(found), limit))


def _pool_lines(shown: Sequence[Pool], count: int, limit: int | None) -> str:
    few = "" if limit is None else f" (limited to the first {limit} entries)"
    lines = "".join(
        f"  - Pool {pool.name} ({pool.size} bytes) : {pool.total} allocated ({pool.bytes} bytes), {pool.used} used, "
        f"{pool.failed} failures, {pool.users} users\n"
        for pool in shown
    )
    allocated, used = sum(pool.bytes for pool in shown), sum(pool.used * pool.size for pool in shown)
    total = f"Total: {count} pools, {allocated} bytes allocated, {used} used.\n"
    return f"Dumping pools usage{few}.\n{lines}{total}"


# --- threads ---


def show_activity(call: Call) -> Reply:
    """`show activity [-1|0|<thread>]`: figures of all threads and their sums (-1), the sums (0), or one thread's."""
    process, wanted = call.process, -1
    if call.arg(0):
        wanted = _number(call.arg(0))
        if not -1 <= wanted <= process.nbthread:
            raise Refusal("Thread ID number must be between -1 and nbthread")
    name = threading.current_thread().name.rpartition("-")[2]
    head = f"thread_id: {name if name.isdecimal() else 0} (1..{process.nbthread})\n"
    head += f"date_now: {time.time():.6f}\nuptime_now: {process.uptime:.6f}\n"
    return Reply(head + "".join(_activity_line(*row, wanted) for row in process.activity().items()))


def _number(text: str) -> int:
    """As HAProxy reads it: 0 if it is none."""
    return int(text) if text.removeprefix("-").isdecimal() else 0


def _activity_line(name: str, each: Sequence[int], wanted: int) -> str:
    if wanted > 0:
        return f"{name}: {each[wanted - 1]}\n"
    by_thread = "" if wanted == 0 or len(each) == 1 else f" [ {' '.join(map(str, each))} ]"
    return f"{name}: {sum(each)}{by_thread}\n"


def show_tasks(call: Call) -> Reply:
    """The tasks that wait to be run, or run, by their functions."""
    found = call.process.running_tasks()
    total = sum(found.values())
    head = f"Running tasks: {total} ({call.process.nbthread} threads)\n  {'function':<34}places     %\n"
    rows = sorted(found.items(), key=lambda row: (-row[1], row[0]))
    return Reply(head + "".join(f"  {name:<34}{count:6d}{100 * count / total:6.1f}\n" for name, count in rows))


# --- profiling ---


def show_profiling(call: Call) -> Reply:
    """`show profiling [all|status|tasks|memory] [<nb>]`: whether times of functions are taken, and what was found."""
    what, limit = "all", None
    for word in call.args:
        if word in ("all", "status", "tasks", "memory"):
            what = word
        elif word.isdecimal() and int(word):
            limit = int(word)
        else:
            raise Refusal(_PROFILING_USAGE)
    if what == "memory":
        raise Refusal(_NO_MEMORY)
    profile = call.process.profile()
    told = ""
    if what in ("all", "status"):
        told += (
            f"{'Per-task CPU profiling':<36}: {'on' if profile.on else 'off':<13} # set profiling tasks {{on|off}}\n"
        )
    if what in ("all", "tasks"):
        told += f"Tasks activity:\n  {'function':<34}{'calls':>10}{'cpu_tot':>10}{'cpu_avg':>10}\n"
        for name, calls, cpu in profile.rows()[:limit]:
            told += f"  {name:<34}{calls:>10}{_short(cpu):>10}{_short(cpu // max(1, calls)):>10}\n"
    return Reply(told)


def set_profiling(call: Call) -> Reply:
    """`set profiling tasks {on|off}`: takes the times of functions that workers call, or takes them no more."""
    if call.arg(0) == "memory":
        raise Refusal(_NO_MEMORY)
    if call.arg(0) != "tasks":
        raise Refusal("Expects either 'tasks' or 'memory'.")
    if call.arg(1) == "on":
        call.process.profile().start()
    elif call.arg(1) == "off":
        call.process.profile().stop()
    elif call.arg(1) == "auto":
        raise Refusal("'set profiling tasks auto' is not done in this release.")
    else:
        raise Refusal("Expects 'on' or 'off'.")
    return NOTHING


def _short(ns: int) -> str:
    """`52ns`, `3.141us`, `1.200m`: as HAProxy shortens times."""
    if ns < 1000:
        return f"{ns}ns"
    for unit, size in (("us", 1000), ("ms", 1_000_000)):
        if ns < size * 1000:
            return f"{ns / size:.3f}{unit}"
    return f"{ns / 1_000_000_000:.3f}s"


COMMANDS = (
    Command(("set", "profiling"), "set profiling <what> {on|off}", "enable/disable resource profiling (tasks)",
            set_profiling, Level.ADMIN),
    Command(("show", "activity"), "show activity [-1|0|thread_num]",
            "show per-thread activity stats (for support/developers)", show_activity, Level.OPERATOR),
    Command(("show", "pools"), "show pools [by*] [match <pfx>] [nb]",
            "report information about the memory pools usage", show_pools),
    Command(("show", "profiling"), "show profiling [<what>|<#lines>]*",
            "show profiling state (all,status,tasks)", show_profiling, Level.OPERATOR),
    Command(("show", "tasks"), "show tasks", "show running tasks", show_tasks),
)  # fmt: skip
