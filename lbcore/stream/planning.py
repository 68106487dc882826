"""Settings of proxies -> their plans: everything that rules decide is compiled here, once, when a balancer is built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lbcore.event.engine import Engine
from lbcore.proxy.proxy import Proxy
from lbcore.proxy.settings import ProxySettings, TraceFilter
from lbcore.sample.build import Build
from lbcore.sample.points import Point
from lbcore.shim import lib
from lbcore.stream.buffering import make_buffering
from lbcore.stream.captures import make_cookie_capture, make_request_captures, make_response_captures
from lbcore.stream.cookies import make_persist_rules, make_request_cookie, make_response_cookie
from lbcore.stream.limit import Limit, find_limit, without
from lbcore.stream.monitor import make_monitor
from lbcore.stream.pages import prepare_pages
from lbcore.stream.plan import BackendPlan, FrontendPlan, Step, chain, way
from lbcore.stream.proxyheader import expects_headers, make_tell
from lbcore.stream.restrict import make_restrict
from lbcore.stream.rulelist import compile_rules, compile_use_backend, compile_use_server
from lbcore.stream.rules import Outcome, RuleLists, Ruleset
from lbcore.stream.slots import make_late_captures
from lbcore.stream.sticking import make_sticking, make_storing
from lbcore.stream.txn import AT, Txn
from lbcore.stream.unique_id import make_unique_id_header
from lbcore.stream.world import Builder, World

CONN, CONTENT, REQUEST = 1 << lib.ASK_CONN, 1 << lib.ASK_CONTENT, 1 << lib.ASK_REQUEST
RESPONSE, RES_CONTENT, LOCAL = 1 << lib.ASK_RESPONSE, 1 << lib.ASK_RES_CONTENT, 1 << lib.ASK_LOCAL
SESSION = 1 << lib.ASK_SESSION

NO_RULES = RuleLists()


class Planner:
    """Compiles the plans of one balancer. Raises BuildError where a name can't be resolved, which the check of the
    configuration finds before."""

    def __init__(self, world: World, proxies: Iterable[Proxy], engine: Engine | None = None) -> None:
        """`engine`: the one that is given the limits of frontends; None: all rules are Python's."""
        self._world = world
        self._engine = engine
        self._proxies = list(proxies)
        self.builders = {proxy.name: Builder(world, proxy.name, proxy.settings.acls) for proxy in self._proxies}
        self.backends: dict[int, BackendPlan] = {}
        self._limits: list[Limit] = []  # they hear of changes of their ACLs
        self.tracing: Any = None  # lbcore.stream.trace.Tracing of `filter trace` lines; None: there is none
        self._tracers: dict[int, list[Any]] = {}  # by backend: what sees its requests last

    def plans(
        self, wants_txn: Callable[[ProxySettings], bool], wants_response: Callable[[ProxySettings], bool]
    ) -> Mapping[int, FrontendPlan]:
        """The plans of all frontends by their numbers. `wants_txn` says of which the log needs the transaction,
        `wants_response` of which it needs the response's head."""
        for proxy in self._proxies:
            if proxy.backend is not None:
                self.backends[proxy.backend.index] = self._backend(proxy)
        found = {}
        for proxy in self._proxies:
            if proxy.frontend is not None:
                keeps = wants_txn(proxy.settings)
                plan = self._frontend(proxy, self._limited(proxy, keeps=keeps), keeps=keeps)
                if plan.http and wants_response(proxy.settings):
                    plan.asks |= REQUEST | RESPONSE
                found[proxy.frontend.index] = plan
        return found

    def _backend(self, proxy: Proxy) -> BackendPlan:
        settings, build = proxy.settings, self.builders[proxy.name]
        rules: RuleLists = settings.rules or NO_RULES
        plan = BackendPlan(proxy.backend, makes_pages=prepare_pages(settings, build) is not None)
        plan.inspect_delay = rules.inspect_delay or 0
        plan.res_inspect_delay = rules.response_inspect_delay or 0
        plan.persist = make_persist_rules(settings, build)
        plan.stick = make_sticking(settings, build)
        plan.store = make_storing(settings, build)
        if rules.use_server:
            plan.choose_server = compile_use_server(rules.use_server, build)
        plan.key = _key(proxy.backend, build)
        tracers = self._traced(proxy, "backend")
        if tracers and proxy.backend is not None:
            self._tracers[proxy.backend.index] = tracers
        begin = [one.begin for one in tracers]
        content = chain([*begin, _list(rules, Ruleset.TCP_CONTENT, build, Point.BE_CONTENT)])
        if settings.mode == "http":
            requests = _requests(settings, rules, build, Point.BE_REQ_HDR)
            plan.request = chain([content, make_buffering(settings), *requests, make_restrict(settings)])
            plan.request_cookie = make_request_cookie(settings, build)
            plan.cookie = make_response_cookie(settings)
            plan.res_content = _content_of_responses(rules, build)
            plan.response = _list(rules, Ruleset.HTTP_RESPONSE, build, Point.BE_RES_HDR)
            plan.after = _list(rules, Ruleset.HTTP_AFTER, build, Point.BE_RES_HDR)
            plan.decides = any(step is not None for step in (plan.persist, plan.request, plan.choose_server))
        else:
            plan.content = content
            plan.res_content = _list(rules, Ruleset.TCP_RESPONSE, build, Point.BE_RES_CONTENT)
        plan.tell = make_tell(proxy.backend, build)
        plan.source = _source(proxy.backend, build)
        plan.pool_name = _pool_name(proxy.backend, build)
        plan.asks = _backend_asks(plan)
        return plan

    def _limited(self, proxy: Proxy, *, keeps: bool) -> RuleLists:
        """The rules of a frontend, but those that the shim does from now on. Cookies, and whatever else a log tells of
        what was refused, are Python's to find."""
        settings, build = proxy.settings, self.builders[proxy.name]
        rules: RuleLists = settings.rules or NO_RULES
        cookies = any(backend.request_cookie is not None for backend in self.backends.values())
        if self._engine is None:
            return rules
        found = find_limit(settings, build, keeps=keeps, refuses=not keeps and not cookies)
        if found is None:
            return rules
        assert proxy.frontend is not None, "as above"
        self._limits.append(Limit(self._engine.handle, proxy.frontend.index, found, build))
        self._world.limits[proxy.frontend.index] = found
        return without(rules, found.rules)

    def _frontend(self, proxy: Proxy, rules: RuleLists, *, keeps: bool) -> FrontendPlan:
        settings, build = proxy.settings, self.builders[proxy.name]
        assert proxy.frontend is not None, "only those with a frontend are asked for"
        plan = FrontendPlan(proxy.frontend, settings.mode == "http", keeps=keeps, backends=self.backends)
        plan.makes_pages = prepare_pages(settings, build) is not None
        plan.inspect_delay = rules.inspect_delay or 0
        plan.default = self._default(proxy)
        plan.connection = _list(rules, Ruleset.TCP_CONNECTION, build, Point.FE_CONN)
        plan.session = _list(rules, Ruleset.TCP_SESSION, build, Point.FE_SESS)
        if not expects_headers(settings):  # one question will do
            plan.connection, plan.session = chain([plan.connection, plan.session]), None
        if rules.use_backend:
            plan.choose = compile_use_backend(rules.use_backend, build)
        tracers = self._traced(proxy, "frontend")
        content = chain([*(one.begin for one in tracers), _list(rules, Ruleset.TCP_CONTENT, build, Point.FE_CONTENT)])
        plan.own = proxy.backend.index if proxy.backend is not None else -1
        if plan.http:
            plan.counts_late = content is not None
            late = make_late_captures(settings)
            if late is not None:
                self._world.captures[proxy.frontend.index] = late
            plan.request = chain(
                [
                    content,
                    _count_request if content is not None else None,
                    make_monitor(settings, build),
                    make_request_captures(settings),
                    make_buffering(settings),
                    *_requests(settings, rules, build, Point.FE_REQ_HDR),
                    make_restrict(settings),
                ]
            )
            plan.cookie = make_cookie_capture(settings)
            plan.captures = make_response_captures(settings)
            self._set_late(plan, settings, build, tracers)
            told = self.tracing.response if self.tracing is not None else None
            plan.response = chain([_list(rules, Ruleset.HTTP_RESPONSE, build, Point.FE_RES_HDR), told])
            plan.after = _list(rules, Ruleset.HTTP_AFTER, build, Point.FE_RES_HDR)
            plan.decide = way(plan)
        else:
            plan.content = content
            plan.res_content = _list(rules, Ruleset.TCP_RESPONSE, build, Point.FE_RES_CONTENT)
            plan.res_inspect_delay = rules.response_inspect_delay or 0
            if rules.switches:
                plan.switches = True
                self._set_late(plan, settings, build, tracers)
                plan.decide = way(plan)
        plan.asks = _frontend_asks(plan)
        return plan

    def _traced(self, proxy: Proxy, side: str) -> list[Any]:
        """The `filter trace` lines of a proxy, for streams that come to this side of it."""
        if not any(isinstance(one, TraceFilter) for one in proxy.settings.filters):
            return []
        if self.tracing is None:
            from lbcore.stream.trace import Tracing  # few have such a filter

            self.tracing = Tracing()
        found: list[Any] = self.tracing.of(proxy.settings, side)
        return found

    def _set_late(self, plan: FrontendPlan, settings: ProxySettings, build: Build, tracers: Sequence[Any]) -> None:
        """What is done to a request behind all rules, for each backend that it may come to."""
        header = make_unique_id_header(settings, build)
        for index, backend in self.backends.items():
            other: ProxySettings = backend.backend.settings
            if other.mode != "http":
                continue
            theirs = self.builders[other.name]
            last = [plan.cookie, backend.request_cookie, backend.stick, backend.key, *_told(backend)]
            told = [one.request for one in (*tracers, *self._tracers.get(index, ()))]
            late = chain([header, *_forwarding(settings, other, theirs), *last, *told])
            if late is not None:
                plan.late[index] = late

    def _default(self, proxy: Proxy) -> BackendPlan | None:
        name = proxy.settings.default_backend
        if name is not None:
            return self.backends[self._world.backends_by_name[name].index]
        return self.backends[proxy.backend.index] if proxy.backend is not None else None


def _forwarding(frontend: ProxySettings, backend: ProxySettings, build: Build) -> list[Step | None]:
    """The steps that tell a server whom it serves."""
    if backend.forwarded is None and backend.originalto is None and frontend.originalto is None:
        return []
    from lbcore.stream.forwarded import make_forwarded, make_originalto  # slow to load, and few have such an option

    return [make_forwarded(backend, build), make_originalto(frontend, backend)]


def _key(backend: Any, build: Build) -> Callable[[Txn], None] | None:
    """What tells the shim by what servers of a backend are found, if it needs to be told."""
    if not backend.settings.balance.is_asked:
        return None
    from lbcore.stream.balance import make_balance_key  # slow to load, and few need it

    return make_balance_key(backend, build)


def _source(backend: Any, build: Build) -> Callable[[Txn], None] | None:
    """What tells the shim whose address servers of a backend are to see, if a field of the request has it."""
    if not any(server.usesrc is not None and server.usesrc.kind == "hdr_ip" for server in backend.servers):
        return None
    from lbcore.stream.source import make_source  # few need it

    return make_source(backend, build)


def _told(plan: BackendPlan) -> tuple[Step | None, ...]:
    """What the shim is told of a request for its connection to a server."""
    return plan.tell, plan.source, plan.pool_name


def _pool_name(backend: Any, build: Build) -> Callable[[Txn], None] | None:
    """What tells the shim by which names idle connections of a backend's servers are used again, if any has names."""
    if all(server.settings.pool_conn_name is None for server in backend.servers):
        return None
    from lbcore.stream.poolname import make_pool_name  # few need it

    return make_pool_name(backend, build)


def _list(rules: RuleLists, ruleset: Ruleset, build: Build, point: Point) -> Step | None:
    found = rules.of(ruleset)
    return compile_rules(found, build, point=point) if found else None


def _content_of_responses(rules: RuleLists, build: Build) -> Step | None:
    """The rules of `tcp-response content` as the first step of a response in mode http.

    HAProxy looks at them as soon as the server is connected, unless there is time to wait for the response: without
    `inspect-delay` they see none.
    """
    step = _list(rules, Ruleset.TCP_RESPONSE, build, Point.BE_RES_CONTENT)
    if step is None or rules.response_inspect_delay:
        return step

    def run(t: Txn) -> Outcome | None:
        response, t.res = t.res, None
        outcome: Outcome | None = step(t)
        t.res = response
        return outcome

    return run


def _count_request(t: Txn) -> None:
    """What `tcp-request content` has let pass is a request; from here on it counts as one."""
    ask = t.ask
    if ask[AT["flow"]]:  # else it is only explained
        lib.eng_flow_request(t.worker.engine.handle, t.worker.tid, ask[AT["flow"]], ask[AT["gen"]])


def _requests(settings: ProxySettings, rules: RuleLists, build: Build, point: Point) -> list[Step | None]:
    """The rules of a request; the statistics page comes after all of `http-request`, lines of `redirect` after that.

    `rules`: those of the proxy that are Python's.
    """
    stats = build.facts().stats_page(settings, build, point) if settings.stats is not None else None
    redirects = compile_rules(rules.redirects, build, point=point) if rules.redirects else None
    return [_list(rules, Ruleset.HTTP_REQUEST, build, point), stats, redirects]


def _backend_asks(plan: BackendPlan) -> int:
    """What a stream of this backend has to be asked about."""
    asks = 0
    before = (plan.request, plan.choose_server, plan.content, plan.persist)
    behind = (plan.stick, plan.key, *_told(plan))
    if any(step is not None for step in (*before, *behind)):
        asks |= REQUEST | CONTENT
    if any(step is not None for step in (plan.response, plan.after, plan.cookie, plan.res_content, plan.store)):
        asks |= REQUEST | RESPONSE
    if plan.after is not None or plan.makes_pages:
        asks |= LOCAL
    if plan.res_content is not None or plan.store is not None:
        asks |= CONTENT | RES_CONTENT
    return asks


def _frontend_asks(plan: FrontendPlan) -> int:
    """What the frontend has to ask: for itself, and for the backends that its streams may come to."""
    asks = CONN if plan.connection is not None else 0
    asks |= SESSION if plan.session is not None else 0
    reachable = plan.backends.values() if plan.choose is not None else [plan.default] if plan.default else []
    for backend in reachable:
        asks |= backend.asks & (REQUEST | CONTENT)
        asks |= REQUEST if backend.backend.index in plan.late else 0
    if plan.keeps or plan.switches or plan.request is not None or plan.content is not None or plan.choose is not None:
        asks |= REQUEST | CONTENT
    if plan.response is not None or plan.after is not None or plan.captures is not None:
        asks |= REQUEST | RESPONSE
    if plan.after is not None or plan.makes_pages:
        asks |= LOCAL
    if plan.res_content is not None:
        asks |= CONTENT | RES_CONTENT
    unasked: int = CONTENT if plan.http else 0 if plan.switches else REQUEST | RESPONSE
    return asks & ~unasked | (CONTENT if plan.counts_late else 0)
