"""When `stick` rules of mode tcp store, beside real HAProxies: as soon as the server is reached, or when rules about
what it says have come to an end."""

from __future__ import annotations

import socket
from functools import partial

import pytest

from tests.embedded import until
from tests.peers.haproxy import Balancer, Program, debian_haproxy, newer_haproxy, program_under_test
from tests.peers.ports import HOST, free_port, release_port

PATIENCE = 5.0
MOMENT = 0.3  # seconds
RULES = {
    "on": "stick-table type ip size 1k\n    stick on src",
    "store": "stick-table type ip size 1k\n    stick store-request src",
    "at_once": "stick-table type string len 10 size 1k\n    stick store-response res.payload(0,3)",
    "inspected": "stick-table type string len 10 size 1k\n    stick store-response res.payload(0,6)\n"
    "    tcp-response inspect-delay 5s\n    tcp-response content accept if { res.len gt 5 }",
    "waits": "stick-table type ip size 1k\n    stick store-request src\n"
    "    tcp-response inspect-delay 5s\n    tcp-response content accept if { res.len gt 5 }",
    "rejected": "stick-table type ip size 1k\n    stick store-request src\n"
    "    tcp-response inspect-delay 5s\n    tcp-response content reject if { res.len gt 5 }",
    "unreached": "stick-table type ip size 1k\n    stick on src",
}
CONFIG = """\
global
    stats socket "${STATS}" level admin
    nbthread 1
defaults
    mode tcp
    timeout client 9s
    timeout connect 9s
    timeout server 9s
    retries 0
""" + "".join(
    f'listen {name}\n    bind "127.0.0.1:${{{name}}}"\n    {rules}\n'
    f'    server s1 "127.0.0.1:${{{"CLOSED" if name == "unreached" else "SRV"}}}"\n'
    for name, rules in RULES.items()
)
Stored = list[int]  # entries once the server was reached, has said three bytes, has said three more, has ended


def stored(program: Program) -> dict[str, Stored]:
    """How many entries each table has, from step to step of a conversation."""
    ports = {name: free_port() for name in (*RULES, "CLOSED")}
    found = {}
    try:
        with (
            socket.create_server((HOST, 0)) as server,
            Balancer(program, CONFIG, {**ports, "SRV": server.getsockname()[1]}) as balancer,
        ):
            server.settimeout(PATIENCE)
            for name in RULES:
                found[name] = steps(balancer, name, ports[name], server)
    finally:
        for port in ports.values():
            release_port(port)
    return found


def entries(balancer: Balancer, name: str) -> int:
    """How many it has; it is given a moment to store one."""

    def count() -> int:
        return balancer.cli(f"show table {name}").count(" key=")

    until(lambda: count() > 0, MOMENT)
    return count()


def steps(balancer: Balancer, name: str, port: int, server: socket.socket) -> Stored:
    with socket.create_connection((HOST, port), PATIENCE) as client:
        if name == "unreached":
            assert client.recv(1) == b""
            return [entries(balancer, name)]
        client.sendall(b"hello")
        theirs, _ = server.accept()
        with theirs:
            assert theirs.recv(9) == b"hello"
            said = [entries(balancer, name)]
            for text in (b"abc", b"def"):
                theirs.sendall(text)
                heard(client, balancer, name, text)
                said.append(entries(balancer, name))
    assert until(partial(is_over, balancer, name))
    return [*said, entries(balancer, name)]


def heard(client: socket.socket, balancer: Balancer, name: str, text: bytes) -> None:
    """Waits until what the server said has been looked at."""
    if RULES[name].count("inspect") and text == b"abc":
        return  # kept back
    with_kept = 6 if "inspect" in RULES[name] else 3
    found = b""
    while len(found) < with_kept and (data := client.recv(9)):
        found += data
    assert found == (b"" if "reject" in RULES[name] else b"abcdef"[-with_kept:] if with_kept == 6 else text)


def is_over(balancer: Balancer, name: str) -> bool:
    return balancer.stat(name, "FRONTEND")["scur"] == "0"


def test_stores_when_haproxy_does() -> None:
    oracles = [program for program in (debian_haproxy(), newer_haproxy()) if program]
    if not oracles:
        pytest.skip("haproxy is not installed")
    ours = stored(program_under_test())
    for oracle in oracles:
        assert ours == stored(oracle), oracle.name
    assert ours["on"] == [1, 1, 1, 1]
    assert ours["inspected"][0] == 0
