"""`_getsocks`: listening sockets in the hands of somebody else, who may be HAProxy."""

from __future__ import annotations

import array
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import pytest

import lbcore
from tests.embedded import balancer, until
from tests.peers.haproxy import debian_haproxy
from tests.peers.ports import HOST, free_port, release_port

RETURN = "http-request return status 200 content-type text/plain string"
TIMES = "timeout client 5s\n    timeout connect 5s\n    timeout server 5s"


def config(path: Path, binds: list[str], *, said: str = "lbcore", options: str = "expose-fd listeners") -> str:
    lines = "\n".join(f"    bind {bind}" for bind in binds)
    return f"""
global
    stats socket {path} level admin {options}
defaults
    mode http
    {TIMES}
frontend fe
{lines}
    {RETURN} {said}
"""


class Taker:
    """Asks for the sockets as HAProxy does."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(5)
        self.socket.connect(str(path))
        self.socket.sendall(b"_getsocks\n")

    def message(self) -> tuple[bytes, list[socket.socket]]:
        """The next bytes, with the sockets that came along."""
        data, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(4 * 252))
        found = array.array("i")
        for _, kind, raw in ancillary:
            assert kind == socket.SCM_RIGHTS
            found.frombytes(raw)
        return data, [socket.socket(fileno=fd) for fd in found]

    def count(self) -> int:
        data = self.socket.recv(4)
        return int.from_bytes(data, "little") if data else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def test_listening_sockets_are_given_with_what_tells_them_apart(tmp_path: Path) -> None:
    path = tmp_path / "stats"
    with (
        balancer(config(path, [f"{HOST}:0", f"{HOST}:0 interface lo"])) as lb,
        Taker(path) as taker,
        ExitStack() as stack,
    ):
        assert taker.count() == 3
        data, sockets = taker.message()
        for one in sockets:
            stack.enter_context(one)
        assert data == b"\0\0\0\0\0\0" + b"\0\2lo\0\0\0\0" + b"\0\0\0\0\0\0"
        ours = [lb.address("fe").port, lb.address("fe", 1).port]
        assert [one.getsockname()[1] for one in sockets[:2]] == ours
        assert sockets[2].family == socket.AF_UNIX
        assert taker.socket.recv(10) == b""


def test_what_does_not_fit_a_message_waits_for_a_word(tmp_path: Path) -> None:
    path = tmp_path / "stats"
    with balancer(config(path, [f"{HOST}:0"] * 300)), Taker(path) as taker:
        assert taker.count() == 301
        data, first = taker.message()
        assert (len(data), len(first)) == (252 * 6, 252)
        taker.socket.sendall(b"\0\0\0\0")
        data, second = taker.message()
        assert (len(data), len(second)) == (49 * 6, 49)
        assert taker.socket.recv(10) == b""
        for one in first + second:
            one.close()


@pytest.mark.parametrize("options", ["", "expose-fd listeners level user"])
def test_who_may_not_have_them_is_told_nothing(options: str, tmp_path: Path) -> None:
    path = tmp_path / "stats"
    with balancer(config(path, [f"{HOST}:0"], options=options)), Taker(path) as taker:
        assert taker.count() == (2 if options else 0)


def test_a_taker_that_goes_away_leaves_no_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "stats"
    with balancer(config(path, [f"{HOST}:0"] * 300)):

        def held() -> int:
            return len(os.listdir("/proc/self/fd"))

        before = held()
        for _ in range(5):
            with Taker(path) as taker:
                assert taker.count() == 301
        assert until(lambda: held() == before)


def inodes(port: int) -> set[str]:
    """The sockets of the host that listen on a port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"}


def said(port: int) -> bytes:
    with socket.create_connection((HOST, port), timeout=5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        return b"".join(iter(lambda: client.recv(4096), b"")).rpartition(b"\r\n\r\n")[2]


@contextmanager
def haproxy(file: Path, taken: Path) -> Iterator[subprocess.Popen[bytes]]:
    oracle = debian_haproxy()
    if oracle is None:
        pytest.skip("haproxy is not installed")
    process = subprocess.Popen([*oracle.argv, "-db", "-f", str(file), "-x", str(taken)], stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(5)


def test_haproxy_goes_on_with_our_sockets(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    port = free_port()
    file = tmp_path / "haproxy.cfg"
    file.write_text(config(theirs, [f"{HOST}:{port}"], said="haproxy"))
    try:
        with lbcore.LoadBalancer(config(ours, [f"{HOST}:{port}"])) as lb:
            listening = inodes(port)
            assert len(listening) == 1
            assert said(port) == b"lbcore"
            with haproxy(file, ours):
                assert until(theirs.exists, 5)
                assert inodes(port) == listening
                lb.close()
                assert inodes(port) == listening
                assert said(port) == b"haproxy"
    finally:
        release_port(port)
