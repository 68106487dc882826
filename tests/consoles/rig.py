"""A balancer that consoles look at: HAProxy or lbcore, after the same few requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

from tests.embedded import until
from tests.peers.haproxy import Balancer, Program
from tests.peers.installed import Peers
from tests.peers.ports import HOST, free_port, release_port

CONFIG = """
global
  nbthread 1
  node console
  stats socket "${STATS}" level admin
  stats socket "ipv4@127.0.0.1:${CLI}" level admin
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend fe
  id 11
  bind 127.0.0.1:"${FE}"
  maxconn 400
  acl listed path -f "${LIST}"
  http-request deny if listed
  http-request set-header x-mapped %[path,map("${MAP}",none)]
  default_backend be
frontend stats
  id 12
  bind 127.0.0.1:"${PAGE}"
  stats uri /
backend be
  id 13
  balance roundrobin
  server s1 127.0.0.1:"${NGINX}" weight 10 check inter 100ms
  server s2 127.0.0.1:"${NGINX}" weight 20
  server s3 127.0.0.1:"${NGINX}" backup
backend other
  id 14
  balance source
  server o1 127.0.0.1:9 disabled
"""
REQUESTS = ("/empty", "/empty", "/listed", "/missing", "/empty")


@contextmanager
def watched(program: Program, peers: Peers, folder: Path) -> Iterator[Balancer]:
    """A running balancer with some history. Its `environment` has the ports FE, PAGE and CLI."""
    (folder / "list").write_text("/listed\n/other\n")
    (folder / "map").write_text("/empty one\n/two two\n")
    with ExitStack() as stack:
        ports = {name: stack.enter_context(_reserved()) for name in ("FE", "PAGE", "CLI")}
        variables = {**ports, "NGINX": peers.nginx.port, "LIST": folder / "list", "MAP": folder / "map"}
        balancer = stack.enter_context(Balancer(program, CONFIG, {k: str(v) for k, v in variables.items()}))
        for path in REQUESTS:
            request(ports["FE"], path)
        assert until(lambda: balancer.stat("be", "s1")["status"] == "UP"), "its first check is over"
        yield balancer


@contextmanager
def _reserved() -> Iterator[int]:
    port = free_port()
    try:
        yield port
    finally:
        release_port(port)


def request(port: int, path: str) -> int:
    """The status of the answer to a GET of a connection's own."""
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
