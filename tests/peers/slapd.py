"""OpenLDAP's server without a directory: who says who he is is not known. It can be told to refuse everybody else."""

from __future__ import annotations

from tests.peers.database import Database
from tests.peers.ports import HOST


class Slapd(Database):
    """An LDAP server on a loopback port."""

    def __init__(self, *, anonymous: bool = True) -> None:
        super().__init__("slapd", name="OpenLDAP's slapd")
        conf = self.data / "slapd.conf"
        conf.write_text(("" if anonymous else "disallow bind_anon\n") + "database frontend\n")
        conf.chmod(0o644)
        self.argv += ["-d", "0", "-h", f"ldap://{HOST}:{self.port}", "-f", str(conf)]
