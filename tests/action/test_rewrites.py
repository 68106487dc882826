"""Every row of the table of rewrites, by lbcore and by a real HAProxy."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest

import lbcore.action.failure as failure
from lbcore.stream.rules import Reply
from tests.action.rewrites import REWRITES, Rewrite
from tests.action.rules import recorded, run
from tests.fetch.transactions import request
from tests.peers.haproxy import Balancer, Program, debian_haproxy
from tests.peers.ports import HOST, free_port, release_port
from tests.peers.readable import readable

CONFIG = """
global
  stats socket "${{STATS}}" level admin
  expose-experimental-directives
defaults
  mode http
  timeout client 5s
  timeout connect 5s
  timeout server 5s
  default-server max-reuse 0
frontend fe
  bind "127.0.0.1:${{FE}}"
  use_backend be%[req.fhdr(row)]
{backends}
"""
BACKEND = """
backend be{number}
  http-request del-header row
  {rules}
  server s "127.0.0.1:${{SERVER}}"
"""


def ours(one: Rewrite) -> tuple[str, ...] | int:
    line, *fields = one.request
    t = request(line, *fields)
    with recorded(failure):
        outcome = run(t, *one.rules)
    if outcome is not None:
        assert isinstance(outcome, Reply)
        return outcome.status
    assert t.req is not None
    return tuple(t.req.head().removesuffix("\r\n\r\n").split("\r\n"))


def haproxys(program: Program, rows: Sequence[Rewrite]) -> list[tuple[str, ...] | int]:
    """The same by HAProxy: what a server gets. Each row has a backend of its own."""
    backends = []
    for number, one in enumerate(rows):
        rules = "\n  ".join(f"http-request {rule}" for rule in one.rules)
        backends.append(BACKEND.format(number=number, rules=rules))
    port = free_port()
    try:
        with socket.create_server((HOST, 0)) as server:
            variables = {"FE": port, "SERVER": server.getsockname()[1]}
            with Balancer(program, CONFIG.format(backends="".join(backends)), variables):
                return [_asked(port, server, number, one) for number, one in enumerate(rows)]
    finally:
        release_port(port)


def _asked(port: int, server: socket.socket, number: int, one: Rewrite) -> tuple[str, ...] | int:
    """What the server gets, or the status of the answer if it gets nothing."""
    line, *fields = one.request
    head = "\r\n".join([line, *fields, f"row: {number}", "", ""])
    with socket.create_connection((HOST, port), timeout=5) as client:
        client.sendall(head.encode("latin-1"))
        ready = readable(client, server, seconds=5)
        if server not in ready:
            return int(client.recv(4096).split(b" ")[1])
        with server.accept()[0] as conn:
            conn.settimeout(5)
            got = b""
            while not got.endswith(b"\r\n\r\n"):
                got += conn.recv(4096)
            return tuple(got.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n"))


@pytest.mark.parametrize("one", REWRITES, ids=[f"{' + '.join(one.rules)} on {one.request}" for one in REWRITES])
def test_a_request_is_rewritten_as_the_table_says(one: Rewrite) -> None:
    assert ours(one) == one.result


@pytest.mark.skipif(debian_haproxy() is None, reason="HAProxy is not installed")
def test_haproxy_rewrites_as_the_table_says() -> None:
    program = debian_haproxy()
    assert program is not None
    rows = [one for one in REWRITES if not one.why]
    found = haproxys(program, rows)
    assert [(one.rules, one.request, got) for one, got in zip(rows, found, strict=True) if got != one.result] == []
