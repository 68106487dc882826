"""What lets the life of an entry begin anew, beside real HAProxies."""

from __future__ import annotations

import re
import socket

import pytest

from tests.embedded import until
from tests.peers.haproxy import Balancer, Program, debian_haproxy, newer_haproxy, program_under_test
from tests.peers.ports import HOST, free_port, release_port

PATIENCE = 5.0
LIFE, AGED = 3_600_000, 300  # ms: of an entry; when it is looked at again
LINES = {
    "track": "http-request track-sc0 src table t",
    "stick": "stick match src table t",
    "src_rate": "http-request set-var(txn.a) src_http_req_rate(t)",
    "src_inc": "http-request set-var(txn.a) src_inc_gpc0(t)",
    "src_clear": "http-request set-var(txn.a) src_clr_gpc0(t)",
    "src_update": "http-request set-var(txn.a) src_updt_conn_cnt(t)",
    "converter": "http-request set-var(txn.a) src,table_http_req_rate(t)",
    "in_table": "http-request set-var(txn.a) src,in_table(t)",
    "expire": "http-request set-var(txn.a) src,table_expire(t)",
    "idle": "http-request set-var(txn.a) src,table_idle(t)",
}
COMMANDS = {"show": "show table t key 127.0.0.1", "set": "set table t key 127.0.0.1 data.gpc0 1"}
CONFIG = """\
global
    stats socket "${STATS}" level admin
    nbthread 1
defaults
    mode http
    timeout client 5s
    timeout connect 5s
    timeout server 5s
backend t
    stick-table type ip size 1k expire 1h store http_req_rate(10s),gpc0,conn_cnt,server_id
listen server
    bind "127.0.0.1:${SRV}"
    http-request return status 200
""" + "".join(
    f'listen {name}\n    bind "127.0.0.1:${{{name}}}"\n    {line}\n    server s1 "127.0.0.1:${{SRV}}"\n'
    for name, line in LINES.items()
)


def left(balancer: Balancer) -> int:
    """Milliseconds that the entry has to live."""
    found = re.search(r" exp=(\d+)", balancer.cli("show table t"))
    assert found is not None
    return int(found[1])


def request(port: int) -> None:
    with socket.create_connection((HOST, port), PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while client.recv(4096):
            pass


def refreshing(program: Program) -> set[str]:
    """The names of what refreshes an entry."""
    ports = {name: free_port() for name in (*LINES, "SRV")}
    found = set()
    try:
        with Balancer(program, CONFIG, ports) as balancer:
            for name in (*LINES, *COMMANDS):
                balancer.cli("clear table t;set table t key 127.0.0.1 data.server_id 1")
                assert until(lambda: left(balancer) < LIFE - AGED)
                before = left(balancer)
                if name in COMMANDS:
                    balancer.cli(COMMANDS[name])
                else:
                    request(ports[name])
                if left(balancer) > before:
                    found.add(name)
    finally:
        for port in ports.values():
            release_port(port)
    return found


def test_entries_live_on_by_what_lets_haproxys_live_on() -> None:
    oracles = [program for program in (debian_haproxy(), newer_haproxy()) if program]
    if not oracles:
        pytest.skip("haproxy is not installed")
    ours = refreshing(program_under_test())
    assert ours == {"track", "stick", "src_inc", "src_clear", "src_update", "set"}
    for oracle in oracles:
        assert ours == refreshing(oracle), oracle.name
