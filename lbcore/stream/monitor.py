"""`monitor-uri` and `monitor fail` (manual 4.2): the answer to who watches the balancer itself.

Such requests are answered before any rule, counted as intercepted, and never logged.
"""

from __future__ import annotations

from collections.abc import Callable

from lbcore.proxy.settings import ProxySettings
from lbcore.sample.build import Build
from lbcore.shim import lib
from lbcore.stream.pages import error_page, outcome_of
from lbcore.stream.rules import Outcome
from lbcore.stream.txn import Txn

READY, FAILING = 200, 503
SILENT = -1  # of Txn.log_level
_FRONTEND = 0  # side of eng_count()


def make_monitor(settings: ProxySettings, build: Build) -> Callable[[Txn], Outcome | None] | None:
    """The step of a frontend's requests that answers its monitors, None without `monitor-uri`. Raises BuildError."""
    uri = settings.monitor_uri
    if uri is None or settings.mode != "http":
        return None
    listed = settings.rules.monitor_fail if settings.rules is not None else ()
    conditions = [condition.make(build) for condition in listed]

    def run(t: Txn) -> Outcome | None:
        request = t.req
        assert request is not None, "a step of requests"
        if request.target != uri:
            return None
        lib.eng_count(t.worker.engine.handle, t.worker.tid, _FRONTEND, t.frontend.index, lib.CNT_INTERCEPTED_REQ)
        t.log_level = SILENT
        t.kept = True  # its record must find it, to be left out of the log
        status = FAILING if any(condition(t) for condition in conditions) else READY
        return outcome_of(status, error_page(t, status), "LR")

    return run
