"""What a connection tracks its streams count on, and what is tracked twice, beside a real HAProxy."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

import pytest

from tests.embedded import until
from tests.peers.haproxy import Balancer, Program, debian_haproxy, newer_haproxy, program_under_test
from tests.peers.ports import HOST, free_port, release_port
from tests.table.tracking import PATIENCE, Server, get

POINTS = ("connection", "session", "content", "request", "response")
RULES = {
    "connection": "tcp-request connection track-sc0 src table connection",
    "session": "tcp-request session track-sc0 src table session",
    "content": "tcp-request content track-sc0 src table content",
    "request": "http-request track-sc0 src table request",
    "response": "http-response track-sc0 src table response",
}
STORE = "conn_cnt,sess_cnt,http_req_cnt,http_err_cnt,http_fail_cnt"
TABLES = "\n".join(f"backend {name}\n    stick-table type ip size 10 store {STORE}" for name in POINTS)


def frontends() -> Iterator[str]:
    """One that tracks in the same slot at all points from the first on, at those from the second on, and so on."""
    for name in POINTS:
        rules = "\n    ".join(RULES[one] for one in POINTS[POINTS.index(name) :])
        yield f'frontend {name}_\n    bind "127.0.0.1:${{{name.upper()}}}"\n    {rules}\n    default_backend be\n'


CONFIG = f"""\
global
    stats socket "${{STATS}}" level admin

defaults
    mode http
    timeout client 5s
    timeout connect 5s
    timeout server 5s

{"".join(frontends())}
backend be
    http-response set-header tracked "%[sc0_conn_cnt],%[sc0_http_req_cnt],%[sc0_tracked(connection)]"
    server s1 "127.0.0.1:${{SRV}}"

{TABLES}
"""


def said(port: int, text: bytes) -> bytes:
    """All that is answered to requests of which the last one ends the connection."""
    with socket.create_connection((HOST, port), PATIENCE) as client:
        client.sendall(text)
        answer = b""
        while data := client.recv(65536):
            answer += data
        return answer


def entries(balancer: Balancer) -> dict[str, list[list[str]]]:
    """What each table has: the key, who uses it, the counters."""
    found = {}
    for name in POINTS:
        lines = balancer.cli(f"show table {name}").splitlines()[1:]
        found[name] = [
            [word for word in line.split()[1:] if not word.startswith(("exp=", "shard="))] for line in lines if line
        ]
    return found


def is_idle(balancer: Balancer) -> bool:
    return all("use=0" in entry for table in entries(balancer).values() for entry in table)


def figures(program: Program) -> dict[str, tuple[list[str], dict[str, list[list[str]]]]]:
    """By the first point that tracks: what two requests of a connection were told, and what tables have then."""
    ports = {name.upper(): free_port() for name in POINTS}
    found = {}
    with closing(Server()) as server, Balancer(program, CONFIG, {**ports, "SRV": server.port}) as balancer:
        for name in POINTS:
            answer = said(ports[name.upper()], get("/ok") + get("/404", "Connection: close"))
            told = [line for line in answer.decode().lower().splitlines() if line.startswith("tracked:")]
            assert until(partial(is_idle, balancer)), name
            found[name] = told, entries(balancer)
            for table in POINTS:
                balancer.cli(f"clear table {table}")
    for port in ports.values():
        release_port(port)
    return found


@pytest.mark.parametrize("oracle", [debian_haproxy, newer_haproxy], ids=["2.6", "2.8"])
def test_who_tracks_first_in_a_slot_goes_on(oracle: Callable[[], Program | None]) -> None:
    theirs = oracle()
    if theirs is None:
        pytest.skip("no such HAProxy is installed")
    assert figures(program_under_test()) == figures(theirs)
