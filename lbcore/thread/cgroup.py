"""How many CPUs the control groups of this process let it use.

Version 2 has one tree and one file `cpu.max` ("<quota|max> <period>") a group; version 1 has a tree for the controller
"cpu" with `cpu.cfs_quota_us` (-1: none) and `cpu.cfs_period_us`. A quota of a group binds all groups below it, so that
the least one on the way up counts. See cgroups(7) and the kernel's cgroup-v2 and sched-bwc documents. Inside of a
container the upper part of the way may be invisible; what can be seen is what counts.

Paths are plain strings: the command line asks for this, and pathlib would be a tenth of its time.
"""

from __future__ import annotations

import os.path
from typing import NamedTuple


class Mount(NamedTuple):
    """A mounted tree of control groups: `root` is which group of the whole tree appears at `point`."""

    root: str
    point: str
    version: int


def unescape(path: str) -> str:
    """A path of mountinfo in which blanks and backslashes are octal, as proc(5) says."""
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        path = path.replace(code, char)
    return path


def parse_mount(line: str) -> Mount | None:
    """The tree that a line of /proc/self/mountinfo is about, if it is one that can limit CPUs."""
    before, _, after = line.partition(" - ")
    left, right = before.split(), after.split()
    if len(left) < 5 or len(right) < 3 or right[0] not in ("cgroup", "cgroup2"):
        return None
    if right[0] == "cgroup" and "cpu" not in right[2].split(","):
        return None
    return Mount(unescape(left[3]), unescape(left[4]), 2 if right[0] == "cgroup2" else 1)


def parse_groups(text: str) -> dict[int, str]:
    """Which group /proc/self/cgroup puts the process in, by version."""
    groups: dict[int, str] = {}
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            groups[2] = path
        elif "cpu" in controllers.split(","):
            groups[1] = path
    return groups


def read(*path: str) -> str:
    """The text of a file; raises OSError."""
    with open(os.path.join(*path), encoding="utf-8", errors="surrogateescape") as f:
        return f.read()


def quota_of(group: str, version: int) -> float | None:
    """The CPUs that one group may use by itself, None if it says nothing."""
    try:
        if version == 2:
            quota, period = read(group, "cpu.max").split()
        else:
            quota, period = read(group, "cpu.cfs_quota_us"), read(group, "cpu.cfs_period_us")
        if quota == "max" or int(quota) <= 0 or int(period) <= 0:
            return None
        return int(quota) / int(period)
    except (OSError, ValueError):
        return None


def groups_upward(mount: Mount, group: str) -> list[str]:
    """The directories of `group` and of those above it, as far as `mount` shows them."""
    below = os.path.relpath(group, mount.root)
    if below.startswith("..") or ".." in group.split("/"):
        return [mount.point]  # the mount shows another part of the tree: a container sees itself at its top
    parts = [part for part in below.split("/") if part != "."]
    return [os.path.join(mount.point, *parts[:n]) for n in range(len(parts), -1, -1)]


def cpu_quota(root: str = "/") -> float | None:
    """The least number of CPUs that any group of this process allows, with its fraction; None if there is no limit.

    `root` is the directory that stands for "/".
    """
    try:
        groups = parse_groups(read(root, "proc/self/cgroup"))
        mounts = [parse_mount(line) for line in read(root, "proc/self/mountinfo").splitlines()]
    except OSError:  # not Linux, or no /proc
        return None
    quotas = [
        quota_of(os.path.join(root, directory.lstrip("/")), mount.version)
        for mount in mounts
        if mount and mount.version in groups
        for directory in groups_upward(mount, groups[mount.version])
    ]
    return min((q for q in quotas if q is not None), default=None)
