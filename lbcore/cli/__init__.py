"""The commands of the stats socket.

`session.py` is the protocol of one connection as a pure object: bytes in, bytes out; it reads no socket and knows
no time. `registry.py` holds the rows of commands and finds the one that a line names, `suggest.py` those it may mean.
`views.py` says what the program must offer to be shown. Commands live in `cmd_<noun>.py`, listed below by hand with
their words; a file is imported when one of its commands is first used or listed: `cmd_activity.py` (memory, threads,
tasks), `cmd_cookie.py` (dynamic cookies), `cmd_counters.py` (clear counters), `cmd_env.py` (the environment),
`cmd_errors.py` (show errors), `cmd_frontend.py` (one frontend), `cmd_help.py` (help), `cmd_limits.py` (limits of the
process), `cmd_map.py` (maps and the patterns of ACLs), `cmd_peers.py` (peers), `cmd_process.py` (what the process is
made of), `cmd_prompt.py` (prompt, quit, levels, settings of the session), `cmd_refused.py` (what is not done),
`cmd_server.py` (one server), `cmd_server_add.py` (servers that come and go), `cmd_servers.py` (lists of them),
`cmd_sess.py` (sessions), `cmd_show.py` (show ...), `cmd_table.py` (stick tables), `cmd_table_file.py` (their dumps in
files), `cmd_var.py` (variables of the process), `cmd_wait.py` (wait). `named.py` finds what arguments name, `texts.py`
has what words of commands become, `spans.py` spans of time; `set_check.py` is a part of `cmd_server.py`.

Called by: the applet of a stats socket, which feeds a session and keeps its timeouts; a library user may do the same.
Handed upwards: `registry()`, and `Session(registry, process, level)`.

Ownership and locks: a session belongs to the thread of its connection. Nobody adds a command to the registry once
threads run. What a command shows is read through the views, which look after their own locks.
"""

from __future__ import annotations

from lbcore.cli.registry import Registry

# Each file with the words of its rows, which the registry wants to hear of before it imports the file.
STANDARD = {
    "cmd_activity": ("set profiling", "show activity", "show pools", "show profiling", "show tasks"),
    "cmd_cookie": (
        "disable dynamic-cookie backend", "enable dynamic-cookie backend", "set dynamic-cookie-key backend",
    ),
    "cmd_counters": ("clear counters",),
    "cmd_env": ("show env",),
    "cmd_errors": ("show errors",),
    "cmd_frontend": ("disable frontend", "enable frontend", "set maxconn frontend", "shutdown frontend"),
    "cmd_getsocks": ("_getsocks",),
    "cmd_help": ("help",),
    "cmd_limits": ("set maxconn global", "set rate-limit"),
    "cmd_map": (
        "add acl", "add map", "clear acl", "clear map", "commit acl", "commit map", "del acl", "del map", "get acl",
        "get map", "prepare acl", "prepare map", "set map", "show acl", "show map",
    ),
    "cmd_prompt": (
        "experimental-mode", "expert-mode", "operator", "prompt", "quit", "set severity-output", "set timeout", "user",
    ),
    "cmd_process": ("echo", "show dev", "show events", "show libs", "show schema json", "show startup-logs"),
    "cmd_show": (
        "show cli level", "show cli sockets", "show fd", "show info", "show locks", "show stat", "show threads",
        "show version",
    ),
    "cmd_refused": (
        "abort ssl ca-file", "abort ssl cert", "abort ssl crl-file", "acme renew", "acme status",
        "add ssl ca-file", "add ssl crt-list", "commit ssl ca-file", "commit ssl cert", "commit ssl crl-file",
        "debug counters", "debug dev bug", "debug dev check", "debug dev close", "debug dev deadlock",
        "debug dev delay", "debug dev exit", "debug dev fd", "debug dev hash", "debug dev hex", "debug dev log",
        "debug dev loop", "debug dev panic", "debug dev sched", "debug dev stream", "debug dev sym",
        "debug dev task", "debug dev tkill", "debug dev warn", "debug dev write", "del ssl ca-file", "del ssl cert",
        "del ssl crl-file", "del ssl crt-list", "dump ssl cert", "dump stats-file", "httpclient", "new ssl ca-file",
        "new ssl cert", "new ssl crl-file", "set anon global-key", "set anon off", "set anon on", "set ssl ca-file",
        "set ssl cert", "set ssl crl-file", "set ssl ocsp-response", "set ssl tls-key", "show anon", "show cache",
        "show resolvers", "show ssl ca-file", "show ssl cert", "show ssl crl-file",
        "show ssl crt-list", "show ssl ocsp-response", "show ssl ocsp-updates", "show ssl providers", "show ssl sni",
        "show tls-keys", "show trace", "trace", "update ssl ocsp-response",
    ),
    "cmd_peers": ("show peers",),
    "cmd_server": (
        "disable agent", "disable health", "disable server", "enable agent", "enable health", "enable server",
        "get weight", "set maxconn server", "set server", "set weight", "shutdown sessions server",
    ),
    "cmd_server_add": ("add server", "del server"),
    "cmd_servers": ("show backend", "show servers conn", "show servers state"),
    "cmd_sess": ("show sess", "shutdown session"),
    "cmd_table": ("clear table", "set table", "show table"),
    "cmd_table_file": ("dump table", "load table"),
    "cmd_wait": ("wait",),
    "cmd_var": ("get var", "set var"),
}  # fmt: skip


def registry() -> Registry:
    """All standard commands. More may be added until the first session uses it."""
    found = Registry()
    found.announce(__name__, STANDARD)
    return found
