"""Servers that change while clients use them: what may be saved is saved, what may not be reached is not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import lbcore
from lbcore.base.address import Address
from lbcore.proxy.changes import Verdict
from lbcore.proxy.health import CheckResult, CheckState, CheckStatus
from lbcore.proxy.machine import Admin, Op
from lbcore.proxy.server import Server
from lbcore.proxy.settings import ServerSettings
from tests.embedded import Background, Client, Turnstile, ask, balancer, config, get, named, until
from tests.peers.chaos import Chaos, hang
from tests.peers.ports import HOST
from tests.thread.crew import crew

MAINT, DRAIN = Admin.FMAINT, Admin.FDRAIN
OK = CheckResult(CheckStatus.L4OK)
BAD = CheckResult(CheckStatus.L4CON, info="Connection refused", duration_ms=0)


def served(lb: lbcore.LoadBalancer, times: int) -> list[bytes]:
    """Who answered each of so many requests."""
    return [ask(lb)[1] for _ in range(times)]


def server(lb: lbcore.LoadBalancer, number: int) -> Server:
    return lb.states.find(f"be/s{number}")


@contextmanager
def two(*back: str, nbthread: int = 1, each: str = "") -> Iterator[lbcore.LoadBalancer]:
    """A balancer before two servers that answer with their names."""
    with Chaos(named("s1")) as one, Chaos(named("s2")) as other:
        text = config(one.port, other.port, nbthread=nbthread, back=["balance roundrobin", *back], server=each)
        with balancer(text) as lb:
            yield lb


@pytest.mark.parametrize("flag", [MAINT, DRAIN])
@pytest.mark.parametrize("nbthread", [1, 2])
def test_server_out_of_service_gets_nothing_and_comes_back(flag: Admin, nbthread: int) -> None:
    with two(nbthread=nbthread) as lb:
        lb.states.admin(server(lb, 1), on=flag)
        assert set(served(lb, 4)) == {b"s2"}
        lb.states.admin(server(lb, 1), off=flag)
        assert set(served(lb, 4)) == {b"s1", b"s2"}


def test_clients_of_a_drained_server_stay_with_it() -> None:
    with Chaos(named("s1")) as one, Chaos(named("s2")) as other:
        text = (
            config(one.port, other.port, back=["cookie SRV insert"])
            .replace(f":{one.port}", f":{one.port} cookie a")
            .replace(f":{other.port}", f":{other.port} cookie b")
        )
        request = b"GET / HTTP/1.1\r\nHost: test\r\nCookie: SRV=a\r\n\r\n"
        with balancer(text) as lb, Client(lb) as client:
            lb.states.admin(server(lb, 1), on=DRAIN)
            assert client.ask(request) == b"s1"
            lb.states.admin(server(lb, 1), on=MAINT)
            assert client.ask(request) == b"s2"


def test_last_server_gone_is_503_and_logged_as_such() -> None:
    with two() as lb:
        told: list[str] = []
        lb.alarm = told.append
        for number in (1, 2):
            lb.states.admin(server(lb, number), on=MAINT)
        assert ask(lb)[0] == 503
        assert told == ["backend 'be' has no server available!"]
        lb.states.admin(server(lb, 2), off=MAINT)
        assert ask(lb) == (200, b"s2")


def test_backup_server_serves_while_others_are_down() -> None:
    with Chaos(named("s1")) as one, Chaos(named("s2")) as other:
        text = config(one.port, other.port).replace(f":{other.port}", f":{other.port} backup")
        with balancer(text) as lb:
            assert set(served(lb, 3)) == {b"s1"}
            lb.states.health(server(lb, 1), Verdict.DOWN)
            assert set(served(lb, 3)) == {b"s2"}
            lb.states.health(server(lb, 1), Verdict.UP)
            assert set(served(lb, 3)) == {b"s1"}


def test_sighup_tells_of_a_backend_that_runs_on_backup_servers() -> None:
    with Chaos(named("s1")) as one, Chaos(named("s2")) as other:
        text = config(one.port, other.port).replace(f":{other.port}", f":{other.port} backup")
        with balancer(text) as lb:
            lb.states.admin(server(lb, 1), on=MAINT)
            lines = lb.dump_servers()
            assert "SIGHUP: Server be/s1 is DOWN. Conn: 0 act, 0 pend, 0 tot." in lines
            assert lines[-1].startswith("SIGHUP: Proxy be is running on backup servers ! Conn: ")


def test_weight_takes_effect_at_once() -> None:
    with two() as lb:
        lb.states.weight(server(lb, 1), 3)
        assert served(lb, 8).count(b"s1") == 6
        lb.states.weight(server(lb, 1), 0)
        assert set(served(lb, 4)) == {b"s2"}


@pytest.mark.parametrize("weight", [-1, 257])
def test_weight_out_of_range_is_refused(weight: int) -> None:
    with two() as lb, pytest.raises(ValueError, match="Absolute weight can only be between 0 and 256 inclusive"):
        lb.states.weight(server(lb, 1), weight)


def test_static_algorithm_has_its_weights_or_none() -> None:
    with two("balance static-rr") as lb:
        with pytest.raises(ValueError, match="static LB algorithm"):
            lb.states.weight(server(lb, 1), 2)
        lb.states.weight(server(lb, 1), 0)
        assert set(served(lb, 4)) == {b"s2"}
        lb.states.weight(server(lb, 1), 1)
        assert set(served(lb, 4)) == {b"s1", b"s2"}


def test_reports_of_checks_take_servers_down_and_up() -> None:
    with two(nbthread=2) as lb:
        one = server(lb, 1)
        check = one.check = CheckState(rise=1, fall=1)
        lb.states.report(one, check, BAD)
        assert until(lambda: one.op is Op.STOPPED)
        assert set(served(lb, 4)) == {b"s2"}
        lb.states.report(one, check, OK)
        assert until(lambda: one.op is Op.RUNNING)
        assert set(served(lb, 4)) == {b"s1", b"s2"}
        assert (one.downs, check.failed) == (1, 1)


def test_report_of_a_check_that_was_under_way_in_maintenance_changes_nothing() -> None:
    with two() as lb:
        one = server(lb, 1)
        check = one.check = CheckState(rise=1, fall=1)
        lb.states.admin(one, on=MAINT)
        lb.states.report(one, check, OK)
        lb.crew.together(lambda: None)
        assert (one.op, check.health, one.status) == (Op.STOPPED, 0, "MAINT")


def test_progress_is_told_of_the_side_that_the_server_is_on() -> None:
    """`UP -1/3` was to be read between the result that takes a server down and the meeting at which it goes."""
    with two() as lb:
        one = server(lb, 1)
        one.check = CheckState(rise=2, fall=3)
        one.check.health = 0
        assert one.status == "UP 1/3"
        lb.states.admin(one, on=DRAIN)
        assert one.status == "DRAIN 1/3"
        one.op, one.check.health = Op.STOPPED, 4
        assert one.status == "DOWN 1/2"


def test_agent_that_says_down_is_no_failed_check() -> None:
    with two() as lb:
        one = server(lb, 1)
        one.check, one.agent = CheckState(), CheckState(fall=1, agent=True)
        lb.states.report(one, one.agent, CheckResult(CheckStatus.L7STS))
        assert until(lambda: one.status == "DOWN (agent)")
        assert one.check_failures == 0
        lb.states.report(one, one.check, BAD)
        assert one.check_failures == 1


def test_server_comes_up_only_when_check_and_agent_agree() -> None:
    with two() as lb:
        one = server(lb, 1)
        check, agent = CheckState(rise=1, fall=1), CheckState(rise=1, fall=1, agent=True)
        one.check, one.agent = check, agent
        lb.states.report(one, agent, CheckResult(CheckStatus.L7STS))
        assert until(lambda: one.status == "DOWN (agent)")
        lb.states.report(one, check, OK)
        lb.crew.together(lambda: None)
        assert one.op is Op.STOPPED
        lb.states.report(one, agent, CheckResult(CheckStatus.L7OK))
        assert until(lambda: one.op is Op.RUNNING)


def test_waiting_streams_go_elsewhere_when_their_server_leaves() -> None:
    gate = Turnstile()
    with Chaos(gate) as slow, Chaos(named("s2")) as other:
        back = ["cookie SRV insert", "option redispatch"]
        text = config(slow.port, other.port, back=back).replace(f":{slow.port}", f":{slow.port} cookie a maxconn 1")
        request = b"GET / HTTP/1.1\r\nHost: test\r\nCookie: SRV=a\r\n\r\n"
        with balancer(text) as lb, Client(lb) as holder, Client(lb) as waiter:
            holder.send(request)
            assert gate.wait_for(1)
            waiter.send(request)
            assert until(lambda: server(lb, 1).queue == 1)
            assert (server(lb, 1).backend.queue, server(lb, 1).backend.unassigned) == (1, 0)
            lb.states.admin(server(lb, 1), on=MAINT)
            assert waiter.body() == b"s2"
            gate.let(1)
            assert holder.status() == 200
            assert server(lb, 1).queue == 0


def test_waiting_streams_are_served_by_a_server_that_comes_up() -> None:
    gate = Turnstile()
    with Chaos(gate) as slow, Chaos(named("s2")) as other:
        text = config(slow.port, other.port, back=["balance roundrobin"]).replace(
            f":{slow.port}", f":{slow.port} maxconn 1"
        )
        with balancer(text) as lb, Client(lb) as holder, Client(lb) as waiter:
            lb.states.admin(server(lb, 2), on=MAINT)
            holder.send()
            assert gate.wait_for(1)
            waiter.send()
            backend = server(lb, 1).backend
            assert until(lambda: backend.queue == 1)
            lb.states.admin(server(lb, 2), off=MAINT)
            assert waiter.body() == b"s2"
            gate.let(1)
            assert holder.status() == 200


def test_higher_limit_serves_who_waits() -> None:
    gate = Turnstile()
    with Chaos(gate) as slow, balancer(config(slow.port, server="maxconn 1")) as lb:
        with Client(lb) as first, Client(lb) as second:
            first.send()
            assert gate.wait_for(1)
            second.send()
            assert until(lambda: server(lb, 1).backend.queue == 1)
            lb.states.maxconn(server(lb, 1), 2)
            assert gate.wait_for(2)
            gate.let(2)
            assert (first.status(), second.status()) == (200, 200)


def test_full_queue_of_a_server_sends_its_clients_elsewhere() -> None:
    gate = Turnstile()
    with Chaos(gate) as slow, Chaos(named("s2")) as other:
        back = ["cookie SRV insert", "option redispatch"]
        text = config(slow.port, other.port, back=back).replace(
            f":{slow.port}", f":{slow.port} cookie a maxconn 1 maxqueue 1"
        )
        request = b"GET / HTTP/1.1\r\nHost: test\r\nCookie: SRV=a\r\n\r\n"
        with balancer(text) as lb, Client(lb) as holder, Client(lb) as waiter, Client(lb) as third:
            holder.send(request)
            assert gate.wait_for(1)
            waiter.send(request)
            assert until(lambda: server(lb, 1).queue == 1)
            assert third.ask(request) == b"s2"
            gate.let(2)
            assert (holder.status(), waiter.status()) == (200, 200)


def test_idle_connections_of_a_server_out_of_service_are_closed() -> None:
    with Chaos(named("s1")) as one, balancer(config(one.port, nbthread=2)) as lb:
        assert ask(lb) == (200, b"s1")
        assert until(lambda: server(lb, 1).idle == 1)
        lb.states.admin(server(lb, 1), on=MAINT)
        assert until(lambda: server(lb, 1).idle == 0)


def test_streams_of_a_server_that_is_marked_down_end_if_configured() -> None:
    with Chaos(hang) as one, balancer(config(one.port, server="on-marked-down shutdown-sessions")) as lb:
        with Client(lb) as client:
            client.send()
            assert until(lambda: server(lb, 1).cur_sess == 1)
            lb.states.health(server(lb, 1), Verdict.DOWN)
            assert client.status() == 502
            assert until(lambda: server(lb, 1).cur_sess == 0)


def test_streams_of_a_server_that_is_marked_down_go_on_otherwise() -> None:
    gate = Turnstile()
    with Chaos(gate) as one, balancer(config(one.port)) as lb, Client(lb) as client:
        client.send(get("/held"))
        assert gate.wait_for(1)
        lb.states.health(server(lb, 1), Verdict.DOWN)
        gate.let(1)
        assert client.status() == 200


def test_streams_of_backup_servers_end_when_another_comes_up_if_configured() -> None:
    with Chaos(named("s1")) as one, Chaos(hang) as other:
        text = (
            config(one.port, other.port)
            .replace(f":{one.port}", f":{one.port} on-marked-up shutdown-backup-sessions")
            .replace(f":{other.port}", f":{other.port} backup")
        )
        with balancer(text) as lb:
            lb.states.health(server(lb, 1), Verdict.DOWN)
            with Client(lb) as client:
                client.send()
                assert until(lambda: server(lb, 2).cur_sess == 1)
                lb.states.health(server(lb, 1), Verdict.UP)
                assert client.status() == 502


def test_shutdown_ends_tunnels() -> None:
    with Chaos(hang) as one, balancer(config(one.port, mode="tcp")) as lb:
        with socket.create_connection((HOST, lb.address("fe").port), timeout=10) as client:
            client.sendall(b"hello")
            assert until(lambda: server(lb, 1).cur_sess == 1)
            lb.states.shutdown_sessions(server(lb, 1))
            assert client.recv(100) == b""


def test_slow_start_begins_low_and_ends_whole() -> None:
    with two(each="weight 16 slowstart 1s") as lb:
        one = server(lb, 1)
        lb.states.health(one, Verdict.DOWN)
        lb.states.health(one, Verdict.UP)
        assert (one.op, one.weight, one.throttle) == (Op.STARTING, 1, 100)
        assert served(lb, 17).count(b"s1") <= 2
        assert until(lambda: one.op is Op.RUNNING)
        assert (one.weight, one.throttle) == (16, None)


def test_redir_sends_reads_elsewhere_and_forwards_the_rest() -> None:
    with Chaos(named("s1")) as one, balancer(config(one.port, server="redir http://img.example")) as lb:
        with Client(lb) as client:
            client.send(get("/a?b=1"))
            assert client.rest() == (
                b"HTTP/1.1 302 Found\r\ncache-control: no-cache\r\ncontent-length: 0\r\n"
                b"location: http://img.example/a?b=1\r\nconnection: close\r\n\r\n"
            )
        with Client(lb) as client:
            assert client.ask(b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n") == b"s1"


def added(lb: lbcore.LoadBalancer, name: str, port: int, **more: Any) -> Server:
    """A server added at run time, in service."""
    backend = lb.proxies[1].backend
    assert backend is not None
    made = lb.states.add(backend, ServerSettings(name, Address(socket.AF_INET, HOST, port), **more))
    lb.states.admin(made, off=MAINT)
    return made


@pytest.mark.parametrize("nbthread", [1, 2])
def test_added_server_starts_in_maintenance_and_serves_as_others_do(nbthread: int) -> None:
    with two(nbthread=nbthread) as lb, Chaos(named("s3")) as third:
        backend = server(lb, 1).backend
        made = lb.states.add(backend, ServerSettings("s3", Address(socket.AF_INET, HOST, third.port)))
        assert (made.status, made.sid, set(served(lb, 6))) == ("MAINT", 3, {b"s1", b"s2"})
        lb.states.admin(made, off=MAINT)
        assert set(served(lb, 6)) == {b"s1", b"s2", b"s3"}
        assert made.counters.cum_sess == 2


def test_cookies_and_rules_know_an_added_server() -> None:
    with two("cookie SRV insert", "use-server %[req.hdr(x-server)] if { req.hdr(x-server) -m found }") as lb:
        with Chaos(named("s3")) as third:
            added(lb, "s3", third.port, cookie="c")
            with Client(lb) as client:
                assert client.ask(b"GET / HTTP/1.1\r\nHost: test\r\nCookie: SRV=c\r\n\r\n") == b"s3"
                assert client.ask(b"GET / HTTP/1.1\r\nHost: test\r\nX-Server: s3\r\n\r\n") == b"s3"


def test_name_of_an_added_server_must_be_new() -> None:
    with two() as lb, pytest.raises(ValueError, match="Already exists a server with the same name in backend"):
        added(lb, "s1", 1)


def test_added_server_is_told_of_no_streams() -> None:
    told = {"send_proxy_v2": True, "proxy_v2_options": frozenset({"unique-id"})}
    with two() as lb, pytest.raises(ValueError, match="What its PROXY headers tell of streams can only be configured"):
        added(lb, "s3", 1, **told)


def test_added_server_has_no_names_for_its_connections() -> None:
    with two() as lb, pytest.raises(ValueError, match="'pool-conn-name' can only be configured"):
        added(lb, "s3", 1, pool_conn_name="anything")


def test_removed_server_is_gone_and_may_come_back_as_another() -> None:
    with two() as lb, Chaos(named("s3")) as third:
        one = server(lb, 1)
        backend = one.backend
        lb.states.admin(one, on=MAINT)
        lb.states.remove(one)
        assert [left.name for left in backend.servers] == ["s2"]
        assert set(served(lb, 3)) == {b"s2"}
        again = added(lb, "s1", third.port)
        assert again.index == one.index
        assert set(served(lb, 4)) == {b"s2", b"s3"}
        assert again.counters.cum_sess == 2


def test_only_servers_in_maintenance_are_removed() -> None:
    with two() as lb, pytest.raises(ValueError, match="Only servers in maintenance mode can be deleted"):
        lb.states.remove(server(lb, 1))


def test_server_in_use_is_not_removed() -> None:
    gate = Turnstile()
    with Chaos(gate) as one, balancer(config(one.port)) as lb, Client(lb) as client:
        client.send()
        assert gate.wait_for(1)
        lb.states.admin(server(lb, 1), on=MAINT)
        with pytest.raises(ValueError, match="still has connections"):
            lb.states.remove(server(lb, 1))
        gate.let(1)
        assert client.status() == 200
        assert until(lambda: not server(lb, 1).cur_sess and not server(lb, 1).used)
        lb.states.remove(server(lb, 1))


def test_many_servers_come_and_go_under_load() -> None:
    with two(nbthread=2) as lb, Chaos(named("s3")) as third:
        over: list[bool] = []
        clients = [Background(lambda: all(status == 200 for status in _ask_until(lb, over))) for _ in range(2)]
        for round_ in range(30):
            made = [added(lb, f"n{number}", third.port) for number in range(round_ % 5 + 1)]
            for one in made:
                lb.states.admin(one, on=MAINT)
                assert until(lambda one=one: not (one.cur_sess or one.used or one.idle))  # type: ignore[misc]
                lb.states.remove(one)
        over.append(True)
        assert [client.join() for client in clients] == [True, True]


def test_no_request_is_lost_while_servers_come_and_go() -> None:
    with two(nbthread=2) as lb:
        over: list[bool] = []
        clients = [Background(lambda: all(status == 200 for status in _ask_until(lb, over))) for _ in range(3)]
        for _ in range(40):
            for number in (1, 2):
                lb.states.admin(server(lb, number), on=DRAIN)
                lb.states.admin(server(lb, number), off=DRAIN)
                lb.states.health(server(lb, number), Verdict.DOWN)
                lb.states.health(server(lb, number), Verdict.UP)
        over.append(True)
        assert [client.join() for client in clients] == [True, True, True]


def _ask_until(lb: lbcore.LoadBalancer, over: list[bool]) -> Iterator[int]:
    with Client(lb) as client:
        while not over:
            client.send()
            yield client.status()


def test_no_report_is_lost_where_many_threads_make_them() -> None:
    servers = [9] * 4
    with balancer(config(*servers, nbthread=4)) as lb:

        def turn(number: int) -> None:
            one, check = server(lb, number + 1), CheckState(rise=1, fall=1)
            one.check = check
            for _ in range(50):
                for result, op in ((BAD, Op.STOPPED), (OK, Op.RUNNING)):
                    lb.states.report(one, check, result)
                    assert until(lambda op=op: one.op is op)  # type: ignore[misc]

        crew(4, turn)


def test_a_frontend_is_as_its_last_switch_says_however_many_switch_it() -> None:
    with balancer(config(nbthread=2)) as lb:
        frontend = lb.facts.frontends()["fe"]

        def turn(number: int) -> None:
            for _ in range(100):
                (lb.pause, lb.resume)[number % 2]() if number < 2 else (frontend.pause, frontend.resume)[number % 2]()

        crew(4, turn)
        assert until(lambda: frontend.status == ("PAUSED" if frontend.paused else "OPEN"))
