"""Ports are never handed out twice."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from tests.peers.ports import HOST, _bindable, free_port, release_port

ROOT = Path(__file__).resolve().parents[2]


def test_two_ports_differ() -> None:
    ports = [free_port() for _ in range(20)]
    assert len(set(ports)) == len(ports)
    for port in ports:
        release_port(port)


def test_another_process_cannot_claim_a_claimed_port() -> None:
    port = free_port()
    code = f"from tests.peers import ports; print(ports._claim({port}))"
    answers = []
    for _ in range(2):
        answers.append(
            subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        )
        release_port(port)
    assert [answer.stdout.strip() for answer in answers] == ["False", "True"]


def test_a_port_in_use_is_not_handed_out() -> None:
    with socket.create_server((HOST, 0)) as server:
        assert not _bindable(server.getsockname()[1], socket.SOCK_STREAM)
