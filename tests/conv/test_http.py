"""Captures: what the log gets to see."""

from __future__ import annotations

import lbcore.conv
import lbcore.fetch  # noqa: F401 - fills the tables, as lbcore.conv does
from lbcore.proxy.settings import CaptureSlot
from lbcore.sample.expression import parse_expression
from lbcore.sample.words import Words
from lbcore.stream.txn import Txn
from tests.fetch.transactions import FakeBuild, FakeWorld, request


def captured(expression: str) -> Txn:
    """A request of a proxy with two slots of each kind, after an expression."""
    world = FakeWorld()
    settings = world.frontends[0].settings
    settings.captures_request = settings.captures_response = (CaptureSlot(3), CaptureSlot(5))
    t = request(world=world)
    parse_expression(Words([expression])).make(FakeBuild(world))(t)
    return t


def test_capture_of_a_request_is_cut_to_its_slot() -> None:
    assert captured("str(abcdefgh),capture-req(1)").captures_req == [None, "abcde"]


def test_capture_of_a_response_is_cut_to_its_slot() -> None:
    assert captured("str(abcdefgh),capture-res(0)").captures_res == ["abc", None]


def test_captures_fill_one_list() -> None:
    assert captured("str(ab),capture-req(0),upper,capture-req(1)").captures_req == ["ab", "AB"]


def test_capture_without_a_slot_keeps_nothing() -> None:
    assert captured("str(ab),capture-req(2)").captures_req is None
