"""Warnings about rules: those that run earlier than they stand, and conditions that can't hold where they are asked
for.
"""

from __future__ import annotations

import re
from typing import Any

from lbcore.cfg.arguments import Args
from lbcore.cfg.rulelists import rules_of
from lbcore.sample.points import LEGEND
from lbcore.sample.sources import source_of
from lbcore.stream.rules import RuleLists, Ruleset

# Kinds of rules in the order in which they run, each with the words of its lines and the article before them.
_ORDER: tuple[tuple[str, str], ...] = (
    ("tcp-request connection", "a"),
    ("tcp-request session", "a"),
    ("tcp-request content", "a"),
    ("monitor fail", "a"),
    ("http-request", "an"),
    ("redirect", "a"),
    ("use_backend", "a"),
    ("use-server", "a"),
)
_NAMES = [name for name, _ in _ORDER]


def warn_misplaced(args: Args, kind: str) -> None:
    """Warns if rules that run later than this one stand before it. The rule itself isn't in its list yet."""
    if kind not in _NAMES:
        return
    rules = rules_of(args.proxy)
    for name, article in _ORDER[_NAMES.index(kind) + 1 :]:
        if not _has(rules, name):
            continue
        first = "tcp-request" if kind.startswith("tcp-request") else kind
        args.warn(f"a '{first}' rule placed after {article} '{name}' rule will still be processed before.", at=0)
        return


def _has(rules: RuleLists, name: str) -> bool:
    others = {
        "monitor fail": rules.monitor_fail,
        "redirect": rules.redirects,
        "use_backend": rules.use_backend,
        "use-server": rules.use_server,
    }
    return bool(others[name] if name in others else rules.own(Ruleset(name)))


def warn_conflicts(args: Args, condition: Any, where: str = "") -> None:
    """Warns about the first ACL of a condition (None: there is none) that nothing can match where the rule runs, else
    about the first of which a part can't. `where` is "" for rules of HTTP, else what their sentences say of the place.
    """
    if condition is None:
        return
    point = condition.point
    place = LEGEND[int(point).bit_length() - 1]
    acls = [term.acl for terms in condition.alternatives for term in terms]
    for acl in acls:
        if not acl.points & point:
            args.warn(_never(acl, where, place))
            return
    for acl in acls:
        for test in acl.tests:
            if not test.expression.points & point:
                what = "keyword" if where else "keywords"
                args.warn(f"acl '{acl.name}' involves {what} '{_keyword(test)}' which is incompatible with '{place}'")
                return


def _never(acl: Any, where: str, place: str) -> str:
    if acl.name:
        return (
            f"acl '{acl.name}' will never match{where} because it only involves keywords that are incompatible with "
            f"'{place}'"
        )
    return (
        f"anonymous acl will never match{where} because it uses keyword '{_keyword(acl.tests[0])}' which is "
        f"incompatible with '{place}'"
    )


def _keyword(test: Any) -> str:
    """The word that a test of an ACL begins with."""
    return re.split(r"[(, ]", test.text, maxsplit=1)[0]


def reads_buffer(condition: Any) -> bool:
    """Whether a condition asks for bytes of mode tcp."""
    tests = (test for terms in condition.alternatives for term in terms for test in term.acl.tests)
    return any(source_of(test.expression.row).endswith("buffer") for test in tests)
