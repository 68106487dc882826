"""One engine of the shim, as a Python object."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from typing import Any

from lbcore.http.pages import EARLY, PAGES, early_message, message
from lbcore.shim import check, ffi, lib
from lbcore.thread.locks import LockSet

FD_MAX = 1 << 20  # entries of the fd table at most; they take memory only when used


@dataclass(slots=True)
class EngineSettings:
    """What an engine is made from. Ranges are those of `eng_conf` in native/include/engine.h."""

    nbthread: int = 1
    bufsize: int = 16384
    maxrewrite: int = 1024
    maxhdr: int = 101
    maxaccept: int = 64
    maxpollevents: int = 0
    maxconn: int = 0
    maxconnrate: int = 0
    maxsessrate: int = 0
    maxpipes: int = 0
    pipesize: int = 0
    nosplice: bool = False
    idle_shared: bool = True
    pollers_off: tuple[str, ...] = ()
    rcvbuf_client: int = 0
    sndbuf_client: int = 0
    rcvbuf_server: int = 0
    sndbuf_server: int = 0
    lowat_client: int = 0
    lowat_server: int = 0
    shuns_low: bool = False
    line_max: int = 0
    any_payload: bool = False
    spread: int = 0
    h1_case: tuple[str, ...] = ()  # `h1-case-adjust`: names of headers as some peers want them
    stick_counters: int = 0
    err_codes: frozenset[int] = frozenset()  # statuses, 100 to 599, that tracked clients are blamed for,
    fail_codes: frozenset[int] = frozenset()  # and their servers
    profiling: bool = False  # `profiling.tasks`: what streams cost is measured
    lock_figures: bool = False
    lock_order: bool = False


def fd_limit() -> int:
    """How many descriptors the process may have, within what a table may hold."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return FD_MAX if soft == resource.RLIM_INFINITY else min(soft, FD_MAX)


class Engine:
    """Owns the C object `handle` until `close()`. Not to be used by two threads at once before the workers run.

    Once closed, `handle`, `locks` and `live` raise RuntimeError: what they lead to is gone.
    """

    def __init__(self, settings: EngineSettings) -> None:
        """Raises ValueError if a value is out of its range, MemoryError."""
        self.nbthread = settings.nbthread
        self.maxfd = fd_limit()
        handle: Any = lib.eng_new(self._conf(settings))
        if handle == ffi.NULL:
            raise ValueError(f"the engine cannot be made with {settings}")
        self._handle = handle
        self.profiled = settings.profiling
        self._locks = LockSet.borrowed(lib.eng_locks(handle))
        self._live: Any = lib.eng_live_figures(handle)
        self.is_open = True
        self._set_pages()
        for name in settings.h1_case:
            check(lib.eng_case_add(handle, name.encode("utf-8", "surrogateescape"), len(name)))
        for status in settings.err_codes | settings.fail_codes:
            blame = (status in settings.err_codes) * lib.BLAME_ERR | (status in settings.fail_codes) * lib.BLAME_FAIL
            check(lib.eng_blame(handle, status, blame))

    @property
    def handle(self) -> Any:
        """The `engine *`."""
        self.check_open()
        return self._handle

    @property
    def locks(self) -> LockSet:
        """What all its locks belong to."""
        self.check_open()
        return self._locks

    @property
    def live(self) -> Any:
        """The `eng_live *`, figures of the moment."""
        self.check_open()
        return self._live

    def check_open(self) -> None:
        """Raises RuntimeError once it is closed."""
        if not self.is_open:
            raise RuntimeError("the balancer is closed")

    def _conf(self, settings: EngineSettings) -> Any:
        conf: Any = ffi.new("eng_conf *")
        for name in (
            "nbthread", "bufsize", "maxrewrite", "maxhdr", "maxaccept", "maxpollevents", "maxconn", "maxconnrate",
            "maxsessrate", "maxpipes", "pipesize", "rcvbuf_client", "sndbuf_client", "rcvbuf_server", "sndbuf_server",
            "lowat_client", "lowat_server", "shuns_low", "line_max", "any_payload", "spread", "stick_counters",
        ):  # fmt: skip
            setattr(conf, name, getattr(settings, name))
        conf.maxfd = self.maxfd
        conf.nosplice = settings.nosplice
        conf.idle_shared = settings.idle_shared
        conf.profiling = settings.profiling
        for name in settings.pollers_off:
            index = lib.poller_index(name.encode())
            conf.no_pollers |= 1 << index if index >= 0 else 0
        conf.lock_flags = settings.lock_figures * lib.LOCK_F_FIGURES | settings.lock_order * lib.LOCK_F_ORDER
        return conf

    def _set_pages(self) -> None:
        for page in PAGES:
            text = message(page)
            check(lib.eng_set_error(self.handle, page.status, 0, text, len(text)))
            if page.status in EARLY:
                text = early_message(page)
                check(lib.eng_set_error(self.handle, page.status, 1, text, len(text)))

    def close(self) -> None:
        """Frees everything; listening sockets are closed. No thread may be inside of it. Any number of times.

        Raises RuntimeError, once all is freed, if the order of locks was checked and found wrong.
        """
        if not self.is_open:
            return
        self.is_open = False
        fault = self._locks.violation
        lib.eng_free(self._handle)
        if fault:
            raise RuntimeError(f"locks were taken out of their order: {fault}")
