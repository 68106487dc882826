"""Looks up the names that expressions mention, once the whole configuration is read.

HAProxy puts several such errors of a proxy under one heading; here each stands by itself, at its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from lbcore.cfg.context import Context
from lbcore.proxy.settings import ProxySettings
from lbcore.sample.names import Mention, mentions_of

Say = Callable[[str, str], None]  # adds a message about the line `file:number`


def check_names(ctx: Context, proxy: ProxySettings, alert: Say) -> None:
    """Complains of the names in the expressions of a proxy that mean nothing; these are dealt with then."""
    _check(ctx, [one for one in mentions_of(ctx.notes) if one.proxy == proxy.name], alert)


def check_other_names(ctx: Context, alert: Say) -> None:
    """The same of what stands in no proxy: named `defaults` sections, log profiles."""
    unused = {proxy.name for proxy in ctx.settings.proxies if proxy.disabled}
    _check(ctx, [one for one in mentions_of(ctx.notes) if one.proxy not in unused], alert)


def _check(ctx: Context, mentions: Iterable[Mention], alert: Say) -> None:
    known = None
    noted = mentions_of(ctx.notes)
    for mention in mentions:
        known = known or _Known.of(ctx)
        noted.remove(mention)
        complaint = _LOOK_UPS[mention.kind](known, mention)
        if complaint:
            where = f"in proxy '{mention.proxy}'" if mention.proxy else "in a section"
            text = f"{complaint.replace('{}', f'{mention.who} {where}')}."
            alert(text, f"{mention.file}:{mention.line}")


@dataclass(frozen=True, slots=True)
class _Known:
    """What names may mean."""

    frontends: Mapping[str, ProxySettings]
    backends: Mapping[str, ProxySettings]
    userlists: Mapping[str, object]
    tables: Mapping[str, object]

    @classmethod
    def of(cls, ctx: Context) -> _Known:
        proxies = ctx.settings.proxies
        return cls(
            {proxy.name: proxy for proxy in proxies if proxy.has_frontend},
            {proxy.name: proxy for proxy in proxies if proxy.has_backend},
            ctx.settings.userlists,
            {table.name: table for table in ctx.settings.tables()},
        )

    def is_template(self, name: str) -> bool:
        """Whether a section is none that anything can be looked up in: its own names are its heirs'."""
        return name not in self.frontends and name not in self.backends


def _frontend(known: _Known, mention: Mention) -> str:
    return _proxy(known, known.frontends, mention)


def _backend(known: _Known, mention: Mention) -> str:
    return _proxy(known, known.backends, mention)


def _proxy(known: _Known, proxies: Mapping[str, ProxySettings], mention: Mention) -> str:
    if mention.name:
        return "" if mention.name in proxies else f"unable to find {mention.kind} '{mention.name}' {{}}"
    if mention.proxy in proxies or known.is_template(mention.proxy):
        return ""
    return f"proxy '{mention.proxy}', {{}}, has not {mention.kind} capability"


def _userlist(known: _Known, mention: Mention) -> str:
    if not mention.name:
        return "missing userlist name {}"
    return "" if mention.name in known.userlists else f"unable to find userlist '{mention.name}' {{}}"


def _server(known: _Known, mention: Mention) -> str:
    backend, slash, name = mention.name.rpartition("/")
    if not mention.name:
        return "missing server name {}"
    if slash and backend not in known.backends:
        return f"unable to find proxy '{backend}' {{}}"
    if not slash and known.is_template(mention.proxy):
        return ""
    proxy = known.backends.get(backend or mention.proxy)
    if proxy is not None and any(server.name == name for server in proxy.servers):
        return ""
    return f"unable to find server '{name}' in proxy '{backend or mention.proxy}', {{}}"


def _table(known: _Known, mention: Mention) -> str:
    name = mention.name or mention.proxy
    if name in known.tables or (not mention.name and known.is_template(mention.proxy)):
        return ""
    return f"unable to find table '{name}' {{}}"


_LOOK_UPS = {
    "backend": _backend,
    "frontend": _frontend,
    "server": _server,
    "table": _table,
    "user list": _userlist,
}
