"""The commands of the stats socket.

`session.py` is the protocol of one connection as a pure object: bytes in, bytes out; it reads no socket and knows
no time. `registry.py` holds the rows of commands and finds the one that a line names, `suggest.py` those it may mean.
`views.py` says what the program must offer to be shown. Commands live in `cmd_<noun>.py`, listed below by hand with
their words; a file is imported when one of its commands is first used or listed:
`cmd_counters.py` (clear counters), `cmd_env.py` (the environment), `cmd_errors.py` (show errors), `cmd_frontend.py`
(one frontend), `cmd_help.py` (help), `cmd_limits.py` (limits of the process), `cmd_map.py` (maps and the patterns of
ACLs), `cmd_peers.py` (peers),
`cmd_prompt.py` (prompt, quit, levels, settings of the session), `cmd_refused.py` (what is not done),
`cmd_server.py` (one server), `cmd_server_add.py` (servers that come and go), `cmd_servers.py` (lists of them),
`cmd_show.py` (show ...), `cmd_table.py` (stick tables), `cmd_table_file.py` (their dumps in files), `cmd_var.py`
(variables of the process). `named.py` finds what arguments name, `texts.py` has what words of commands become.

Called by: the applet of a stats socket, which feeds a session and keeps its timeouts; a library user may do the same.
Handed upwards: `registry()`, and `Session(registry, process, level)`.

Ownership and locks: a session belongs to the thread of its connection. Nobody adds a command to the registry once
threads run. What a command shows is read through the views, which look after their own locks.
"""

from __future__ import annotations

from lbcore.cli.registry import Registry

# Each file with the words of its rows, which the registry wants to hear of before it imports the file.
STANDARD = {
    "cmd_counters": ("clear counters",),
    "cmd_env": ("show env",),
    "cmd_errors": ("show errors",),
    "cmd_frontend": ("disable frontend", "enable frontend", "set maxconn frontend", "shutdown frontend"),
    "cmd_help": ("help",),
    "cmd_limits": ("set maxconn global", "set rate-limit"),
    "cmd_map": (
        "add acl", "add map", "clear acl", "clear map", "commit acl", "commit map", "del acl", "del map", "get acl",
        "get map", "prepare acl", "prepare map", "set map", "show acl", "show map",
    ),
    "cmd_prompt": (
        "experimental-mode", "operator", "prompt", "quit", "set severity-output", "set timeout", "user",
    ),
    "cmd_show": (
        "show cli level", "show cli sockets", "show fd", "show info", "show locks", "show stat", "show threads",
        "show version",
    ),
    "cmd_refused": (
        "disable dynamic-cookie backend", "enable dynamic-cookie backend", "expert-mode",
        "set dynamic-cookie-key backend", "show activity", "show events", "show pools", "show profiling",
        "show resolvers", "show schema json", "show sess", "show startup-logs", "show tasks", "shutdown session",
        "wait",
    ),
    "cmd_peers": ("show peers",),
    "cmd_server": (
        "disable agent", "disable health", "disable server", "enable agent", "enable health", "enable server",
        "get weight", "set maxconn server", "set server", "set weight", "shutdown sessions server",
    ),
    "cmd_server_add": ("add server", "del server"),
    "cmd_servers": ("show backend", "show servers conn", "show servers state"),
    "cmd_table": ("clear table", "set table", "show table"),
    "cmd_table_file": ("dump table", "load table"),
    "cmd_var": ("get var", "set var"),
}  # fmt: skip


def registry() -> Registry:
    """All standard commands. More may be added until the first session uses it."""
    found = Registry()
    found.announce(__name__, STANDARD)
    return found
