"""Named ACLs: `acl <name> <criterion> [flags] [operator] <value>...` (manual 7.1).

A name is known from its line on, in its own section only. A second line of the same name adds to the first.
"""

from __future__ import annotations

import re

from lbcore.cfg.arguments import Args, KeywordError
from lbcore.cfg.keywords import KEYWORDS, PROXIES, Keyword
from lbcore.cfg.vocabulary import read, words_of
from lbcore.sample.points import Point

_NAME = re.compile(r"[A-Za-z0-9_:.-]*")


def acl(args: Args) -> None:
    if args.in_defaults and not args.proxy.name:
        raise KeywordError("'acl' not allowed in anonymous 'defaults' section.", 0)
    name = args.peek()
    if not name:
        raise KeywordError("'acl' expects a name, a criterion and values.")
    valid = _NAME.match(name)
    if valid is not None and valid.end() < len(name):
        raise KeywordError(f"character '{name[valid.end()]}' is not permitted in acl name '{name}'.", args.position)
    if name.lower() == "or":
        raise KeywordError(
            f"acl name '{name}' will never match. 'or' is used to express a logical disjunction within a condition.",
            args.position,
        )
    words = words_of(args, Point(0))
    from lbcore.sample.acl import parse_acl  # with the vocabulary

    read(args, words, parse_acl, f"error detected while parsing ACL '{name}' : {{}}.")


KEYWORDS.register(
    Keyword(
        ("acl",), PROXIES, acl, "<name> <criterion> [flags] [operator] <value>...", "Names something to ask for.", "0.2"
    ),
)
