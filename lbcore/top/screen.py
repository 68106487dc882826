"""A sample as lines of text that fit a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from lbcore.top.sample import Row, Sample

KINDS = ("frontend", "backend", "server", "listener")
KEYS = "q ends  up/down, page: scroll  s: sort  v: what is shown  p: pause"
BOLD, DIM, REVERSE, RED, GREEN, YELLOW, PLAIN = (f"\x1b[{code}m" for code in (1, 2, 7, 31, 32, 33, 0))


class View(Enum):
    """Which rows are shown."""

    ALL = "everything"
    PROXIES = "frontends and backends"
    SERVERS = "servers"
    TROUBLE = "what is not up"


class Column(NamedTuple):
    """A column: its title, its width, what it shows of a row with its rates, what rows are sorted by (most first)."""

    title: str
    width: int
    show: Callable[[Row, Rates], str]
    order: Callable[[Row, Rates], float]


@dataclass(frozen=True, slots=True)
class Rates:
    """Growth in a second, by row: bytes from clients and to them, errors, requests."""

    bytes_in: dict[tuple[str, str], float]
    bytes_out: dict[tuple[str, str], float]
    errors: dict[tuple[str, str], float]
    requests: dict[tuple[str, str], float]


@lru_cache(maxsize=1)
def rates_of(sample: Sample) -> Rates:
    """Those since the sample before. Found once for all looks at a sample: keys are answered at once, however many
    servers there are."""
    errors: dict[tuple[str, str], float] = {}
    for column in ("ereq", "econ", "eresp", "hrsp_5xx"):
        for key, value in sample.rates(column).items():
            errors[key] = errors.get(key, 0.0) + value
    return Rates(sample.rates("bin"), sample.rates("bout"), errors, sample.rates("req_tot"))


@dataclass(slots=True)
class Look:
    """How somebody wants to see it: what they chose with the keys."""

    view: View = View.ALL
    sort: int = -1  # a column; -1: the order of the configuration
    first: int = 0  # rows that are scrolled past
    paused: bool = False

    def turn_view(self) -> None:
        """The next view."""
        views = list(View)
        self.view = views[(views.index(self.view) + 1) % len(views)]
        self.first = 0

    def turn_sort(self) -> None:
        """Sorts by the next column; behind the last one by none."""
        self.sort = self.sort + 1 if self.sort + 1 < len(COLUMNS) else -1


def size(number: float) -> str:
    """A number with at most four digits and a unit: 999, 1.2k, 45M."""
    for unit in ("", "k", "M", "G", "T"):
        if abs(number) < 999.5 or unit == "T":
            break
        number /= 1000
    return f"{number:.1f}{unit}" if unit and abs(number) < 9.95 else f"{number:.0f}{unit}"


def printable(text: str) -> str:
    """Names as a terminal may have them: what would move its cursor is shown as `?`."""
    return "".join(char if char.isprintable() else "?" for char in text)


def rows_of(sample: Sample, look: Look, rates: Rates) -> list[Row]:
    """The rows that are to be seen, in their order."""
    shown = [row for row in sample.rows if _VIEWS[look.view](row)]
    if look.sort >= 0:
        order = COLUMNS[look.sort].order
        shown.sort(key=lambda row: order(row, rates), reverse=True)
    return shown


def lines(sample: Sample, look: Look, width: int, height: int) -> list[str]:
    """The screen: at most `height` lines, none wider than `width` characters (colours aside)."""
    rates = rates_of(sample)
    rows = rows_of(sample, look, rates)
    room = max(1, height - 4)
    look.first = max(0, min(look.first, len(rows) - room))
    name = max(12, width - sum(column.width + 1 for column in COLUMNS))
    shown = rows[look.first : look.first + room]
    body = [_row(row, rates, name, width) for row in shown]
    place = f"{look.first + 1}-{look.first + len(shown)} of {len(rows)}" if rows else "nothing"
    foot = f"{place}: {look.view.value}{', paused' if look.paused else ''}   {KEYS}"
    return [*_head(sample, width), _titles(look, name, width), *body, f"{DIM}{foot[:width]}{PLAIN}"][:height]


def _head(sample: Sample, width: int) -> list[str]:
    info = sample.info
    node = f"{info.get('node', '')} " if info.get("node") else ""
    first = (
        f"{info.get('Name', '')} {info.get('Version', '')}  {node}pid {info.get('Pid', '')}  "
        f"threads {info.get('Nbthread', '')}  up {info.get('Uptime', '')}  idle {info.get('Idle_pct', '')}%"
    )
    second = (
        f"connections {info.get('CurrConns', '')}/{info.get('Maxconn', '')}  {info.get('ConnRate', '')}/s  "
        f"sessions {info.get('SessRate', '')}/s  requests {info.get('CumReq', '')}  tasks {info.get('Tasks', '')}  "
        f"run queue {info.get('Run_queue', '')}  logs dropped {info.get('DroppedLogs', '')}"
    )
    return [f"{BOLD}{printable(first)[:width]}{PLAIN}", printable(second)[:width]]


def _titles(look: Look, name: int, width: int) -> str:
    titles = [
        f"{'*' if place == look.sort else ''}{column.title}".rjust(column.width) for place, column in enumerate(COLUMNS)
    ]
    return f"{REVERSE}{' '.join(['name'.ljust(name), *titles])[:width]}{PLAIN}"


def _row(row: Row, rates: Rates, name: int, width: int) -> str:
    proxy, own = row.key
    label = proxy if row.kind in (0, 1) else f"  {own}"
    label = printable(f"{label} {'(in)' if row.kind == 0 else '(out)' if row.kind == 1 else ''}".rstrip())
    cells = [column.show(row, rates)[: column.width].rjust(column.width) for column in COLUMNS]
    text = " ".join([label[:name].ljust(name), *cells])[:width]
    colour = _colour(row)
    return f"{colour}{text}{PLAIN}" if colour else text


def _colour(row: Row) -> str:
    status = row.text("status")
    if status.startswith("DOWN") or status == "STOP":
        return RED
    if status.startswith(("MAINT", "DRAIN", "NOLB", "FULL", "PAUSED", "UP ")) or row.number("qcur"):
        return YELLOW
    return BOLD if row.kind in (0, 1) else ""


def _in_trouble(row: Row) -> bool:
    status = row.text("status")
    return not (status in ("UP", "OPEN", "no check", "") or status.startswith("UP "))


_VIEWS: dict[View, Callable[[Row], bool]] = {
    View.ALL: lambda row: True,
    View.PROXIES: lambda row: row.kind in (0, 1),
    View.SERVERS: lambda row: row.kind == 2,
    View.TROUBLE: _in_trouble,
}


def _count(title: str, width: int, column: str) -> Column:
    """A column of a figure as it is."""
    return Column(title, width, lambda row, _: size(row.number(column)), lambda row, _: row.number(column))


def _growth(title: str, width: int, of: Callable[[Rates], dict[tuple[str, str], float]]) -> Column:
    """A column of what was counted in a second."""
    return Column(
        title, width, lambda row, rates: size(of(rates).get(row.key, 0)), lambda row, rates: of(rates).get(row.key, 0)
    )


def _sessions(row: Row, _: Rates) -> str:
    limit = row.text("slim")
    return f"{size(row.number('scur'))}/{size(int(limit))}" if limit.isdecimal() else size(row.number("scur"))


def _status(row: Row, _: Rates) -> str:
    return printable(row.text("status"))


def _check(row: Row, _: Rates) -> str:
    return printable(row.text("check_status"))


COLUMNS: Sequence[Column] = (
    Column("status", 9, _status, lambda row, _: float(_in_trouble(row))),
    _count("queue", 5, "qcur"),
    Column("sessions", 10, _sessions, lambda row, _: row.number("scur")),
    _count("sess/s", 6, "rate"),
    _growth("req/s", 6, lambda rates: rates.requests),
    _growth("in/s", 6, lambda rates: rates.bytes_in),
    _growth("out/s", 6, lambda rates: rates.bytes_out),
    _growth("err/s", 5, lambda rates: rates.errors),
    _count("ms", 5, "rtime"),
    _count("weight", 6, "weight"),
    Column("check", 7, _check, lambda row, _: row.number("chkfail")),
)


def plain(text: Iterable[str]) -> str:
    """Lines without colours, for a file or a pipe."""
    joined = "\n".join(text)
    for code in (BOLD, DIM, REVERSE, RED, GREEN, YELLOW, PLAIN):
        joined = joined.replace(code, "")
    return f"{joined}\n"
