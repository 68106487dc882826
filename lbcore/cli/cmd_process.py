"""What the process is made of and has said: `show startup-logs`, `show schema json`, `show events`, `show libs`, ..."""

from __future__ import annotations

import os
import platform
import re
import resource
import sys
from collections.abc import Iterator

from lbcore.cli.registry import Call, Command, Level, Refusal, Reply, info
from lbcore.stats.schema import SCHEMA

_MAPPED = re.compile(r"([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \d+\s+(/.*)")
_LIMITS = {"fd": resource.RLIMIT_NOFILE, "ram": resource.RLIMIT_AS, "core": resource.RLIMIT_CORE}


def show_startup_logs(call: Call) -> Reply:
    """What was said of the configuration when it was read."""
    return Reply(call.process.startup_logs())


def show_schema(call: Call) -> Reply:
    """What `show info json` and `show stat json` look like, as a schema."""
    return Reply(SCHEMA)


def show_events(call: Call) -> Reply:
    """Where logs go, and how many lines were lost there. None of them keeps lines that could be shown."""
    sinks = list(call.process.log_sinks())
    name = call.arg(0)
    if not name:
        head = "Supported events sinks are listed below.\n"
        rows = (f"    {one.name:<10} : type={one.kind}, {one.dropped} dropped, {one.description}\n" for one in sinks)
        return Reply(head + "".join(rows))
    if all(one.name != name for one in sinks):
        raise Refusal("No such event sink")
    raise Refusal("Nothing to report for this sink")


def show_libs(call: Call) -> Reply:
    """The object files and libraries in the memory of the process, and where. Raises Refusal where none can tell."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
            return Reply("".join(_libraries(maps.read())))
    except OSError as error:
        raise Refusal(f"cannot read what is mapped: {error.strerror}") from None


def _libraries(maps: str) -> Iterator[str]:
    """A line for each file of which some part may be run."""
    spans: dict[str, tuple[int, int]] = {}
    code = {line.split(maxsplit=5)[-1] for line in maps.splitlines() if " r-xp " in line}
    for first, last, path in _MAPPED.findall(maps):
        if path in code:
            low, high = spans.get(path, (int(first, 16), 0))
            spans[path] = min(low, int(first, 16)), max(high, int(last, 16))
    for path, (low, high) in spans.items():
        yield f"{low:#014x}-{high - 1:#014x} ({high - low:#09x}) {path}\n"


def show_dev(call: Call) -> Reply:
    """What developers want to know first: the platform and its limits."""
    system = platform.uname()
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0
    rows = [
        ("version", call.process.version),
        ("python", f"{platform.python_implementation()} {platform.python_version()} ({sys.abiflags or 'release'})"),
        ("machine", system.machine),
        ("kernel", f"{system.system} {system.release} {system.version}"),
        ("libc", " ".join(platform.libc_ver()) or "unknown"),
        ("cpus", f"{cpus} usable, {os.cpu_count()} in all, {call.process.nbthread} threads"),
        ("pid", str(call.process.pid)),
        ("uid", f"{os.getuid()} (effective {os.geteuid()})"),
        ("cmdline", " ".join(sys.orig_argv)),
    ]
    rows += [(f"limit {name}", _limit(which)) for name, which in _LIMITS.items()]
    return Reply("Platform info\n" + "".join(f"  {name}: {value}\n" for name, value in rows))


def _limit(which: int) -> str:
    soft, hard = ("unlimited" if value == resource.RLIM_INFINITY else str(value) for value in resource.getrlimit(which))
    return f"{soft} (hard {hard})"


def echo(call: Call) -> Reply:
    """Its arguments, for scripts that want to tell their answers apart."""
    return info(" ".join(call.args) + "\n")


COMMANDS = (
    Command(("echo",), "echo <text>", "print text to the output", echo),
    Command(("show", "dev"), "show dev", "show debug info for developers", show_dev, Level.ADMIN),
    Command(("show", "events"), "show events [<sink>]", "show event sink state", show_events, Level.OPERATOR),
    Command(("show", "libs"), "show libs", "show loaded object files and libraries", show_libs, Level.OPERATOR),
    Command(("show", "schema", "json"), "show schema json", "report schema used for stats", show_schema),
    Command(("show", "startup-logs"), "show startup-logs", "report logs emitted during HAProxy startup",
            show_startup_logs),
)  # fmt: skip
