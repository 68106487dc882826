"""The registry of commands: look-up, order, and what it refuses."""

import pkgutil
from importlib import import_module

import pytest

from lbcore import cli
from lbcore.base.registry import RegistryError
from lbcore.cli import registry as standard_registry
from lbcore.cli.registry import NOTHING, Call, Command, Registry, Reply


def nothing(call: Call) -> Reply:
    return NOTHING


def command(words: str, **more: object) -> Command:
    return Command(tuple(words.split()), words, "help", nothing, **more)  # type: ignore[arg-type]


def test_the_longest_words_win() -> None:
    registry = Registry()
    registry.add(command("show"), command("show stat"))
    found = registry.find(["show", "stat", "up"])
    assert found is not None
    assert found.words == ("show", "stat")


def test_a_prefix_of_the_words_is_no_command() -> None:
    registry = Registry()
    registry.add(command("show stat"))
    assert registry.find(["show"]) is None
    assert registry.find([]) is None


def test_words_claimed_twice_are_refused() -> None:
    registry = Registry()
    registry.add(command("show stat"))
    with pytest.raises(ValueError, match="'show stat' is claimed twice"):
        registry.add(command("show stat"))


def test_nobody_registers_once_it_is_used() -> None:
    registry = Registry()
    registry.find(["x"])
    with pytest.raises(RuntimeError):
        registry.add(command("x"))


def test_lists_are_in_order_with_the_common_ones_last() -> None:
    registry = Registry()
    registry.add(command("help", last=True), command("show b"), command("set x"), command("show a"))
    assert [row.usage for row in registry] == ["set x", "show a", "show b", "help"]


def test_usage_and_help_are_aligned() -> None:
    assert command("show a").line == "  show a                                  : help\n"


def test_every_standard_command_has_a_help_text() -> None:
    for row in standard_registry():
        assert row.usage.startswith(" ".join(row.words))
        assert row.help


def test_each_command_is_announced_for_the_file_that_has_its_row() -> None:
    files = [name for _, name, _ in pkgutil.iter_modules(cli.__path__) if name.startswith("cmd_")]
    found = {
        name: sorted(" ".join(row.words) for row in import_module(f"lbcore.cli.{name}").COMMANDS) for name in files
    }
    assert {name: sorted(words) for name, words in cli.STANDARD.items()} == found


def test_refuses_a_row_that_was_not_announced() -> None:
    registry = Registry()
    registry.announce("lbcore.cli", {"cmd_show": ["show info"]})
    with pytest.raises(RegistryError, match="'show cli level' is not announced"):
        registry.find(["show", "info"])


def test_words_that_were_announced_are_taken() -> None:
    registry = standard_registry()
    with pytest.raises(ValueError, match="'show stat' is claimed twice"):
        registry.add(command("show stat"))
