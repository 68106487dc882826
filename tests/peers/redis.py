"""Redis as a server: nothing is saved. With a password it answers nobody who has not said it."""

from __future__ import annotations

from tests.peers.database import Database
from tests.peers.ports import HOST


class Redis(Database):
    """A Redis on a loopback port."""

    def __init__(self, password: str = "") -> None:
        super().__init__("redis-server", name="Redis")
        self.argv += [
            "--port",
            str(self.port),
            "--bind",
            HOST,
            "--dir",
            str(self.data),
            "--save",
            "",
            "--daemonize",
            "no",
        ]
        if password:
            self.argv += ["--requirepass", password]
