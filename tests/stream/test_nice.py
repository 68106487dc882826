"""`nice`: which of several streams that have work at the same moment has its turn first."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import lbcore
from tests.embedded import PATIENCE, Client, balancer, until
from tests.peers.ports import HOST
from tests.peers.sinks import UdpSink

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
HEAD = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n"
CONFIG = """
global
    nbthread 1
defaults
    mode http
    timeout client 20s
    log {log} format raw local0
    log-format %ft
{proxies}
"""


def frontend(name: str, *lines: str, nice: int = 0) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return f"frontend {name}\n    bind {HOST}:0 nice {nice}\n{body}    http-request return status 200\n"


@contextmanager
def busy(lb: lbcore.LoadBalancer) -> Iterator[None]:
    """Keeps the only worker from everything else meanwhile."""
    begun, go_on = threading.Event(), threading.Event()

    def hold(reasons: int) -> None:
        begun.set()
        go_on.wait(PATIENCE)

    task = lb.crew.tasks.add(hold)
    task.schedule(0)
    assert begun.wait(PATIENCE)
    try:
        yield
    finally:
        go_on.set()


def requests_of(lb: lbcore.LoadBalancer) -> int:
    """How many heads of requests have come."""
    return sum(int(proxy.frontend.counters.cum_req) for proxy in lb.proxies if proxy.frontend is not None)


def served(
    proxies: Sequence[str], order: Sequence[str], *, warm: int = 0, head: bytes = b"", body: bytes = GET
) -> list[str]:
    """The names of frontends in the order in which they answered clients that had sent `body` in `order`.

    `warm`: requests that each made before; `head`: what each had sent, and their threads had looked at.
    """
    with UdpSink() as sink:
        text = CONFIG.format(log=f"{HOST}:{sink.port}", proxies="\n".join(proxies))
        with balancer(text) as lb:
            clients = {name: Client(lb, name) for name in order}
            assert until(lambda: sum(p.frontend.cur_conn for p in lb.proxies if p.frontend) == len(order))
            for _ in range(warm):
                for client in clients.values():
                    client.ask(GET)
            assert sink.wait_for(len(proxies) + warm * len(order), PATIENCE)
            before = len(sink.lines())
            if head:
                for client in clients.values():
                    client.send(head)
                assert until(lambda: requests_of(lb) == len(order))
            with busy(lb):
                for name in order:
                    clients[name].send(body)
            for client in clients.values():
                assert client.response()[0] == 200
                client.socket.close()
            assert sink.wait_for(before + len(order), PATIENCE)
            return [line.decode().strip() for line in sink.lines()[before:]]


def test_streams_of_nicer_listeners_come_later() -> None:
    nices = {"a": 1024, "b": 300, "c": 0, "d": -1, "e": 600}
    proxies = [frontend(name, nice=nice) for name, nice in nices.items()]
    assert served(proxies, "abcde") == ["d", "c", "b", "e", "a"]


def test_without_nice_the_first_is_served_first() -> None:
    assert served([frontend(name) for name in "abc"], "bca") == ["b", "c", "a"]


def test_a_rule_sets_it_for_its_stream() -> None:
    wait = "http-request wait-for-body time 10s"
    proxies = [frontend("a", "http-request set-nice 100", wait), frontend("b", wait)]
    assert served(proxies, "ab", head=HEAD, body=b"x") == ["b", "a"]


def test_the_next_stream_of_the_connection_has_its_listeners_again() -> None:
    assert served([frontend("a", "http-request set-nice 100"), frontend("b")], "ab", warm=1) == ["a", "b"]
