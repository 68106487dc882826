"""The typed and the JSON forms of statistics have HAProxy's columns, tags and types."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

import lbcore
from lbcore.stats.fields import FIELDS
from tests.cli.servers import both, say
from tests.peers.haproxy import Balancer, newer_haproxy

LINE = re.compile(r"([FBSL]\.\d+\.\d+\.)?(\d+)\.([^.]+)\.1:(\w{3}):(\w+):(.*)")
# What concerns protocols has changed since 2.8; the release that we speak of here is the newer one.
NEWER = {field.name for field in FIELDS[-10:]} | {"-"}
COMMANDS = [
    "show info typed",
    "show info float typed",
    "show stat typed",
    "show stat be 4 -1 typed",
    "show stat up typed",
]


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Balancer, lbcore.LoadBalancer]]:
    program = newer_haproxy()
    if program is None:
        pytest.skip("haproxy 2.8 is not installed")
    with both(program) as running:
        yield running


def types(answer: str) -> list[tuple[str, ...]]:
    """Object, position, name, tags and type of each line."""
    found = []
    for line in answer.splitlines():
        if not line:  # the end of the answer
            continue
        match = LINE.fullmatch(line)
        assert match, line
        if int(match[2]) < len(FIELDS) and match[3] not in NEWER:
            found.append((re.sub(r"\.\d+\.", ".*.", match[1] or "", count=1), *match.groups()[1:5]))
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_lines(pair: tuple[Balancer, lbcore.LoadBalancer], command: str) -> None:
    haproxy, lb = pair
    assert types(say(lb, command)) == types(haproxy.cli(command))


def shapes(value: Any) -> Any:
    """A document without its values and the numbers of proxies, of columns that both have."""
    if isinstance(value, list):
        return [shapes(one) for one in value if not isinstance(one, dict) or one["field"]["name"] not in NEWER]
    return {**value, "value": value["value"]["type"], "proxyId": 0}


@pytest.mark.parametrize("command", ["show info json", "show info float json", "show stat json"])
def test_json(pair: tuple[Balancer, lbcore.LoadBalancer], command: str) -> None:
    haproxy, lb = pair

    def shown(answer: str) -> Any:
        shaped = shapes(json.loads(answer))
        rows = shaped if shaped and isinstance(shaped[0], list) else [shaped]
        return [[one for one in row if one["field"]["pos"] < len(FIELDS)] for row in rows]

    assert shown(say(lb, command)) == shown(haproxy.cli(command))


def test_json_has_no_blanks(pair: tuple[Balancer, lbcore.LoadBalancer]) -> None:
    haproxy, lb = pair
    begin = '[{"field":{"pos":0,"name":"Name"},"processNum":1,"tags":{"origin":"Product","nature":"Output",'
    assert haproxy.cli("show info json").startswith(begin)
    assert say(lb, "show info json").startswith(begin)


@pytest.mark.parametrize("command", ["show info typed desc", "show stat typed desc"])
def test_documentation_stands_behind_the_value(pair: tuple[Balancer, lbcore.LoadBalancer], command: str) -> None:
    haproxy, lb = pair
    for answer in (haproxy.cli(command), say(lb, command)):
        assert all(re.search(r':"[^"]+"$', line) for line in answer.splitlines() if line)
