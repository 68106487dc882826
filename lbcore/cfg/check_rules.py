"""What can be said about the rules of a proxy once the whole configuration is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from lbcore.cfg.arguments import kind_word
from lbcore.cfg.order import reads_buffer
from lbcore.cfg.rulelists import side_of
from lbcore.cfg.vocabulary import has_messages
from lbcore.proxy.settings import ProxySettings, Settings
from lbcore.sample.points import Point
from lbcore.stream.rules import Rule, RuleLists, Ruleset

Say = Callable[[str], None]  # adds a message about no particular line

_HTTP_LISTS = (Ruleset.HTTP_REQUEST, Ruleset.HTTP_RESPONSE, Ruleset.HTTP_AFTER)


def check_use_backend(proxy: ProxySettings, backends: Mapping[str, ProxySettings], alert: Say) -> None:
    """Looks whether the backends that rules name are there and fit. What a format gives shows when it is computed."""
    for rule in _rules(proxy).use_backend:
        if not isinstance(rule.name, str):
            continue
        target = backends.get(rule.name)
        if target is None:
            alert(f"Proxy '{proxy.name}': unable to find required use_backend: '{rule.name}'.")
        elif target is proxy:
            alert(f"Proxy '{proxy.name}': loop detected for use_backend: '{rule.name}'.")
        elif target.mode != proxy.mode and not switches(proxy):
            alert(
                f"{proxy.mode} {kind_word(proxy)} '{proxy.name}' ({proxy.where}) tries to use incompatible "
                f"{target.mode} {kind_word(target)} '{target.name}' ({target.where}) in a 'use_backend' rule "
                "(see 'mode')."
            )


def switches(proxy: ProxySettings) -> bool:
    """Whether connections of a proxy in mode tcp may go on in mode http, so that its backend may be of that mode."""
    return _rules(proxy).switches


def check_use_server(proxy: ProxySettings, alert: Say) -> None:
    """Looks whether the servers that rules name are there."""
    names = {server.name for server in proxy.servers}
    for rule in _rules(proxy).use_server:
        if isinstance(rule.name, str) and rule.name not in names:
            alert(
                f"{kind_word(proxy)} '{proxy.name}' : unable to find server '{rule.name}' referenced in a "
                "'use-server' rule."
            )


def check_actions(proxy: ProxySettings, settings: Settings, alert: Say) -> None:
    """Has each action look at its complete proxy."""
    for rule in _all(_rules(proxy)):
        look = getattr(rule.action, "check", None)
        complaint = look(proxy, settings) if look is not None else None
        if complaint is not None:
            alert(f"Proxy '{proxy.name}': {complaint}")


def check_mode(proxy: ProxySettings, warn: Say) -> None:
    """In mode tcp there is nothing that rules of HTTP could look at: they are left aside."""
    if proxy.mode == "http" or proxy.rules is None:
        return
    rules = _rules(proxy)
    label = f"{kind_word(proxy)} '{proxy.name}'"
    for ruleset in _HTTP_LISTS:
        if rules.lists.pop(ruleset, None):
            warn(f"'{ruleset.value}' rules ignored for {label} as they require HTTP mode.")
    if rules.redirects:
        warn(f"'redirect' rules ignored for {label} as they require HTTP mode.")
        rules.redirects = []


def check_contents(proxy: ProxySettings, warn: Say) -> None:
    """Warns about rules over contents that may not be there, or that never are."""
    rules = _rules(proxy)
    contents = rules.of(Ruleset.TCP_CONTENT)
    if rules.inspect_delay is None and any(getattr(rule.action, "contents", False) for rule in contents):
        warn(
            f"{kind_word(proxy)} '{proxy.name}' : a 'tcp-request capture' rule explicitly depending on request "
            "contents without any 'tcp-request inspect-delay' setting. This means that this rule will randomly find "
            "its contents. This can be fixed by setting the tcp-request inspect-delay."
        )
    if proxy.mode == "http":
        for rule in (*contents, *rules.of(Ruleset.TCP_RESPONSE)):
            if rule.condition is not None and reads_buffer(rule.condition):
                warn(f"Proxy '{proxy.name}': L6 sample fetches ignored on HTTP proxies (declared at {rule.where}).")


def settle_conditions(proxy: ProxySettings) -> None:
    """Tells conditions where they are asked in the end: `mode` may follow them, and those of `defaults` have heirs."""
    if proxy.rules is None:
        return
    rules = _rules(proxy)
    for ruleset, listed in rules.lists.items():
        _settle(proxy, listed, side_of(proxy, ruleset))
    others: list[list[Any]] = [rules.redirects, rules.use_backend, rules.use_server]
    for listed in others:
        _settle(proxy, listed, None)


def _settle(proxy: ProxySettings, rules: list[Any], point: Point | None) -> None:
    """Replaces rules whose condition says otherwise; None: what it says of its point is right. Heirs share rules."""
    for at, rule in enumerate(rules):
        held = settled(proxy, rule.condition, point)
        if held is not rule.condition:
            rules[at] = replace(rule, condition=held)


def settled(proxy: ProxySettings, held: Any, point: Point | None) -> Any:
    """A condition (None: there is none) as it is asked in the end, at `point`, None: where it says itself."""
    if held is None:
        return None
    asked = held.point if point is None else point
    inline = has_messages(proxy.mode, asked)
    return held if (held.point, held.inline) == (asked, inline) else replace(held, point=asked, inline=inline)


def join_hints(proxy: ProxySettings) -> None:
    """Has `early-hint` rules that follow each other, the later ones without a condition, fill one response."""
    rules = _rules(proxy).lists.get(Ruleset.HTTP_REQUEST, [])
    for at, (rule, follower) in enumerate(pairwise(rules)):
        if rule.action.name == follower.action.name == "early-hint" and follower.condition is None:
            action: Any = rule.action
            rules[at] = replace(rule, action=replace(action, more=True))


def _rules(proxy: ProxySettings) -> RuleLists:
    return proxy.rules if proxy.rules is not None else RuleLists()


def _all(rules: RuleLists) -> Iterator[Rule]:
    for ruleset in Ruleset:
        yield from rules.of(ruleset)
    yield from rules.redirects
