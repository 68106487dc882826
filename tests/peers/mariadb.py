"""MariaDB as a server. Users: `plain` needs no password, `keyed` one, `locked` may not log in; there are no others."""

from __future__ import annotations

from pathlib import Path

from tests.peers.database import Database
from tests.peers.ports import HOST

_TABLES = Path("/usr/share/mysql/mysql_system_tables.sql")
_BEFORE = b"create database mysql;\nuse mysql;\nset @auth_root_socket = null;\n"
_USERS = b"""
flush privileges;
create user plain@'%' identified by '';
create user keyed@'%' identified by 'secret';
create user locked@'%' account lock;
"""


class Mariadb(Database):
    """A MariaDB on a loopback port, of Aria tables only."""

    def __init__(self) -> None:
        super().__init__("mariadbd", name="MariaDB")
        engine = ["--skip-innodb", "--default-storage-engine=Aria", "--enforce-storage-engine="]
        self._common = ["--no-defaults", f"--datadir={self.data}", *engine, "--log-warnings=0"]
        self.argv += [*self._common, f"--port={self.port}", f"--bind-address={HOST}", "--skip-name-resolve",
                      f"--socket={self.data / 'socket'}", f"--pid-file={self.data / 'pid'}"]  # fmt: skip

    def prepare(self) -> None:
        self.run(self.binary, *self._common, "--bootstrap", said=_BEFORE + _TABLES.read_bytes() + _USERS)
