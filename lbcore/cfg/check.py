"""What can only be said once the whole configuration is read: references, sides and modes, names, numbers.

The order of the checks of one proxy is HAProxy's, so that its messages come in its order. Everything here changes
settings in place; after it they are complete.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, replace

from lbcore.base.address import Address
from lbcore.base.diag import Diagnostic, Severity
from lbcore.cfg.address import numeric_family, resolve
from lbcore.cfg.arguments import kind_word
from lbcore.cfg.check_checks import check_checks
from lbcore.cfg.check_filters import check_filters
from lbcore.cfg.check_ids import number_members, number_proxies
from lbcore.cfg.check_names import check_names, check_other_names
from lbcore.cfg.check_rules import (
    check_actions,
    check_contents,
    check_mode,
    check_use_backend,
    check_use_server,
    join_hints,
    settle_conditions,
    switches,
)
from lbcore.cfg.check_track import check_tracking
from lbcore.cfg.context import Context
from lbcore.cfg.diagnostics import readable
from lbcore.cfg.kw_balance import check_balance
from lbcore.cfg.kw_capture import check_capture
from lbcore.cfg.kw_cookie import check_cookies
from lbcore.cfg.kw_dispatch import check_dispatch
from lbcore.cfg.kw_error import check_errors
from lbcore.cfg.kw_guid import check_guids, number_guids
from lbcore.cfg.kw_h1_case import check_h1_case
from lbcore.cfg.kw_http_option import check_http_options
from lbcore.cfg.kw_log_format import check_logs
from lbcore.cfg.kw_proto import check_protocols
from lbcore.cfg.kw_stats_page import check_pages
from lbcore.cfg.kw_stick import check_stick
from lbcore.cfg.kw_thread import check_threads
from lbcore.cfg.sec_log_profile import check_profiles
from lbcore.cfg.sec_peers import check_peers
from lbcore.cfg.sec_userlist import check_members
from lbcore.proxy.settings import GlobalSettings, ProxySettings, ServerSettings, Settings
from lbcore.sample.files import files_of

_NO_TIMEOUTS = """
   | While not properly invalid, you will certainly encounter various problems
   | with such a configuration. To fix this, please ensure that all following
   | timeouts are set to a non-zero value: 'client', 'connect', 'server'."""

_AT = "parsing [{}]: "  # how HAProxy begins where it speaks of names

Resolver = Callable[[str, int], tuple[int, str] | None]


def has_listener(settings: Settings) -> bool:
    """Whether anything listens: without, a start makes no sense (exit code 2)."""
    return any(proxy.has_frontend and proxy.binds and not proxy.disabled for proxy in settings.proxies)


def check(ctx: Context, resolver: Resolver = resolve) -> None:
    """Completes the settings and reports what does not fit together. `resolver` looks up the names of servers."""
    proxies = ctx.settings.proxies
    backends = {proxy.name: proxy for proxy in proxies if proxy.has_backend}
    check_members(ctx)
    _buffers(ctx.settings.globals)
    check_threads(ctx)
    for proxy in proxies:
        if not proxy.disabled:
            _check_proxy(_Checked(ctx, proxy, backends))
    check_peers(ctx)
    check_tracking(proxies, lambda text, where: _add(ctx, Severity.ALERT, text, where, "[{}] : "))
    _state_files(ctx)
    check_errors(ctx)
    check_http_options(ctx)
    check_h1_case(ctx)
    check_pages(ctx)
    check_profiles(ctx)
    check_other_names(ctx, lambda text, where: _add(ctx, Severity.ALERT, text, where, _AT))
    ctx.settings.environment = ctx.environment.snapshot()
    ctx.settings.pattern_paths = files_of(ctx.notes).patterns
    ctx.settings.pattern_uses = files_of(ctx.notes).uses
    number_proxies(ctx.settings)
    check_guids(ctx.settings, lambda text, where: _add(ctx, Severity.ALERT, text, where))
    if not ctx.reporter.alerts:
        _resolve_servers(ctx, resolver)
        check_cookies(ctx)  # some are made of addresses


def _state_files(ctx: Context) -> None:
    for proxy in ctx.settings.proxies:
        if proxy.load_server_state == "global" and proxy.has_backend and ctx.settings.globals.server_state_file is None:
            text = (
                f"backend '{proxy.name}' configured to load server state file from global section 'server-state-file' "
                "directive. Unfortunately, 'server-state-file' is not set!"
            )
            _add(ctx, Severity.WARNING, text, "")


def _buffers(settings: GlobalSettings) -> None:
    """At most half of a buffer is kept for rewriting, as in HAProxy."""
    settings.maxrewrite = min(settings.maxrewrite, settings.bufsize // 2)


@dataclass(frozen=True, slots=True)
class _Checked:
    """The proxy under check, and what it may refer to."""

    ctx: Context
    proxy: ProxySettings
    backends: dict[str, ProxySettings]

    @property
    def label(self) -> str:
        return f"{kind_word(self.proxy)} '{self.proxy.name}'"

    def alert(self, text: str, where: str = "") -> None:
        _add(self.ctx, Severity.ALERT, text, where)

    def warn(self, text: str, where: str = "") -> None:
        _add(self.ctx, Severity.WARNING, text, where)


def _add(ctx: Context, severity: Severity, text: str, where: str, lead: str = "parsing [{}] : ") -> None:
    """Adds a message about an earlier line, whose text is no longer at hand, or about none."""
    file, _, number = where.rpartition(":")
    start = lead.format(where) if where else ""
    ctx.reporter.diagnostics.add(
        Diagnostic(severity, readable(f"config : {start}{text}"), readable(file), int(number or 0))
    )


def _check_proxy(checked: _Checked) -> None:
    for step in _STEPS:
        step(checked)


def _default_backend(checked: _Checked) -> None:
    proxy = checked.proxy
    name = proxy.default_backend
    if name is None or not proxy.has_frontend:
        return
    target = checked.backends.get(name)
    if target is None:
        checked.alert(f"Proxy '{proxy.name}': unable to find required default_backend: '{name}'.")
    elif target is proxy:
        checked.alert(f"Proxy '{proxy.name}': loop detected for default_backend: '{name}'.")
    elif target.mode != proxy.mode and not switches(proxy):
        checked.alert(
            f"{proxy.mode} {checked.label} ({proxy.where}) tries to use incompatible {target.mode} "
            f"{kind_word(target)} '{target.name}' ({target.where}) as its default backend (see 'mode')."
        )
    elif proxy.servers:
        checked.warn(
            f"In {checked.label}, the 'default_backend' rule always has precedence over the servers, "
            "which will never be used."
        )


def _rules(checked: _Checked) -> None:
    """References of rules: backends, servers, captures."""
    check_use_backend(checked.proxy, checked.backends, checked.alert)
    check_use_server(checked.proxy, checked.alert)
    check_stick(checked.proxy, checked.ctx.settings, checked.alert)
    check_filters(checked.proxy, checked.ctx.settings, checked.alert)
    check_actions(checked.proxy, checked.ctx.settings, checked.alert)
    check_contents(checked.proxy, checked.warn)
    join_hints(checked.proxy)
    settle_conditions(checked.proxy)


def _names(checked: _Checked) -> None:
    """Names in expressions; rules and formats have all been read."""
    ctx = checked.ctx
    check_names(ctx, checked.proxy, lambda text, where: _add(ctx, Severity.ALERT, text, where, _AT))


def _bind(checked: _Checked) -> None:
    if checked.proxy.has_frontend and not checked.proxy.binds:
        checked.warn(f"{checked.label} has no 'bind' directive. Please declare it as a backend if this was intended.")


def _timeouts(checked: _Checked) -> None:
    if _lacks_timeout(checked.proxy):
        checked.warn(f"missing timeouts for {checked.label}.{_NO_TIMEOUTS}")


def _lacks_timeout(proxy: ProxySettings) -> bool:
    timeouts = proxy.timeouts
    if proxy.has_frontend and not timeouts.client:
        return True
    if not proxy.has_backend or not proxy.servers:
        return False
    # A TCP backend may do with the tunnel timeout alone.
    return not timeouts.connect or not (timeouts.server or (proxy.mode == "tcp" and timeouts.tunnel))


def _server_names(checked: _Checked) -> None:
    first: dict[str, ServerSettings] = {}
    for server in checked.proxy.servers:
        other = first.setdefault(server.name, server)
        if other is not server:
            line = other.where.rpartition(":")[2]
            checked.alert(
                f"{checked.label}, another server named '{server.name}' was already defined at line {line}, "
                "please use distinct names.",
                server.where,
            )


def _server_limits(checked: _Checked) -> None:
    """`minconn` alone, or above `maxconn`, becomes the `maxconn`, as in HAProxy."""
    for server in checked.proxy.servers:
        server.maxconn = max(server.maxconn, server.minconn)


def _http_only(checked: _Checked) -> None:
    proxy = checked.proxy
    if proxy.mode != "http":
        for server in proxy.servers:
            if server.redir is not None:
                checked.alert(f"{checked.label} : server cannot have cookie or redirect prefix in non-HTTP mode.")
    check_mode(proxy, checked.warn)
    if proxy.mode == "http" or proxy.forwardfor is None:
        return
    checked.warn(f"'option forwardfor' ignored for {checked.label} as it requires HTTP mode.")
    proxy.forwardfor = None


def _captures(checked: _Checked) -> None:
    check_capture(checked.proxy, checked.ctx.settings.globals.cookie_len, checked.warn)


def _numbers(checked: _Checked) -> None:
    number_members(checked.proxy)
    number_guids(checked.proxy)


def _checks(checked: _Checked) -> None:
    check_protocols(checked.proxy, checked.alert)
    check_checks(checked.proxy, checked.ctx.settings.globals, checked.alert, checked.warn)


_STEPS: tuple[Callable[[_Checked], None], ...] = (
    _default_backend,
    _rules,
    check_logs,
    _names,
    _bind,
    _captures,
    _timeouts,
    _server_names,
    _server_limits,
    check_dispatch,
    check_balance,
    _checks,
    _http_only,
    _numbers,
)


def _resolve_servers(ctx: Context, resolver: Resolver) -> None:
    """Gives every server its address. A name is looked up once, however many servers have it."""
    known: dict[tuple[str, int], tuple[int, str] | None] = {}

    def ask(name: str, family: int) -> tuple[int, str] | None:
        key = name, family
        if key not in known:
            known[key] = resolver(name, family)
        return known[key]

    failed = False
    for proxy in ctx.settings.proxies:
        for server in proxy.servers:
            if server.hostname is not None and not proxy.disabled:
                failed |= not _resolve(ctx, proxy, server, ask)
    if failed:
        ctx.reporter.alert(None, None, "Failed to initialize server(s) addr.")


def _resolve(ctx: Context, proxy: ProxySettings, server: ServerSettings, ask: Resolver) -> bool:
    """Tries the methods of `init-addr` in turn. False, and an alert, if none of them ends the search."""
    tried = False
    for method in server.init_addr:
        if method == "none":
            _start_disabled(ctx, proxy, server, tried)
            return True
        tried |= method == "libc"
        address = _initial_address(server, method, ask)
        if address is None:
            continue
        server.address = address
        if tried and method != "libc":
            _say(ctx, Severity.WARNING, proxy, server, ", falling back to configured address.")
        return True
    _say(ctx, Severity.ALERT, proxy, server, ".")
    return False


def _say(ctx: Context, severity: Severity, proxy: ProxySettings, server: ServerSettings, end: str) -> None:
    text = f"'server {proxy.name}/{server.name}' : could not resolve address '{server.hostname}'{end}"
    _add(ctx, severity, text, server.where, "[{}] : ")


def _initial_address(server: ServerSettings, method: str, ask: Resolver) -> Address | None:
    """The address by one method. "last" gives none: it means a server state file, and there is none to read."""
    if method == "last" or server.hostname is None:
        return None
    if method == "libc":
        found = ask(server.hostname, server.resolve_family)
    else:
        found = (numeric_family(method) or socket.AF_UNSPEC, method)
    return replace(server.address, family=found[0], host=found[1]) if found else None


def _start_disabled(ctx: Context, proxy: ProxySettings, server: ServerSettings, tried: bool) -> None:
    server.disabled = True
    if tried:
        _say(ctx, Severity.WARNING, proxy, server, ", disabling server.")
