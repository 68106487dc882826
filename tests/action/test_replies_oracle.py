"""What rules answer, byte for byte beside a real HAProxy: one configuration, one request for each rule.

What a reply says about its connection is left out: who sends it writes that.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from lbcore.cfg.loader import load
from lbcore.stream.pages import prepare_pages
from lbcore.stream.rules import Close, Reply, Ruleset, Run
from tests.fetch.transactions import FakeBuild, FakeWorld, request
from tests.peers.framing import message_length
from tests.peers.haproxy import Balancer, Program, debian_haproxy, newer_haproxy
from tests.peers.ports import HOST, free_port, release_port

PATIENCE = 5.0

FILES = {
    "page": b"HTTP/1.1 404 Not\nX-A: B\nContent-Length: 3\n\nabc",
    "old": b"HTTP/1.0 503 Mine\r\nCache-Control: x\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nhello\n",
    "body": b"file %[path] body\n",
}
LINES = """\
http-errors group
    errorfile 404 "{folder}/page"
    errorfile 503 "{folder}/old"

defaults
    mode http
    timeout client 5s
    timeout connect 5s
    timeout server 5s
    timeout tarpit 10ms

frontend fe
    bind "127.0.0.1:${{FE}}"
    errorfile 410 "{folder}/page"
    errorloc 405 /e
    errorloc303 407 http://h/e
    errorfiles group
    http-error status 408 content-type text/plain lf-string "late %[path]" hdr x-a "%[method]"
    http-error status 413 default-errorfiles
    http-error status 425 content-type a/b string early
"""
STATUSES = (400, 401, 403, 404, 405, 407, 408, 410, 413, 421, 422, 425, 429, 500, 501, 502, 503, 504)
REASONS = (*range(200, 208), 210, 226, *range(300, 311), *range(400, 432), 449, 450, 451, 456, 499, *range(500, 521))
# 2.8 is the reference where 2.6 says something else.
NEWER_ONLY = {"return status 302", "deny deny_status 501"}

RULES = [
    *(f"deny deny_status {status}" for status in STATUSES),
    *(f"return status {status}" for status in REASONS),
    "deny",
    "deny default-errorfiles",
    "deny hdr X-Foo bar hdr X-Q %[path]",
    "deny status 418",
    'deny status 418 content-type text/plain string "hi there"',
    'deny content-type text/plain lf-string "Hello %[path]" hdr X-Foo "a b"',
    'deny errorfile "{folder}/page"',
    "deny status 404 errorfiles group",
    "deny status 403 errorfiles group",
    "tarpit",
    "tarpit deny_status 429",
    "tarpit status 429 content-type a/b string c",
    "return default-errorfiles",
    "return status 500 default-errorfiles",
    "return content-type text/plain string abc",
    'return content-type text/plain lf-string "%[path]%[req.hdr(none)]|%[src]"',
    'return content-type text/plain lf-string "%[req.hdr(y),url_dec]"',
    'return hdr X "%[req.hdr(y),url_dec]"',
    'return hdr X "%[req.hdr(none)]" hdr Y z',
    "return hdr X %ci hdr Y %{{+Q}}HM",
    'return status 599 content-type text/plain file "{folder}/body"',
    'return status 201 content-type text/plain lf-file "{folder}/body"',
    'return status 200 errorfile "{folder}/old"',
    "return errorfile /dev/null",
    "return hdr Connection close",
    "redirect location /x%[path]",
    "redirect location /x code 301",
    "redirect location /x code 303",
    "redirect location /x code 307 set-cookie A=b",
    "redirect location /x code 308 clear-cookie A",
    "redirect location /x set-cookie A set-cookie B",
    'redirect location "%[req.hdr(none)]"',
    'redirect location "%[req.hdr(y),url_dec]"',
    "redirect location /x drop-query append-slash",
    "redirect prefix http://p",
    "redirect prefix /",
    "redirect prefix http://p/ drop-query",
    "redirect prefix http://p drop-query append-slash",
    "redirect prefix http://p append-slash",
    "redirect scheme https",
    "redirect scheme https drop-query append-slash",
    "redirect scheme http%[path]",
    "auth",
    'auth realm "My Realm"',
    "reject",
]  # fmt: skip
TARGETS = ("/a/b?c=d", "/", "/a/", "/a;x=y", "/a?")


def raw_request(case: int, target: str) -> bytes:
    lines = [f"GET {target} HTTP/1.1", "Host: h.example", f"Case: {case}", f"Y: {ENCODED}"]
    return "\r\n".join([*lines, "", ""]).encode()


ENCODED = "".join(f"%{code:02x}" for code in range(1, 256))
CASES = [
    (n, rule, target) for n, rule in enumerate(RULES) for target in (TARGETS if "redirect" in rule else TARGETS[:1])
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("pages")
    for name, content in FILES.items():
        (found / name).write_bytes(content)
    return found


@pytest.fixture(scope="module")
def config(folder: Path) -> str:
    """The configuration with all the rules."""
    rules = (f"    http-request {rule} if {{{{ req.hdr(case) {n} }}}}\n" for n, rule in enumerate(RULES))
    return ('global\n    stats socket "${{STATS}}" level admin\n' + LINES + "".join(rules)).format(folder=folder)


@pytest.fixture(scope="module", params=[debian_haproxy(), newer_haproxy()], ids=["2.6", "2.8"])
def oracle(request: pytest.FixtureRequest, config: str) -> Iterator[tuple[str, int]]:
    """The name and the port of an HAProxy that has all the rules."""
    program: Program | None = request.param
    if program is None:
        pytest.skip("not installed")
    port = free_port()
    with Balancer(program, config, {"FE": port}):
        yield program.name, port
    release_port(port)


@pytest.fixture(scope="module")
def runs(config: str) -> tuple[FakeWorld, list[Run]]:
    """A frontend with the same pages, and its rules."""
    settings, diagnostics = load([("lb.cfg", config)], env={"FE": "8080", "STATS": "/tmp/stats"})
    assert not diagnostics.errors
    world = FakeWorld()
    proxy = world.frontends[0].settings = settings.proxies[0]
    build = FakeBuild(world)
    assert prepare_pages(proxy, build) is not None
    return world, [rule.action.make(build) for rule in proxy.rules.of(Ruleset.HTTP_REQUEST)]


def theirs(port: int, raw: bytes) -> bytes:
    """The answer, without its Connection field; b"" if there is none."""
    answer = b""
    with socket.create_connection((HOST, port), PATIENCE) as client:
        client.sendall(raw)
        while (length := message_length(answer, response=True)) is None or len(answer) < length:
            piece = client.recv(65536)
            if not piece:
                break
            answer += piece
    return re.sub(rb"connection: [^\r]*\r\n", b"", answer, count=1)


def ours(world: FakeWorld, run: Run, target: str) -> bytes:
    outcome = run(request(f"GET {target} HTTP/1.1", "Host: h.example", f"Y: {ENCODED}", world=world, src="127.0.0.1"))
    if isinstance(outcome, Close):
        return b""
    assert isinstance(outcome, Reply)
    return outcome.head.encode("latin-1") + outcome.body


@pytest.mark.parametrize(("case", "rule", "target"), CASES, ids=[f"{rule} {target}" for _, rule, target in CASES])
def test_answer_is_haproxys(
    oracle: tuple[str, int], runs: tuple[FakeWorld, list[Run]], case: int, rule: str, target: str
) -> None:
    name, port = oracle
    world, compiled = runs
    equal = ours(world, compiled[case], target) == theirs(port, raw_request(case, target))
    assert equal != (name == "haproxy" and rule in NEWER_ONLY)
