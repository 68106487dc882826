"""`fullconn` of backends that do not set it is what HAProxy makes it."""

from __future__ import annotations

from pathlib import Path

import lbcore
from tests.peers.haproxy import Balancer
from tests.peers.installed import Peers

CONFIG = """
global
  maxconn 1000
  {stats}
defaults
  mode http
  timeout client 1s
  timeout server 1s
  timeout connect 1s
frontend f1
  bind unix@{folder}/f1
  maxconn 401
  use_backend b1 if TRUE
  use_backend b1 if FALSE
  use_backend b2 if FALSE
  default_backend b1
frontend f2
  bind unix@{folder}/f2
  maxconn 9
  use_backend b2 if FALSE
  use_backend %[path]
  default_backend b3
frontend f3
  bind unix@{folder}/f3
  default_backend b4
listen own
  bind unix@{folder}/own
  maxconn 55
listen leads
  bind unix@{folder}/leads
  maxconn 100
  use_backend b5 if FALSE
  default_backend b3
backend b1
backend b2
backend b3
backend b4
backend b5
backend lonely
backend set
  fullconn 3
"""


def test_a_tenth_of_what_frontends_may_bring(peers: Peers, tmp_path: Path) -> None:
    with Balancer(peers.haproxy, CONFIG.format(stats='stats socket "${STATS}"', folder=tmp_path)) as haproxy:
        rows = [line.split(",") for line in haproxy.cli("show stat").splitlines() if ",BACKEND," in line]
    with lbcore.LoadBalancer(CONFIG.format(stats="", folder=tmp_path)) as lb:
        ours = {proxy.name: proxy.backend.fullconn for proxy in lb.proxies if proxy.backend is not None}
    assert ours == {row[0]: int(row[6]) for row in rows}
    assert len(ours) == 9
