"""`guid` and `guid-prefix`: what has one is found by it, whatever its section or line is called."""

from __future__ import annotations

import pytest

import lbcore
from lbcore.proxy.frontend import Listener
from lbcore.proxy.proxy import Proxy
from lbcore.proxy.server import Server
from tests.cli.servers import say

CONFIG = """
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 5s
frontend fe
    guid the.site
    bind 127.0.0.1:0,127.0.0.1:0 guid-prefix sock
    bind 127.0.0.1:0 guid-prefix other
    default_backend be
backend be
    server s1 127.0.0.1:1
    server s2 127.0.0.1:2 guid 7f:b-2
"""


def test_proxies_listeners_and_servers_are_found() -> None:
    with lbcore.LoadBalancer(CONFIG) as lb:
        proxy, server = lb.by_guid("the.site"), lb.by_guid("7f:b-2")
        assert isinstance(proxy, Proxy) and proxy.name == "fe"
        assert isinstance(server, Server) and server.name == "s2"
        names = ("sock-0", "sock-1", "other-0")
        listeners = [lb.by_guid(name) for name in names]
        assert all(isinstance(one, Listener) for one in listeners)
        assert [one.where for one in listeners if isinstance(one, Listener)] == [
            lb.address("fe", index) for index in range(3)
        ]


@pytest.mark.parametrize("guid", ["sock", "sock-2", "be", ""])
def test_what_nothing_has_is_not_found(guid: str) -> None:
    with lbcore.LoadBalancer(CONFIG) as lb, pytest.raises(KeyError):
        lb.by_guid(guid)


@pytest.mark.parametrize("taken", ["the.site", "sock-1", "7f:b-2"])
def test_a_server_that_is_added_may_not_have_what_another_has(taken: str) -> None:
    with lbcore.LoadBalancer(CONFIG) as lb:
        before = say(lb, "show servers state be")
        assert say(lb, f"add server be/new 127.0.0.1:3 guid {taken}") == f"'guid' : '{taken}' is already used.\n\n"
        assert say(lb, "show servers state be") == before


def test_a_server_that_is_added_is_found_until_it_is_deleted() -> None:
    with lbcore.LoadBalancer(CONFIG) as lb:
        for name in ("one", "two"):
            assert say(lb, f"add server be/{name} 127.0.0.1:3 guid new") == "New server registered.\n\n"
            assert lb.by_guid("new") is lb.states.find(f"be/{name}")
            assert say(lb, f"del server be/{name}") == "Server deleted.\n\n"
        with pytest.raises(KeyError):
            lb.by_guid("new")
