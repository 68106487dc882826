"""The proxies that the conversations go through, by topic.

Every proxy is one `listen` section on a port of its own in front of the same scripted server. Timeouts are long unless
they are the subject: no conversation may depend on one by accident. The topics of the rules stand beside their rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from textwrap import dedent

_GLOBAL = """\
global
    stats socket "${STATS}" level admin
    nbthread 1
"""
_DEFAULTS = """
defaults
    mode {mode}
    timeout connect 2s
    timeout client 10s
    timeout server 10s
    timeout http-request 10s
    timeout http-keep-alive 10s
"""
# Each conversation has server connections of its own: what the server side of a log line counts is then certain.
_LOG = """\
    log "127.0.0.1:${LOG}" local0
    http-reuse never
"""
_LOG_FORMS = {"http": "option httplog", "tcp": "option tcplog"}


@dataclass(frozen=True, slots=True)
class Topic:
    """Proxies that live in one balancer: name and lines of each. `mode` is theirs and of `sections`.

    `logs` tells that they write a line per request (per connection in TCP mode) to the stage's collector and that these
    lines are compared; `newer` that HAProxy 2.6 does not know the words yet, so that 2.8 alone is the oracle. `globals`
    are lines of the global section, `sections` is text with further sections (backends, userlists), and `files` are
    written into the directory in which the balancer runs.

    `not_yet` names the proxies, and quotes the lines of the global section, whose words lbcore refuses so far. They are
    left out for the program under test, and it is tested that it refuses them.
    """

    name: str
    mode: str
    proxies: dict[str, tuple[str, ...]]
    logs: bool = False
    newer: bool = False
    globals: tuple[str, ...] = ()
    sections: str = ""
    files: dict[str, str] = field(default_factory=dict)
    not_yet: frozenset[str] = frozenset()

    def config(self) -> str:
        """The configuration text; a proxy named x listens on 127.0.0.1:${FE_X}."""
        tag = ("log-tag lb",) if self.logs else ()
        log = (_LOG + f"    {_LOG_FORMS[self.mode]}\n") if self.logs else ""
        listens = "".join(self._listen(name, lines) for name, lines in self.proxies.items())
        return (
            _GLOBAL
            + _indented(*tag, *self.globals)
            + _DEFAULTS.format(mode=self.mode)
            + log
            + dedent(self.sections)
            + listens
        )

    def done(self) -> Topic:
        """The topic without what is not done yet."""
        proxies = {name: lines for name, lines in self.proxies.items() if name not in self.not_yet}
        return replace(self, proxies=proxies, globals=tuple(line for line in self.globals if line not in self.not_yet))

    def _listen(self, name: str, lines: tuple[str, ...]) -> str:
        bind = f'bind "127.0.0.1:${{FE_{name.upper()}}}"'
        return f"\nlisten {name}\n" + _indented(bind, *lines)


def lines(text: str) -> tuple[str, ...]:
    """The lines of a proxy, written as one text: indentation and empty lines are dropped."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def served(text: str) -> tuple[str, ...]:
    """The lines of a proxy and the server behind it."""
    return (*lines(text), SERVER)


def _indented(*lines: str) -> str:
    return "".join(f"    {line}\n" for line in lines)


SERVER = 'server s1 "127.0.0.1:${BE}"'
REFUSED = 'server bad "127.0.0.1:${REFUSED}"'

HTTP = Topic(
    "http",
    "http",
    {
        "keep": (SERVER,),
        "always": ("http-reuse always", SERVER),
        "never": ("http-reuse never", SERVER),
        "serverclose": ("option http-server-close", SERVER),
        "close": ("option httpclose", SERVER),
    },
)

HEADERS = Topic(
    "headers",
    "http",
    {
        "fwd": ("option forwardfor", SERVER),
        "fwdexcept": ("option forwardfor except 127.0.0.0/8", SERVER),
        "fwdother": ("option forwardfor except 192.0.2.0/24", SERVER),
        "fwdheader": ("option forwardfor header X-Client", SERVER),
        "fwdifnone": ("option forwardfor if-none", SERVER),
        "fwdclose": ("option forwardfor", "option http-server-close", SERVER),
    },
)

FAULTS = Topic(
    "faults",
    "http",
    {
        "keep": (SERVER,),
        "refused": ("retries 0", REFUSED),
        "retry": ("retries 2", "timeout connect 50ms", REFUSED),
        "redispatch": ("retries 2", "option redispatch 1", REFUSED, SERVER),
        "disabled": (SERVER + " disabled",),
        "noserver": (),
        "slowclient": ("timeout http-request 100ms", SERVER),
        "slowidle": ("timeout http-keep-alive 100ms", SERVER),
        "slowserver": ("timeout server 100ms", SERVER),
    },
)

TCP = Topic(
    "tcp",
    "tcp",
    {
        "keep": (SERVER,),
        "refused": ("retries 0", REFUSED),
        "redispatch": ("retries 2", "option redispatch 1", REFUSED, SERVER),
        "noserver": (),
        "slowserver": ("timeout server 100ms", SERVER),
        "slowclient": ("timeout client 100ms", SERVER),
    },
)
