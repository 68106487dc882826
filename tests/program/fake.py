"""The program with a balancer that moves nothing: `python -m tests.program.fake <options>`.

It tells each call as a line to the pipe in $FAKE_CALLS. $FAKE_BEHAVIOUR are words: what it does differently.

    bind-fails      bind() raises OSError, as for an address in use
    refuses         bind() raises ConfigError
    lingers         soft_stop() does not end it
    hangs           stop() does not return
    leaves          ends by itself right after start()
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Callable

from lbcore.base.diag import ConfigError, Diagnostic, Diagnostics, Severity
from lbcore.main import run
from lbcore.options import parse
from lbcore.proxy.settings import Settings


class FakeBalancer:
    """Has the calls of a balancer and one thread that waits for the end."""

    def __init__(self, settings: Settings, diagnostics: Diagnostics) -> None:
        self._calls = os.open(os.environ["FAKE_CALLS"], os.O_WRONLY)
        self._behaviour = os.environ["FAKE_BEHAVIOUR"].split()
        self._ended = threading.Event()
        self._settings = settings
        self.notify: Callable[[str], None] = lambda text: None
        self.alarm: Callable[[str], None] = lambda text: None
        self._tell("made", settings.globals.maxconn, settings.globals.log_tag)

    def bind(self) -> None:
        self._tell("bind", os.getuid(), os.path.exists("pidfile"))
        if "bind-fails" in self._behaviour:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        if "refuses" in self._behaviour:
            raise ConfigError(Diagnostics([Diagnostic(Severity.ALERT, "Binding [x.cfg:1] for frontend f: no")]))

    def load_rest(self) -> None:
        self._tell("load_rest")

    def start(self) -> None:
        self._worker = threading.Thread(target=self._ended.wait)
        self._worker.start()
        self._tell("start", os.getpid(), os.getuid(), os.path.exists("/usr"))
        if "leaves" in self._behaviour:
            self._ended.set()

    def pause(self) -> None:
        self._tell("pause")

    def resume(self) -> None:
        self._tell("resume")

    def soft_stop(self) -> None:
        self._tell("soft_stop")
        if "lingers" not in self._behaviour:
            self._ended.set()

    def stop(self) -> None:
        self._tell("stop")
        if "hangs" in self._behaviour:
            threading.Event().wait()
        self._ended.set()

    def wait(self, timeout: float | None = None) -> bool:
        return self._ended.wait(timeout)

    def dump_servers(self) -> list[str]:
        self._tell("dump_servers")
        return ["SIGHUP: Server be/s is UP. Conn: 0 act, 0 pend, 0 tot."]

    def dump_memory_and_threads(self) -> str:
        self._tell("dump_memory_and_threads")
        return "Thread 1: idle"

    def _tell(self, name: str, *arguments: object) -> None:
        os.write(self._calls, " ".join(map(str, (name, *arguments))).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(run(parse(sys.argv[1:]), FakeBalancer))
