"""Actions on pattern files: `set-map`, `del-map`, `add-acl`, `del-acl` (manual 4.2).

What they change is seen by all threads, and by everything that uses the same file.
"""

from __future__ import annotations

from collections.abc import Callable

from lbcore.action.spec import Spec, inside, spec
from lbcore.sample.build import Build
from lbcore.sample.format import parse_format
from lbcore.sample.words import ParseError, Words
from lbcore.stream.rules import ACTIONS, Action, Outcome, Ruleset, Run
from lbcore.stream.txn import Txn


def _file(words: Words, count: int) -> str:
    """The file in the word's parentheses; looks whether `count` arguments follow."""
    names = inside(words.peek(-1))
    if not names or not names[0] or any(not words.peek(ahead) for ahead in range(count)):
        raise ParseError(f"expects exactly {count} arguments", words.at)
    return ",".join(names)


def set_map(words: Words, ruleset: Ruleset) -> Spec:
    """`set-map(<file>) <key> <value>`: replaces the value of a key, or adds it."""
    start = words.at - 1
    file = _file(words, 2)
    key, value = parse_format(words.take(), words), parse_format(words.take(), words)

    def make(build: Build) -> Run:
        reference = build.reference(file, "map")
        key_of, value_of = key.make(build), value.make(build)

        def run(t: Txn) -> Outcome | None:
            reference.put(key_of(t), value_of(t))
            return None

        return run

    return spec(words, start, make, mutates=True)


def _keyed(kind: str, method: str) -> Callable[[Words, Ruleset], Spec]:
    """The parser of an action that gives a key to a method of a reference."""

    def parse(words: Words, ruleset: Ruleset) -> Spec:
        start = words.at - 1
        file = _file(words, 1)
        key = parse_format(words.take(), words)

        def make(build: Build) -> Run:
            change, key_of = getattr(build.reference(file, kind), method), key.make(build)

            def run(t: Txn) -> Outcome | None:
                change(key_of(t))
                return None

            return run

        return spec(words, start, make, mutates=True)

    return parse


MESSAGES = (Ruleset.HTTP_REQUEST, Ruleset.HTTP_RESPONSE)
HTTP = (*MESSAGES, Ruleset.HTTP_AFTER)

ACTIONS.register(
    Action("add-acl", MESSAGES, _keyed("acl", "put"), "Adds a pattern to a file of an ACL.", prefix=True),
    Action("del-acl", HTTP, _keyed("acl", "delete"), "Removes a pattern from a file of an ACL.", prefix=True),
    Action("del-map", HTTP, _keyed("map", "delete"), "Removes a key from a map.", prefix=True),
    Action("set-map", HTTP, set_map, "Sets the value of a key of a map.", prefix=True),
)
