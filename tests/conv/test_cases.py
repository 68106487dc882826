"""Every case of the table, by our converters."""

from __future__ import annotations

import re
from itertools import groupby

import pytest

import lbcore.conv  # noqa: F401 - fills the table
from lbcore.sample.rows import CONVERTERS
from tests.conv.cases import Case, read_cases
from tests.conv.evaluate import evaluate

CASES = read_cases()
ENOUGH = 6  # cases of each converter
TOPICS = {name: list(cases) for name, cases in groupby(CASES, key=lambda case: case.converter)}


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.usefixtures("zone")
def test_cases_give_what_the_table_says(topic: str) -> None:
    found = {case.expression: evaluate(case.expression) for case in TOPICS[topic]}
    assert found == {case.expression: case.expected for case in TOPICS[topic]}


@pytest.mark.parametrize("name", CONVERTERS)
def test_converter_has_cases_enough(name: str) -> None:
    used = re.compile(rf",{re.escape(name)}(?=[,(]|\Z)")
    assert len([case for case in CASES if used.search(case.expression)]) >= ENOUGH


def test_no_case_stands_there_twice() -> None:
    def key(case: Case) -> str:
        return case.expression

    assert [text for text, same in groupby(sorted(CASES, key=key), key=key) if len(list(same)) > 1] == []
