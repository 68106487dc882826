"""What log lines look like: `log-format` and its like, `option httplog` and its like, `log-steps` (manual 4.2, 8.2).

A format can only be read once the mode of its proxy is known, so a line keeps its text (`Written`), and the check of
the configuration replaces that by what it says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from lbcore.base.diag import Severity
from lbcore.cfg.arguments import CAPITAL, TIGHT, Args, KeywordError, report
from lbcore.cfg.context import Context
from lbcore.cfg.diagnostics import suggest
from lbcore.cfg.keywords import KEYWORDS, PROXIES, Keyword
from lbcore.cfg.rulelists import rules_of
from lbcore.cfg.vocabulary import load_vocabulary, place_of
from lbcore.cfg.words import Line
from lbcore.log.settings import STEPS
from lbcore.proxy.settings import ProxySettings
from lbcore.sample.points import Point
from lbcore.sample.style import LOG, UNIQUE_ID, Style
from lbcore.sample.words import ParseError, Words
from lbcore.stream.rules import Rule, Ruleset

KINDS = {
    "clf": "option httplog clf",
    "format": "log-format",
    "httplog": "option httplog",
    "httpslog": "option httpslog",
    "tcplog": "option tcplog",
}
# Where the lines of a step come from, by mode: the first rule of a list. The end of a stream has its record.
_RULESETS = {
    "http": {
        "accept": Ruleset.TCP_CONNECTION,
        "connect": Ruleset.HTTP_RESPONSE,
        "request": Ruleset.HTTP_REQUEST,
        "response": Ruleset.HTTP_RESPONSE,
    },
    "tcp": {"accept": Ruleset.TCP_CONNECTION, "connect": Ruleset.TCP_RESPONSE},
}


@dataclass(frozen=True, slots=True)
class Written:
    """A format as it was written: its text, and where."""

    text: str
    line: Line
    at: int  # index of its word


def written(args: Args) -> Written:
    """Takes the one argument that a format is. Raises KeywordError."""
    at = args.position
    text = args.take()
    if not text:
        raise KeywordError(f"{args.name} expects an argument.")
    if args.more:
        raise KeywordError(f"{args.name} expects only one argument, don't forget to escape spaces!", at + 1)
    return Written(text, args.line, at)


def read_format(ctx: Context, found: Written, name: str, style: Style, point: Point, proxy: ProxySettings) -> Any:
    """The format, None after saying what is wrong with it. It stands in `proxy`."""
    load_vocabulary()
    from lbcore.sample.format import parse_format  # with the vocabulary

    line = found.line
    texts = line.texts()
    place = place_of(texts) or "log-format string"
    words = Words(
        texts, found.at, line.file, line.number, proxy.name, proxy.mode, point, proxy.acls, notes=ctx.notes, place=place
    )
    try:
        return parse_format(found.text, words, style)
    except ParseError as error:
        text = f"failed to parse {name} : {error}{'' if error.hint else '.'}"
        report(ctx, Severity.ALERT, line, text, lead=CAPITAL, at=found.at, hint=error.hint)
        return None


# --- lines ---


def log_format(args: Args) -> None:
    """`log-format <string>`, which overrides the formats that options choose."""
    found = written(args)
    if _ignored(args):
        return
    args.proxy.log_format = found
    _choose(args, "format")


def log_format_sd(args: Args) -> None:
    """`log-format-sd <string>`."""
    found = written(args)
    if not _ignored(args):
        args.proxy.log_format_sd = found


def error_log_format(args: Args) -> None:
    """`error-log-format <string>`."""
    found = written(args)
    if _ignored(args):
        return
    if args.in_defaults and args.proxy.error_log_format is not None:
        _warn_override(args, "error-log-format", "error-log-format")
    args.proxy.error_log_format = found


def httplog(args: Args) -> None:
    """`option httplog [clf]`."""
    kind = "httplog"
    if args.more:
        if args.take() != "clf":
            raise KeywordError("keyword 'httplog' only supports option 'clf'.")
        kind = "clf"
    _option(args, kind)


def option(kind: str) -> Callable[[Args], None]:
    """The function of `option <kind>`."""
    return lambda args: _option(args, kind)


def _option(args: Args, kind: str) -> None:
    if not _ignored(args):
        _choose(args, kind)


def _ignored(args: Args) -> bool:
    proxy = args.proxy
    if proxy.kind != "backend":
        return False
    args.warn(f"backend '{proxy.name}' : '{args.name}' directive is ignored in backends.", at=args.position - 1)
    return True


def _warn_override(args: Args, name: str, before: str) -> None:
    args.warn(f"'{name}' overrides previous '{before}' in 'defaults' section.", lead=TIGHT, at=args.position - 1)


def _choose(args: Args, kind: str) -> None:
    """Has the last line count, and tells in a `defaults` section that another one does not."""
    before = args.proxy.log_kind
    if args.in_defaults and before is not None and (before != kind or kind == "format"):
        _warn_override(args, KINDS[kind], KINDS[before])
    args.proxy.log_kind = kind
    args.proxy.places["log_kind"] = args.line.where


def log_steps(args: Args) -> None:
    """`log-steps { all | <step>[,<step>...] }`: when lines are written besides, or instead of, the end of a stream."""
    if args.ignored("frontend"):
        args.rest()
        return
    text = args.take()
    if not text:
        raise KeywordError(f"'log-steps' expects 'all' or a list of steps among {', '.join(STEPS)}.")
    names = STEPS if text == "all" else tuple(text.split(","))
    for name in names:
        if name not in STEPS:
            raise KeywordError(
                f"'log-steps' : unknown step '{name}', expects 'all' or some of {', '.join(STEPS)}.",
                hint=suggest(name, STEPS),
            )
    args.proxy.log_steps = names
    args.proxy.places["log_steps"] = args.line.where


# --- the check of a proxy ---


class Checked(Protocol):
    """A proxy under check (lbcore.cfg.check)."""

    @property
    def ctx(self) -> Context:
        """The load."""

    @property
    def proxy(self) -> ProxySettings:
        """The settings, to be completed."""

    @property
    def label(self) -> str:
        """What messages call it."""

    def warn(self, text: str, where: str = "") -> None:
        """Adds a warning, about an earlier line if `where` names one."""


def check_logs(checked: Checked) -> None:
    """Reads the formats of a proxy, and reports what makes no sense in its mode."""
    proxy = checked.proxy
    if not proxy.has_frontend:
        return
    _fall_back(checked)
    if not proxy.log_targets and (proxy.log_kind is not None or proxy.log_format_sd is not None):
        checked.warn(f"log format ignored for {checked.label} since it has no log address.")
    for field, name, style, point in _FORMATS:
        found = getattr(proxy, field)
        if isinstance(found, Written):
            setattr(proxy, field, read_format(checked.ctx, found, name, style, point, proxy))
    if proxy.log_steps:
        _add_steps(checked)


_FORMATS = (
    ("log_format", "log-format", LOG, Point.FE_LOG_END),
    ("log_format_sd", "log-format-sd", LOG, Point.FE_LOG_END),
    ("unique_id_format", "unique-id", UNIQUE_ID, Point.FE_REQ_HDR),
    ("error_log_format", "error-log-format", LOG, Point.FE_LOG_END),
)


def _fall_back(checked: Checked) -> None:
    proxy = checked.proxy
    kind = proxy.log_kind
    if kind != "format":
        proxy.log_format = None
    if proxy.mode == "http" or kind in (None, "format", "tcplog"):
        return
    option_name = "option httpslog" if kind == "httpslog" else "option httplog"
    checked.warn(
        f"'{option_name}' not usable with {checked.label} (needs 'mode http'). Falling back to 'option tcplog'.",
        proxy.places.get("log_kind", proxy.where),
    )
    proxy.log_kind = "tcplog"


def _add_steps(checked: Checked) -> None:
    """Puts what writes the lines of the steps before the rules of its list."""
    proxy = checked.proxy
    where = proxy.places.get("log_steps", proxy.where)
    rulesets = _RULESETS[proxy.mode]
    file, _, number = where.rpartition(":")
    for step in reversed(STEPS):
        if step not in proxy.log_steps or step == "close":
            continue
        ruleset = rulesets.get(step)
        if ruleset is not None and proxy.log_targets:
            rule = Rule(LogStep(step), None, file, int(number or 0), f"log-steps {step}")
            rules_of(proxy).lists.setdefault(ruleset, []).insert(0, rule)
        elif proxy.log_steps != STEPS and ruleset is None:
            checked.warn(f"'log-steps {step}' ignored for {checked.label} as it requires HTTP mode.", where)


class LogStep:
    """The action that writes the line of a step (`lbcore.stream.rules.ActionSpec`). That of "connect" comes with the
    server's first answer, as the shim tells nothing before."""

    name = "log-steps"
    mutates = False
    waits = False

    def __init__(self, step: str) -> None:
        self.step = step

    def make(self, build: object) -> Callable[[Any], None]:
        from lbcore.stream.logs import log_now  # loads the shim: only where a balancer is built

        step = self.step
        return lambda t: log_now(t, step)

    def describe(self) -> str:
        return f"log-steps {self.step}"


KEYWORDS.register(
    Keyword(("error-log-format",), PROXIES, error_log_format, "<format>", "The lines of requests that can't be read."),
    Keyword(("log-format",), PROXIES, log_format, "<format>", "What log lines look like."),
    Keyword(("log-format-sd",), PROXIES, log_format_sd, "<format>", "Structured data of log lines (RFC 5424)."),
    Keyword(("log-steps",), PROXIES, log_steps, "{all|<step>[,<step>...]}", "At which steps lines are written."),
    Keyword(("option", "httplog"), PROXIES, httplog, "[clf]", "Logs HTTP requests in HAProxy's format or in CLF."),
    Keyword(("option", "httpslog"), PROXIES, option("httpslog"), "", "As httplog, with what is known of TLS."),
    Keyword(("option", "tcplog"), PROXIES, option("tcplog"), "", "Logs TCP connections with timers and counts."),
)
