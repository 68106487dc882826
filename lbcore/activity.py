"""What a running balancer keeps its memory for, and what its threads do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lbcore.cli.views import Pool
from lbcore.shim import ffi, lib

if TYPE_CHECKING:
    from lbcore.api import LoadBalancer

_SLABS = {"conn": lib.POOL_CONN, "flow": lib.POOL_FLOW, "asked": lib.POOL_ASKED, "track": lib.POOL_TRACK}


def figures_of_threads(balancer: LoadBalancer) -> list[Any]:
    """A `thr_figures *` for each thread."""
    found = []
    for tid in range(balancer.engine.nbthread):
        out: Any = ffi.new("thr_figures *")
        lib.eng_thread_figures(balancer.engine.handle, tid, out)
        found.append(out)
    return found


def pools(balancer: LoadBalancer) -> Iterator[Pool]:
    """Objects of one size and what there is of them: connections, flows, buffers, pipes, entries of stick tables."""
    threads = figures_of_threads(balancer)
    for name, index in _SLABS.items():
        each = [thread.pools[index] for thread in threads]
        used, total, failed = (sum(getattr(one, what) for one in each) for what in ("used", "total", "failed"))
        yield Pool(name, max(one.size for one in each), total, used, failed, len(threads))
    yield from _buffers(balancer, threads)
    live = balancer.engine.live
    used = int(live.pipes_used)
    yield Pool("pipe", lib.POOL_PIPE_BYTES, used + int(live.pipes_free), used, 0, 1)
    for table in balancer.tables or ():
        out: Any = ffi.new("stk_figures *")
        lib.stk_read_figures(table.handle, out)
        yield Pool(f"table_{table.name}", out.entry, out.bytes // out.entry, out.used, out.refused, 1)


def _buffers(balancer: LoadBalancer, threads: list[Any]) -> Iterator[Pool]:
    """The last class is also blamed for those of any other size."""
    classes = (
        ("buffer_small", lib.BUF_SMALL_BYTES),
        ("buffer", balancer.settings.globals.bufsize),
        ("buffer_big", lib.BUF_BIG_BYTES),
    )
    for kind, (name, size) in enumerate(classes):
        used = sum(thread.buffers[kind] for thread in threads)
        total = used + sum(thread.free_buffers[kind] for thread in threads)
        failed = sum(thread.buffers_failed for thread in threads) if kind == len(classes) - 1 else 0
        yield Pool(name, size, total, used, failed, len(threads))


def activity(balancer: LoadBalancer) -> dict[str, list[int]]:
    """What each thread has done since the start, by the name of the figure."""
    threads, workers = figures_of_threads(balancer), balancer.crew.workers
    names = ("turns", "events", "handlers", "stale", "updates", "wakeups", "polls", "streams", "accepted", "handed")
    raw = {name: [int(getattr(thread, name)) for thread in threads] for name in names}
    return {
        "loops": raw["turns"],
        "poll_events": raw["events"],
        "poll_drop_fd": raw["stale"],
        "poll_updates": raw["updates"],
        "fd_handlers": raw["handlers"],
        "wakeups": raw["wakeups"],
        "python_turns": raw["polls"],
        "python_events": [worker.events for worker in workers],
        "streams": raw["streams"],
        "accepted": raw["accepted"],
        "accq_pushed": raw["handed"],
        "flows": [int(thread.flows) for thread in threads],
        "conns": [int(thread.conns) for thread in threads],
        "idle_conns": [int(thread.idle) for thread in threads],
        "pool_fail": [int(thread.buffers_failed) + sum(pool.failed for pool in thread.pools) for thread in threads],
    }


def running_tasks(balancer: LoadBalancer) -> Counter[str]:
    """How many tasks wait to be run, or run, by the names of their functions."""
    found: Counter[str] = Counter()
    crew = balancer.crew
    crew.together(lambda: found.update(crew.tasks.queued()))  # no task is freed meanwhile
    return found
