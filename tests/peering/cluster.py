"""Two balancers that are peers of each other: either may be lbcore or an HAProxy, on the same configuration."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.embedded import until
from tests.peers.haproxy import Balancer, Program, debian_haproxy, newer_haproxy, program_under_test
from tests.peers.ports import HOST, free_port, release_port

PATIENCE = 20.0
# HAProxy waits for 5 seconds for an old process of its own before it asks anybody else.
SCALARS = (
    "server_id,gpt0,gpc0,gpc0_rate(60s),conn_cnt,conn_rate(60s),conn_cur,sess_cnt,sess_rate(60s),http_req_cnt,"
    "http_req_rate(60s),http_err_cnt,http_err_rate(60s),bytes_in_cnt,bytes_in_rate(60s),bytes_out_cnt,"
    "bytes_out_rate(60s),gpc1,gpc1_rate(60s),http_fail_cnt,http_fail_rate(60s)"
)
CONFIG = f"""\
global
    stats socket "${{STATS}}" level admin
    nbthread 2
    localpeer "${{ME}}"

defaults
    mode http
    timeout client 5s
    timeout connect 2s
    timeout server 5s

peers cluster
    peer "${{ME}}" "127.0.0.1:${{MINE}}"
    peer "${{OTHER}}" "127.0.0.1:${{THEIRS}}"
    table own type string len 10 size 1k expire 1m store gpc0

backend scalars
    stick-table type ip size 1k expire 1m store {SCALARS} peers cluster
backend arrays
    stick-table type integer size 1k expire 1m store gpt(3),gpc(3),gpc_rate(2,60s) peers cluster
backend v6
    stick-table type ipv6 size 1k store conn_cnt peers cluster
backend texts
    stick-table type string size 1k store conn_cnt peers cluster
backend long_texts
    stick-table type string len 50 size 1k store conn_cnt peers cluster
backend bytes
    stick-table type binary len 6 size 1k expire 1m store http_req_cnt peers cluster
backend many
    stick-table type integer size 200k store gpc0 peers cluster

backend sticky
    stick-table type string size 1k expire 1m store server_id,server_key peers cluster
    stick on hdr(k)
    server web1 "127.0.0.1:${{WEB}}"
    server web2 "127.0.0.1:${{WEB}}"

frontend web
    bind "127.0.0.1:${{WEB}}"
    http-request return status 200

frontend fe
    bind "127.0.0.1:${{FE}}"
    http-request track-sc0 hdr(k) table bytes if {{ path /bytes }}
    http-request track-sc0 hdr(k) table arrays if {{ path /arrays }}
    http-request sc-inc-gpc(1,0) if {{ path /arrays }}
    http-request sc-set-gpt(2,0) 7 if {{ path /arrays }}
    use_backend sticky if {{ path /sticky }}
    http-request return status 200 unless {{ path /sticky }}
"""
TABLES = ("scalars", "arrays", "v6", "texts", "long_texts", "bytes", "sticky", "cluster/own")
# What is of one process only.
_APART = ("use", "exp", "shard", "conn_cur")
_FIELD = re.compile(r"([a-z0-9_\[\]]+)(?:\(\d+\))?=(\S*)")


@dataclass
class Member:
    """One balancer of a pair, and how it is started again."""

    program: Program
    variables: dict[str, Any]
    stack: ExitStack
    balancer: Balancer = field(init=False)

    def start(self) -> None:
        self.balancer = self.stack.enter_context(Balancer(self.program, CONFIG, self.variables))

    def restart(self) -> None:
        """Ends it, and starts one that knows nothing."""
        self.balancer.close()
        self.start()

    def ask(self, path: str, key: str) -> None:
        """A request of a client."""
        with socket.create_connection((HOST, self.variables["FE"]), timeout=5) as one:
            one.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nk: {key}\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while data := one.recv(65536):
                answer += data
        assert b" 200 " in answer, answer

    def put(self, table: str, key: str, **values: int) -> None:
        """Changes an entry through the stats socket."""
        words = " ".join(f"data.{name} {value}" for name, value in values.items())
        answer = self.balancer.cli(f"set table {table} key {key} {words}")
        assert not answer.strip(), answer

    def entries(self, table: str) -> dict[str, dict[str, str]]:
        """The entries of a table by their keys, but for what is of one process only."""
        return {key: {name: v for name, v in one.items() if name not in _APART} for key, one in self._lines(table)}

    def lives(self, table: str, key: str) -> int:
        """How many ms an entry has to live."""
        return int(dict(self._lines(table))[key]["exp"])

    def used(self, table: str) -> int:
        found = re.search(r"used:(\d+)", self.balancer.cli(f"show table {table} data.gpc0 gt 99999999"))
        assert found is not None
        return int(found[1])

    def _lines(self, table: str) -> Iterator[tuple[str, dict[str, str]]]:
        for line in self.balancer.cli(f"show table {table}").splitlines():
            if line.startswith("0x"):
                fields = dict(_FIELD.findall(line.partition(":")[2]))
                yield fields.pop("key"), fields


@contextmanager
def pair(one: Program, other: Program) -> Iterator[tuple[Member, Member]]:
    """Two balancers that know each other."""
    ports = [free_port() for _ in range(6)]
    with ExitStack() as stack:
        for port in ports:
            stack.callback(release_port, port)
        members = [
            Member(program, {"ME": me, "OTHER": peer, "MINE": mine, "THEIRS": theirs, "FE": fe, "WEB": web}, stack)
            for program, me, peer, mine, theirs, fe, web in (
                (one, "a", "b", ports[0], ports[1], ports[2], ports[3]),
                (other, "b", "a", ports[1], ports[0], ports[4], ports[5]),
            )
        ]
        for member in members:
            member.start()
        yield members[0], members[1]


def agree(one: Member, other: Member, tables: Iterable[str] = TABLES) -> bool:
    """Whether both have the same in all tables, soon."""
    return all(until(lambda name=name: one.entries(name) == other.entries(name), PATIENCE) for name in tables)  # type: ignore[misc]


def fill(member: Member, seed: int) -> None:
    """Entries of all tables, with keys that only this seed has."""
    member.put(
        "scalars", f"10.0.0.{seed}", server_id=seed, gpt0=250, gpc0=300, gpc0_rate=5, conn_cnt=70000, conn_rate=3,
        sess_cnt=2288, sess_rate=9, http_req_cnt=2**31, http_req_rate=300, http_err_cnt=7, http_err_rate=6,
        bytes_in_cnt=5_000_000_000, bytes_in_rate=4000, bytes_out_cnt=2**60, bytes_out_rate=70000, gpc1=239,
        gpc1_rate=240, http_fail_cnt=4, http_fail_rate=2,
    )  # fmt: skip
    member.put("v6", f"2001:db8::{seed}", conn_cnt=seed)
    member.put("texts", "x" * 30 + str(seed), conn_cnt=1)
    member.put("long_texts", f"a{seed}" * 20, conn_cnt=1)
    member.put("cluster/own", f"own{seed}", gpc0=1)
    for path in ("/bytes", "/arrays", "/sticky"):
        member.ask(path, str(seed))


ORACLES: dict[str, Callable[[], Program | None]] = {
    "2.6": debian_haproxy,
    "2.8": newer_haproxy,
    "lbcore": program_under_test,
}
