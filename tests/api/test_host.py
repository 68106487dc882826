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
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

import lbcore
from tests.embedded import Client, ask, balancer, cli, config, held, named
from tests.peers.chaos import Chaos

CYCLES = 200
WARM_UP = 20
# Between runs of the same code the heaps of C and Python differ by an arena's rounding and by caches that fill; what is
# kept of every balancer makes CYCLES times its size.
C_BYTES_PER_CYCLE = 64
PYTHON_BYTES_PER_CYCLE = 64


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
        "timer": signal.getitimer(signal.ITIMER_REAL),
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
def server():
    with Chaos(named("s1")) as peer:
        yield peer


def test_nothing_of_the_process_is_touched(server: Chaos, tmp_path: Path) -> None:
    before = state()
    text = config(
        server.port, nbthread=2, settings=[f"stats socket {tmp_path}/cli mode 600"], front=[f"bind {tmp_path}/fe mode 666"]
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
    inherited = {fd for fd in range(3)}
    before = set(map(int, os.listdir("/proc/self/fd")))
    with balancer(config(server.port, nbthread=2, settings=[f"stats socket {tmp_path}/cli"])) as lb, Client(lb) as client:
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


def live_once(text: str, work: Callable[[lbcore.LoadBalancer], object]) -> None:
    """A whole life of a balancer, with something to do in it."""
    with balancer(text) as lb:
        work(lb)


class Mallinfo(ctypes.Structure):
    """struct mallinfo2 of malloc(3)."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keep")
    ]


def c_bytes() -> int:
    """Bytes that malloc() has given out and nobody has freed: its main heap, its mappings, and what lies in arenas of
    threads, which only the report in XML tells."""
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = Mallinfo
    info = libc.mallinfo2()
    return int(info.uordblks + info.hblkhd)


def test_two_hundred_lives_leave_no_descriptor_no_thread_and_no_byte(server: Chaos, tmp_path: Path) -> None:
    path = tmp_path / "cli"
    text = config(server.port, nbthread=2, settings=[f"stats socket {path}"], back=["http-reuse always"])

    def work(lb: lbcore.LoadBalancer) -> None:
        assert ask(lb) == (200, b"s1")
        assert "fe,FRONTEND" in cli(path, "show stat")
        lb.crew.tasks.add(lambda why: None).schedule(1_000_000)

    for _ in range(WARM_UP):
        live_once(text, work)
    tracemalloc.start()
    try:
        live_once(text, work)
        before, python_before = held(), tracemalloc.get_traced_memory()[0]
        c_before = c_bytes()
        for _ in range(CYCLES):
            live_once(text, work)
        after, python_after = held(), tracemalloc.get_traced_memory()[0]
        c_after = c_bytes()
    finally:
        tracemalloc.stop()
    assert after == before
    assert python_after - python_before < CYCLES * PYTHON_BYTES_PER_CYCLE
    assert c_after - c_before < CYCLES * C_BYTES_PER_CYCLE


def test_two_hundred_configurations_leave_no_byte() -> None:
    text = config(1, 2, 3, nbthread=4)
    for _ in range(WARM_UP):
        lbcore.LoadBalancer(text)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(CYCLES):
            lbcore.LoadBalancer(text)
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after - before < CYCLES * PYTHON_BYTES_PER_CYCLE
