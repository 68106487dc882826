"""Server state files: what is taken over of them, row by row beside HAProxy."""

from __future__ import annotations

from pathlib import Path

import pytest

import lbcore
from lbcore.proxy.health import CheckState
from lbcore.proxy.machine import Op
from tests.cli.servers import say
from tests.embedded import config, until
from tests.peers.haproxy import Balancer, debian_haproxy
from tests.peers.ports import HOST

HEAD = "1\n# be_id be_name srv_id srv_name srv_addr ...\n"
# What stands behind the `server` line, and the operational state, admin state, weight, configured weight of the file.
CASES = (
    ("", 2, 0, 1, 1),
    ("", 0, 0, 1, 1),
    ("", 3, 0, 1, 1),
    ("", 2, 0, 7, 1),
    ("", 2, 0, 7, 5),
    ("weight 5", 2, 0, 7, 5),
    ("", 2, 0, 0, 1),
    ("", 0, 1, 1, 1),
    ("", 2, 4, 1, 1),
    ("", 0, 5, 1, 1),
    ("", 2, 8, 1, 1),
    ("", 2, 16, 1, 1),
    ("", 0, 2, 1, 1),
    ("disabled", 2, 0, 1, 1),
    ("disabled", 0, 1, 1, 1),
    ("disabled", 2, 4, 1, 1),
    ("disabled", 0, 5, 1, 1),
    ("disabled", 2, 8, 1, 1),
    ("", 9, 0, 1, 1),
    ("", 0, 9, 1, 1),
    ("", 2, 0, 300, 1),
)


def row(name: str, op: int, admin: int, uweight: int, iweight: int, port: int = 80) -> str:
    """A line of a file."""
    return f"2 be 1 {name} {HOST} {op} {admin} {uweight} {iweight} 100 1 0 2 0 0 0 0 - {port} - 0 0 - - 0"


def file_of(folder: Path, *rows: str, head: str = HEAD) -> Path:
    path = folder / "states"
    path.write_text(head + "".join(f"{one}\n" for one in rows))
    return path


def here(text: str, check: CheckState | None = None) -> tuple[lbcore.LoadBalancer, list[str]]:
    """A balancer, started, and what it said. The check is its first server's."""
    lb = lbcore.LoadBalancer(text)
    told: list[str] = []
    lb.notify = lb.alarm = told.append
    lb.bind()
    if check is not None:
        lb.states.find("be/s1").check = check
    lb.start()
    return lb, told


def states_of(lb: lbcore.LoadBalancer) -> list[tuple[str, int, int, int]]:
    """Name, states and weight of each server, as `show servers state` has them."""
    backend = lb.proxies[1].backend
    assert backend is not None
    return [(one.name, int(one.op), int(one.admin), one.uweight) for one in backend.servers]


def test_each_row_leads_where_haproxy_lets_it_lead(tmp_path: Path) -> None:
    oracle = debian_haproxy()
    if oracle is None:
        pytest.skip("haproxy is not installed")
    path = file_of(tmp_path, *(row(f"s{n}", *case[1:]) for n, case in enumerate(CASES)))
    servers = [f"server s{n} {HOST}:80 {case[0]}" for n, case in enumerate(CASES)]
    text = config(settings=[f"server-state-file {path}"], back=["load-server-state-from-file global", *servers])
    stats = text.replace("nbthread 1", 'nbthread 1\n    stats socket "${STATS}" level admin').replace(
        "bind 127.0.0.1:0", 'bind "${STATS}.fe"'
    )
    with Balancer(oracle, stats) as haproxy:
        lines = [line.split() for line in haproxy.cli("show servers state").splitlines()[2:] if line]
        theirs = [(line[3], int(line[5]), int(line[6]), int(line[7])) for line in lines]
        complaints = [
            line.partition(" : ")[2] for line in haproxy.stderr().splitlines() if "application failed" in line
        ]
    lb, told = here(text)
    try:
        assert states_of(lb) == theirs
        assert [f"config : {line}" for line in told if "application failed" in line] == complaints
    finally:
        lb.close()


def test_checks_go_on_where_they_were(tmp_path: Path) -> None:
    path = file_of(tmp_path, row("s1", 0, 0, 1, 1).replace(" 1 0 2 0 0 ", " 8 2 0 6 0 "))
    text = config(80, settings=[f"server-state-file {path}"], back=["load-server-state-from-file global"])
    check = CheckState()
    lb, told = here(text, check)
    try:
        server = lb.states.find("be/s1")
        assert (server.op, check.health, check.last.status.name, server.lastchg) == (Op.STOPPED, 0, "L4CON", 100)
        assert until(lambda: bool(told))
        assert told[0].startswith("Server be/s1 is DOWN, changed from server-state after a reload. 0 active")
    finally:
        lb.close()


def test_port_is_the_one_of_the_file(tmp_path: Path) -> None:
    path = file_of(tmp_path, row("s1", 2, 0, 1, 1, port=99))
    lb, _told = here(config(80, settings=[f"server-state-file {path}"], back=["load-server-state-from-file global"]))
    try:
        assert lb.states.find("be/s1").settings.address.port == 99
    finally:
        lb.close()


def test_port_that_there_is_not_is_refused(tmp_path: Path) -> None:
    path = file_of(tmp_path, row("s1", 2, 0, 1, 1, port=70000))
    lb, told = here(config(80, settings=[f"server-state-file {path}"], back=["load-server-state-from-file global"]))
    try:
        assert told == ["server-state application failed for server 'be/s1', invalid srv_port value '70000'"]
        assert lb.states.find("be/s1").settings.address.port == 80
    finally:
        lb.close()


@pytest.mark.parametrize(
    ("server", "places", "shown", "complaint"),
    [
        ("check", "77 127.0.0.4 - 0", "77 127.0.0.4 - 0", None),
        ("check port 9 addr 127.0.0.3", "0 - - 0", "9 127.0.0.3 127.0.0.3 9", None),
        ("agent-check agent-port 9", "0 - 127.0.0.4 78", "0 - 127.0.0.4 78", None),
        ("agent-check agent-port 9", "7 - 127.0.0.4 78", "0 - - 9", "health checks are not enabled on this server"),
        ("check", "77 foo - 0", "0 - - 0", "invalid addr 'foo'"),
    ],
)
def test_checks_go_where_they_went(tmp_path: Path, server: str, places: str, shown: str, complaint: str | None) -> None:
    """What `set server ... check-addr` had set was written to the file and lost by the restart."""
    path = file_of(tmp_path, row("s1", 2, 0, 1, 1).replace("0 - - 0", places))
    text = config(
        80, settings=[f"server-state-file {path}"], back=["load-server-state-from-file global"], server=server
    )
    lb, told = here(text)
    try:
        partly = "server-state partially applied for server 'be/s1', "
        assert told == ([f"{partly}{complaint}"] if complaint else [])
        line = say(lb, "show servers state be").splitlines()[2]
        assert line.endswith(f" {shown}")
    finally:
        lb.close()


@pytest.mark.parametrize(
    ("name", "path"),
    [("server-state-file-name own", "own"), ("", "be"), ("server-state-file-name use-backend-name", "be")],
)
def test_backend_has_a_file_of_its_own(tmp_path: Path, name: str, path: str) -> None:
    (tmp_path / path).write_text(HEAD + row("s1", 2, 8, 1, 1) + "\n")
    back = ["load-server-state-from-file local", *([name] if name else [])]
    lb, _told = here(config(80, settings=[f"server-state-base {tmp_path}"], back=back))
    try:
        assert lb.states.find("be/s1").status == "DRAIN"
    finally:
        lb.close()


@pytest.mark.parametrize(
    ("head", "complaint"),
    [
        (None, "config: Can't open global server state file '{}': No such file or directory"),
        ("2\n", "config: Can't get version of the global server state file '{}'."),
        ("1\nx y\n", "config: corrupted global server state file '{}' at line 2."),
    ],
)
def test_file_that_cannot_be_used_is_told_and_changes_nothing(tmp_path: Path, head: str | None, complaint: str) -> None:
    path = tmp_path / "states"
    if head is not None:
        path.write_text(head + row("s1", 0, 1, 1, 1) + "\n")
    lb, told = here(config(80, settings=[f"server-state-file {path}"], back=["load-server-state-from-file global"]))
    try:
        assert told == [complaint.format(path)]
        assert lb.states.find("be/s1").status == "no check"
    finally:
        lb.close()
