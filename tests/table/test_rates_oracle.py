"""Rates beside real HAProxies: the same events at the same times make the same rates, whenever they are read."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import pytest

from tests.peers.haproxy import Balancer, Program, debian_haproxy, newer_haproxy, program_under_test
from tests.peers.ports import HOST, free_port, release_port

PATIENCE = 5.0
TABLES = {
    "short": "http_req_rate(1s),conn_rate(1s),sess_rate(1s),http_err_rate(1s)",
    "longer": "http_req_rate(2s),conn_rate(3s),sess_rate(10s),http_err_rate(60s)",
    "counters": "gpc0_rate(2s),gpc1_rate(60s)",
    "bytes": "bytes_in_rate(2s),bytes_out_rate(2s),conn_rate(1s)",
}
CONFIG = """\
global
    stats socket "${STATS}" level admin
    nbthread 1

defaults
    mode http
    timeout client 5s
    timeout connect 5s
    timeout server 5s

frontend fe
    bind "127.0.0.1:${FE}"
    tcp-request connection track-sc0 src table short
    tcp-request connection track-sc1 src table longer
    http-request track-sc2 src table counters
    http-request sc-inc-gpc0(2)
    http-request sc-inc-gpc1(2) if { path /more }
    http-request deny if { path /more }
    default_backend be

backend be
    server s1 "127.0.0.1:${SRV}"

frontend tcp
    bind "127.0.0.1:${TCP}"
    mode tcp
    tcp-request connection track-sc0 src table bytes
    default_backend tcp_be

backend tcp_be
    mode tcp
    server s1 "127.0.0.1:${SRV}"

listen server
    bind "127.0.0.1:${SRV}"
    http-request return status 200 content-type text/plain string 0123456789

""" + "".join(
    f"backend {name}\n    stick-table type ip size 1k expire 5m store {store}\n" for name, store in TABLES.items()
)
LINES = (("fe", "FRONTEND"), ("be", "BACKEND"), ("be", "s1"), ("tcp", "FRONTEND"))
# Seconds after the start, and how many requests then: a burst, one that follows in the same period, one across its end,
# pauses that are shorter and longer than periods.
SCHEDULE = (
    (0.0, 20), (0.6, 10), (1.2, 5), (1.4, 0), (1.7, 9), (2.4, 0), (3.1, 12), (3.9, 0), (4.6, 1), (5.7, 0), (6.8, 1),
)  # fmt: skip
SCHEDULES = 3  # at most, until one was kept to
LATE = 0.1  # seconds that an event or a reading may be later at one program than at another
LARGEST = 57  # events of the schedule
ROUNDED = 1


class Reading(NamedTuple):
    """What a program says at one moment."""

    rates: dict[str, int]
    periods: dict[str, float]  # seconds


class Rig:
    """Programs on the same configuration."""

    def __init__(self, running: dict[str, Balancer], ports: dict[str, dict[str, int]]) -> None:
        self.running = running
        self.ports = ports
        self.late = 0.0  # seconds between the first and the last program's events and readings

    def request(self) -> None:
        """One request, to the proxies of every program."""
        began = time.monotonic()
        for ports in self.ports.values():
            for name, target in (("FE", "/"), ("FE", "/more"), ("TCP", "/")):
                fetch(ports[name], target)
        self.late = max(self.late, time.monotonic() - began)

    def read(self) -> dict[str, Reading]:
        began = time.monotonic()
        found = {name: reading(one) for name, one in self.running.items()}
        self.late = max(self.late, time.monotonic() - began)
        return found


def fetch(port: int, target: str) -> None:
    with socket.create_connection((HOST, port), PATIENCE) as client:
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        while client.recv(4096):
            pass


def reading(one: Balancer) -> Reading:
    rates, periods = {}, {}
    for table in TABLES:
        for name, period, value in re.findall(r"(\w+)\((\d+)\)=(\d+)", one.cli(f"show table {table}")):
            rates[f"{table} {name}"], periods[f"{table} {name}"] = int(value), int(period) / 1000
    for proxy, service in LINES:
        row = one.stat(proxy, service)
        for name in ("rate", "rate_max", "conn_rate", "conn_rate_max", "req_rate", "req_rate_max"):
            if row[name]:
                rates[f"{proxy}/{service} {name}"], periods[f"{proxy}/{service} {name}"] = int(row[name]), 1.0
    return Reading(rates, periods)


@contextmanager
def rig(programs: list[Program]) -> Iterator[Rig]:
    ports = {program.name: {name: free_port() for name in ("FE", "TCP", "SRV")} for program in programs}
    try:
        with ExitStack() as stack:
            yield Rig({p.name: stack.enter_context(Balancer(p, CONFIG, ports[p.name])) for p in programs}, ports)
    finally:
        for port in (port for some in ports.values() for port in some.values()):
            release_port(port)


def kept_to(programs: list[Program]) -> tuple[list[dict[str, Reading]], float]:
    """What each said at each moment of the schedule, and how many seconds one was behind another."""
    for _ in range(SCHEDULES):
        with rig(programs) as one:
            began, found = time.monotonic(), []
            for at, requests in SCHEDULE:
                time.sleep(max(0.0, began + at - time.monotonic()))  # the schedule is what is tested
                for _ in range(requests):
                    one.request()
                found.append(one.read())
            if one.late < LATE:
                break
    return found, one.late


@pytest.fixture(scope="module")
def said() -> tuple[list[dict[str, Reading]], float]:
    oracles = [program for program in (debian_haproxy(), newer_haproxy()) if program]
    if not oracles:
        pytest.skip("haproxy is not installed")
    return kept_to([program_under_test(), *oracles])


def tolerance(name: str, period: float, late: float) -> float:
    """How far two may differ: what fades in the time that one is behind the other."""
    of_each = 200 if "bytes" in name and "conn" not in name else 1 if "conn" not in name else 2
    return ROUNDED + of_each * LARGEST * late / period


@pytest.mark.timeout(120)
def test_rates_are_those_of_haproxy_at_each_moment(said: tuple[list[dict[str, Reading]], float]) -> None:
    readings, late = said
    assert late < 0.5, "the machine is too busy for rates"
    ours_name, *theirs_names = readings[0]
    for moment, of_all in zip(SCHEDULE, readings, strict=True):
        ours = of_all[ours_name]
        for their in theirs_names:
            theirs = of_all[their]
            assert ours.rates.keys() == theirs.rates.keys()
            for name, value in ours.rates.items():
                allowed = tolerance(name, ours.periods[name], late)
                assert abs(value - theirs.rates[name]) <= allowed, (moment, their, name, value, theirs.rates[name])


def test_what_the_present_period_has_counts_in_full(said: tuple[list[dict[str, Reading]], float]) -> None:
    ours, *others = said[0][0].values()
    names = [name for name, period in ours.periods.items() if period > 1]
    assert len(names) == 8
    for theirs in others:
        assert {name: ours.rates[name] for name in names} == {name: theirs.rates[name] for name in names}


def test_the_schedule_makes_rates_rise_and_fade(said: tuple[list[dict[str, Reading]], float]) -> None:
    first = next(iter(said[0][0]))
    rates = [of_all[first].rates["short http_req_rate"] for of_all in said[0]]
    assert max(rates) >= 40
    assert rates[-2] <= 2
