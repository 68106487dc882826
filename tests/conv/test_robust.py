"""No input makes a converter raise: what it can't use is no sample."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lbcore.conv  # noqa: F401 - fills the table
from lbcore.sample.rows import CONVERTERS
from lbcore.sample.types import Addr, Type, Value
from tests.conv.cases import MAPS, Case, read_cases
from tests.conv.evaluate import Build
from tests.fetch.transactions import request

LATIN = st.text(st.characters(max_codepoint=255))
MARKUP = st.text(st.sampled_from('{}[]":,.;=-%+&_/ \\0123456789abefnrtu\x00\x01\xff'), max_size=40)
SINTS = st.integers(-(2**63), 2**63 - 1)
ADDRESSES = st.sampled_from([4, 16]).flatmap(lambda size: st.binary(min_size=size, max_size=size)).map(Addr)
VALUES: dict[Type, st.SearchStrategy[Value]] = {
    Type.ADDR: ADDRESSES,
    Type.BIN: st.binary(max_size=300) | MARKUP.map(lambda text: text.encode("latin-1")),
    Type.BOOL: st.booleans(),
    Type.SINT: SINTS | st.integers(-10, 10),
    Type.STR: LATIN | MARKUP,
}
VALUES[Type.ANY] = st.one_of(*VALUES.values())

MAP_FILES = {"int": "ranges", "ip": "networks", "reg": "regexes", "regm": "regexes"}
VALUE_FILES = {"int": "numbers", "ip": "addresses"}
_ELEMENTS = ("table_clr_gpc", "table_gpc", "table_gpc_rate", "table_gpt", "table_inc_gpc")
ARGUMENTS: dict[str, tuple[object, ...]] = {
    **dict.fromkeys(_ELEMENTS, (1, "t")),
    "add_item": (",", "", "x"),
    "be2dec": (".", 2),
    "be2hex": (":", 3),
    "bytes": ("1", "3"),
    "capture-req": (0,),
    "capture-res": (0,),
    "concat": ("a", "", "b"),
    "debug": ("p", "stderr"),
    "aes_gcm_dec": (128, "AAECAwQFBgcICQoL", "AAECAwQFBgcICQoLDA0ODw==", "SbCF5jLkilmZu4QnEjVlbQ=="),
    "aes_gcm_enc": (128, "AAECAwQFBgcICQoL", "AAECAwQFBgcICQoLDA0ODw==", "txn.tag"),
    "digest": ("sha256",),
    "field": (-2, ";,", 2),
    "fix_tag_value": ("35",),
    "hmac": ("sha1", "a2V5"),
    "iif": ("a", "b"),
    "ipmask": (Addr(b"\xff\0\0\0"), Addr(b"\xff" * 16)),
    "json": ("utf8ps",),
    "json_query": ("$.a[1].b",),
    "jwt_header_query": ("$.a",),
    "jwt_payload_query": ("$.a", "int"),
    "jwt_verify": ("HS256", "k"),
    "language": ("a;b",),
    "mqtt_field_value": ("connect", "username"),
    "param": ("a", ";"),
    "protobuf": ((1, 2), "int32"),
    "regsub": ("a|b*", "\\0\\1", "g"),
    "rfc7239_field": ("for",),
    "secure_memcmp": ("txn.a",),
    "set-var": ("txn.z",),
    "strcmp": ("txn.a",),
    "ungrpc": ((1,),),
    "unset-var": ("txn.q",),
    "when": ("!error",),
    "word": (2, ";,", 0),
    **dict.fromkeys(("add", "and", "div", "mod", "mul", "or", "sub", "xor"), ("-3",)),
    **dict.fromkeys(("ltrim", "rtrim"), ("ab",)),
    **dict.fromkeys(("ltime", "utime", "ms_ltime", "ms_utime", "us_ltime", "us_utime"), ("%c%3N", -5)),
}


def arguments(name: str) -> tuple[object, ...]:
    """Arguments that a converter takes."""
    if name != "map" and not name.startswith("map_"):
        return ARGUMENTS.get(name, ())
    method, _, what = name.removeprefix("map").removeprefix("_").partition("_")
    stems = (MAP_FILES.get(method), VALUE_FILES.get(what))
    return (str(MAPS / f"{'_'.join(filter(None, stems)) or 'texts'}.map"),)


@pytest.mark.parametrize("name", list(CONVERTERS))
def test_no_value_makes_it_raise(name: str) -> None:
    row = CONVERTERS[name]
    args = arguments(name)
    row.check(args)
    build = Build()
    t = request(world=build.world)
    t.vars["a"] = "abc"
    convert = row.make(args, build)

    @settings(max_examples=60, deadline=None, database=None)
    @given(VALUES[row.takes])
    def never_raises(value: Value) -> None:
        found = convert(t, value) if row.txn else convert(value)
        assert found is None or isinstance(found, (bool, int, str, bytes))

    never_raises()


VALIDATORS = ("fix_is_valid", "mqtt_is_valid")
PACKETS = [case for case in read_cases() if case.converter in VALIDATORS and case.expected == "[1]"]


@pytest.mark.parametrize("case", PACKETS, ids=lambda case: f"{case.converter}-{len(case.expression)}")
def test_no_beginning_of_a_valid_packet_is_wrong(case: Case) -> None:
    digits = case.expression.removeprefix("bin(").partition(")")[0]
    block = bytes.fromhex(digits)
    convert = CONVERTERS[case.converter].make((), Build())
    assert {convert(block[:size]) for size in range(len(block))} <= {None, True}
