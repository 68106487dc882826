"""`connect`: where to, and what is said before anything else (manual 4.2 "tcp-check connect", "http-check connect")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lbcore.base.address import Address
from lbcore.check.steps import Act, Step, Verdict
from lbcore.sample.build import Build
from lbcore.sample.types import Type

if TYPE_CHECKING:
    from lbcore.check.run import Run
    from lbcore.sample.expression import Expression

PORTS = range(1, 65536)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect(Step):
    """Opens a connection.

    `addr`: instead of the server's. `port`: a number or what gives one, None: the server's. `default`: with the options
    of the `server` line; the connection that every check begins with if its lines name none is of this kind. `linger`:
    it is closed with a FIN and not by a reset. `via_socks4`: through the server's SOCKS4 proxy, if it has one.
    """

    addr: Address | None = None
    port: int | Expression | None = None
    default: bool = False
    send_proxy: bool = False
    via_socks4: bool = False
    linger: bool = False

    @property
    def fixed(self) -> bool:
        """Whether it is known where to before a check begins."""
        return self.port is None or isinstance(self.port, int)

    @property
    def told(self) -> str:
        return f"connect port {self.port}" if isinstance(self.port, int) else "connect"

    def make(self, build: Build) -> Act:
        port_of = None if self.port is None or isinstance(self.port, int) else self.port.make(build, Type.SINT)
        fixed = self.port if isinstance(self.port, int) else None

        def connect(run: Run) -> Verdict:
            port = fixed
            if port_of is not None:
                found = port_of(run.looked_at)
                port = found if isinstance(found, int) and found in PORTS else None
            conf = run.target.conf(self, port)
            return run.connect(conf, run.target.preface(self), run.target.pool(self))

        return connect
