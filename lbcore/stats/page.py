"""The statistics page as a step of a proxy's requests: who may see it, what they get, what they may change.

The step stands behind the `http-request` rules of its proxy and before its `redirect` lines, as in HAProxy. It answers
GET, HEAD and POST of targets that begin with `stats uri`. What is large is made while it is sent (`stream/pieces.py`).

Called by: the plans, through `Facts.stats_page`. No locks: figures are read as `views` says; changes go through
`States`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator

from lbcore.action.auth import PROXY_UNAUTHORIZED, UNAUTHORIZED, challenged
from lbcore.fetch.auth import credentials_of
from lbcore.http.auth import CHALLENGE, PROXY_CHALLENGE, basic
from lbcore.http.password import matches
from lbcore.http.reply import encode_value
from lbcore.proxy.proxy import Proxy
from lbcore.proxy.settings import ProxySettings, StatsPage
from lbcore.proxy.states import States
from lbcore.sample.build import Build
from lbcore.sample.points import Point
from lbcore.sample.words import wire
from lbcore.shim import lib
from lbcore.stats import csv
from lbcore.stats.asked import Asked, Form, read
from lbcore.stats.fields import select
from lbcore.stats.page_admin import BadForm, apply, is_foreign, outcome_of_form, read_form
from lbcore.stats.page_assets import assets
from lbcore.stats.page_html import POLICY, Look, live, page
from lbcore.stats.schema import SCHEMA
from lbcore.stats.typed import stat_json, stat_lines
from lbcore.stats.views import ProcessView
from lbcore.stream.message import Request
from lbcore.stream.pages import error_page, outcome_of
from lbcore.stream.pieces import SLICE, reply_of
from lbcore.stream.proxied import is_proxied
from lbcore.stream.rulelist import compile_rules
from lbcore.stream.rules import ACCEPT, GONE, Outcome, Reply, Wait
from lbcore.stream.txn import AT, Txn

APPLET = "<STATS>"  # what logs call the server that answered
REALM = "HAProxy Statistics"
_METHODS = frozenset({"GET", "HEAD", "POST"})
_PAUSE = Wait("pause", 1)
_FLAGS = AT["flags"]
_HTML = "text/html; charset=utf-8"
_PLAIN = "text/plain"
_JSON = "application/json"
_NO_CACHE = "cache-control: no-cache\r\n"
_GUARDS = f"content-security-policy: {POLICY}\r\nx-content-type-options: nosniff\r\nreferrer-policy: same-origin\r\n"

Waiting = Generator[Outcome, None, Outcome | None]


def make_stats_page(
    settings: ProxySettings, build: Build, point: Point, process: ProcessView, states: States
) -> Callable[[Txn], Waiting | None]:
    """The step that answers for the page of a proxy, whose requests it sees at `point`. None: not for the page.

    Raises BuildError, and OSError if the files of the page can't be read.
    """
    assert settings.stats is not None, "only proxies with a page have the step"
    assets()
    found = _Page(settings, settings.stats, build, point, process, states)
    prefix = found.prefix

    def run(t: Txn) -> Waiting | None:
        request = t.req
        assert request is not None, "a step of requests"
        if request.method not in _METHODS or not request.pathq.startswith(prefix):
            return None
        t.applet, t.kept = APPLET, True  # by its rules' replies, too
        return found.answer(t, request)

    return run


class _Page:
    """The page of one proxy. Shared by all threads and never changed."""

    def __init__(
        self,
        settings: ProxySettings,
        page: StatsPage,
        build: Build,
        point: Point,
        process: ProcessView,
        states: States,
    ) -> None:
        self._settings = settings
        self._page = page
        self._process = process
        self._states = states
        self._facts = build.facts()
        self.prefix = wire(page.uri)
        self._rules = compile_rules(page.rules, build, point=point) if page.rules else None
        self._admin = [held.make(build) for held in page.admin]
        self._challenge = basic(encode_value(wire(page.realm if page.realm is not None else REALM)))

    def answer(self, t: Txn, request: Request) -> Waiting:
        """What becomes of a request for the page."""
        if self._rules is not None:
            outcome = (yield from self._rules(t)) if self._rules.is_generator else self._rules(t)
            if outcome is not None and outcome is not ACCEPT:
                return outcome  # type: ignore[no-any-return]
        if self._page.users and not self._knows(credentials_of(t)):
            return self._ask(t, request)
        asked = read(request.pathq, self.prefix)
        admin = any(holds(t) for holds in self._admin)
        if request.method == "POST":
            return (yield from self._change(t, request, asked, admin))
        if asked.form is Form.ASSET:
            return self._asset(t, asked.asset)
        look = Look(self._page, asked, self._process, self._proxies(asked.scope), admin)
        kind, parts = FORMS[asked.form]
        return self._reply(t, 200, parts(look), kind, _NO_CACHE)

    # --- who may see it ---

    def _knows(self, credentials: tuple[str, str] | None) -> bool:
        if credentials is None:
            return False
        user, password = credentials
        kept = self._page.users.get(user)
        return kept is not None and matches(password, kept, plain=True)

    def _ask(self, t: Txn, request: Request) -> Outcome:
        proxied = is_proxied(t, request)
        status, name = (PROXY_UNAUTHORIZED, PROXY_CHALLENGE) if proxied else (UNAUTHORIZED, CHALLENGE)
        return outcome_of(status, challenged(error_page(t, status), name, self._challenge), "LR")

    def _proxies(self, scope: str = "") -> list[Proxy]:
        """Those that are shown: by `stats scope`, and by the `scope=` of a request."""
        names = {self._settings.name if name == "." else name for name in self._page.scope}
        part = scope.lower()
        return [
            proxy
            for proxy in self._facts.proxies()
            if (not names or proxy.name in names) and part in proxy.name.lower()
        ]

    # --- what they get ---

    def _asset(self, t: Txn, name: str) -> Outcome:
        found = assets().get(name)
        if found is None:
            return self._reply(t, 404, (), _PLAIN, _NO_CACHE)
        return self._reply(t, 200, [found.text], found.type, "cache-control: private, max-age=31536000, immutable\r\n")

    def _reply(self, t: Txn, status: int, parts: Iterable[str], kind: str, fields: str) -> Reply:
        own = t.frontend.settings is self._settings
        fields += f"content-type: {kind}\r\n{_GUARDS}"
        return reply_of(t, status, fields, parts, counted="intercepted" if own else "")

    # --- what they may change ---

    def _change(self, t: Txn, request: Request, asked: Asked, admin: bool) -> Waiting:
        if not admin or is_foreign(request):
            return self._back(t, asked, "DENY")
        if request.has_body and not request.whole_body:
            timeouts = self._settings.timeouts
            yield Wait("body", timeouts.http_request or timeouts.client or 0)
            if not request.whole_body:
                return self._incomplete(t, asked)
        try:
            form = read_form((request.body or b"").decode("latin-1"), self._proxies())
        except BadForm:
            return self._back(t, asked, "ERRP")
        if form is None:
            return self._back(t, asked, "NONE")
        done, until = 0, time.monotonic() + SLICE
        for changed in apply(form, self._states):
            done += changed
            if time.monotonic() > until:
                yield _PAUSE
                until = time.monotonic() + SLICE
        return self._back(t, asked, outcome_of_form(form, done))

    def _incomplete(self, t: Txn, asked: Asked) -> Outcome:
        """A body that did not come, or is too large."""
        flags = t.ask[_FLAGS]
        if flags & lib.ASK_F_EOF:
            return GONE
        if flags & lib.ASK_F_TIMEOUT:
            return outcome_of(408, error_page(t, 408), "cR", failure=True)
        return self._back(t, asked, "EXCD")

    def _back(self, t: Txn, asked: Asked, outcome: str) -> Reply:
        """Sends the reader back to the page, which tells what became of the form."""
        to = encode_value(asked.url(self.prefix, outcome=outcome))
        return self._reply(t, 303, (), _PLAIN, f"{_NO_CACHE}location: {to}\r\n")


def _csv(look: Look) -> Iterator[str]:
    yield csv.HEADER
    yield from map(csv.line, select(look.proxies, look.wanted))


FORMS: dict[Form, tuple[str, Callable[[Look], Iterator[str]]]] = {
    Form.CSV: (_PLAIN, _csv),
    Form.JSON: (_JSON, lambda look: stat_json(select(look.proxies, look.wanted))),
    Form.JSON_SCHEMA: (_JSON, lambda look: iter([SCHEMA])),
    Form.LIVE: (_JSON, live),
    Form.PAGE: (_HTML, page),
    Form.TYPED: (_PLAIN, lambda look: stat_lines(select(look.proxies, look.wanted))),
}
