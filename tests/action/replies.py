"""Rules that answer, run over transactions made by hand: what they would send."""

from __future__ import annotations

import shlex

import lbcore.stream.aliases  # noqa: F401 - fills the table of aliases
from lbcore.cfg.vocabulary import load_vocabulary
from lbcore.sample.words import Words
from lbcore.stream.rules import ACTIONS, Outcome, Reply, Ruleset
from lbcore.stream.txn import Txn
from tests.fetch.transactions import FakeBuild, FakeWorld

load_vocabulary()


def words(text: str, **fields: object) -> Words:
    """The words of a line of the proxy `fe`, the first of which is taken already."""
    return Words(shlex.split(text), 1, "lb.cfg", 1, "fe", **fields)  # type: ignore[arg-type]


def parse(text: str, ruleset: Ruleset = Ruleset.HTTP_REQUEST, **fields: object):  # type: ignore[no-untyped-def]
    """The spec of an action from its text."""
    taken = words(f"{ruleset.value.split()[-1]} {text}", **fields)
    word = taken.take()
    row = ACTIONS.find(ruleset, word)
    assert row is not None, word
    found = row.parse(taken, ruleset)
    assert taken.at_condition, f"left: {taken.texts[taken.at :]}"
    return found


def run(text: str, t: Txn, ruleset: Ruleset = Ruleset.HTTP_REQUEST) -> Outcome | None:
    """What an action comes to for a transaction."""
    world = t.world
    assert isinstance(world, FakeWorld)
    found: Outcome | None = parse(text, ruleset).make(FakeBuild(world))(t)
    return found


def sent(outcome: Outcome | None) -> bytes:
    """The whole response of an outcome that answers."""
    assert isinstance(outcome, Reply), outcome
    return outcome.head.encode("latin-1") + outcome.body
