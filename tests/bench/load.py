"""The load generators, wrk and h2load, and what they found. An error of any kind gives no figure but LoadError."""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("wrk.lua")
_GRACE_SECONDS = 20.0  # beyond the length asked for, before a load generator is killed


class LoadError(Exception):
    """A load saw errors, or could not run at all."""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk is to do: `path` asked over `connections` connections; `body` bytes posted; `close` after each reply;
    a number up to `keys` behind the path."""

    path: str
    connections: int = 64
    body: int = 0
    close: bool = False
    keys: int = 0


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What wrk did without a single error: `bytes` are those read, heads included; times in seconds."""

    requests: int
    seconds: float
    bytes: int
    p99: float


def run_wrk(load: Load, port: int, seconds: float) -> LoadResult:
    """Loads 127.0.0.1:`port` for about `seconds` with one thread. Raises LoadError on any error seen."""
    argv = [_find("wrk"), "-t1", f"-c{load.connections}", f"-d{max(1, round(seconds))}s", "--timeout", "5s"]
    argv += [
        "-s",
        str(SCRIPT),
        f"http://127.0.0.1:{port}{load.path}",
        str(load.body),
        "close" if load.close else "keep",
        str(load.keys),
    ]
    output = _run(argv, seconds + _GRACE_SECONDS)
    return parse_wrk(output)


def parse_wrk(output: str) -> LoadResult:
    """The figures in the RESULT line that wrk.lua prints. Raises LoadError if it tells of errors or is missing."""
    found = [line.split()[1:] for line in output.splitlines() if line.startswith("RESULT ")]
    if len(found) != 1 or len(found[0]) != 9:
        raise LoadError(f"no result from wrk:\n{output}")
    requests, duration, size, *errors, p99 = (int(word) for word in found[0])
    if any(errors):
        named = zip(("connect", "read", "write", "status", "timeout"), errors, strict=True)
        raise LoadError("wrk saw errors: " + ", ".join(f"{name} {count}" for name, count in named if count))
    if not requests:
        raise LoadError("wrk completed no request")
    return LoadResult(requests, duration / 1e6, size, p99 / 1e6)


def run_fixed_rate(path: str, port: int, *, rate: int, connections: int, seconds: float) -> list[float]:
    """The response times in seconds, sorted, of `rate` requests per second spread evenly over `connections`.

    Raises LoadError if a request failed or had another status than 200.
    """
    total = round(rate * seconds)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        argv = [_find("h2load"), "--h1", "-t1", "-c", str(connections), "--rps", str(rate / connections)]
        argv += ["-n", str(total), "--log-file", str(log), f"http://127.0.0.1:{port}{path}"]
        _run(argv, seconds + _GRACE_SECONDS)
        rows = [line.split() for line in log.read_text().splitlines()]
    bad = [row for row in rows if row[1] != "200"]
    if bad or len(rows) != total:
        raise LoadError(f"h2load: {len(rows)} of {total} requests answered, {len(bad)} not with 200")
    return sorted(int(row[2]) / 1e6 for row in rows)


def percentile(ordered: list[float], share: float) -> float:
    """The smallest of the sorted values that at least `share` (0..1) of all do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _find(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise LoadError(f"{program} is not installed")
    return path


def _run(argv: list[str], limit: float) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        raise LoadError(f"{argv[0]} did not end within {limit:.0f} s") from None
    if done.returncode:
        raise LoadError(f"{argv[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
