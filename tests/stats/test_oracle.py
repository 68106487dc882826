"""Columns, cells and lines in the order and with the values of HAProxy, for the same idle configuration."""

import csv
import io
from collections.abc import Iterator

import pytest

from lbcore.stats.csv import HEADER, line
from lbcore.stats.fields import FIELDS, Selection, select
from lbcore.stats.info import INFO
from tests.peers.haproxy import Balancer, Program, debian_haproxy, newer_haproxy
from tests.peers.ports import free_port, release_port
from tests.stats.fakes import FakeBackend, FakeFrontend, FakeListener, FakeProxy, FakeServer

CONFIG = """
global
  stats socket "${STATS}" level admin
  stats socket "${STATS}.user" level user
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend fe
  maxconn 33
  rate-limit sessions 9
  bind "127.0.0.1:${A}" name l1
  bind "127.0.0.1:${B}"
  option socket-stats
  default_backend be
backend be
  fullconn 44
  balance leastconn
  server s1 127.0.0.1:9 weight 5 maxconn 7 maxqueue 8 cookie ck
  server s2 127.0.0.1:9 backup pool-max-conn 3
  server s3 127.0.0.1:9 disabled
listen t
  mode tcp
  maxconn 33
  fullconn 44
  bind "127.0.0.1:${C}" maxconn 22
  option socket-stats
  server s1 127.0.0.1:9
"""
AGES = {"lastchg"}
# HAProxy 2.6 shows no requests for frontends in mode tcp, 2.8 does.
NEWER = {"req_rate", "req_rate_max", "req_tot"}


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    found = {name: free_port() for name in "ABC"}
    yield found
    for port in found.values():
        release_port(port)


@pytest.fixture(scope="module", params=[debian_haproxy, newer_haproxy], ids=["2.6", "2.8"])
def answers(request: pytest.FixtureRequest, ports: dict[str, int]) -> tuple[Program, str, str, str]:
    """The program, its `show stat` for an admin's and for a user's socket, its `show info`."""
    program = request.param()
    if program is None:
        pytest.skip("this haproxy is not installed")
    with Balancer(program, CONFIG, ports) as balancer:
        as_admin, info = balancer.cli("show stat"), balancer.cli("show info")
        balancer.stats_path += ".user"
        return program, as_admin, balancer.cli("show stat"), info


def same_configuration(ports: dict[str, int]) -> list[FakeProxy]:
    fe = FakeProxy(
        "fe",
        2,
        frontend=FakeFrontend(maxconn=33, sess_rate_limit=9),
        listeners=[
            FakeListener("l1", 1, f"127.0.0.1:{ports['A']}"),
            FakeListener("sock-2", 2, f"127.0.0.1:{ports['B']}"),
        ],
    )
    servers = [
        FakeServer("s1", 1, "127.0.0.1:9", weight=5, uweight=5, maxconn=7, maxqueue=8, cookie="ck"),
        FakeServer("s2", 2, "127.0.0.1:9", backup=True, idle_limit=3),
        FakeServer("s3", 3, "127.0.0.1:9", status="MAINT", usable=False),
    ]
    be = FakeProxy(
        "be",
        3,
        backend=FakeBackend(servers, fullconn=44, total_weight=5, total_uweight=5, bck=1, algorithm="leastconn"),
    )
    t = FakeProxy(
        "t",
        4,
        "tcp",
        FakeFrontend(maxconn=33),
        [FakeListener("sock-1", 1, f"127.0.0.1:{ports['C']}", maxconn=22)],
        FakeBackend([FakeServer("s1", 1, "127.0.0.1:9")], fullconn=44),
    )
    return [fe, be, t]


def table(text: str) -> list[dict[str, str]]:
    """The rows by column, without the columns of modules, which stand behind one named "-"."""
    header, *rows = csv.reader(io.StringIO(text))
    known = header.index("-") if "-" in header else len(header) - 1
    return [dict(zip(header[:known], row[:known], strict=True)) for row in rows if row]


def test_columns_are_haproxys_in_order(answers: tuple[Program, str, str, str]) -> None:
    header = answers[1].splitlines()[0]
    theirs = header.split(",-,")[0] + ","
    assert HEADER.rstrip("\n").startswith(theirs)


def test_no_column_is_missing_or_made_up(answers: tuple[Program, str, str, str]) -> None:
    program, text, _, _ = answers
    extra = len(FIELDS) - len(table(text)[0])
    assert extra == (0 if program.name == "haproxy-2.8" else 10)


@pytest.mark.parametrize("legends", [True, False])
def test_cells_are_haproxys(answers: tuple[Program, str, str, str], ports: dict[str, int], legends: bool) -> None:
    program, as_admin, as_user, _ = answers
    theirs = table(as_admin if legends else as_user)
    ours = table("".join([HEADER, *map(line, select(same_configuration(ports), Selection(legends=legends)))]))
    skipped = AGES | (NEWER if program.name == "haproxy" else set())
    compared = [name for name in theirs[0] if name not in skipped]
    assert [[row[name] for name in compared] for row in ours] == [[row[name] for name in compared] for row in theirs]


def test_lines_of_show_info_are_haproxys_in_order(answers: tuple[Program, str, str, str]) -> None:
    theirs = [line.split(": ")[0] for line in answers[3].splitlines() if line]
    ours = [field.name for field in INFO]
    if answers[0].name == "haproxy":
        # Debian's 2.6 is built without zlib, spells one name with a letter too many, and ends earlier.
        theirs = [name.replace("Splicded", "Spliced") for name in theirs]
        newer = {"ZlibMemUsage", "MaxZlibMemUsage", "TotalWarnings", "MaxconnReached", "BootTime_ms"}
        ours = [name for name in ours if name not in newer]
    assert [name for name in ours if name != "description"] == theirs
