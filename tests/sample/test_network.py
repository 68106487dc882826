"""Networks: how they are written, and which addresses lie in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcore.sample.network import Network, NetworkIndex, parse_network
from lbcore.sample.types import Addr


def addr(text: str) -> Addr:
    found = Addr.parse(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("10.1.2.3", Network(0x0A010203, 0xFFFFFFFF, 32)),
        ("10.1.2.3/8", Network(0x0A000000, 0xFF000000, 32)),
        ("10.1.2.3/0", Network(0, 0, 32)),
        ("10.1.2.3/255.255.0.0", Network(0x0A010000, 0xFFFF0000, 32)),
        ("10.1.2.3/255.0.0.255", Network(0x0A000003, 0xFF0000FF, 32)),
        ("::1", Network(1, 2**128 - 1, 128)),
        ("2001:db8::1/32", Network(0x20010DB8 << 96, 0xFFFFFFFF << 96, 128)),
    ],
)
def test_networks_are_read(text: str, network: Network) -> None:
    assert parse_network(text) == network


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.2", "1.2.3", "1.2.3.4.5", "1.2.3.4/33", "1.2.3.4/", "/8", "::1/129", "::1/::", "x", "1.2.3.4/x"],
)
def test_what_is_no_network_is_told(text: str) -> None:
    assert parse_network(text) is None


@pytest.mark.parametrize(
    ("text", "same"),
    [("127.1", "127.0.0.1"), ("10.12/8", "10.0.0.12/8"), ("192.168.1", "192.168.0.1"), ("1", "0.0.0.1")],
)
def test_octets_may_be_left_out_where_names_may_stand(text: str, same: str) -> None:
    assert parse_network(text, resolve=True) == parse_network(same)


def test_a_name_stands_for_its_address() -> None:
    assert parse_network("localhost", resolve=True) == parse_network("127.0.0.1")
    assert parse_network("localhost") is None


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        (
            "10.0.0.0/8",
            ["10.1.2.3", "::ffff:10.1.2.3", "::10.1.2.3", "2002:a01:203::1"],
            ["11.0.0.0", "64:ff9b::a01:203"],
        ),
        ("::ffff:10.0.0.0/104", ["10.1.2.3", "::ffff:10.1.2.3"], ["11.1.2.3", "::10.1.2.3"]),
        ("2001:db8::/32", ["2001:db8::1"], ["2001:db9::1", "10.1.2.3"]),
        ("10.0.0.3/255.0.0.255", ["10.9.9.3", "::ffff:10.9.9.3"], ["10.9.9.4"]),
        ("0.0.0.0/0", ["1.2.3.4", "::ffff:1.2.3.4"], ["2001:db8::1"]),
        ("::/0", ["1.2.3.4", "2001:db8::1"], []),
    ],
)
def test_addresses_of_one_family_lie_in_networks_of_the_other(
    network: str, inside: list[str], outside: list[str]
) -> None:
    index: NetworkIndex[str] = NetworkIndex()
    found = parse_network(network)
    assert found is not None
    index.add(found, network)
    assert [index.find(addr(text)) for text in inside] == [network] * len(inside)
    assert [index.find(addr(text)) for text in outside] == [None] * len(outside)


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)), max_size=30), st.integers(0, 2**32 - 1))
def test_the_narrowest_network_is_found(networks: list[tuple[int, int]], number: int) -> None:
    index: NetworkIndex[tuple[int, int]] = NetworkIndex()
    for address, length in networks:
        mask = (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF
        index.add(Network(address & mask, mask, 32), (length, address & mask))
    fits = [(length, address >> (32 - length) << (32 - length)) for address, length in networks]
    fits = [(length, base) for length, base in fits if number >> (32 - length) << (32 - length) == base]
    assert index.find(Addr(number.to_bytes(4, "big"))) == max(fits, default=None)
