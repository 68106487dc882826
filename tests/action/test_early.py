"""`early-hint`: what is sent before the request goes on."""

from __future__ import annotations

from dataclasses import replace

from lbcore.action import early
from lbcore.sample.points import Point
from lbcore.stream.rulelist import compile_rules
from tests.action.rules import build_of, recorded, rule, run
from tests.fetch.transactions import request


def test_a_hint_is_sent_at_once() -> None:
    t = request("GET /a HTTP/1.1", flow=3, gen=9)
    with recorded(early) as shim:
        run(t, 'early-hint Link "<%[path].css>; rel=preload"')
    head = b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n"
    assert shim.of("eng_flow_interim") == [(None, 0, 3, 9, head, len(head))]


def test_hints_that_follow_each_other_fill_one_response() -> None:
    t = request()
    rules = [rule("early-hint a 1"), rule("early-hint b 2"), rule("early-hint c 3")]
    for one in rules[:2]:
        one.action = replace(one.action, more=True)  # type: ignore[type-var]
    with recorded(early) as shim:
        compile_rules(rules, build_of(t), point=Point(0))(t)
    assert [call[4] for call in shim.of("eng_flow_interim")] == [
        b"HTTP/1.1 103 Early Hints\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n"
    ]


def test_hints_of_one_request_do_not_come_to_the_next() -> None:
    t = request()
    with recorded(early) as shim:
        run(t, "early-hint a 1")
        run(request(world=t.world), "early-hint b 2")  # type: ignore[arg-type]
    assert [call[4].count(b"\r\n") for call in shim.of("eng_flow_interim")] == [3, 3]
