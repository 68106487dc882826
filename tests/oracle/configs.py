"""The proxies that the conversations go through, by topic.

Every proxy is one `listen` section on a port of its own in front of the same scripted server. Timeouts are long unless
they are the subject: no conversation may depend on one by accident.
"""

from __future__ import annotations

from dataclasses import dataclass

_HEAD = """\
global
    stats socket "${STATS}" level admin
    nbthread 1

defaults
    timeout connect 2s
    timeout client 10s
    timeout server 10s
    timeout http-request 10s
    timeout http-keep-alive 10s
"""


@dataclass(frozen=True, slots=True)
class Topic:
    """Proxies that live in one balancer: name and lines of each. `mode` is theirs."""

    name: str
    mode: str
    proxies: dict[str, tuple[str, ...]]

    def config(self) -> str:
        """The configuration text; a proxy named x listens on 127.0.0.1:${FE_X}."""
        return _HEAD + "".join(self._listen(name, lines) for name, lines in self.proxies.items())

    def _listen(self, name: str, lines: tuple[str, ...]) -> str:
        bind = f'bind "127.0.0.1:${{FE_{name.upper()}}}"'
        return "\n".join([f"\nlisten {name}", *(f"    {line}" for line in (bind, f"mode {self.mode}", *lines))]) + "\n"


_SERVER = 'server s1 "127.0.0.1:${BE}"'
_REFUSED = 'server bad "127.0.0.1:${REFUSED}"'

HTTP = Topic(
    "http",
    "http",
    {
        "keep": (_SERVER,),
        "always": ("http-reuse always", _SERVER),
        "never": ("http-reuse never", _SERVER),
        "serverclose": ("option http-server-close", _SERVER),
        "close": ("option httpclose", _SERVER),
    },
)

HEADERS = Topic(
    "headers",
    "http",
    {
        "fwd": ("option forwardfor", _SERVER),
        "fwdexcept": ("option forwardfor except 127.0.0.0/8", _SERVER),
        "fwdother": ("option forwardfor except 192.0.2.0/24", _SERVER),
        "fwdheader": ("option forwardfor header X-Client", _SERVER),
        "fwdifnone": ("option forwardfor if-none", _SERVER),
        "fwdclose": ("option forwardfor", "option http-server-close", _SERVER),
    },
)

FAULTS = Topic(
    "faults",
    "http",
    {
        "keep": (_SERVER,),
        "refused": ("retries 0", _REFUSED),
        "retry": ("retries 2", "timeout connect 50ms", _REFUSED),
        "redispatch": ("retries 2", "option redispatch 1", _REFUSED, _SERVER),
        "disabled": (_SERVER + " disabled",),
        "noserver": (),
        "slowclient": ("timeout http-request 100ms", _SERVER),
        "slowidle": ("timeout http-keep-alive 100ms", _SERVER),
        "slowserver": ("timeout server 100ms", _SERVER),
    },
)

TCP = Topic(
    "tcp",
    "tcp",
    {
        "keep": (_SERVER,),
        "refused": ("retries 0", _REFUSED),
        "redispatch": ("retries 2", "option redispatch 1", _REFUSED, _SERVER),
        "noserver": (),
        "slowserver": ("timeout server 100ms", _SERVER),
        "slowclient": ("timeout client 100ms", _SERVER),
    },
)

TOPICS = {topic.name: topic for topic in (HTTP, HEADERS, FAULTS, TCP)}
