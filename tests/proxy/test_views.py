"""The figures of proxies, as statistics and the log of states show them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import lbcore
from lbcore.proxy.backend import Backend
from lbcore.proxy.frontend import Frontend
from lbcore.proxy.sighup import proxy_state, server_states, stopped_line
from tests.embedded import PATIENCE, Client, Turnstile, ask, balancer, config, get, named, until
from tests.peers.chaos import Chaos, garbage
from tests.peers.ports import HOST, free_port, release_port


@pytest.fixture
def server() -> Iterator[Chaos]:
    with Chaos(named("s1")) as peer:
        yield peer


def front_of(lb: lbcore.LoadBalancer) -> Frontend:
    """The frontend `fe`."""
    found = lb.proxies[0].frontend
    assert found is not None
    return found


def back_of(lb: lbcore.LoadBalancer) -> Backend:
    """The backend `be`."""
    found = lb.proxies[1].backend
    assert found is not None
    return found


def test_connections_are_counted_while_they_last(server: Chaos) -> None:
    with balancer(config(server.port)) as lb:
        with Client(lb) as one, Client(lb) as two:
            one.ask()
            two.ask()
            assert front_of(lb).cur_conn == 2
            assert until(lambda: back_of(lb).cur_sess == 0)
        assert until(lambda: front_of(lb).cur_conn == 0)
        assert front_of(lb).max_conn == 2


@pytest.mark.parametrize("nbthread", [1, 4])
def test_counters_are_sums_over_all_threads(server: Chaos, nbthread: int) -> None:
    with balancer(config(server.port, nbthread=nbthread)) as lb:
        for _ in range(5):
            with Client(lb) as client:
                for _ in range(4):
                    client.ask()
        front, back = front_of(lb), back_of(lb)
        assert until(lambda: front.counters.cum_req == 20)
        assert front.counters.cum_conn == 5
        assert [back.counters.cum_sess, back.servers[0].counters.cum_sess] == [20, 20]
        assert until(lambda: back.counters.bytes_in == front.counters.bytes_in == 20 * len(get("/")))
        assert until(lambda: back.counters.bytes_out == front.counters.bytes_out > 0)


def test_streams_at_a_server_are_counted_while_they_last() -> None:
    turnstile = Turnstile()
    with Chaos(turnstile) as server, balancer(config(server.port)) as lb, Client(lb) as one, Client(lb) as two:
        one.send()
        two.send()
        assert turnstile.wait_for(2)
        found = back_of(lb).servers[0]
        assert (found.cur_sess, found.used, back_of(lb).cur_sess) == (2, 2, 2)
        turnstile.let(2)
        one.body()
        two.body()
        assert until(lambda: (found.cur_sess, found.used, back_of(lb).cur_sess) == (0, 0, 0))
        assert (found.max_sess, back_of(lb).max_sess) == (2, 2)


def test_idle_server_connections_are_counted(server: Chaos) -> None:
    with balancer(config(server.port, back=["http-reuse always"])) as lb:
        ask(lb)
        assert until(lambda: back_of(lb).servers[0].idle == 1)
        assert sum(thread.idle for thread in lb.facts.threads()) == 1


def test_faults_are_counted_where_they_belong() -> None:
    with Chaos(garbage) as server, balancer(config(server.port)) as lb:
        assert ask(lb)[0] == 502
        with Client(lb) as client:
            client.send(b"no request\r\n\r\n")
            assert client.status() == 400
        assert until(lambda: front_of(lb).counters.failed_req == 1)
        assert back_of(lb).counters.failed_resp == back_of(lb).servers[0].counters.failed_resp == 1


def test_refused_connections_are_retried_and_counted() -> None:
    with balancer(config(1, back=["timeout connect 20ms", "retries 2"])) as lb:
        assert ask(lb)[0] == 503
        found = back_of(lb).servers[0].counters
        assert (found.retries, found.failed_conns) == (2, 1)


def test_rates_are_those_of_the_last_second(server: Chaos) -> None:
    with balancer(config(server.port)) as lb:
        with Client(lb) as client:
            for _ in range(5):
                client.ask()
            front = front_of(lb)
            assert [front.conn_rate, front.sess_rate, front.req_rate] == [1, 1, 5]
            assert [front.conn_rate_max, front.req_rate_max] == [1, 5]
            assert back_of(lb).rate == back_of(lb).servers[0].rate == 5


def test_last_session_is_known(server: Chaos) -> None:
    with balancer(config(server.port)) as lb:
        assert (back_of(lb).lastsess, back_of(lb).servers[0].lastsess) == (-1, -1)
        ask(lb)
        assert 0 <= back_of(lb).lastsess <= 5
        assert 0 <= back_of(lb).servers[0].lastsess <= 5
        assert 0 <= back_of(lb).lastchg <= 5


def test_servers_of_a_backend_add_up() -> None:
    lines = [f"server s{i} {HOST}:1 weight {i}" for i in (1, 2, 3)]
    lines += [f"server b {HOST}:1 backup weight 9", f"server d {HOST}:1 disabled weight 9"]
    with balancer(config(back=lines)) as lb:
        back = back_of(lb)
        assert (back.status, back.act, back.bck, back.total_weight, back.total_uweight) == ("UP", 3, 1, 6, 6)
        assert [server.usable for server in back.servers] == [True] * 4 + [False]
        assert [server.status for server in back.servers] == ["no check"] * 4 + ["MAINT"]
        assert [server.uweight for server in back.servers] == [1, 2, 3, 9, 9]
        assert [server.sid for server in back.servers] == [1, 2, 3, 4, 5]


def test_backend_without_a_usable_server_is_down() -> None:
    with balancer(config(back=[f"server s {HOST}:1 disabled"])) as lb:
        assert back_of(lb).status == "DOWN"
    with balancer(config()) as lb:
        assert back_of(lb).status == "UP"


def test_ids_that_are_given_are_kept() -> None:
    text = config(bind=f"bind {HOST}:0 id 7 name front", front=["id 70"], back=["id 80", f"server s {HOST}:1 id 9"])
    with balancer(text) as lb:
        assert [proxy.iid for proxy in lb.proxies] == [70, 80]
        assert next(lb.all_listeners()).sid == 7
        assert next(lb.all_listeners()).name == "front"
        assert back_of(lb).servers[0].sid == 9


def test_fullconn_is_a_tenth_of_what_frontends_may_have() -> None:
    with balancer(config(settings=["maxconn 500"])) as lb:
        assert back_of(lb).fullconn == 50
    with balancer(config(back=["fullconn 7"])) as lb:
        assert back_of(lb).fullconn == 7


@pytest.mark.parametrize(
    ("bind", "protocol", "family"),
    [(f"bind {HOST}:0", "tcpv4", socket.AF_INET), ("bind [::1]:0", "tcpv6", socket.AF_INET6)],
)
def test_listener_says_where_it_is(bind: str, protocol: str, family: int) -> None:
    with balancer(config(bind=bind)) as lb:
        listener = next(lb.all_listeners())
        assert (listener.protocol, listener.where.family) == (protocol, family)
        assert listener.address == str(listener.where)
        assert (listener.name, listener.status, listener.maxconn) == ("sock-1", "OPEN", 0)


def test_unix_listener_says_where_it_is(tmp_path: Path) -> None:
    with balancer(config(bind=f"bind {tmp_path}/fe")) as lb:
        listener = next(lb.all_listeners())
        assert (listener.protocol, listener.address) == ("unix_stream", "unix")


def test_listeners_are_counted_and_shown_only_if_asked_for(server: Chaos) -> None:
    with balancer(config(server.port, front=["option socket-stats", f"bind {HOST}:0"])) as lb:
        with Client(lb) as client:
            client.ask()
            first, second = lb.proxies[0].listeners
            assert (first.cur_conn, second.cur_conn) == (1, 0)
        assert until(lambda: first.cur_conn == 0)
        assert (first.counters.cum_conn, second.counters.cum_conn) == (1, 0)
        assert (first.max_conn, second.max_conn) == (1, 0)
    with balancer(config(server.port)) as lb:
        assert list(lb.proxies[0].listeners) == []


def test_frontend_tells_its_state() -> None:
    lb = lbcore.LoadBalancer(config(front=[f"bind {HOST}:0"]))
    lb.bind()
    assert front_of(lb).status == "OPEN"
    lb.start()
    lb.pause()
    assert until(lambda: front_of(lb).status == "PAUSED")
    lb.resume()
    assert until(lambda: front_of(lb).status == "OPEN")
    lb.soft_stop()
    assert lb.wait(10)
    assert front_of(lb).status == "STOP"
    lb.close()


def test_states_of_proxies_are_told_in_words(server: Chaos) -> None:
    back = [f"server s2 {HOST}:1 backup", f"server s3 {HOST}:1 disabled"]
    with balancer(config(server.port, back=back)) as lb:
        ask(lb)
        assert until(lambda: back_of(lb).cur_sess == 0 and front_of(lb).cur_conn == 0)
        front, behind = lb.proxies
        assert list(server_states(front)) == []
        assert sorted(server_states(behind)) == [
            "SIGHUP: Server be/s1 is UP. Conn: 0 act, 0 pend, 1 tot.",
            "SIGHUP: Server be/s2 is UP. Conn: 0 act, 0 pend, 0 tot.",
            "SIGHUP: Server be/s3 is DOWN. Conn: 0 act, 0 pend, 0 tot.",
        ]
        assert proxy_state(front) == (
            "SIGHUP: Proxy fe has no servers. Conn: act(FE+BE): 0+0, 0 pend (0 unass), tot(FE+BE): 1+0."
        )
        assert proxy_state(behind) == (
            "SIGHUP: Proxy be has 1 active servers and 1 backup servers available. "
            "Conn: act(FE+BE): 0+0, 0 pend (0 unass), tot(FE+BE): 0+1."
        )
        assert stopped_line(front) == "Proxy fe stopped (cumulated conns: FE: 1, BE: 0)."
        assert stopped_line(behind) == "Proxy be stopped (cumulated conns: FE: 0, BE: 1)."


def test_proxy_without_a_usable_server_says_so() -> None:
    with balancer(config(back=[f"server s {HOST}:1 disabled"])) as lb:
        assert proxy_state(lb.proxies[1]).startswith("SIGHUP: Proxy be has no server available ! Conn: ")


def test_disabled_proxy_is_not_there() -> None:
    text = config() + f"listen off\n    bind {HOST}:0\n    disabled\n"
    with balancer(text) as lb:
        assert [proxy.name for proxy in lb.proxies] == ["fe", "be"]


def test_listen_is_both_sides(server: Chaos) -> None:
    text = f"listen both\n    mode http\n    bind {HOST}:0\n    server s1 {HOST}:{server.port}\n"
    with balancer(text) as lb:
        assert ask(lb, "both") == (200, b"s1")
        (proxy,) = lb.proxies
        assert proxy.frontend is not None
        assert proxy.backend is not None
        assert proxy.mode == "http"


def test_port_of_the_server_follows_that_of_the_frontend() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.2", port + 1)) as listening:
        text = config(mode="tcp", bind=f"bind {HOST}:{port}", back=["server s1 127.0.0.2:+1"])
        with balancer(text) as lb, Client(lb):
            listening.settimeout(10)
            accepted, _ = listening.accept()
            accepted.close()
    release_port(port)


def test_last_words_of_a_server_arrive_though_it_listens_no_more() -> None:
    """A tunnel's client that goes on sending to a server which has closed still gets all that the server said."""
    words = b"x" * 10_000  # fits into the windows on the way: nothing is left in the server's system
    closed = threading.Event()

    def speak_and_close(connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(words)
        connection.close()
        closed.set()

    with Chaos(speak_and_close) as server, balancer(config(server.port, mode="tcp")) as lb, Client(lb) as client:
        client.send(b"?")
        assert closed.wait(PATIENCE)
        for _ in range(50):  # answered with a reset, once it reaches the server
            client.send(b"more" * 100)
        assert client.rest() == words
