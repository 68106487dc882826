"""What proxies and servers are built from, as typed values that `cfg/` or a library user fills.

Times are milliseconds, None where not set. Nothing here knows configuration text.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from lbcore.base.address import Address
from lbcore.conn.settings import BindSettings, UnixBind
from lbcore.log.settings import LogProfile, LogTarget
from lbcore.proxy.balance import Balance, HashType
from lbcore.proxy.check_settings import AgentSettings, CheckSettings, ExternalCheck
from lbcore.table.peering import UPDATES_AT_ONCE, PeersSettings
from lbcore.table.settings import TableSettings

ANY_HOST = ("", "0.0.0.0", "::")


@dataclass(slots=True)
class Timeouts:
    """The `timeout` words of a proxy (manual 4.2). None: not set, which means no limit."""

    client: int | None = None
    client_fin: int | None = None
    client_hs: int | None = None  # handshakes; None: as `client`
    server: int | None = None
    server_fin: int | None = None
    connect: int | None = None
    queue: int | None = None
    tunnel: int | None = None
    http_request: int | None = None
    http_keep_alive: int | None = None
    tarpit: int | None = None
    check: int | None = None


@dataclass(slots=True)
class ForwardFor:
    """`option forwardfor [except <net>] [header <name>] [if-none]`."""

    header: str = "X-Forwarded-For"
    except_net: str | None = None
    if_none: bool = False


class Observe(Enum):
    """Which traffic a server's health is also judged by."""

    NONE = 0
    LAYER4 = 1  # connections
    LAYER7 = 2  # connections and responses


class InitState(Enum):
    """What a server that is checked is taken for at the start, and when it leaves maintenance."""

    FULLY_UP = "fully-up"  # it goes down when as many checks fail as must
    UP = "up"  # when the first one fails
    DOWN = "down"  # it comes up when the first one passes
    FULLY_DOWN = "fully-down"  # when as many pass as must


class OnError(Enum):
    """What too many errors in a row lead to, besides a check after `fastinter`."""

    FASTINTER = "fastinter"
    FAIL_CHECK = "fail-check"  # they count as a failed check
    SUDDEN_DEATH = "sudden-death"  # as a failed check before which only one more was missing
    MARK_DOWN = "mark-down"


@dataclass(frozen=True, slots=True)
class UseSource:
    """`usesrc`: whose address connections to servers come from. It takes CAP_NET_RAW or CAP_NET_ADMIN."""

    kind: str  # "address": `address`; "client": the client's with its port, "clientip": with any; "hdr_ip"
    address: Address | None = None
    header: str = ""  # hdr_ip: the field of the request that has the address, in lower case,
    occurrence: int = -1  # and which value of it, -1: the last


@dataclass(slots=True)
class ServerSettings:
    """One `server` line."""

    name: str
    address: Address
    id: int | None = None
    forced_id: bool = False  # the configuration says it, and not the order of the lines
    guid: str | None = None  # nothing else of a balancer has the same
    weight: int = 1  # 0 .. 256
    maxconn: int = 0  # 0: unlimited
    minconn: int = 0
    backup: bool = False
    disabled: bool = False
    slowstart: int = 0  # ms; 0: none
    track: str | None = None  # `<server>` or `<backend>/<server>`
    on_marked_down: bool = False  # shutdown-sessions
    on_marked_up: bool = False  # shutdown-backup-sessions
    strict_maxconn: bool = False  # `maxconn` holds for connections too, idle ones among them
    maxqueue: int = 0  # those who wait for it alone; 0: no limit
    check_options: CheckSettings = field(default_factory=CheckSettings)  # how it is checked, if it is
    agent_options: AgentSettings = field(default_factory=AgentSettings)
    agent_apart: bool = False  # a command has moved health checks: their address and port are not the agent's any more
    check: CheckSettings | None = None  # what checks are to be made of it; None: none
    agent_check: AgentSettings | None = None  # of its agent
    init_state: InitState = InitState.UP
    observe: Observe = Observe.NONE
    error_limit: int = 10
    on_error: OnError = OnError.FAIL_CHECK
    redir: str | None = None  # GET and HEAD are sent to this prefix
    source: Address | None = None
    source_last_port: int = 0  # its connections have the ports from that of `source` to this one, each its own; 0: any
    usesrc: UseSource | None = None  # with `source`
    interface: str | None = None
    namespace: str | None = None  # of the network, of `ip netns`; None: the process's
    socks4: Address | None = None  # the SOCKS4 proxy that leads to it
    pool_max_conn: int = -1  # idle connections kept; -1: unlimited, 0: none
    pool_low_conn: int = 0
    pool_purge_delay: int = 5000
    max_reuse: int = -1
    pool_conn_name: Any = None  # lbcore.sample.expression.Expression: idle connections are used again by what it gives
    cookie: str | None = None
    cookie_made: bool = False  # of the address, by `cookie ... dynamic`
    hash_key: str = "id"  # of balance.NODE_KEYS
    non_stick: bool = False
    tcp_ut: int = 0
    tfo: bool = False
    proto: str | None = None  # the mux of its connections, by name; None: that of the mode
    check_proto: str | None = None  # the same of its checks; None: that of their kind
    send_proxy: bool = False  # connections begin with a PROXY header of version 1,
    send_proxy_v2: bool = False  # or of version 2, which comes first
    proxy_v2_options: frozenset[str] = frozenset()  # "authority", "crc32c", "unique-id"
    proxy_v2_tlvs: tuple[tuple[int, Any], ...] = ()  # types, and what their values are: lbcore.sample.format.Format
    where: str = ""
    options: dict[str, object] = field(default_factory=dict)
    # The name behind the address. `address` is AF_UNSPEC with this name until the check of the configuration has looked
    # it up in the ways of `init_addr` ("last", "libc", "none", a numeric address); if "none" of them gave one, it stays
    # so, and `disabled` is set.
    hostname: str | None = None
    resolve_family: int = 0  # AF_INET, AF_INET6: what `ipv4@name`, `ipv6@name` ask for; AF_UNSPEC: any
    init_addr: tuple[str, ...] = ("last", "libc")

    @property
    def is_clients_choice(self) -> bool:
        """Whether it has no address of its own: streams go to the one that their client connected to."""
        return self.hostname is None and self.address.family != socket.AF_UNIX and self.address.host in ANY_HOST

    @property
    def tells_of_streams(self) -> bool:
        """Whether its PROXY headers tell what only formats know: unique ids, `set-proxy-v2-tlv-fmt`."""
        return self.send_proxy_v2 and bool("unique-id" in self.proxy_v2_options or self.proxy_v2_tlvs)

    @property
    def sees_a_field(self) -> bool:
        """Whether its connections come from an address that a field of the request has."""
        return self.usesrc is not None and self.usesrc.kind == "hdr_ip"

    @property
    def asks_of_streams(self) -> bool:
        """Whether its connections depend on what only formats and expressions find in a stream."""
        return self.tells_of_streams or self.sees_a_field or self.pool_conn_name is not None


@dataclass(slots=True)
class KeepAliveProbes:
    """TCP keep-alive of one side (`clitcpka-cnt`, `-idle`, `-intvl`). 0: the system's."""

    count: int = 0
    idle: int = 0  # seconds
    interval: int = 0  # seconds


@dataclass(slots=True)
class CaptureSlot:
    """Where a text is kept for the logs, cut to `length` characters: of the field `header`, or of an action (None)."""

    length: int
    header: str | None = None


@dataclass(slots=True)
class User:
    """One `user` line. `password` is a crypt(3) hash, or the plain text if `insecure`; None: nobody can log in."""

    name: str
    password: str | None = None
    insecure: bool = False
    groups: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Userlist:
    """A `userlist` section."""

    name: str
    users: dict[str, User] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)
    where: str = ""


@dataclass(slots=True)
class PersistenceCookie:
    """The `cookie` line of a backend (manual 4.2): which cookie names the server, and what is done with it."""

    name: str
    mode: str = ""  # "rewrite", "insert", "prefix"; "": it is only read
    indirect: bool = False
    nocache: bool = False
    postonly: bool = False
    preserve: bool = False
    dynamic: bool = False
    httponly: bool = False
    secure: bool = False
    domains: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    maxidle: int = 0  # seconds; 0: no limit
    maxlife: int = 0


@dataclass(slots=True)
class PersistRule:
    """A `force-persist` or `ignore-persist` line; of a proxy's the first that applies counts."""

    force: bool
    condition: Any  # lbcore.sample.acl.Condition


@dataclass(slots=True)
class StickRule:
    """A `stick` line: the server that `table` has for `key` is taken (`matches`), or is stored there (`stores`)."""

    table: str
    key: Any  # lbcore.sample.expression.Expression
    condition: Any  # lbcore.sample.acl.Condition; None: always
    matches: bool
    stores: bool
    response: bool  # the key is of the response
    where: str = ""


@dataclass(slots=True)
class CookieCapture:
    """`capture cookie`: the first cookie whose text begins with `prefix` is logged, cut to `length` characters."""

    prefix: str
    length: int


@dataclass(slots=True)
class OriginalTo:
    """`option originalto [except <net>] [header <name>]`."""

    header: str = "X-Original-To"
    except_net: str | None = None


@dataclass(slots=True)
class HttpErrors:
    """An `http-errors` section: pages by status, for proxies to import (lbcore.http.reply.Message)."""

    name: str
    where: str = ""
    pages: dict[int, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BandwidthLimit:
    """A `filter bwlim-in` or `bwlim-out`: at most `limit` bytes of payload each `period` ms, of each stream that a rule
    turns it on for, or with a `key` of all such streams that have the same one. The period is then that of the rate of
    bytes in `table`, and 0 here."""

    name: str
    response: bool  # bwlim-out
    limit: int  # 1 .. 2^32-1
    period: int  # ms, 1 .. 2^31-1
    least: int = 0  # min-size: bytes that are worth being sent
    key: Any = None  # lbcore.sample.expression.Expression of a limit that streams share
    table: str = ""  # the stick table that counts for them


@dataclass(slots=True)
class TraceFilter:
    """A `filter trace`: what becomes of the proxy's streams is printed."""

    name: str = "TRACE"
    quiet: bool = False  # nothing but dumps
    hexdump: bool = False  # the bytes that pass are dumped
    random: bool = False  # they pass in parts of random sizes


@dataclass(slots=True)
class StatsPage:
    """The `stats` lines of a proxy: where its statistics page is, what it shows, and to whom (manual 4.2)."""

    where: str  # file:line of the section that these lines stand in
    uri: str = "/haproxy?stats"  # what the targets of its requests begin with
    realm: str | None = None  # None: "HAProxy Statistics"
    users: dict[str, str] = field(default_factory=dict)  # `stats auth`: plain passwords by user; empty: anybody
    scope: tuple[str, ...] = ()  # names of proxies, "." for this one; empty: all are shown
    refresh: int = 0  # seconds from one look to the next, 0: the page is still
    hide_version: bool = False
    legends: bool = False
    modules: bool = False
    show_node: bool = False
    node: str | None = None  # None: that of the process
    description: str | None = None
    admin: list[Any] = field(default_factory=list)  # conditions (lbcore.sample.acl.Condition): one of them must hold
    rules: list[Any] = field(default_factory=list)  # `stats http-request`: lbcore.stream.rules.Rule


@dataclass(slots=True)
class ProxySettings:
    """A `frontend`, `backend` or `listen` section with its defaults already applied."""

    name: str
    kind: str  # "frontend", "backend" or "listen"
    where: str = ""  # file:line of the section
    mode: str = "tcp"  # "tcp", "http", "health"-era words are refused by cfg
    id: int | None = None
    forced_id: bool = False  # the configuration says it, and not the order of the sections
    guid: str | None = None  # nothing else of a balancer has the same
    description: str | None = None
    disabled: bool = False
    binds: list[BindSettings] = field(default_factory=list)
    servers: list[ServerSettings] = field(default_factory=list)
    default_backend: str | None = None  # resolved to an existing proxy by the check of the configuration
    maxconn: int = 0  # frontends; 0: the process's
    fullconn: int = 0
    backlog: int = 0
    rate_limit_sessions: int = 0
    timeouts: Timeouts = field(default_factory=Timeouts)
    retries: int = 3
    retry_on: tuple[str, ...] = ("conn-failure",)  # words of `retry-on`, statuses as their numbers; empty: never
    redispatch: int = 0  # option redispatch [interval]; 0: off
    balance: Balance = field(default_factory=Balance)
    hash_type: HashType = field(default_factory=HashType)
    hash_balance_factor: int = 0  # percent, above 100; 0: none
    hash_affinity: str = "always"  # hash-preserve-affinity: of balance.AFFINITIES
    max_keep_alive_queue: int = -1  # of `option prefer-last-server`: how many may wait for that server; -1: any number
    http_reuse: str = "safe"  # never, safe, aggressive, always
    http_connection_mode: str = "keep-alive"  # keep-alive, server-close, close
    forwardfor: ForwardFor | None = None
    source: Address | None = None
    usesrc: UseSource | None = None  # with `source`
    log_targets: list[LogTarget] = field(default_factory=list)  # `log global` is already replaced by the globals
    log_kind: str | None = None  # None: default lines; "tcplog", "httplog", "clf", "httpslog", "format": `log_format`
    log_tag: str | None = None
    # `option` words that are plain switches, by their name in the manual ("dontlognull", "logasap", "tcp-smart-accept",
    # "abortonclose", "splice-auto", "splice-request", "splice-response", "nolinger", "socket-stats", "clitcpka", ...).
    options: set[str] = field(default_factory=set)
    client_probes: KeepAliveProbes = field(default_factory=KeepAliveProbes)
    server_probes: KeepAliveProbes = field(default_factory=KeepAliveProbes)
    source_interface: str | None = None  # `source ... interface <name>`
    default_server: ServerSettings | None = None  # what `server` lines of this section start from
    dispatch: Address | None = None  # where streams go that nothing has given to a server; no balancing then
    places: dict[str, str] = field(default_factory=dict)  # file:line of words that are checked late, for messages
    cookie: PersistenceCookie | None = None  # backends
    dynamic_cookie_key: str | None = None
    load_server_state: str = "none"  # load-server-state-from-file: "global", "local", "none"; backends
    server_state_file_name: str | None = None  # None: the backend's name
    stick_rules: tuple[StickRule, ...] = ()  # backends
    persist_rules: tuple[PersistRule, ...] = ()  # whether the cookie is ignored, or a server tried though it is down
    send_name_header: str | None = None  # `http-send-name-header`; backends
    capture_cookie: CookieCapture | None = None  # frontends
    originalto: OriginalTo | None = None
    forwarded: Any = None  # lbcore.stream.forwarded.Forwarded; backends
    monitor_uri: str | None = None  # frontends
    stats: StatsPage | None = None
    restrict_names: str = "preserve"  # option http-restrict-req-hdr-names: "preserve", "delete", "reject"
    # What `errorfile`, `errorfiles`, `errorloc` and `http-error` lines said, in their order (lbcore.cfg.kw_error), and
    # the pages that the check of the configuration makes of them, by status: a lbcore.http.reply.Message, or a
    # lbcore.action.reply.ReplySpec where formats make the page.
    error_lines: tuple[Any, ...] = ()
    error_pages: dict[int, Any] = field(default_factory=dict)
    # Health checks: the option that says how ("tcp-check", "httpchk", "smtpchk", ...; "": by a connection) with its
    # words, the steps that lines of `tcp-check` and `http-check` say (lbcore.check.steps.Step), and the
    # lbcore.check.steps.Ruleset that the check of the configuration makes of all that.
    check_kind: str = ""
    check_words: tuple[str, ...] = ()
    tcp_check_steps: tuple[Any, ...] = ()
    http_check_steps: tuple[Any, ...] = ()
    disable_on_404: bool = False
    send_state: bool = False
    check_ruleset: Any = None
    external_check: ExternalCheck = field(default_factory=ExternalCheck)
    table: TableSettings | None = None  # `stick-table`
    rules: Any = None  # lbcore.stream.rules.RuleLists, which lives above this floor; None: no rules
    acls: dict[str, Any] = field(default_factory=dict)  # named ACLs, by name: lbcore.sample.acl.Acl
    filters: list[BandwidthLimit] = field(default_factory=list)  # in the order of their lines
    # Logs. Formats are a text, or a `lbcore.sample.format.Format` once the check of the configuration has read it.
    # `log_format` counts if `log_kind` is "format".
    log_format: Any = None
    log_format_sd: Any = None
    error_log_format: Any = None
    unique_id_format: Any = None
    unique_id_header: str | None = None
    log_steps: tuple[str, ...] = ()  # of `lbcore.log.settings.STEPS`; empty: one line, when a stream is over
    captures_request: list[CaptureSlot] = field(default_factory=list)  # in the order of their numbers
    captures_response: list[CaptureSlot] = field(default_factory=list)

    @property
    def has_frontend(self) -> bool:
        """Whether it accepts connections (`frontend`, `listen`)."""
        return self.kind != "backend"

    @property
    def has_backend(self) -> bool:
        """Whether it has servers (`backend`, `listen`)."""
        return self.kind != "frontend"

    @property
    def goes_aside(self) -> bool:
        """Whether streams that nothing has given to a server go to `dispatch`, or where their client wanted to go."""
        return self.dispatch is not None or "transparent" in self.options


@dataclass(slots=True)
class StartVariable:
    """A `set-var` of `global`: a variable (`lbcore.sample.variable.Variable`), and the expression or format that gives
    its value."""

    variable: Any
    value: Any
    where: str = ""


# `setcap`: capabilities that a process may keep when it changes its user, with their numbers (capabilities(7)): for
# `usesrc` one of the first two, for ports below 1024, for `namespace`.
CAPABILITIES = {"cap_net_raw": 13, "cap_net_admin": 12, "cap_net_bind_service": 10, "cap_sys_admin": 21}
EVER = 2**31 - 1  # ms: "infinite"
# Statuses of servers that are errors of their clients, or failures of their own (manual, `stick-table`, http_err_cnt
# and http_fail_cnt): 501 and 505 tell that a client wanted too much.
ERR_CODES = frozenset(range(400, 500))
FAIL_CODES = frozenset(range(500, 600)) - {501, 505}


@dataclass(slots=True)
class GlobalSettings:
    """The `global` sections, added up."""

    nbthread: int | None = None  # None: the CPUs this process may use, at most `thread_hard_limit`
    thread_hard_limit: int | None = None  # None: no limit; `nbthread` is never above it
    warn_blocked_after: int = 0  # ms that a thread may take before it is told; 0: it is not told
    maxconn: int | None = None  # None: worked out from the limit of file descriptors
    maxconnrate: int = 0
    maxsessrate: int = 0
    maxpipes: int = 0
    ulimit_n: int | None = None
    bufsize: int = 16384
    maxrewrite: int = 1024
    maxaccept: int = 4
    maxpollevents: int = 200
    peers_updates_at_once: int = UPDATES_AT_ONCE
    stick_counters: int = 3  # slots of a connection, and of a stream, that track something
    maxhdr: int = 101
    rcvbuf_client: int = 0
    rcvbuf_server: int = 0
    sndbuf_client: int = 0
    sndbuf_server: int = 0
    sndbuf_backend: int = 0  # sockets of datagrams: those of logs
    notsent_lowat_client: int = 0
    notsent_lowat_server: int = 0
    pipesize: int = 0
    log_line_len: int = 1023  # `tune.http.logurilen`: bytes of a request line that logs have; unset, HAProxy has 1023
    cookie_len: int = 63  # the most that `capture cookie` keeps
    any_payload: bool = False  # `h1-accept-payload-with-any-method`
    idle_pool_shared: bool = True
    noepoll: bool = False
    nopoll: bool = False
    nosplice: bool = False
    noreuseport: bool = False
    daemon: bool = False
    pidfile: str | None = None
    chroot: str | None = None
    user: str | None = None
    group: str | None = None
    uid: int | None = None
    gid: int | None = None
    capabilities: set[str] = field(default_factory=set)  # of CAPABILITIES
    reject_privileged_ports: bool = False
    node: str | None = None
    description: str | None = None
    log_targets: list[LogTarget] = field(default_factory=list)
    log_tag: str | None = None
    log_send_hostname: str | None = None  # None: not sent; "": this host's
    hard_stop_after: int | None = None
    server_state_file: str | None = None
    server_state_base: str | None = None
    grace: int | None = None
    close_spread_time: int = 0  # ms over which a soft stop closes connections; EVER: it closes none
    stats_sockets: list[BindSettings] = field(default_factory=list)
    stats_timeout: int = 10_000
    stats_maxconn: int = 10
    profiling_locks: bool = False
    profiling_tasks: bool = False
    quiet: bool = False
    zero_warning: bool = False
    nokqueue: bool = False
    set_dumpable: bool = False
    strict_limits: bool = True
    unix_bind: UnixBind = field(default_factory=UnixBind)
    cpu_map: dict[int, frozenset[int]] = field(default_factory=dict)  # thread, from 1 -> the CPUs it may run on
    h1_case: dict[str, str] = field(default_factory=dict)  # `h1-case-adjust`: a name in lower case -> as it is written
    h1_case_file: str | None = None  # `h1-case-adjust-file`, until the check of the configuration has read it
    http_err_codes: frozenset[int] = ERR_CODES
    http_fail_codes: frozenset[int] = FAIL_CODES
    variable_limits: dict[str, int] = field(default_factory=dict)  # bytes by scope, and of all ("global"); 0: no limit
    start_variables: list[StartVariable] = field(default_factory=list)
    spread_checks: int = 0  # percent by which the intervals of checks vary
    max_spread_checks: int = 0  # ms over which the first ones are spread at most; 0: no limit
    external_check: bool = False
    insecure_fork_wanted: bool = False
    options: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Settings:
    """A whole configuration."""

    globals: GlobalSettings = field(default_factory=GlobalSettings)
    proxies: list[ProxySettings] = field(default_factory=list)
    userlists: dict[str, Userlist] = field(default_factory=dict)
    http_errors: dict[str, HttpErrors] = field(default_factory=dict)
    log_profiles: dict[str, LogProfile] = field(default_factory=dict)
    peers: list[PeersSettings] = field(default_factory=list)
    pattern_paths: dict[str, str] = field(default_factory=dict)  # names of pattern files -> where they really are
    pattern_uses: list[Any] = field(default_factory=list)  # lbcore.sample.reference.Use, in the order of their lines
    environment: dict[str, str] | None = None  # variables, as the last line leaves them; None: those of the process

    def tables(self) -> Iterator[TableSettings]:
        """All stick tables: those of proxies, then those of `peers` sections."""
        yield from (proxy.table for proxy in self.proxies if proxy.table is not None)
        for section in self.peers:
            yield from section.tables
