"""`server-template`: the servers that one line makes."""

from __future__ import annotations

import pytest

from lbcore.cfg.loader import load
from lbcore.proxy.settings import ServerSettings

HEAD = "backend be\n  mode http\n  timeout connect 1s\n  timeout server 1s\n"


def servers(*lines: str) -> list[ServerSettings]:
    settings, diagnostics = load([("lb.cfg", HEAD + "".join(f"  {line}\n" for line in lines))])
    assert not diagnostics.errors, diagnostics.messages
    return settings.proxies[0].servers


@pytest.mark.parametrize(
    ("numbers", "names"),
    [("3", ["s1", "s2", "s3"]), ("2-4", ["s2", "s3", "s4"]), ("0-1", ["s0", "s1"]), ("7-7", ["s7"])],
)
def test_a_count_or_a_range_numbers_the_names(numbers: str, names: list[str]) -> None:
    assert [server.name for server in servers(f"server-template s {numbers} 127.0.0.1:80")] == names


def test_all_are_alike_and_have_what_default_server_says() -> None:
    first, last = servers("default-server weight 7 check inter 9s", "server-template s 2 127.0.0.1:81 maxconn 5 backup")
    assert (first.weight, first.maxconn, first.backup, first.address.port) == (7, 5, True, 81)
    assert (last.weight, last.maxconn, last.backup, last.address) == (7, 5, True, first.address)
    assert first.check == last.check
    assert first.check is not None
    assert first.check.inter == 9000


def test_an_id_is_that_of_the_first() -> None:
    found = servers("server a 127.0.0.1:80 id 3", "server-template s 3 127.0.0.1:80 id 8", "server z 127.0.0.1:80")
    assert [(server.name, server.id) for server in found] == [("a", 3), ("s1", 8), ("s2", 4), ("s3", 5), ("z", 6)]


def test_a_name_is_looked_up_for_all() -> None:
    found = servers("server-template s 3 localhost:80")
    assert {server.address.host for server in found} <= {"127.0.0.1", "::1"}
    assert [server.hostname for server in found] == ["localhost"] * 3


def test_stick_takes_an_inherited_non_stick_back() -> None:
    found = servers("default-server non-stick", "server a 127.0.0.1:80", "server b 127.0.0.1:80 stick")
    assert [server.non_stick for server in found] == [True, False]
