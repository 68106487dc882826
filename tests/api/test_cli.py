"""The stats socket of an embedded balancer, over plain sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import lbcore
from tests.embedded import PATIENCE, Background, ask, balancer, cli, config, named, until
from tests.peers.chaos import Chaos
from tests.peers.ports import HOST, free_port, release_port
from tests.thread.crew import crew


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cli"


@pytest.fixture
def lb(path: Path) -> Iterator[lbcore.LoadBalancer]:
    """A balancer with a stats socket and one server."""
    settings = [f"stats socket {path} level admin", "profiling.locks on"]
    with Chaos(named("s1")) as server:
        with balancer(config(server.port, nbthread=2, settings=settings, front=["option socket-stats"])) as running:
            yield running


def info(path: Path) -> dict[str, str]:
    """`show info` as a table."""
    return dict(line.split(": ", 1) for line in cli(path, "show info").splitlines() if ": " in line)


def stat(path: Path) -> dict[str, dict[str, str]]:
    """`show stat` as a table of tables, by `proxy/object`."""
    header, *rows = [line.split(",") for line in cli(path, "show stat").splitlines() if line]
    names = [header[0].removeprefix("# "), *header[1:]]
    return {f"{row[0]}/{row[1]}": dict(zip(names, row, strict=True)) for row in rows}


class Dialogue:
    """An interactive session."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))
        self.say("prompt")

    def say(self, command: str) -> str:
        """The answer to a command, up to the next prompt."""
        self.socket.sendall(f"{command}\n".encode())
        answer = b""
        while not answer.endswith(b"\n> "):
            data = self.socket.recv(65536)
            if not data:
                return answer.decode()
            answer += data
        return answer.removesuffix(b"\n> ").decode()


@pytest.mark.usefixtures("lb")
def test_help_lists_the_commands(path: Path) -> None:
    told = cli(path, "help")
    for command in ("show info", "show stat", "show threads", "prompt", "quit"):
        assert command in told


def test_info_tells_of_this_balancer(path: Path, lb: lbcore.LoadBalancer) -> None:
    ask(lb)
    facts = info(path)
    assert facts["Nbthread"] == "2"
    assert facts["CumReq"] == "2"  # with this one
    assert facts["Maxconn"] == str(lb.maxconn)
    assert facts["Stopping"] == "0"
    assert until(lambda: info(path)["CurrConns"] == "0")


def test_stat_counts_what_passed(path: Path, lb: lbcore.LoadBalancer) -> None:
    for _ in range(3):
        ask(lb)
    assert until(lambda: stat(path)["fe/FRONTEND"]["hrsp_2xx"] == "3")
    rows = stat(path)
    assert set(rows) == {"fe/FRONTEND", "fe/sock-1", "be/s1", "be/BACKEND"}
    assert [rows[name]["stot"] for name in ("fe/FRONTEND", "be/s1", "be/BACKEND")] == ["3", "3", "3"]
    assert rows["fe/FRONTEND"]["status"] == "OPEN"


def test_several_commands_on_one_line_and_its_end(path: Path, lb: lbcore.LoadBalancer) -> None:
    answer = cli(path, "show cli level; show version")
    assert answer.startswith("admin\n\n")
    assert answer.rstrip().endswith(lb.facts.version)


@pytest.mark.usefixtures("lb")
def test_prompt_goes_on_until_quit(path: Path) -> None:
    session = Dialogue(path)
    assert session.say("show cli level") == "admin\n"
    assert session.say("operator") == ""
    assert session.say("show cli level") == "operator\n"
    assert "Unknown command" in session.say("no such thing")
    assert session.say("quit") == ""
    assert session.socket.recv(1) == b""
    session.socket.close()


def test_answer_larger_than_any_buffer_comes_whole(path: Path) -> None:
    servers = [f"server s{i} {HOST}:1" for i in range(3000)]
    with balancer(config(settings=[f"stats socket {path}"], back=servers)):
        rows = stat(path)
    assert len(rows) == 3002
    assert "be/s2999" in rows


def test_client_that_does_not_read_holds_nobody_up(path: Path) -> None:
    lines = ["retries 0", *(f"server s{i} {HOST}:1" for i in range(2000))]
    with balancer(config(settings=[f"stats socket {path}"], back=lines)) as lb:
        with socket.socket(socket.AF_UNIX) as lazy:
            lazy.connect(str(path))
            lazy.sendall(b"prompt\n" + b"show stat\n" * 5)
            assert until(lambda: lb.crew.workers[0].events >= 1)
            assert info(path)["Nbthread"] == "1"
            assert ask(lb)[0] == 503  # nobody listens on port 1


def test_questions_are_answered_as_answers_are_read(path: Path) -> None:
    """However many commands come at once, only one answer waits in memory."""
    many = "\n".join(f"backend b{i}\n    server s 127.0.0.1:1" for i in range(400))
    text = config(1, settings=[f"stats socket {path}"]) + f"\n{many}\n"
    with balancer(text), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(str(path))
        one = len(cli(path, "show stat"))
        client.sendall(b"prompt\n" + b"show stat\n" * 20)
        client.shutdown(socket.SHUT_WR)
        total = 0
        while data := client.recv(65536):
            total += len(data)
        assert total == pytest.approx(20 * one, rel=0.01)


def test_ten_clients_at_once(path: Path, lb: lbcore.LoadBalancer) -> None:
    def talk(_: int) -> None:
        for _ in range(10):
            assert info(path)["Nbthread"] == str(lb.facts.nbthread)

    crew(10, talk)


def test_threads_fds_and_locks_are_shown(path: Path, lb: lbcore.LoadBalancer) -> None:
    ask(lb)
    threads = cli(path, "show threads")
    assert [f"Thread {n}" in threads for n in (1, 2, 3)] == [True, True, False]
    listening = next(lb.all_listeners())
    assert f"{listening.fd:7} : " in cli(path, "show fd")
    assert "owner=listener" in cli(path, f"show fd {listening.fd}")
    row = next(line for line in cli(path, "show locks").splitlines() if line.startswith("lbprm "))
    assert int(row.split()[2]) >= 1


def test_silent_client_is_closed_after_its_time(path: Path) -> None:
    text = config(settings=[f"stats socket {path}", "stats timeout 50ms"])
    with balancer(text), socket.socket(socket.AF_UNIX) as mute:
        mute.settimeout(PATIENCE)
        mute.connect(str(path))
        assert mute.recv(1) == b""


def test_client_beyond_the_limit_waits(path: Path) -> None:
    with balancer(config(settings=[f"stats socket {path}", "stats maxconn 1"])):
        first = Dialogue(path)
        second = Background(lambda: info(path))
        assert first.say("show cli level") == "operator\n"
        first.socket.close()
        facts = second.join()
        assert isinstance(facts, dict)
        assert facts["Nbthread"] == "1"


def test_stats_socket_on_tcp() -> None:
    port = free_port()
    with balancer(config(settings=[f"stats socket {HOST}:{port} level user"])):
        with socket.create_connection((HOST, port), timeout=PATIENCE) as connection:
            connection.sendall(b"show cli level\n")
            assert connection.recv(100) == b"user\n\n"
            assert connection.recv(100) == b""
    release_port(port)


def test_level_of_the_socket_is_kept(path: Path) -> None:
    with balancer(config(settings=[f"stats socket {path} level user"])):
        assert "Permission denied" in cli(path, "show fd")


def test_does_not_hold_a_soft_stop_up(path: Path) -> None:
    with balancer(config(settings=[f"stats socket {path}"])) as lb:
        session = Dialogue(path)
        lb.soft_stop()
        assert lb.wait(PATIENCE)
        session.socket.close()
    assert not path.exists()
