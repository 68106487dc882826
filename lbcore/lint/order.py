"""Rules that are never met, or not when they seem to be (LB1xx)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lbcore.cfg.kw_rules import FINAL
from lbcore.lint.finding import Hit, Level, Lint, register
from lbcore.lint.subject import Section, Subject, all_rules, rules_of, where_of
from lbcore.sample.acl import Condition

# The lists in the order in which they are run, by the first words of their lines.
STAGES = (
    ("tcp-request", "connection"),
    ("tcp-request", "session"),
    ("tcp-request", "content"),
    ("http-request",),
    ("redirect",),
    ("use_backend",),
)


def _stage(texts: Sequence[str]) -> int | None:
    return next((at for at, words in enumerate(STAGES) if texts[: len(words)] == list(words)), None)


def misplaced(subject: Subject) -> Iterator[Hit]:
    for section in subject.ruled:
        last, before = -1, ""
        for line in section.lines:
            stage = _stage(line.texts())
            if stage is None:
                continue
            if stage < last:
                name = " ".join(STAGES[stage])
                yield Hit(line, f"this '{name}' rule stands behind '{before}' rules but runs before them")
            else:
                last, before = stage, " ".join(STAGES[stage])


def unreachable(subject: Subject) -> Iterator[Hit]:
    for _, proxy in subject.proxies:
        rules = rules_of(proxy)
        for ruleset in rules.lists:
            listed = rules.of(ruleset)
            final = next((at for at, rule in enumerate(listed) if _ends(rule) and rule.condition is None), None)
            for rule in listed[final + 1 :] if final is not None else ():
                yield Hit(rule.where, f"never reached: the rule at {listed[final or 0].where} always ends the list")


def _ends(rule: Any) -> bool:
    return rule.action.name in FINAL


def repeated(subject: Subject) -> Iterator[Hit]:
    for _, proxy in subject.proxies:
        rules = rules_of(proxy)
        for ruleset in rules.lists:
            yield from _repeated([rule for rule in rules.of(ruleset) if _ends(rule)])
        yield from _repeated(rules.use_backend)
        yield from _repeated(rules.redirects)


def _repeated(listed: Sequence[Any]) -> Iterator[Hit]:
    first: dict[str, Any] = {}
    for rule in listed:
        if rule.condition is None:
            continue
        before = first.setdefault(rule.condition.text, rule)
        if before is not rule:
            yield Hit(where_of(rule), f"never applies: the rule at {where_of(before)} ends with the same condition",
                      rule.condition.text.split()[0])  # fmt: skip


def after_use_backend(subject: Subject) -> Iterator[Hit]:
    for _, proxy in subject.proxies:
        listed = rules_of(proxy).use_backend
        always = next((at for at, rule in enumerate(listed) if rule.condition is None), None)
        for rule in listed[always + 1 :] if always is not None else ():
            yield Hit(where_of(rule), f"never reached: {where_of(listed[always or 0])} has no condition")


def dead_default(subject: Subject) -> Iterator[Hit]:
    """A name made by a log-format may be that of no backend: the default is taken then."""
    for section, proxy in subject.proxies:
        always = next((rule for rule in rules_of(proxy).use_backend if rule.condition is None), None)
        for line in section.find("default_backend") if always is not None and isinstance(always.name, str) else ():
            yield Hit(line, f"never used: the 'use_backend' at {where_of(always)} has no condition")


def contradiction(subject: Subject) -> Iterator[Hit]:
    for _, proxy in subject.proxies:
        for rule in all_rules(proxy):
            for name in _contradicted(rule.condition):
                yield Hit(where_of(rule), f"an alternative asks for '{name}' and for '!{name}': it never holds", name)


def _contradicted(condition: Condition | None) -> Iterator[str]:
    for terms in condition.alternatives if condition is not None else ():
        wanted = {term.acl.text for term in terms if not term.negated}
        yield from sorted(wanted & {term.acl.text for term in terms if term.negated})


def scheme_loop(subject: Subject) -> Iterator[Hit]:
    for section in subject.ruled:
        for line in _redirects(section):
            texts = line.texts()
            if "scheme" in texts and not {"if", "unless"} & set(texts):
                yield Hit(line, "redirects every request to a scheme, also those that came by it: a loop", "scheme")


def _redirects(section: Section) -> Iterator[Any]:
    yield from section.find("redirect")
    yield from section.find("http-request", "redirect")


register(
    Lint("LB101", "rule-behind-later-stage", Level.WARNING, "A rule stands behind rules that run after it.",
         "Move the line before those that run later, so that the file reads in the order of processing.", misplaced),
    Lint("LB102", "unreachable-rule", Level.ERROR, "A rule stands behind one that always ends its list.",
         "Give the earlier rule a condition, or remove the later ones.", unreachable),
    Lint("LB103", "repeated-condition", Level.WARNING, "Two rules that end their list have the same condition.",
         "Remove the second rule, or correct its condition.", repeated),
    Lint("LB104", "unreachable-use-backend", Level.ERROR, "A use_backend rule stands behind one without a condition.",
         "Make the rule without a condition the last one, or a 'default_backend'.", after_use_backend),
    Lint("LB105", "unreachable-default-backend", Level.WARNING, "A use_backend rule always comes before the default.",
         "Give the rule a condition, or remove 'default_backend'.", dead_default),
    Lint("LB106", "contradictory-condition", Level.ERROR, "A condition asks for an ACL and for its contrary.",
         "Put 'or' between the two, or remove one of them.", contradiction),
    Lint("LB107", "redirect-scheme-loop", Level.ERROR, "A redirection to another scheme has no condition.",
         "Add 'unless { ssl_fc }', or what tells that the request came by that scheme.", scheme_loop),
)  # fmt: skip
