"""TLS hellos: what HAProxy 2.6 does not know yet, what is cut, what lies."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcore.sample.words import ParseError
from lbcore.shim import lib
from tests.fetch.evaluate import parse, value
from tests.fetch.table import SERVER_HELLO, SSL2_HELLO, client_hello, hello, record
from tests.fetch.transactions import tcp

TEXTS = (
    "req.ssl_hello_type", "req.ssl_ver", "req.ssl_sni", "req.ssl_alpn", "req.ssl_ec_ext", "req.ssl_st_ext",
    "req.ssl_cipherlist", "req.ssl_sigalgs", "req.ssl_supported_groups", "req.ssl_keyshare_groups",
)  # fmt: skip

WHOLE = record(
    hello(
        (0, b"\0\x05\0\0\x02ab"),
        (10, b"\0\x04\0\x1d\0\x17"),
        (13, b"\0\x02\x04\x03"),
        (16, b"\0\x06\x02h2\x02xx"),
        (35, b""),
        (51, b"\0\x0b\0\x1d\0\x01k\0\x17\0\x02kk"),
        ciphers=b"\x13\x01\x13\x02",
    )
)
PARTS = [1, 0x30003, "ab", "h2", True, 1, b"\x13\x01\x13\x02", b"\x04\x03", b"\0\x1d\0\x17", b"\0\x1d\0\x17"]


def test_all_of_a_hello() -> None:
    assert [value(tcp(WHOLE), text) for text in TEXTS] == PARTS


def test_a_hello_in_several_records() -> None:
    content = WHOLE[5:]
    data = b"".join(record(content[at : at + 20]) for at in range(0, len(content), 20))
    assert [value(tcp(data), text) for text in TEXTS] == PARTS


def test_what_stands_behind_the_hello_does_not_matter() -> None:
    assert [value(tcp(WHOLE + b"anything"), text) for text in TEXTS] == PARTS


@pytest.mark.parametrize("text", TEXTS)
def test_a_part_of_a_hello_has_nothing_yet(text: str) -> None:
    for size in range(len(WHOLE)):
        t = tcp(WHOLE[:size])
        assert (value(t, text), t.missing) == (None, True), size
        assert value(tcp(WHOLE[:size], end=True), text) is None


def test_the_hellos_of_openssl() -> None:
    found = tcp(client_hello("Www.Example.com", "h2", "http/1.1"))
    assert [value(found, text) for text in TEXTS[:5]] == [1, 0x30003, "Www.Example.com", "h2", True]
    groups, shares = value(found, "req.ssl_supported_groups"), value(found, "req.ssl_keyshare_groups")
    assert isinstance(groups, bytes)
    assert isinstance(shares, bytes)
    pairs = {groups[at : at + 2] for at in range(0, len(groups), 2)}
    assert {shares[at : at + 2] for at in range(0, len(shares), 2)} <= pairs
    assert value(tcp(client_hello("x", newest=ssl.TLSVersion.TLSv1_2)), "req.ssl_keyshare_groups") is None


def test_the_hello_of_a_server() -> None:
    t = tcp(SERVER_HELLO, kind=lib.ASK_RES_CONTENT)
    assert [value(t, text) for text in ("res.ssl_hello_type", "rep_ssl_hello_type")] == [2, 2]
    t = tcp(SERVER_HELLO[:-1], kind=lib.ASK_RES_CONTENT)
    assert (value(t, "res.ssl_hello_type"), t.missing) == (None, True)


@pytest.mark.parametrize("size", range(1, len(SSL2_HELLO)))
def test_a_part_of_an_old_hello_has_nothing_yet(size: int) -> None:
    t = tcp(SSL2_HELLO[:size])
    assert (value(t, "req.ssl_ver"), t.missing) == (None, True)


def test_an_old_hello_tells_its_version_only() -> None:
    assert [value(tcp(SSL2_HELLO), text) for text in TEXTS] == [None, 0x30001, *[None] * 8]


@pytest.mark.parametrize(
    "extension",
    [
        (0, b"\0\x09\0\0\x02ab"),  # the list is longer than its extension
        (0, b"\0\x05\0\0\x09ab"),  # the name is longer than its list
        (16, b"\0\x03\x09h2"),
        (51, b"\0\x04\0\x1d\0\x09"),
        (13, b"\0\x09\x04\x03"),
    ],
)
def test_lengths_that_lie_give_nothing(extension: tuple[int, bytes]) -> None:
    t = tcp(record(hello(extension)))
    texts = ("req.ssl_sni", "req.ssl_alpn", "req.ssl_keyshare_groups", "req.ssl_sigalgs")
    assert [value(t, text) for text in texts] == [None] * 4
    assert not t.missing


def test_the_first_of_two_extensions_of_a_kind_counts() -> None:
    t = tcp(record(hello((0, b"\0\x05\0\0\x02ab"), (0, b"\0\x05\0\0\x02cd"))))
    assert value(t, "req.ssl_sni") == "ab"


def test_a_message_shorter_than_its_fields_is_no_hello() -> None:
    cut = hello((0, b"\0\x05\0\0\x02ab"))[:-3]
    t = tcp(record(cut[:1] + (len(cut) - 4).to_bytes(3, "big") + cut[4:]))
    assert (value(t, "req.ssl_hello_type"), t.missing) == (None, False)


ANYTHING = st.binary(max_size=200)
LIKELY = st.binary(max_size=120).map(record) | st.binary(max_size=120).map(lambda rest: WHOLE[:60] + rest)


@given(ANYTHING | LIKELY, ANYTHING)
def test_more_bytes_do_not_change_what_is_settled(data: bytes, more: bytes) -> None:
    for text in TEXTS:
        t, later = tcp(data), tcp(data + more)
        found = value(t, text)
        assert t.missing or (value(later, text), later.missing) == (found, False)


def test_words_of_tls_are_not_there_yet() -> None:
    with pytest.raises(ParseError):
        parse("ssl_fc_sni")
