"""Casts between types of samples."""

from __future__ import annotations

import pytest

from lbcore.sample.types import Addr, Type, Value, cast, caster, same

V4, V6 = Addr(b"\1\2\3\4"), Addr(b"\x20\1\r\xb8" + b"\0" * 11 + b"\1")

# From a row's type to a column's, as HAProxy allows it (manual 7.1).
TYPES = (Type.BOOL, Type.SINT, Type.ADDR, Type.IPV4, Type.IPV6, Type.STR, Type.BIN, Type.METH)
ALLOWED = {
    Type.BOOL: "YY...YY.",
    Type.SINT: "YYYYYYY.",
    Type.ADDR: ".YYYYYY.",
    Type.IPV4: ".YYYYYY.",
    Type.IPV6: "..YYYYY.",
    Type.STR: "YYYYYYYY",
    Type.BIN: ".....YYY",
    Type.METH: ".....YYY",
}


@pytest.mark.parametrize("source", TYPES)
def test_the_casts_that_there_are(source: Type) -> None:
    assert "".join("." if caster(source, target) is None else "Y" for target in TYPES) == ALLOWED[source]


@pytest.mark.parametrize("kind", TYPES)
def test_nothing_is_done_where_nothing_is_to_do(kind: Type) -> None:
    assert caster(kind, kind) is same
    assert caster(kind, Type.ANY) is same


@pytest.mark.parametrize(
    ("value", "target", "wanted"),
    [
        (True, Type.SINT, 1),
        (True, Type.STR, "1"),
        (False, Type.STR, "0"),
        (-5, Type.STR, "-5"),
        (-5, Type.BOOL, True),
        (0, Type.BOOL, False),
        (0x01020304, Type.ADDR, V4),
        (0x01020304, Type.IPV6, V4.v6),
        (0x101020304, Type.IPV4, V4),
        (65, Type.BIN, b"\0\0\0\0\0\0\0A"),
        (-1, Type.BIN, b"\xff" * 8),
        (V4, Type.SINT, 0x01020304),
        (V6, Type.SINT, None),
        (V4, Type.STR, "1.2.3.4"),
        (V6, Type.STR, "2001:db8::1"),
        (V4, Type.IPV6, V4.v6),
        (V4.v6, Type.IPV4, V4),
        (V6, Type.IPV4, None),
        (Addr(b"\0" * 12 + V4), Type.IPV4, None),  # compatible
        (Addr(b"\x20\2" + V4 + b"\0" * 10), Type.IPV4, None),  # 6to4
        (V4, Type.BIN, b"\1\2\3\4"),
        ("12x", Type.SINT, 12),
        ("x", Type.SINT, 0),
        (" 1", Type.SINT, 0),
        ("", Type.SINT, None),
        ("", Type.BOOL, None),
        ("2", Type.BOOL, True),
        ("1.2.3.4", Type.ADDR, V4),
        ("1.2.3", Type.ADDR, None),
        ("1.2.3.4:80", Type.ADDR, V4),
        ("1.2.3.4x", Type.IPV4, V4),
        ("1.2.3.0004", Type.IPV4, V4),
        ("1.2.3.4.", Type.ADDR, None),
        ("1.2.3.4.5", Type.ADDR, None),
        ("1.2.3.256", Type.ADDR, None),
        ("1.2.3.4:80", Type.IPV6, None),
        ("2001:db8::1:99999", Type.ADDR, None),
        ("2001:db8::1", Type.ADDR, V6),
        ("2001:db8::1", Type.IPV4, None),
        ("1.2.3.4", Type.IPV6, None),
        ("\xe9", Type.BIN, b"\xe9"),
        (b"\xe9", Type.STR, "\xe9"),
        (b"a\0b", Type.STR, "a"),
        (b"a", Type.SINT, None),
    ],
)
def test_values_are_cast_by_the_type_that_they_have(value: Value, target: Type, wanted: Value | None) -> None:
    found = cast(value, target)
    assert found == wanted
    assert type(found) is type(wanted)


def test_what_has_any_type_is_cast_when_its_value_is_known() -> None:
    convert = caster(Type.ANY, Type.STR)
    assert convert is not None
    assert [convert(value) for value in (True, 7, V4, "x", b"x")] == ["1", "7", "1.2.3.4", "x", "x"]
