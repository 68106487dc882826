"""Lists of backends and of their servers: `show servers state`, `show servers conn`, `show backend`."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

from lbcore.base.address import Address
from lbcore.cli.registry import Call, Command, Refusal, Reply, steps
from lbcore.proxy.backend import Backend
from lbcore.proxy.check_settings import CheckSettings
from lbcore.proxy.health import NOTHING_YET, CheckState
from lbcore.proxy.machine import Admin, Mode
from lbcore.proxy.server import Server, shown_port
from lbcore.proxy.settings import ServerSettings

STATE_VERSION = 1  # of the format of `show servers state`, which its first line tells
STATE_COLUMNS = (
    "be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
    "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state "
    "bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr "
    "srv_agent_addr srv_agent_port"
)
CONN_COLUMNS = (
    "bkname/svname bkid/svid addr port - purge_delay used_cur used_max need_est unsafe_nb safe_nb idle_lim idle_cur "
    "idle_per_thr"
)
UNCHECKED_HEALTH = 2  # HAProxy's for servers without checks, as long as they are in no maintenance: the default "rise"

# srv_check_state, srv_agent_state (management guide 9.3, "show servers state")
_INPROGRESS, _CONFIGURED, _ENABLED, _PAUSED, _AGENT = 0x01, 0x02, 0x04, 0x08, 0x10


def show_servers_state(call: Call) -> Reply:
    """What a state file has: one line for each server."""
    rows = (_state_row(iid, backend, server) for iid, backend, server in _servers(call))
    return Reply(f"{STATE_VERSION}\n# {STATE_COLUMNS}\n", rest=steps(rows))


def show_servers_conn(call: Call) -> Reply:
    """The connections of each server, used and idle."""
    rows = (_conn_row(iid, server) for iid, _backend, server in _servers(call))
    return Reply(f"# {CONN_COLUMNS}[{call.process.nbthread}]\n", rest=steps(rows))


def show_backend(call: Call) -> Reply:
    """The names of all backends."""
    return Reply("# name\n" + "".join(f"{name}\n" for name in call.process.backends()))


def _servers(call: Call) -> Iterator[tuple[int, Backend, Server]]:
    """Each server of the backend that is named, or of all, with its backend and that one's number. Raises Refusal."""
    backends = call.process.backends()
    if call.arg(0) and call.arg(0) not in backends:
        raise Refusal("Can't find backend.")
    ids = {proxy.name: proxy.iid for proxy in call.process.proxies()}
    shown = {call.arg(0): backends[call.arg(0)]} if call.arg(0) else backends
    return ((ids[name], backend, server) for name, backend in shown.items() for server in backend.servers)


def _state_row(iid: int, backend: Backend, server: Server) -> str:
    check, settings = server.check, server.settings
    last = NOTHING_YET if check is None else check.last
    values = (
        iid, backend.settings.name, server.sid, server.name, _host(server), int(server.op), int(server.admin),
        server.uweight, settings.weight, server.lastchg, int(last.status), int(last.outcome), _health(server),
        _check_state(server), _state_of(server.agent), int(backend.settings.forced_id), int(settings.forced_id),
        settings.hostname or "-", _port(server), "-", 0,
        *_checked_at(settings),
    )  # fmt: skip
    return " ".join(map(str, values)) + "\n"


def _checked_at(settings: ServerSettings) -> tuple[int, str, str, int]:
    """The port and the address of health checks, the address and the port of the agent. `addr` and `port` of the line
    are for both, unless it names the agent's own."""
    options, agent = settings.check_options, settings.agent_options
    shared = replace(options, port=options.port if settings.agent_check is None else 0)
    if settings.agent_apart:
        shared = CheckSettings()
    return options.port, _host_of(options.addr), _host_of(agent.addr or shared.addr), agent.port or shared.port


def _host_of(address: Address | None) -> str:
    return "-" if address is None else address.host


def _health(server: Server) -> int:
    if server.check is not None:
        return server.check.health
    return 0 if server.mode is Mode.MAINT else UNCHECKED_HEALTH


def _check_state(server: Server) -> int:
    if server.check is None:  # nothing ever lifts what `disabled` has paused
        return _PAUSED if server.admin & Admin.CMAINT else 0
    return _state_of(server.check)


def _state_of(check: CheckState | None) -> int:
    if check is None:
        return 0
    switched = (check.running, _INPROGRESS), (check.enabled, _ENABLED), (check.paused, _PAUSED), (check.agent, _AGENT)
    return _CONFIGURED | sum(bit for is_so, bit in switched if is_so)


def _conn_row(iid: int, server: Server) -> str:
    idle = server.idle_by_thread()
    values = (
        server.label, f"{iid}/{server.sid}", _host(server), _port(server), "-", server.settings.pool_purge_delay,
        server.used, server.needed, server.needed, sum(idle), server.safe, server.idle_limit, sum(idle), *idle,
    )  # fmt: skip
    return " ".join(map(str, values)) + "\n"


def _host(server: Server) -> str:
    """Its numeric address, `-` if it has none."""
    address = server.settings.address
    return address.host if address.family in (socket.AF_INET, socket.AF_INET6) and address.host else "-"


def _port(server: Server) -> int:
    """Its port, or what is added to the client's, of 16 bits."""
    return shown_port(server.settings.address)


COMMANDS = (
    Command(("show", "backend"), "show backend", "list backends in the current running config", show_backend),
    Command(("show", "servers", "conn"), "show servers conn [<backend>]",
            "dump server connections status (all or for a single backend)", show_servers_conn),
    Command(("show", "servers", "state"), "show servers state [<backend>]",
            "dump volatile server information (all or for a single backend)", show_servers_state),
)  # fmt: skip
