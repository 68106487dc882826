"""Rules made by hand and run over transactions, without a balancer: for the tests of actions and of lists of rules."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from lbcore.cfg import tokenizer
from lbcore.cfg.environment import Environment
from lbcore.cfg.vocabulary import load_vocabulary
from lbcore.sample.acl import parse_condition
from lbcore.sample.points import Point
from lbcore.sample.words import Words
from lbcore.shim import lib
from lbcore.stream.rulelist import compile_rules
from lbcore.stream.rules import ACTIONS, Outcome, Rule, Ruleset
from lbcore.stream.txn import Txn
from tests.fetch.transactions import FakeBuild, FakeWorld

load_vocabulary()


def cut(text: str) -> list[str]:
    """The words of a line of configuration."""
    return [word.text for word in tokenizer.cut(text, Environment({}))]


def parse(text: str, ruleset: Ruleset = Ruleset.HTTP_REQUEST, **place: Any) -> Any:
    """The spec of an action, `text` being the line without the words of its list; `place` are fields of Words.

    Raises ParseError.
    """
    words = Words(cut(text), **place)
    row = ACTIONS.find(ruleset, words.take())
    assert row is not None, text
    return row.parse(words, ruleset)


def rule(text: str, ruleset: Ruleset = Ruleset.HTTP_REQUEST, line: int = 1, **place: Any) -> Rule:
    """A whole rule, with its condition."""
    words = Words(cut(text), file="lb.cfg", line=line, **place)
    row = ACTIONS.find(ruleset, words.take())
    assert row is not None, text
    action = row.parse(words, ruleset)
    held = parse_condition(words) if words.more else None
    return Rule(action, held, "lb.cfg", line, f"{ruleset.value} {text}")


def condition(text: str, **place: Any) -> Any:
    """A condition by itself."""
    return parse_condition(Words(cut(text), **place))


class Build(FakeBuild):
    """A FakeBuild that makes what is shared once."""

    def __init__(self, world: FakeWorld | None = None, proxy: str = "fe") -> None:
        super().__init__(world, proxy)
        self.made: dict[Hashable, Any] = {}

    def shared(self, key: Hashable, make: Callable[[], Any]) -> Any:
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]


def build_of(t: Txn) -> Build:
    """What rules of a transaction's frontend are compiled with."""
    assert isinstance(t.world, FakeWorld)
    return Build(t.world)


def run(t: Txn, *lines: str, ruleset: Ruleset = Ruleset.HTTP_REQUEST, build: Build | None = None) -> Outcome | None:
    """What a list of rules comes to."""
    rules = [rule(text, ruleset, number) for number, text in enumerate(lines, 1)]
    outcome: Outcome | None = compile_rules(rules, build or build_of(t), point=Point(0))(t)
    return outcome


class Recorder:
    """The shim's door with some functions replaced: calls of them are kept, and give `answer`."""

    def __init__(self, answer: int = 0) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.answer = answer

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("eng_"):
            return getattr(lib, name)

        def call(*args: Any) -> int:
            self.calls.append((name, *args))
            return self.answer

        return call

    def of(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of the calls of one function."""
        return [call[1:] for call in self.calls if call[0] == name]


@contextmanager
def recorded(*modules: ModuleType, answer: int = 0) -> Iterator[Recorder]:
    """Has modules call a Recorder instead of the shim."""
    recorder = Recorder(answer)
    with pytest.MonkeyPatch.context() as patch:
        for module in modules:
            patch.setattr(module, "lib", recorder)
        yield recorder
