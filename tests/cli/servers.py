"""Scripts of commands that change servers, frontends and limits, played on HAProxy and on a balancer here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import lbcore
from lbcore.cli import registry
from lbcore.cli.registry import Level
from lbcore.cli.session import Session
from tests.peers.haproxy import Balancer, Program
from tests.peers.ports import HOST, free_port, release_port

CONFIG = """
global
  nbthread 2
  stats socket "${{STATS}}" level admin
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend fe
  bind {host}:{front}
  default_backend be
frontend other
  bind {host}:{other}
backend be
  id 30
  balance roundrobin
  server s1 {host}:1001 cookie a weight 10 maxconn 30
  server s2 {host}:1002 disabled
  server s3 {host}:1003 backup
  server s5 {host}:1006 disabled check inter 60s port 1007 addr {host}
  server s4 [::1]:1004 id 17 weight 20
  {more}
backend st
  id 40
  balance source
  server x1 {host}:1005 weight 3
backend empty
  id 50
"""
# Further servers of `be`: one with checks of both kinds, one that a rule names, one with a path.
CHECKED = """
  server s6 127.0.0.1:1008 disabled check inter 60s port 1007 agent-check agent-port 9 agent-inter 60s agent-send abc
  server s7 127.0.0.1:1009 disabled
  server s8 /no/such/socket
  use-server s7 if { path /s7 }
"""
_SECONDS_COLUMN = 9  # of `show servers state`
_HEALTH_COLUMN = 12
STATE_ROW = re.compile(r"\d+ \w+ \d+ [\w.-]+ \S+ [0-3] \d+ ")


@contextmanager
def both(program: Program, more: str = "") -> Iterator[tuple[Balancer, lbcore.LoadBalancer]]:
    """HAProxy, and a balancer in this process, with the same configuration; `more` are further lines of `be`."""
    ports = [free_port() for _ in range(4)]
    try:
        theirs = CONFIG.format(host=HOST, front=ports[0], other=ports[1], more=more)
        mine = CONFIG.format(host=HOST, front=ports[2], other=ports[3], more=more).replace(
            'stats socket "${STATS}" level admin', ""
        )
        with Balancer(program, theirs) as haproxy, lbcore.LoadBalancer(mine) as lb:
            yield haproxy, lb
    finally:
        for port in ports:
            release_port(port)


def say(lb: lbcore.LoadBalancer, line: str, level: Level = Level.ADMIN) -> str:
    """The answer of a session to a line of commands."""
    session = Session(registry(), lb.facts, level)
    return session.feed(line.encode() + b"\n").decode()


def told(script: Sequence[str], haproxy: Balancer, lb: lbcore.LoadBalancer) -> tuple[list[str], list[str]]:
    """What each of the two says to each command of a script, less what differs from one second to the next."""
    return [plain(haproxy.cli(line)) for line in script], [plain(say(lb, line)) for line in script]


def plain(answer: str) -> str:
    """The answer, in rows of `show servers state` without the seconds and the health that nobody has checked."""
    return "\n".join(_plain_row(line) if STATE_ROW.match(line) else line for line in answer.split("\n"))


def _plain_row(line: str) -> str:
    fields = line.split(" ")
    fields[_SECONDS_COLUMN] = fields[_HEALTH_COLUMN] = "*"
    return " ".join(fields)
