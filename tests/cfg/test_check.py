"""The check of the whole configuration: references, numbers, and the addresses of servers."""

from __future__ import annotations

import socket

from lbcore.base.diag import Diagnostics
from lbcore.cfg.check import check, has_listener
from lbcore.cfg.context import Context
from lbcore.cfg.defaultpath import DefaultPath
from lbcore.cfg.diagnostics import Reporter
from lbcore.cfg.environment import Environment
from lbcore.cfg.loader import load_into
from lbcore.cfg.sections import SECTIONS
from lbcore.cfg.source import Source
from lbcore.proxy.settings import ProxySettings, ServerSettings, Settings

TIMEOUTS = " timeout client 1s\n timeout server 1s\n timeout connect 1s\n"


class FakeResolver:
    """Knows a few names, and remembers what it was asked."""

    def __init__(self, **names: str) -> None:
        self.names = names
        self.asked: list[tuple[str, int]] = []

    def __call__(self, name: str, family: int) -> tuple[int, str] | None:
        self.asked.append((name, family))
        found = self.names.get(name)
        return (socket.AF_INET, found) if found else None


def read(text: str, resolver: FakeResolver | None = None) -> tuple[Settings, Diagnostics]:
    ctx = Context(Settings(), Reporter(), Environment({}), DefaultPath())
    ask = resolver or FakeResolver()
    load_into(ctx, [Source("lb.cfg", text)], SECTIONS, lambda whole: check(whole, ask))
    return ctx.settings, ctx.reporter.diagnostics


def listen(lines: str, resolver: FakeResolver | None = None) -> tuple[ProxySettings, list[str]]:
    settings, diagnostics = read(f"listen l\n bind :80\n{TIMEOUTS}{lines}", resolver)
    return settings.proxies[0], [m.text for m in diagnostics.messages]


def server(options: str, resolver: FakeResolver) -> tuple[ServerSettings, list[str]]:
    proxy, messages = listen(f" server s {options}\n", resolver)
    return proxy.servers[0], messages


def test_says_whether_anything_listens() -> None:
    assert has_listener(read(f"listen l\n bind :80\n{TIMEOUTS}")[0])
    assert not has_listener(read(f"listen l\n bind :80\n disabled\n{TIMEOUTS}")[0])
    assert not has_listener(read(f"frontend l\n{TIMEOUTS}")[0])
    assert not has_listener(read("backend b\n")[0])
    assert not has_listener(read("global\n stats socket /tmp/x\n")[0])


def test_gives_the_lowest_free_numbers_from_the_place_in_the_list_on() -> None:
    settings, _ = read("backend a\n id 3\nbackend b\nbackend c\nbackend d\n id 2\nbackend e\n")
    assert [proxy.id for proxy in settings.proxies] == [3, 4, 5, 2, 7]


def test_stats_sockets_have_a_place_before_all_proxies() -> None:
    settings, _ = read("global\n stats socket /tmp/x\nbackend a\nbackend b\n id 1\nbackend c\n")
    assert [proxy.id for proxy in settings.proxies] == [2, 1, 4]


def test_numbers_servers_and_listeners_within_their_proxy() -> None:
    lines = " bind :81 id 1\n bind :82\n server a 127.0.0.1:1\n server b 127.0.0.1:1 id 1\n server c 127.0.0.1:1\n"
    proxy, messages = listen(lines)
    assert messages == []
    assert [item.id for item in proxy.servers] == [2, 1, 4]
    assert [item.id for item in proxy.binds] == [2, 1, 3]


def test_the_proxy_behind_stats_sockets_has_the_first_number() -> None:
    settings, _ = read("global\n stats socket /tmp/s\nbackend a\nbackend b\n")
    assert [proxy.id for proxy in settings.proxies] == [2, 3]


def test_falls_back_to_tcplog_outside_http() -> None:
    proxy, messages = listen(" log 127.0.0.1 local0\n option httplog\n")
    assert proxy.log_kind == "tcplog"
    assert messages == [
        (
            "config : parsing [lb.cfg:7] : 'option httplog' not usable with proxy 'l' (needs 'mode http'). "
            "Falling back to 'option tcplog'."
        )
    ]


def test_drops_forwardfor_outside_http() -> None:
    proxy, messages = listen(" option forwardfor\n")
    assert proxy.forwardfor is None
    assert messages == ["config : 'option forwardfor' ignored for proxy 'l' as it requires HTTP mode."]


def test_a_tunnel_timeout_does_for_a_tcp_server() -> None:
    head = "listen l\n bind :80\n timeout client 1s\n timeout connect 1s\n timeout tunnel 1s\n server s 127.0.0.1:1\n"
    assert read(head)[1].warnings == 0
    assert read(head + " mode http\n")[1].warnings == 1


def test_the_warning_about_timeouts_says_which() -> None:
    _settings, diagnostics = read("frontend f\n bind :80\n")
    assert diagnostics.messages[0].text == (
        "config : missing timeouts for frontend 'f'.\n"
        "   | While not properly invalid, you will certainly encounter various problems\n"
        "   | with such a configuration. To fix this, please ensure that all following\n"
        "   | timeouts are set to a non-zero value: 'client', 'connect', 'server'."
    )


def test_looks_up_the_name_of_a_server() -> None:
    found, messages = server("web:80", FakeResolver(web="10.0.0.1"))
    assert messages == []
    assert (found.address.family, found.address.host, found.address.port) == (socket.AF_INET, "10.0.0.1", 80)
    assert (found.hostname, found.disabled) == ("web", False)


def test_asks_for_the_family_that_was_written_and_once_for_each_name() -> None:
    resolver = FakeResolver(web="10.0.0.1")
    listen(" server a web:80\n server b web:81\n server c ipv6@web:80 init-addr libc,none\n", resolver)
    assert resolver.asked == [("web", socket.AF_UNSPEC), ("web", socket.AF_INET6)]


def test_does_not_ask_about_numbers_or_disabled_proxies() -> None:
    resolver = FakeResolver()
    assert listen(" server a 127.0.0.1:80\n", resolver)[1] == []
    assert listen(" disabled\n server a web:80\n", resolver)[1] == []
    assert resolver.asked == []


def test_a_name_nobody_knows_is_an_error_with_the_servers_line() -> None:
    _found, messages = server("web:80", FakeResolver())
    assert messages == [
        "config : [lb.cfg:6] : 'server l/s' : could not resolve address 'web'.",
        "config : Failed to initialize server(s) addr.",
    ]


def test_starts_without_an_address_if_init_addr_allows_it() -> None:
    found, messages = server("web:80 init-addr libc,none", FakeResolver())
    assert (found.disabled, found.address.family) == (True, socket.AF_UNSPEC)
    assert messages == ["config : [lb.cfg:6] : 'server l/s' : could not resolve address 'web', disabling server."]
    assert server("web:80 init-addr none", FakeResolver(web="10.0.0.1"))[1] == []


def test_takes_the_address_that_init_addr_holds_in_reserve() -> None:
    found, messages = server("web:80 init-addr libc,10.9.9.9", FakeResolver())
    assert (found.address.host, found.address.port) == ("10.9.9.9", 80)
    assert messages == [
        "config : [lb.cfg:6] : 'server l/s' : could not resolve address 'web', falling back to configured address."
    ]


def test_looks_up_nothing_if_something_else_is_wrong() -> None:
    resolver = FakeResolver()
    _proxy, messages = listen(" server s web:80\n server s web:80\n", resolver)
    assert len(messages) == 1
    assert resolver.asked == []


def test_frontends_find_their_backends_whatever_the_order() -> None:
    frontend = "frontend f\n bind :80\n timeout client 1s\n default_backend b\n"
    assert read(f"backend b\n{frontend}")[1].messages == []
    assert read(f"{frontend}backend b\n")[1].messages == []
    assert read(f"{frontend}listen b\n bind :81\n{TIMEOUTS}")[1].messages == []


SWITCHED = """
frontend f
 mode tcp
 bind :80
 timeout client 1s
{}
 default_backend b
 use_backend b if TRUE
backend b
 mode http
 timeout server 1s
 timeout connect 1s
"""


def test_a_backend_of_another_mode_is_refused() -> None:
    _, diagnostics = read(SWITCHED.format(""))
    alerts = [message.text for message in diagnostics.messages]
    assert [text.count("tries to use incompatible http backend 'b'") for text in alerts[:2]] == [1, 1]


def test_a_frontend_that_switches_to_http_may_lead_to_a_backend_of_that_mode() -> None:
    _, diagnostics = read(SWITCHED.format(" tcp-request content switch-mode http if HTTP"))
    assert not diagnostics.errors
