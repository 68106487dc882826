"""The program with its real balancer, as a whole process."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

from tests.peers.haproxy import Balancer, Program, debian_haproxy
from tests.peers.ports import free_port, release_port
from tests.peers.process import wait_until

PATIENCE = 5.0
CONFIG = """\
global
    stats socket "${STATS}" level admin

defaults
    mode http
    timeout client 5s
    timeout connect 5s
    timeout server 5s

frontend fe
    bind "127.0.0.1:${FE}"
    default_backend be

backend be
    server s1 127.0.0.1:1
"""


WORDS = {signal.SIGTTOU: "Paused", signal.SIGTTIN: "Resumed", signal.SIGUSR1: "stopped"}


def told(program: Program) -> list[str]:
    """What the program writes about `fe` when it is paused, resumed and stopped, without its pid."""
    port = free_port()
    try:
        with Balancer(program, CONFIG, {"FE": port}) as lb:
            for signum, word in WORDS.items():
                lb.signal(signum)
                assert wait_until(partial(says, lb, word), PATIENCE)
            lines = lb.stderr().splitlines()
    finally:
        release_port(port)
    return [line.partition(" : ")[2] for line in lines if " fe" in line and line.startswith("[WARNING]")]


def says(lb: Balancer, word: str) -> bool:
    """Whether it has written `word` by now."""
    return word in lb.stderr()


def test_tells_of_its_frontends_as_haproxy_does(program: Program) -> None:
    haproxy = debian_haproxy()
    assert haproxy is not None
    assert told(program) == told(haproxy)


def test_the_stats_socket_needs_no_files_of_the_program(program: Program, tmp_path: Path) -> None:
    # commands are imported when they are used, and after chroot there is nothing left to import
    jail = f"chroot {tmp_path}" if os.getuid() == 0 else ""  # others may not
    port = free_port()
    try:
        with Balancer(program, CONFIG.replace("global\n", f"global\n    {jail}\n"), {"FE": port}) as lb:
            assert "Uptime_sec" in lb.cli("show info")
            assert "fe,FRONTEND" in lb.cli("show stat")
            assert "unknown fetch method 'strr'" in lb.cli("experimental-mode on; set var proc.a expr strr(x)")
            lb.cli("experimental-mode on; set var proc.a expr str(x),sha2,hex,lower; set var proc.b fmt %[str(y)]%pid")
            assert "<2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881>" in lb.cli("get var proc.a")
            assert "show info" in lb.cli("help")
            assert "Total events" in lb.cli("show errors")
            assert "show info" in lb.cli("sho inf")
            assert "Traceback" not in lb.stderr()
    finally:
        release_port(port)
