"""Cookies beside a real HAProxy: the server that is chosen, what both sides get to see, what the log says."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lbcore.cfg.loader import load
from lbcore.sample.reference import References
from lbcore.stream.captures import make_cookie_capture, make_request_captures, make_response_captures
from lbcore.stream.cookies import make_persist_rules, make_request_cookie, make_response_cookie
from lbcore.stream.rules import Reply
from lbcore.stream.slots import make_late_captures
from lbcore.stream.txn import AT, Txn
from tests.fetch.transactions import FakeBackend, FakeBuild, FakeFrontend, FakeServer, FakeWorld, request, respond
from tests.peers.framing import message_length
from tests.peers.haproxy import Balancer, debian_haproxy
from tests.peers.ports import HOST, free_port, release_port
from tests.peers.sinks import UdpSink

PATIENCE = 5.0

MODES = {
    "none": "",
    "read": "cookie SRV",
    "indirect": "cookie SRV indirect",
    "insert": "cookie SRV insert",
    "hidden": "cookie SRV insert indirect",
    "nocache": "cookie SRV insert indirect nocache",
    "postonly": "cookie SRV insert indirect postonly",
    "preserve": "cookie SRV insert preserve",
    "kept": "cookie SRV insert indirect preserve",
    "rewrite": "cookie SRV rewrite",
    "prefix": "cookie SRV prefix",
    "told": "cookie SRV prefix indirect",
    "full": "cookie SRV insert httponly secure domain .a.com domain .b.com attr SameSite=Lax attr Foo",
    "idle": "cookie SRV insert indirect maxidle 30m",
    "life": "cookie SRV insert indirect maxlife 8h",
    "both": "cookie SRV insert indirect maxidle 30m maxlife 8h",
    "persist": "cookie SRV insert indirect\n    option persist",
    "ignored": "cookie SRV insert indirect\n    ignore-persist if { req.hdr(ignore) 1 }",
    "checked": "cookie SRV insert\n    option checkcache",
    "blocked": "option checkcache",  # HAProxy answers with the page of the server's status, we with 502
}
CONFIG = """\
global
    stats socket "${STATS}" level admin

defaults
    mode http
    timeout client 5s
    timeout connect 5s
    timeout server 5s

frontend fe
    bind "127.0.0.1:${FE}"
    log "127.0.0.1:${LOG}" local0
    log-format "%b|%s|%tsc|%CC|%CS|%hr|%hs|%ST"
    capture cookie CAP len 8
    capture request header X-A len 5
    capture response header X-B len 5
    use_backend %[path,field(2,/)]
""" + "".join(
    f"""
backend {name}
    {lines}
    server s1 "127.0.0.1:${{SRV}}" cookie c1
    server s2 "127.0.0.1:${{SRV}}" cookie c2 backup
    server s3 "127.0.0.1:${{SRV}}" cookie c3 disabled
    server s4 "127.0.0.1:${{SRV}}" cookie c4 disabled
    server s5 "127.0.0.1:${{SRV}}" cookie c4 backup
"""
    for name, lines in MODES.items()
)

REQUESTS = (
    (),
    ("Cookie: SRV=c2",),
    ("Cookie: a=b; SRV=c2; d=e",),
    ("Cookie: SRV=c2; d=e", "Cookie: f=g"),
    ("Cookie: a=b", "Cookie: SRV=c2"),
    ("Cookie: a=b;SRV=c1",),
    ("Cookie: SRV=c3",),
    ("Cookie: SRV=c4",),
    ("Cookie: SRV=unknown; z=1",),
    ("Cookie: SRV=",),
    ("Cookie: SRV=c2~abc; z=1",),
    ("Cookie: xSRV=c2; SRVx=c2",),
    ('Cookie: a="x;SRV=c1"; SRV=c2',),
    ("Cookie: $Version=1; SRV=c2",),
    ("Cookie: CAP=12345678; CAPTION=1; SRV=c2",),
    ("Cookie: b=1; CAPTION=long value here",),
    ("X-A: 1234567", "X-A: abc"),
)
RESPONSES = (
    (),
    ("Set-Cookie: SRV=foo; path=/x", "Set-Cookie: B=c"),
    ("Set-Cookie: B=c", "Cache-Control: max-age=3"),
    ("Set-Cookie: SRV=", "Cache-Control: private"),
    ("Set-Cookie: CAP=from-server; path=/", "X-B: 1", "X-B: 1234567"),
    ("Set-Cookie: B=c", 'Cache-Control: no-cache="set-cookie"'),
)
DATES = (
    "SRV=c2|Zzzzz", "SRV=c2|AAAAA", "SRV=c2|AAAAB", "SRV=c2|xx", "SRV=c2|AAAAB|AAAAB", "SRV=c2|ZZZZZ|AAAAB", "SRV=c1|",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    mode: str
    fields: tuple[str, ...] = ()
    answer: tuple[str, ...] = ()
    method: str = "GET"
    status: int = 200

    def __str__(self) -> str:
        return f"{self.mode} {self.method} {self.status} {' | '.join(self.fields)} -> {' | '.join(self.answer)}"


CASES = [
    *(Case(mode, fields) for mode in MODES for fields in REQUESTS),
    *(Case(mode, fields, answer) for mode in MODES for fields in REQUESTS[:2] for answer in RESPONSES[1:]),
    *(Case(mode, (f"Cookie: {cookie}",)) for mode in ("hidden", "idle", "life", "both") for cookie in DATES),
    *(Case("postonly", (), (), "POST"), Case("nocache", (), (), "POST"), Case("nocache", (), (), "GET", 302)),
    *(Case("nocache", (), (f"Cache-Control: {word}",)) for word in ("private", "no-store", "public", "max-age=0")),
    *(Case("ignored", (*fields, "Ignore: 1"), answer) for fields in REQUESTS[:2] for answer in RESPONSES[:2]),
    *(
        Case("blocked", (), ("Set-Cookie: B=c", *fields), method, status)
        for fields, method, status in (
            ((), "GET", 200), (("Cache-Control: public",), "GET", 200), (("Cache-Control: no-store",), "GET", 200),
            (('ETag: "a"',), "GET", 200), (("Expires: Sat, 01 Oct 2033 10:00:00 GMT",), "GET", 200),
            (("Last-Modified: Sat, 01 Oct 2022 10:00:00 GMT",), "GET", 200), (('ETag: "a"',), "GET", 500),
            (("Pragma: no-cache", 'ETag: "a"'), "GET", 200), (("Cache-Control: s-maxage=0", 'ETag: "a"'), "GET", 200),
            (("Cache-Control: s-maxage=9",), "GET", 200), (("Cache-Control: max-age=9",), "POST", 200),
            (("Cache-Control: public, max-age=9",), "POST", 200), (("Cache-Control: max-age=9",), "GET", 404),
            (('ETag: "a"', 'Cache-Control: no-cache="set-cookie, x"'), "GET", 200), (('ETag: "a"',), "HEAD", 200),
            (("Cache-Control: max-age=5, private",), "GET", 200), (("Cache-Control: max-age=5, no-cache",), "GET", 200),
        )
    ),
]  # fmt: skip


class Server:
    """Answers requests, one connection after the other, as a case says, and remembers what it got."""

    def __init__(self) -> None:
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self.case = Case("none")
        self.got: list[str] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        data = b""
        with sock, contextlib.suppress(OSError):  # a reset ends it, too
            while piece := sock.recv(65536):
                data += piece
                if b"\r\n\r\n" not in data:
                    continue
                self.got = data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
                data = b""
                lines = [f"HTTP/1.1 {self.case.status} X", *self.case.answer, "Content-Length: 0", "", ""]
                sock.sendall("\r\n".join(lines).encode("latin-1"))

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Oracle:
    """A HAProxy in front of a server."""

    def __init__(self, server: Server, sink: UdpSink, port: int) -> None:
        self._server = server
        self._sink = sink
        self._port = port
        self._asked = 0

    def ask(self, case: Case) -> dict[str, object]:
        """What is seen of a request: by the server, by the client, in the log."""
        self._server.case = case
        self._server.got = []
        lines = [f"{case.method} /{case.mode}/ HTTP/1.1", "Host: h", *case.fields, "Content-Length: 0", "", ""]
        answer = b""
        with socket.create_connection((HOST, self._port), PATIENCE) as client:
            client.sendall("\r\n".join(lines).encode("latin-1"))
            head = case.method == "HEAD"
            while (length := message_length(answer, response=True, to_head=head)) is None or len(answer) < length:
                piece = client.recv(65536)
                assert piece, "the connection ended"
                answer += piece
        self._asked += 1
        assert self._sink.wait_for(self._asked, PATIENCE), "no log line"
        log = self._sink.lines()[-1].decode("latin-1").partition("]: ")[2].strip().split("|", 7)
        if log[2].startswith("PH"):
            return {"blocked": True}
        start, *fields = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        return seen(self._server.got, int(start.split(" ")[1]), fields, *log[1:7])


def seen(
    got: list[str], status: int, fields: list[str], server: str, states: str, cc: str, cs: str, hr: str, hs: str
) -> dict[str, object]:
    return {
        "cookies to the server": [line[8:] for line in got if line.lower().startswith("cookie: ")],
        "status": status,
        "cookies to the client": sorted(_dateless(line[12:]) for line in fields if line.startswith("set-cookie: ")),
        "caching": [line[15:] for line in fields if line.startswith("cache-control: ")],
        "server": server,
        "states": states[2:],
        "captured cookies": (cc, cs),
        "captured fields": (hr, hs),
    }


def _dateless(cookie: str) -> str:
    """A cookie with its dates, which pass, made equal; only the first digits tell the age."""
    return re.sub(r"\|([A-Za-z0-9+/])[A-Za-z0-9+/]{4}", r"|\1", cookie)


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    haproxy = debian_haproxy()
    if haproxy is None:
        pytest.skip("haproxy is not installed")
    port, server = free_port(), Server()
    with UdpSink() as sink, Balancer(haproxy, CONFIG, {"FE": port, "SRV": server.port, "LOG": sink.port}):
        yield Oracle(server, sink, port)
    server.close()
    release_port(port)


@pytest.fixture(scope="module")
def backends() -> dict[str, FakeWorld]:
    """For each mode a world with its backend, and the frontend."""
    env = {"FE": "8080", "SRV": "80", "LOG": "514", "STATS": "/tmp/stats"}
    settings, diagnostics = load([("lb.cfg", CONFIG)], env=env)
    assert not diagnostics.errors
    frontend, *others = settings.proxies
    worlds = {}
    for proxy in others:
        world = FakeWorld()
        servers = [FakeServer(one, at, at + 1, usable=not one.disabled) for at, one in enumerate(proxy.servers)]
        world.frontends = {0: FakeFrontend(frontend)}
        world.backends = {0: FakeBackend(proxy, servers=servers)}
        world.servers = dict(enumerate(servers))
        worlds[proxy.name] = world
    return worlds


class Build(FakeBuild):
    """A build that has pattern references, too."""

    def __init__(self, world: FakeWorld, proxy: str) -> None:
        super().__init__(world, proxy)
        self._patterns = References()

    def reference(self, name: Any, kind: str) -> Any:
        return self._patterns.get(name, kind)


def ours(world: FakeWorld, case: Case) -> dict[str, object]:
    backend, frontend = world.backends[0], world.frontends[0].settings
    build = Build(world, backend.settings.name)
    t = request(f"{case.method} /{case.mode}/ HTTP/1.1", *case.fields, world=world)
    persist, cookie = make_persist_rules(backend.settings, build), make_request_cookie(backend.settings, build)
    late = make_late_captures(frontend)
    if late is not None:
        t.world.captures[t.ask[AT["frontend"]]] = late
    _run((make_request_captures(frontend), persist, make_cookie_capture(frontend), cookie), t)
    t.backend = backend
    if t.server is None:  # as balancing would: backups are left for cookies here
        t.server = backend.servers[0]
    respond(t, f"HTTP/1.1 {case.status} X", *case.answer)
    t.status = case.status
    outcome = _run((make_response_captures(frontend), make_response_cookie(backend.settings)), t)
    assert t.req is not None
    assert t.res is not None
    if outcome is not None:
        assert isinstance(outcome, Reply)
        assert outcome.status == 502
        return {"blocked": True}
    cookies = t.cookies
    return seen(
        t.req.lines(),
        case.status,
        [line for line in t.res.lines() if line],
        t.server.name,
        f"--{cookies.request_state}{cookies.response_state}",
        cookies.client_value or "-",
        cookies.server_value or "-",
        *("{" + "".join(text or "" for text in slots or [None]) + "}" for slots in (t.captures_req, t.captures_res)),
    )


def _run(steps: tuple[object, ...], t: Txn) -> object:
    outcome = None
    for step in steps:
        if step is not None:
            outcome = step(t)  # type: ignore[operator]
    return outcome


@pytest.mark.parametrize("case", CASES, ids=str)
def test_cookies_are_haproxys(oracle: Oracle, backends: dict[str, FakeWorld], case: Case) -> None:
    assert ours(backends[case.mode], case) == oracle.ask(case)
