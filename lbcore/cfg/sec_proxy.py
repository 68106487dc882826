"""The sections `defaults`, `frontend`, `backend` and `listen` (manual 4): names, inheritance, capabilities.

A proxy starts from a copy of the last `defaults` section above it, or of the one that `from` names.
"""

from __future__ import annotations

import re
from copy import copy
from dataclasses import dataclass, field

from lbcore.base.diag import Severity
from lbcore.cfg import (
    kw_acl,
    kw_balance,
    kw_bind,
    kw_capture,
    kw_check,
    kw_cookie,
    kw_dispatch,
    kw_error,
    kw_filter,
    kw_guid,
    kw_http_option,
    kw_log,
    kw_log_format,
    kw_option,
    kw_proto,
    kw_proxy,
    kw_proxy_header,
    kw_reuse,
    kw_rules,
    kw_server,
    kw_server_state,
    kw_state_file,
    kw_stats_page,
    kw_stick,
    kw_stick_table,
    kw_timeout,
    kw_unique_id,
    kw_use,
)
from lbcore.cfg.arguments import CAPITAL, Args, KeywordError, kind_word, report
from lbcore.cfg.context import Context
from lbcore.cfg.dispatch import dispatch, section_line
from lbcore.cfg.rulelists import check_heirs, inherit_rules
from lbcore.cfg.words import Line
from lbcore.proxy.settings import ProxySettings

KEYWORD_FILES = (
    kw_acl,
    kw_balance,
    kw_bind,
    kw_capture,
    kw_check,
    kw_cookie,
    kw_dispatch,
    kw_error,
    kw_filter,
    kw_guid,
    kw_http_option,
    kw_log,
    kw_log_format,
    kw_option,
    kw_proto,
    kw_proxy,
    kw_proxy_header,
    kw_reuse,
    kw_rules,
    kw_server,
    kw_server_state,
    kw_state_file,
    kw_stats_page,
    kw_stick,
    kw_stick_table,
    kw_timeout,
    kw_unique_id,
    kw_use,
)

_NAME = re.compile(r"[A-Za-z0-9_:.-]*")
_OWNERS = {
    "frontend": ("frontend", "listen"),
    "backend": ("backend", "listen"),
    "listen": ("frontend", "backend", "listen"),
}
# What late messages name by the line of the `defaults`, and whether there was such a line at all.
_INHERITED_PLACES = ("balance", "log_kind", "forwardfor")


@dataclass(slots=True)
class _Names:
    """What was declared so far: the proxies of each name, all `defaults` sections, and how these are used."""

    proxies: dict[str, list[ProxySettings]] = field(default_factory=dict)
    defaults: dict[str, list[ProxySettings]] = field(default_factory=dict)
    explicit: set[int] = field(default_factory=set)  # ids of defaults that some `from` names


class ProxySection:
    """Reads the sections of one kind."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def open(self, ctx: Context, line: Line) -> None:
        """Creates the proxy. If the line is wrong the section is still read, so that all its errors are shown."""
        kw_error.install_files(ctx)
        ctx.proxy = ProxySettings(line.text(1), self.kind, line.where)
        section_line(ctx, line, self._open)

    def _open(self, args: Args) -> None:
        name = args.take()
        if self.kind != "defaults":
            self._check_name(args, name)
        template = self._template(args, name)
        if template is not None:
            check_heirs(args, template, self.kind)
        proxy = inherit(template, name, self.kind, args.line.where)
        args.context.proxy = proxy
        if self.kind == "defaults":
            _remember_defaults(args.context, proxy)
            return
        _check_unique(args, proxy)
        args.context.settings.proxies.append(proxy)
        _names(args.context).proxies.setdefault(name, []).append(proxy)

    def _check_name(self, args: Args, name: str) -> None:
        if not name:
            raise KeywordError(f"'{self.kind}' expects an <id> argument")
        wrong = _wrong_character(name)
        if wrong:
            raise KeywordError(f"character '{wrong}' is not permitted in '{self.kind}' name '{name}'.")

    def _template(self, args: Args, name: str) -> ProxySettings | None:
        """The defaults to start from; None: HAProxy's own."""
        if not args.more:
            return None if self.kind == "defaults" else _implicit(args)
        if args.peek() != "from":
            if self.kind == "defaults":
                return None  # what is left is refused as unexpected
            raise KeywordError("please use the 'bind' keyword for listening addresses.", args.position)
        args.take()
        return self._named(args, name)

    def _named(self, args: Args, name: str) -> ProxySettings | None:
        wanted = args.take()
        if args.more:
            return None  # what is left is refused as unexpected
        found = _names(args.context).defaults.get(wanted, []) if wanted else []
        if not found:
            raise KeywordError(f"defaults section '{wanted}' not found for {self.kind} '{name}'.")
        if len(found) > 1:
            raise KeywordError(
                f"ambiguous defaults section name '{wanted}' referenced by {self.kind} '{name}' "
                f"exists at least at {found[0].where} and {found[1].where}."
            )
        wrong = _wrong_character(wanted)
        if wrong:
            raise KeywordError(
                f"character '{wrong}' is not permitted in defaults section name '{wanted}' "
                f"when designated by its name (section found at {found[0].where})."
            )
        _names(args.context).explicit.add(id(found[0]))
        return found[0]

    def line(self, ctx: Context, line: Line) -> None:
        dispatch(ctx, line, self.kind)

    def close(self, ctx: Context) -> None:
        """Nothing is left to do: what needs the whole configuration waits for the final check."""


def _names(ctx: Context) -> _Names:
    names = ctx.notes.get(__name__)
    if names is None:
        names = ctx.notes[__name__] = _Names()
    assert isinstance(names, _Names)
    return names


def _wrong_character(name: str) -> str:
    matched = _NAME.match(name)
    assert matched is not None, "the pattern matches an empty text, too"
    return name[matched.end() : matched.end() + 1]


def _implicit(args: Args) -> ProxySettings | None:
    defaults = args.context.defaults
    if defaults is not None and id(defaults) in _names(args.context).explicit:
        args.warn(
            f"defaults section '{defaults.name}' (declared at {defaults.where}) is explicitly referenced by another "
            "proxy and implicitly used here. To avoid any ambiguity don't mix both usage. Add a last defaults section "
            "not explicitly used or always use explicit references."
        )
    return defaults


def _remember_defaults(ctx: Context, proxy: ProxySettings) -> None:
    ctx.defaults = proxy
    if proxy.name:
        ctx.named_defaults[proxy.name] = proxy
        _names(ctx).defaults.setdefault(proxy.name, []).append(proxy)


def _check_unique(args: Args, proxy: ProxySettings) -> None:
    """A frontend and a backend may share a name; two that do the same may not."""
    for other in _names(args.context).proxies.get(proxy.name, ()):
        if other.kind in _OWNERS[proxy.kind]:
            report(
                args.context,
                Severity.ALERT,
                args.line,
                f"{kind_word(proxy)} '{proxy.name}' has the same name as {kind_word(other)} '{other.name}' "
                f"declared at {other.where}.",
                lead=CAPITAL,
                at=1,
            )
            return


def inherit(template: ProxySettings | None, name: str, kind: str, where: str) -> ProxySettings:
    """A proxy of its own that starts from the values of a `defaults` section, as far as its kind uses them."""
    if template is None:
        return ProxySettings(name, kind, where)
    proxy = copy(template)
    proxy.name, proxy.kind, proxy.where = name, kind, where
    proxy.binds, proxy.servers = [], []
    proxy.timeouts = copy(template.timeouts)
    proxy.client_probes = copy(template.client_probes)
    proxy.server_probes = copy(template.server_probes)
    proxy.log_targets = list(template.log_targets)
    proxy.options = kw_option.usable(template.options, kind)
    proxy.filters = []  # `defaults` sections have none
    inherit_rules(template, proxy)
    proxy.places = {key: template.places[key] for key in _INHERITED_PLACES if key in template.places}
    if kind == "backend":
        proxy.default_backend = None
        proxy.maxconn = proxy.backlog = proxy.rate_limit_sessions = 0
    return proxy
