"""The registry refuses what would make the meaning of a word depend on the order of imports."""

from __future__ import annotations

import pytest

from lbcore.base.registry import Registry, RegistryError


def test_gives_back_what_was_added() -> None:
    words: Registry[int] = Registry("word")
    words.add("b", 2)
    words.add("a", 1)
    assert words["a"] == 1
    assert words.get("c") is None
    assert "b" in words
    assert "c" not in words
    assert list(words) == ["a", "b"]
    assert len(words) == 2


def test_refuses_a_name_claimed_twice() -> None:
    words: Registry[int] = Registry("word")
    words.add("a", 1)
    with pytest.raises(RegistryError, match="word 'a' is claimed twice"):
        words.add("a", 1)
    assert words["a"] == 1


def test_refuses_everything_once_frozen() -> None:
    words: Registry[int] = Registry("word")
    words.freeze()
    assert words.frozen
    with pytest.raises(RegistryError, match="word 'a' is registered after the start"):
        words.add("a", 1)
