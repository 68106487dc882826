"""Cookies that are made of addresses come, change and go, and clients are sent where they point."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import lbcore
from tests.cli.servers import say
from tests.embedded import Client, balancer, config, named
from tests.peers.chaos import Chaos
from tests.peers.haproxy import Balancer, newer_haproxy
from tests.peers.ports import HOST, free_port, release_port

BACK = ("balance roundrobin", "cookie SRV insert indirect", "dynamic-cookie-key secret")


@pytest.fixture
def lb() -> Iterator[lbcore.LoadBalancer]:
    with Chaos(named("s1")) as one, Chaos(named("s2")) as two:
        with balancer(config(one.port, two.port, back=BACK)) as running:
            yield running


def told(lb: lbcore.LoadBalancer, cookie: str = "") -> tuple[bytes, str | None]:
    """Who answered, and the cookie that came with it."""
    line = f"Cookie: SRV={cookie}\r\n" if cookie else ""
    with Client(lb) as client:
        client.send(f"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{line}\r\n".encode())
        answer = client.rest()
    head, _, body = answer.partition(b"\r\n\r\n")
    found = re.search(rb"set-cookie: SRV=(\w+)", head, re.IGNORECASE)
    return body, found[1].decode() if found else None


def test_they_are_made_when_they_are_switched_on(lb: lbcore.LoadBalancer) -> None:
    assert told(lb)[1] is None
    assert say(lb, "enable dynamic-cookie backend be") == "\n"
    name, cookie = told(lb)
    assert cookie is not None
    assert re.fullmatch("[0-9a-f]{16}", cookie)
    assert {told(lb, cookie)[0] for _ in range(3)} == {name}


def test_they_are_others_with_another_key(lb: lbcore.LoadBalancer) -> None:
    say(lb, "enable dynamic-cookie backend be")
    before = {server.cookie for server in lb.states.find("be/s1").backend.servers}
    assert say(lb, "set dynamic-cookie-key backend be other") == "\n"
    after = {server.cookie for server in lb.states.find("be/s1").backend.servers}
    assert len(before | after) == 4


def test_they_go_when_they_are_switched_off(lb: lbcore.LoadBalancer) -> None:
    say(lb, "enable dynamic-cookie backend be")
    cookie = told(lb)[1]
    say(lb, "disable dynamic-cookie backend be")
    assert told(lb)[1] is None
    assert {told(lb, str(cookie))[0] for _ in range(2)} == {b"s1", b"s2"}


def test_a_cookie_of_the_line_stays() -> None:
    with balancer(config(9, back=BACK, server="cookie own")) as lb:
        for command in ("enable dynamic-cookie backend be", "disable dynamic-cookie backend be"):
            say(lb, command)
            assert lb.states.find("be/s1").cookie == "own"


def test_servers_that_are_added_or_moved_get_theirs(lb: lbcore.LoadBalancer) -> None:
    say(lb, "enable dynamic-cookie backend be")
    say(lb, f"add server be/n1 {HOST}:9")
    first = lb.states.find("be/n1").cookie
    say(lb, f"set server be/n1 addr {HOST} port 10")
    second = lb.states.find("be/n1").cookie
    assert None not in (first, second)
    assert first != second


CONFIG = f"""
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend fe
  bind {HOST}:%d
  default_backend be
backend be
  cookie SRV insert
  server s1 {HOST}:1001
  server s2 {HOST}:1002 cookie a
"""
COMMANDS = [
    "enable dynamic-cookie backend", "enable dynamic-cookie backend nope", "disable dynamic-cookie backend",
    "set dynamic-cookie-key backend", "set dynamic-cookie-key backend be", "set dynamic-cookie-key backend nope x",
    "set dynamic-cookie-key backend be x", "enable dynamic-cookie backend be",
    "operator;enable dynamic-cookie backend be",
]  # fmt: skip


def test_answers_and_cookies_are_haproxys() -> None:
    program = newer_haproxy()
    if program is None:
        pytest.skip("haproxy 2.8 is not installed")
    ports = [free_port(), free_port()]
    try:
        theirs = 'global\n stats socket "${STATS}" level admin\n' + CONFIG % ports[0]
        with Balancer(program, theirs) as haproxy, lbcore.LoadBalancer(CONFIG % ports[1]) as lb:
            for command in COMMANDS:
                assert (command, say(lb, command)) == (command, haproxy.cli(command))
            rows = haproxy.cli("show stat be 4 -1").splitlines()
            place = rows[0].split(",").index("cookie")
            assert [row.split(",")[place] for row in rows[1:3]] == [
                server.cookie for server in lb.states.find("be/s1").backend.servers
            ]
    finally:
        for port in ports:
            release_port(port)
