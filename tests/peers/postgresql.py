"""PostgreSQL as a server. Users: `trusted` needs no password, `asked` one in clear text, `hashed` one of SCRAM,
`rejected` may not come at all; any other is let in by the rules, and is no user."""

from __future__ import annotations

from tests.peers.database import Database, program_path
from tests.peers.ports import HOST
from tests.peers.process import PeerError

OWNER = "owner"
_RULES = f"""\
host all trusted  {HOST}/32 trust
host all asked    {HOST}/32 password
host all hashed   {HOST}/32 scram-sha-256
host all rejected {HOST}/32 reject
host all all      {HOST}/32 trust
"""
_SETTINGS = """\
fsync = off
log_min_messages = panic
max_connections = 20
shared_buffers = 1MB
"""
_ROLES = b"""\
create role trusted login;
create role asked login password 'secret';
create role hashed login password 'secret';
create role rejected login;
"""


class Postgresql(Database):
    """A PostgreSQL on a loopback port."""

    def __init__(self) -> None:
        super().__init__("postgres", name="PostgreSQL")
        self.argv += ["-D", str(self.data), "-p", str(self.port), "-h", HOST, "-k", str(self.data)]

    def prepare(self) -> None:
        initdb = program_path("initdb")
        if initdb is None:
            raise PeerError("PostgreSQL has no initdb")
        self.run(initdb, "-D", str(self.data), "-U", OWNER, "--no-sync", "-A", "trust", "-E", "UTF8", "--locale=C")
        (self.data / "pg_hba.conf").write_text(_RULES)
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(_SETTINGS)
        self.run(self.binary, "--single", "-D", str(self.data), "postgres", said=_ROLES)
