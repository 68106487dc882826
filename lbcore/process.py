"""What the program does to its own process: limits, background, the pid file, root directory, user.

The library never calls this: a process that embeds a balancer is its host's.
"""

from __future__ import annotations

import math
import os
import resource
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from lbcore.thread.masks import cpu_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from lbcore.capabilities import Keeper
    from lbcore.proxy.settings import GlobalSettings, Settings

MAX_DESCRIPTORS = 1 << 20  # HAProxy's default fd-hard-limit: tables are sized by it, and some systems allow 2^30
# Standard streams, log sockets, resolver and the like; and a poller, an eventfd and a timer for each thread.
PROCESS_DESCRIPTORS = 10
THREAD_DESCRIPTORS = 3
PER_CONNECTION = 2  # its client's and its server's socket
PR_SET_DUMPABLE = 4


class StartError(Exception):
    """The process can't become what was asked for; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What descriptors are needed for: `maxconn` connections, and `descriptors` in all."""

    maxconn: int
    descriptors: int


def limit_memory(megabytes: int) -> None:
    """Bounds what the process can allocate (`-m`). Raises StartError.

    RLIMIT_DATA, not RLIMIT_AS: stacks and arenas reserve far more addresses than they ever use. What is reserved
    already does not count: a free-threaded interpreter begins with an arena of a gigabyte, out of which its objects
    come, so that the bound is that much looser there.
    """
    size = (megabytes << 20) + _reserved()
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    except (OSError, ValueError) as error:
        raise StartError(f"Cannot fix MEM limit to {megabytes} megs : {error}") from None


def _reserved() -> int:
    """Bytes that count as data and are not in memory, where the interpreter is free-threaded; else 0 (proc(5))."""
    gil = getattr(sys, "_is_gil_enabled", None)
    if gil is None or gil():
        return 0
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            _, resident, shared, _, _, data, _ = map(int, file.read().split())
    except OSError:
        return 0
    return max(0, data - (resident - shared)) * resource.getpagesize()


def fit_descriptors(settings: Settings) -> Limits:
    """Raises the limit of file descriptors to what the configuration needs, or fits `maxconn` to what can be had.

    `ulimit-n` is taken as it is; else `maxconn` decides; else the hard limit decides about `maxconn`, which is set.
    Raises StartError, under `no strict-limits` only for what the kernel never allows.
    """
    chosen = settings.globals
    hard = _hard_limit()
    wanted = _wanted(settings, chosen.ulimit_n or min(hard, MAX_DESCRIPTORS))
    chosen.maxconn = wanted.maxconn
    soft = chosen.ulimit_n or max(wanted.descriptors, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    granted = _raise_descriptors(soft, chosen.strict_limits)
    if granted < wanted.descriptors and chosen.strict_limits:
        raise StartError(
            f"FD limit ({granted}) too low for maxconn={wanted.maxconn}/maxsock={wanted.descriptors}. "
            f"Please raise 'ulimit-n' to {wanted.descriptors} or more to avoid any trouble."
        )
    return Limits(wanted.maxconn, wanted.descriptors)


def _hard_limit() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else hard


def _wanted(settings: Settings, available: int) -> Limits:
    from lbcore.proxy.pipes import PIPE_SHARE, pipes, splices  # the settings are there by now, and so is what they need

    chosen = settings.globals
    fixed = fixed_descriptors(settings)
    if chosen.maxconn:
        return Limits(chosen.maxconn, fixed + PER_CONNECTION * chosen.maxconn + 2 * pipes(settings, chosen.maxconn))
    share = 2 / PIPE_SHARE if splices(settings) and not chosen.maxpipes else 0
    room = available - fixed - 2 * chosen.maxpipes
    maxconn = max(1, math.floor(room / (PER_CONNECTION + share)))
    return Limits(maxconn, fixed + PER_CONNECTION * maxconn + 2 * pipes(settings, maxconn))


def fixed_descriptors(settings: Settings) -> int:
    """How many descriptors are taken whatever the traffic: by the process, threads, listeners and the stats sockets."""
    chosen = settings.globals
    listeners = sum(len(proxy.binds) for proxy in settings.proxies)
    threads = chosen.nbthread or cpu_count(chosen.thread_hard_limit)
    stats = len(chosen.stats_sockets) + (chosen.stats_maxconn if chosen.stats_sockets else 0)
    return PROCESS_DESCRIPTORS + THREAD_DESCRIPTORS * threads + listeners + stats


def _raise_descriptors(soft: int, strict: bool) -> int:
    """Sets the soft limit, and the hard one where it is lower. What is granted in the end."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY or soft <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, soft))
    except (OSError, ValueError):
        if strict:
            raise StartError(f"Cannot raise FD limit to {soft}, limit is {hard}.") from None
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard
    return soft


def write_pidfile(path: str) -> None:
    """Writes this process's number and a line feed. Raises StartError. The file stays for good, as HAProxy's does."""
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
    except OSError as error:
        raise StartError(f"Cannot create pidfile {path} : {error.strerror}") from None


def background() -> Callable[[], None]:
    """Goes on in a child process; the caller's own waits. Returns in the child only, with what it calls once it serves.

    The parent ends with 0 then, or with the child's exit code if the child ends before. So whoever started it gets to
    see the errors of the start, and may connect as soon as the command has returned.
    Called before there is any other thread: a fork takes none along.
    """
    ready, tell = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        os.close(tell)
        _wait_for(child, ready)
    os.close(ready)
    os.setsid()
    return lambda: _detach(tell)


def _wait_for(child: int, ready: int) -> NoReturn:
    if os.read(ready, 1):
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _detach(tell: int) -> None:
    """Lets go of the terminal: nobody is left waiting for the end of our output."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    if null > 2:
        os.close(null)
    os.write(tell, b"1")
    os.close(tell)


def check_privileges(settings: Settings) -> None:
    """Raises StartError if privileges are to be given away that connections to servers take (`setcap` keeps some)."""
    if not settings.globals.uid:
        return
    kept = settings.globals.capabilities
    for proxy in settings.proxies:
        spoofs = proxy.usesrc is not None or any(server.usesrc for server in proxy.servers)
        if spoofs and kept.isdisjoint(("cap_net_admin", "cap_net_raw")):
            raise _needs_all("cap_net_raw")
        if "cap_sys_admin" not in kept and any(server.namespace for server in proxy.servers):
            raise _needs_all("cap_sys_admin")


def _needs_all(least: str) -> StartError:
    return StartError(
        "Some configuration options require full privileges, so global.uid cannot be changed "
        f"(unless 'setcap {least}' is set)."
    )


def drop_privileges(chosen: GlobalSettings) -> set[str]:
    """Takes the root directory, then the groups, then the user of the `global` section. Raises StartError.

    In this order because each step needs what the next gives away. Returns what `setcap` asked for in vain, since the
    process never had it.
    """
    allow_core_dumps = _core_dumps() if chosen.set_dumpable else None
    settle = _capabilities(chosen)
    if chosen.chroot is not None:
        _change_root(chosen.chroot)
    if chosen.gid:
        _set_groups(chosen.gid)
    if chosen.uid:
        _step(lambda: os.setuid(chosen.uid or 0), f"Cannot set uid {chosen.uid}.")
    missing = settle()
    if allow_core_dumps is not None:
        allow_core_dumps()
    return missing


def _capabilities(chosen: GlobalSettings) -> Callable[[], set[str]]:
    """What is called once the user has changed: it leaves the process the capabilities of `setcap`, and no others.

    Who stays root has them all, and keeps them.
    """
    if not chosen.capabilities or (os.geteuid() == 0 and not chosen.uid):
        return set
    from lbcore.capabilities import Keeper  # few ask for it

    try:
        keeper = Keeper(chosen.capabilities)
    except OSError as error:
        raise StartError(f"Cannot keep capabilities. ({error.strerror or error})") from None
    return lambda: _settled(keeper)


def _settled(keeper: Keeper) -> set[str]:
    try:
        return keeper.settle()
    except OSError as error:
        raise StartError(f"Cannot set capabilities. ({error.strerror})") from None


def hides_files(chosen: GlobalSettings) -> bool:
    """Whether the program's own files may be out of reach after `drop_privileges`, so that nothing can be imported."""
    return chosen.chroot is not None or bool(chosen.uid or chosen.gid)


def _change_root(directory: str) -> None:
    def step() -> None:
        os.chroot(directory)
        os.chdir("/")

    _step(step, f"Cannot chroot({directory}).")


def _set_groups(gid: int) -> None:
    # An ordinary user may not touch its groups but may still "change" to the group it has.
    if os.geteuid() == 0:
        _step(lambda: os.setgroups([]), "Cannot drop supplementary groups.")
    _step(lambda: os.setgid(gid), f"Cannot set gid {gid}.")


def _step(action: Callable[[], None], failure: str) -> None:
    try:
        action()
    except OSError as error:
        raise StartError(f"{failure} ({error.strerror})") from None


def _core_dumps() -> Callable[[], object]:
    """What allows core dumps (`set-dumpable`): of a process that changed its user the kernel forbids them."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    import ctypes  # slow to load, and few ask for it; before it is out of reach

    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
