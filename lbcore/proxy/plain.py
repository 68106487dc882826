"""Proxies that leave nothing to Python: the shim moves, retries and counts all of their streams by itself.

What rules, logs, captures, cookies and the like are made of is a third of the program, and takes longer to import than
all the rest of a start; where every proxy is plain nobody imports it.
"""

from __future__ import annotations

from lbcore.proxy.convert import BACK_FLAGS, FLAGS, FRONT_FLAGS
from lbcore.proxy.settings import ProxySettings

# What the shim does, or what means nothing unless another field is set. A field that is not named here has its proxy
# taken for one that is not plain, so that a new one can be forgotten here: that costs time, and nothing else.
_OF_THE_SHIM = frozenset(
    {
        "backlog", "balance", "binds", "check_kind", "check_ruleset", "check_words", "client_probes",
        "default_backend", "default_server", "description", "disable_on_404", "disabled", "dispatch",
        "dynamic_cookie_key", "error_lines", "error_log_format", "external_check", "forwardfor", "fullconn", "guid",
        "hash_affinity", "hash_balance_factor", "hash_type", "http_check_steps", "http_connection_mode", "http_reuse",
        "id", "kind", "load_server_state", "log_format", "log_format_sd", "log_kind", "log_steps", "log_tag",
        "max_keep_alive_queue", "maxconn", "mode", "name", "options", "places", "rate_limit_sessions", "redispatch",
        "retries", "retry_on", "send_name_header", "send_state", "server_probes", "server_state_file_name", "servers",
        "source", "source_interface", "tcp_check_steps", "timeouts", "unique_id_header", "where",
    }
)  # fmt: skip
_OPTIONS = frozenset({*FLAGS, *FRONT_FLAGS, *BACK_FLAGS, "log-health-checks", "prefer-last-server", "transparent"})
_UNSET = ProxySettings("", "")
_OTHERS = tuple(name for name in ProxySettings.__slots__ if name not in _OF_THE_SHIM)


def is_plain(settings: ProxySettings) -> bool:
    """Whether the shim alone does all that the settings say, and nobody wants to hear of streams that are over."""
    if settings.balance.is_asked or not settings.options <= _OPTIONS:
        return False
    if any(server.asks_of_streams for server in settings.servers):
        return False
    return all(getattr(settings, name) == getattr(_UNSET, name) for name in _OTHERS)
