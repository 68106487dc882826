"""The main thread's work once traffic flows: it waits for signals and for the end.

All signals that are handled stay blocked in every thread and are taken one by one with sigwait(2), so that no handler
runs between two lines of Python and no system call of a worker is interrupted. SIGALRM is our own bell: the timer of
`grace` and `hard-stop-after` rings it, and so does the thread that sees the balancer end.

    running --USR1--> grace --bell--> finishing --bell (hard-stop-after)--> stopped
       |                                  |
       +----------- TERM, INT ------------+-------------------------------> death by that signal

The meaning of the signals: management guide 8 (What signals do), program contract.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from typing import NoReturn, Protocol

from lbcore.console import Console

STOP = (signal.SIGTERM, signal.SIGINT)
HANDLED = frozenset(
    {*STOP, signal.SIGUSR1, signal.SIGHUP, signal.SIGQUIT, signal.SIGTTOU, signal.SIGTTIN, signal.SIGALRM}
)
STOP_SECONDS = 0.8  # a stop that takes longer is cut short: who asked for it was promised a second


class Balancer(Protocol):
    """What the program needs of a balancer. `api.LoadBalancer` is one."""

    notify: Callable[[str], None]  # told, as a line of text, what the user should see: proxies paused, resumed, stopped
    alarm: Callable[[str], None]  # the same, where somebody should see to it: a backend without servers

    def bind(self) -> None:
        """Takes all that needs privileges: addresses to listen on, sockets. Raises OSError or ConfigError."""

    def load_rest(self) -> None:
        """Imports what it may come to need: its files are about to be out of reach."""

    def start(self) -> None:
        """Returns when it accepts connections. Raises as `bind()`."""

    def pause(self) -> None:
        """Stops listening for a while, keeping the addresses."""

    def resume(self) -> None:
        """Listens again."""

    def soft_stop(self) -> None:
        """Stops listening for good and ends by itself when its last connection has. Any number of times."""

    def stop(self) -> None:
        """Ends at once, whatever runs."""

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it has ended, after waiting for that for `timeout` seconds at most (None: for ever)."""

    def dump_servers(self) -> list[str]:
        """Sends the states of proxies and servers to their logs, and returns the lines."""

    def dump_memory_and_threads(self) -> str:
        """What memory is used for, and what each thread does."""


class State(Enum):
    """How far the end is away."""

    RUNNING = auto()
    GRACE = auto()
    FINISHING = auto()


def forget_inherited() -> None:
    """Gives the stop signals their default action: until there is something to stop, they simply end the process.

    A shell starts what it puts in the background with SIGINT ignored, and Python turns SIGINT into an exception.
    """
    for signum in HANDLED:
        signal.signal(signum, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


def block() -> None:
    """Keeps signals for `Watch`. Called before any thread starts, as threads inherit it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)


class Watch:
    """Waits for signals and obeys them until the balancer ends. Belongs to the main thread.

    `grace` and `hard_stop_after` are the settings of the `global` section, in milliseconds.
    """

    def __init__(
        self, balancer: Balancer, console: Console, *, grace: int | None = None, hard_stop_after: int | None = None
    ) -> None:
        self._balancer = balancer
        self._console = console
        self._grace = grace or 0
        self._hard_stop_after = hard_stop_after
        self._state = State.RUNNING
        self._deadline: float | None = None
        self._actions: dict[int, Callable[[], None]] = {
            signal.SIGALRM: self._bell,
            signal.SIGHUP: self._dump_servers,
            signal.SIGQUIT: self._dump_all,
            signal.SIGTTIN: balancer.resume,
            signal.SIGTTOU: balancer.pause,
            signal.SIGUSR1: self._soft_stop,
        }
        self._ring_at_end()  # a thread of its own, there before the balancer accepts anything

    def until_end(self) -> int:
        """The signal that stopped the balancer, which the process is to die from; 0 if it came to its end."""
        while not self._balancer.wait(0):
            signum = signal.sigwait(HANDLED)
            if signum in STOP:
                self._stop(die_from, signum)
                return signum
            self._actions[signum]()
        return 0

    def _ring_at_end(self) -> None:
        main = threading.get_ident()

        def ring() -> None:
            self._balancer.wait(None)
            with suppress(ProcessLookupError):
                signal.pthread_kill(main, signal.SIGALRM)

        threading.Thread(target=ring, name="end", daemon=True).start()

    def _soft_stop(self) -> None:
        if self._state is not State.RUNNING:
            return
        self._state = State.GRACE
        if self._grace:
            self._set_bell(self._grace)
        else:
            self._finish()

    def _finish(self) -> None:
        self._state = State.FINISHING
        self._balancer.soft_stop()
        if self._hard_stop_after is not None:
            self._set_bell(self._hard_stop_after)

    def _set_bell(self, milliseconds: int) -> None:
        self._deadline = time.monotonic() + milliseconds / 1000
        signal.setitimer(signal.ITIMER_REAL, max(milliseconds / 1000, 1e-6))

    def _bell(self) -> None:
        """The balancer has ended, which the loop sees; or a deadline has come. Anyone may send a SIGALRM, so look."""
        if self._deadline is None or time.monotonic() < self._deadline:
            return
        self._deadline = None
        if self._state is State.GRACE:
            self._finish()
            return
        self._console.warning("soft-stop running for too long, performing a hard-stop.")
        self._stop(os._exit, 0)

    def _stop(self, cut_short: Callable[[int], object], code: int) -> None:
        """Stops the balancer, or ends the process by `cut_short(code)` if that does not work in time."""
        guard = threading.Timer(STOP_SECONDS, cut_short, (code,))
        guard.daemon = True
        guard.start()
        self._balancer.stop()
        guard.cancel()

    def _dump_servers(self) -> None:
        self._console.warning("SIGHUP received, dumping servers states.")
        for line in self._balancer.dump_servers():
            self._console.warning(line)

    def _dump_all(self) -> None:
        self._console.line(self._balancer.dump_memory_and_threads())


def die_from(signum: int) -> NoReturn:
    """Ends the process the way this signal ends one that knows nothing of it, which is what waits for it is told."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signum})
    os.kill(os.getpid(), signum)
    # Still here: the first process of a container dies from no signal that it does not handle.
    os._exit(128 + signum)
