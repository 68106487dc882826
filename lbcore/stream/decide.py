"""Questions of the shim -> transactions -> rules -> verdicts (native/include/ask.h).

A worker gets the questions of a turn in one batch, and gives all verdicts back with its next poll. What a transaction
must remember between questions stays in the worker's own tables: streams by their number until their record comes,
sessions by theirs until the connection ends, but only those whose configuration needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter_ns
from typing import Any

from lbcore.event.crew import Crew
from lbcore.event.worker import Worker
from lbcore.http.pages import PAGES, message
from lbcore.sample.points import Point
from lbcore.shim import ffi, lib
from lbcore.stream.message import END, Request, Response
from lbcore.stream.pages import error_page
from lbcore.stream.plan import BackendPlan, FrontendPlan, Step, chain, waits
from lbcore.stream.proxyheader import tlvs_of
from lbcore.stream.records import record_layout
from lbcore.stream.rulelist import failed_rule
from lbcore.stream.rules import ACCEPT, Accept, Close, Outcome, Reply, SwitchMode, Wait
from lbcore.stream.txn import ASK, AT, SESSIONS, Txn, World

STREAMS = "streams"  # worker.local: number of a stream -> Txn

KIND, FLAGS, FLOW, GEN, UNIQ = AT["kind"], AT["flags"], AT["flow"], AT["gen"], AT["uniq"]
SESSION, FRONTEND, BACKEND, SERVER = AT["session"], AT["frontend"], AT["backend"], AT["server"]
TEXT, LEN, BODY, BODY_LEN, BODY_SIZE = AT["text"], AT["len"], AT["body"], AT["body_len"], AT["body_size"]
METHOD_LEN, TARGET_LEN = AT["method_len"], AT["target_len"]

AGAIN, TIMEOUT, EOF, FULL = lib.ASK_F_AGAIN, lib.ASK_F_TIMEOUT, lib.ASK_F_EOF, lib.ASK_F_FULL
PROXY = lib.ASK_F_PROXY
HAS_BODY, BODY_END, EARLY = lib.ASK_F_BODY, lib.ASK_F_BODY_END, lib.ASK_F_EARLY

VERDICT, _PLACES = record_layout("lb_verdict")
assert list(_PLACES) == [
    "flow", "gen", "action", "flags", "backend", "server", "ms", "bytes", "len", "status", "term",
], _PLACES  # fmt: skip
_pack = VERDICT.pack

FE_REQ_HDR = int(Point.FE_REQ_HDR)
ASK_RESPONSE, STICKY, CLOSES, FORCE = lib.V_F_ASK_RESPONSE, lib.V_F_STICKY, lib.V_F_CLOSE, lib.V_F_FORCE
HEARS_SERVER = 1 << lib.ASK_RES_CONTENT
FORWARD, TELL, TELL_CONN, NO_TR = lib.V_FORWARD, lib.V_F_TELL, lib.V_F_TELL_CONN, lib.V_F_NO_TR
ADDS, MORE = lib.V_F_ADDS, lib.V_F_MORE
NO_TERM = b"\0\0"
_PAGE_500 = next(message(page) for page in PAGES if page.status == 500)
_CLOSES = {"close": lib.V_CLOSE, "reset": lib.V_RESET, "drop": lib.V_DROP}
_WAITS = {"pause": lib.V_PAUSE, "body": lib.V_BODY, "data": lib.V_WAIT}


class Decider:
    """Answers the questions of all workers. Built before they start; afterwards only read."""

    def __init__(self, crew: Crew, world: World, plans: Mapping[int, FrontendPlan]) -> None:
        self._world = world
        self._plans = dict(plans)
        self._report = crew.report
        self._engine = crew.engine
        self._answers: dict[int, Answer] = {
            lib.ASK_CONN: self._connection,
            lib.ASK_SESSION: self._session,
            lib.ASK_CONTENT: self._content,
            lib.ASK_REQUEST: self._request,
            lib.ASK_RESPONSE: self._response,
            lib.ASK_RES_CONTENT: self._res_content,
            lib.ASK_LOCAL: self._local,
            lib.ASK_PIECE: self._piece,
        }
        self._responses: dict[tuple[int, int], tuple[Step | None, Step | None]] = {}
        crew.hooks.add(self._begin, self._end)
        crew.handlers[lib.EV_ASK] = self._asked
        if crew.engine.profiled:
            self._answers = {kind: _measured(answer) for kind, answer in self._answers.items()}
        crew.handlers[lib.EV_SESSION_END] = self._session_end
        for plan in self._plans.values():
            for number, backend in [(-1, None), *plan.backends.items()]:
                steps = self._responses[plan.frontend.index, number] = _response_steps(plan, backend)
                if steps != (None, None):
                    plan.answered.add(number)

    @staticmethod
    def _begin(worker: Worker) -> None:
        worker.local[STREAMS] = {}
        worker.local[SESSIONS] = {}

    @staticmethod
    def _end(worker: Worker) -> None:
        del worker.local[STREAMS], worker.local[SESSIONS]

    @staticmethod
    def _session_end(worker: Worker, event: Any) -> None:
        worker.local[SESSIONS].pop(event.handle, None)

    def _asked(self, worker: Worker, event: Any) -> None:
        text = str(ffi.buffer(ffi.cast("char *", event.handle), event.arg), "latin-1") if event.arg else ""
        answers, out = self._answers, worker.verdicts
        for ask in ASK.iter_unpack(ffi.buffer(event.data, event.len * ASK.size)):
            try:
                out.append(answers[ask[KIND]](worker, ask, text))
            except Exception as error:  # noqa: BLE001 - a rule that fails must not take others along
                out.append(self._failed(worker, ask, error))

    def _failed(self, worker: Worker, ask: tuple[Any, ...], error: Exception) -> bytes:
        """A mistake of ours: told, counted, and the stream ends with 500."""
        rule = failed_rule(error)
        if rule is not None:
            error.add_note(f"in the rule at {rule.file}:{rule.line}")
        self._report(error)
        lib.eng_count(self._engine.handle, worker.tid, 0, ask[FRONTEND], lib.CNT_INTERNAL_ERRORS)
        t = worker.local[STREAMS].get(ask[UNIQ])
        flags = TELL if t is not None else 0
        if ask[KIND] in (lib.ASK_REQUEST, lib.ASK_RESPONSE):
            return _verdict(ask, lib.V_REPLY, flags, _PAGE_500, status=500, term=b"IR")
        return _verdict(ask, FORWARD if ask[KIND] == lib.ASK_LOCAL else lib.V_CLOSE, flags, term=b"IR")

    # --- sessions and transactions ---

    def _keep(self, worker: Worker, t: Txn) -> int:
        """Has the transaction, and what its session remembers, found again; the flags that a verdict needs for it."""
        flags = 0
        if t.kept:
            worker.local[STREAMS][t.ask[UNIQ]] = t
            flags = TELL
            if t.ask[FLAGS] & PROXY:
                tlvs_of(t)
        if t.met and t.session.remembers:
            session = t.session.origin or t.session
            worker.local[SESSIONS][session.number] = session
            flags |= TELL_CONN
        return flags

    # --- connections ---

    def _connection(self, worker: Worker, ask: tuple[Any, ...], text: str) -> bytes:
        plan = self._plans[ask[FRONTEND]]
        t = Txn(self._world, worker, ask)
        t.point = Point.FE_CONN
        return self._connection_verdict(worker, t, plan.connection(t) if plan.connection is not None else None)

    def _session(self, worker: Worker, ask: tuple[Any, ...], text: str) -> bytes:
        plan = self._plans[ask[FRONTEND]]
        t = Txn(self._world, worker, ask)
        t.session.shake(ask)
        t.point = Point.FE_SESS
        return self._connection_verdict(worker, t, plan.session(t) if plan.session is not None else None)

    def _connection_verdict(self, worker: Worker, t: Txn, outcome: Outcome | None) -> bytes:
        flags = self._keep(worker, t)
        if isinstance(outcome, Close):
            self._count(worker, outcome.counted, t)
            return _closing(t.ask, outcome, flags)
        return _verdict(t.ask, FORWARD, flags | t.expects)

    # --- mode http ---

    def _request(self, worker: Worker, ask: tuple[Any, ...], text: str) -> bytes:
        plan = self._plans[ask[FRONTEND]]
        step = plan.decide
        assert step is not None, "no frontend asks without a plan"
        flags = ask[FLAGS]
        if flags & AGAIN:
            t = worker.local[STREAMS][ask[UNIQ]]
            t.ask = ask
            _take_body(t.req, ask, text)
            return self._request_verdict(worker, plan, t, self._resume(t))
        t = (_switched(worker, ask) if plan.switches else None) or Txn(self._world, worker, ask)
        at = ask[TEXT]
        t.req = req = Request(text[at : at + ask[LEN]], ask[METHOD_LEN], ask[TARGET_LEN])
        if flags & HAS_BODY:
            req.has_body = True
            req.body_size = ask[BODY_SIZE]
            if ask[BODY_LEN]:  # of one that is only explained; the shim is asked for it (eng_flow_body)
                _take_body(req, ask, text)
        if plan.keeps:
            t.kept = True
        t.point = FE_REQ_HDR
        outcome = step(t)
        if outcome is not None and not isinstance(outcome, Outcome):
            t.resume = outcome
            outcome = self._resume(t)
        return self._request_verdict(worker, plan, t, outcome)

    def _request_verdict(self, worker: Worker, plan: FrontendPlan, t: Txn, outcome: Outcome | None) -> bytes:
        if outcome is not None and not isinstance(outcome, Accept):
            return self._finish(worker, t, outcome)
        backend, server, req = t.backend, t.server, t.req
        assert req is not None
        number = backend.index if backend is not None else -1
        flags = 0
        if number in plan.answered:
            t.kept = True
            flags = ASK_RESPONSE
        if t.kept or t.met:
            flags |= self._keep(worker, t)
        if server is not None and t.sticky is server:
            flags |= STICKY
        if t.forced:
            flags |= FORCE
        if t.no_retry:
            flags |= lib.V_F_NO_RETRY
        ask, head = t.ask, b""
        if req.changed:
            more, head = _changed(req)
            flags |= more
        chosen = server.index if server is not None else -1
        return _pack(ask[FLOW], ask[GEN], FORWARD, flags, number, chosen, 0, 0, len(head), 0, NO_TERM) + head

    def _response(self, worker: Worker, ask: tuple[Any, ...], text: str) -> bytes:
        t: Txn | None = worker.local[STREAMS].get(ask[UNIQ])
        if t is None:  # nobody kept it: only log or rules of this response need one
            t = Txn(self._world, worker, ask)
        t.ask = ask
        if ask[FLAGS] & AGAIN:
            _take_body(t.res, ask, text)
            return self._response_verdict(worker, t, self._resume(t))
        at = ask[TEXT]
        t.respond()
        t.res = res = Response.parse(text[at : at + ask[LEN]])
        res.has_body = bool(ask[FLAGS] & HAS_BODY)
        res.body_size = ask[BODY_SIZE]
        if ask[BODY_LEN]:
            _take_body(res, ask, text)
        t.status = res.status
        t.strict = True
        world = self._world
        t.backend = world.backends.get(ask[BACKEND])
        t.server = world.servers.get(ask[SERVER])
        t.point = Point.BE_RES_HDR
        step = self._responses[ask[FRONTEND], ask[BACKEND]][0]
        outcome: Any = None
        if step is not None:
            outcome = step(t)
            if outcome is not None and not isinstance(outcome, Outcome):
                t.resume = outcome
                outcome = self._resume(t)
        return self._response_verdict(worker, t, outcome)

    def _response_verdict(self, worker: Worker, t: Txn, outcome: Outcome | None) -> bytes:
        if outcome is not None and not isinstance(outcome, Accept):
            return self._finish(worker, t, outcome)
        ask, res = t.ask, t.res
        assert res is not None
        after = self._responses[ask[FRONTEND], ask[BACKEND]][1]
        if after is not None:
            after(t)
        flags = self._keep(worker, t) | (CLOSES if t.closes else 0)
        head = b""
        if res.changed:
            more, head = _changed(res)
            flags |= more
        return _verdict(ask, FORWARD, flags, head)

    def _local(self, worker: Worker, ask: tuple[Any, ...], text: str) -> bytes:
        """A page of the shim's own: its proxy may have another one, and it goes through http-after-response."""
        number = ask[BACKEND]
        plan = self._plans[ask[FRONTEND]]
        after = self._responses[ask[FRONTEND], number][1]
        backend = plan.backends.get(number)
        makes = plan.makes_pages or (backend is not None and backend.makes_pages)
        if ask[FLAGS] & EARLY or not ask[LEN] or not (after or makes):
            return _verdict(ask, FORWARD, 0)
        t = worker.local[STREAMS].get(ask[UNIQ]) or Txn(self._world, worker, ask)
        t.ask = ask
        t.backend = self._world.backends.get(number)
        t.status = status = ask[AT["status"]]
        page = text[ask[TEXT] : ask[TEXT] + ask[LEN]]
        if makes:
            made = error_page(t, status)
            page = made.head + str(made.body, "latin-1")
        action, flags, whole = self._page(worker, t, page, after)
        return _verdict(ask, action, flags, whole, status=t.status)

    def _page(self, worker: Worker, t: Txn, page: str, after: Step | None) -> tuple[int, int, bytes]:
        """Action, flags and text of the verdict that answers with a page, "" for none."""
        if not page:
            return lib.V_CLOSE, self._keep(worker, t), b""
        cut = page.find(END + END) + 4
        t.respond()
        t.res = Response.parse(page[:cut])
        t.closes = False
        if after is not None:
            after(t)
        flags = self._keep(worker, t) | (CLOSES if t.closes else 0)
        return lib.V_REPLY, flags, (t.res.head() + page[cut:]).encode("latin-1")

    def _resume(self, t: Txn) -> Outcome | None:
        """Lets rules that waited go on: what they wait for now, or what they came to."""
        try:
            outcome: Outcome = next(t.resume)
        except StopIteration as end:
            t.resume = None
            found: Outcome | None = end.value
            if found is None or isinstance(found, Outcome):
                return found
            t.resume = found  # the last step goes on by itself
            return self._resume(t)
        t.kept = True
        return outcome

    # --- mode tcp ---

    def _content(self, worker: Worker, ask: tuple[Any, ...], text: str) -> bytes:
        plan = self._plans[ask[FRONTEND]]
        t = worker.local[STREAMS].get(ask[UNIQ]) or Txn(self._world, worker, ask)
        t.ask = ask
        t.kept = True
        t.point = Point.FE_CONTENT
        delay = plan.inspect_delay
        _take_data(t, ask, text, delay)
        outcome = plan.content(t) if plan.content is not None else None
        if isinstance(outcome, Wait):
            return self._wait(worker, t, outcome, delay)
        if outcome is None or outcome is ACCEPT:
            found = plan.chosen(t)
            if found is not None:
                t.backend = found.backend
                if found.persist is not None:
                    found.persist(t)
                t.point = Point.BE_CONTENT
                _take_data(t, ask, text, found.inspect_delay)
                mine = found.content is not None and found.backend.index != plan.own
                outcome = found.content(t) if mine and found.content is not None else None
                if isinstance(outcome, Wait):
                    return self._wait(worker, t, outcome, found.inspect_delay)
        if isinstance(outcome, SwitchMode):
            worker.local[STREAMS].pop(t.uniq, None)  # to the shim the request is another stream
            (t.session.origin or t.session).switched = t
            t.kept = False
            return _verdict(ask, lib.V_HTTP, self._keep(worker, t))
        if outcome is not None and outcome is not ACCEPT:
            return self._finish(worker, t, outcome)
        if found is not None:
            _towards_server(found, t)
        number = t.backend.index if t.backend is not None else -1
        server = t.server.index if t.server is not None else -1
        flags = self._keep(worker, t) | (FORCE if t.forced else 0) | (STICKY if t.sticky is not None else 0)
        if plan.res_content is not None or (found is not None and found.asks & HEARS_SERVER):
            flags |= lib.V_F_ASK_RESPONSE
        return _pack(ask[FLOW], ask[GEN], FORWARD, flags, number, server, 0, 0, 0, 0, NO_TERM)

    def _res_content(self, worker: Worker, ask: tuple[Any, ...], text: str) -> bytes:
        plan = self._plans[ask[FRONTEND]]
        t = worker.local[STREAMS].get(ask[UNIQ]) or Txn(self._world, worker, ask)
        t.ask = ask
        t.kept = True
        t.respond()
        t.point = Point.BE_RES_CONTENT
        backend = plan.backends.get(ask[BACKEND])
        t.backend = self._world.backends.get(ask[BACKEND])
        t.server = self._world.servers.get(ask[SERVER])
        for side in (backend, plan):
            if side is None or side.res_content is None or (side is plan and ask[BACKEND] == plan.own):
                continue
            _take_data(t, ask, text, side.res_inspect_delay)
            outcome = side.res_content(t)
            if isinstance(outcome, Wait):
                return self._wait(worker, t, outcome, side.res_inspect_delay)
            if outcome is not None and outcome is not ACCEPT:
                return self._finish(worker, t, outcome)
        if backend is not None and backend.store is not None:
            _take_data(t, ask, text, 0)
            backend.store(t)
        return _verdict(ask, FORWARD, self._keep(worker, t))

    def _wait(self, worker: Worker, t: Txn, outcome: Wait, delay: int) -> bytes:
        t.kept = True
        ms = outcome.ms
        if outcome.what == "data":
            since = (t.ask[AT["now_us"]] - t.session.accept_us) // 1000
            ms = max(1, delay - since) if delay else 0
        return _verdict(t.ask, _WAITS[outcome.what], self._keep(worker, t), ms=ms)

    # --- ends ---

    def _finish(self, worker: Worker, t: Txn, outcome: Outcome) -> bytes:
        """The verdict of an outcome that is not simply to go on."""
        ask = t.ask
        if isinstance(outcome, Wait):
            flags = self._keep(worker, t)
            return _verdict(ask, _WAITS[outcome.what], flags, ms=outcome.ms, size=outcome.bytes, of=t.backend)
        if isinstance(outcome, Close):
            self._count(worker, outcome.counted, t)
            return _closing(ask, outcome, self._keep(worker, t), t.backend)
        assert isinstance(outcome, Reply), outcome
        self._count(worker, outcome.counted, t)
        if outcome.counted == "denied_req":
            self._note_cookie(t)
        t.closes, t.status = outcome.close, outcome.status
        head = self._after_reply(t, outcome) if outcome.after else outcome.head
        whole = head.encode("latin-1") + outcome.body
        flags = self._keep(worker, t) | (CLOSES if t.closes else 0)
        if outcome.counted in _BLAMED:
            flags |= lib.V_F_BLAME
        if outcome.served:
            flags |= lib.V_F_SERVED
        if outcome.failure or outcome.tarpit:
            flags |= NO_TR
        if outcome.rest is not None:
            t.pieces = outcome.rest
            flags |= MORE
        action, term = lib.V_TARPIT if outcome.tarpit else lib.V_REPLY, outcome.term.encode()
        return _verdict(ask, action, flags, whole, status=t.status, term=term, ms=outcome.tarpit, of=t.backend)

    @staticmethod
    def _piece(worker: Worker, ask: tuple[Any, ...], text: str) -> bytes:
        """What follows of a reply that is made while it is sent."""
        data, more = next(worker.local[STREAMS][ask[UNIQ]].pieces)
        return _verdict(ask, lib.V_REPLY, MORE if more else 0, data)

    def _note_cookie(self, t: Txn) -> None:
        """Has the log of a denied request tell what its cookies said, as HAProxy does."""
        plan = self._plans[t.frontend.index]
        if t.req is None:
            return
        if plan.cookie is not None:
            plan.cookie(t)
            t.kept = True
        backend = plan.backends.get(t.backend.index if t.backend is not None else plan.own)
        if backend is not None and backend.request_cookie is not None:
            backend.request_cookie(t)
            t.kept = True

    def _after_reply(self, t: Txn, outcome: Reply) -> str:
        number = t.backend.index if t.backend is not None else -1
        after = self._responses[t.frontend.index, number][1]
        if after is None:
            return outcome.head
        t.respond()
        t.res = Response.parse(outcome.head)
        after(t)
        return t.res.head() if t.res.changed else outcome.head

    def _count(self, worker: Worker, what: str, t: Txn) -> None:
        """Counts a denial, or an answer of ours, on the frontend, and on the backend if one was chosen."""
        number = _COUNTS.get(what)
        if number is None:
            return
        lib.eng_count(self._engine.handle, worker.tid, 0, t.frontend.index, number)
        if t.backend is not None:
            lib.eng_count(self._engine.handle, worker.tid, 1, t.backend.index, number)


_COUNTS = {
    "denied_req": lib.CNT_DENIED_REQ,
    "denied_resp": lib.CNT_DENIED_RESP,
    "denied_conn": lib.CNT_DENIED_CONN,
    "denied_sess": lib.CNT_DENIED_SESS,
    "intercepted": lib.CNT_INTERCEPTED_REQ,
}
_BLAMED = ("denied_req", "unauthorized")  # errors of the client's, for what it is tracked by


def _response_steps(plan: FrontendPlan, backend: BackendPlan | None) -> tuple[Step | None, Step | None]:
    """The rules of a response, and those of any response, http-after-response."""
    if backend is None:
        return plan.response, plan.after
    own = backend.backend.index == plan.own
    content = backend.res_content if backend.backend.settings.mode == "http" else None
    rules = [backend.response, None if own else plan.response]
    response = chain([content, backend.store, plan.captures, *rules, backend.cookie])
    after = chain([backend.after, None if own else plan.after])
    assert not waits(after), "no action of http-after-response waits"
    return response, after


def _switched(worker: Worker, ask: tuple[Any, ...]) -> Txn | None:
    """The transaction that a connection began with in mode tcp, for its first request."""
    session = worker.local[SESSIONS].get(ask[SESSION])
    t: Txn | None = session.switched if session is not None else None
    if t is None:
        return None
    session.switched = None
    t.ask, t.data, t.backend, t.kept = ask, None, None, True
    return t


def _towards_server(plan: BackendPlan, t: Txn) -> None:
    """The last that is decided before the shim chooses a server: that of a rule, of a
    stick table, or by what one is found."""
    if plan.choose_server is not None and t.server is None:
        t.server = plan.choose_server(t)
    if plan.stick is not None:
        plan.stick(t)
    if plan.key is not None:
        plan.key(t)
    if plan.tell is not None:
        plan.tell(t)


def _take_body(message: Request | Response | None, ask: tuple[Any, ...], text: str) -> None:
    """Gives the message what has come of its body."""
    assert message is not None, "a body comes after its head"
    at = ask[BODY]
    message.body = text[at : at + ask[BODY_LEN]].encode("latin-1")
    message.whole_body = bool(ask[FLAGS] & BODY_END)
    message.body_size = max(message.body_size, ask[BODY_SIZE])


def _take_data(t: Txn, ask: tuple[Any, ...], text: str, delay: int) -> None:
    """Gives the transaction the bytes at hand; without time to wait they are all that there is."""
    at = ask[TEXT]
    t.data = text[at : at + ask[LEN]].encode("latin-1")
    over = ask[AT["now_us"]] - t.session.accept_us >= delay * 1000
    t.data_end = bool(ask[FLAGS] & (TIMEOUT | EOF | FULL)) or not delay or over


def _closing(ask: tuple[Any, ...], end: Close, flags: int, of: Any = None) -> bytes:
    if end.how == "server":
        return _verdict(ask, FORWARD, flags | CLOSES)
    if not end.status:  # no answer, not even one that is never sent: the request was not judged
        flags |= NO_TR
    return _verdict(ask, _CLOSES[end.how], flags, status=end.status, term=end.term.encode(), ms=end.ttl, of=of)


def _changed(message: Request | Response) -> tuple[int, bytes]:
    """What a verdict says of a head that rules have changed: flags, and the new head, or only what was added to it."""
    if message.intact >= 0:
        return ADDS, message.text[message.intact :].encode("latin-1")
    return 0, message.head().encode("latin-1")


Answer = Callable[[Worker, tuple[Any, ...], str], bytes]


def _measured(answer: Answer) -> Answer:
    """The same, which has the shim add what an answer took to the cost of its stream."""

    def measured(worker: Worker, ask: tuple[Any, ...], text: str) -> bytes:
        began = perf_counter_ns()
        found = answer(worker, ask, text)
        lib.eng_flow_spent(worker.engine.handle, worker.tid, ask[FLOW], ask[GEN], perf_counter_ns() - began)
        return found

    return measured


def _verdict(
    ask: tuple[Any, ...],
    action: int,
    flags: int,
    text: bytes = b"",
    *,
    status: int = 0,
    term: bytes = NO_TERM,
    ms: int = 0,
    size: int = 0,
    of: Any = None,
) -> bytes:
    """A verdict that names no server. `of` is the backend whose rules said so, None: the one that the shim knows."""
    backend = ask[BACKEND] if of is None else of.index
    return _pack(ask[FLOW], ask[GEN], action, flags, backend, -1, ms, size, len(text), status, term) + text
