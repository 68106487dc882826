"""What the engine is told of the `global` section."""

from __future__ import annotations

import os

from lbcore.event.engine import EngineSettings
from lbcore.proxy.settings import EVER, GlobalSettings
from lbcore.shim import lib
from lbcore.thread.masks import cpu_count

UNLIMITED = 0x7FFFFFFF


def engine_settings(chosen: GlobalSettings, maxconn: int, maxpipes: int) -> EngineSettings:
    """The settings of an engine for so many connections and pipes; `LBCORE_LOCK_ORDER` in the environment has it check
    the order of its locks."""
    switched = ((chosen.noepoll, "epoll"), (chosen.nopoll, "poll"), (chosen.nokqueue, "kqueue"))
    return EngineSettings(
        nbthread=chosen.nbthread or cpu_count(chosen.thread_hard_limit),
        bufsize=chosen.bufsize,
        maxrewrite=min(chosen.maxrewrite, chosen.bufsize // 2),
        maxhdr=chosen.maxhdr,
        maxaccept=chosen.maxaccept if chosen.maxaccept > 0 else UNLIMITED,
        maxpollevents=chosen.maxpollevents,
        maxconn=maxconn,
        maxconnrate=chosen.maxconnrate,
        maxsessrate=chosen.maxsessrate,
        maxpipes=maxpipes,
        pipesize=chosen.pipesize,
        nosplice=chosen.nosplice,
        idle_shared=chosen.idle_pool_shared,
        pollers_off=tuple(name for off, name in switched if off),
        rcvbuf_client=chosen.rcvbuf_client,
        sndbuf_client=chosen.sndbuf_client,
        rcvbuf_server=chosen.rcvbuf_server,
        sndbuf_server=chosen.sndbuf_server,
        lowat_client=chosen.notsent_lowat_client,
        lowat_server=chosen.notsent_lowat_server,
        shuns_low=chosen.reject_privileged_ports,
        line_max=chosen.log_line_len,
        any_payload=chosen.any_payload,
        spread=lib.ENG_SPREAD_EVER if chosen.close_spread_time == EVER else chosen.close_spread_time,
        h1_case=tuple(chosen.h1_case.values()),
        stick_counters=chosen.stick_counters,
        err_codes=chosen.http_err_codes,
        fail_codes=chosen.http_fail_codes,
        profiling=chosen.profiling_tasks,
        lock_figures=chosen.profiling_locks,
        lock_order=bool(os.environ.get("LBCORE_LOCK_ORDER")),
    )
