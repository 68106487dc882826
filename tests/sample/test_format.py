"""Log-format strings: what they are read as, and what their functions give."""

from __future__ import annotations

import json
from typing import Any

import pytest

import lbcore.conv
import lbcore.fetch
from lbcore.sample.alias import ALIASES, Alias
from lbcore.sample.format import Format, parse_format
from lbcore.sample.points import EVERYWHERE, Point
from lbcore.sample.style import HEADER, LOG, PLAIN, UNIQUE_ID, Style
from lbcore.sample.types import Addr, Type
from lbcore.sample.words import ParseError, Words
from lbcore.stream import aliases
from lbcore.stream.ends import End
from lbcore.stream.txn import Txn
from tests.fetch.transactions import FakeBuild, request, respond

assert lbcore.conv
assert lbcore.fetch
assert aliases, "imported for the tables that they fill"


def parse(text: str, style: Style = PLAIN, *, mode: str = "http", point: Point = Point.FE_REQ_HDR) -> Format:
    return parse_format(text, Words([], mode=mode, point=point), style)


def shown(text: str, style: Style = PLAIN, t: Txn | None = None) -> str:
    t = t or request("GET /a?b=c HTTP/1.1", "Host: www", 'X: a"b]c\\d', "Empty:", src="192.0.2.1", sport=4321)
    return parse(text, style).make(FakeBuild())(t)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("100%% {x} \\n \"q\" '''", "100% {x} \\n \"q\" '''"),
        ('"""', '"""'),
        ("a\nb\rc\0d", "a\nb\rc\0d"),
        ("é", "Ã©"),
        ("%ci", "192.0.2.1"),
        ("%ci:%cp", "192.0.2.1:4321"),
        ("%[req.hdr(host)]", "www"),
        ("%[str(a]b)]|%[str('a)b')]", "a]b|a)b"),
        ("%[req.hdr(host),upper]", "WWW"),
        ("%[req.hdr(none)]", ""),
        ("%[src]]", "192.0.2.1]"),
        ("%[src]%[src]", "192.0.2.1192.0.2.1"),
        ("%ci[src]", "192.0.2.1[src]"),
        ("%B_i", "0_i"),
        ("%(name)ci", "192.0.2.1"),
        ("%(name:sint)[str(12x)]", "12"),
        ("%(:bool)[int(5)]", "1"),
        ("%(:sint)[req.hdr(none)]", ""),
        ("%(n){+Q}ci", '"192.0.2.1"'),
        ("a  b", "a  b"),
        ("%[bin(410042)]", "A"),
        ("%{+bin}o%[bin(410042)]", "A\0B"),
        ("%[bin(41ff0a42)]", "A\xff\nB"),
    ],
)
def test_text_of_a_format(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%{+Q}[req.hdr(host)]", '"www"'),
        ("%{+Q}[req.hdr(none)]", '""'),
        ("%{+Q}[int(5)]", '"5"'),
        ("%{+E}[req.hdr(x)]", 'a\\"b\\]c\\\\d'),
        ("%{+Q,+E}[req.hdr(x)]", '"a\\"b\\]c\\\\d"'),
        ("%{+X}[int(255)]", "255"),
        ("%{+X}ci %{+X}cp %{+X}ms", "C0000201 10E1 4E"),
        ("%{+X}o%ci %{-X}ci %cp", "C0000201 192.0.2.1 10E1"),
        ("%{+Q}o%b %{-Q}b %b %ST %B", '"fe" fe "fe" -1 0'),
        ("%{+Q}%{-Q}ci", None),
        ("%{+Q}s %{+Q}cp %{+Q}si %{+Q}sp", '"<NOSRV>" 4321 "" ""'),
        ("%{+Q , }HU", '"/a?b=c"'),
        ("%{}ci", "192.0.2.1"),
    ],
)
def test_flags(text: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(ParseError, match="without variable name"):
            shown(text)
        return
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a   b ", "a b "),
        (" %hs %ci  %hs  x", "192.0.2.1 x"),
        ("%[req.hdr(none)]|%[req.hdr(empty)]", "-|-"),
        ("%{+Q}[req.hdr(none)]|%si|%sp|%ID|%CC|%CS", '""|-|-|-|-|-'),
        ("%HQ|%ci", "?b=c|192.0.2.1"),
    ],
)
def test_log_lines_merge_blanks_and_show_what_is_missing(text: str, expected: str) -> None:
    t = request("GET /a?b=c HTTP/1.1", "Empty:")
    settings = t.frontend.settings
    assert parse(text, LOG).make(FakeBuild(), settings)(t) == expected


def test_an_alias_may_be_empty_without_being_missing() -> None:
    assert shown("[%HQ]", LOG, request("GET /a HTTP/1.1")) == "[]"


def test_headers_encode_control_characters_of_expressions() -> None:
    t = request("GET / HTTP/1.1", "X: a\x01\x1f\x7f\t\xe9~")
    assert shown("%[req.hdr(x)]", HEADER, t) == "a%01%1F%7F\t\xe9~"
    assert shown("%[req.hdr(x)]", PLAIN, t) == "a\x01\x1f\x7f\t\xe9~"
    assert shown("a  %[req.hdr(x),bytes(0,2)] b", UNIQUE_ID, t) == "a a%01 b"


def test_a_format_without_fields_is_constant() -> None:
    assert parse("a  b%%").constant == "a  b%"
    assert parse("  a  b", LOG).constant == "a b"
    assert parse("a%ci").constant is None
    assert parse("%{+json}o a").constant is None
    assert parse("a").make(FakeBuild())(None) == "a"


def test_points_are_those_that_all_expressions_have() -> None:
    assert parse("%ci x").points == EVERYWHERE
    found = parse("%[src] %[req.hdr(a)]").points
    assert found & Point.FE_REQ_HDR
    assert not found & Point.FE_RES_HDR


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "%foo",
            "no such format variable 'foo'. If you wanted to emit the '%' character verbatim, you need to use '%%'",
        ),
        ("%Bi", "no such format variable 'Bi'"),
        ("50 %", "truncated line after '%'"),
        ("%{+Q", "truncated line after '+Q'"),
        ("%(a", "truncated line after 'a'"),
        ("50 % x", "unexpected variable name near ' ' at position 4 line : '50 % x'. Maybe you want"),
        ("%{+Q}", "parse argument modifier without variable name near '%{+Q}'"),
        ("%[", "failed to parse sample expression <> : missing fetch method"),
        ("%[src", "missing ']' after 'src'"),
        ("%[src x]", "expected ']' after 'src', but found ' '"),
        ("%[nothing] %ci", "failed to parse sample expression <nothing] %ci> : unknown fetch method 'nothing'"),
        ("%[src,nothing]", "failed to parse sample expression <src,nothing]> : unknown converter 'nothing'"),
        (
            "%[res.hdr(a)]",
            "sample fetch <res.hdr> may not be reliably used here because it needs 'HTTP response headers'",
        ),
        ("%{+Z}ci", "unknown flag '+Z'"),
        ("%{Q}ci", "unknown flag 'Q'"),
        ("%(a b)ci", "invalid character in item name 'a b'"),
        ("%(a:foo)ci", "unexpected output type 'foo' for item 'a'"),
        ("%(a:ipv4)[bool(1)]", "sample expression <bool(1)> can't be cast to type 'ipv4'"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, said: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert str(caught.value).startswith(said)


def test_an_unknown_fetch_has_the_nearest_one() -> None:
    with pytest.raises(ParseError) as caught:
        parse("%[req.hrd(a)]")
    assert caught.value.hint == "req.hdr"


def test_aliases_of_http_are_for_mode_http() -> None:
    with pytest.raises(ParseError, match="format variable 'HM' is reserved for HTTP mode"):
        parse("%HM", mode="tcp")
    assert parse("%ci", mode="tcp")


# --- objects ---


def test_json_is_one_object_of_the_named_items() -> None:
    text = '%{+json}o %(a)ci ignored %cp %(b)cp %(c)[req.hdr(x)] %(d)[bool(1)] %(e)[req.hdr(none)] %(f:str)cp %("g)ST'
    with pytest.raises(ParseError, match="invalid character"):
        parse(text)
    found = shown(text.replace('%("g)', "%(g)"), LOG)
    assert found == ('{"a": "192.0.2.1", "b": 4321, "c": "a\\"b]c\\\\d", "d": true, "e": null, "f": "4321", "g": -1}')
    assert json.loads(found)["c"] == 'a"b]c\\d'


def test_json_of_nothing_is_an_empty_object() -> None:
    assert shown("%{+json}o %ci x") == "{}"


def test_json_has_numbers_without_padding() -> None:
    assert shown("%{+json}o %(ms)ms %(rc)rc") == '{"ms": 78, "rc": 0}'


def test_json_of_one_item_stands_in_the_text() -> None:
    assert shown("x=%{+json}[req.hdr(x)] y=%{+json}cp") == 'x="a\\"b]c\\\\d" y=4321'


def test_json_of_a_list_is_an_array() -> None:
    t = request()
    t.captures_req = ["a|", None]
    assert shown("%{+json}o %(x)hrl", LOG, t) == '{"x": ["a#7C", null]}'


def decoded(data: bytes) -> Any:
    """What CBOR says (RFC 8949), as far as log lines need it."""
    value, end = _decoded(data, 0)
    assert end == len(data)
    return value


def _decoded(data: bytes, at: int) -> tuple[Any, int]:
    major, low = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7:
        return {20: False, 21: True, 22: None}[low], at
    if data[at - 1] == 0xBF:
        return _decoded_map(data, at)
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(low, 0)
    number = int.from_bytes(data[at : at + size], "big") if size else low
    at += size
    if major < 2:
        return number if major == 0 else -1 - number, at
    if major < 4:
        block = data[at : at + number]
        return block if major == 2 else block.decode(), at + number
    members = []
    for _ in range(number):
        member, at = _decoded(data, at)
        members.append(member)
    return members, at


def _decoded_map(data: bytes, at: int) -> tuple[dict[str, Any], int]:
    found = {}
    while data[at] != 0xFF:
        name, at = _decoded(data, at)
        found[name], at = _decoded(data, at)
    return found, at + 1


def test_cbor_is_one_map_in_hexadecimal_digits() -> None:
    text = (
        "%{+cbor}o %(a)ci %(n)[int(-70000)] %(t)[bool(1)] %(u)[req.hdr(none)] %(b)[bin(00ff)] %(big)[int(5000000000)]"
    )
    found = shown(text, LOG)
    assert found == found.upper()
    assert decoded(bytes.fromhex(found)) == {
        "a": "192.0.2.1", "n": -70000, "t": True, "u": None, "b": b"\x00\xff", "big": 5_000_000_000,
    }  # fmt: skip


@pytest.mark.parametrize("number", [0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, -1, -24, -25, -(2**40)])
def test_cbor_numbers_of_all_lengths(number: int) -> None:
    assert decoded(bytes.fromhex(shown(f"%{{+cbor}}[int({number})]"))) == number


def test_cbor_in_binary() -> None:
    assert decoded(shown("%{+cbor,+bin}o %(a)[str(xyz)]").encode("latin-1")) == {"a": "xyz"}


# --- aliases ---


def test_our_end_of_the_servers_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aliases, "end_of", lambda t, side, end: End(Addr(bytes([10, 0, 0, 2])), 1234))
    assert shown("%bi:%bp %{+X}bi:%{+X}bp", LOG, respond(request())) == "10.0.0.2:1234 0A000002:04D2"


@pytest.mark.parametrize("name", list(ALIASES))
def test_every_alias_has_a_text_at_every_moment_of_a_stream(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aliases, "end_of", lambda t, side, end: None)  # these ask the shim
    for t in (request(), respond(request())):
        assert isinstance(shown(f"%{name}", LOG, t), str)
        assert isinstance(shown(f"%{{+Q,+X,+E}}{name}", LOG, t), str)
        assert isinstance(json.loads(shown(f"%{{+json}}o %(x){name}", LOG, t)), dict)


@pytest.mark.parametrize("alias", ALIASES.values(), ids=lambda alias: alias.name)
def test_every_alias_names_its_section_of_the_manual(alias: Alias) -> None:
    assert alias.section.startswith("8.")
    assert alias.type in (Type.STR, Type.SINT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%HM %HP %HPO %HQ %HU %HV %r", "GET http://h/a /a ?q=#22x http://h/a?q=#22x HTTP/1.1"),
        ("%b/%s %f %ft", "be/s1 fe fe"),
        ("%si:%sp", "127.0.0.1:9"),
        ("%ST", "200"),
        ("%ts %tsc", "-- ----"),
        ("%rt", "0"),
        ("%fi:%fp", "198.51.100.2:80"),
        ("%Th/%Ti/%TR/%Tq/%Tw/%Tc/%Tr/%Td/%Ta/%Tt/%Tu", "0/0/3/3/4/-1/-1/-1/2/2/2"),
        ("%ac %fc %bc %sc %rc %sq %bq", "7 3 0 0 0 0 0"),
    ],
)
def test_values_of_a_stream_that_goes_on(text: str, expected: str) -> None:
    t = respond(request('GET http://h/a?q="x HTTP/1.1', tr=3, tw=4))
    assert shown(text, LOG, t).startswith(expected)


def test_a_client_on_a_unix_socket_has_the_number_of_its_listener_for_a_port() -> None:
    assert shown("%ci:%cp", LOG, request(src=None)) == "unix:1"


@pytest.mark.parametrize(
    ("target", "path", "only", "query"),
    [
        ("/a?b?c", "/a", "/a", "?b?c"),
        ("*", "*", "", ""),
        ("a.example:80", "a.example:80", "", ""),
        ("http://h", "http://h", "", ""),
        ("http://h?x", "http://h", "", "?x"),
        ("http://h/?x", "http://h/", "/", "?x"),
        ("/a://b/c", "/a://b/c", "/a://b/c", ""),
    ],
)
def test_parts_of_a_target(target: str, path: str, only: str, query: str) -> None:
    assert shown("%HP|%HPO|%HQ", HEADER, request(f"GET {target} HTTP/1.1")) == f"{path}|{only}|{query}"
