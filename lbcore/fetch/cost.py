"""What a stream has cost the process: its turns, the time spent on them, and the time that it had to wait for them
(manual 7.3.2).

A turn is one look of the shim at the stream. Times are measured with `profiling.tasks on`, and 0 without; what its
rules took stands in them, too, as far as they are through. Once a stream has ended its record has its cost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from lbcore.fetch.rows import plain
from lbcore.sample.points import INTERNAL, SERVER_SIDE
from lbcore.sample.rows import Fetch, add_fetches
from lbcore.sample.types import Type
from lbcore.shim import ffi, lib
from lbcore.stream.records import record_layout
from lbcore.stream.txn import REC, Txn

_COST = REC["cost"]
_LAYOUT, _PLACES = record_layout("lb_cost")


class Cost(NamedTuple):
    """An `lb_cost` (native/include/rec.h)."""

    cpu_ns: int
    lat_ns: int
    calls: int
    streams: int


assert tuple(_PLACES) == Cost._fields, _PLACES
NOTHING = Cost(0, 0, 0, 0)


def cost_of(t: Txn) -> Cost:
    """The cost so far."""
    if t.record is not None:
        return Cost(*_LAYOUT.unpack(t.record[_COST]))
    found: Any = ffi.new("lb_cost *")
    if lib.eng_flow_cost(*t.flow(), found) < 0:
        return NOTHING
    return Cost(found.cpu_ns, found.lat_ns, found.calls, found.streams)


def average(total: int, calls: int) -> int:
    return total // calls if calls else 0


def fetch_stream_number(t: Txn) -> int | None:
    """Which of the streams of its server's connection it is, from 1."""
    return cost_of(t).streams or None


def _row(name: str, of: Callable[[Cost], int], doc: str) -> Fetch:
    return plain(name, Type.SINT, INTERNAL, lambda t: of(cost_of(t)), doc)


add_fetches(
    plain("bs.id", Type.SINT, SERVER_SIDE, fetch_stream_number, "The stream in its server's connection, from 1."),
    _row("cpu_calls", lambda cost: cost.calls, "How many turns the stream had."),
    _row("cpu_ns_avg", lambda cost: average(cost.cpu_ns, cost.calls), "Nanoseconds that a turn took on average."),
    _row("cpu_ns_tot", lambda cost: cost.cpu_ns, "Nanoseconds that its turns took."),
    _row("lat_ns_avg", lambda cost: average(cost.lat_ns, cost.calls), "Nanoseconds of waiting for a turn on average."),
    _row("lat_ns_tot", lambda cost: cost.lat_ns, "Nanoseconds of waiting for its turns."),
)
