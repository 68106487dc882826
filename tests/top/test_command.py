"""`lbcore top` beside balancers that run: ours and HAProxy, in a terminal and in a pipe."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lbcore.top.client import AddressError, StatsSocket
from tests.embedded import balancer
from tests.peers.haproxy import Balancer, debian_haproxy
from tests.peers.readable import readable

CONFIG = """
global
  stats socket {path} level user
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend www
  bind 127.0.0.1:0
  default_backend app
backend app
  server s1 127.0.0.1:9
"""
TOP = [sys.executable, "-m", "lbcore", "top"]


@pytest.fixture
def path(tmp_path: Path) -> Iterator[str]:
    """The stats socket of a balancer that runs."""
    where = str(tmp_path / "stats")
    with balancer(CONFIG.format(path=where)):
        yield where


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*TOP, *words], capture_output=True, text=True, timeout=30, check=False)


def test_without_a_terminal_each_update_is_printed(path: str) -> None:
    done = run("-s", path, "-n", "2", "-d", "0.1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("HAProxy 3.2.0") == 2
    assert done.stdout.count("www (in)") == 2
    assert "\x1b" not in done.stdout


def test_it_works_with_haproxy(tmp_path: Path) -> None:
    program = debian_haproxy()
    assert program is not None, "haproxy is not installed"
    config = CONFIG.replace("{path}", '"${STATS}"').replace("127.0.0.1:0", f"unix@{tmp_path}/www")
    with Balancer(program, config) as theirs:
        done = run("-s", theirs.stats_path)
    assert "HAProxy 2.6" in done.stdout
    assert "app (out)" in done.stdout


def test_in_a_terminal_it_is_updated_in_place_and_leaves_it_as_it_was(path: str) -> None:
    ours, theirs = pty.openpty()
    child = subprocess.Popen([*TOP, "-s", path, "-d", "0.1"], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    text = b""
    try:
        deadline = time.monotonic() + 30
        while text.count(b"\x1b[H") < 3:
            assert time.monotonic() < deadline, text
            if readable(ours, seconds=0.5):
                text += os.read(ours, 65536)
        os.write(ours, b"q")
        while child.poll() is None:
            assert time.monotonic() < deadline
            if readable(ours, seconds=0.1):
                text += read(ours)
        text += read(ours) if readable(ours, seconds=0.1) else b""
    finally:
        child.kill()
        child.wait()
        os.close(ours)
    assert child.returncode == 0
    assert text.startswith(b"\x1b[?1049h\x1b[?25l")
    assert text.rstrip().endswith(b"\x1b[?25h\x1b[?1049l")
    assert b"www (in)" in text


def read(terminal: int) -> bytes:
    """What there is; nothing once nobody has the other end."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def test_a_socket_that_nobody_listens_on_is_told(tmp_path: Path) -> None:
    done = run("-s", str(tmp_path / "none"))
    assert done.returncode == 1
    assert done.stderr == f"lbcore top: {tmp_path}/none: No such file or directory\n"


def test_somebody_else_behind_the_socket_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        done = run("-s", f"127.0.0.1:{port}")
        thread.join()
    assert done.returncode == 1
    assert "not an answer to 'show stat': 'SSH-2.0'" in done.stderr


def answer(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        while connection.recv(100):
            pass
        connection.sendall(b"SSH-2.0\n")


@pytest.mark.parametrize("address", ["ftp@x", "host:", "host:99999", "ipv4@host"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(AddressError):
        StatsSocket(address)
    assert run("-s", address).returncode == 2


def test_a_delay_has_its_limits() -> None:
    done = run("-s", "x", "-d", "0")
    assert done.returncode == 2
    assert "from 0.1 to 3600 seconds" in done.stderr
