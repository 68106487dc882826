"""Both ends of the client's connection."""

from __future__ import annotations

import pytest

from lbcore.sample.types import Addr
from tests.fetch.evaluate import printed, value
from tests.fetch.transactions import accepted

TEXTS = ("src", "src_port", "dst", "dst_port")
ORIGINAL = ("fc_src", "fc_src_port", "fc_dst", "fc_dst_port")


@pytest.mark.parametrize("texts", [TEXTS, ORIGINAL])
def test_addresses_and_ports(texts: tuple[str, ...]) -> None:
    t = accepted(src="2001:db8::1", dst="::2", sport=1234, dport=443)
    assert [printed(t, text) for text in texts] == ["2001:db8::1", "1234", "::2", "443"]


@pytest.mark.parametrize("texts", [TEXTS, ORIGINAL])
def test_unix_sockets_have_none(texts: tuple[str, ...]) -> None:
    t = accepted(src=None)
    assert [value(t, text) for text in texts] == [None] * 4


def test_what_a_rule_sets_is_not_where_the_connection_came_from() -> None:
    t = accepted(src="192.0.2.1")
    t.session.src = Addr(bytes([10, 0, 0, 1]))
    assert (printed(t, "src"), printed(t, "fc_src")) == ("10.0.0.1", "192.0.2.1")


def test_local_addresses_are_those_that_can_be_bound() -> None:
    t = accepted(src="127.0.0.1", dst="192.0.2.1")
    texts = ("src_is_local", "dst_is_local", "fc_src_is_local", "fc_dst_is_local")
    assert [value(t, text) for text in texts] == [True, False, True, False]


def test_nobody_is_local_without_an_address() -> None:
    assert value(accepted(src=None), "src_is_local") is None
