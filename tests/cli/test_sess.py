"""Sessions are listed as they are, and those that are named end."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import lbcore
from lbcore.cli.registry import Level
from tests.cli.servers import say
from tests.embedded import REQUEST, Client, balancer, cli, config, until
from tests.peers.chaos import Chaos
from tests.peers.sinks import UdpSink

MANY = 300
KILLED_IN_QUEUE = re.compile(rb"fe be/<NOSRV> \d+/\d+/-1/-1/\d+ 502 .* KQ-- ")


def hang(connection: socket.socket) -> None:
    """A server that never answers."""
    while connection.recv(65536):
        pass


@contextmanager
def hanging(
    *,
    mode: str = "http",
    settings: tuple[str, ...] = (),
    front: tuple[str, ...] = (),
    back: tuple[str, ...] = (),
    server: str = "",
) -> Iterator[lbcore.LoadBalancer]:
    """A balancer of two threads before such a server."""
    with Chaos(hang) as peer:
        text = config(peer.port, mode=mode, nbthread=2, settings=settings, front=front, back=back, server=server)
        with balancer(text) as lb:
            yield lb


def lines(lb: lbcore.LoadBalancer, command: str = "show sess") -> list[str]:
    return say(lb, command).splitlines()[:-1]


def ids(lb: lbcore.LoadBalancer, command: str = "show sess") -> list[str]:
    return [line.partition(":")[0] for line in lines(lb, command)]


def wait_for(lb: lbcore.LoadBalancer, count: int, state: str = "scb=[8") -> None:
    assert until(lambda: sum(state in line for line in lines(lb)) == count)


def test_a_stream_is_told_with_its_places_and_addresses() -> None:
    with hanging() as lb, Client(lb) as client:
        client.send()
        wait_for(lb, 1)
        (line,) = lines(lb)
        host, port = client.socket.getsockname()
        assert re.fullmatch(
            rf"0x[0-9a-f]+: proto=tcpv4 src={host}:{port} fe=fe be=be srv=s1 th=[12] age=0s "
            r"rq\[st=MSG_DONE,i=0,o=0,t=\d+\] rp\[st=MSG_RPBEFORE,i=0,o=0,t=0\] scf=\[8,[0-9a-f]+h,fd=\d+,rex=\d+s\] "
            r"scb=\[8,[0-9a-f]+h,fd=\d+,rex=\d+s\] exp=\d+s rc=0",
            line,
        )


def test_clients_without_a_request_have_no_stream() -> None:
    with hanging() as lb, Client(lb) as silent, Client(lb) as slow, Client(lb) as client:
        silent.send(b"")
        slow.send(b"GET / HTTP/1.1\r\n")
        client.send()
        wait_for(lb, 1)
        assert len(lines(lb)) == 1


def test_a_tunnel_has_no_states_of_messages() -> None:
    with hanging(mode="tcp") as lb, Client(lb) as client:
        client.send(b"12345")
        assert until(lambda: any("rq[st=-,i=0,o=0,t=5]" in line for line in lines(lb)))


def test_one_session_is_told_of_in_full() -> None:
    with hanging() as lb, Client(lb) as client:
        client.send()
        wait_for(lb, 1)
        (number,) = ids(lb)
        told = say(lb, f"show sess {number}")
        assert told.startswith(f"{number}: [")
        assert "  frontend=fe (id=1 mode=http), listener=? port=" in told
        assert "  server=s1 (id=1)\n" in told
        assert say(lb, "show sess all") == told


def test_who_waits_in_a_queue_tells_how_many_were_before() -> None:
    with hanging(server="maxconn 1") as lb, ExitStack() as stack:
        for count in range(3):
            stack.enter_context(Client(lb)).send()
            wait_for(lb, count, "scb=[2") if count else wait_for(lb, 1)
        assert sorted(re.findall(r"pos=\d", say(lb, "show sess"))) == ["pos=0", "pos=1"]


def test_a_long_list_is_whole_and_comes_in_shares(tmp_path: Path) -> None:
    path = tmp_path / "stats"
    with hanging(settings=(f"stats socket {path} level admin",)) as lb, ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(Client(lb)).send()
        assert until(lambda: cli(path, "show sess backend be").count("scb=[8") == MANY)
        told = cli(path, "show sess")
        found = re.findall(r"^(0x\w+): .* fe=(\w+) ", told, re.MULTILINE)
        assert len({number for number, _ in found}) == len(found) == MANY + 1
        assert [place for _, place in found].count("GLOBAL") == 1


def test_a_client_that_leaves_before_the_end_of_a_list_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "stats"
    settings, back = (f"stats socket {path} level admin",), ("option abortonclose",)
    with hanging(settings=settings, back=back) as lb, ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(Client(lb)).send()
        wait_for(lb, MANY)
        for _ in range(5):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                client.sendall(b"show sess all\n")
                assert client.recv(1)
        stack.close()
        assert until(lambda: not lines(lb, "show sess frontend fe"))


def test_a_session_that_is_shut_down_is_answered_and_gone() -> None:
    with hanging() as lb, Client(lb) as client, Client(lb) as other:
        client.send()
        wait_for(lb, 1)
        (number,) = ids(lb)
        other.send()
        wait_for(lb, 2)
        assert say(lb, f"shutdown session {number}") == "\n"
        assert client.status() == 502
        assert until(lambda: len(ids(lb)) == 1)
        assert number not in ids(lb)
        assert say(lb, f"shutdown session {number}") == "No such session (use 'show sess').\n\n"
        assert say(lb, f"show sess {number}") == "Session not found.\n\n"


def test_who_is_shut_down_in_a_queue_is_answered_at_once() -> None:
    """HAProxy answers the same when its turn comes; with `abortonclose` it ends at once, as `KQ`, without an answer."""
    with UdpSink() as sink, ExitStack() as stack:
        front = (f"log 127.0.0.1:{sink.port} local0", "option httplog")
        lb = stack.enter_context(hanging(front=front, server="maxconn 1"))
        first, waiting = (stack.enter_context(Client(lb)) for _ in range(2))
        first.send()
        wait_for(lb, 1)
        waiting.send()
        wait_for(lb, 1, "scb=[2")
        (queued,) = (line.partition(":")[0] for line in lines(lb) if "scb=[2" in line)
        assert say(lb, f"shutdown session {queued}") == "\n"
        assert waiting.status() == 502
        assert until(lambda: any(KILLED_IN_QUEUE.search(line) for line in sink.lines()))


def test_a_tunnel_that_is_shut_down_is_closed() -> None:
    with hanging(mode="tcp") as lb, Client(lb) as client:
        client.send(b"x")
        wait_for(lb, 1)
        say(lb, f"shutdown session {ids(lb)[0]}")
        assert client.rest() == b""


def test_who_waits_for_a_decision_can_be_shut_down() -> None:
    with hanging(back=("http-request tarpit", "timeout tarpit 60s")) as lb, Client(lb) as client:
        client.send()
        assert until(lambda: len(ids(lb)) == 1)
        assert "held=1" in say(lb, "show sess all")
        say(lb, f"shutdown session {ids(lb)[0]}")
        assert client.rest() == b""
        assert lines(lb) == []


def test_a_client_that_does_not_take_its_response_can_be_shut_down() -> None:
    size = 32 << 20  # more than the kernel keeps for it

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, bytes(size)))

    with Chaos(serve) as peer, balancer(config(peer.port)) as lb, Client(lb) as client:
        client.send()
        assert until(lambda: "rp[st=MSG_D" in say(lb, "show sess"))
        say(lb, f"shutdown session {ids(lb)[0]}")
        assert until(lambda: not lines(lb))
        assert len(client.rest()) < size


@pytest.mark.parametrize(
    ("option", "found"),
    [
        ("frontend fe", True), ("backend be", True), ("server be/s1", True), ("backend empty", False),
        ("older 0s", True), ("older 1h", False), ("susp", False),
        ("frontend fe older 1d", False), ("all backend empty", False),
    ],
)  # fmt: skip
def test_options_choose(option: str, found: bool) -> None:
    with Chaos(hang) as peer, balancer(config(peer.port) + "\nbackend empty\n") as lb, Client(lb) as client:
        client.send()
        wait_for(lb, 1)
        assert bool(lines(lb, f"show sess {option}")) == found


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("show sess foo", "Unsupported option 'foo', try 'help'."),
        ("show sess older", "Invalid age: ''."),
        ("show sess older x", "Invalid age: 'x'."),
        ("show sess backend nope", "No such backend 'nope'."),
        ("show sess frontend be", "No such frontend 'be'."),
        ("show sess server be/nope", "No such server 'be/nope'."),
        ("show sess 0x7777", "Session not found."),
        ("shutdown session", "Session pointer expected (use 'show sess')."),
        ("shutdown session foo", "Session pointer expected (use 'show sess')."),
        ("shutdown session 0x7777", "No such session (use 'show sess')."),
    ],
)
def test_what_is_wrong_is_told(command: str, answer: str) -> None:
    with balancer(config(9)) as lb:
        assert say(lb, command) == f"{answer}\n\n"


def test_the_request_line_is_told_where_it_is_kept() -> None:
    front = ("option httplog", "log 127.0.0.1:9 local0", "capture request header Host len 20")
    with Chaos(hang) as peer, balancer(config(peer.port, front=front)) as lb:
        with Client(lb) as client:
            client.send(REQUEST.replace(b" / ", b' /a"b '))
            wait_for(lb, 1)
            assert lines(lb, "show sess show-uri")[0].endswith(r' uri="GET /a\x22b HTTP/1.1"')
            assert "uri" not in say(lb, "show sess")


def hasty(connection: socket.socket) -> None:
    """A server that answers before it has heard all, and goes on listening."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
    hang(connection)


def test_a_response_may_be_over_before_its_request() -> None:
    with Chaos(hasty) as peer, balancer(config(peer.port)) as lb, Client(lb) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf")
        assert client.response() == (200, b"x")
        assert until(lambda: any("rp[st=MSG_DONE" in line for line in lines(lb)))


def test_is_for_operators_and_admins() -> None:
    with balancer(config(9)) as lb:
        assert say(lb, "show sess", Level.USER) == "Permission denied\n\n"
        assert say(lb, "shutdown session 1", Level.OPERATOR) == "Permission denied\n\n"
