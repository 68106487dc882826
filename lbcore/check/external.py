"""`option external-check`: a program says whether a server works (manual 4.2 "option external-check").

The program is started without waiting for it, and looked for when a task has its time: it works if it exits with 0.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from typing import Any

from lbcore.check.check import Around
from lbcore.event.task import Task
from lbcore.proxy.check_settings import ExternalCheck
from lbcore.proxy.health import CheckResult, CheckState, CheckStatus

NEVER_BEGAN = 255  # the code of a check whose program could not be started
KILLED = -1  # of one whose program was ended by a signal
LOOK = 10  # ms between looks at whether a program has ended
NOT_USED = "NOT_USED"  # for what a server's kind of address does not have


class ExternalChecks:
    """Makes the checks of `server` by a program. Belongs to worker number `tid`."""

    def __init__(
        self, around: Around, server: Any, state: CheckState, conf: ExternalCheck, tid: int, *, limit: int
    ) -> None:
        """`limit`: ms that the program may take, 0: an interval, which it may never exceed. Raises MemoryError."""
        self.server = server
        self.state = state
        self.tid = tid
        self._around = around
        self._conf = conf
        self._limit = limit
        self._task: Task = around.crew.tasks.add(self._woken, mask=1 << tid)
        self._child: subprocess.Popen[bytes] | None = None
        self._begun = 0
        self._soon: int | None = None  # ms: what `hurry` asked for while one ran
        state.hurry = self.hurry

    def start(self, ms: int) -> None:
        """Has the first check made in `ms` milliseconds."""
        self._task.schedule_at(ms)

    def stop(self) -> None:
        """Ends them for good, the program that runs too."""
        self._around.crew.tasks.remove(self._task)
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def hurry(self, ms: int) -> None:
        """Has the next check made within `ms` milliseconds. Any thread."""
        self._soon = ms  # first, so that a check that ends at this moment still sees it
        if not self.state.running:
            self._task.schedule(ms)

    def _woken(self, reasons: int) -> None:
        if self._child is not None:
            self._look(self._child)
        elif self.state.due and not self._around.crew.finishing:
            self._begin()
        else:
            self._task.schedule_at(self.state.inter)

    def _begin(self) -> None:
        self._soon = None  # what was asked for until now begins here
        self.state.running = True
        self._begun = time.monotonic_ns()
        words, environment = command_of(self._conf, self.server)
        try:
            self._child = subprocess.Popen(
                words, env=environment, stdin=subprocess.DEVNULL, close_fds=True, start_new_session=True
            )
        except OSError as error:
            # HAProxy tells the reason on its standard error only.
            self._over(CheckResult(CheckStatus.PROCERR, NEVER_BEGAN, os.strerror(error.errno or 0)))
            return
        self._task.schedule_at(1)

    def _look(self, child: subprocess.Popen[bytes]) -> None:
        code = child.poll()
        if code is None and self._passed_ms() < self._patience():
            self._task.schedule_at(LOOK)
            return
        self._child = None
        if code is None:
            child.kill()
            child.wait()
            self._over(CheckResult(CheckStatus.PROCTOUT, 0))
        elif code == 0:
            self._over(CheckResult(CheckStatus.PROCOK, 0))
        else:
            self._over(CheckResult(CheckStatus.PROCERR, code if code > 0 else KILLED))

    def _patience(self) -> int:
        inter = self.state.inter
        return min(inter, self._limit) if self._limit else inter

    def _passed_ms(self) -> int:
        return (time.monotonic_ns() - self._begun) // 1_000_000

    def _over(self, result: CheckResult) -> None:
        result = result._replace(duration_ms=self._passed_ms())
        self._around.states.report(self.server, self.state, result)
        self._task.schedule_at(self.state.interval(stopped=not self.state.passing))
        # Who is in a hurry leaves a note as long as it runs; afterwards nothing may undo the date that he sets.
        self.state.running = False
        soon = self._soon
        if soon is not None:
            self._task.schedule(soon)


def command_of(conf: ExternalCheck, server: Any) -> tuple[list[str], dict[str, str]]:
    """The words that start the program, and all of its environment."""
    settings = server.settings
    host, port = _where(settings.address)
    proxy = server.backend.settings
    proxy_host, proxy_port = _where(proxy.binds[0].address) if proxy.binds else (NOT_USED, NOT_USED)
    environment = {
        "HAPROXY_PROXY_NAME": proxy.name,
        "HAPROXY_PROXY_ID": str(proxy.id),
        "HAPROXY_PROXY_ADDR": proxy_host if proxy.binds else "",
        "HAPROXY_PROXY_PORT": proxy_port if proxy_port != NOT_USED else "",
        "HAPROXY_SERVER_NAME": server.name,
        "HAPROXY_SERVER_ID": str(server.sid),
        "HAPROXY_SERVER_ADDR": host,
        "HAPROXY_SERVER_PORT": port if port != NOT_USED else "",
        "HAPROXY_SERVER_MAXCONN": str(server.maxconn),
        "HAPROXY_SERVER_CURCONN": str(server.cur_sess),
        "HAPROXY_SERVER_PROTO": "h1" if proxy.mode == "http" else "tcp",
        "HAPROXY_SERVER_SSL": "0",
        "PATH": conf.path,
    }
    return [conf.command, proxy_host, proxy_port, host, port], environment


def _where(address: Any) -> tuple[str, str]:
    if address.family == socket.AF_UNIX:
        return address.host, NOT_USED
    return address.host or ("::" if address.family == socket.AF_INET6 else "0.0.0.0"), str(address.port)
