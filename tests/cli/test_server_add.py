"""Servers that are added while it runs are servers like all others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import lbcore
from lbcore.cli.registry import Level
from lbcore.proxy.health import CheckStatus
from tests.cli.servers import say
from tests.embedded import ask, balancer, config, named, until
from tests.peers.chaos import Chaos
from tests.peers.ports import HOST


@pytest.fixture
def lb() -> Iterator[lbcore.LoadBalancer]:
    with Chaos(named("s1")) as one, balancer(config(one.port, nbthread=2, back=["balance roundrobin"])) as running:
        yield running


def test_added_server_gets_its_share_once_it_is_enabled(lb: lbcore.LoadBalancer) -> None:
    with Chaos(named("n1")) as other:
        assert say(lb, f"add server be/n1 {HOST}:{other.port} weight 3") == "New server registered.\n\n"
        assert {ask(lb)[1] for _ in range(4)} == {b"s1"}
        assert say(lb, "enable server be/n1") == "\n"
        answers = [ask(lb)[1] for _ in range(8)]
        assert (answers.count(b"n1"), answers.count(b"s1")) == (6, 2)


def test_added_server_has_the_options_of_its_line(lb: lbcore.LoadBalancer) -> None:
    say(lb, f"add server be/n1 {HOST}:9 weight 3 maxconn 5 backup id 44 cookie 'a")
    server = lb.states.find("be/n1")
    assert (server.uweight, server.maxconn, server.backup, server.sid, server.cookie) == (3, 5, True, 44, "'a")
    assert server.status == "MAINT"


def test_deleted_server_is_gone_and_its_name_free(lb: lbcore.LoadBalancer) -> None:
    say(lb, f"add server be/n1 {HOST}:9")
    assert say(lb, "del server be/n1") == "Server deleted.\n\n"
    assert "n1" not in say(lb, "show servers state be")
    assert say(lb, f"add server be/n1 {HOST}:9") == "New server registered.\n\n"


@pytest.mark.parametrize("word", ["redir /x", "init-addr none", "non-stick", "max-reuse 3", "enabled", "tcp-ut 5s"])
def test_options_of_the_configuration_alone_are_refused(lb: lbcore.LoadBalancer, word: str) -> None:
    before = say(lb, "show servers state be")
    answer = say(lb, f"add server be/n1 {HOST}:9 weight 3 {word}")
    assert answer == f"'{word.split()[0]}' option is not accepted for dynamic server\n\n"
    assert say(lb, "show servers state be") == before


def test_the_argument_of_an_option_is_no_option(lb: lbcore.LoadBalancer) -> None:
    assert say(lb, f"add server be/n1 {HOST}:9 cookie stick") == "New server registered.\n\n"


def test_a_server_that_the_configuration_names_is_not_removed() -> None:
    front = ("http-request set-header x %[srv_conn(be/s2)]",)
    back = ("balance roundrobin", "use-server s1 if { path /one }")
    with balancer(config(9, 9, 9, front=front, back=back)) as lb:
        for name in ("s1", "s2"):
            say(lb, f"disable server be/{name}")
            assert say(lb, f"del server be/{name}") == (
                "This server cannot be removed at runtime due to other configuration elements pointing to it.\n\n"
            )
        say(lb, "disable server be/s3")
        assert say(lb, "del server be/s3") == "Server deleted.\n\n"


@pytest.mark.parametrize("option", ["", "option tcp-check"])
def test_an_added_server_is_checked_in_a_backend_without_checks(option: str) -> None:
    with Chaos(named("n1")) as peer, balancer(config(9, back=("balance roundrobin", option))) as lb:
        say(lb, f"add server be/n1 {HOST}:{peer.port} check inter 20ms rise 1 fall 1")
        server = lb.states.find("be/n1")
        assert server.check is not None
        assert not server.check.enabled
        say(lb, "enable health be/n1;enable server be/n1")
        assert until(lambda: server.check is not None and server.check.last.status is CheckStatus.L4OK)
        peer.close()
        assert until(lambda: server.status == "DOWN")


def test_the_checks_of_a_removed_server_end() -> None:
    with Chaos(named("n1")) as peer, balancer(config(9, back=("balance roundrobin",))) as lb:
        tasks = lb.facts.tasks
        say(
            lb,
            f"add server be/n1 {HOST}:{peer.port} check inter 5ms agent-check agent-port {peer.port} agent-inter 5ms",
        )
        say(lb, "enable health be/n1;enable agent be/n1;enable server be/n1")
        server = lb.states.find("be/n1")
        assert until(lambda: server.check is not None and server.check.last.status is CheckStatus.L4OK)
        say(lb, "disable agent be/n1;disable server be/n1")
        assert say(lb, "del server be/n1") == "Server deleted.\n\n"
        assert until(lambda: lb.facts.tasks == tasks)


def test_a_question_about_a_server_does_not_keep_it() -> None:
    with balancer(config(9, back=("balance roundrobin",))) as lb:
        say(lb, "experimental-mode on;set var proc.x expr srv_conn(be/s1);disable server be/s1")
        assert say(lb, "del server be/s1") == "Server deleted.\n\n"


def test_an_added_server_follows_the_one_that_it_tracks() -> None:
    with balancer(config(9, back=("balance roundrobin",), server="check inter 60s")) as lb:
        assert say(lb, f"add server be/n1 {HOST}:9 track s1") == "New server registered.\n\n"
        say(lb, "enable server be/n1")
        say(lb, "set server be/s1 health down")
        assert lb.states.find("be/n1").status == "DOWN"
        say(lb, "set server be/s1 health up")
        assert lb.states.find("be/n1").status == "UP"
        assert say(lb, "del server be/s1").startswith("This server cannot be removed")
        say(lb, "disable server be/n1")
        assert say(lb, "del server be/n1") == "Server deleted.\n\n"


@pytest.mark.parametrize("command", [f"add server be/n1 {HOST}:9", "del server be/s1"])
def test_is_for_admins(lb: lbcore.LoadBalancer, command: str) -> None:
    assert say(lb, command, Level.OPERATOR) == "Permission denied\n\n"
