"""Every kind of address that a `bind` line may have."""

from __future__ import annotations

import os
import socket
import stat
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import lbcore
from tests.embedded import REQUEST, ask, balancer, config, named
from tests.peers.chaos import Chaos
from tests.peers.framing import message_length
from tests.peers.ports import HOST, free_port, release_port


@pytest.fixture
def server() -> Iterator[Chaos]:
    with Chaos(named("s1")) as peer:
        yield peer


def answer(connection: socket.socket) -> bytes:
    """The response to a GET on a connection."""
    connection.settimeout(10)
    connection.sendall(REQUEST)
    data = b""
    while message_length(data, response=True) is None:
        more = connection.recv(65536)
        assert more, data
        data += more
    return data


def test_ipv4_port_that_the_system_chose_can_be_read(server: Chaos) -> None:
    with balancer(config(server.port)) as lb:
        where = lb.address("fe")
        assert (where.family, where.host) == (socket.AF_INET, HOST)
        assert where.port > 0
        assert lb.url("fe") == f"http://{HOST}:{where.port}"
        with urllib.request.urlopen(lb.url("fe") + "/x", timeout=10) as reply:
            assert reply.read() == b"s1"


@pytest.mark.parametrize("bind", ["bind *:0", "bind :0", "bind 0.0.0.0:0", "bind ipv4@*:0"])
def test_url_of_any_address_leads_to_this_host(server: Chaos, bind: str) -> None:
    with balancer(config(server.port, bind=bind)) as lb:
        assert lb.url("fe") == f"http://127.0.0.1:{lb.address('fe').port}"
        assert ask(lb) == (200, b"s1")


@pytest.mark.parametrize("bind", ["bind [::1]:0", "bind ipv6@::1:0", "bind :::0 v6only", "bind [::]:0 v4v6"])
def test_ipv6(server: Chaos, bind: str) -> None:
    with balancer(config(server.port, bind=bind)) as lb:
        where = lb.address("fe")
        assert where.family == socket.AF_INET6
        assert lb.url("fe") == f"http://[::1]:{where.port}"
        with urllib.request.urlopen(lb.url("fe"), timeout=10) as reply:
            assert reply.read() == b"s1"


def test_v4v6_takes_both_and_v6only_does_not(server: Chaos) -> None:
    with balancer(config(server.port, bind="bind [::]:0 v4v6", front=["bind [::]:0 v6only"])) as lb:
        with socket.create_connection((HOST, lb.address("fe", 0).port)) as connection:
            assert b"200" in answer(connection)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, lb.address("fe", 1).port))


def test_unix_socket(server: Chaos, tmp_path: Path) -> None:
    path = tmp_path / "fe.sock"
    with balancer(config(server.port, bind=f"bind {path} mode 640")) as lb:
        assert lb.address("fe").host == str(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            assert answer(connection).endswith(b"s1")
        with pytest.raises(ValueError, match=r"fe\.sock"):
            lb.url("fe")
    assert list(tmp_path.iterdir()) == []


def test_unix_socket_of_a_successor_stays(tmp_path: Path) -> None:
    path = tmp_path / "fe.sock"
    text = config(bind=f"bind {path}")
    with balancer(text):
        successor = lbcore.LoadBalancer(text)
        successor.start()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
    successor.close()
    assert not path.exists()


def test_unix_socket_goes_with_a_soft_stop(tmp_path: Path) -> None:
    path = tmp_path / "fe.sock"
    with balancer(config(bind=f"bind unix@{path}")) as lb:
        lb.soft_stop()
        assert lb.wait(10)
        assert not path.exists()


def test_start_that_fails_leaves_no_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "fe.sock"
    text = config(bind=f"bind {path}", front=["bind /nowhere/there/fe.sock"])
    with pytest.raises(lbcore.ConfigError, match="/nowhere"), balancer(text):
        pass
    assert list(tmp_path.iterdir()) == []


def test_abstract_socket(server: Chaos) -> None:
    name = f"lbcore-test-{os.getpid()}-{server.port}"
    with balancer(config(server.port, bind=f"bind abns@{name}")) as lb:
        assert lb.address("fe").host == f"\0{name}"
        assert str(lb.address("fe")) == f"abns@{name}"
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(f"\0{name}")
            assert answer(connection).endswith(b"s1")
    with socket.socket(socket.AF_UNIX) as connection, pytest.raises(ConnectionRefusedError):
        connection.connect(f"\0{name}")


def test_port_range_listens_on_each(server: Chaos) -> None:
    low = consecutive(3)
    with balancer(config(server.port, bind=f"bind {HOST}:{low}-{low + 2}")) as lb:
        assert [lb.address("fe", i).port for i in range(3)] == [low, low + 1, low + 2]
        for port in range(low, low + 3):
            with socket.create_connection((HOST, port)) as connection:
                assert answer(connection).endswith(b"s1")
    for port in range(low, low + 3):
        release_port(port)


def consecutive(count: int) -> int:
    """The first of `count` claimed ports in a row."""
    claimed: set[int] = set()
    while True:
        claimed.add(free_port())
        for low in claimed:
            run = set(range(low, low + count))
            if run <= claimed:
                for port in claimed - run:
                    release_port(port)
                return low
        low = min(claimed)
        if len(claimed) > 2000:
            raise OSError("no ports in a row")


def test_several_addresses_of_one_line(server: Chaos) -> None:
    with balancer(config(server.port, bind=f"bind {HOST}:0,{HOST}:0 name pair")) as lb:
        ports = [lb.address("fe", i).port for i in range(2)]
        assert len(set(ports)) == 2
        with pytest.raises(IndexError):
            lb.address("fe", 2)


def test_inherited_descriptor_is_served_and_not_closed(server: Chaos) -> None:
    with socket.create_server((HOST, 0)) as listening:
        port = listening.getsockname()[1]
        for _ in range(2):
            with balancer(config(server.port, bind=f"bind fd@{listening.fileno()}")) as lb:
                assert lb.address("fe").port == port
                assert ask(lb) == (200, b"s1")
        with socket.create_connection((HOST, port)):  # it still listens: nobody has shut it
            listening.settimeout(10)
            accepted, _ = listening.accept()
            accepted.close()


def test_inherited_unix_socket(server: Chaos, tmp_path: Path) -> None:
    path = tmp_path / "given.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        with balancer(config(server.port, bind=f"bind fd@{listening.fileno()}")) as lb:
            assert lb.address("fe").host == str(path)
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(path))
                assert answer(connection).endswith(b"s1")
    assert path.exists()


def test_address_from_the_environment_that_was_given(server: Chaos) -> None:
    text = config(server.port, bind='bind "${WHERE}"')
    with lbcore.LoadBalancer(text, env={"WHERE": f"{HOST}:0"}) as lb:
        assert ask(lb) == (200, b"s1")
    assert "WHERE" not in os.environ


def test_unknown_names_are_key_errors() -> None:
    with balancer(config()) as lb:
        for name in ("nobody", "be"):
            with pytest.raises(KeyError):
                lb.address(name)
