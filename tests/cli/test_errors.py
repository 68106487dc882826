"""`show errors`."""

import re

import pytest

from lbcore.cli import registry
from lbcore.cli.cmd_errors import dump
from lbcore.cli.registry import Level
from lbcore.cli.session import Session
from lbcore.cli.views import ErrorEnd, Snapshot
from tests.cli.fakes import ShownProcess
from tests.stats.fakes import full_proxy

FE, BE, OTHER = ErrorEnd("fe", 2), ErrorEnd("be", 3), ErrorEnd("other", 4)
REQUEST = Snapshot(
    when_us=1_700_000_000_123_456, event=0, response=False, frontend=FE, backend=None, server=None,
    source="127.0.0.1:4000", position=5, error="invalid method", data=b"GE\x01T /\r\n", length=9, bufsize=16384,
)  # fmt: skip
RESPONSE = REQUEST._replace(event=1, response=True, backend=BE, server=ErrorEnd("s1", 1))
ELSEWHERE = REQUEST._replace(event=2, frontend=OTHER)


def answer(line: str, level: Level = Level.ADMIN) -> str:
    proxies = [full_proxy(end.name, end.number) for end in (FE, BE, OTHER)]
    process = ShownProcess(all_proxies=proxies, all_snapshots=[REQUEST, RESPONSE, ELSEWHERE])
    return Session(registry(), process, level).feed(line.encode() + b"\n").decode()


def events(line: str) -> list[int]:
    return [int(number) for number in re.findall(r"event #(\d+)", answer(line))]


def test_a_request_is_shown_in_haproxys_layout() -> None:
    head, _, rest = answer("show errors fe request").partition("\n")
    assert re.fullmatch(r"Total events captured on \[\d\d/[A-Z][a-z]{2}/\d{4}:[\d:]{8}\.\d{3}\] : 3", head)
    first, *lines = rest.splitlines()[1:]
    assert re.fullmatch(r"\[1[45]/Nov/2023:\d\d:\d\d:20\.123\] frontend fe \(#2\): invalid request", first)
    assert lines == [
        "  backend <NONE> (#-1), server <NONE> (#-1), event #0, src 127.0.0.1:4000",
        "  buffer starts at 0 (including 0 out), 16375 free,",
        "  len 9, wraps at 16384, error at position 5",
        "  H1 error: invalid method :",
        "  ",
        r"  00000  GE\x01T /\r\n",
        "",
    ]


def test_a_response_names_frontend_and_server() -> None:
    assert "backend be (#3): invalid response\n  frontend fe (#2), server s1 (#1), event #1," in answer(
        "show errors be"
    )


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("show errors", [0, 1, 2]),
        ("show errors -1", [0, 1, 2]),
        ("show errors fe", [0, 1]),  # the response came through it
        ("show errors 3", [1]),
        ("show errors be request", []),
        ("show errors -1 response", [1]),
        ("show errors -1 foo", [0, 1, 2]),
        ("show errors 99", []),
    ],
)
def test_selects_by_proxy_and_side(line: str, shown: list[int]) -> None:
    assert events(line) == shown


def test_a_proxy_that_is_not_there() -> None:
    assert answer("show errors nope") == "No such proxy.\n\n"


def test_is_not_for_users() -> None:
    assert answer("show errors", Level.USER) == "Permission denied\n\n"


def test_long_lines_go_on_behind_a_plus() -> None:
    assert list(dump(b"x" * 71 + b"\nab")) == [
        f"  00000  {'x' * 70}\n",
        "  00070+ x\\n\n",
        "  00072  ab\n",
    ]


def test_an_escape_is_not_cut_in_two() -> None:
    assert list(dump(b"x" * 68 + b"\x00\n")) == [f"  00000  {'x' * 68}\n", "  00068+ \\x00\\n\n"]


def test_bytes_that_can_not_be_printed_are_escaped() -> None:
    assert list(dump(b"\t\r\x1b\\\xff ~\x7f")) == ["  00000  \\t\\r\\e\\\\\\xFF ~\\x7F\n"]
