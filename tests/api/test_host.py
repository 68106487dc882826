"""What the process around a balancer notices of it: nothing, while it runs and afterwards."""

from __future__ import annotations

import ctypes
import gc
import locale
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.embedded import Client, ask, balancer, cli, config, held, named
from tests.peers.chaos import Chaos
from tests.program.command import TREE, environment

LIVES = 50  # of a balancer, in each batch
BATCHES = 6
# What is left of every life is there in every batch. What comes and goes besides (caches that fill, the heap's
# rounding) is not in all of them, so the batch that grew least is looked at.
C_BYTES_PER_LIFE = 64
PYTHON_BYTES_PER_LIFE = 400  # the interpreter's cache of attributes keeps the words of a configuration for a while
if not getattr(sys, "_is_gil_enabled", lambda: True)() and sys.version_info < (3, 14):
    # CPython 3.13 without its lock never frees code and functions of modules (its "What's New", free-threading)
    PYTHON_BYTES_PER_LIFE = 4096


def umask() -> int:
    """The umask, which can only be read by setting it."""
    present = os.umask(0o77)
    os.umask(present)
    return present


def state() -> dict[str, object]:
    """What a library has no business with."""
    root = logging.getLogger()
    names = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
    return {
        "signals": [signal.getsignal(number) for number in names],
        "mask": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "umask": umask(),
        "cwd": os.getcwd(),
        "logging": (root.level, list(root.handlers), logging.raiseExceptions),
        "limits": [resource.getrlimit(limit) for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)],
        "environment": dict(os.environ),
        "affinity": os.sched_getaffinity(0),
        "user": (os.getresuid(), os.getresgid()),
        "locale": locale.setlocale(locale.LC_ALL),
        "timeout": socket.getdefaulttimeout(),
        "hooks": (threading.excepthook, gc.isenabled(), gc.get_threshold()),
    }


@pytest.fixture
def server() -> Iterator[Chaos]:
    with Chaos(named("s1")) as peer:
        yield peer


def test_nothing_of_the_process_is_touched(server: Chaos, tmp_path: Path) -> None:
    before = state()
    text = config(
        server.port,
        nbthread=2,
        settings=[f"stats socket {tmp_path}/cli mode 600"],
        front=[f"bind {tmp_path}/fe mode 666"],
    )
    with balancer(text) as lb:
        ask(lb)
        lb.pause()
        lb.resume()
        assert state() == before
    assert state() == before


def test_nothing_is_written_to_standard_streams(server: Chaos, capfd: pytest.CaptureFixture[str]) -> None:
    with balancer(config(server.port, nbthread=2)) as lb:
        ask(lb)
        lb.soft_stop()
        lb.wait(10)
    assert capfd.readouterr() == ("", "")


def test_workers_do_not_keep_the_process_alive() -> None:
    with balancer(config(nbthread=2)) as lb:
        assert all(worker.daemon for worker in lb.crew.workers)


def test_descriptors_are_closed_on_exec(server: Chaos, tmp_path: Path) -> None:
    inherited = set(range(3))
    before = set(map(int, os.listdir("/proc/self/fd")))
    text = config(server.port, nbthread=2, settings=[f"stats socket {tmp_path}/cli"])
    with balancer(text) as lb, Client(lb) as client:
        client.ask()
        ours = set(map(int, os.listdir("/proc/self/fd"))) - before - inherited
        kept = [fd for fd in ours if is_open(fd) and os.get_inheritable(fd)]
    assert len(ours) >= 4
    assert kept == []


def is_open(fd: int) -> bool:
    """Whether a descriptor is in use; the one that listed the others is not any more."""
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


class Mallinfo(ctypes.Structure):
    """struct mallinfo2 of malloc(3)."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keep"),
        )
    ]


def c_bytes() -> int:
    """Bytes that malloc() has given out in all its arenas and mappings, and that nobody has freed."""
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = Mallinfo
    info = libc.mallinfo2()
    return int(info.uordblks + info.hblkhd)


@pytest.fixture
def live(server: Chaos, tmp_path: Path) -> Callable[[], None]:
    """A function that leads a balancer through a whole life. The first one has passed already."""
    path = tmp_path / "cli"
    text = config(server.port, nbthread=2, settings=[f"stats socket {path}"], back=["http-reuse always"])

    def whole_life() -> None:
        with balancer(text) as lb:
            assert ask(lb) == (200, b"s1")
            assert "fe,FRONTEND" in cli(path, "show stat")
            lb.crew.tasks.add(lambda why: None).schedule(1_000_000)

    whole_life()
    return whole_life


def least_growth(live: Callable[[], None], measure: Callable[[], int]) -> int:
    """By how much `measure()` rises in a batch of lives, in the one of several in which it rises least."""
    growths = []
    for _ in range(BATCHES):
        gc.collect()
        before = measure()
        for _ in range(LIVES):
            live()
        gc.collect()
        growths.append(measure() - before)
    return min(growths)


def test_three_hundred_lives_leave_no_descriptor_and_no_thread(live: Callable[[], None]) -> None:
    before = held()
    for _ in range(BATCHES * LIVES):
        live()
    assert held() == before


def test_lives_leave_no_byte_of_c(live: Callable[[], None]) -> None:
    assert least_growth(live, c_bytes) < LIVES * C_BYTES_PER_LIFE


def test_lives_leave_no_object_of_python(live: Callable[[], None]) -> None:
    assert least_growth(live, lambda: len(gc.get_objects())) <= LIVES // 10


def test_lives_leave_no_byte_of_python(live: Callable[[], None]) -> None:
    tracemalloc.start()
    try:
        assert least_growth(live, lambda: tracemalloc.get_traced_memory()[0]) < LIVES * PYTHON_BYTES_PER_LIFE
    finally:
        tracemalloc.stop()


KEEPS_FREE = """
import sys
gil = getattr(sys, "_is_gil_enabled", lambda: True)
before = gil()
import lbcore
with lbcore.LoadBalancer(sys.stdin.read()) as lb:
    lb.load_rest()
    print(before is gil())
"""


def test_a_free_threaded_interpreter_stays_one(tmp_path: Path) -> None:
    text = config(9, nbthread=2, settings=[f"stats socket {tmp_path}/s"], front=["http-request deny if { path /x }"])
    words = [sys.executable, "-W", "error", "-c", KEEPS_FREE]
    done = subprocess.run(
        words, check=False, input=text, env=environment(), capture_output=True, text=True, timeout=60, cwd=TREE
    )
    assert (done.stdout, done.stderr) == ("True\n", "")
