"""Backends, servers and addresses (LB5xx)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lbcore.lint.finding import Hit, Level, Lint, register
from lbcore.lint.subject import Section, Subject, rules_of
from lbcore.proxy.settings import ProxySettings

ANSWERS = frozenset({"auth", "deny", "redirect", "reject", "return", "silent-drop", "tarpit"})
LAYER7 = frozenset({"empty-response", "junk-response", "response-timeout"})


def same_address(subject: Subject) -> Iterator[Hit]:
    for _, proxy in subject.proxies:
        first: dict[str, Any] = {}
        for server in proxy.servers:
            before = first.setdefault(str(server.address), server)
            if before is not server:
                yield Hit(server.where, f"server '{server.name}' has the address of server '{before.name}'", 2)


def empty_backend(subject: Subject) -> Iterator[Hit]:
    for section, proxy in subject.proxies:
        if proxy.kind == "backend" and not proxy.servers and not _answers_itself(proxy):
            yield Hit(section.head, f"backend '{proxy.name}' has no server: {_refused(proxy)}")


def _answers_itself(proxy: ProxySettings) -> bool:
    """Whether no request comes further than the rules, or the page for 503 is one of its own."""
    rules = rules_of(proxy)
    listed = [*(rule for listed in rules.lists.values() for rule in listed), *rules.redirects]
    always = {rule.action.name for rule in listed if rule.condition is None}
    return bool(always & ANSWERS) or (503 in proxy.error_pages and proxy.kind == "backend")


def _refused(proxy: ProxySettings) -> str:
    return "requests get 503" if proxy.mode == "http" else "connections are closed"


def unused_backend(subject: Subject) -> Iterator[Hit]:
    named: set[str] = set()
    for _, proxy in subject.proxies:
        named |= {proxy.default_backend or ""}
        for rule in rules_of(proxy).use_backend:
            if not isinstance(rule.name, str):
                return  # computed names may mean any
            named.add(rule.name)
    for section, proxy in subject.proxies:
        if proxy.kind == "backend" and proxy.name not in named:
            yield Hit(section.head, f"backend '{proxy.name}' is used nowhere", 1)


def no_default(subject: Subject) -> Iterator[Hit]:
    for section, proxy in subject.proxies:
        if proxy.kind != "frontend" or proxy.default_backend is not None or _answers_itself(proxy):
            continue
        if not any(rule.condition is None for rule in rules_of(proxy).use_backend):
            yield Hit(section.head, f"frontend '{proxy.name}' has no 'default_backend': {_refused(proxy)}")


def same_bind(subject: Subject) -> Iterator[Hit]:
    first: dict[str, Any] = {}
    for _, proxy in subject.proxies:
        for bind in proxy.binds:
            if bind.address.fd is not None or (not bind.address.port and not bind.address.host.startswith("/")):
                continue
            before = first.setdefault(f"{bind.address} {bind.interface}", bind)
            if before is not bind:
                yield Hit(bind.where, f"'{bind.address}' is bound at {before.where}, too: chance decides", 1)


def unsafe_retries(subject: Subject) -> Iterator[Hit]:
    fronts_safe = {name for _, proxy in subject.proxies for name in _guarded(proxy)}
    for section, proxy in subject.proxies:
        risky = LAYER7 & set(proxy.retry_on) or {word for word in proxy.retry_on if word.isdecimal()}
        if not proxy.has_backend or not proxy.servers or not risky:
            continue
        if proxy.name in fronts_safe or _disables_retries(proxy):
            continue
        line = next(section.find("retry-on"), section.head)
        yield Hit(line, f"'{proxy.name}' sends any request again ({', '.join(sorted(risky))}), also those that were "
                  "carried out: a payment may be made twice")  # fmt: skip


def _disables_retries(proxy: ProxySettings) -> bool:
    return any(rule.action.name == "disable-l7-retry" for listed in rules_of(proxy).lists.values() for rule in listed)


def _guarded(proxy: ProxySettings) -> Iterator[str]:
    """The backends of a frontend that disables retries for some requests."""
    if proxy.has_frontend and _disables_retries(proxy):
        yield proxy.default_backend or proxy.name
        yield from (rule.name for rule in rules_of(proxy).use_backend if isinstance(rule.name, str))


def shared_connections(subject: Subject) -> Iterator[Hit]:
    for section, proxy in subject.proxies:
        if proxy.http_reuse != "always" or not proxy.servers:
            continue
        bound = proxy.source is not None or any(server.source is not None for server in proxy.servers)
        if bound or _marks(proxy):
            line = next(section.find("http-reuse"), section.head)
            yield Hit(line, f"connections of '{proxy.name}' are made for one client and serve all ('http-reuse always' "
                      "with 'source', set-src or marks)")  # fmt: skip


def _marks(proxy: ProxySettings) -> bool:
    marks = {"set-bc-mark", "set-bc-tos", "set-src", "set-dst"}
    return any(rule.action.name in marks for listed in rules_of(proxy).lists.values() for rule in listed)


def nobody_works(subject: Subject) -> Iterator[Hit]:
    for section, proxy in subject.proxies:
        if proxy.servers and all(server.disabled or not server.weight for server in proxy.servers):
            yield Hit(section.head, f"all servers of '{proxy.name}' are disabled or have weight 0")


def cookie_cached(subject: Subject) -> Iterator[Hit]:
    for section, proxy in subject.proxies:
        cookie = proxy.cookie
        if cookie is None or not proxy.servers or cookie.mode != "insert" or (cookie.indirect and cookie.nocache):
            continue
        lacking = " and ".join(word for word in ("indirect", "nocache") if not getattr(cookie, word))
        text = f"'cookie {cookie.name} insert' without '{lacking}': caches may keep it, servers may see it"
        yield Hit(_cookie_line(subject, section), text, "insert")


def server_without_cookie(subject: Subject) -> Iterator[Hit]:
    for _, proxy in subject.proxies:
        if proxy.cookie is None or proxy.cookie.mode == "" or proxy.cookie.dynamic:
            continue
        if any(server.cookie for server in proxy.servers):
            for server in proxy.servers:
                if server.cookie is None and not server.backup:
                    yield Hit(server.where, f"server '{server.name}' has no cookie: its clients do not come back to it")


def same_cookie(subject: Subject) -> Iterator[Hit]:
    for _, proxy in subject.proxies:
        first: dict[str, Any] = {}
        for server in proxy.servers if proxy.cookie is not None else ():
            if server.cookie is None:
                continue
            before = first.setdefault(server.cookie, server)
            if before is not server:
                yield Hit(server.where, f"server '{server.name}' has the cookie of server '{before.name}'", "cookie")


def _cookie_line(subject: Subject, section: Section) -> Any:
    """The line of a backend's cookie, which may stand in `defaults`."""
    own = next(section.find("cookie"), None)
    if own is not None:
        return own
    above = subject.sections[: subject.sections.index(section)]
    lines = [line for one in above if one.kind == "defaults" for line in one.find("cookie")]
    return lines[-1] if lines else section.head


register(
    Lint("LB501", "duplicate-server-address", Level.WARNING, "Two servers of a backend have the same address.",
         "Correct one of them: the machine gets twice its share, and a retry goes to the one that failed.",
         same_address),
    Lint("LB502", "backend-without-servers", Level.ERROR, "A backend has no server and answers nothing by itself.",
         "Add a 'server' line, or an 'http-request return'.", empty_backend),
    Lint("LB503", "unused-backend", Level.NOTE, "No rule leads to a backend.",
         "Remove it, or add the 'use_backend' that is missing.", unused_backend),
    Lint("LB504", "missing-default-backend", Level.WARNING, "A frontend may have nowhere to send a request.",
         "Add a 'default_backend', or a last rule that answers.", no_default),
    Lint("LB505", "duplicate-bind", Level.ERROR, "Two lines listen on the same address.",
         "Remove one of them: which frontend a connection comes to is left to chance.", same_bind),
    Lint("LB506", "unsafe-retries", Level.ERROR, "Requests are sent again though they may have been carried out.",
         "Add 'http-request disable-l7-retry if ! { method GET HEAD OPTIONS }', or retry on 'conn-failure' only.",
         unsafe_retries),
    Lint("LB507", "shared-client-connections", Level.ERROR, "Connections made for one client serve others.",
         "Use 'http-reuse never' or 'safe' where connections carry what belongs to a client.", shared_connections),
    Lint("LB508", "no-working-server", Level.WARNING, "No server of a backend takes requests.",
         "Enable one, or give one a weight.", nobody_works),
    Lint("LB509", "cookie-cacheable", Level.WARNING, "An inserted cookie may be kept by caches, or reach servers.",
         "Write 'cookie <name> insert indirect nocache'.", cookie_cached),
    Lint("LB510", "server-without-cookie", Level.WARNING, "A server of a backend with a cookie has none.",
         "Add 'cookie <value>' to the server.", server_without_cookie),
    Lint("LB511", "duplicate-cookie", Level.ERROR, "Two servers of a backend have the same cookie.",
         "Give each its own: all clients of the second go to the first.", same_cookie),
)  # fmt: skip
