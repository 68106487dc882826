"""Rules on several threads: what they share is whole at any moment, and a soft stop waits for their verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import lbcore
from tests.embedded import Background, Client, balancer, get, until
from tests.peers.chaos import Chaos, good
from tests.peers.ports import HOST

THREADS = 4
CLIENTS = 8
REQUESTS = 150  # of each client


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[lbcore.LoadBalancer]:
    """A frontend whose requests change a map, an ACL and variables of the process, and read them."""
    values = tmp_path / "values.map"
    values.write_text("all 0\n")
    blocked = tmp_path / "blocked.acl"
    blocked.write_text("nothing\n")
    text = f"""
global
    nbthread {THREADS}
defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 10s
frontend fe
    bind {HOST}:0
    acl blocked path -f {blocked}
    http-request set-var(txn.key) url_param(key)
    http-request set-map({values}) %[var(txn.key)] %[url_param(value)] if {{ path /set }}
    http-request set-var(proc.last) var(txn.key) if {{ path /set }}
    http-request del-map({values}) %[var(txn.key)] if {{ path /delete }}
    http-request add-acl({blocked}) %[url_param(path)] if {{ path /block }}
    http-request del-acl({blocked}) %[url_param(path)] if {{ path /unblock }}
    http-request deny if blocked
    http-request return status 200 content-type text/plain lf-string "%[var(txn.key),map({values},none)]"
"""
    with balancer(text) as lb:
        yield lb


def test_each_client_reads_what_it_has_just_written_while_others_write(shared: lbcore.LoadBalancer) -> None:
    def work(number: int) -> None:
        with Client(shared) as client:
            for turn in range(REQUESTS):
                key = f"key={number}"
                assert client.ask(get(f"/set?{key}&value={turn}")) == b"%d" % turn
                assert client.ask(get(f"/get?{key}")) == b"%d" % turn
                assert client.ask(get(f"/delete?{key}")) == b"none"
                client.ask(get(f"/block?path=/p{number}"))
                client.send(get(f"/p{number}"))
                assert client.status() == 403
                client.ask(get(f"/unblock?path=/p{number}"))
                client.send(get(f"/p{number}"))
                assert client.status() == 200

    works = [Background(lambda number=number: work(number)) for number in range(CLIENTS)]  # type: ignore[misc]
    for one in works:
        one.join(120)
    with Client(shared) as client:
        assert client.ask(get("/get?key=all")) == b"0"


WAITING = {
    "pause": (200, "http-request pause 300ms"),
    "tarpit": (500, "timeout tarpit 300ms\n http-request tarpit"),
    "body": (408, "http-request wait-for-body time 300ms"),
    "answer": (200, "http-response pause 300ms"),
}


@pytest.mark.parametrize("name", WAITING)
def test_a_soft_stop_waits_for_rules_that_wait(name: str) -> None:
    status, rules = WAITING[name]
    with Chaos(good) as server:
        text = f"""
defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 10s
frontend fe
    bind {HOST}:0
    http-request set-log-level info
    {rules}
    default_backend be
backend be
    server s {HOST}:{server.port}
"""
        with balancer(text) as lb, Client(lb) as client:
            client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nh")
            if name != "body":
                client.send(b"i")
            assert until(lambda: any(worker.local["streams"] for worker in lb.crew.workers))
            lb.soft_stop()
            assert client.status() == status
            with suppress(ConnectionResetError):
                client.rest()
            assert lb.wait(10)
