"""Actions of rules: what `http-request set-header`, `tcp-request content accept` and the others do (manual 4.2).

    control.py    accept, allow, strict-mode, retries, switch-mode        drop.py       reject, silent-drop, close
    variable.py   set-var, set-var-fmt, unset-var                         deny.py       deny, tarpit
    header.py     fields of a head                                        reply.py      return, and replies in general
    uri.py        first lines                normalize.py  normalize-uri  redirect.py   redirect
    flow.py       marks, timeouts, retries, addresses                     auth.py       auth
    map_.py       pattern files              capture.py    captures       pages.py      error pages of a proxy
    log.py        log level                  early.py      early hints    wait.py       pause, wait-for-body

They share spec.py (what a rule's words become), units.py (times and sizes), replace.py (regular expressions that
replace), room.py (what still fits into a message), failure.py (answers when something can't be done).

Importing this package fills `lbcore.stream.rules.ACTIONS`. `cfg` has an action read its words, `stream.rulelist` has it
made into a function of the transaction and calls that in the worker that owns the stream. What an action returns is
None or an outcome, which becomes the stream's verdict. Actions own nothing; the only locks taken are those of
process-wide variables and of pattern files, inside of these.
"""

from lbcore.action import (
    auth,
    capture,
    control,
    deny,
    drop,
    early,
    flow,
    header,
    log,
    map_,
    normalize,
    redirect,
    reply,
    service,
    uri,
    variable,
    wait,
)

__all__ = [
    "auth",
    "capture",
    "control",
    "deny",
    "drop",
    "early",
    "flow",
    "header",
    "log",
    "map_",
    "normalize",
    "redirect",
    "reply",
    "service",
    "uri",
    "variable",
    "wait",
]
