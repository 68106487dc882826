"""Conversations with a stats socket."""

from __future__ import annotations

import socket
from pathlib import Path


def exchange(path: Path | str, sent: bytes, patience: float = 10.0) -> bytes:
    """All that the stats socket at `path` answers to `sent`, with which the input ends."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(patience)
        client.connect(str(path))
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while data := client.recv(65536):
            answer += data
        return answer
