"""Reads the configuration that a command line names, as that command line wants it read."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lbcore.base.diag import Diagnostics
from lbcore.cfg.address import resolve
from lbcore.cfg.check import Resolver, check
from lbcore.cfg.context import Context, LoadOptions, SectionParser
from lbcore.cfg.defaultpath import DefaultPath
from lbcore.cfg.diagnostics import Reporter
from lbcore.cfg.environment import Environment
from lbcore.cfg.loader import define, load_into
from lbcore.cfg.sections import SECTIONS
from lbcore.cfg.source import Source, open_sources
from lbcore.proxy.settings import Settings
from lbcore.switches import enabled
from lbcore.version import FEATURES, LANGUAGE_VERSION

if TYPE_CHECKING:
    from lbcore.options import Options
    from lbcore.proxy.settings import GlobalSettings


def read(
    options: Options, sections: Mapping[str, SectionParser] = SECTIONS
) -> tuple[Settings, Diagnostics, list[Source]]:
    """The settings of `-f` and `--`, with what the command line overrides, all messages, and the texts themselves.

    `sections` are who reads them, for those who want to see the lines on their way. Raises SourceError if a file can't
    be read.
    """
    sources = open_sources(options.sources)
    context = _context(options)
    define(context, sources, {} if options.local_peer is None else {"HAPROXY_LOCALPEER": options.local_peer})
    load_into(context, sources, sections, lambda ctx: _check(ctx, options))
    override(context.settings, options)
    return context.settings, context.reporter.diagnostics, sources


def _context(options: Options) -> Context:
    chosen = LoadOptions(
        diag=options.diag,
        version=LANGUAGE_VERSION,
        features=FEATURES,
        enabled=enabled(options),
        named_peer=options.local_peer is not None,
    )
    return Context(Settings(), Reporter(diag_mode=options.diag), Environment(), DefaultPath(), chosen)


def _check(context: Context, options: Options) -> None:
    if options.ignore_resolution_failures:
        for proxy in context.settings.proxies:
            for server in proxy.servers:
                server.init_addr = (*server.init_addr, "none")
    check(context, resolver(options))


def resolver(options: Options) -> Resolver:
    """How names of servers are looked up: `-dG` does without getaddrinfo, `-4` without IPv6."""
    lookup = by_gethostbyname if "GETADDRINFO" in options.disabled else resolve
    if not options.ipv4_only:
        return lookup
    return lambda name, family: None if family == socket.AF_INET6 else lookup(name, socket.AF_INET)


def by_gethostbyname(name: str, family: int) -> tuple[int, str] | None:
    """The first IPv4 address of a name, or None, by the call that came before getaddrinfo and knows no IPv6."""
    if family == socket.AF_INET6:
        return None
    try:
        return socket.AF_INET, socket.gethostbyname(name)
    except OSError:
        return None


def override(settings: Settings, options: Options) -> None:
    """Lets the command line win over the `global` section (management guide 3)."""
    chosen = settings.globals
    _switch_off(chosen, options.disabled)
    chosen.zero_warning |= options.zero_warning
    chosen.daemon = (chosen.daemon or options.daemon) and not (options.foreground or options.debug)
    chosen.quiet = (chosen.quiet or options.quiet) and not options.verbose
    if options.maxconn is not None:
        chosen.maxconn = options.maxconn
    if options.pidfile is not None:
        chosen.pidfile = options.pidfile
    if options.proxy_maxconn is not None:
        _limit_proxies(settings, options.proxy_maxconn)


def _switch_off(chosen: GlobalSettings, disabled: set[str]) -> None:
    chosen.noepoll |= "EPOLL" in disabled
    chosen.nokqueue |= "KQUEUE" in disabled
    chosen.nopoll |= "POLL" in disabled
    chosen.nosplice |= "SPLICE" in disabled
    chosen.noreuseport |= "REUSEPORT" in disabled


def _limit_proxies(settings: Settings, maxconn: int) -> None:
    for proxy in settings.proxies:
        if proxy.has_frontend and not proxy.maxconn:
            proxy.maxconn = maxconn
