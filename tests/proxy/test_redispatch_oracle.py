"""Retries and redispatches beside HAProxy 2.8: what is counted as which, for each algorithm and interval."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from tests.peers.haproxy import Balancer, Program, newer_haproxy, program_under_test
from tests.peers.ports import HOST, free_port, release_port

ORACLE = newer_haproxy()
pytestmark = pytest.mark.skipif(ORACLE is None, reason="HAProxy 2.8 is not installed")

BALANCE = {
    "rr": "roundrobin",
    "static": "static-rr",
    "least": "leastconn",
    "first": "first",
    "random": "random",
    "ring": "source\n    hash-type consistent",
}
OPTIONS = {
    "last": "option redispatch",
    "0": "option redispatch 0",
    "2": "option redispatch 2",
    "m2": "option redispatch -2",
}
SERVERS = {"two": ("", ""), "one": ("",), "backup": ("", "backup")}  # what stands behind the addresses, which refuse
HEAD = """\
global
    stats socket "${STATS}" level admin
    nbthread 1

defaults
    mode http
    timeout client 20s
    timeout server 20s
    timeout connect 60ms
    retries 4

frontend fe
    bind "127.0.0.1:${FE}"
    use_backend %[path,field(2,/)]
"""


def backends() -> dict[str, str]:
    """The sections by their names."""
    found = {}
    for name, balance in BALANCE.items():
        for option, words in OPTIONS.items():
            lines = [f"balance {balance}", words]
            found[f"{name}-{option}"] = _section(lines, SERVERS["two"])
        lines = [f"balance {balance}", OPTIONS["last"]]
        found[f"{name}-one"] = _section(lines, SERVERS["one"])
        found[f"{name}-backup"] = _section(lines, SERVERS["backup"])
        found[f"{name}-cookie"] = _section([*lines, "cookie C"], ("cookie a", ""))
    return found


def _section(lines: list[str], servers: tuple[str, ...]) -> str:
    listed = [f'server s{number} "127.0.0.1:${{DEAD}}" {words}' for number, words in enumerate(servers)]
    return "".join(f"    {line}\n" for line in [*lines, *listed])


def counted(program: Program) -> dict[str, tuple[str, str]]:
    """Retries and redispatches of each backend after one request to each."""
    ports = {"FE": free_port(), "DEAD": free_port()}
    sections = backends()
    text = HEAD + "".join(f"\nbackend {name}\n{lines}" for name, lines in sections.items())
    try:
        with Balancer(program, text, ports) as balancer, ExitStack() as stack:
            clients = []
            for name in sections:
                client = stack.enter_context(socket.create_connection((HOST, ports["FE"]), timeout=20))
                client.sendall(f"GET /{name} HTTP/1.1\r\nHost: a\r\nCookie: C=a\r\n\r\n".encode())
                clients.append(client)
            assert {client.recv(1000)[:12] for client in clients} == {b"HTTP/1.1 503"}
            rows = {name: balancer.stat(name, "BACKEND") for name in sections}
            return {name: (row["wretr"], row["wredis"]) for name, row in rows.items()}
    finally:
        for port in ports.values():
            release_port(port)


def test_attempts_are_counted_as_haproxy_counts_them() -> None:
    assert ORACLE is not None
    ours = counted(program_under_test())
    assert ours == counted(ORACLE)
    assert {ours["rr-last"], ours["ring-last"], ours["ring-2"], ours["rr-one"]} == {
        ("0", "4"), ("3", "1"), ("2", "2"), ("4", "0"),
    }  # fmt: skip
