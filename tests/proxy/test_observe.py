"""`observe`: errors of traffic count as failed checks, in HAProxy's words."""

from __future__ import annotations

import re
import socket

import pytest

import lbcore
from lbcore.proxy.changes import Verdict
from lbcore.proxy.health import CheckResult, CheckState, CheckStatus
from lbcore.proxy.machine import Op
from lbcore.proxy.server import Server
from tests.embedded import Client, ask, balancer, config, until
from tests.peers.chaos import Behaviour, Chaos, close_after_request, garbage, good, read_request
from tests.peers.haproxy import Balancer, debian_haproxy
from tests.peers.ports import HOST, free_port, release_port
from tests.peers.sinks import UdpSink
from tests.proxy.states_script import plain

OK = CheckResult(CheckStatus.L4OK)
TOP = 4  # health of a server that passes, with rise 2 and fall 3


def status(number: int) -> Behaviour:
    """A server that answers with this status."""

    def serve(connection: socket.socket) -> None:
        pending = b""
        while True:
            pending, request = read_request(connection, pending)
            if not request:
                return
            connection.sendall(b"HTTP/1.1 %d Test\r\nContent-Length: 0\r\n\r\n" % number)

    return serve


def checked(lb: lbcore.LoadBalancer, fastinter: int = 0) -> tuple[Server, CheckState]:
    """The only server, as if its checks had always passed."""
    server = lb.states.find("be/s1")
    check = server.check = CheckState(rise=2, fall=3, fastinter=fastinter)
    check.count(OK)
    return server, check


@pytest.mark.parametrize(
    ("deed", "health", "op"),
    [
        ("fastinter", TOP, Op.RUNNING),
        ("fail-check", TOP - 1, Op.RUNNING),
        ("sudden-death", 2, Op.RUNNING),
        ("mark-down", 0, Op.STOPPED),
    ],
)
def test_as_many_errors_as_allowed_lead_to_the_deed(deed: str, health: int, op: Op) -> None:
    with Chaos(status(500)) as one:
        text = config(one.port, server=f"observe layer7 error-limit 3 on-error {deed}")
        with balancer(text) as lb:
            server, check = checked(lb, fastinter=70)
            hurried: list[int] = []
            check.hurry = hurried.append
            for _ in range(3):
                assert ask(lb)[0] == 500
            assert until(lambda: server.observed == 1 and check.health == health and server.op is op)
            assert until(lambda: hurried == [70])


@pytest.mark.parametrize(
    ("behaviour", "seen"),
    [
        (status(503), "Wrong http response"),
        (garbage, "Invalid http response (headers)"),
        (close_after_request, "Close from server (http)"),
    ],
)
def test_last_error_is_told(behaviour: Behaviour, seen: str) -> None:
    with Chaos(behaviour) as one, balancer(config(one.port, server="observe layer7 error-limit 2")) as lb:
        _server, check = checked(lb)
        for _ in range(2):
            assert ask(lb)[0] in (502, 503)
        assert until(lambda: check.last.status is CheckStatus.HANA)
        assert check.last.info == f"Detected 2 consecutive errors, last one was: {seen}"


@pytest.mark.parametrize("layer", ["layer4", "layer7"])
def test_failed_connections_are_errors_of_both_layers(layer: str) -> None:
    port = free_port()
    try:
        text = config(port, back=["retries 0"], server=f"observe {layer} error-limit 2")
        with balancer(text) as lb:
            _server, check = checked(lb)
            for _ in range(2):
                assert ask(lb)[0] == 503
            assert until(lambda: check.last.info.endswith("last one was: L4 unsuccessful connection"))
    finally:
        release_port(port)


@pytest.mark.parametrize(("layer", "answer"), [("layer4", 500), ("layer7", 404), ("layer7", 501)])
def test_what_is_no_error_of_the_layer_counts_for_nothing(layer: str, answer: int) -> None:
    with Chaos(status(answer)) as one:
        with balancer(config(one.port, server=f"observe {layer} error-limit 1 on-error mark-down")) as lb:
            server, check = checked(lb)
            for _ in range(3):
                assert ask(lb)[0] == answer
            lb.crew.together(lambda: None)
            assert (server.observed, check.health) == (0, TOP)


def test_good_response_between_errors_begins_the_count_anew() -> None:
    answers = iter([500, 200, 500, 200, 500, 200])

    def serve(connection: socket.socket) -> None:
        if read_request(connection, b"")[1]:
            connection.sendall(b"HTTP/1.0 %d Test\r\nContent-Length: 0\r\n\r\n" % next(answers))

    with Chaos(serve) as one, balancer(config(one.port, server="observe layer7 error-limit 2")) as lb:
        server, _check = checked(lb)
        for _ in range(6):
            ask(lb)
        lb.crew.together(lambda: None)
        assert server.observed == 0


def test_server_without_checks_is_left_alone() -> None:
    with Chaos(status(500)) as one:
        with balancer(config(one.port, server="observe layer7 error-limit 1 on-error mark-down")) as lb:
            for _ in range(3):
                assert ask(lb)[0] == 500
            assert lb.states.find("be/s1").op is Op.RUNNING


def test_server_that_went_down_comes_back_by_its_checks() -> None:
    with Chaos(good) as one, balancer(config(one.port, server="observe layer7")) as lb:
        server, check = checked(lb)
        lb.states.health(server, Verdict.DOWN)
        for _ in range(2):
            lb.states.report(server, check, OK)
        assert until(lambda: server.op is Op.RUNNING)
        with Client(lb) as client:
            client.send()
            assert client.status() == 200


def unhurried(line: str) -> str:
    """Without the number of streams, as the last one may be over or not."""
    return re.sub(r"\d sessions active", "N sessions active", line)


CONFIG = """
global
  log {host}:{log} local0
  stats socket "${{STATS}}" level admin
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend fe
  bind {host}:{front}
  default_backend be
backend be
  log global
  server s1 {host}:{port} check inter 100s observe layer7 error-limit 3 on-error mark-down
"""


def test_line_is_haproxys() -> None:
    oracle = debian_haproxy()
    if oracle is None:
        pytest.skip("haproxy is not installed")
    front = free_port()
    try:
        with Chaos(status(500)) as one, UdpSink() as sink:
            with Balancer(oracle, CONFIG.format(host=HOST, log=sink.port, front=front, port=one.port)):
                for _ in range(3):
                    with socket.create_connection((HOST, front)) as client:
                        client.sendall(b"GET / HTTP/1.0\r\nHost: test\r\n\r\n")
                        client.recv(1000)
                assert sink.wait_for(1, 5.0)
            theirs = next(plain(line) for line in sink.lines() if b"Server" in line)
            told: list[str] = []
            with balancer(config(one.port, server="observe layer7 error-limit 3 on-error mark-down")) as lb:
                lb.notify = told.append
                checked(lb)
                for _ in range(3):
                    ask(lb)
                assert until(lambda: bool(told))
            assert unhurried(theirs) == unhurried(f"<1> {told[0]}")
    finally:
        release_port(front)
