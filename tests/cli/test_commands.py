"""What the show commands say."""

import pytest

from lbcore.cli import registry
from lbcore.cli.registry import Level
from lbcore.cli.session import Session
from lbcore.cli.views import CliSocket, Direction, FdFacts, LockFigures, ThreadFacts
from lbcore.stats.csv import HEADER
from tests.cli.fakes import ShownProcess
from tests.stats.fakes import full_proxy


def answer(line: str, process: ShownProcess | None = None, level: Level = Level.ADMIN) -> str:
    session = Session(registry(), process or ShownProcess(), level)
    text = session.feed(line.encode() + b"\n").decode()
    assert text.endswith("\n")
    return text[:-1]


def shown_proxies(line: str, level: Level = Level.ADMIN) -> list[tuple[str, str]]:
    process = ShownProcess(all_proxies=[full_proxy("a", 2), full_proxy("b", 3, sid=5)])
    header, *rows = answer(line, process, level).splitlines(keepends=True)
    assert header == HEADER
    return [(row.split(",")[0], row.split(",")[1]) for row in rows]


ALL = [(name, service) for name in "ab" for service in ("FRONTEND", "sock-1", "s1", "BACKEND")]


def test_show_version() -> None:
    assert answer("show version") == "3.2.0\n"


def test_show_info_begins_like_haproxys() -> None:
    lines = answer("show info").splitlines()
    assert lines[:4] == ["Name: HAProxy", "Version: 3.2.0", "Release_date: 2026/01/01", "Nbthread: 2"]


def test_show_info_desc_explains() -> None:
    assert answer("show info desc").splitlines()[0] == 'Name: HAProxy:"Product whose language this is"'


def test_show_info_float_does_not_round() -> None:
    assert "\nUptime_sec: 93784\n" in answer("show info")
    assert "\nUptime_sec: 93784.5\n" in answer("show info float")
    assert "\n8.Uptime_sec.1:MDP:flt:93784.5\n" in answer("show info typed float")
    assert '"value":{"type":"flt","value":93784.5}' in answer("show info float json")


def test_statistics_of_resolvers_are_refused() -> None:
    assert answer("show stat domain resolvers") == "'show stat domain resolvers' is not done in this release.\n"


def test_show_stat_of_a_domain_that_is_not_there() -> None:
    assert answer("show stat domain nope") == "Invalid statistics domain.\n"


def test_show_stat_of_proxies_by_their_domain() -> None:
    assert shown_proxies("show stat domain proxy b 4 -1") == [("b", "s1")]


def test_the_form_named_last_is_the_one_that_is_given() -> None:
    assert answer("show info json typed").startswith("0.Name.1:POS:str:HAProxy\n")
    assert answer("show info typed json").startswith('[{"field":{"pos":0,"name":"Name"}')


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("show stat", ALL),
        ("show stat -1 -1 -1", ALL),
        ("show stat 3 -1 -1", ALL[4:]),
        ("show stat b -1 -1", ALL[4:]),
        ("show stat b 4 -1", [("b", "s1")]),
        ("show stat -1 4 5", [("b", "s1")]),
        ("show stat 99 -1 -1", []),
        ("show stat -1 0 -1", []),
        ("show stat -1 x -1", []),
        ("show stat 3 1", ALL),
    ],
)
def test_show_stat_selects(line: str, shown: list[tuple[str, str]]) -> None:
    assert shown_proxies(line) == shown


def test_show_stat_of_a_proxy_that_is_not_there() -> None:
    assert answer("show stat nope 1 1") == "No such proxy.\n"


def test_addresses_are_not_shown_to_users() -> None:
    process = ShownProcess(all_proxies=[full_proxy()])
    assert ",127.0.0.1:8000," in answer("show stat", process, Level.OPERATOR)
    assert ",127.0.0.1:8000," not in answer("show stat", process, Level.USER)


def test_show_stat_hides_servers() -> None:
    process = ShownProcess(all_proxies=[full_proxy(status="MAINT", usable=False)])
    assert "px,s1," in answer("show stat", process)
    assert "px,s1," not in answer("show stat no-maint", process)
    assert "px,s1," not in answer("show stat up", process)


def test_show_locks_has_a_line_for_each_label() -> None:
    figures = [LockFigures("proxy", 10, 2, 3, 4_000, 5_999), LockFigures("server", 0, 7, 0, 0, 0)]
    assert answer("show locks", ShownProcess(all_locks=figures)) == (
        "# label acquired(read) acquired(write) waits waited_us longest_us\nproxy 10 2 3 4 5\nserver 0 7 0 0 0\n"
    )


def test_show_locks_says_how_to_keep_figures() -> None:
    assert "'profiling.locks on'" in answer("show locks")


def test_show_threads_marks_the_one_that_answers() -> None:
    threads = [
        ThreadFacts(1, 0xABC, True, 0, 3, 10, 2, 1000, 50, 7_000_000, False),
        ThreadFacts(2, 0xDEF, False, 1, 4, 11, 0, 900, 40, 8_000_000, True),
    ]
    assert answer("show threads", ShownProcess(all_threads=threads)) == (
        "  Thread 1 : id=0xabc act=0 wq=3 rq=0\n"
        "      1/2    harmless=1\n"
        "             cpu_ns: now=7000000\n"
        "             conns=10 idle=2 polls=1000 events=50\n"
        "* Thread 2 : id=0xdef act=1 wq=4 rq=1\n"
        "      2/2    harmless=0\n"
        "             cpu_ns: now=8000000\n"
        "             conns=11 idle=0 polls=900 events=40\n"
    )


FDS = [
    FdFacts(5, 0x23, Direction(False, True, True), Direction(False, False, False), 1, 3, "listener",
            {"fe": "web", "fam": "ipv4", "lport": "80"}),
    FdFacts(12, 0x1, Direction(False, False, True), Direction(True, True, False), 9, 1, "connection", {}),
]  # fmt: skip
LISTENER_LINE = "      5 : st=0x000023(W:sra R:sRA) gen=1 tmask=0x3 owner=listener fe=web fam=ipv4 lport=80\n"
CONNECTION_LINE = "     12 : st=0x000001(W:SRa R:srA) gen=9 tmask=0x1 owner=connection\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("show fd", LISTENER_LINE + CONNECTION_LINE),
        ("show fd 12", CONNECTION_LINE),
        ("show fd 6", ""),
        ("show fd x", "Invalid FD type\n"),
    ],
)
def test_show_fd(line: str, expected: str) -> None:
    assert answer(line, ShownProcess(all_fds=FDS)) == expected


def test_show_fd_is_not_for_users() -> None:
    assert answer("show fd", level=Level.USER) == "Permission denied\n"


def test_show_cli_sockets() -> None:
    sockets = [CliSocket("unix@/run/s", "admin"), CliSocket("ipv4@127.0.0.1:9", "user")]
    assert answer("show cli sockets", ShownProcess(all_sockets=sockets)) == (
        "# socket lvl processes\nunix@/run/s admin all\nipv4@127.0.0.1:9 user all\n"
    )


@pytest.mark.parametrize("level", Level)
def test_show_cli_level(level: Level) -> None:
    assert answer("show cli level", level=level) == f"{level.name.lower()}\n"
