"""Statistics and facts with their types, as lines or as JSON (management guide 9.3, "show stat", "show info").

A value is `<tags>:<type>:<value>`. The tags are three letters: where it comes from, what it is, what it is about. A
column has them by its kind, unless its row in `_COLUMNS` says otherwise; a line of `show info` unless `_INFO` does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple

from lbcore.stats.fields import FIELDS, Field, Kind, Value
from lbcore.stats.info import INFO
from lbcore.stats.views import ProcessView

PROCESS: Final = 1  # number of the process: there is one

ORIGINS: Final = {"M": "Metric", "S": "Status", "K": "Key", "C": "Config", "P": "Product"}
NATURES: Final = {
    "G": "Gauge", "L": "Limit", "m": "Min", "M": "Max", "R": "Rate", "C": "Counter", "D": "Duration", "A": "Age",
    "T": "Time", "N": "Name", "O": "Output", "a": "Avg",
}  # fmt: skip
SCOPES: Final = {"C": "Cluster", "P": "Process", "S": "Service", "s": "System"}
# By the column "type".
OBJECTS: Final = (("F", "Frontend"), ("B", "Backend"), ("S", "Server"), ("L", "Listener"))
_BACKEND, _SERVER = 1, 2

_KINDS: Final = {
    Kind.KEY: ("KNS", "u32"),
    Kind.STATUS: ("MOP", "u32"),
    Kind.LIMIT: ("CLP", "u32"),
    Kind.GAUGE: ("MGP", "u32"),
    Kind.MAX: ("MMP", "u32"),
    Kind.COUNTER: ("MCP", "u64"),
    Kind.RATE: ("MRP", "u32"),
    Kind.AGE: ("MAP", "u32"),
    Kind.MEAN: ("MaP", "u32"),
}
_COLUMNS: Final = {
    "status": ("SGP", "u32"), "weight": ("MaP", "u32"), "uweight": ("MaP", "u32"), "downtime": ("MCP", "u32"),
    "pid": ("KGP", "u32"), "iid": ("KGS", "u32"), "sid": ("KGS", "u32"), "tracked": ("CNS", "u32"),
    "type": ("CGS", "u32"), "check_duration": ("MDP", "u64"), "agent_duration": ("MDP", "u64"),
    "lastsess": ("MAP", "s32"), "check_rise": ("CGS", "u32"), "check_fall": ("CGS", "u32"),
    "check_health": ("CGS", "u32"), "agent_rise": ("CGS", "u32"), "agent_fall": ("CGS", "u32"),
    "agent_health": ("CGS", "u32"), "addr": ("CGS", "u32"), "cookie": ("CNS", "u32"), "mode": ("CGS", "u32"),
    "algo": ("CGS", "u32"), "srid": ("MCP", "u32"), "qlimit": ("CGS", "u32"), "throttle": ("MaP", "u32"),
    "proto": ("SGP", "u32"),
}  # fmt: skip
# Columns that one kind of object has other tags for.
_BY_OBJECT: Final = {
    ("act", _SERVER): "SGP",
    ("bck", _SERVER): "SGP",
    ("rate", _BACKEND): "MGP",
    ("rate_max", _BACKEND): "MGP",
}
_INFO: Final = {
    **dict.fromkeys(("Name", "Version", "Release_date", "Build info"), ("POS", "u32")),
    **dict.fromkeys(("Nbthread", "Nbproc"), ("CGS", "u32")),
    "Process_num": ("KGP", "u32"),
    "Pid": ("SGP", "u32"),
    **dict.fromkeys(("Uptime", "Uptime_sec", "Start_time_sec", "BootTime_ms"), ("MDP", "u32")),
    **dict.fromkeys(
        ("Memmax_MB", "Ulimit-n", "Maxsock", "Maxconn", "Hard_maxconn", "Maxpipes", "ConnRateLimit", "SessRateLimit",
         "SslRateLimit", "CompressBpsRateLim", "MaxZlibMemUsage", "Memmax_bytes"), ("CLP", "u32")),
    **dict.fromkeys(
        ("PoolFailed", "CumConns", "CumReq", "CumSslConns", "SslCacheLookups", "SslCacheMisses", "CumRecvLogs",
         "TotalWarnings", "MaxconnReached"), ("MCP", "u32")),
    **dict.fromkeys(
        ("MaxSslConns", "MaxConnRate", "MaxSslRate", "SslFrontendMaxKeyRate", "SslBackendMaxKeyRate"), ("MMP", "u32")),
    **dict.fromkeys(
        ("ConnRate", "SessRate", "MaxSessRate", "SslRate", "SslBackendKeyRate", "CompressBpsIn", "CompressBpsOut"),
        ("MRP", "u32")),
    "Idle_pct": ("MaP", "u32"),
    **dict.fromkeys(("node", "description"), ("COS", "u32")),
    **dict.fromkeys(("TotalBytesOut", "TotalSplicedBytesOut", "PoolAlloc_bytes", "PoolUsed_bytes"), ("MGP", "u64")),
    "BytesOutRate": ("MRP", "u64"),
    "Tainted": ("SGP", "str"),
}  # fmt: skip
_INFO_DEFAULT: Final = ("MGP", "u32")


class Typed(NamedTuple):
    """A value with what is to be said of it. `number`: the type of a number; texts are `str`."""

    position: int
    name: str
    doc: str
    tags: str
    number: str
    value: int | str

    @property
    def type(self) -> str:
        """`u32`, `u64`, `s32` or `str`."""
        return "str" if isinstance(self.value, str) else self.number

    def line(self, *, with_doc: bool) -> str:
        """The end of its line, from the position on."""
        doc = f':"{self.doc}"' if with_doc else ""
        return f"{self.position}.{self.name}.{PROCESS}:{self.tags}:{self.type}:{self.value}{doc}\n"

    def members(self) -> str:
        """The members of its JSON object; documentation is not among them, as in HAProxy."""
        return f"{_members(self.position, self.name, self.tags, self.type)}{json.dumps(self.value)}}}"


@cache
def _members(position: int, name: str, tags: str, kind: str) -> str:
    """What stands before the value. Kept, since it is the same for each object of a kind, and a worker waits."""
    origin, nature, scope = tuple(tags)
    told = {
        "field": {"pos": position, "name": name},
        "processNum": PROCESS,
        "tags": {"origin": ORIGINS[origin], "nature": NATURES[nature], "scope": SCOPES[scope]},
        "value": {"type": kind},
    }
    return json.dumps(told, separators=(",", ":"))[1:-2] + ',"value":'


class _Row(NamedTuple):
    """The object that a row of statistics is about, and its values."""

    kind: int
    iid: int
    sid: int
    values: list[Typed]


_IID, _SID, _TYPE = (next(at for at, f in enumerate(FIELDS) if f.name == name) for name in ("iid", "sid", "type"))


def stat_lines(rows: Iterable[Sequence[Value]], *, with_docs: bool = False) -> Iterator[str]:
    """`show stat typed`: a line for each value."""
    for row in map(_row, rows):
        place = f"{OBJECTS[row.kind][0]}.{row.iid}.{row.sid}."
        for value in row.values:
            yield place + value.line(with_doc=with_docs)


def stat_json(rows: Iterable[Sequence[Value]]) -> Iterator[str]:
    """`show stat json`: one array, of an array for each row, in pieces."""
    before = "["
    for row in rows:
        yield before + _row_json(_row(row))
        before = ","
    yield "]\n" if before == "," else "[]\n"


def _row_json(row: _Row) -> str:
    begin = f'{{"objType":"{OBJECTS[row.kind][1]}","proxyId":{row.iid},"id":{row.sid},'
    return "[" + ",".join([f"{begin}{value.members()}}}" for value in row.values]) + "]"


def info_lines(process: ProcessView, *, with_docs: bool = False) -> Iterator[str]:
    """`show info typed`."""
    return (value.line(with_doc=with_docs) for value in _info(process))


def info_json(process: ProcessView) -> str:
    """`show info json`."""
    return "[" + ",".join([f"{{{value.members()}}}" for value in _info(process)]) + "]\n"


def _row(row: Sequence[Value]) -> _Row:
    kind, iid, sid = (int(row[at] or 0) for at in (_TYPE, _IID, _SID))
    named = enumerate(zip(FIELDS, row, strict=True))
    return _Row(kind, iid, sid, [_value(at, field, value, kind) for at, (field, value) in named if value is not None])


def _value(position: int, field: Field, value: int | str, kind: int) -> Typed:
    tags, number = _COLUMNS.get(field.name, _KINDS[field.kind])
    return Typed(position, field.name, field.doc, _BY_OBJECT.get((field.name, kind), tags), number, value)


def _info(process: ProcessView) -> Iterator[Typed]:
    for position, field in enumerate(INFO):
        value = field.value(process)
        if value is not None:
            tags, number = _INFO.get(field.name, _INFO_DEFAULT)
            yield Typed(position, field.name, field.doc, tags, number, str(value) if number == "str" else value)
