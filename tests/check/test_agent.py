"""What an agent's line says, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from lbcore.check.agent import Wish, obey, read_line, verdict
from lbcore.proxy.health import CheckStatus
from lbcore.proxy.machine import NO_FLAGS, Admin


class FakeOrders:
    """Keeps what it was told to do."""

    def __init__(self, heaviest: int = 200) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.heaviest = heaviest

    def admin(self, server: Any, *, on: Admin = NO_FLAGS, off: Admin = NO_FLAGS, cause: str = "") -> None:
        self.done.append(("admin", on, off))

    def weight(self, server: Any, weight: int) -> None:
        if weight > self.heaviest:
            raise ValueError("too heavy")
        self.done.append(("weight", weight))

    def maxconn(self, server: Any, maxconn: int) -> None:
        self.done.append(("maxconn", maxconn))


class FakeServer:
    """A server of weight 100."""

    class settings:  # noqa: N801 - stands for an attribute
        weight = 100


@pytest.mark.parametrize(
    ("line", "wish"),
    [
        ("up", Wish(health="up")),
        ("UP,\t50%  DRAIN", Wish(health="UP", weight="50%", admin="drain")),
        ("down # out of  memory", Wish(health="down", text="out of  memory")),
        ("fail #no", Wish(health="fail", text="no")),
        ("up maxconn:30 ready", Wish(health="up", maxconn="30", admin="ready")),
        ("maxconn:", Wish(maxconn="")),
        ("down#some reason", Wish(strange="down#some")),
        ("10% 20% up down", Wish(weight="20%", health="down")),
        ("", Wish()),
    ],
)
def test_words_are_read_in_any_order(line: str, wish: Wish) -> None:
    assert read_line(line) == wish


def test_orders_are_carried_out() -> None:
    orders = FakeOrders()
    assert not obey(read_line("drain 50% maxconn:7"), FakeServer(), orders)
    assert orders.done == [("admin", Admin.FDRAIN, Admin.FMAINT), ("weight", 50), ("maxconn", 7)]


def test_ready_takes_back_what_agents_order() -> None:
    orders = FakeOrders()
    obey(read_line("ready"), FakeServer(), orders)
    assert orders.done == [("admin", NO_FLAGS, Admin.FMAINT | Admin.FDRAIN)]


def test_what_cannot_be_done_is_told() -> None:
    assert obey(read_line("up 250%"), FakeServer(), FakeOrders()) == "too heavy"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("5x%", "Trailing garbage in weight string"),
        ("maxconn:", "Require <maxconn>."),
        ("maxconn:x", "maxconn string empty or preceded by garbage"),
        ("maxconn:5x", "Trailing garbage in maxconn string"),
        ("maxconn:-1", "maxconn must not be negative."),
        ("maxconn:99999999999", "maxconn must not be above 4294967295."),
    ],
)
def test_what_is_no_number_orders_nothing(line: str, why: str) -> None:
    orders = FakeOrders()
    assert obey(read_line(line), FakeServer(), orders) == why
    assert orders.done == []


@pytest.mark.parametrize(("line", "weight"), [("0%", 0), ("75%", 75), ("150%", 150), ("300%", 256)])
def test_weights_are_parts_of_the_configured_one(line: str, weight: int) -> None:
    orders = FakeOrders(heaviest=256)
    obey(read_line(line), FakeServer(), orders)
    assert orders.done == [("weight", weight)]


@pytest.mark.parametrize(
    ("line", "warning", "status", "info"),
    [
        ("up", "", CheckStatus.L7OK, "via agent : up"),
        ("up odd", "w", CheckStatus.L7OK, "via agent : up (odd)"),
        ("up", "w", CheckStatus.L7OK, "via agent : up (w)"),
        ("down odd # why", "w", CheckStatus.L7STS, "via agent : down (why)"),
        ("stopped odd", "", CheckStatus.L7STS, "via agent : stopped (odd)"),
        ("odd", "w", CheckStatus.CHECKED, "agent reports an error : odd"),
        ("50%", "w", CheckStatus.CHECKED, "agent warns : w"),
        ("50%", "", CheckStatus.CHECKED, ""),
    ],
)
def test_the_gravest_is_told(line: str, warning: str, status: CheckStatus, info: str) -> None:
    found = verdict(read_line(line), warning)
    assert (found.status, found.info) == (status, info)
