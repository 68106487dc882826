"""Settings -> the structs of native/include/proxy.h."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from lbcore.base.address import Address
from lbcore.conn import address
from lbcore.proxy.settings import ForwardFor, KeepAliveProbes, ProxySettings, ServerSettings, UseSource
from lbcore.shim import ffi, lib

REUSE = {
    "never": lib.REUSE_NEVER,
    "safe": lib.REUSE_SAFE,
    "aggressive": lib.REUSE_AGGRESSIVE,
    "always": lib.REUSE_ALWAYS,
}
ALGORITHMS = {
    "first": lib.LB_FIRST,
    "leastconn": lib.LB_LEASTCONN,
    "random": lib.LB_RANDOM,
    "roundrobin": lib.LB_ROUNDROBIN,
    "static-rr": lib.LB_STATIC_RR,
}
HASHED = {
    "hash": lib.LB_BY_EXPR,
    "hdr": lib.LB_BY_HDR,
    "rdp-cookie": lib.LB_BY_RDP_COOKIE,
    "source": lib.LB_BY_SOURCE,
    "uri": lib.LB_BY_URI,
    "url_param": lib.LB_BY_URL_PARAM,
}
HASH_METHODS = {"map-based": lib.LB_TYPE_MAP, "consistent": lib.LB_TYPE_CONSISTENT}
HASH_FUNCTIONS = {
    "crc32": lib.LB_FN_CRC32,
    "djb2": lib.LB_FN_DJB2,
    "none": lib.LB_FN_NONE,
    "sdbm": lib.LB_FN_SDBM,
    "wt6": lib.LB_FN_WT6,
}
AFFINITIES = {
    "always": lib.LB_AFFINITY_ALWAYS,
    "maxconn": lib.LB_AFFINITY_MAXCONN,
    "maxqueue": lib.LB_AFFINITY_MAXQUEUE,
}
NODE_KEYS = {"id": lib.LB_NODE_ID, "addr": lib.LB_NODE_ADDR, "addr-port": lib.LB_NODE_ADDR_PORT}
RETRY_ON = {
    "conn-failure": lib.RETRY_CONN,
    "empty-response": lib.RETRY_EMPTY,
    "junk-response": lib.RETRY_JUNK,
    "response-timeout": lib.RETRY_TIMEOUT,
}
# `option` words that are a flag of the shim's, whichever side they stand on.
FLAGS = {
    "allbackups": lib.PX_O_ALLBACKUPS,
    "abortonclose": lib.PX_O_ABORTONCLOSE,
    "clitcpka": lib.PX_O_KA_CLIENT,
    "dontlognull": lib.PX_O_DONTLOGNULL,
    "http-no-delay": lib.PX_O_NO_DELAY,
    "independent-streams": lib.PX_O_INDEPENDENT,
    "logasap": lib.PX_O_LOGASAP,
    "persist": lib.PX_O_PERSIST,
    "nolinger": lib.PX_O_NOLINGER,
    "socket-stats": lib.PX_O_SOCKET_STATS,
    "splice-auto": lib.PX_O_SPLICE_AUTO,
    "splice-request": lib.PX_O_SPLICE_REQ,
    "splice-response": lib.PX_O_SPLICE_RES,
    "srvtcpka": lib.PX_O_KA_SERVER,
    "tcp-smart-accept": lib.PX_O_SMART_ACCEPT,
    "tcp-smart-connect": lib.PX_O_SMART_CONNECT,
    "tcpka": lib.PX_O_KA_CLIENT | lib.PX_O_KA_SERVER,
}
# Those that mean the one side or the other.
FRONT_FLAGS = {
    "accept-unsafe-violations-in-http-request": lib.PX_O_UNSAFE,
    "contstats": lib.PX_O_CONTSTATS,
    "h1-case-adjust-bogus-client": lib.PX_O_CASE,
    "http-drop-response-trailers": lib.PX_O_NO_TRAILERS,
    "http-ignore-probes": lib.PX_O_IGNORE_PROBES,
    "idle-close-on-response": lib.PX_O_LATE_IDLE,
}
BACK_FLAGS = {
    "accept-unsafe-violations-in-http-response": lib.PX_O_UNSAFE,
    "h1-case-adjust-bogus-server": lib.PX_O_CASE,
    "http-drop-request-trailers": lib.PX_O_NO_TRAILERS,
    "http-pretend-keepalive": lib.PX_O_PRETEND_KA,
}
USESRC = {
    "address": lib.SRC_FIXED,
    "client": lib.SRC_CLIENT,
    "clientip": lib.SRC_CLIENTIP,
    "hdr_ip": lib.SRC_TOLD,
}
SEND_OPTIONS = {"authority": lib.PX_SEND_AUTHORITY, "crc32c": lib.PX_SEND_CRC}
CONNECTION_MODES = {"server-close": lib.PX_O_SERVER_CLOSE, "close": lib.PX_O_CLOSE}


def options(proxy: ProxySettings, side: Mapping[str, int]) -> int:
    """The PX_O_* of one side of a proxy: those that both share, and those of `side`."""
    found = CONNECTION_MODES.get(proxy.http_connection_mode, 0)
    for word in proxy.options:
        found |= FLAGS.get(word, 0) | side.get(word, 0)
    if proxy.forwardfor is not None and proxy.mode == "http":
        found |= lib.PX_O_FORWARDFOR
        found |= lib.PX_O_FF_IFNONE if proxy.forwardfor.if_none else 0
    return int(found)


def forwardfor(conf: Any, wanted: ForwardFor | None) -> None:
    """Writes the header's name and the network that is left out. Raises ValueError for a bad network or name."""
    if wanted is None:
        return
    name = wanted.header.lower().encode()
    if not 0 < len(name) < lib.PX_FF_MAX:
        raise ValueError(f"the header name '{wanted.header}' is too long")
    conf.ff_len = len(name)
    conf.ff_name = name
    if wanted.except_net is None:
        return
    import ipaddress  # slow to load, and few have such an option

    network = ipaddress.ip_network(wanted.except_net, strict=False)
    conf.ff_family = socket.AF_INET if network.version == 4 else socket.AF_INET6
    ffi.memmove(conf.ff_except, network.network_address.packed, len(network.network_address.packed))
    conf.ff_bits = network.prefixlen


def probes(conf: Any, wanted: KeepAliveProbes) -> None:
    """Writes the TCP keep-alive probes of one side."""
    conf.ka_count = wanted.count
    conf.ka_idle = wanted.idle
    conf.ka_interval = wanted.interval


def retry_on(conf: Any, words: tuple[str, ...]) -> None:
    """Writes the words of `retry-on` (manual 4.2), of which statuses are numbers."""
    for word in words:
        conf.retry_on |= RETRY_ON.get(word, 0)
    for place, word in enumerate(word for word in words if word.isdecimal()):
        conf.retry_status[place] = int(word)


def balance(conf: Any, proxy: ProxySettings) -> None:
    """Writes how servers are chosen. Raises ValueError for a name that is too long."""
    wanted, hashed = proxy.balance, proxy.hash_type
    conf.algo = ALGORITHMS.get(wanted.algorithm, lib.LB_HASH)
    conf.lb_by = HASHED.get(wanted.algorithm, 0)
    if wanted.check_post:  # the shim finds parameters in the head only
        conf.lb_by = lib.LB_BY_EXPR
    conf.lb_type = HASH_METHODS[hashed.method]
    conf.lb_fn = HASH_FUNCTIONS[hashed.function]
    conf.avalanche = hashed.avalanche
    conf.lb_factor = proxy.hash_balance_factor
    conf.lb_affinity = AFFINITIES[proxy.hash_affinity]
    conf.lb_draws = wanted.draws
    conf.lb_uri = lib.LB_URI_WHOLE * wanted.whole | lib.LB_URI_PATH_ONLY * wanted.path_only
    conf.lb_uri_len, conf.lb_uri_depth = wanted.length, wanted.depth
    conf.lb_domain = wanted.domain_only
    name = wanted.name.encode("utf-8", "surrogateescape")
    if len(name) > lib.LB_NAME_MAX:
        raise ValueError(f"the name '{wanted.name}' of 'balance {wanted.algorithm}' is too long")
    conf.lb_name_len = len(name)
    ffi.memmove(conf.lb_name, name, len(name))


def wants_log_line(proxy: ProxySettings) -> bool:
    """Whether streams of this frontend are to be told to Python when they end."""
    return bool(proxy.log_targets)


def frontend(conf: Any, proxy: ProxySettings, *, flow: int, maxconn: int, backend: int) -> None:
    """Fills a `fe_conf *`. `flow` is the mux's; `backend` the index of the default backend, -1 for none."""
    timeouts = proxy.timeouts
    conf.mode = flow
    conf.options = options(proxy, FRONT_FLAGS)
    conf.maxconn = maxconn
    conf.rate_sess = proxy.rate_limit_sessions
    conf.backend = backend
    conf.t_client = timeouts.client or 0
    conf.t_client_fin = timeouts.client_fin or 0
    conf.t_client_hs = timeouts.client_hs or 0
    conf.t_http_request = timeouts.http_request or 0
    conf.t_http_keep_alive = timeouts.http_keep_alive or 0
    probes(conf, proxy.client_probes)
    forwardfor(conf, proxy.forwardfor)
    if wants_log_line(proxy):
        conf.options |= lib.PX_O_LOG
        if proxy.mode == "http":
            conf.options |= lib.PX_O_LOG_URI
        if proxy.log_kind is None:
            conf.options |= lib.PX_O_DST


def backend(conf: Any, proxy: ProxySettings, *, flow: int, fullconn: int) -> None:
    """Fills a `be_conf *`."""
    timeouts = proxy.timeouts
    conf.mode = flow
    conf.options = options(proxy, BACK_FLAGS)
    conf.t_connect = timeouts.connect or 0
    conf.t_server = timeouts.server or 0
    conf.t_server_fin = timeouts.server_fin or 0
    conf.t_queue = timeouts.queue or timeouts.connect or 0
    conf.t_tunnel = timeouts.tunnel or 0
    conf.retries = proxy.retries
    conf.redispatch = proxy.redispatch
    conf.reuse = REUSE[proxy.http_reuse]
    balance(conf, proxy)
    conf.prefer_last = "prefer-last-server" in proxy.options
    conf.ka_queue = proxy.max_keep_alive_queue
    conf.fullconn = proxy.fullconn or fullconn
    retry_on(conf, proxy.retry_on)
    probes(conf, proxy.server_probes)
    conf.ifname = (proxy.source_interface or "").encode()
    forwardfor(conf, proxy.forwardfor)
    if proxy.send_name_header is not None and proxy.mode == "http":
        name = proxy.send_name_header.lower().encode()
        conf.sn_len = len(name)
        conf.sn_name = name
    source(conf, proxy.source, proxy.usesrc)


def aside(conf: Any, proxy: ProxySettings) -> None:
    """Fills the `srv_conf *` of what takes streams that nothing has given to a server."""
    if proxy.dispatch is not None:
        address.fill(ffi.addressof(conf, "addr"), proxy.dispatch)
    else:  # `option transparent`
        conf.addr_mapped = conf.port_mapped = 1
    if proxy.usesrc is not None:
        conf.usesrc = USESRC[proxy.usesrc.kind]


def source(conf: Any, own: Address | None, usesrc: UseSource | None) -> None:
    """Writes the address that connections come from, if there is one."""
    wanted = usesrc.address if usesrc is not None and usesrc.address is not None else own
    if wanted is not None:
        address.fill(ffi.addressof(conf, "source"), wanted)


def preface(settings: ServerSettings) -> int:
    """The PX_SEND_* of the PROXY header that connections to a server begin with; 0: there is none."""
    if not (settings.send_proxy or settings.send_proxy_v2):
        return 0
    found = lib.PX_SEND_V2 if settings.send_proxy_v2 else lib.PX_SEND_V1
    for option in settings.proxy_v2_options:
        found |= SEND_OPTIONS.get(option, 0)
    return int(found)


def server(conf: Any, settings: ServerSettings, sid: int) -> None:
    """Fills a `srv_conf *`. `sid` is the server's number in its backend."""
    conf.id = sid
    address.fill(ffi.addressof(conf, "addr"), settings.address)
    source(conf, settings.source, settings.usesrc)
    if settings.socks4 is not None:
        address.fill(ffi.addressof(conf, "socks"), settings.socks4)
    conf.port_mapped = settings.address.port_offset is not None  # commands change it either way
    conf.port_offset = settings.address.port_offset or 0
    conf.addr_mapped = settings.is_clients_choice
    conf.weight = settings.weight
    conf.lb_node = NODE_KEYS[settings.hash_key]
    conf.maxconn = settings.maxconn
    conf.minconn = settings.minconn
    conf.strict = settings.strict_maxconn
    conf.maxqueue = settings.maxqueue
    conf.observe = settings.observe.value
    conf.error_limit = settings.error_limit
    conf.backup = settings.backup
    conf.disabled = settings.disabled
    conf.pool_max = settings.pool_max_conn
    conf.pool_low = settings.pool_low_conn
    conf.pool_purge = settings.pool_purge_delay
    conf.max_reuse = settings.max_reuse
    conf.tcp_ut = settings.tcp_ut
    conf.tfo = settings.tfo
    conf.send_proxy = preface(settings)
    conf.ifname = (settings.interface or "").encode()
