"""Words whose modules are imported with the first of them that is asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lbcore.base.registry import Registry, RegistryError, Topics

TABLES: dict[str, Registry[int]] = {}  # what the modules of a test fill

MODULE = "from tests.base.test_topics import TABLES\n{}"


@pytest.fixture(autouse=True)
def rows() -> Registry[int]:
    table = TABLES["row"] = Registry("row")
    return table


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package of two topics: `low` has "a" and "b", `high` has "c"."""
    folder = tmp_path / "topics_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "low.py").write_text(MODULE.format("for name in 'ab': TABLES['row'].add(name, ord(name))"))
    (folder / "high.py").write_text(MODULE.format("TABLES['row'].add('c', ord('c'))"))
    monkeypatch.syspath_prepend(tmp_path)
    yield folder.name
    for name in [name for name in sys.modules if name.startswith(folder.name)]:
        del sys.modules[name]


def is_loaded(package: str, topic: str) -> bool:
    return f"{package}.{topic}" in sys.modules


def test_imports_the_module_of_a_word_that_is_asked_for_and_no_other(rows: Registry[int], package: str) -> None:
    rows.announce(package, {"low": "ab", "high": "c"})
    assert rows["b"] == ord("b")
    assert is_loaded(package, "low")
    assert not is_loaded(package, "high")
    assert sorted(rows.loaded) == [ord("a"), ord("b")]


def test_names_are_known_without_an_import(rows: Registry[int], package: str) -> None:
    rows.announce(package, {"low": "ab", "high": "c"})
    assert list(rows) == ["a", "b", "c"]
    assert len(rows) == 3
    assert "c" in rows
    assert rows.get("d") is None
    assert not is_loaded(package, "low")


def test_going_through_the_rows_imports_all(rows: Registry[int], package: str) -> None:
    rows.announce(package, {"low": "ab", "high": "c"})
    assert dict(rows) == {name: ord(name) for name in "abc"}


def test_misses_a_row_that_its_module_does_not_have(rows: Registry[int], package: str) -> None:
    rows.announce(package, {"low": "ab", "high": "cd"})
    with pytest.raises(RegistryError, match=f"row 'd' is announced for {package}.high, which does not have it"):
        rows["d"]


def test_refuses_a_row_that_was_not_announced(rows: Registry[int], package: str) -> None:
    rows.announce(package, {"low": "a", "high": "c"})
    with pytest.raises(RegistryError, match="row 'b' is not announced"):
        rows["a"]


def test_refuses_a_word_that_two_modules_claim(package: str) -> None:
    topics = Topics("word")
    with pytest.raises(RegistryError, match="word 'a' is claimed twice"):
        topics.announce(package, {"low": "ab", "high": "a"})


def test_announces_nothing_once_frozen_but_imports_what_was(rows: Registry[int], package: str) -> None:
    rows.announce(package, {"low": "ab"})
    rows.freeze()
    with pytest.raises(RegistryError, match="announced after the start"):
        rows.announce(package, {"high": "c"})
    assert rows["a"] == ord("a")
