"""The statistics page as HTML, and as what its script asks for again and again.

All that comes from outside is escaped, in text and in attributes alike; the page has no script and no style inside, so
that its Content-Security-Policy forbids both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import NamedTuple

from lbcore.proxy.settings import StatsPage
from lbcore.stats.asked import OUTCOMES, Asked, Form
from lbcore.stats.fields import Selection, select
from lbcore.stats.info import uptime_text
from lbcore.stats.page_admin import ACTIONS
from lbcore.stats.page_assets import asset_url
from lbcore.stats.page_rows import COLUMNS, MODULES, SERVER, Column, Figures, Row, figures, legend, number, shown
from lbcore.stats.views import ProcessView, ProxyView
from lbcore.version import __version__

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_LEGEND = (
    ("active up", "active UP"),
    ("active going-down", "active UP, going down"),
    ("active going-up", "active DOWN, going up"),
    ("backup up", "backup UP"),
    ("backup going-down", "backup UP, going down"),
    ("backup going-up", "backup DOWN, going up"),
    ("active down", "active or backup DOWN"),
    ("active unchecked", "not checked"),
    ("active maint", "DOWN for maintenance (MAINT)"),
    ("active drain", "no new clients (DRAIN, NOLB)"),
)


class Look(NamedTuple):
    """What one request is shown: the page's settings, what it asks for, the objects, and whether it may change them."""

    settings: StatsPage
    asked: Asked
    process: ProcessView
    proxies: Sequence[ProxyView]
    admin: bool

    @property
    def columns(self) -> tuple[Column, ...]:
        return (*COLUMNS, MODULES) if self.settings.modules else COLUMNS

    @property
    def wanted(self) -> Selection:
        """Which rows."""
        return Selection(hide_maint=self.asked.no_maint, hide_down=self.asked.up, legends=self.settings.legends)

    @property
    def refresh(self) -> int:
        """Seconds from one look to the next, 0: none."""
        return 0 if self.asked.norefresh else self.settings.refresh

    def url(self, *, form: Form = Form.PAGE, **changes: object) -> str:
        """The target of another look, for an attribute."""
        return escape(self.asked.url(self.settings.uri, form=form, **changes))


# --- what the script asks for ---


def live(look: Look) -> Iterator[str]:
    """The figures of a page as JSON: texts of the process, cells by the keys of rows, sums for the plots."""
    head = {"process": {key: text for key, _, text in _facts(look.process)}}
    yield json.dumps(head)[:-1] + ',"rows":{'
    comma = ""
    for proxy in look.proxies:
        for row in select([proxy], look.wanted):
            made = shown(figures(row), look.columns)
            cells = [[text, detail] if detail else text for text, detail in made.cells]
            yield f"{comma}{json.dumps(made.key)}:{json.dumps([made.kind, cells], separators=(',', ':'))}"
            comma = ","
    yield '},"plots":'
    comma = "["
    for proxy in look.proxies:
        yield comma + json.dumps(_sums(proxy))
        comma = ","
    yield "]}" if look.proxies else "[]}"


def _sums(proxy: ProxyView) -> dict[str, object]:
    """What plots are drawn from: the script takes differences over time."""
    found: dict[str, object] = {"id": proxy.iid, "name": proxy.name}
    if proxy.frontend is not None:
        counters = proxy.frontend.counters
        found["front"] = [counters.cum_sess, counters.cum_req, counters.bytes_in, counters.bytes_out]
        found["sessions"] = proxy.frontend.cur_conn
    if proxy.backend is not None:
        counters = proxy.backend.counters
        found["back"] = [counters.cum_sess, counters.time_n, counters.q_time, counters.c_time, counters.d_time]
        found["queue"] = proxy.backend.queue
        found.setdefault("sessions", proxy.backend.cur_sess)
    return found


# --- the page ---


def page(look: Look) -> Iterator[str]:
    """The pieces of the page, none of them of more than one object."""
    yield _head(look)
    yield _top(look)
    if look.asked.outcome:
        good, text = OUTCOMES[look.asked.outcome]
        away = f'<a href="{look.url()}" title="Remove this message">[X]</a>'
        yield f'<p class="outcome {"good" if good else "bad"}" role="status">{away} {escape(text)}</p>\n'
    yield _plots()
    for proxy in look.proxies:
        yield from _proxy(look, proxy)
    yield "</main>\n</body></html>\n"


def _head(look: Look) -> str:
    prefix = look.settings.uri
    again = f'<noscript><meta http-equiv="refresh" content="{look.refresh}"></noscript>\n' if look.refresh else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<title>{escape(_title(look))}</title>\n'
        f'<link rel="stylesheet" href="{escape(asset_url(prefix, "uplot.css"))}">\n'
        f'<link rel="stylesheet" href="{escape(asset_url(prefix, "page.css"))}">\n{again}'
        f'<script defer src="{escape(asset_url(prefix, "uplot.js"))}"></script>\n'
        f'<script defer src="{escape(asset_url(prefix, "page.js"))}"></script>\n'
        f'</head>\n<body data-live="{look.url(form=Form.LIVE)}" data-refresh="{look.refresh}">\n'
    )


def _title(look: Look) -> str:
    node = f" on {look.settings.node or look.process.node}" if look.settings.show_node else ""
    return f"Statistics Report{node}"


def _top(look: Look) -> str:
    settings, process = look.settings, look.process
    version = "" if settings.hide_version else f" version {process.version}, lbcore {__version__}"
    node = f" on {escape(settings.node or process.node)}" if settings.show_node else ""
    told = f": {escape(settings.description)}" if settings.description is not None else ""
    facts = "".join(
        f'<div><dt>{label}</dt><dd id="p-{key}">{escape(text)}</dd></div>' for key, label, text in _facts(process)
    )
    colours = "".join(f'<li class="{kind}">{text}</li>' for kind, text in _LEGEND)
    return (
        f"<header><h1>HAProxy{escape(version)}</h1>\n<h2>Statistics Report for pid {process.pid}{node}{told}</h2>\n"
        f'<dl class="facts">{facts}</dl>\n{_options(look)}'
        f'<details class="legend"><summary>Colours</summary><ul>{colours}</ul></details></header>\n<main>\n'
    )


def _facts(process: ProcessView) -> Iterator[tuple[str, str, str]]:
    """Key, label and text of each fact about the process."""
    yield "uptime", "uptime", uptime_text(process.uptime)
    yield "threads", "threads", number(process.nbthread)
    yield "memmax", "memmax", f"{process.memmax_mb} MB" if process.memmax_mb else "unlimited"
    yield "ulimit", "ulimit-n", number(process.ulimit_n)
    yield "maxconn", "maxconn", number(process.maxconn)
    yield "conns", "current conns", number(process.cur_conns)
    yield "pipes", "current pipes", f"{process.pipes_used}/{process.pipes_used + process.pipes_free}"
    yield "connrate", "conn rate", f"{number(process.conn_rate)}/s"
    yield "sessrate", "session rate", f"{number(process.sess_rate)}/s"
    yield "bytes", "bytes out", number(process.bytes_out)
    yield "tasks", "running tasks", f"{process.run_queue}/{process.tasks}"
    yield "idle", "idle", f"{process.idle_pct} %"


def _options(look: Look) -> str:
    asked, links = look.asked, []
    links.append((look.url(up=not asked.up), "Show all servers" if asked.up else "Hide 'DOWN' servers"))
    links.append((look.url(no_maint=not asked.no_maint), f"{'Show' if asked.no_maint else 'Hide'} 'MAINT' servers"))
    if look.settings.refresh:
        links.append((look.url(norefresh=not asked.norefresh), f"{'En' if asked.norefresh else 'Dis'}able refresh"))
    links.append((look.url(), "Refresh now"))
    links.append((look.url(form=Form.CSV), "CSV export"))
    links.append((look.url(form=Form.JSON), "JSON export"))
    listed = "".join(f'<li><a href="{url}">{escape(text)}</a></li>' for url, text in links)
    # Without a script the form would lose what stands behind a "?" of the page's own URL.
    hidden = " hidden" if "?" in look.settings.uri else ""
    scope = (
        f'<li><form method="get" action="{look.url(scope="")}" id="scope"{hidden}><label>Scope: '
        f'<input name="scope" size="8" maxlength="20" value="{escape(asked.scope)}"></label></form></li>'
    )
    button = '<li><button type="button" id="live" hidden>Live</button></li>'
    return f'<nav aria-label="Display options"><ul>{scope}{listed}{button}</ul></nav>\n'


def _plots() -> str:
    boxes = "".join(f'<figure><figcaption>{title}</figcaption><div id="plot-{key}"></div></figure>' for key, title in (
        ("rates", "Sessions and requests a second"),
        ("queues", "Sessions and queue"),
        ("times", "Milliseconds: queue, connect, response"),
    ))  # fmt: skip
    chosen = '<label>Plots of <select id="plot-of"></select></label>'
    return f'<section id="plots" aria-label="Plots" hidden>{chosen}<div class="plots">{boxes}</div></section>\n'


def _proxy(look: Look, proxy: ProxyView) -> Iterator[str]:
    """A table, in a form if its servers may be changed."""
    forms = look.admin and proxy.backend is not None and any(True for _ in proxy.backend.servers)
    name = escape(proxy.name)
    yield f'<section class="proxy" id="{name}">\n<h3><a href="#{name}">{name}</a></h3>\n'
    if forms:
        yield f'<form method="post" action="{look.url()}"><input type="hidden" name="b" value="#{proxy.iid}">\n'
    yield f'<div class="wide"><table>\n{_table_head(look.columns, forms)}<tbody>\n'
    for row in select([proxy], look.wanted):
        found = figures(row)
        yield _line(shown(found, look.columns), found, look, forms)
    yield "</tbody></table></div>\n"
    if forms:
        yield f"{_actions()}</form>\n"
    yield "</section>\n"


def _table_head(columns: Sequence[Column], forms: bool) -> str:
    box = '<th rowspan="2"><input type="checkbox" class="all" aria-label="all servers" hidden></th>' if forms else ""
    groups = "".join(
        f'<th colspan="{len(list(members))}" scope="colgroup">{group}</th>'
        for group, members in groupby(columns, lambda column: column.group)
    )
    titles = "".join(f'<th scope="col">{column.title}</th>' for column in columns)
    return f'<thead><tr>{box}<th rowspan="2"></th>{groups}</tr><tr>{titles}</tr></thead>'


def _line(row: Row, found: Figures, look: Look, forms: bool) -> str:
    name = escape(row.name)
    title = f' title="{escape(legend(found))}"' if look.settings.legends else ""
    mark = f'<input type="checkbox" name="s" value="{name}" aria-label="{name}">' if found["type"] == SERVER else ""
    box = f"<td>{mark}</td>" if forms else ""
    cells = "".join(
        f'<td title="{escape(detail)}">{escape(text)}</td>' if detail else f"<td>{escape(text)}</td>"
        for text, detail in row.cells
    )
    return f'<tr id="{row.key}" class="{row.kind}">{box}<th scope="row"{title}>{name}</th>{cells}</tr>\n'


def _actions() -> str:
    offered = "".join(f'<option value="{action.word}">{action.label}</option>' for action in ACTIONS if action.label)
    return (
        '<p class="actions"><label>Choose the action to perform on the checked servers: '
        f'<select name="action"><option value=""></option>{offered}</select></label> '
        '<button type="submit">Apply</button></p>'
    )
