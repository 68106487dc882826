"""What a server's state means to the shim (native/include/servers.h). Called at the sync point, or before the start."""

from __future__ import annotations

from lbcore.event.engine import Engine
from lbcore.proxy import convert
from lbcore.proxy.backend import Backend
from lbcore.proxy.machine import Mode, Op
from lbcore.proxy.server import FULL, Server
from lbcore.shim import check, lib


class Effects:
    """Brings the engine in line with servers as they are."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def apply(self, server: Server) -> None:
        """Tells the algorithm whether the server takes streams, and how many."""
        if server.mode is not Mode.MAINT:
            server.weight = -(-server.uweight * server.steps // FULL)
        lib.eng_srv_conf(self._engine.handle, server.index).maxconn = server.limit
        weight = server.uweight if server.gets_streams else 0
        held = FULL - server.steps
        check(lib.eng_srv_state(self._engine.handle, server.index, server.op is not Op.STOPPED, weight, held))

    def throttle(self, server: Server) -> None:
        """A step of slow start: as much of its weight as the time since it came up allows (manual 5.2, "slowstart").
        Weights of static algorithms stay as they are."""
        passed, whole = server.seconds_in_state, server.slowstart
        if self.is_dynamic(server.backend):
            server.steps = max(1, min(FULL, (FULL * passed + whole) // whole))

    def configure(self, server: Server) -> None:
        """Takes over settings that were changed."""
        convert.server(lib.eng_srv_conf(self._engine.handle, server.index), server.settings, server.sid)
        self.apply(server)

    def move(self, server: Server) -> None:
        """Takes over another address. Idle connections are closed; those in use serve nobody afterwards."""
        self.configure(server)
        check(lib.eng_srv_moved(self._engine.handle, server.index))
        self.end(server, "")

    def leave(self, server: Server) -> int:
        """Has those who wait for the server alone look for another one, if `option redispatch` lets them and `option
        persist` does not forbid it; how many."""
        options = server.backend.settings
        if not options.redispatch or "persist" in options.options:
            return 0
        return check(lib.eng_srv_leave(self._engine.handle, server.index))

    def grab(self, server: Server) -> int:
        """Has the server take who waits, as many as it can; how many."""
        if server.op is Op.STOPPED:
            return 0
        return check(lib.eng_srv_grab(self._engine.handle, server.index))

    def end(self, server: Server, why: str) -> None:
        """Closes its idle connections; with `why`, the first character of a termination state, its streams too."""
        check(lib.eng_srv_end(self._engine.handle, server.index, ord(why) if why else lib.SRV_END_IDLE))

    def is_dynamic(self, backend: Backend) -> bool:
        """Whether weights may change while it runs."""
        return bool(lib.eng_be_dynamic(self._engine.handle, backend.index))
