"""What an unknown command may have meant."""

import pytest

from lbcore.cli.registry import NOTHING, Command, Registry
from lbcore.cli.suggest import MOST, commands_like

WORDS = ["show cli level", "show cli sockets", "show fd", "show info", "show stat", "set timeout", "operator"]


@pytest.fixture
def registry() -> Registry:
    found = Registry()
    found.add(*(Command(tuple(words.split()), words, "h", lambda call: NOTHING) for words in WORDS))
    found.add(Command(("quit",), "quit", "h", lambda call: NOTHING, last=True))
    return found


def like(registry: Registry, text: str) -> list[str]:
    return [row.usage for row in commands_like(registry, text.split())]


def test_a_prefix_lists_all_that_begin_with_it(registry: Registry) -> None:
    assert like(registry, "show cli") == ["show cli level", "show cli sockets"]
    assert like(registry, "show") == [words for words in WORDS if words.startswith("show")]


def test_known_words_narrow_the_choice(registry: Registry) -> None:
    assert like(registry, "set timxout") == ["set timeout"]


@pytest.mark.parametrize(
    ("typed", "meant"), [("shxw info", "show info"), ("opxrator", "operator"), ("SHOW fd", "show fd")]
)
def test_the_command_meant_is_among_them(registry: Registry, typed: str, meant: str) -> None:
    assert meant in like(registry, typed)


def test_there_are_never_many(registry: Registry) -> None:
    assert len(like(registry, "zzz")) == MOST < len(WORDS)


def test_a_full_command_is_only_itself(registry: Registry) -> None:
    assert like(registry, "show fd") == ["show fd"]
