"""Statistics and facts with their types, as lines or as JSON (management guide 9.3, "show stat", "show info").

A value is `<tags>:<type>:<value>`. The tags are three letters: where it comes from, what it is, what it is about. A
column has them by its kind, unless its row in `_COLUMNS` says otherwise; a line of `show info` unless `_INFO` does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import Final, NamedTuple

from lbcore.stats.fields import FIELDS, Field, Kind, Value
from lbcore.stats.info import INFO, text_of
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
# Lines that have other tags as floats.
_INFO_EXACT: Final = dict.fromkeys(("SslFrontendKeyRate", "SslFrontendSessionReuse_pct"), ("MRP", "flt"))


class Tagged(NamedTuple):
    """What is said of a value. `type`: `u32`, `u64`, `s32`, `flt` or `str`."""

    position: int
    name: str
    doc: str
    tags: str
    type: str

    def before(self) -> str:
        """What stands before the value in its line, from the position on."""
        return f"{self.position}.{self.name}.{PROCESS}:{self.tags}:{self.type}:"

    def after(self, *, with_doc: bool) -> str:
        """What stands behind it, with the line end."""
        return f':"{self.doc}"\n' if with_doc else "\n"

    def members(self) -> str:
        """The members of its JSON object, up to the value; documentation is not among them, as in HAProxy."""
        origin, nature, scope = tuple(self.tags)
        told = {
            "field": {"pos": self.position, "name": self.name},
            "processNum": PROCESS,
            "tags": {"origin": ORIGINS[origin], "nature": NATURES[nature], "scope": SCOPES[scope]},
            "value": {"type": self.type},
        }
        return _dumped(told)[1:-2] + ',"value":'


_IID, _SID, _TYPE = (next(at for at, f in enumerate(FIELDS) if f.name == name) for name in ("iid", "sid", "type"))


def stat_lines(rows: Iterable[Sequence[Value]], *, with_docs: bool = False) -> Iterator[str]:
    """`show stat typed`: a line for each value, those of a row at a time."""
    for row in rows:
        shape = _shape_of(row)
        form = shape.documented if with_docs else shape.lines
        place = f"{OBJECTS[_kind(row)][0]}.{row[_IID] or 0}.{row[_SID] or 0}."
        yield form.replace(_OBJECT, place) % tuple([row[at] for at in shape.places])


def stat_json(rows: Iterable[Sequence[Value]]) -> Iterator[str]:
    """`show stat json`: one array, of an array for each row, in pieces."""
    before = "["
    for row in rows:
        yield before + _row_json(row)
        before = ","
    yield "]\n" if before == "," else "[]\n"


def _row_json(row: Sequence[Value]) -> str:
    shape = _shape_of(row)
    begin = f'"objType":"{OBJECTS[_kind(row)][1]}","proxyId":{row[_IID] or 0},"id":{row[_SID] or 0}'
    values: list[Value] = [row[at] for at in shape.places]
    for at in shape.texts:
        values[at] = json.dumps(values[at])
    return shape.json.replace(_OBJECT, begin) % tuple(values)


def _kind(row: Sequence[Value]) -> int:
    return int(row[_TYPE] or 0)


_OBJECT: Final = "\0"  # stands in forms for what tells the object


class _Shape(NamedTuple):
    """What rows have in common that are of the same kind of object, and have a value in the same columns: each of their
    outputs as a format for the values. That is some ten times faster than to make the text of each value."""

    places: tuple[int, ...]  # of the columns that have a value
    texts: tuple[int, ...]  # which of these are texts
    lines: str
    documented: str
    json: str


def _shape_of(row: Sequence[Value]) -> _Shape:
    return _shape(_kind(row), tuple(map(type, row)))


@lru_cache(maxsize=1024)
def _shape(kind: int, types: tuple[type, ...]) -> _Shape:
    given = zip(count(), FIELDS, types)
    cells = [_tagged(at, field, of, kind) for at, field, of in given if of is not type(None)]
    return _Shape(
        tuple(cell.position for cell in cells),
        tuple(at for at, cell in enumerate(cells) if cell.type == "str"),
        "".join([_line_form(cell, with_doc=False) for cell in cells]),
        "".join([_line_form(cell, with_doc=True) for cell in cells]),
        "[" + ",".join([f"{{{_OBJECT},{_literal(cell.members())}%s}}}}" for cell in cells]) + "]",
    )


def _line_form(cell: Tagged, *, with_doc: bool) -> str:
    return f"{_OBJECT}{_literal(cell.before())}%s{_literal(cell.after(with_doc=with_doc))}"


def _literal(text: str) -> str:
    """A text as a part of a format."""
    return text.replace("%", "%%")


def _tagged(position: int, field: Field, of: type, kind: int) -> Tagged:
    tags, number = _COLUMNS.get(field.name, _KINDS[field.kind])
    tags = _BY_OBJECT.get((field.name, kind), tags)
    return Tagged(position, field.name, field.doc, tags, "str" if issubclass(of, str) else number)


def info_lines(process: ProcessView, *, with_docs: bool = False, exact: bool = False) -> Iterator[str]:
    """`show info typed`, or `show info float typed`."""
    return (f"{cell.before()}{text}{cell.after(with_doc=with_docs)}" for cell, text in _info(process, exact))


def info_json(process: ProcessView, *, exact: bool = False) -> str:
    """`show info json`, or `show info float json`."""
    cells = [f"{{{cell.members()}{_json_of(cell, text)}}}}}" for cell, text in _info(process, exact)]
    return "[" + ",".join(cells) + "]\n"


def _json_of(cell: Tagged, text: str) -> str:
    return json.dumps(text) if cell.type == "str" else text


def _info(process: ProcessView, exact: bool) -> Iterator[tuple[Tagged, str]]:
    for position, field in enumerate(INFO):
        value = field.told(process, exact=exact)
        if value is not None:
            tags, number = _INFO.get(field.name, _INFO_DEFAULT)
            if isinstance(value, float):
                tags, number = _INFO_EXACT.get(field.name, (tags, "flt"))
            kind = "str" if isinstance(value, str) else number
            yield Tagged(position, field.name, field.doc, tags, kind), text_of(value)


def _dumped(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
