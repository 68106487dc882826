"""Paths in JSON, beside Python's own reader."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcore.conv.jsonpath import MAX_DEPTH, JsonError, find, parse_path, unescape

KEYS = st.text(st.sampled_from("abc"), min_size=1, max_size=2)
SCALARS = st.none() | st.booleans() | st.integers(-999, 999) | st.text(st.sampled_from('ab"\\\n'), max_size=4)
DOCUMENTS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))


def paths(value: Any, prefix: str = "$") -> list[tuple[str, Any]]:
    """Every path of a document, and what is there."""
    found = [(prefix, value)]
    if isinstance(value, dict):
        found += [pair for key, inner in value.items() for pair in paths(inner, f"{prefix}.{key}")]
    if isinstance(value, list):
        found += [pair for at, inner in enumerate(value) for pair in paths(inner, f"{prefix}[{at}]")]
    return found


@given(DOCUMENTS, st.sampled_from([None, 1]))
def test_every_path_leads_to_its_value(document: Any, indent: int | None) -> None:
    text = json.dumps(document, indent=indent)
    for path, value in paths(document):
        found = find(text, parse_path(path) or ())
        assert found is not None
        assert json.loads(found.text) == value


@given(DOCUMENTS)
def test_strings_mean_what_python_says(document: Any) -> None:
    text = json.dumps(document)
    for path, value in paths(document):
        if isinstance(value, str):
            found = find(text, parse_path(path) or ())
            assert found is not None
            assert unescape(found.text[1:-1]) == value


@pytest.mark.parametrize("cut", range(11, 20))
def test_text_is_read_no_further_than_to_the_value(cut: int) -> None:
    found = find('{"a":{"b":1},"c":2}'[:cut], ("a", "b"))
    assert found is not None
    assert found.text == "1"


def test_depth_is_bounded() -> None:
    deep = "[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH
    assert find(deep, (0,) * MAX_DEPTH) is not None
    with pytest.raises(JsonError):
        find(f"[{deep}]", (0,) * (MAX_DEPTH + 1))


def test_part_in_which_nothing_is_looked_for_may_be_as_lax_as_elsewhere() -> None:
    found = find('{"a":{"n":[01,0x10]},"b":2}', ("b",))
    assert found is not None
    assert found.text == "2"


@pytest.mark.parametrize("part", ["[1", '{"x"}', "{1:2}", "[1 2]", "[" * 200_000 + "]" * 200_000])
def test_part_before_the_value_that_is_no_json_hides_it(part: str) -> None:
    with pytest.raises(JsonError):
        find(f'{{"a":{part},"b":2}}', ("b",))
