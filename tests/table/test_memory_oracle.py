"""What an entry of a stick table costs, beside a real HAProxy."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.peers.haproxy import Balancer, Program, debian_haproxy, program_under_test
from tests.peers.ports import free_port, release_port

ENTRIES = 100_000
LOADED_AT_ONCE = 5_000  # lines of a file
AT_ONCE = 300  # commands in a line of HAProxy's stats socket
CONFIG = """\
global
    stats socket "${STATS}" level admin
    stats timeout 1m
    nbthread 1
defaults
    mode http
    timeout client 5s
    timeout connect 5s
    timeout server 5s
frontend fe
    bind "127.0.0.1:${FE}"
backend t
    stick-table type ip size 100k expire 1h store STORE
"""


def address(number: int) -> str:
    """Addresses in no order."""
    return socket.inet_ntoa((number * 2654435761 & 0xFFFFFFFF).to_bytes(4, "big"))


def fill(balancer: Balancer, folder: Path) -> None:
    """By the quickest way that the program has."""
    dump = folder / "t.dump"
    if balancer.cli(f"dump table t to {dump}").startswith("Unknown command"):
        for at in range(0, ENTRIES, AT_ONCE):
            numbers = range(at, min(ENTRIES, at + AT_ONCE))
            balancer.cli(";".join(f"set table t key {address(number)}" for number in numbers))
        return
    header = dump.read_text()
    for at in range(0, ENTRIES, LOADED_AT_ONCE):  # what a load needs until it is done must not show
        rows = ({"key": address(number), "left": 3_600_000, "data": {}} for number in range(at, at + LOADED_AT_ONCE))
        dump.write_text(header + "".join(f"{json.dumps(row)}\n" for row in rows))
        assert balancer.cli(f"load table t from {dump}") == f"{LOADED_AT_ONCE} entries loaded.\n\n"


def entry_bytes(program: Program, store: str, folder: Path) -> float:
    """By how much the program's memory grows with an entry."""
    port = free_port()
    try:
        with Balancer(program, CONFIG.replace("STORE", store), {"FE": port}) as balancer:
            before = balancer.rss()
            fill(balancer, folder)
            assert f"used:{ENTRIES}\n" in balancer.cli("show table")
            return (balancer.rss() - before) / ENTRIES
    finally:
        release_port(port)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("store", ["http_req_rate(10s)", "gpc0,conn_cur,http_req_rate(10s),bytes_in_rate(10s)"])
def test_an_entry_takes_no_more_memory_than_haproxys(store: str, tmp_path: Path) -> None:
    oracle = debian_haproxy()
    if oracle is None:
        pytest.skip("haproxy is not installed")
    theirs = entry_bytes(oracle, store, tmp_path)
    assert theirs > 100, "HAProxy's table was not filled"
    assert entry_bytes(program_under_test(), store, tmp_path) <= theirs
