"""Expressions: words, converters, points, texts inside of texts; and what their functions do."""

from __future__ import annotations

import pytest

import lbcore.conv
import lbcore.fetch  # noqa: F401 - fills the tables
from lbcore.sample.expression import Expression, parse_expression, parse_prefix
from lbcore.sample.points import Point
from lbcore.sample.types import Addr, Type
from lbcore.sample.words import ParseError, Words
from tests.fetch.transactions import request
from tests.sample.building import Building


def parse(*texts: str, point: Point = Point(0)) -> Expression:  # noqa: B008 - an enum never changes
    return parse_expression(Words(texts, point=point))


@pytest.mark.parametrize(
    ("texts", "taken", "names"),
    [
        (["path,lower"], 1, ["lower"]),
        (["path", "lower", "upper"], 3, ["lower", "upper"]),
        (["path,", "lower,", "upper"], 3, ["lower", "upper"]),
        (["path", "lower,upper"], 2, ["lower", "upper"]),
        (["path,,lower,"], 1, ["lower"]),
        (["path", "if", "lower"], 1, []),
        (["path", ",lower"], 1, []),
    ],
)
def test_converters_may_stand_in_words_of_their_own(texts: list[str], taken: int, names: list[str]) -> None:
    words = Words(texts)
    found = parse_expression(words)
    assert [step.row.name for step in found.steps] == names
    assert words.at == taken


def test_the_type_is_that_of_the_last_converter_that_has_one() -> None:
    assert parse("src").type is Type.ADDR
    assert parse("src,lower").type is Type.STR
    assert parse("src,lower,length").type is Type.SINT
    assert parse("src,debug(x,stdout)").type is Type.ADDR
    assert parse("var(txn.x)").type is Type.ANY


def test_arguments_are_what_the_signature_says() -> None:
    assert parse("int(-5)").args == (-5,)
    assert parse("ipv4(1.2.3.4)").args == (Addr(b"\1\2\3\4"),)
    assert parse("src,ipmask(24,64)").steps[0].args == (Addr(b"\xff\xff\xff\0"), Addr(b"\xff" * 8 + b"\0" * 8))
    assert parse("req.hdr(a,)").args == ("a",)
    assert parse("req.hdr(,1)").args == ("", 1)
    assert parse("req.hdr()").args == ()
    assert parse("str").args == ("",)
    assert parse("str(caf\u00e9)").args == ("caf\xc3\xa9",)


@pytest.mark.parametrize(
    ("text", "at", "end"),
    [("%[path]", 2, 6), ("%[path,lower] x", 2, 12), ("x str(']'),upper]", 2, 16), ("path", 0, 4), ("path;x", 0, 4)],
)
def test_an_expression_inside_a_text_ends_where_it_must(text: str, at: int, end: int) -> None:
    found, behind = parse_prefix(text, at, Words([]))
    assert behind == end
    assert found.text == text[at:end]


def test_what_is_not_there_at_a_point_is_refused() -> None:
    parse("path", point=Point.FE_REQ_HDR)
    with pytest.raises(ParseError) as told:
        parse("res.hdr(x)", point=Point.FE_REQ_HDR)
    assert str(told.value) == (
        "fetch method 'res.hdr(x)' extracts information from 'HTTP response headers', none of which is available here"
    )
    with pytest.raises(ParseError, match="'HTTP request body'"):
        parse("req.body", point=Point.FE_RES_HDR)
    with pytest.raises(ParseError, match="'request buffer'"):
        parse("req.len", point=Point.FE_CONN)


def test_values_are_cast_between_steps_and_at_the_end() -> None:
    t, build = request("GET / HTTP/1.1", "X: 7"), Building()
    assert parse("req.hdr(x),add(1)").make(build)(t) == 8
    assert parse("req.hdr(x),add(1),length").make(build, Type.STR)(t) == "1"
    assert parse("req.hdr(none),add(1)").make(build)(t) is None
    assert parse("src").make(build, Type.STR)(t) == "192.0.2.1"


def test_all_values_of_a_message_are_converted() -> None:
    t = request("GET / HTTP/1.1", "X: a,b", "X: 3")
    assert list(parse("req.hdr(x),upper").make_many(Building())(t)) == ["A", "B", "3"]
    assert list(parse("req.hdr(x)").make_many(Building(), Type.SINT)(t)) == [0, 0, 3]
    assert list(parse("path,upper").make_many(Building())(t)) == ["/"]
    assert list(parse("query").make_many(Building())(t)) == []


def test_no_value_is_looked_at_behind_one_that_a_converter_makes_nothing_of() -> None:
    t = request("GET / HTTP/1.1", "X: 10.1.2.3, unknown, 10.1.2.4")
    assert [str(value) for value in parse("req.hdr(x),ipmask(24)").make_many(Building())(t)] == ["10.1.2.0"]
    assert [str(value) for value in parse("req.hdr(x)").make_many(Building(), Type.ADDR)(t)] == ["10.1.2.3", "10.1.2.4"]


def test_a_load_reads_the_same_word_once() -> None:
    notes: dict[str, object] = {}
    first = parse_expression(Words(["path,lower"], notes=notes))
    assert parse_expression(Words(["path,lower"], notes=notes)) is first
    assert parse_expression(Words(["path,lower"])) is not first
