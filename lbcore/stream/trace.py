"""`filter trace`: prints on standard error what becomes of each stream, and what passes of it (manual 9.1).

    1795449353.821131 [H/fh                ] [strm 0x7f3c(12)] trace_attach             : filter-type=frontend

A filter has steps of its own in the plan of its proxy, which print and have the shim tell what passes
(native/include/bwlim.h, taps). The lines are HAProxy's, but for what is of its inside: its analysers, their flags.
Bytes are told a turn after they passed, so a line about them may come behind one of another stream that is younger.

Ownership: built before the threads start. Which streams a worker has seen is in its own table; no lock.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lbcore.event.crew import Crew
from lbcore.event.worker import Worker
from lbcore.proxy.settings import ProxySettings, TraceFilter
from lbcore.shim import ffi, lib
from lbcore.stream.records import record_layout
from lbcore.stream.txn import AT, REC, RECORD, Txn

TRACED = "traced"  # worker.local: number of a stream -> Traced
ROW = 16  # bytes in a row of a dump

_NOW, _FLOW, _UNIQ = AT["now_us"], AT["flow"], REC["uniq"]
_PASSED, _PLACES = record_layout("lb_passed")
assert list(_PLACES) == ["uniq", "id", "at", "len", "hand", "kept", "pad"], _PLACES
_WAYS = ("REQUEST", "RESPONSE")


class Traced:
    """A stream that filters look at, and what their lines call it."""

    def __init__(self, t: Txn) -> None:
        self.name = f"[strm 0x{t.ask[_FLOW]:x}({t.uniq & 0xFFFF_FFFF})]"
        self.attached: list[Tracer] = []
        self.mode = "HTTP" if t.req is not None else "TCP"
        self.analysed: dict[tuple[int, int], None] = {}  # filter and direction: of which something was seen
        self.side = "frontend"  # "backend" once one was chosen


class Tracer:
    """One filter of one proxy. Its steps do nothing but print and set the taps of the stream."""

    def __init__(self, filters: Tracing, settings: TraceFilter, proxy: str, side: str) -> None:
        self.filters = filters
        self.settings = settings
        self.side = side
        self.number = len(filters.tracers)
        self.name = f"[{f'{settings.name}/{proxy}':<20.20}]"

    def begin(self, t: Txn) -> None:
        """The first step of the proxy's own: the filter sees the stream from here on."""
        streams = t.worker.local.setdefault(TRACED, {})
        traced = streams.get(t.uniq)
        if traced is None:
            traced = streams[t.uniq] = Traced(t)
        if self in traced.attached:
            return  # content rules that have waited
        t.kept = True
        traced.attached.append(self)
        self._say(t, traced, "trace_attach", f"filter-type={self.side}")
        if self.side == "frontend":
            self._say(t, traced, "trace_stream_start")
        else:
            traced.side = "backend"
            for one in traced.attached:
                one._say(t, traced, "trace_stream_set_backend", f"backend={t.backend.settings.name}")
        self._analyze(t, traced, 0)
        chosen = self.settings
        for response in (0, 1):
            lib.eng_flow_tap(*t.flow(), response, self.number << 1 | response, chosen.hexdump, chosen.random)

    def request(self, t: Txn) -> None:
        """The last step of a request: what goes to the server."""
        traced = self._known(t)
        if traced is None or t.req is None:
            return  # of a `listen` section, as its backend: it has seen the stream as its frontend
        if self.side == "frontend" and traced.side == "frontend" and t.backend is not None:
            traced.side = "backend"
            self._say(t, traced, "trace_stream_set_backend", f"backend={t.backend.settings.name}")
        self._headers(t, traced, 0, t.req)

    def response(self, t: Txn, traced: Traced) -> None:
        """All rules about a response are through."""
        self._analyze(t, traced, 1)
        self._headers(t, traced, 1, t.res)

    def end(self, traced: Traced) -> None:
        """The stream is over."""
        for number, way in traced.analysed:
            if number == self.number:
                self._channel(None, traced, "trace_chn_end_analyze", way)
        if self.side == "frontend":
            self._say(None, traced, "trace_stream_stop")
        self._say(None, traced, "trace_detach", f"filter-type={self.side}")

    def passed(self, traced: Traced, response: int, head: tuple[Any, ...], data: bytes) -> None:
        """Payload went on."""
        self._analyze(None, traced, response)
        at, length, hand = head[2], head[3], head[4]
        dump = "".join(hexdump(data)) if data else ""
        if traced.mode == "TCP" and dump:
            self.filters.write(dump)
        what = f"offset={at} - len={hand} - forward={length}"
        self._channel(None, traced, f"trace_{traced.mode.lower()}_payload", response, f" - {what}")
        if traced.mode == "HTTP" and dump:
            self.filters.write(dump)

    def _known(self, t: Txn) -> Traced | None:
        found: Traced | None = t.worker.local.get(TRACED, {}).get(t.uniq)
        return found if found is not None and self in found.attached else None

    def _analyze(self, t: Txn | None, traced: Traced, way: int) -> None:
        if (self.number, way) not in traced.analysed:
            traced.analysed[self.number, way] = None
            self._channel(t, traced, "trace_chn_start_analyze", way)

    def _headers(self, t: Txn, traced: Traced, way: int, message: Any) -> None:
        first, *fields = message.head().split("\r\n")
        self._channel(t, traced, "trace_http_headers", way, f"\t{first}")
        if not self.settings.quiet:
            for field in filter(None, fields):
                self.filters.write(f"{stamp(t)} {self.name} {traced.name} \t{field}\n")

    def _channel(self, t: Txn | None, traced: Traced, what: str, way: int, more: str = "") -> None:
        self._say(t, traced, what, f"channel={_WAYS[way]:<10} - mode={traced.mode:<5} ({traced.side}){more}")

    def _say(self, t: Txn | None, traced: Traced, what: str, more: str = "") -> None:
        if not self.settings.quiet:
            told = f": {more}" if more else ""
            self.filters.write(f"{stamp(t)} {self.name} {traced.name} {what:<25}{told}\n")

    def announce(self, text: str) -> None:
        """Says something of the filter itself."""
        if not self.settings.quiet:
            self.filters.write(f"{stamp(None)} {self.name} {text}\n")


class Tracing:
    """All filters of a balancer. Nothing is printed before `watch()`."""

    def __init__(self) -> None:
        self.tracers: list[Tracer] = []
        self.write: Callable[[str], object] = lambda text: None

    def of(self, settings: ProxySettings, side: str) -> list[Tracer]:
        """The filters of a proxy, for its streams as "frontend" or "backend"."""
        found: list[Tracer] = []
        for one in settings.filters:
            if isinstance(one, TraceFilter):
                self.tracers.append(Tracer(self, one, settings.name, side))
                found.append(self.tracers[-1])
        return found

    def response(self, t: Txn) -> None:
        """The last step of all rules about a response, whoever's filters see it."""
        traced: Traced | None = t.worker.local.get(TRACED, {}).get(t.uniq)
        if traced is not None and t.res is not None:
            for one in traced.attached:
                one.response(t, traced)

    def watch(self, crew: Crew) -> None:
        """Prints from now on, and hears what passes and what ends. Before the threads start."""
        self.write = write
        done = crew.handlers[lib.EV_DONE]

        def ended(worker: Worker, event: Any) -> None:
            self._ended(worker, event)
            done(worker, event)

        crew.handlers[lib.EV_DONE] = ended
        crew.handlers[lib.EV_PASSED] = self._passed
        crew.hooks.add(self._begin, self._end)
        for one in self.tracers:
            flags = {"quiet": one.settings.quiet, "fwd random": one.settings.random, "hexdump": one.settings.hexdump}
            shown = " - ".join(f"{name}={str(value).lower()}" for name, value in flags.items())
            one.announce(f"filter initialized [{shown}]")

    def _begin(self, worker: Worker) -> None:
        worker.local[TRACED] = {}
        for one in self.tracers:
            one.announce(f"filter initialized for thread tid {worker.tid}")

    def _end(self, worker: Worker) -> None:
        del worker.local[TRACED]
        for one in self.tracers:
            one.announce(f"filter deinitialized for thread tid {worker.tid}")

    def _passed(self, worker: Worker, event: Any) -> None:
        streams: Mapping[int, Traced] = worker.local[TRACED]
        for head, data in read_passed(bytes(ffi.buffer(event.data, event.len))):
            traced = streams.get(head[0])
            if traced is not None:
                self.tracers[head[1] >> 1].passed(traced, head[1] & 1, head, data)

    def _ended(self, worker: Worker, event: Any) -> None:
        streams: dict[int, Traced] = worker.local[TRACED]
        rows = ffi.buffer(ffi.cast("char *", event.data), event.len * RECORD.size)
        for record in RECORD.iter_unpack(rows):
            if record[REC["flags"]] & lib.REC_TELL:
                traced = streams.pop(record[_UNIQ], None)
                if traced is not None:
                    for one in reversed(traced.attached):
                        one.end(traced)


def read_passed(data: bytes) -> Iterator[tuple[tuple[Any, ...], bytes]]:
    """Each `lb_passed` of an EV_PASSED as a tuple, with the bytes that were kept."""
    at = 0
    while at < len(data):
        head = _PASSED.unpack_from(data, at)
        at += _PASSED.size
        yield head, data[at : at + head[5]]
        at += (head[5] + 7) & ~7


def hexdump(data: bytes) -> Iterator[str]:
    """Lines of sixteen bytes, as numbers and as characters."""
    for at in range(0, len(data), ROW):
        row = data[at : at + ROW]
        halves = [" ".join(f"{byte:02x}" for byte in half).ljust(24) for half in (row[:8], row[8:])]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"\t0x{at:06x}: {halves[0]}  {halves[1]}  |{text}|\n"


def stamp(t: Txn | None) -> str:
    """The time of a line: that of the transaction's turn, or the present."""
    us = t.ask[_NOW] if t is not None and t.ask[_NOW] else time.time_ns() // 1000
    return f"{us // 1_000_000}.{us % 1_000_000:06d}"


def write(text: str) -> None:
    """Prints a line, or several that belong together."""
    sys.stderr.write(text)
    sys.stderr.flush()
