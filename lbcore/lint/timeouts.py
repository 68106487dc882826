"""Times that are missing, or too short to be meant (LB4xx)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lbcore.lint.finding import Hit, Level, Lint, register
from lbcore.lint.subject import Subject, rules_of, terms_of, tests_of, where_of
from lbcore.proxy.settings import ProxySettings
from lbcore.sample.acl import Term

SHORT = 100  # ms: less than that, written without a unit, was meant to be seconds


def missing(field: str, word: str, side: Callable[[ProxySettings], bool]) -> Callable[[Subject], Iterator[Hit]]:
    """The check for a timeout that every proxy of a side needs."""

    def check(subject: Subject) -> Iterator[Hit]:
        for section, proxy in subject.proxies:
            if side(proxy) and not getattr(proxy.timeouts, field):
                yield Hit(section.head, f"{proxy.kind} '{proxy.name}' has no 'timeout {word}': it waits for ever")

    return check


def _front(proxy: ProxySettings) -> bool:
    return proxy.has_frontend


def _back(proxy: ProxySettings) -> bool:
    return proxy.has_backend and bool(proxy.servers)


def _tunnels_only(proxy: ProxySettings) -> bool:
    return proxy.mode == "tcp" and bool(proxy.timeouts.tunnel)


def _answers(proxy: ProxySettings) -> bool:
    return _back(proxy) and not _tunnels_only(proxy)


def slowloris(subject: Subject) -> Iterator[Hit]:
    for section, proxy in subject.proxies:
        if proxy.has_frontend and proxy.mode == "http" and not proxy.timeouts.http_request:
            yield Hit(section.head, f"{proxy.kind} '{proxy.name}' has no 'timeout http-request': a client that sends a "
                      "byte now and then keeps its connection for ever")  # fmt: skip


def upgrade(subject: Subject) -> Iterator[Hit]:
    without = {proxy.name: proxy for _, proxy in subject.proxies if proxy.mode == "http" and not proxy.timeouts.tunnel}
    for _, proxy in subject.proxies:
        for rule in rules_of(proxy).use_backend:
            if rule.name in without and any(map(_upgrades, terms_of(rule.condition))):
                yield Hit(where_of(rule), _ENDS.format(rule.name))
        if proxy.has_backend and proxy.name in without:
            test = next((test for test in tests_of(proxy) if _speaks_of_upgrade(test.text)), None)
            if test is not None:
                yield Hit(test.where, _ENDS.format(proxy.name))


_ENDS = "upgraded connections of '{}' have no 'timeout tunnel': they end with 'timeout client' or 'timeout server'"


def _upgrades(term: Term) -> bool:
    return not term.negated and any(_speaks_of_upgrade(test.text) for test in term.acl.tests)


def _speaks_of_upgrade(text: str) -> bool:
    return "upgrade" in text.lower() or "websocket" in text.lower()


def without_unit(subject: Subject) -> Iterator[Hit]:
    for section in subject.sections:
        for line in section.find("timeout"):
            text = line.text(2)
            if text.isdecimal() and 0 < int(text) < SHORT:
                yield Hit(line, f"'timeout {line.text(1)} {text}' means {text} milliseconds", 2)


def queue(subject: Subject) -> Iterator[Hit]:
    for _, proxy in subject.proxies:
        full = next((server for server in proxy.servers if server.maxconn), None)
        if full is not None and not proxy.timeouts.queue:
            text = (
                f"server '{full.name}' has a 'maxconn', and '{proxy.name}' no 'timeout queue': 'timeout connect' counts"
            )
            yield Hit(full.where, text, "maxconn")


register(
    Lint("LB401", "missing-timeout-client", Level.ERROR, "Clients that say nothing are kept for ever.",
         "Add 'timeout client 30s' or another time, best in 'defaults'.", missing("client", "client", _front)),
    Lint("LB402", "missing-timeout-server", Level.ERROR, "Servers that say nothing are waited for for ever.",
         "Add 'timeout server 30s' or another time, best in 'defaults'.", missing("server", "server", _answers)),
    Lint("LB403", "missing-timeout-connect", Level.ERROR, "Connections to servers are waited for for ever.",
         "Add 'timeout connect 5s' or another time, best in 'defaults'.", missing("connect", "connect", _back)),
    Lint("LB404", "missing-timeout-http-request", Level.WARNING, "Slow requests hold their connections (slowloris).",
         "Add 'timeout http-request 10s': it bounds the time of a whole head, 'timeout client' only each silence.",
         slowloris),
    Lint("LB405", "missing-timeout-tunnel", Level.NOTE, "Upgraded connections have the timeouts of requests.",
         "Add 'timeout tunnel 1h' or another time to the backend.", upgrade),
    Lint("LB406", "timeout-without-unit", Level.WARNING, "A time without a unit is so short that seconds were meant.",
         "Write the unit: '30s', or '30ms' if that is meant.", without_unit),
    Lint("LB407", "missing-timeout-queue", Level.NOTE, "Requests wait in a queue as long as for a connection.",
         "Add 'timeout queue' with the time that a client is to wait for a free server.", queue),
)  # fmt: skip
