"""Actions of rules: what `http-request set-header`, `tcp-request content accept` and the others do (manual 4.2).

    control.py    accept, allow, strict-mode, retries, switch-mode        drop.py       reject, silent-drop, close
    variable.py   set-var, set-var-fmt, unset-var                         deny.py       deny, tarpit
    header.py     fields of a head                                        reply.py      return, and replies in general
    uri.py        first lines                normalize.py  normalize-uri  redirect.py   redirect
    flow.py       marks, timeouts, retries, addresses                     auth.py       auth
    map_.py       pattern files              capture.py    captures       pages.py      error pages of a proxy
    log.py        log level                  early.py      early hints    wait.py       pause, wait-for-body
    bandwidth.py  set-bandwidth-limit        priority.py   places in queues
    expect.py     expect-proxy, expect-netscaler-cip
    track.py      entries of stick tables    counter.py    their counters and tags

They share spec.py (what a rule's words become), replace.py (regular expressions that replace),
room.py (what still fits into a message), failure.py (answers when something can't be done).

Importing this package names all words for `lbcore.stream.rules.ACTIONS`, which imports the file of a word when a
configuration has it. `cfg` has an action read its words, `stream.rulelist` has it made into a function of the
transaction and calls that in the worker that owns the stream. What an action returns is None or an outcome, which
becomes the stream's verdict. Actions own nothing; the only locks taken are those of process-wide variables and of
pattern files, inside of these.
"""

from __future__ import annotations

from lbcore.stream.rules import ACTIONS

# Each file with the names of its rows, which `base.registry` wants to hear of before it imports the file.
WORDS = {
    "auth": "auth",
    "bandwidth": "set-bandwidth-limit",
    "capture": "capture",
    "control": "accept allow disable-l7-retry strict-mode switch-mode wait-for-handshake",
    "counter": "sc-add-gpc sc-inc-gpc sc-inc-gpc0 sc-inc-gpc1 sc-set-gpt sc-set-gpt0",
    "deny": "deny tarpit",
    "drop": "close reject silent-drop",
    "early": "early-hint",
    "expect": "expect-netscaler-cip expect-proxy",
    "flow": """
        set-bc-mark set-bc-tos set-dst set-dst-port set-fc-mark set-fc-tos set-mark set-nice set-retries set-src
        set-src-port set-timeout set-tos
    """,
    "header": "add-header del-header replace-header replace-value set-header",
    "log": "do-log set-log-level",
    "map_": "add-acl del-acl del-map set-map",
    "normalize": "normalize-uri",
    "priority": "set-priority-class set-priority-offset",
    "redirect": "redirect",
    "reply": "return",
    "service": "use-service",
    "track": "track-sc",
    "uri": "replace-path replace-pathq replace-uri set-method set-path set-pathq set-query set-status set-uri",
    "variable": "set-var set-var-fmt unset-var",
    "wait": "pause wait-for-body",
}

ACTIONS.announce(__name__, {topic: names.split() for topic, names in WORDS.items()})
