"""Priorities in queues: what is told to the shim, and what fetches say of it."""

from __future__ import annotations

import pytest

from lbcore.action import priority
from lbcore.shim import lib
from tests.action.rules import recorded, run
from tests.fetch.evaluate import value
from tests.fetch.transactions import request

CLASS, OFFSET = lib.FLOW_PRIO_CLASS, lib.FLOW_PRIO_OFFSET


@pytest.mark.parametrize(
    ("text", "what", "told", "fetch", "kept"),
    [
        ("set-priority-class int(5)", CLASS, 5, "prio_class", 5),
        ("set-priority-class int(-1)", CLASS, 2**32 - 1, "prio_class", -1),
        ("set-priority-class req.hdr(x)", CLASS, 2047, "prio_class", 2047),
        ("set-priority-class req.hdr(x),neg", CLASS, 2**32 - 2047, "prio_class", -2047),
        ("set-priority-offset int(-300)", OFFSET, 2**32 - 300, "prio_offset", -300),
        ("set-priority-offset int(524288)", OFFSET, 524287, "prio_offset", 524287),
        ("set-priority-offset int(-9223372036854775807)", OFFSET, 2**32 - 524287, "prio_offset", -524287),
    ],
)
def test_a_value_is_brought_within_its_limits_told_and_kept(
    text: str, what: int, told: int, fetch: str, kept: int
) -> None:
    t = request("GET / HTTP/1.1", "x: 99999", flow=3, gen=9)
    with recorded(priority) as shim:
        assert run(t, text) is None
    assert shim.of("eng_flow_set") == [(None, 0, 3, 9, what, told)]
    assert value(t, fetch) == kept
    assert t.kept


def test_without_a_value_nothing_changes() -> None:
    t = request("GET / HTTP/1.1")
    with recorded(priority) as shim:
        run(t, "set-priority-class req.hdr(none)", "set-priority-offset req.hdr(none)")
    assert shim.calls == []
    assert (value(t, "prio_class"), value(t, "prio_offset")) == (0, 0)
