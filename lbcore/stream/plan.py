"""What is decided for the streams of a frontend and of a backend, in which order, compiled when a balancer is built.

A step is a function of the transaction. It returns None or ACCEPT to let the next one go on, another outcome to end the
stream's way; one that may have to wait is a generator that yields what it waits for. One that waits only where it is
the last for its stream may return such a generator instead: streams that never come to it do not pay. The order of
steps is HAProxy's:

    frontend, request    tcp-request content, monitor-uri, captures, body, http-request, stats, redirect, names,
                         use_backend
    backend, request     tcp-request content, body, http-request, stats, redirect, names, use-server
    both, request        the fields that options add, cookies, stick rules, what the server is found by
    response             tcp-response content, stick rules, captures, backend's http-response, frontend's http-response,
                         cookie, backend's http-after-response, frontend's http-after-response

Plans are shared by all threads and never change once built.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lbcore.stream.rules import ACCEPT, Outcome
from lbcore.stream.txn import Txn

Step = Callable[[Txn], Any]  # an outcome or None, or a generator of waits that returns one
Waiting = Generator[Outcome, None, Outcome | None]


def waits(step: Step | None) -> bool:
    """Whether a step is a generator."""
    return step is not None and inspect.isgeneratorfunction(step)


def chain(steps: Iterable[Step | None]) -> Step | None:
    """The steps one after the other as one; None if there are none."""
    found = [step for step in steps if step is not None]
    if not found:
        return None
    if len(found) == 1:
        return found[0]
    return _waiting_chain(found) if any(waits(step) for step in found) else _plain_chain(found)


def _plain_chain(steps: Sequence[Step]) -> Step:
    if len(steps) == 2:
        return _pair(*steps)

    def run(t: Txn) -> Outcome | None:
        for step in steps:
            outcome: Outcome | None = step(t)
            if outcome is not None and outcome is not ACCEPT:
                return outcome
        return None

    return run


def _pair(first: Step, second: Step) -> Step:
    def run(t: Txn) -> Outcome | None:
        outcome: Outcome | None = first(t)
        return second(t) if outcome is None or outcome is ACCEPT else outcome

    return run


def _waiting_chain(steps: Sequence[Step]) -> Step:
    marked = [(step, waits(step)) for step in steps]

    def run(t: Txn) -> Waiting:
        for step, generator in marked:
            outcome = (yield from step(t)) if generator else step(t)
            if outcome is not None and outcome is not ACCEPT:
                return outcome  # type: ignore[no-any-return]
        return None

    return run


@dataclass(slots=True)
class BackendPlan:
    """A backend's decisions. `asks` are the questions it needs besides the frontend's (bits 1 << ASK_*)."""

    backend: Any  # lbcore.proxy.backend.Backend
    asks: int = 0
    content: Step | None = None  # mode tcp: tcp-request content
    request: Step | None = None
    response: Step | None = None
    res_content: Step | None = None  # tcp-response content
    after: Step | None = None
    cookie: Step | None = None  # of responses, behind all rules
    tell: Callable[[Txn], None] | None = None  # what PROXY headers tell of a stream, behind all rules of a request
    source: Callable[[Txn], None] | None = None  # whose address servers are to see, where a field of the request has it
    pool_name: Callable[[Txn], None] | None = None  # by which names idle connections may serve it
    request_cookie: Callable[[Txn], None] | None = None
    stick: Callable[[Txn], None] | None = None  # requests: behind cookies
    store: Step | None = None  # stick rules: of responses, before their rules; in mode tcp behind them
    persist: Callable[[Txn], None] | None = None  # force-persist, ignore-persist: before all rules
    choose_server: Callable[[Txn], Any] | None = None
    decides: bool = True  # mode http: it has `persist`, `request` or `choose_server`
    key: Callable[[Txn], None] | None = None  # tells by what its server is found: behind all rules
    makes_pages: bool = False  # some of its error pages are made for each stream
    inspect_delay: int = 0
    res_inspect_delay: int = 0


@dataclass(slots=True)
class FrontendPlan:
    """A frontend's decisions, and the backends that they may lead to."""

    frontend: Any  # lbcore.proxy.frontend.Frontend
    http: bool
    asks: int = 0
    default: BackendPlan | None = None
    connection: Step | None = None  # tcp-request connection, and session unless headers come between the two
    session: Step | None = None  # tcp-request session, if they do
    content: Step | None = None  # mode tcp
    request: Step | None = None
    response: Step | None = None
    res_content: Step | None = None
    after: Step | None = None
    choose: Callable[[Txn], Any] | None = None  # use_backend: a Backend, None: the default one
    inspect_delay: int = 0
    res_inspect_delay: int = 0
    own: int = -1  # number of the backend of the same `listen` section, whose rules are these: they run once
    keeps: bool = False  # the transaction is wanted when the stream ends
    counts_late: bool = False  # mode http: tcp-request content comes before a request counts as one
    switches: bool = False  # mode tcp: some connections go on in mode http
    backends: dict[int, BackendPlan] = field(default_factory=dict)  # by number, shared by all plans
    cookie: Callable[[Txn], None] | None = None  # captures a cookie of requests, behind all rules
    captures: Step | None = None  # of responses
    makes_pages: bool = False  # as in BackendPlan
    late: dict[int, Step] = field(default_factory=dict)  # by backend: what is done to requests behind all rules
    answered: set[int] = field(default_factory=set)  # numbers of backends whose responses are decided about
    decide: Step | None = None  # all of a request: see way()

    def chosen(self, t: Txn) -> BackendPlan | None:
        """The backend that the rules name, or the default one."""
        if self.choose is not None:
            backend = self.choose(t)
            if backend is not None:
                return self.backends[backend.index]
        return self.default


def way(plan: FrontendPlan) -> Step:
    """The whole of a request's decisions: the frontend's, the choice of a backend, the backend's own."""
    steps = [plan.request, *(backend.request for backend in plan.backends.values())]
    return _waiting_way(plan) if any(waits(step) for step in steps) else _plain_way(plan)


def _plain_way(plan: FrontendPlan) -> Step:
    request, choose, own, behind = plan.request, plan.choose, plan.own, plan.late
    default, backends = plan.default, plan.backends

    def run(t: Txn) -> Outcome | None:
        if request is not None:
            outcome: Outcome | None = request(t)
            if outcome is not None and outcome is not ACCEPT:
                return outcome
        backend = None if choose is None else choose(t)
        found = default if backend is None else backends[backend.index]
        if found is None:
            return None
        t.backend = found.backend
        if not (found.decides or behind):
            return None
        if found.persist is not None:
            found.persist(t)
        step = found.request
        if step is not None and found.backend.index != own:
            outcome = step(t)
            if outcome is not None and outcome is not ACCEPT:
                return outcome
        if found.choose_server is not None and t.server is None:
            t.server = found.choose_server(t)
        late = behind.get(found.backend.index)
        return None if late is None else late(t)

    return run


def _waiting_way(plan: FrontendPlan) -> Step:
    first = waits(plan.request)
    later = {index: waits(backend.request) for index, backend in plan.backends.items()}

    def run(t: Txn) -> Waiting:
        request = plan.request
        if request is not None:
            outcome = (yield from request(t)) if first else request(t)
            if outcome is not None and outcome is not ACCEPT:
                return outcome  # type: ignore[no-any-return]
        found = plan.chosen(t)
        if found is None:
            return None
        t.backend = found.backend
        if found.persist is not None:
            found.persist(t)
        step = found.request
        if step is not None and found.backend.index != plan.own:
            outcome = (yield from step(t)) if later[found.backend.index] else step(t)
            if outcome is not None and outcome is not ACCEPT:
                return outcome  # type: ignore[no-any-return]
        if found.choose_server is not None and t.server is None:
            t.server = found.choose_server(t)
        late = plan.late.get(found.backend.index)
        return None if late is None else late(t)

    return run
