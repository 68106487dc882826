"""The `log-profile` section: what lines to some targets look like, by where they come from (manual of 3.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lbcore.base.diag import Diagnostic, Severity
from lbcore.cfg.arguments import TIGHT, Args, KeywordError
from lbcore.cfg.context import Context
from lbcore.cfg.diagnostics import suggest
from lbcore.cfg.dispatch import dispatch, section_line
from lbcore.cfg.keywords import KEYWORDS, Keyword
from lbcore.cfg.kw_log_format import Written, read_format
from lbcore.cfg.words import Line
from lbcore.log.settings import ORIGINS, LogProfile, ProfileStep
from lbcore.proxy.settings import ProxySettings
from lbcore.sample.points import Point
from lbcore.sample.style import LOG

PLACE = "log-profile"
_NAME = re.compile(r"[A-Za-z0-9_:.-]*")
_STEPS = (*ORIGINS, "any")


class LogProfileSection:
    """Reads `log-profile` sections."""

    def open(self, ctx: Context, line: Line) -> None:
        """Creates the profile; one that can't be used is still read, to show its errors."""
        ctx.notes[__name__] = LogProfile(line.text(1), where=line.where)
        section_line(ctx, line, _open)

    def line(self, ctx: Context, line: Line) -> None:
        dispatch(ctx, line, PLACE)

    def close(self, ctx: Context) -> None:
        """Nothing is left to do: formats are read by the check of the configuration."""


def _open(args: Args) -> None:
    name = args.take()
    if not name:
        raise KeywordError("log-profile: expects <name> as argument.", lead=TIGHT)
    matched = _NAME.match(name)
    assert matched is not None, "the pattern matches an empty text, too"
    if matched.end() < len(name):
        wrong = name[matched.end()]
        raise KeywordError(f"log-profile: character '{wrong}' is not permitted in the name '{name}'.", lead=TIGHT)
    profiles = args.context.settings.log_profiles
    if name in profiles:
        where = profiles[name].where
        raise KeywordError(f"log-profile section '{name}' already exists (declared at {where}).", lead=TIGHT)
    profiles[name] = _current(args.context)


def _current(ctx: Context) -> LogProfile:
    profile = ctx.notes[__name__]
    assert isinstance(profile, LogProfile)
    return profile


def log_tag(args: Args) -> None:
    """`log-tag <tag>`."""
    tag = args.take()
    if not tag:
        raise KeywordError("'log-tag' expects a tag for use in syslog.")
    _current(args.context).tag = tag


def on(args: Args) -> None:
    """`on <step> { drop | [format <format>] [sd <format>] }`."""
    profile = _current(args.context)
    name = args.take()
    if name not in _STEPS:
        raise KeywordError(
            f"'on' expects a logging step among {', '.join(_STEPS)}, found '{name}'.", hint=suggest(name, _STEPS)
        )
    if name in profile.steps:
        raise KeywordError(f"'on {name}' was already defined in log-profile '{profile.name}'.")
    profile.steps[name] = _step(args)


def _step(args: Args) -> ProfileStep:
    step = ProfileStep()
    if not args.more:
        raise KeywordError("'on' expects 'drop', 'format' or 'sd' after the logging step.")
    while args.more:
        word = args.take()
        if word == "drop":
            step.drop = True
        elif word == "format":
            step.format = _format(args, word)
        elif word == "sd":
            step.sd = _format(args, word)
        else:
            raise KeywordError(f"'on' expects 'drop', 'format' or 'sd', found '{word}'.")
    if step.drop and (step.format is not None or step.sd is not None):
        raise KeywordError("'on' : 'drop' cannot be used with 'format' or 'sd'.")
    return step


def _format(args: Args, word: str) -> Written:
    at = args.position
    text = args.take()
    if not text:
        raise KeywordError(f"'on' : '{word}' expects a log-format string.")
    return Written(text, args.line, at)


def check_profiles(ctx: Context) -> None:
    """Reads the formats of all profiles, and looks whether those that are named are there."""
    profiles = ctx.settings.log_profiles
    for profile in profiles.values():
        proxy = ProxySettings(profile.name, "frontend", mode="http")
        for step in profile.steps.values():
            if isinstance(step.format, Written):
                step.format = read_format(ctx, step.format, "format", LOG, Point.FE_LOG_END, proxy)
            if isinstance(step.sd, Written):
                step.sd = read_format(ctx, step.sd, "sd", LOG, Point.FE_LOG_END, proxy)
    for name, where in _used(ctx):
        if name not in profiles:
            file, _, number = where.rpartition(":")
            text = f"config : parsing [{where}] : log profile '{name}' does not exist."
            hint = suggest(name, profiles)
            meant = f" Did you mean '{hint}' maybe ?" if hint else ""
            ctx.reporter.diagnostics.add(Diagnostic(Severity.ALERT, text + meant, file, int(number or 0), hint=hint))


def _used(ctx: Context) -> Iterator[tuple[str, str]]:
    """The profiles that are named, and where, each place once."""
    targets = [target for proxy in ctx.settings.proxies for target in proxy.log_targets]
    found = [(target.profile, target.where) for target in targets if target.profile is not None]
    yield from dict.fromkeys(found)


KEYWORDS.register(
    Keyword(("log-tag",), (PLACE,), log_tag, "<tag>", "The program's name in log lines.", "0.2"),
    Keyword(("on",), (PLACE,), on, "<step> {drop|[format <format>] [sd <format>]}",
            "What lines of a step look like.", "0.2"),
)  # fmt: skip
