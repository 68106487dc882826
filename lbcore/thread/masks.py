"""Thread masks: a bit for each thread that may run something, and HAProxy's words for them.

The grammar is that of "bind ... thread" in the manual: a thread set is a list of members separated by commas, each one
"all", "odd", "even", a number, or a range "<first>-[<last>]", optionally behind the number of a thread group and a
slash. There is one group here. Threads count from 1 in words and from 0 in bits.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator

from lbcore.thread.cgroup import cpu_quota

THREADS_MAX = 64
ALL = (1 << THREADS_MAX) - 1
ODD = ALL // 3  # threads 1, 3, 5 ... are bits 0, 2, 4 ...
WORDS = {"all": ALL, "odd": ODD, "even": ODD << 1}
RANGE = re.compile(r"([0-9]+)(?:(-)([0-9]*))?")


def mask_of(nthreads: int) -> int:
    """The mask of threads 1 to `nthreads`."""
    return (1 << nthreads) - 1


def parse_mask(text: str, nthreads: int = THREADS_MAX) -> int:
    """The mask that a thread set stands for, out of `nthreads` threads.

    Raises ValueError, with what to say after the set, if it is malformed or names none of the threads there are.
    """
    mask = 0
    for member in text.split(","):
        mask |= parse_member(member)
    if not mask & mask_of(nthreads):
        raise ValueError(f"'{text}' only references non-existing threads")
    return mask & mask_of(nthreads)


def parse_member(text: str) -> int:
    """The mask of one member of a thread set, of all threads that could be; raises ValueError."""
    group, slash, rest = text.partition("/")
    if not slash:
        group, rest = "1", text
    if group.isdecimal() and int(group) > 1:
        raise ValueError(f"'{text}' references non-existing thread group {int(group)}")
    if rest in WORDS and group == "1":
        return WORDS[rest]
    match = RANGE.fullmatch(rest)
    if not match or group != "1":
        raise ValueError(f"'{text}' is not a valid number/range")
    first = int(match[1])
    last = int(match[3]) if match[3] else THREADS_MAX if match[2] else first
    first, last = min(first, last), max(first, last)
    if first < 1 or last > THREADS_MAX:
        raise ValueError(f"'{text}' is not a valid number/range. It supports numbers from 1 to {THREADS_MAX}")
    return mask_of(last) & ~mask_of(first - 1)


def threads_of(mask: int) -> Iterator[int]:
    """The bit numbers in `mask`, from 0, in order."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def format_mask(mask: int, nthreads: int = THREADS_MAX) -> str:
    """The shortest thread set that `parse_mask` reads as `mask`; "all" if it has every thread, "none" if no thread."""
    mask &= mask_of(nthreads)
    if not mask:
        return "none"
    for word, bits in WORDS.items():
        if mask == bits & mask_of(nthreads):
            return word
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs_of(mask))


def runs_of(mask: int) -> Iterator[tuple[int, int]]:
    """First and last thread, counted from 1, of each run of neighbours."""
    bit = 0
    while mask >> bit:
        start = bit + ((mask >> bit) & -(mask >> bit)).bit_length() - 1
        rest = mask >> start
        length = (~rest & (rest + 1)).bit_length() - 1
        yield start + 1, start + length
        bit = start + length


def cpu_count(limit: int | None = None, root: str = "/") -> int:
    """How many threads to run unless "nbthread" says so: the CPUs that this process may use, 1 to THREADS_MAX.

    That is its affinity, cut down to the CPU time its control groups grant; part of a CPU counts as one; no more than
    `limit`, if there is one. `root` stands for "/" when the control groups are read.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota(root)
    if quota is not None:
        usable = min(usable, math.ceil(quota))
    return max(1, min(usable, limit or THREADS_MAX, THREADS_MAX))
