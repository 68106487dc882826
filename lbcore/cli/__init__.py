"""The commands of the stats socket.

`session.py` is the protocol of one connection as a pure object: bytes in, bytes out; it reads no socket and knows
no time. `registry.py` holds the rows of commands and finds the one that a line names, `suggest.py` those it may mean.
`views.py` says what the program must offer to be shown. Commands live in `cmd_<noun>.py`, listed below by hand:
`cmd_errors.py` (show errors), `cmd_help.py` (help), `cmd_map.py` (maps and the patterns of ACLs), `cmd_prompt.py`
(prompt, quit, levels, settings of the session), `cmd_show.py` (show ...), `cmd_var.py` (variables of the process).

Called by: the applet of a stats socket, which feeds a session and keeps its timeouts; a library user may do the same.
Handed upwards: `registry()`, and `Session(registry, process, level)`.

Ownership and locks: a session belongs to the thread of its connection. The registry is written before threads start and
only read afterwards. What a command shows is read through the views, which look after their own locks.
"""

from lbcore.cli import cmd_errors, cmd_help, cmd_map, cmd_prompt, cmd_show, cmd_var
from lbcore.cli.registry import Registry

STANDARD = (
    cmd_errors.COMMANDS,
    cmd_help.COMMANDS,
    cmd_map.COMMANDS,
    cmd_prompt.COMMANDS,
    cmd_show.COMMANDS,
    cmd_var.COMMANDS,
)


def registry() -> Registry:
    """All standard commands. More may be added until the first session uses it."""
    found = Registry()
    for rows in STANDARD:
        found.add(*rows)
    return found
