"""One request on its way, with us in the shim's place: we put its questions and read the verdicts.

    ASK_CONN, ASK_SESSION           the connection's rules
    ASK_REQUEST or ASK_CONTENT      all rules of the request, or of what came, up to a backend or an answer
    ASK_RESPONSE                    those of the response, if we were told what the server answers

A verdict that waits is followed by the question that comes when that is over. Time does not pass: what a pause
waits for is there, and a client that was given a body has sent all of it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lbcore.conn.settings import BindSettings
from lbcore.event.worker import Handler, Worker
from lbcore.explain.explanation import Explanation, Received, Visit, chances, works
from lbcore.explain.head import adjusted_head, fields_of, forwarded_head, framed_head
from lbcore.explain.request import Head, RequestError, scan
from lbcore.explain.trace import Recorder, field_changes
from lbcore.http.pages import PAGES, message
from lbcore.proxy.backend import Backend
from lbcore.proxy.settings import GlobalSettings, ProxySettings
from lbcore.shim import ffi, lib
from lbcore.stream.records import record_layout
from lbcore.stream.world import World

VERDICT, PLACE = record_layout("lb_verdict")
WAITS_MAX = 100  # rules that wait, each once: more means that somebody waits for what never comes
ACTIONS = {
    lib.V_REPLY: "reply",
    lib.V_TARPIT: "reply",
    lib.V_CLOSE: "close",
    lib.V_RESET: "reset",
    lib.V_DROP: "drop",
    lib.V_HTTP: "http",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the Decider said."""

    action: int
    backend: int
    server: int
    ms: int
    status: int
    term: str
    text: str

    @classmethod
    def read(cls, raw: bytes, asked: bytes) -> Verdict:
        """From the bytes that the shim would be given; `asked` is the text of the question."""
        row = VERDICT.unpack_from(raw)
        text = raw[VERDICT.size :]
        if row[PLACE["flags"]] & lib.V_F_ADDS:
            text = asked[:-2] + text + asked[-2:]
        return cls(
            row[PLACE["action"]],
            row[PLACE["backend"]],
            row[PLACE["server"]],
            row[PLACE["ms"]],
            row[PLACE["status"]],
            row[PLACE["term"]].rstrip(b"\0").decode("ascii"),
            text.decode("latin-1"),
        )


@dataclass(frozen=True, slots=True)
class Question:
    """What the shim would ask. `body` is what a rule gets that waits for it."""

    kind: int  # ASK_*
    text: bytes
    flags: int = 0  # ASK_F_*
    body: bytes = b""
    head: Head | None = None
    backend: int = -1
    server: int = -1
    status: int = -1


@dataclass(slots=True)
class Standing:
    """In the place of the listener that a client came by (`lbcore.proxy.frontend.Listener`), which is not opened."""

    bind: BindSettings
    sid: int
    cur_conn: int = 1  # this client's

    @property
    def name(self) -> str:
        return self.bind.name or f"sock-{self.sid}"


class Walk:
    """The shim's part for one client of a balancer that was rehearsed; `worker` is one whose hooks have begun."""

    def __init__(self, worker: Worker, world: World, recorder: Recorder, visit: Visit, chosen: GlobalSettings) -> None:
        self._worker = worker
        self._handler: Handler = worker.crew.handlers[lib.EV_ASK]
        self._world = world
        self._recorder = recorder
        self._visit = visit
        self._maxhdr, self._names = chosen.maxhdr, chosen.h1_case
        self._generation = 0
        self._now = time.time_ns() // 1000
        self._frontend = world.frontends_by_name[visit.frontend.name]
        self._head: Head | None = None
        self._listener = 0
        if visit.bind is not None:
            listeners: dict[int, Any] = world.listeners
            listeners[self._listener] = Standing(visit.bind, visit.bind.id or 1)

    def explain(self) -> Explanation:
        """Goes all the way. Raises RequestError for a request that would be answered with 400 before any rule."""
        visit = self._visit
        bind = visit.bind.where if visit.bind is not None else ""
        line = visit.asked.raw.partition(b"\r\n")[0].decode("utf-8", "backslashreplace")
        http = visit.frontend.mode == "http"
        what = line if http else f"{len(visit.asked.raw)} bytes"
        found = Explanation(what, str(visit.src), str(visit.dst), visit.frontend.name, bind)
        verdict = self._put(Question(lib.ASK_CONN, b""), 0)
        if verdict.action == lib.V_FORWARD:
            verdict = self._put(Question(lib.ASK_SESSION, b""), 0)
        if verdict.action == lib.V_FORWARD:
            verdict = self._request(found) if http else self._content()
        self._conclude(found, verdict)
        found.steps = self._recorder.steps
        return found

    # --- questions ---

    def _request(self, found: Explanation) -> Verdict:
        try:
            self._head = head = scan(self._visit.asked.raw, self._maxhdr)
        except RequestError as error:
            raise RequestError(f"this request is answered with 400 before any rule is asked: {error}") from None
        question = Question(lib.ASK_REQUEST, head.text, lib.ASK_F_FIRST, self._visit.asked.body, head)
        return self._answer(question, found.waits, "the body of the request")

    def _content(self) -> Verdict:
        """What a client of mode tcp sends is all there, and so it is said that waiting is over."""
        return self._put(Question(lib.ASK_CONTENT, self._visit.asked.raw), lib.ASK_F_TIMEOUT)

    def _answer(self, question: Question, waits: list[str], what: str) -> Verdict:
        """The verdict that does not wait, after those that do; adds what they wait for. `what` is the body's name."""
        flags = lib.ASK_F_BODY if question.body else lib.ASK_F_BODY_END
        verdict = self._put(question, flags, question.body)
        for _ in range(WAITS_MAX):
            if verdict.action not in (lib.V_PAUSE, lib.V_BODY):
                return verdict
            over = 0
            if verdict.action == lib.V_BODY:
                waits.append(f"{what}, {verdict.ms} ms at most" if verdict.ms else what)
                flags |= lib.ASK_F_BODY_END
            else:
                waits.append(f"a pause of {verdict.ms} ms")
                over = lib.ASK_F_TIMEOUT
            verdict = self._put(question, flags | lib.ASK_F_AGAIN | over, question.body)
        raise RequestError(f"rules wait more than {WAITS_MAX} times")

    def _put(self, question: Question, flags: int, body: bytes = b"") -> Verdict:
        """Asks, as the shim does at the end of a turn."""
        self._generation += 1
        text, head = question.text, question.head
        ask: Any = ffi.new("lb_ask *")
        ask.kind, ask.flags, ask.gen = question.kind, question.flags | flags, self._generation
        ask.session, ask.uniq, ask.req_count = 1, int(question.kind != lib.ASK_CONN), 1
        ask.accept_us = ask.request_us = ask.now_us = self._now
        ask.frontend, ask.backend, ask.server = self._frontend.index, question.backend, question.server
        ask.listener, ask.status = self._listener, question.status
        ask.len, ask.body, ask.body_len = len(text), len(text), len(body)
        ask.body_size = len(question.body)
        ask.th = ask.ti = ask.tr = 0
        ask.tw = ask.tc = ask.tresp = -1
        self._address(ask)
        if head is not None:
            ask.method, ask.method_len, ask.target_len = head.method, head.method_len, head.target_len
            ask.path, ask.path_len = head.path, head.path_len
        texts = ffi.from_buffer("char[]", text + body)
        event: Any = ffi.new("lb_event *")
        event.kind, event.len, event.data = lib.EV_ASK, 1, ask
        event.handle, event.arg = int(ffi.cast("uintptr_t", texts)), len(text) + len(body)
        self._handler(self._worker, event)
        return Verdict.read(self._worker.verdicts.pop(), text)

    def _address(self, ask: Any) -> None:
        src, dst = self._visit.src, self._visit.dst
        ask.family = socket.AF_INET if len(src.address) == 4 else socket.AF_INET6
        ask.sport, ask.dport = src.port, dst.port
        ask.saddr, ask.daddr = bytes(src.address).ljust(16, b"\0"), bytes(dst.address).ljust(16, b"\0")

    # --- what becomes of it ---

    def _conclude(self, found: Explanation, verdict: Verdict) -> None:
        found.outcome = ACTIONS.get(verdict.action, "forward")
        found.termination = verdict.term
        if found.outcome == "reply":
            found.status = verdict.status
            found.head, found.body = parted(verdict.text)
        if found.outcome != "forward":
            return
        backend = self._world.backends.get(verdict.backend)
        if backend is None and self._visit.frontend.mode == "tcp":
            backend = self._default()
        if backend is None:
            self._nowhere(found)
        else:
            self._to(found, backend, verdict)

    def _nowhere(self, found: Explanation) -> None:
        """There is no backend: in mode http the page for 503 is sent, or what the frontend has for it."""
        found.termination = "SC"
        if self._visit.frontend.mode != "http":
            found.outcome = "close"
            return
        page = next(message(page) for page in PAGES if page.status == 503)
        verdict = self._put(Question(lib.ASK_LOCAL, page, status=503), 0)
        found.outcome, found.status = "reply", 503
        found.head, found.body = parted(verdict.text or page.decode("latin-1"))

    def _default(self) -> Backend | None:
        proxy = self._visit.frontend
        return self._world.backends_by_name.get(proxy.default_backend or proxy.name)

    def _to(self, found: Explanation, backend: Backend, verdict: Verdict) -> None:
        settings = backend.settings
        found.backend, found.balance = settings.name, str(settings.balance)
        found.backend_by = self._by(settings)
        found.servers = list(chances(backend, verdict.server))
        if settings.goes_aside:
            found.balance = "none"
            found.aside = "transparent" if settings.dispatch is None else f"dispatch {settings.dispatch}"
        if self._head is not None:
            self._send(found, self._head, settings, verdict.text)
            if "h1-case-adjust-bogus-server" in settings.options and found.head:
                found.head = adjusted_head(found.head, self._names)
        if self._visit.reply is None or found.outcome != "forward":
            found.later = list(_of_responses(self._visit.frontend, settings))
        elif self._head is not None:
            self._response(found, backend, verdict.server, self._visit.reply)

    def _response(self, found: Explanation, backend: Backend, chosen: int, reply: bytes) -> None:
        """What rules make of the server's reply."""
        server = chosen if chosen >= 0 else next((one.index for one in backend.servers if works(one)), -1)
        head, _, body = reply.partition(b"\r\n\r\n")
        text = head + b"\r\n\r\n"
        status = int(head[9:12])
        question = Question(lib.ASK_RESPONSE, text, 0, body, backend=backend.index, server=server, status=status)
        verdict = self._answer(question, found.waits, "the body of the response")
        found.response = Received(ACTIONS.get(verdict.action, "forward"), verdict.status or status)
        if verdict.action in (lib.V_FORWARD, lib.V_REPLY):
            found.response.head, found.response.body = parted(verdict.text or text.decode("latin-1"))
            if verdict.action == lib.V_FORWARD:
                found.response.body = body.decode("latin-1")

    def _send(self, found: Explanation, received: Head, settings: ProxySettings, changed: str) -> None:
        """The request as the server gets it, or the refusal of what rules made of it."""
        head = received.text.decode("latin-1")
        if changed:
            waited = any(wait.startswith("the body of the request") for wait in found.waits)
            head = framed_head(changed, received, continued=waited and bool(received.flags & lib.H1_F_EXPECT_100))
            try:
                scan(head.encode("latin-1"), lib.H1_MAX_HDR)
            except RequestError as error:
                found.outcome, found.status, found.problem = "reply", 500, f"what rules made of the request: {error}"
                return
        likely = [one.name for one in found.servers if one.chosen] or [
            one.name for one in found.servers if one.eligible
        ]
        server = likely[0] if len(likely) == 1 else f"<{' or '.join(likely)}>" if likely else ""
        found.head = forwarded_head(head, self._visit.frontend, settings, self._visit.src, server)
        last = self._recorder.last
        before = last.fields.get("request") if last is not None else None
        if before is None:
            before = fields_of(received.text.decode("latin-1"))
        found.by_options = field_changes("request", before, fields_of(found.head))
        found.body = self._visit.asked.body.decode("latin-1")

    def _by(self, backend: ProxySettings) -> str:
        """Which line chose the backend."""
        for step in self._recorder.steps:
            if step.ruleset == "use_backend" and step.held and step.name == backend.name:
                return f"use_backend, {step.where}"
        front = self._visit.frontend
        if front.default_backend == backend.name:
            where = front.places.get("default_backend", "")
            return f"default_backend{', ' + where if where else ''}"
        return f"its own servers, {backend.where}"


def parted(text: str) -> tuple[str, str]:
    """A message's head, with the empty line, and its body."""
    head, _, body = text.partition("\r\n\r\n")
    return f"{head}\r\n\r\n", body


def _of_responses(front: ProxySettings, back: ProxySettings) -> Iterator[str]:
    """The rules that the response will meet, in their order."""
    proxies = [back] if front is back else [back, front]
    for ruleset in ("tcp-response content", "http-response", "http-after-response"):
        for proxy in proxies:
            for kind, rules in (proxy.rules.lists if proxy.rules is not None else {}).items():
                if kind.value == ruleset:
                    yield from (f"{rule.where}: {rule.text}" for rule in rules)
