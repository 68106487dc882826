"""What worker threads share, changed from several sides at once: nothing may fail, get lost or contradict itself.

With a GIL most of these races are rare; on a free-threaded interpreter the threads really run at once.
"""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

import lbcore
import lbcore.stream.aliases
from lbcore.sample.format import parse_format
from lbcore.sample.points import Point
from lbcore.sample.render import Reading
from lbcore.sample.style import LOG
from lbcore.sample.variable import parse_conditions
from lbcore.sample.words import Words
from lbcore.stats.info import lines
from tests.embedded import Background, Client, ask, balancer, cli, config, get, held, named, until
from tests.peers.chaos import Chaos
from tests.peers.ports import HOST

THREADS = 4
ROUNDS = 25  # of each thread that changes something
REQUESTS = 60  # of each client

RULES = """
    option httplog
    log 127.0.0.1:{sink} local0
    log-format "%ci:%cp %ft %b/%s %ST %[var(txn.path)] %[var(proc.last)] %ID %lc %hr"
    unique-id-format %{{+X}}o\\ %ci:%cp_%Ts_%rt
    unique-id-header x-id
    capture request header host len 20
    acl blocked path -f {blocked}
    acl known src 127.0.0.0/8 10.0.0.0/8
    http-request set-var(txn.path) path
    http-request track-sc0 src
    http-request track-sc1 path table paths
    http-request set-var(proc.last) path
    http-request set-var(proc.once,ifnotset) str(first)
    http-request sc-inc-gpc0(0)
    http-request deny if blocked
    http-request set-header x-value %[path,map({values},none)]
    http-request set-header x-rate %[sc_http_req_rate(0)]
    http-request set-header x-last %[var(proc.last)]
    http-request return content-type text/plain lf-string "%[path,map({values},none)]" if {{ path_beg /m }} known
    http-request return content-type text/plain lf-string "%[sc_get_gpc0(0)]" if {{ path /counted }}
    use_backend be2 if {{ path_end 7 }}
    use_backend be2 if {{ path_end 9 }}
    use_backend be2 if {{ path_end 5 }}
"""


@pytest.fixture
def socket_path(tmp_path: Path) -> Path:
    return tmp_path / "stats"


@pytest.fixture
def shared(tmp_path: Path, socket_path: Path) -> Iterator[lbcore.LoadBalancer]:
    """A balancer whose requests read and write all that its threads share."""
    values, blocked = tmp_path / "values.map", tmp_path / "blocked.acl"
    values.write_text("".join(f"/m{number} start\n" for number in range(THREADS)))
    blocked.write_text("/never\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink, Chaos(named("s")) as server:
        sink.bind((HOST, 0))
        rules = RULES.format(sink=sink.getsockname()[1], values=values, blocked=blocked)
        text = config(
            nbthread=THREADS,
            settings=[f"stats socket {socket_path} level admin"],
            front=[
                *rules.splitlines(),
                "stick-table type ip size 1k expire 10s store gpc0,http_req_rate(10s),conn_cur",
            ],
            back=[
                "balance leastconn",
                # checks that are late on a busy machine take nobody down
                *(f"server s{i} {HOST}:{server.port} check inter 100ms fall 1000" for i in range(3)),
                f"server stays {HOST}:{server.port}",
            ],
        )
        text += f"""
backend be2
    stick-table type string size 1k expire 1s store server_id,http_req_cnt
    stick on path
    cookie C insert indirect
    server t1 {HOST}:{server.port} cookie one
    server t2 {HOST}:{server.port} cookie two
backend paths
    stick-table type string size 100 expire 1s store http_req_cnt,gpc0
"""
        with balancer(text) as lb:
            yield lb


def together(*works: Callable[[], object]) -> None:
    """Does all of it at the same time, each in a thread of its own."""
    for one in [Background(work) for work in works]:
        one.join(100)


def browse(lb: lbcore.LoadBalancer, number: int) -> None:
    """Conversations that go on without a fault."""
    for turn in range(REQUESTS // 10):
        with Client(lb) as client:
            for step in range(10):
                client.send(get(f"/{turn}/{step}"))
                assert client.status() == 200


def commands(path: Path, *lines: str) -> None:
    """Asks for each of them again and again."""
    for turn in range(ROUNDS):
        answer = cli(path, "prompt", *(line.format(turn=turn, value=turn % 7) for line in lines))
        assert "internal" not in answer.lower(), answer


def every(works: Sequence[Callable[[], object]]) -> Callable[[], None]:
    """One after the other, again and again."""

    def work() -> None:
        for _ in range(ROUNDS):
            for one in works:
                one()

    return work


CHANGES = {
    "maps": (
        "set map #0 /m0 v{turn}",
        "add map #0 /x{turn} 1",
        "show map",
        "show map #0",
        "del map #0 /x{turn}",
        "add acl #1 /b{turn}",
        "show acl #1",
        "clear acl #1",
    ),
    "versions": ("prepare map #0", "show map", "show acl"),
    "variables": (
        "experimental-mode on",
        "set var proc.last expr str(a{turn})",
        "get var proc.last",
        "set var proc.x{value} fmt %[uuid]",
    ),
    "tables": (
        "set table fe key 10.0.0.{value} data.gpc0 3",
        "show table fe",
        "clear table paths",
        "show table paths",
        "clear table be2",
    ),
    "servers": (
        "set server be/s0 state drain",
        "set server be/s1 weight 0%",
        "show servers state",
        "set server be/s0 state ready",
        "set server be/s1 weight 100%",
        "set server be/s2 state maint",
        "set server be/s2 state ready",
    ),
    "checks": (
        "set server be/s1 health up",
        "disable health be/s0",
        "enable health be/s0",
        "show stat",
    ),
    "new servers": (
        "add server be/n{turn} 127.0.0.1:9 check inter 20ms",
        "enable health be/n{turn}",
        "show servers conn",
        "disable health be/n{turn}",
        "del server be/n{turn}",
    ),
    "frontends": ("set maxconn frontend fe 1000", "show info", "show fd", "show threads", "clear counters all"),
}


def quiet(capfd: pytest.CaptureFixture[str]) -> str:
    """What was told of faults meanwhile."""
    return "\n".join(line for line in capfd.readouterr().err.splitlines() if "Error" in line or "Traceback" in line)


@pytest.mark.parametrize("change", CHANGES)
def test_streams_go_on_while_two_sessions_change_the_same(
    change: str, shared: lbcore.LoadBalancer, socket_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    together(
        *(lambda number=number: browse(shared, number) for number in range(2)),
        *(lambda: commands(socket_path, *CHANGES[change]) for _ in range(2)),
    )
    assert quiet(capfd) == ""


def test_everything_is_changed_and_looked_at_by_everybody(
    shared: lbcore.LoadBalancer, socket_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    looks = every([lambda: list(lines(shared.facts)), shared.dump_servers, shared.dump_memory_and_threads])
    together(
        *(lambda number=number: browse(shared, number) for number in range(THREADS)),
        *(lambda asked=asked: commands(socket_path, *asked) for asked in CHANGES.values()),
        looks,
    )
    assert quiet(capfd) == ""
    assert until(lambda: shared.facts.cur_conns == 0)


def test_a_counter_of_an_entry_loses_nothing(shared: lbcore.LoadBalancer) -> None:
    def count() -> None:
        with Client(shared) as client:
            for _ in range(REQUESTS):
                client.send(get("/m1"))
                assert client.status() == 200

    together(*([count] * THREADS))
    with Client(shared) as client:
        assert client.ask(get("/counted")) == b"%d" % (THREADS * REQUESTS + 1)


def test_of_many_that_set_a_variable_if_it_is_not_set_one_does(shared: lbcore.LoadBalancer) -> None:
    variables = shared.facts.proc_vars()
    test = parse_conditions(["ifnotset"])
    won: list[list[bool]] = [[] for _ in range(THREADS)]

    def claim(number: int) -> None:
        won[number] += [variables.set(f"v{turn}", number, test) for turn in range(500)]

    together(*(lambda number=number: claim(number) for number in range(THREADS)))
    assert [sum(turn) for turn in zip(*won, strict=True)] == [1] * 500


def test_log_formats_are_compiled_side_by_side_while_garbage_is_collected() -> None:
    """CPython 3.11 said `AST constructor recursion depth mismatch` now and then."""

    def compile_formats(name: str) -> None:
        for turn in range(60):
            fields = "".join(f"%ci:{name}{turn}x{number} %ST " for number in range(30))
            parse_format(fields, Words([], mode="http", point=Point.FE_LOG_END), LOG).compile(None, Reading())

    def notice(*_: object) -> None:  # Python code that a collection runs lets other threads in
        sum(range(200))

    gc.callbacks.append(notice)
    thresholds = gc.get_threshold()
    gc.set_threshold(20)
    try:
        together(*(lambda name=name: compile_formats(name) for name in "abcd"))
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(notice)


def test_balancers_start_serve_and_stop_side_by_side(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    values = tmp_path / "values.map"
    values.write_text("/ yes\n")
    rules = [
        f"http-request set-var(proc.seen) path,map({values})",
        "http-request deny if { path_beg /deny /no } or { path_beg /never }",
        'http-request return status 200 content-type text/plain lf-string "%[var(proc.seen)]"',
    ]
    text = config(nbthread=2, front=["log 127.0.0.1:9 local0", "option httplog", *rules])

    def live() -> None:
        for _ in range(15):
            with balancer(text) as lb:
                assert ask(lb) == (200, b"yes")

    live()  # what is imported once is there
    before = held()
    together(*([live] * THREADS))
    assert held() == before
    assert quiet(capfd) == ""
