"""ACLs and conditions: what is generated, shared, traced, warned of, and answered while contents are still coming."""

from __future__ import annotations

from typing import Any

import pytest

import lbcore.conv
import lbcore.fetch  # noqa: F401 - fills the tables
from lbcore.sample.acl import Acl, Condition, parse_acl, parse_condition, predefined
from lbcore.sample.criteria import CRITERIA, PREDEFINED
from lbcore.sample.points import LEGEND, Point
from lbcore.sample.rows import FETCHES
from lbcore.sample.words import ParseError, Words
from tests.fetch.transactions import accepted, request, respond, tcp
from tests.sample.building import Building


class Lines:
    """Lines of a proxy being read."""

    def __init__(self, point: Point = Point.FE_REQ_HDR, mode: str = "http") -> None:
        self.point = point
        self.mode = mode
        self.acls: dict[str, Acl] = {}
        self.warnings: list[str] = []
        self.notes: dict[str, object] = {}

    def words(self, text: str, point: Point) -> Words:
        def warn(text: str, at: int | None = None) -> None:
            self.warnings.append(text)

        return Words(text.split(), 0, "lb.cfg", 7, "fe", self.mode, point, self.acls, warn, self.notes)

    def acl(self, text: str) -> Acl:
        return parse_acl(self.words(text, Point(0)))

    def condition(self, text: str) -> Condition:
        return parse_condition(self.words(text, self.point))

    def holds(self, text: str, t: Any) -> bool:
        return self.condition(text).make(Building(acls=self.acls))(t)


def source(condition: Condition) -> str:
    return condition.source(Building(), lambda value, hint: hint)


def test_lines_of_one_name_add_up() -> None:
    lines = Lines()
    first = lines.acl("site path_beg /a")
    assert lines.acl("site path_beg /b") is first
    assert [lines.holds("if site", request(f"GET {path} HTTP/1.1")) for path in ("/a", "/b", "/c")] == [
        True,
        True,
        False,
    ]


def test_a_declared_acl_goes_before_a_predefined_one() -> None:
    lines = Lines()
    lines.acl("METH_GET method POST")
    assert lines.holds("if METH_GET", request("POST / HTTP/1.1"))
    assert not lines.holds("if METH_GET", request("GET / HTTP/1.1"))


def test_every_predefined_acl_and_every_criterion_of_a_known_fetch_can_be_read() -> None:
    for name in PREDEFINED:
        found = predefined(name)
        assert found is not None
        assert found.tests
    assert predefined("NO") is None
    for name, (fetch, method) in CRITERIA.items():
        if fetch in FETCHES:
            arguments = "(0,1)" if "payload" in name else "(u)" if "group" in name else ""
            test = Lines().acl(f"a {name}{arguments} 5a" if method == "bin" else f"a {name}{arguments} 1").tests[0]
            assert (test.expression.row.name, test.method.name) == (fetch, method)


def test_a_converter_ends_what_a_criterion_implies() -> None:
    assert Lines().acl("a path_beg,lower /x").tests[0].method.name == "str"
    assert Lines().acl("a path_beg,length 3").tests[0].method.name == "int"


def test_a_pattern_that_is_the_name_of_a_converter_stays_a_pattern() -> None:
    # HAProxy applies the converter, too, so that `str(upper) upper` never matches there.
    assert Lines().holds("if { str(upper) upper }", request())


def test_fetches_in_place_and_patterns_behind_names_are_what_is_generated() -> None:
    lines = Lines()
    inline = FETCHES["path"].inline
    lines.acl("api path_beg /api")
    assert source(lines.condition("if api")) == f"((_v := {inline}) is not None and _v.startswith(patterns.texts))"
    assert source(lines.condition("unless { path /x }")) == f"(not ({inline} in patterns.keys))"
    assert source(lines.condition("if")) == "False"
    assert source(lines.condition("unless")) == "(not False)"


def test_without_messages_nothing_stands_in_place() -> None:
    for lines in (Lines(mode="tcp"), Lines(Point.FE_CONTENT)):
        assert "t.req" not in source(lines.condition("if { path_beg /api }"))
        assert not lines.condition("if { path_beg /api }").make(Building())(tcp(b"x"))


def test_what_cannot_match_at_a_point_does_not() -> None:
    lines = Lines(Point.FE_RES_HDR)
    t = respond(request("GET /x HTTP/1.1"))
    assert source(lines.condition("if { path /x }")) == "False"
    assert not lines.holds("if { path /x }", t)
    assert lines.holds("if !{ path /x }", t)
    assert lines.condition("if { path /x }").trace(Building())(t) == (False, [("{ path /x }", None, False)])


def test_patterns_of_a_line_can_be_changed_while_it_runs() -> None:
    build = Building()
    condition = Lines().condition("if { path_beg /a } or { hdr(x) b } or { method PUT }")
    holds = condition.make(build)
    beg, hdr, method = build.references
    t = request("DELETE /z HTTP/1.1", "X: q")
    for reference, text in ((beg, "/z"), (hdr, "q"), (method, "DELETE")):
        assert not holds(t)
        reference.add(text)
        assert holds(t)
        reference.delete(text)


def test_references_say_where_patterns_stand() -> None:
    build = Building()
    condition = Lines().condition("if { path_beg -u 5 /a } or { hdr(x),lower b }")
    condition.make(build)
    assert [(one.number, one.display) for one in build.references] == [
        (0, "acl 'hdr' file 'lb.cfg' line 7"),
        (5, "acl 'path_beg' file 'lb.cfg' line 7"),
    ]


def test_numbers_of_references_are_given_once() -> None:
    lines = Lines()
    lines.acl("a path -u 5 /x")
    with pytest.raises(ParseError, match="the id is already used"):
        lines.acl("b path -u 5 /x")


@pytest.mark.parametrize(
    ("point", "condition", "sentence"),
    [
        (
            Point.FE_REQ_HDR,
            "if { res.hdr(x) a }",
            "anonymous acl will never match because it uses keyword 'res.hdr' which is INCOMPATIBLE",
        ),
        (
            Point.FE_RES_HDR,
            "if a3",
            "acl 'a3' will never match because it only involves keywords that are INCOMPATIBLE",
        ),
        (
            Point.FE_CONN,
            "if a3",
            (
                "acl 'a3' will never match in 'tcp-request connection' because it only involves keywords that are "
                "INCOMPATIBLE"
            ),
        ),
        (
            Point.FE_CONTENT,
            "if { res.hdr(a) b }",
            (
                "anonymous acl will never match in 'tcp-request content' because it uses keyword 'res.hdr' which is "
                "INCOMPATIBLE"
            ),
        ),
        (Point.FE_REQ_HDR, "if z", "acl 'z' involves keywords 'status' which is INCOMPATIBLE"),
        (Point.FE_CONTENT, "if z", "acl 'z' involves keyword 'status' which is INCOMPATIBLE"),
        (Point.FE_REQ_HDR, "if !{ path /x } a3", None),
    ],
)  # fmt: skip
def test_acls_that_cannot_match_are_warned_of_in_haproxys_words(
    point: Point, condition: str, sentence: str | None
) -> None:
    lines = Lines(point)
    lines.acl("a3 path_beg /x")
    lines.acl("z path /x")
    lines.acl("z status 200")
    lines.condition(condition)
    there = f"incompatible with '{LEGEND[point.bit_length() - 1]}'"
    assert lines.warnings == ([sentence.replace("INCOMPATIBLE", there)] if sentence else [])


@pytest.mark.parametrize(
    ("text", "warned"),
    [("a path_beg", True), ("a path_beg --", False), ("a path -m found", False), ("a always_true", False),
     ("a str(x)", True), ("a hdr(x),", True), ("a path_beg /x", False)],
)  # fmt: skip
def test_patterns_that_are_missing_are_warned_of(text: str, warned: bool) -> None:
    lines = Lines()
    lines.acl(text)
    word = text.split()[1]
    assert [one.startswith(f"parsing acl keyword '{word}' :\n  no pattern to match") for one in lines.warnings] == (
        [True] if warned else []
    )


def test_a_trace_tells_what_was_asked_and_found() -> None:
    lines = Lines()
    lines.acl("api path_beg /api")
    lines.acl("api path_beg /old")
    lines.acl("num int(5) lt 3")
    traced = lines.condition("if api num || !METH_POST { src 127.0.0.1 }").trace(Building(acls=lines.acls))
    t = request("GET /old/x HTTP/1.1", src="127.0.0.1")
    holds, seen = traced(t)
    assert holds
    assert seen == [
        ("api", "/old/x", True),
        ("num", 5, False),
        ("METH_POST", "GET", False),
        ("{ src 127.0.0.1 }", t.src, True),
    ]


def test_where_and_text_of_a_condition_are_kept() -> None:
    found = Lines().condition("unless { path /x } !METH_GET || TRUE")
    assert (found.text, found.where) == ("unless { path /x } !METH_GET || TRUE", "lb.cfg:7")
    assert [[term.text for term in terms] for terms in found.alternatives] == [["{ path /x }", "!METH_GET"], ["TRUE"]]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("if { req.len gt 2 }", True),
        ("if { req.len gt 5 }", None),
        ("if !{ req.len gt 5 }", None),
        ("if { src 192.0.2.1 }", True),
        ("if { src 10.0.0.1 }", False),
        ("if { src 10.0.0.1 } { req.len gt 5 }", False),
        ("if { req.len gt 5 } { src 10.0.0.1 }", None),
        ("if { src 192.0.2.1 } { req.len gt 5 }", None),
        ("if { req.len gt 5 } or { src 192.0.2.1 }", True),
        ("if { req.len gt 5 } or { src 10.0.0.1 }", None),
        ("unless { req.len gt 2 }", False),
        ("unless { req.len gt 5 }", None),
        ("unless { src 10.0.0.1 }", True),
        ("if WAIT_END", None),
        ("if !WAIT_END", None),
        ("if { var(txn.x) -m found }", False),
        ("if TRUE", True),
        ("if", False),
        ("unless", True),
    ],
)
def test_while_contents_come_an_answer_may_be_not_yet(text: str, answer: bool | None) -> None:
    lines = Lines(Point.FE_CONTENT, mode="tcp")
    partial = lines.condition(text).make_partial(Building())
    assert partial(tcp(b"abc", src="192.0.2.1")) is answer


def test_a_connection_is_asked_before_anything_is_read() -> None:
    lines = Lines(Point.FE_CONN, mode="tcp")
    assert lines.condition("if { src 192.0.2.0/24 }").make(Building())(accepted(src="192.0.2.1"))
