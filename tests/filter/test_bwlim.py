"""Limits of bandwidth over real connections: the time that a transfer takes, and what a pause must not do."""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Sequence

import pytest

import lbcore
from lbcore.proxy.frontend import Frontend
from tests.embedded import PATIENCE, Background, Client, balancer, config, held, until
from tests.peers.chaos import Behaviour, Chaos, read_request
from tests.peers.haproxy import Balancer, Program
from tests.peers.installed import Peers
from tests.peers.ports import HOST, free_port, release_port
from tests.peers.sinks import UdpSink

SLACK = 0.03  # seconds that clocks may differ
OUT = "filter bwlim-out out default-limit {} default-period {}"
IN = "filter bwlim-in in default-limit {} default-period {}"
SET_OUT, SET_IN = "http-request set-bandwidth-limit out", "http-request set-bandwidth-limit in"
SHORT = ("timeout client 200ms", "timeout server 200ms", "timeout http-keep-alive 20s")  # shorter than a pause


def get(path: str, *fields: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: test", *fields, "", ""]).encode()


def post(size: int) -> bytes:
    return b"POST /post HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%s" % (size, b"x" * size)


def front_of(lb: lbcore.LoadBalancer) -> Frontend:
    found = lb.proxies[0].frontend
    assert found is not None
    return found


def timed(client: Client, data: bytes) -> tuple[float, int]:
    """The seconds until a request has its response, and the bytes of that one's body."""
    began = time.monotonic()
    client.send(data)
    body = client.body()
    return time.monotonic() - began, len(body)


def echoing(size: int) -> Behaviour:
    """A server of mode tcp that reads that many bytes, sends as many back, and ends."""

    def serve(connection: socket.socket) -> None:
        got = 0
        while got < size and (data := connection.recv(65536)):
            got += len(data)
        connection.sendall(b"y" * got)

    return serve


def answering(size: int, head: bytes = b"") -> Behaviour:
    """A server that answers each request with a body of that size; one with a head of its own then ends."""

    def serve(connection: socket.socket) -> None:
        pending = b""
        while True:
            pending, request = read_request(connection, pending)
            if not request:
                return
            connection.sendall((head or b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size) + b"z" * size)
            if head:
                return

    return serve


# --- the time that it takes ---


@pytest.mark.parametrize(
    ("path", "size", "options"),
    [("/1m", 1 << 20, ()), ("/1m", 1 << 20, ("option splice-auto",)), ("/chunked", 16384, ())],
)
def test_a_response_takes_the_time_of_its_limit(peers: Peers, path: str, size: int, options: Sequence[str]) -> None:
    front = [OUT.format(size // 2, "250ms"), SET_OUT, *options]
    with balancer(config(peers.nginx.port, front=front)) as lb, Client(lb) as client:
        seconds, got = timed(client, get(path))
    assert size <= got < size + 300  # chunks are not unwrapped
    assert 0.5 - SLACK <= seconds <= 3


def test_a_request_takes_the_time_of_its_limit(peers: Peers) -> None:
    front = [IN.format(200_000, "1s"), SET_IN]
    with balancer(config(peers.nginx.port, front=front)) as lb, Client(lb) as client:
        seconds, _ = timed(client, post(100_000))
    assert 0.5 - SLACK <= seconds <= 3


@pytest.mark.parametrize(
    "rule", ["tcp-request content set-bandwidth-limit", "tcp-response content set-bandwidth-limit"]
)
@pytest.mark.parametrize("options", [(), ("option splice-auto",)])
def test_a_tunnel_takes_the_time_of_its_limits(rule: str, options: Sequence[str]) -> None:
    back = [*options, IN.format(100_000, "1s"), OUT.format(100_000, "1s"), f"{rule} out"]
    back += [f"{rule} in"] if "request" in rule else []
    with (
        Chaos(echoing(50_000)) as server,
        balancer(config(server.port, mode="tcp", back=back)) as lb,
        Client(lb) as client,
    ):
        began = time.monotonic()
        client.send(b"x" * 50_000)
        assert len(client.rest()) == 50_000
        seconds = time.monotonic() - began
    ways = 2 if "request" in rule else 1
    assert ways * (0.5 - SLACK) <= seconds <= 4


def test_what_ends_with_its_connection_is_limited_and_ends_with_its_last_byte() -> None:
    front = [OUT.format(5000, "1s"), SET_OUT]
    with (
        Chaos(answering(10_000, b"HTTP/1.0 200 OK\r\n\r\n")) as server,
        balancer(config(server.port, front=front)) as lb,
        Client(lb) as client,
    ):
        seconds, got = timed(client, get("/"))
    assert got == 10_000
    assert 2 - SLACK <= seconds <= 5


def test_the_slowest_of_several_limits_rules(peers: Peers) -> None:
    front = [OUT.format("100m", "1s"), SET_OUT]
    back = [OUT.format("2m", "1s"), "filter bwlim-out other default-limit 50m default-period 1s", SET_OUT]
    back += ["http-response set-bandwidth-limit other"]
    with balancer(config(peers.nginx.port, front=front, back=back)) as lb, Client(lb) as client:
        seconds, _ = timed(client, get("/1m"))
    assert 0.5 - SLACK <= seconds <= 3


def test_a_limit_is_one_streams_and_ends_with_it(peers: Peers) -> None:
    front = [OUT.format(40_000, "1s"), f"{SET_OUT} if {{ path /16k }}"]
    with balancer(config(peers.nginx.port, front=front)) as lb, Client(lb) as client:
        first, _ = timed(client, get("/16k"))
        second, _ = timed(client, get("/16k"))  # its own credit, not what the first one left
        free, size = timed(client, get("/1m"))
    assert size == 1 << 20
    assert max(first, second, free) < 20  # at the limit of 40,000 bytes the last would take 26 s


def test_limit_and_period_may_be_a_streams_own(peers: Peers) -> None:
    front = [OUT.format(1000, "1s"), f"{SET_OUT} limit req.hdr(x-limit),mul(2) period req.hdr(x-period)"]
    with balancer(config(peers.nginx.port, front=front)) as lb, Client(lb) as client:
        seconds, _ = timed(client, get("/1m", f"X-Limit: {1 << 20}", "X-Period: 1000"))
    assert 0.5 - SLACK <= seconds <= 3


def test_haproxy_takes_as_long(peers: Peers, program: Program) -> None:
    text = f"""
        global
            stats socket "${{STATS}}" level admin
        defaults
            mode http
            timeout client 20s
            timeout server 20s
            timeout connect 20s
        listen fe
            bind "{HOST}:${{FE}}"
            {OUT.format("256k", "1s")}
            {SET_OUT}
            server s1 "{HOST}:${{SRV}}"
"""
    ports = [free_port(), free_port()]

    def seconds(which: Program, port: int) -> float:
        with (
            Balancer(which, text, {"FE": port, "SRV": peers.nginx.port}),
            socket.create_connection((HOST, port), PATIENCE) as client,
        ):
            began = time.monotonic()
            client.sendall(get("/1m", "Connection: close"))
            received = 0
            while data := client.recv(65536):
                received += len(data)
            assert received > 1 << 20
            return time.monotonic() - began

    theirs = Background(lambda: seconds(peers.newer_haproxy, ports[0]))
    ours = seconds(program, ports[1])
    other = theirs.join()
    assert isinstance(other, float)
    for port in ports:
        release_port(port)
    assert abs(ours - other) < 0.2 * other


# --- limits that streams share ---

TABLE = "stick-table type {} size 1k expire 1m store bytes_in_rate({}),bytes_out_rate({})"


def shared(which: str, limit: int, period: str = "1s", key: str = "src", kind: str = "ip") -> list[str]:
    return [
        TABLE.format(kind, period, period),
        f"filter bwlim-{which} both limit {limit} key {key}",
        "http-request set-bandwidth-limit both",
    ]


def together(lb: lbcore.LoadBalancer, requests: Sequence[bytes]) -> float:
    """The seconds until each of several clients, which ask at the same time, has its response."""
    with Client(lb) as first:
        front = front_of(lb)
        others = [Client(lb) for _ in requests[1:]]
        assert until(lambda: front.cur_conn == len(requests))
        began = time.monotonic()
        for client, data in zip([first, *others], requests, strict=True):
            client.send(data)
        for client in [first, *others]:
            assert client.response()[0] == 200
        seconds = time.monotonic() - began
        for client in others:
            client.socket.close()
    return seconds


@pytest.mark.parametrize("threads", [1, 2])
def test_streams_with_the_same_key_share_a_limit(peers: Peers, threads: int) -> None:
    front = shared("out", 1 << 20)
    with balancer(config(peers.nginx.port, front=front, nbthread=threads)) as lb:
        seconds = together(lb, [get("/1m")] * 3)
    # a period's worth goes at once, 2 MiB at 1 MiB a second; what two threads give on in the same instant is on top
    assert 1.6 <= seconds <= 6


def test_streams_with_other_keys_have_limits_of_their_own(peers: Peers) -> None:
    front = shared("out", 1 << 20, key="req.hdr(x-user)", kind="string len 8")
    with balancer(config(peers.nginx.port, front=front)) as lb:
        seconds = together(lb, [get("/1m", f"X-User: {name}") for name in "abc"])
    assert seconds < 1.5  # shared it would be 2 s and more


def test_requests_of_the_same_key_share_a_limit(peers: Peers) -> None:
    with balancer(config(peers.nginx.port, front=shared("in", 100_000))) as lb:
        seconds = together(lb, [post(100_000)] * 2)
    assert 0.8 <= seconds <= 4


def test_a_table_without_room_limits_nothing(peers: Peers) -> None:
    front = shared("out", 1000, key="req.hdr(x-user)", kind="string len 8")
    front[0] = "stick-table type string len 8 size 1 nopurge store bytes_out_rate(1s)"
    with balancer(config(peers.nginx.port, front=front)) as lb:
        held_one = Client(lb)
        held_one.send(get("/16k", "X-User: a"))
        assert held_one.socket.recv(1)
        with Client(lb) as other:
            seconds, size = timed(other, get("/1m", "X-User: b"))
        held_one.socket.close()
    assert size == 1 << 20
    assert seconds < 5  # 17 minutes at the limit


def test_entries_of_ended_streams_are_given_back(peers: Peers) -> None:
    with balancer(config(peers.nginx.port, front=shared("out", 1 << 20))) as lb:
        with Client(lb) as client:
            client.ask(get("/16k"))
            client.ask(get("/16k"))
        table = lb.tables.find("fe") if lb.tables is not None else None
        assert table is not None
        entry = table.next(0)
        assert entry
        assert until(lambda: table.facts(entry).refs == 0)
        assert table.read(entry, dict(table.fields())["bytes_out_rate"]) >= 2 * 16384
        table.release(entry)


def test_haproxy_shares_a_limit_as_long(peers: Peers, program: Program) -> None:
    text = f"""
        global
            stats socket "${{STATS}}" level admin
        defaults
            mode http
            timeout client 20s
            timeout server 20s
            timeout connect 20s
        listen fe
            bind "{HOST}:${{FE}}"
            stick-table type ip size 1k expire 1m store bytes_out_rate(1s)
            filter bwlim-out both limit 512k key src
            {SET_OUT.replace(" out", " both")}
            server s1 "{HOST}:${{SRV}}"
"""
    ports = [free_port(), free_port()]

    def transfer(port: int) -> None:
        with socket.create_connection((HOST, port), PATIENCE) as client:
            client.sendall(get("/1m", "Connection: close"))
            while client.recv(65536):
                pass

    def seconds(which: Program, port: int) -> float:
        with Balancer(which, text, {"FE": port, "SRV": peers.nginx.port}):
            began = time.monotonic()
            first = Background(lambda: transfer(port))
            transfer(port)
            first.join()
            return time.monotonic() - began

    theirs = Background(lambda: seconds(peers.newer_haproxy, ports[0]))
    ours = seconds(program, ports[1])
    other = theirs.join()
    assert isinstance(other, float)
    for port in ports:
        release_port(port)
    assert abs(ours - other) < 0.3 * other, (ours, other)


# --- what a pause must not do ---


@pytest.mark.parametrize("where", ["out", "in"])
def test_no_timeout_runs_in_a_pause_of_an_exchange(peers: Peers, where: str) -> None:
    front = [IN.format(1000, "600ms"), OUT.format(8192, "600ms"), f"http-request set-bandwidth-limit {where}", *SHORT]
    data, status = (get("/16k"), 200) if where == "out" else (post(2000), 200)
    text = config(peers.nginx.port, front=[f"{line} min-size 8k" if "bwlim" in line else line for line in front],
                  back=SHORT[1:2])  # fmt: skip
    with balancer(text) as lb, Client(lb) as client:
        client.send(data)
        assert client.response()[0] == status


@pytest.mark.parametrize("where", ["out", "in"])
def test_no_timeout_runs_in_a_pause_of_a_tunnel(where: str) -> None:
    back = [IN.format(1000, "600ms min-size 1000"), OUT.format(1000, "600ms min-size 1000"), *SHORT[:2]]
    back += [f"tcp-request content set-bandwidth-limit {where}"]
    with (
        Chaos(echoing(2000)) as server,
        balancer(config(server.port, mode="tcp", back=back, front=SHORT[:1])) as lb,
        Client(lb) as client,
    ):
        client.send(b"x" * 2000)
        assert len(client.rest()) == 2000


@pytest.mark.parametrize("mode", ["http", "tcp"])
def test_a_silent_server_is_still_late_behind_a_limit(mode: str) -> None:
    rule = SET_OUT if mode == "http" else "tcp-request content set-bandwidth-limit out"

    def silent(connection: socket.socket) -> None:
        read_request(connection, b"")
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello")
        connection.recv(1)

    text = config(0, mode=mode, front=[OUT.format("1m", "1s"), rule], back=["timeout server 200ms"])
    with Chaos(silent) as server, balancer(text.replace(f"{HOST}:0 \n", f"{HOST}:{server.port} \n")) as lb:
        with Client(lb) as client:
            client.send(get("/"))
            assert client.rest().endswith(b"hello")


@pytest.mark.parametrize("mode", ["http", "tcp"])
@pytest.mark.parametrize("who", ["client", "server"])
def test_who_leaves_in_a_pause_leaves_nothing_behind(mode: str, who: str) -> None:
    rule = SET_OUT if mode == "http" else "tcp-request content set-bandwidth-limit out"
    left = struct.pack("ii", 1, 0)

    def leaving(connection: socket.socket) -> None:
        read_request(connection, b"")
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + b"z" * 40_000)
        if who == "server":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, left)
            connection.close()
        else:
            connection.recv(1)

    with Chaos(leaving) as server:
        with balancer(config(server.port, mode=mode, front=[OUT.format("10k", "1s"), rule])) as lb:
            before = held().fds
            client = Client(lb)
            client.send(get("/"))
            assert client.socket.recv(10)
            if who == "client":
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, left)
            else:
                client.rest()
            client.socket.close()
            front = front_of(lb)
            assert until(lambda: front.cur_conn == 0)
            assert until(lambda: held().fds <= before)


def test_bytes_are_counted_as_without_a_limit(peers: Peers) -> None:
    def counted(front: Sequence[str]) -> tuple[int, int]:
        with balancer(config(peers.nginx.port, front=front)) as lb:
            with Client(lb) as client:
                client.ask(post(3000))
                client.ask(get("/16k"))
            frontend = front_of(lb)
            assert until(lambda: frontend.cur_conn == 0)
            return frontend.counters.bytes_in, frontend.counters.bytes_out

    limits = [IN.format(10_000, "1s"), OUT.format(40_000, "1s"), SET_IN, SET_OUT]
    assert counted(limits) == counted([])


def test_the_log_tells_of_no_failure_and_of_the_time(peers: Peers) -> None:
    front = [OUT.format("2m", "1s"), SET_OUT, "log global", "option httplog"]
    with UdpSink() as sink:
        settings = [f"log {HOST}:{sink.port} local0"]
        with balancer(config(peers.nginx.port, front=front, settings=settings)) as lb, Client(lb) as client:
            client.ask(get("/1m"))
            assert sink.wait_for(2, PATIENCE)  # the first tells of the start
        line = sink.lines()[-1].decode()
    found = re.search(r" (\d+)/(\d+)/(\d+)/(\d+)/(\d+) 200 (\d+) - - ---- ", line)
    assert found, line
    assert int(found[5]) >= 450
    assert int(found[6]) > 1 << 20
