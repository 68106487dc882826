"""Values that stand in the expression."""

from __future__ import annotations

import pytest

from lbcore.sample.types import Addr
from lbcore.sample.words import ParseError
from tests.fetch.evaluate import parse, value
from tests.fetch.transactions import accepted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("bin(00fF)", b"\x00\xff"),
        ("bool(false)", False),
        ("int(-9223372036854775808)", -(2**63)),
        ("ipv4(1.2.3.4)", Addr(b"\1\2\3\4")),
        ("ipv6(::1)", Addr(bytes(15) + b"\1")),
        ("meth(GET)", "GET"),
        ("str(a b)", "a b"),
    ],
)
def test_is_what_stands_there(text: str, wanted: object) -> None:
    found = value(accepted(), text)
    assert (type(found), found) == (type(wanted), wanted)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("bin(4)", "invalid args in fetch method 'bin' : an even number of hex digit is expected"),
        ("bin(zz)", "invalid args in fetch method 'bin' : an hex digit is expected (found 'z')"),
        ("bool(yes)", "invalid args in fetch method 'bool' : Expects 'true', 'false', '0' or '1'"),
        ("ipv4(x)", "fetch method 'ipv4' : failed to parse 'x' as type 'IPv4 address' at position 1"),
    ],
)
def test_bad_arguments_are_refused_in_haproxys_words(text: str, complaint: str) -> None:
    with pytest.raises(ParseError) as refused:
        parse(text)
    assert str(refused.value) == complaint
