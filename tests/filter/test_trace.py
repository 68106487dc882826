"""`filter trace`: what it prints of a stream, beside HAProxy, and that it changes nothing of what passes."""

from __future__ import annotations

import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from lbcore.stream.trace import hexdump
from tests.embedded import Client, balancer, config, until
from tests.explain.explaining import explain
from tests.peers.haproxy import Program
from tests.peers.installed import Peers
from tests.peers.ports import HOST, free_port, release_port

LINE = re.compile(r"^\d+\.\d{6} \[(.{20})\] \[strm 0x[0-9a-f]+\(\d+\)(?: 0x[0-9a-f]{8} 0x[0-9a-f]{8})?\] (.*)$")
# What HAProxy tells of its analysers, and when it has seen the end of a message, is of its inside; Connection is no
# field of the message any more there.
INSIDE = re.compile(r"trace_chn_|trace_http_end|trace_http_payload|trace_tcp_payload|\tconnection:|\tdate:")
CONFIG = """
    defaults
        mode http
        timeout client 5s
        timeout server 5s
        timeout connect 5s
    frontend fe
        bind "127.0.0.1:${FE}"
        filter trace name front
        filter trace name dump hexdump quiet
        http-request deny if { path /denied }
        http-request set-header X-More yes
        http-response set-header X-Back yes
        default_backend be
    backend be
        filter trace hexdump
        server s1 "127.0.0.1:${SRV}"
"""


def told(text: str) -> dict[str, list[str]]:
    """What each filter said of streams, without times, addresses and what differs between implementations."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        match = LINE.match(line)
        if match and not INSIDE.match(match[2]):
            found.setdefault(match[1].strip(), []).append(match[2].rstrip())
    return found


def dumped(text: str) -> bytes:
    """The bytes of all dumps."""
    rows = re.findall(r"^\t0x[0-9a-f]{6}: (.*)\|.{1,16}\|$", text, re.MULTILINE)
    return bytes.fromhex("".join(row[:50].replace(" ", "") for row in rows))


def conversation(program: Program, text: str, server: int, requests: Sequence[bytes]) -> str:
    """What a program prints while these requests are made, each on a connection of its own."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        file, said = Path(folder, "lb.cfg"), Path(folder, "said")
        file.write_text(text)
        environment = {"FE": str(port), "SRV": str(server), "PATH": "/usr/bin:/bin"}
        with said.open("w") as out:
            running = subprocess.Popen([*program.argv, "-db", "-f", str(file)], stderr=out, stdout=out, env=environment)
        try:
            for wanted, data in enumerate(requests, 1):
                ask(port, data)
                # a stream ends a little later than its client sees
                assert until(partial(has_ended, said, wanted)), said.read_text()
        finally:
            running.terminate()
            running.wait(10)
            release_port(port)
        return said.read_text()


def has_ended(said: Path, streams: int) -> bool:
    """Whether the frontend's filter was told of the end of so many streams."""
    return said.read_text().count("trace_detach             : filter-type=frontend") >= streams


def ask(port: int, data: bytes) -> bytes:
    deadline = time.monotonic() + 10
    while True:
        try:
            with socket.create_connection((HOST, port), 10) as client:
                client.sendall(data)
                return b"".join(iter(lambda: client.recv(65536), b""))
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def request(line: str, *fields: str, body: bytes = b"") -> bytes:
    return "\r\n".join([f"{line} HTTP/1.1", "Host: h", "Connection: close", *fields, "", ""]).encode() + body


def test_tells_of_streams_what_haproxy_tells(peers: Peers, program: Program) -> None:
    requests = [
        request("GET /16k"),
        request("POST /post", "Content-Length: 5", "X-Mixed: Case", body=b"hello"),
        request("GET /denied"),
    ]
    ours = conversation(program, CONFIG, peers.nginx.port, requests)
    theirs = conversation(peers.haproxy, CONFIG, peers.nginx.port, requests)
    assert told(ours) == told(theirs)
    assert set(told(ours)) == {"front/fe", "TRACE/be"}  # the quiet one says nothing
    assert sorted(dumped(ours)) == sorted(dumped(theirs))  # in pieces of other sizes


@pytest.mark.parametrize("mode", ["http", "tcp"])
@pytest.mark.parametrize("path", ["/16k", "/chunked", "/1m"])
def test_what_passes_is_told_and_not_changed(
    peers: Peers, capfd: pytest.CaptureFixture[str], mode: str, path: str
) -> None:
    lines = ["filter trace hexdump random-forwarding"]
    with balancer(config(peers.nginx.port, mode=mode)) as lb, Client(lb) as client:
        expected = client.ask(request(f"GET {path}"))
    with balancer(config(peers.nginx.port, mode=mode, front=lines)) as lb, Client(lb) as client:
        got = client.ask(request(f"GET {path}"))
    said = capfd.readouterr().err
    assert undated(got) == undated(expected)
    parts = re.findall(rf"trace_{mode}_payload +: channel=RESPONSE .* offset=(\d+) - len=\d+ - forward=(\d+)", said)
    sizes = [int(size) for _, size in parts]
    assert len(sizes) > 3
    assert [int(at) for at, _ in parts] == [sum(sizes[:number]) for number in range(len(sizes))]
    assert dumped(said).endswith((undated(got) if mode == "http" else got)[-100:])


def undated(body: bytes) -> bytes:
    """A body whose chunks, if it has any, do not tell in what parts it came."""
    return re.sub(rb"(?:^|\r\n)[0-9a-f]+\r\n(?:\r\n$)?", b"", body)


def test_explaining_prints_nothing(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    explain(tmp_path, config(1, front=["filter trace"], bind="bind 127.0.0.1:8080"), "GET http://h:8080/")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"A\n", [f"\t0x000000: {'41 0a':<52}|A.|\n"]),
        (
            bytes(range(0x60, 0x71)),
            [
                "\t0x000000: 60 61 62 63 64 65 66 67   68 69 6a 6b 6c 6d 6e 6f   |`abcdefghijklmno|\n",
                f"\t0x000010: {'70':<52}|p|\n",
            ],
        ),
    ],
)
def test_dumps_have_sixteen_bytes_a_line(data: bytes, lines: list[str]) -> None:
    assert list(hexdump(data)) == lines
