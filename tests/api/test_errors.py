"""What a user is told when a configuration can't be used."""

from __future__ import annotations

import os
import socket

import pytest

import lbcore
from lbcore.proxy.settings import Settings
from tests.embedded import balancer, config, held
from tests.peers.ports import HOST, free_port, release_port


def refusal(text: str) -> lbcore.ConfigError:
    """The error that a configuration raises when a balancer is made of it."""
    with pytest.raises(lbcore.ConfigError) as caught:
        lbcore.LoadBalancer(text)
    return caught.value


def start_refusal(text: str) -> lbcore.ConfigError:
    """The error that a good configuration raises when it is started."""
    with pytest.raises(lbcore.ConfigError) as caught, balancer(text):
        pass
    return caught.value


def test_error_says_where_and_what_was_meant() -> None:
    error = refusal("frontend fe\n    bindd 127.0.0.1:0\n")
    message = next(m for m in error.diagnostics.messages if "bindd" in m.text)
    assert message.severity is lbcore.Severity.ALERT
    assert (message.file, message.line, message.column) == ("<config>", 2, 5)
    assert message.hint == "bind"
    assert message.source.strip() == "bindd 127.0.0.1:0"


def test_all_errors_are_told_at_once() -> None:
    error = refusal("frontend fe\n    bindd :0\n    modee http\n    bind :0\n    timeoutt 1\n")
    wrong = [m for m in error.diagnostics.messages if m.severity is lbcore.Severity.ALERT]
    assert [m.line for m in wrong if m.line] == [2, 3, 5]
    assert error.diagnostics.errors == len(wrong)
    for word in ("bindd", "modee", "timeoutt"):
        assert word in str(error)


def test_warnings_alone_are_kept_and_not_raised() -> None:
    lb = lbcore.LoadBalancer("frontend fe\n    bind 127.0.0.1:0\n    mode http\n")  # no timeouts: HAProxy warns
    assert lb.diagnostics.warnings >= 1
    assert lb.diagnostics.errors == 0


@pytest.mark.parametrize("text", ["", "backend be\n    server s 127.0.0.1:1\n", "global\n    nbthread 2\n"])
def test_configuration_that_listens_nowhere_is_refused(text: str) -> None:
    assert "no listener" in str(refusal(text))


def test_missing_last_line_end_is_an_error() -> None:
    assert "Missing LF" in str(refusal("frontend fe\n    bind 127.0.0.1:0"))


def test_bind_failures_name_every_address() -> None:
    first, second, good = (free_port() for _ in range(3))
    binds = [f"bind {HOST}:{first}", f"bind {HOST}:{good}", f"bind {HOST}:{second} name last", "bind /no/where.sock"]
    with socket.create_server((HOST, first)), socket.create_server((HOST, second)):
        text = config(bind=binds[0], front=binds[1:])
        error = start_refusal(text)
    said = [m.text for m in error.diagnostics.messages]
    assert len(said) == 3
    for text, address in zip(said, (f"{HOST}:{first}", f"{HOST}:{second}", "/no/where.sock"), strict=True):
        assert text.startswith("Starting frontend fe: cannot bind socket (")
        assert f"[{address}]" in text
    assert "Address already in use" in said[0]
    assert all(m.file == "<config>" and m.line > 0 for m in error.diagnostics.messages)
    with socket.create_server((HOST, good)):
        pass  # what could be bound was given back
    for port in (first, second, good):
        release_port(port)


def test_stats_socket_that_cannot_be_bound_is_named() -> None:
    text = config(settings=["stats socket /no/where.sock"])
    assert "[/no/where.sock]" in str(start_refusal(text))


def test_inherited_descriptor_that_does_not_listen_is_refused() -> None:
    with socket.socket() as idle:
        error = start_refusal(config(bind=f"bind fd@{idle.fileno()}"))
        assert f"fd@{idle.fileno()}" in str(error)


def test_inherited_descriptor_that_is_no_socket_is_refused() -> None:
    with open(os.devnull) as nothing:
        error = refusal(config(bind=f"bind fd@{nothing.fileno()}"))
        assert f"'{nothing.fileno()}' : Socket operation on non-socket" in str(error)


def test_failed_starts_leave_nothing_behind() -> None:
    text = config(nbthread=2, front=["bind /no/where.sock"])
    start_refusal(text)
    before = held()
    for _ in range(50):
        start_refusal(text)
    assert held() == before


def test_settings_without_proxies_can_be_started_and_closed() -> None:
    lb = lbcore.LoadBalancer.from_settings(Settings())
    lb.start()
    lb.close()
    assert lb.wait(0)
