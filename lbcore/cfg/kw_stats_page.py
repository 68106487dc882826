"""The `stats` lines of proxies (manual 4.2): the statistics page. Those of `global` are in `kw_stats`.

Any of them enables the page. A section with one of its own has none of its `defaults`. What HAProxy leaves unread
behind the arguments (`stats realm HAProxy Statistics`) is left unread here, too.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from lbcore.base.diag import Diagnostic, Severity
from lbcore.cfg.arguments import TIGHT, Args, KeywordError, kind_word
from lbcore.cfg.check_rules import settled
from lbcore.cfg.context import Context
from lbcore.cfg.diagnostics import readable, suggest
from lbcore.cfg.keywords import KEYWORDS, PROXIES, Keyword
from lbcore.cfg.kw_rules import read_http_rule
from lbcore.cfg.order import warn_conflicts
from lbcore.cfg.rulelists import side_of
from lbcore.cfg.units import UnitError, parse_time
from lbcore.cfg.vocabulary import condition, words_of
from lbcore.proxy.settings import ProxySettings, StatsPage
from lbcore.stream.rules import Ruleset

_EXPECTED = (
    "expects 'admin', 'uri', 'realm', 'auth', 'scope', 'enable', 'hide-version', 'show-node', 'show-desc' or "
    "'show-legends'"
)
_NODE = re.compile(r"[A-Za-z0-9_.-]+")


def page_of(args: Args) -> StatsPage:
    """The page of the section, made by its first `stats` line."""
    proxy = args.proxy
    if proxy.stats is None or proxy.stats.where != proxy.where:
        proxy.stats = StatsPage(proxy.where)
    return proxy.stats


def stats(args: Args) -> None:
    """Refuses what is none of the two-word keywords."""
    word = args.peek()
    if not word:
        raise KeywordError(f"missing keyword in 'stats', {_EXPECTED}.", 0, lead=TIGHT)
    hint = suggest(word, KEYWORDS.seconds(args.context.section, "stats"))
    error = KeywordError(f"unknown stats parameter '{word}', {_EXPECTED}", args.position, hint, TIGHT)
    error.tail = "" if hint else "."
    raise error


def _argument(args: Args, complaint: str) -> str:
    text = args.take()
    if not text:
        raise KeywordError(complaint)
    args.rest()
    return text


def admin(args: Args) -> None:
    if args.in_defaults:
        raise KeywordError("'stats admin' not allowed in 'defaults' section.", 0, lead=TIGHT)
    page = page_of(args)
    if args.peek() not in ("if", "unless"):
        raise KeywordError("'stats admin' requires either 'if' or 'unless' followed by a condition.", args.position)
    point = side_of(args.proxy, Ruleset.HTTP_REQUEST)
    held = condition(args, words_of(args, point), point, "error detected while parsing a 'stats admin' rule : {}.")
    warn_conflicts(args, held)
    page.admin.append(held)


def auth(args: Args) -> None:
    account = _argument(args, "'auth' needs a user:password account.")
    user, _, password = account.partition(":")
    page_of(args).users.setdefault(user, password)


def enable(args: Args) -> None:
    page_of(args)
    args.rest()


def hide_version(args: Args) -> None:
    page_of(args).hide_version = True
    args.rest()


def http_request(args: Args) -> None:
    """`stats http-request <action> [if ...]`: who may see the page."""
    if args.in_defaults:
        raise KeywordError("'stats' not allowed in 'defaults' section.", 0, lead=TIGHT)
    page = page_of(args)
    if page.rules and page.rules[-1].condition is None:
        args.warn("previous 'stats' action has no condition attached, further entries are NOOP.", TIGHT)
    args.name = Ruleset.HTTP_REQUEST.value
    rule = read_http_rule(args, Ruleset.HTTP_REQUEST)
    warn_conflicts(args, rule.condition)
    page.rules.append(rule)


def realm(args: Args) -> None:
    page_of(args).realm = _argument(args, "'realm' needs an realm name.")


def refresh(args: Args) -> None:
    text = _argument(args, "'refresh' needs a time.")
    what = "argument to stats refresh interval"
    try:
        page_of(args).refresh = parse_time(text, "s")
    except UnitError as error:
        if error.kind == "overflow":
            complaint = f"timer overflow in argument <{text}> to stats refresh interval, maximum value is 2147483647 s"
            raise KeywordError(f"{complaint} (~68 years).", lead=TIGHT) from None
        raise KeywordError(f"unexpected character '{error.char}' in {what}.", lead=TIGHT) from None


def scope(args: Args) -> None:
    name = _argument(args, "'scope' needs a proxy name.")
    page = page_of(args)
    page.scope = (*page.scope, name)


def show_desc(args: Args) -> None:
    description = " ".join(args.rest()) or args.context.settings.globals.description
    if description is None:
        args.warn("'show-desc' requires a parameter or 'desc' to be set in the global section.", TIGHT)
        return
    page_of(args).description = description


def show_legends(args: Args) -> None:
    page_of(args).legends = True
    args.rest()


def show_modules(args: Args) -> None:
    page_of(args).modules = True
    args.rest()


def show_node(args: Args) -> None:
    page = page_of(args)
    name = args.take()
    args.rest()
    if name and not _NODE.fullmatch(name):
        raise KeywordError(
            "'stats show-node' invalid node name - should be a stringwith digits(0-9), letters(A-Z, a-z), hyphen(-) "
            "or underscode(_).",
            lead=TIGHT,
        )
    page.show_node, page.node = True, name or None


def uri(args: Args) -> None:
    page_of(args).uri = _argument(args, "'uri' needs an URI prefix.")


# --- once all lines are read ---


def check_pages(ctx: Context) -> None:
    """Says what does not fit together, and settles where the conditions of pages are asked."""
    for proxy in ctx.settings.proxies:
        if proxy.stats is not None and not proxy.disabled:
            _check_page(ctx, proxy, proxy.stats)


def _check_page(ctx: Context, proxy: ProxySettings, page: StatsPage) -> None:
    label = f"{kind_word(proxy)} '{proxy.name}'"
    if proxy.mode != "http":
        _say(ctx, Severity.WARNING, f"'stats' statement ignored for {label} as it requires HTTP mode.")
        proxy.stats = None
        return
    if page.rules and (page.users or page.realm is not None):
        what = "stats 'auth'/'realm' and 'http-request' can't be used at the same time."
        _say(ctx, Severity.ALERT, f"proxy '{proxy.name}': {what}")
    point = side_of(proxy, Ruleset.HTTP_REQUEST)
    rules: list[Any] = [replace(rule, condition=settled(proxy, rule.condition, point)) for rule in page.rules]
    admin = [settled(proxy, held, point) for held in page.admin]
    proxy.stats = replace(page, rules=rules, admin=admin)


def _say(ctx: Context, severity: Severity, text: str) -> None:
    ctx.reporter.diagnostics.add(Diagnostic(severity, readable(f"config : {text}")))


KEYWORDS.register(
    Keyword(("stats",), PROXIES, stats, "{enable|uri|...} ...", "The statistics page.", "0.2"),
    Keyword(
        ("stats", "admin"), PROXIES, admin, "{if|unless} <condition>", "Who may change servers on the page.", "0.2"
    ),
    Keyword(("stats", "auth"), PROXIES, auth, "<user>:<password>", "A user who may see the page.", "0.2"),
    Keyword(("stats", "enable"), PROXIES, enable, "", "Has the page with its defaults.", "0.2"),
    Keyword(("stats", "hide-version"), PROXIES, hide_version, "", "Leaves out the version.", "0.2"),
    Keyword(
        ("stats", "http-request"),
        PROXIES,
        http_request,
        "{allow|deny|auth [realm <realm>]} [{if|unless} <condition>]",
        "A rule about who may see the page.",
        "0.2",
    ),
    Keyword(("stats", "realm"), PROXIES, realm, "<realm>", "What a password is asked for.", "0.2"),
    Keyword(("stats", "refresh"), PROXIES, refresh, "<time>", "How often the page looks again.", "0.2"),
    Keyword(
        ("stats", "scope"), PROXIES, scope, "{<proxy>|.}", "A proxy that the page shows; else it shows all.", "0.2"
    ),
    Keyword(("stats", "show-desc"), PROXIES, show_desc, "[<text>]", "Shows a description.", "0.2"),
    Keyword(("stats", "show-legends"), PROXIES, show_legends, "", "Shows addresses, cookies, algorithms.", "0.2"),
    Keyword(("stats", "show-modules"), PROXIES, show_modules, "", "Shows the counters of connections.", "0.2"),
    Keyword(("stats", "show-node"), PROXIES, show_node, "[<name>]", "Shows the name of this instance.", "0.2"),
    Keyword(("stats", "uri"), PROXIES, uri, "<prefix>", "What the page's URLs begin with.", "0.2"),
)
