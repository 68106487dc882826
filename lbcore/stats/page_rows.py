"""Rows of `fields` -> the cells of the statistics page: HAProxy's columns, and behind each what it tells in detail.

A cell is a text and a detail of lines, "" if there is none. Nothing is escaped here: whoever writes HTML does that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from lbcore.stats.fields import FIELDS, Value

_NAMES = tuple(field.name for field in FIELDS)
NONE = "-"
FRONTEND, BACKEND, SERVER, LISTENER = range(4)  # of the column "type"

Figures = dict[str, Any]  # a row by the names of its columns
Text = Callable[[Figures], str]


class Column(NamedTuple):
    """A column: the group that it stands in, its title, what its cells say, and what they say in detail."""

    group: str
    title: str
    text: Text
    detail: Text | None = None


class Row(NamedTuple):
    """What is shown of one object. `key` is its own on the page, `kind` the class that colours it."""

    key: str
    kind: str
    name: str
    cells: list[tuple[str, str]]


def figures(row: list[Value]) -> Figures:
    """A row by the names of its columns."""
    return dict(zip(_NAMES, row, strict=True))


def shown(found: Figures, columns: Iterable[Column]) -> Row:
    """What the page has of a row."""
    cells = [(column.text(found), column.detail(found) if column.detail is not None else "") for column in columns]
    return Row(f"{found['iid']}.{found['type']}.{found['sid']}", kind_of(found), str(found["svname"]), cells)


def kind_of(found: Figures) -> str:
    """The class of a row: `frontend`, `listener`, `backend`, or of a server its state."""
    if found["type"] != SERVER:
        return ("frontend", "backend", "", "listener")[found["type"]]
    return f"{'active' if found['act'] else 'backup'} {_state_of(str(found['status']))}"


def _state_of(status: str) -> str:
    word, _, progress = status.partition(" ")
    if word == "MAINT":
        return "maint"
    if word in ("DRAIN", "NOLB"):
        return "drain"
    if word == "no":
        return "unchecked"
    moving = "/" in progress
    if word == "UP":
        return "going-down" if moving else "up"
    return "going-up" if moving else "down"


# --- how values are written ---


def number(value: Value) -> str:
    """A figure with narrow blanks between groups of three digits, "" for none."""
    return "" if value is None else f"{value:,}".replace(",", "\u202f") if isinstance(value, int) else value


def duration(seconds: Value) -> str:
    """`3d4h`, `5m6s`: the two largest units."""
    if not isinstance(seconds, int) or seconds < 0:
        return "?"
    for size, unit, smaller, lower in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= size:
            return f"{seconds // size}{unit}{seconds % size // smaller}{lower}"
    return f"{seconds}s"


def _plain(name: str) -> Text:
    return lambda f: number(f[name])


def _limit(name: str) -> Text:
    """A limit of which there may be none."""
    return lambda f: number(f[name]) or NONE if f["type"] == SERVER else number(f[name])


def _rate_limit(f: Figures) -> str:
    return (number(f["rate_lim"]) if f["rate_lim"] else NONE) if f["type"] == FRONTEND else ""


def _last(f: Figures) -> str:
    return "" if f["lastsess"] is None else duration(f["lastsess"])


def _status(f: Figures) -> str:
    return f"{f['status']}" if f["lastchg"] is None else f"{duration(f['lastchg'])} {f['status']}"


def _last_check(f: Figures) -> str:
    status = f["check_status"]
    if not status:
        return ""
    code = f"/{f['check_code']}" if f["check_code"] is not None else ""
    took = f" in {f['check_duration']}ms" if f["check_duration"] is not None else ""
    return f"{status}{code}{took}"


def _weight(f: Figures) -> str:
    return "" if f["weight"] is None else f"{f['weight']}/{f['uweight']}"


def _role(name: str) -> Text:
    return lambda f: number(f[name]) if f["type"] != SERVER else "Y" if f[name] else NONE


def _downtime(f: Figures) -> str:
    return "" if f["downtime"] is None else duration(f["downtime"])


def _throttle(f: Figures) -> str:
    if f["type"] != SERVER:
        return ""
    return NONE if f["throttle"] is None else f"{f['throttle']}\u202f%"


# --- details ---


def _lines(f: Figures, *rows: tuple[str, str]) -> str:
    """`label: value` for each column that has a value."""
    return "\n".join(f"{label}: {number(f[name])}" for label, name in rows if f[name] is not None)


def _rates(f: Figures) -> str:
    rows = (
        ("Current connection rate", "conn_rate"),
        ("Current session rate", "rate"),
        ("Current request rate", "req_rate"),
    )
    return _lines(f, *rows) if f["type"] == FRONTEND else ""


def _top_rates(f: Figures) -> str:
    rows = (
        ("Max connection rate", "conn_rate_max"),
        ("Max session rate", "rate_max"),
        ("Max request rate", "req_rate_max"),
    )
    return _lines(f, *rows) if f["type"] == FRONTEND else ""


def _connections(f: Figures) -> str:
    if f["type"] != SERVER:
        return ""
    limits = ("Active connections limit", f["slim"]), ("Idle connections limit", f["src_ilim"])
    return "\n".join(
        (
            _lines(
                f,
                ("Current active connections", "scur"),
                ("Current used connections", "used_conn_cur"),
                ("Current idle connections", "srv_icur"),
                ("- unsafe", "idle_conn_cur"),
                ("- safe", "safe_conn_cur"),
                ("Estimated need of connections", "need_conn_est"),
            ),
            *(f"{label}: {number(value) or NONE}" for label, value in limits),
        )
    )


def _totals(f: Figures) -> str:
    if f["type"] == LISTENER:
        return ""
    parts = [
        _lines(f, ("Cum. connections", "conn_tot"), ("Cum. sessions", "stot"), ("New connections", "connect")),
        _reused(f),
        _lines(
            f,
            ("Cum. HTTP requests", "req_tot"),
            ("- HTTP 1xx responses", "hrsp_1xx"),
            ("- HTTP 2xx responses", "hrsp_2xx"),
            ("- HTTP 3xx responses", "hrsp_3xx"),
            ("- HTTP 4xx responses", "hrsp_4xx"),
            ("- HTTP 5xx responses", "hrsp_5xx"),
            ("- other responses", "hrsp_other"),
            ("Intercepted requests", "intercepted"),
            ("Cache lookups", "cache_lookups"),
            ("Cache hits", "cache_hits"),
            ("Failed header rewrites", "wrew"),
            ("Internal errors", "eint"),
        ),
        _times(f),
    ]
    return "\n".join(part for part in parts if part)


def _reused(f: Figures) -> str:
    if f["reuse"] is None:
        return ""
    every = f["connect"] + f["reuse"]
    return f"Reused connections: {number(f['reuse'])} ({100 * f['reuse'] // every if every else 0}%)"


def _times(f: Figures) -> str:
    if f["ttime"] is None:
        return ""
    kinds = ("Queue time", "qtime"), ("Connect time", "ctime"), ("Response time", "rtime"), ("Total time", "ttime")
    rows = (f"- {label}: {number(f[name + '_max'])} / {number(f[name])} ms" for label, name in kinds)
    return "\n".join(("Max / mean since the start:", *rows))


def _compression(f: Figures) -> str:
    if not (f["comp_in"] or f["comp_byp"]):
        return ""
    rows = ("Compression in", "comp_in"), ("Compression out", "comp_out"), ("Compression bypass", "comp_byp")
    return _lines(f, ("Response bytes", "bout"), *rows)


def _denied(f: Figures) -> str:
    return _lines(f, ("Denied connections", "dcon"), ("Denied sessions", "dses"))


def _aborts(f: Figures) -> str:
    if f["cli_abrt"] is None:
        return ""
    return f"Connection resets during transfers: {number(f['cli_abrt'])} client, {number(f['srv_abrt'])} server"


def _check_words(f: Figures) -> str:
    health = f"{f['check_desc']}: {f['last_chk']}" if f["last_chk"] else f["check_desc"] or ""
    if not f["agent_status"]:
        return str(health)
    agent = f"Agent: {f['agent_status']} {f['agent_desc'] or ''} {f['last_agt'] or ''}".rstrip()
    return f"{health}\n{agent}" if health else agent


def _tracking(f: Figures) -> str:
    return f"Tracks {f['tracked']}" if f["tracked"] else ""


def _failures(f: Figures) -> str:
    observed = f"\nFailures seen by observing: {f['hanafail']}" if f["hanafail"] is not None else ""
    return f"Failed health checks{observed}" if f["chkfail"] is not None else ""


def legend(f: Figures) -> str:
    """What `stats show-legends` adds to a name."""
    facts = [("mode", f["mode"]), ("id", f["sid"] or f["iid"]), ("address", f["addr"]), ("protocol", f["proto"])]
    facts += [("cookie", f["cookie"]), ("algorithm", f["algo"])]
    return "\n".join(f"{label}: {value}" for label, value in facts if value is not None)


def _modules(f: Figures) -> str:
    return "HTTP" if f["type"] == FRONTEND else ""


def _module_details(f: Figures) -> str:
    return _lines(
        f,
        ("HTTP/1 sessions", "h1sess"),
        ("HTTP/2 sessions", "h2sess"),
        ("HTTP/3 sessions", "h3sess"),
        ("Other sessions", "sess_other"),
        ("HTTP/1 requests", "h1req"),
        ("HTTP/2 requests", "h2req"),
        ("HTTP/3 requests", "h3req"),
        ("Other requests", "req_other"),
    )


COLUMNS = (
    Column("Queue", "Cur", _plain("qcur")),
    Column("Queue", "Max", _plain("qmax")),
    Column("Queue", "Limit", _limit("qlimit")),
    Column("Session rate", "Cur", _plain("rate"), _rates),
    Column("Session rate", "Max", _plain("rate_max"), _top_rates),
    Column("Session rate", "Limit", _rate_limit),
    Column("Sessions", "Cur", _plain("scur"), _connections),
    Column("Sessions", "Max", _plain("smax")),
    Column("Sessions", "Limit", _limit("slim")),
    Column("Sessions", "Total", _plain("stot"), _totals),
    Column("Sessions", "LbTot", _plain("lbtot")),
    Column("Sessions", "Last", _last),
    Column("Bytes", "In", _plain("bin")),
    Column("Bytes", "Out", _plain("bout"), _compression),
    Column("Denied", "Req", _plain("dreq"), _denied),
    Column("Denied", "Resp", _plain("dresp")),
    Column("Errors", "Req", _plain("ereq")),
    Column("Errors", "Conn", _plain("econ")),
    Column("Errors", "Resp", _plain("eresp"), _aborts),
    Column("Warnings", "Retr", _plain("wretr")),
    Column("Warnings", "Redis", _plain("wredis")),
    Column("Server", "Status", _status, _tracking),
    Column("Server", "LastChk", _last_check, _check_words),
    Column("Server", "Wght", _weight),
    Column("Server", "Act", _role("act")),
    Column("Server", "Bck", _role("bck")),
    Column("Server", "Chk", _plain("chkfail"), _failures),
    Column("Server", "Dwn", _plain("chkdown")),
    Column("Server", "Dwntme", _downtime),
    Column("Server", "Thrtle", _throttle),
)
MODULES = Column("Extra", "Modules", _modules, _module_details)
