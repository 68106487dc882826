"""Commands of HAProxy that are not done say so, to those who might use them."""

import re

import pytest

from lbcore.cli import registry
from lbcore.cli.cmd_refused import NOT_DONE
from lbcore.cli.registry import Command, Level, Registry
from lbcore.cli.session import Session
from tests.cli.fakes import ShownProcess
from tests.peers.haproxy import Balancer, newer_haproxy


def answer(line: str, level: Level) -> bytes:
    return Session(registry(), ShownProcess(), level).feed(line.encode() + b"\n")


@pytest.mark.parametrize("words", NOT_DONE)
def test_is_refused_by_name(words: str) -> None:
    what = NOT_DONE[words]
    lines = f"expert-mode on;{words} foo" if what.expert else f"{words} foo"
    told = answer(lines, Level.ADMIN).decode().removeprefix("\n" if what.expert else "")
    assert told == f"'{words}' is not done in this release: {what.reason}.\n\n"


@pytest.mark.parametrize("words", [words for words, what in NOT_DONE.items() if what.expert])
def test_is_for_experts(words: str) -> None:
    assert answer(words, Level.ADMIN) == b"This command is restricted to expert mode only.\n\n"


@pytest.mark.parametrize(
    "words", [words for words, what in NOT_DONE.items() if what.level > Level.USER and not what.expert]
)
def test_is_refused_to_others_for_their_level(words: str) -> None:
    assert answer(words, Level(NOT_DONE[words].level - 1)) == b"Permission denied\n\n"


def test_is_not_listed() -> None:
    assert b"not done" not in answer("help", Level.ADMIN)


# Those of HAProxy 2.8, as its `help` lists them, and of 3.2, but for those of the master process.
NEWER = (
    "acme renew", "acme status", "debug counters", "dump ssl cert", "dump stats-file", "echo", "show dev",
    "show ssl sni", "wait",
)  # fmt: skip


@pytest.mark.parametrize("words", NEWER)
def test_commands_of_newer_releases_are_known(words: str) -> None:
    assert registry().find(words.split()) is not None


def test_all_commands_of_haproxy_are_known() -> None:
    program = newer_haproxy()
    if program is None:
        pytest.skip("haproxy 2.8 is not installed")
    config = 'global\n stats socket "${STATS}" level admin\nfrontend fe\n bind "${STATS}.fe"\n timeout client 5s\n'
    with Balancer(program, config) as haproxy:
        lines = (haproxy.cli("help") + haproxy.cli("expert-mode on;help debug dev")).splitlines()
    listed = [match[0].split() for line in lines if (match := re.match(r"  (?:[a-z-]+(?: |$))+", line))]
    assert len(listed) > 80
    known = registry()
    missing = [words for words in listed if _found(known, words) is None]
    assert missing == []


def _found(known: Registry, words: list[str]) -> Command | None:
    """The command of a line of `help`, whose last words may be arguments."""
    row = known.find(words)
    return row if row is not None and set(words[len(row.words) :]) <= {"nb", "thr"} else None
