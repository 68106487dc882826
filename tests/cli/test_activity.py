"""Memory, threads, tasks and their times are told as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

import lbcore
from lbcore.cli import registry
from lbcore.cli.registry import Level
from lbcore.cli.session import Session
from lbcore.cli.views import Pool, Sink
from tests.cli.fakes import ShownProcess
from tests.cli.servers import say
from tests.embedded import Client, ask, balancer, config, named, until
from tests.peers.chaos import Chaos

POOLS = [Pool("beta", 10, 5, 1, 0, 2), Pool("alpha", 100, 0, 0, 1, 1), Pool("beast", 20, 10, 2, 0, 1)]
USAGE = "Expects either 'byname', 'bysize', 'byusage', 'match <pfx>', or a max number of output lines.\n\n"


@pytest.fixture
def lb() -> Iterator[lbcore.LoadBalancer]:
    with Chaos(named("s1")) as peer, balancer(config(peer.port, nbthread=2)) as running:
        yield running


def shown(line: str, level: Level = Level.ADMIN, **facts: Any) -> str:
    return Session(registry(), ShownProcess(**facts), level).feed(line.encode() + b"\n").decode()


def pools(options: str) -> list[str]:
    return re.findall(r"Pool (\w+)", shown(f"show pools {options}", all_pools=POOLS))


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ("", ["beta", "alpha", "beast"]),
        ("byname", ["alpha", "beast", "beta"]),
        ("bysize", ["alpha", "beast", "beta"]),
        ("byusage", ["beast", "beta"]),
        ("match bea", ["beast"]),
        ("byname match be 1", ["beast"]),
        ("2", ["beta", "alpha"]),
    ],
)
def test_pools_are_chosen_and_sorted(options: str, names: list[str]) -> None:
    assert pools(options) == names


def test_a_pool_is_told_as_haproxy_does() -> None:
    first, line, *_, last = shown("show pools byusage 1", all_pools=POOLS).splitlines()[:-1]
    assert first == "Dumping pools usage (limited to the first 1 entries)."
    assert line == "  - Pool beast (20 bytes) : 10 allocated (200 bytes), 2 used, 0 failures, 1 users"
    assert last == "Total: 2 pools, 200 bytes allocated, 40 used."


@pytest.mark.parametrize("options", ["foo", "match", "0"])
def test_other_words_about_pools_are_refused(options: str) -> None:
    assert shown(f"show pools {options}", all_pools=POOLS) == USAGE


def used(lb: lbcore.LoadBalancer, name: str) -> int:
    match = re.search(rf"Pool {name} .* (\d+) used", say(lb, "show pools"))
    assert match is not None
    return int(match[1])


def test_pools_count_what_clients_take(lb: lbcore.LoadBalancer) -> None:
    assert (used(lb, "flow"), used(lb, "conn")) == (0, 0)
    with Client(lb) as client:
        client.send()
        assert client.status() == 200
        assert (used(lb, "flow"), used(lb, "conn")) == (1, 2)
    assert until(lambda: used(lb, "flow") == 0)


def test_entries_of_a_stick_table_are_a_pool() -> None:
    with balancer(config(9) + "\nbackend t\n  stick-table type ip size 1k\n") as lb:
        say(lb, "set table t key 127.0.0.1")
        assert used(lb, "table_t") == 1


def figures(lb: lbcore.LoadBalancer, option: str = "") -> dict[str, str]:
    lines = say(lb, f"show activity {option}").splitlines()[:-1]
    return dict(line.split(": ", 1) for line in lines)


def test_activity_counts_connections_and_streams_by_thread(lb: lbcore.LoadBalancer) -> None:
    for _ in range(3):
        ask(lb)
    told = figures(lb)
    for name in ("accepted", "streams"):
        total, one, two = map(int, re.findall(r"\d+", told[name]))
        assert (name, total, one + two) == (name, 3, 3)
    assert figures(lb, "0")["accepted"] == "3"
    assert int(figures(lb, "1")["accepted"]) + int(figures(lb, "2")["accepted"]) == 3
    assert told["thread_id"] == "0 (1..2)"


@pytest.mark.parametrize("option", ["3", "-2"])
def test_activity_of_a_thread_that_is_not_there_is_refused(lb: lbcore.LoadBalancer, option: str) -> None:
    assert say(lb, f"show activity {option}") == "Thread ID number must be between -1 and nbthread\n\n"


def test_running_tasks_are_told_by_function() -> None:
    told = shown("show tasks", all_tasks={"a.b": 1, "c": 3})
    assert told.splitlines()[0] == "Running tasks: 4 (2 threads)"
    assert [line.split() for line in told.splitlines()[2:-1]] == [["c", "3", "75.0"], ["a.b", "1", "25.0"]]


def test_no_task_runs_in_a_balancer_that_rests(lb: lbcore.LoadBalancer) -> None:
    assert say(lb, "show tasks").startswith("Running tasks: 0 (2 threads)\n")


def test_times_of_functions_are_taken_while_they_are_wanted() -> None:
    text = config(9, front=("http-request return status 200",))
    with balancer(text) as lb:
        assert re.search(r"Per-task CPU profiling +: off ", say(lb, "show profiling status"))
        ask(lb)
        assert "questions" not in say(lb, "show profiling tasks")
        say(lb, "set profiling tasks on")
        assert re.search(r"Per-task CPU profiling +: on ", say(lb, "show profiling"))
        for _ in range(3):
            assert ask(lb)[0] == 200
        assert re.search(r"\n  questions +3 +[\d.]+[mu]s +[\d.]+[mun]s\n", say(lb, "show profiling tasks"))
        say(lb, "set profiling tasks off")
        ask(lb)
        assert re.search(r"\n  questions +3 ", say(lb, "show profiling"))


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("set profiling", "Expects either 'tasks' or 'memory'."),
        ("set profiling tasks", "Expects 'on' or 'off'."),
        ("set profiling tasks auto", "'set profiling tasks auto' is not done in this release."),
        ("set profiling memory on", "Memory profiling not compiled in."),
        ("show profiling memory", "Memory profiling not compiled in."),
        ("show profiling foo", "Expects either 'all', 'status', 'tasks', 'memory' or a max number of output lines."),
        ("show events nope", "No such event sink"),
    ],
)
def test_what_there_is_not_is_refused(command: str, answer: str) -> None:
    assert shown(command) == f"{answer}\n\n"


def test_startup_logs_are_what_was_said_at_the_start() -> None:
    text = (
        config(9).replace("mode http", "mode tcp").replace("default_backend be", "default_backend be\n option httplog")
    )
    with balancer(text) as lb:
        told = say(lb, "show startup-logs")
    assert told.startswith("[WARNING]  (")
    assert "'option httplog' not usable with frontend 'fe'" in told


def test_sinks_are_told_with_what_they_lost() -> None:
    sinks = [Sink("stdout", "fd", 3, "standard output (fd#1)")]
    told = shown("show events", all_sinks=sinks)
    assert "    stdout     : type=fd, 3 dropped, standard output (fd#1)\n" in told
    assert shown("show events stdout", all_sinks=sinks) == "Nothing to report for this sink\n\n"


def test_targets_of_logs_are_sinks() -> None:
    with balancer(config(9, settings=("log 127.0.0.1:9 local0",), front=("log global", "log stdout local0"))) as lb:
        told = say(lb, "show events")
    assert "127.0.0.1:9 : type=udp, 0 dropped" in told
    assert "    stdout     : type=fd, 0 dropped, standard output (fd#1)\n" in told


def test_libraries_are_those_that_are_mapped(lb: lbcore.LoadBalancer) -> None:
    assert re.search(
        r"^0x[0-9a-f]{12}-0x[0-9a-f]{12} \(0x[0-9a-f]{7,}\) /.*libc\.so", say(lb, "show libs"), re.MULTILINE
    )


def test_developers_are_told_of_the_platform(lb: lbcore.LoadBalancer) -> None:
    told = say(lb, "show dev")
    assert told.startswith("Platform info\n")
    assert "  kernel: Linux " in told


def test_echo_says_its_words() -> None:
    assert shown("echo a  b\\ c") == "a b c\n\n"


@pytest.mark.parametrize("command", ["show info json", "show stat json"])
def test_json_is_as_its_schema_says(lb: lbcore.LoadBalancer, command: str) -> None:
    schema, answer = json.loads(say(lb, "show schema json")), json.loads(say(lb, command))
    checker = import_module("jsonschema")
    checker.Draft4Validator.check_schema(schema)
    checker.Draft4Validator(schema).validate(answer)
    with pytest.raises(checker.ValidationError):
        checker.Draft4Validator(schema).validate([[{}], {"foo": 1}])


def test_descriptors_are_chosen_by_what_they_are(lb: lbcore.LoadBalancer) -> None:
    with Client(lb) as client:
        client.ask()

        def owners(option: str) -> set[str]:
            return set(re.findall(r"owner=(\w+)", say(lb, f"show fd {option}")))

        assert owners("") == {"listener", "connection", "server"}
        assert owners("l") == {"listener"}
        assert owners("-l") == owners("c") == {"connection", "server"}
        assert owners("f") == {"connection"}
        assert owners("b") == owners("c!f") == {"server"}
        assert owners("p") == owners("d") == set()
        assert say(lb, "show fd x") == "Invalid FD type\n\n"
