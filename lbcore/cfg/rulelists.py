"""The rules of a proxy while its section is read, and what proxies inherit of the rules of `defaults` sections (manual
4).
"""

from __future__ import annotations

from copy import copy

from lbcore.cfg.arguments import TIGHT, Args, KeywordError
from lbcore.proxy.settings import ProxySettings
from lbcore.sample.points import Point
from lbcore.stream.rules import RuleLists, Ruleset

# Where the rules of a list run: in a frontend, in a backend.
POINTS = {
    Ruleset.TCP_CONNECTION: (Point.FE_CONN, Point(0)),
    Ruleset.TCP_SESSION: (Point.FE_SESS, Point(0)),
    Ruleset.TCP_CONTENT: (Point.FE_CONTENT, Point.BE_CONTENT),
    Ruleset.TCP_RESPONSE: (Point(0), Point.BE_RES_CONTENT),
    Ruleset.HTTP_REQUEST: (Point.FE_REQ_HDR, Point.BE_REQ_HDR),
    Ruleset.HTTP_RESPONSE: (Point.FE_RES_HDR, Point.BE_RES_HDR),
    Ruleset.HTTP_AFTER: (Point.FE_RES_HDR, Point.BE_RES_HDR),
}


def rules_of(proxy: ProxySettings) -> RuleLists:
    """The rules of a proxy, made when the first is asked for."""
    if proxy.rules is None:
        proxy.rules = RuleLists()
    rules: RuleLists = proxy.rules
    return rules


def inherit_rules(template: ProxySettings, proxy: ProxySettings) -> None:
    """Gives a proxy lists of its own that begin with the rules of its `defaults` section. Named ACLs of that section
    are for its own rules only. Rules keep the numbers of captures, so these are inherited with them.
    """
    proxy.acls = {}
    proxy.captures_request = list(template.captures_request)
    proxy.captures_response = list(template.captures_response)
    if template.rules is None:
        return
    rules: RuleLists = copy(template.rules)
    rules.lists = {ruleset: list(listed) for ruleset, listed in rules.lists.items()}
    rules.inherited = {ruleset: len(listed) for ruleset, listed in rules.lists.items()}
    proxy.rules = rules


def check_heirs(args: Args, template: ProxySettings, kind: str) -> None:
    """Raises KeywordError if a `defaults` section has rules that its heir can't have: they must know their side."""
    if template.rules is None or not template.rules.lists:
        return
    place = f" (defaults section at {template.where})"
    if kind == "defaults":
        raise KeywordError(
            f"a defaults section cannot inherit from a defaults section defining TCP/HTTP rules{place}.", 0, lead=TIGHT
        )
    if kind == "listen":
        raise KeywordError(
            "a listen section cannot inherit from a defaults section defining TCP/HTTP rules.", 0, lead=TIGHT
        )
    if kind == "backend" and (template.captures_request or template.captures_response):
        raise KeywordError(
            f"backend or defaults sections cannot inherit from a defaults section defining captures{place}.",
            0,
            lead=TIGHT,
        )
    heirs = args.context.notes.setdefault(__name__, {})
    assert isinstance(heirs, dict)
    if heirs.setdefault(id(template), kind) != kind:
        raise KeywordError(
            "frontends and backends cannot inherit from the same defaults section if it defines TCP/HTTP rules"
            f"{place}.",
            0,
            lead=TIGHT,
        )


def point_of(proxy: ProxySettings, ruleset: Ruleset) -> Point:
    """Where rules of a list run; in a `listen` section, and of `defaults`, that may be in two places."""
    front, back = POINTS[ruleset]
    return (front if proxy.has_frontend else Point(0)) | (back if proxy.has_backend else Point(0))


def side_of(proxy: ProxySettings, ruleset: Ruleset) -> Point:
    """Where conditions of a list are asked: on the frontend's side, if there is one."""
    front, back = POINTS[ruleset]
    return front if front and proxy.has_frontend else back
