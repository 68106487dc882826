"""Checks of a running balancer: when they are made, where they go, by whom."""

from __future__ import annotations

import socket
import stat
from contextlib import ExitStack
from pathlib import Path

import pytest

import lbcore
from lbcore.check.check import varied
from lbcore.proxy.health import CheckResult, CheckState
from lbcore.proxy.machine import Admin, Op
from lbcore.proxy.server import Server
from tests.check.peers import REFUSED, Peer, Peers
from tests.embedded import Background, balancer, until
from tests.peers.ports import HOST

GLOBAL = "global\n  nbthread 2\n"
REST = """defaults
  mode tcp
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend fe
  bind 127.0.0.1:0
  default_backend be
backend be
"""


def config(*lines: str, settings: str = "") -> str:
    return GLOBAL + settings + REST + "".join(f"  {line}\n" for line in lines)


def server(lb: lbcore.LoadBalancer) -> Server:
    backend = next(proxy.backend for proxy in lb.proxies if proxy.name == "be")
    assert backend is not None
    return backend.servers[0]


def test_a_server_that_refuses_goes_down_and_one_that_answers_comes_up() -> None:
    with Peers({"good": Peer(), "bad": REFUSED}) as peers:
        good, bad = (peers.listening[name].port for name in ("good", "bad"))
        with balancer(config(f"server s {HOST}:{bad} check port {bad} inter 20ms fall 2 rise 2")) as lb:
            assert until(lambda: server(lb).op is Op.STOPPED)
        with balancer(config(f"server s {HOST}:{bad} check port {good} inter 20ms")) as lb:
            assert until(lambda: server(lb).check is not None and len(peers.listening["good"].received) > 3)
            assert server(lb).op is Op.RUNNING


def test_failures_are_looked_at_after_fastinter() -> None:
    with Peers({"bad": REFUSED}) as peers:
        line = f"server s {HOST}:{peers.listening['bad'].port} check inter 1h fastinter 10ms fall 3"
        with balancer(config(line)) as lb:
            assert until(lambda: server(lb).op is Op.STOPPED)


def test_maintenance_ends_checks_and_its_end_begins_them_again() -> None:
    with Peers({"good": Peer()}) as peers:
        heard = peers.listening["good"].received
        with balancer(config(f"server s {HOST}:{peers.listening['good'].port} check inter 10ms")) as lb:
            assert until(lambda: len(heard) > 2)
            lb.states.admin(server(lb), on=Admin.FMAINT)
            check = server(lb).check
            assert check is not None
            assert until(lambda: not check.running)
            before = len(heard)
            lb.states.admin(server(lb), off=Admin.FMAINT)
            assert until(lambda: len(heard) > before + 2)
            assert until(lambda: server(lb).op is Op.RUNNING)


def test_an_agent_that_orders_maintenance_can_take_it_back() -> None:
    with Peers({"agent": Peer(greet=b"maint\n"), "other": Peer(greet=b"ready up\n")}) as peers:
        agent, other = (peers.listening[name].port for name in ("agent", "other"))
        with balancer(config(f"server s {HOST}:1 agent-check agent-port {agent} agent-inter 20ms")) as lb:
            assert until(lambda: bool(server(lb).admin & Admin.FMAINT))
            heard = len(peers.listening["agent"].received)
            assert until(lambda: len(peers.listening["agent"].received) > heard + 2)
        line = f"server s {HOST}:1 disabled agent-check agent-port {other} agent-inter 20ms"
        with balancer(config(line)) as lb:
            assert until(lambda: not server(lb).admin & Admin.FMAINT and server(lb).op is Op.RUNNING)


def test_all_servers_are_checked_by_some_thread() -> None:
    with Peers({"good": Peer()}) as peers:
        lines = [f"server s{i} {HOST}:{peers.listening['good'].port} check inter 100ms" for i in range(40)]
        with balancer(config(*lines)) as lb:
            backend = next(proxy.backend for proxy in lb.proxies if proxy.name == "be")
            assert backend is not None
            assert until(lambda: all(s.check is not None and s.check.last.status.text.endswith("passed")
                                     for s in backend.servers))  # fmt: skip


def test_a_change_of_address_moves_the_checks() -> None:
    with Peers({"old": Peer(), "new": Peer()}) as peers:
        old, new = (peers.listening[name] for name in ("old", "new"))
        with balancer(config(f"server s {HOST}:{old.port} check inter 10ms")) as lb:
            assert until(lambda: bool(old.received))
            address = server(lb).settings.address
            lb.states.address(server(lb), type(address)(address.family, address.host, new.port))
            assert until(lambda: bool(new.received))


def test_a_program_says_whether_a_server_works(tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = tmp_path / "check"
    script.write_text(f'#!/bin/sh\necho "$@ $HAPROXY_SERVER_NAME $HAPROXY_PROXY_NAME" > {told}\nexit 3\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    text = config(
        "option external-check",
        f"external-check command {script}",
        "external-check path /bin:/usr/bin",
        "server s 127.0.0.1:99 check inter 100ms fall 1",
        settings="  external-check\n  insecure-fork-wanted\n",
    )
    with balancer(text) as lb:
        assert until(lambda: server(lb).op is Op.STOPPED)
        check = server(lb).check
        assert check is not None
        assert (check.last.status.name, check.last.code) == ("PROCERR", 3)
    assert told.read_text() == "NOT_USED NOT_USED 127.0.0.1 99 s be\n"


def test_a_program_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    script = tmp_path / "check"
    script.write_text("#!/bin/sh\nexec sleep 60\n")
    script.chmod(0o755)
    text = config(
        "option external-check",
        f"external-check command {script}",
        "external-check path /bin:/usr/bin",
        "server s 127.0.0.1:99 check inter 100ms fall 1",
        settings="  external-check\n  insecure-fork-wanted\n",
    )
    with balancer(text) as lb:
        assert until(lambda: server(lb).check is not None and server(lb).check.last.status.name == "PROCTOUT")  # type: ignore[union-attr]


def test_variables_of_a_check_live_as_long_as_it_does() -> None:
    with Peers({"good": Peer(answers=(b"yes",))}) as peers:
        port = peers.listening["good"].port
        with balancer(
            config(
                "option tcp-check",
                f"tcp-check set-var(check.port,ifnotset) int({port})",
                "tcp-check connect port var(check.port)",
                "tcp-check send-lf %[srv_name]-%[be_name]",
                "tcp-check expect string-lf yes",
                f"server s {HOST}:1 check inter 20ms",
            )
        ) as lb:
            assert until(lambda: b"s-be" in peers.listening["good"].received)
            assert until(lambda: server(lb).check is not None and server(lb).check.last.code == 0)  # type: ignore[union-attr]


def test_intervals_are_spread_to_both_sides() -> None:
    found = {varied(1000, 20) for _ in range(500)}
    assert min(found) >= 800
    assert max(found) <= 1200
    assert min(found) < 1000 < max(found)
    assert varied(1000, 0) == 1000


@pytest.mark.parametrize("kind", ["connection", "program"])
def test_who_is_in_a_hurry_while_a_check_ends_is_not_forgotten(kind: str) -> None:
    lines = ["option external-check", "external-check command /bin/true"] if kind == "program" else []
    with Peers({"good": Peer()}) as peers:
        lines.append(f"server s {HOST}:{peers.listening['good'].port} check inter 1h")
        lb = lbcore.LoadBalancer(config(*lines, settings="  external-check\n  insecure-fork-wanted\n"))
        lb.bind()
        reports, report = [], lb.states.report

        def hurried(server: Server, check: CheckState, result: CheckResult) -> None:
            report(server, check, result)
            reports.append(result)
            if len(reports) == 1:
                Background(lambda: check.hurry(0)).join()

        lb.states.report = hurried  # type: ignore[method-assign]
        with lb:
            assert until(lambda: len(reports) > 1)


def test_a_server_goes_while_a_check_of_it_is_on_its_way() -> None:
    with socket.create_server((HOST, 0), backlog=0) as full, ExitStack() as stack:
        for _ in range(3):  # whoever comes now waits
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        with balancer(config(f"server s {HOST}:{full.getsockname()[1]} check inter 300ms")) as lb:
            one = server(lb)
            check = one.check
            assert check is not None and until(lambda: check.running)
            lb.states.admin(one, on=Admin.FMAINT)
            lb.states.remove(one)
            check.hurry(0)
            assert until(lambda: not check.running)
