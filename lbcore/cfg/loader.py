"""Turns configuration text into settings: opens the sources, reads line by line, hands each line to its section."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from lbcore.base.diag import Diagnostics
from lbcore.cfg.check import check
from lbcore.cfg.context import Context, LoadOptions, SectionParser
from lbcore.cfg.defaultpath import DefaultPath
from lbcore.cfg.diagnostics import Reporter
from lbcore.cfg.environment import Environment
from lbcore.cfg.predefined import predefined_variables
from lbcore.cfg.reader import read
from lbcore.cfg.sections import SECTIONS
from lbcore.cfg.source import Given, Source, SourceError, open_sources
from lbcore.proxy.settings import Settings


def load(
    sources: Iterable[Given],
    *,
    env: Mapping[str, str] | None = None,
    predefined: Mapping[str, str] | None = None,
    options: LoadOptions | None = None,
) -> tuple[Settings, Diagnostics]:
    """The settings that the sources add up to, and all messages about them. Raises nothing: see `diagnostics.errors`.

    `sources` are paths (files, or directories of `*.cfg`) and `(name, text)` pairs. `env` is what variables are
    inherited (None: this process's). `predefined` are variables that the program defines on top (`HAPROXY_LOCALPEER`
    by `-L`, ...). The settings of a configuration with errors are incomplete and fit for inspection only.
    """
    options = options or LoadOptions()
    reporter = Reporter(diag_mode=options.diag)
    ctx = Context(Settings(), reporter, Environment(env), DefaultPath(), options)
    try:
        opened = open_sources(sources)
    except SourceError as error:
        reporter.alert(None, None, str(error))
        return ctx.settings, reporter.diagnostics
    define(ctx, opened, predefined or {})
    load_into(ctx, opened, SECTIONS, check)
    return ctx.settings, reporter.diagnostics


def define(ctx: Context, sources: Iterable[Source], predefined: Mapping[str, str]) -> None:
    """Sets the variables that a configuration may rely on, whatever was inherited."""
    variables = predefined_variables([source.name for source in sources], ctx.options.version)
    for name, value in {**variables, **predefined}.items():
        ctx.environment.setenv(name, value)


def load_into(
    ctx: Context,
    sources: Iterable[Source],
    sections: Mapping[str, SectionParser],
    final_check: Callable[[Context], None],
) -> None:
    """Reads all sources into the context, then checks the whole.

    As in HAProxy the whole is checked only if its lines are right: what a broken line would have defined is missing,
    and a check would complain about that.
    """
    for source in sources:
        read(ctx, source, sections)
    if not ctx.reporter.alerts:
        final_check(ctx)
