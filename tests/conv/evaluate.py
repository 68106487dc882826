"""What our converters make of an expression, as the table has it."""

from __future__ import annotations

from typing import Any

import lbcore.conv
import lbcore.fetch  # noqa: F401 - fills the tables, as lbcore.conv does
from lbcore.proxy.settings import CaptureSlot
from lbcore.sample.build import BuildError
from lbcore.sample.expression import parse_expression
from lbcore.sample.types import Type, Value, cast
from lbcore.sample.variable import ProcVars
from lbcore.sample.words import ParseError, Words
from tests.conv.cases import shown
from tests.conv.tables import TABLES
from tests.fetch.transactions import FakeBuild, FakeWorld, request

CAPTURED = 10  # characters that the one capture slot of requests has


class Build(FakeBuild):
    """The build of a proxy whose ACLs `yes` and `no` are what they say, and which has map files and tables."""

    def __init__(self) -> None:
        world = FakeWorld()
        world.proc_vars = ProcVars()
        world.frontends[0].settings.captures_request = (CaptureSlot(CAPTURED),)
        super().__init__(world)
        self.acls = {"yes": lambda t: True, "no": lambda t: False}

    def table(self, name: str) -> Any:
        """One of `TABLES`, as it is at first; one that stores everything under any other name."""
        return TABLES[name].table() if name in TABLES else super().table(name)


def evaluate(expression: str) -> str:
    """The result of an expression over a request, by a build of its own."""
    build = Build()
    try:
        fetch = parse_expression(Words([expression])).make(build)
    except (ParseError, BuildError) as error:
        return f"error: {error}"
    value = fetch(request(world=build.world))
    return "none" if value is None else shown(_bytes(value))


def _bytes(value: Value) -> bytes:
    if type(value) is bytes:
        return value
    text = cast(value, Type.STR)
    assert isinstance(text, str)
    return text.encode("latin-1")
