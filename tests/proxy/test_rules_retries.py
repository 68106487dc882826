"""Rules and requests that are sent more than once: rewritten once, decided about once, answered by the last server."""

from __future__ import annotations

import re
import socket

import pytest

from tests.embedded import Client, balancer
from tests.peers.chaos import Behaviour, Chaos, read_request
from tests.peers.ports import HOST

REQUESTS = 12


def answering(status: bytes, seen: list[bytes]) -> Behaviour:
    """A server that keeps what it is asked for."""

    def serve(connection: socket.socket) -> None:
        pending = b""
        while True:
            pending, request = read_request(connection, pending)
            if not request:
                return
            seen.append(request)
            connection.sendall(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % status)

    return serve


def configuration(bad: int, good: int, option: str) -> str:
    return f"""
defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 10s
frontend fe
    bind {HOST}:0
    http-request set-var(txn.n) req.hdr(x-n)
    http-request add-header x-once %[req.hdr(x-n)]
    http-response set-header x-n %[var(txn.n)]
    http-response set-header x-server %[srv_name]
    http-response add-header x-decided yes
    default_backend be
backend be
    retry-on 503
    retries 1
    {option}
    http-request set-path /new%[path]
    server bad {HOST}:{bad}
    server good {HOST}:{good}
"""


@pytest.mark.parametrize("option", ["option redispatch", "option redispatch 1", ""])
def test_rules_of_a_response_see_their_own_request_and_the_server_that_answered(option: str) -> None:
    at_bad: list[bytes] = []
    at_good: list[bytes] = []
    with Chaos(answering(b"503 No", at_bad)) as bad, Chaos(answering(b"200 OK", at_good)) as good:
        with balancer(configuration(bad.port, good.port, option)) as lb, Client(lb) as client:
            client.send(
                b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\nX-N: %d\r\n\r\n" % (n, n) for n in range(REQUESTS))
                + b"GET / HTTP/1.1\r\nHost: h\r\nX-N: x\r\nConnection: close\r\n\r\n"
            )
            answers = client.rest().split(b"HTTP/1.1 ")[1:]
            (backend,) = (proxy.backend for proxy in lb.proxies if proxy.backend is not None)
            counted = backend.counters.retries, backend.counters.redispatches
    numbers = [re.search(rb"x-n: (\S+)", answer) for answer in answers]
    assert [n and n[1] for n in numbers] == [*(b"%d" % n for n in range(REQUESTS)), b"x"]
    for answer in answers:
        assert answer.count(b"x-decided: yes") == 1
        assert (b"x-server: good" in answer) == answer.startswith(b"200"), answer
    for request in (*at_bad, *at_good):
        assert request.startswith(b"GET /new/")
        assert request.count(b"x-once:") == 1
    # Without redispatching, the same server is asked once more, as HAProxy does.
    assert len(at_bad) == counted[0] * (1 if option else 2)
    assert counted[1] == (counted[0] if option else 0)
    assert all(answer.startswith(b"200") for answer in answers) == bool(option)
