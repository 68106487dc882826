"""The same conversations on HAProxy's stats socket and on a session give the same bytes."""

import re
from collections.abc import Iterator

import pytest

from lbcore.cli import registry
from lbcore.cli.registry import Level
from lbcore.cli.session import Session
from lbcore.cli.views import CliSocket
from tests.cli.fakes import ShownProcess
from tests.peers.haproxy import Balancer, newer_haproxy
from tests.peers.stats_socket import exchange

CONFIG = """
global
  stats socket "${STATS}" level admin
defaults
  mode http
  timeout client 5s
frontend fe
  bind "${STATS}.fe"
"""
UPTIME = re.compile(rb"\[\d:\d\d:\d\d:\d\d\]> ")

CONVERSATIONS = [
    b"show version\n",
    b"show version",
    b"show version;",
    b"show version;show cli level\n",
    b"show version\nshow cli level\n",
    b";show version;\n",
    b"show version ; ; show version\n",
    b"\n",
    b";;\n",
    b"  show   cli\t level\n",
    b"show cli level\r\n",
    b"show cli level extra words\n",
    b"show cli level \\; foo\n",
    b"show version \\\n; show version\n",
    b"show cli sockets\n",
    b"experimental-mode;expert-mode\n",
    b"expert-mode on;expert-mode;expert-mode off;expert-mode\n",
    b"expert-mode on;experimental-mode on;expert-mode;experimental-mode;expert-mode foo;expert-mode\n",
    b"expert-mode on;operator;expert-mode\n",
    b"user;expert-mode on\n",
    b"operator;experimental-mode on\n",
    b"operator;show cli level\n",
    b"user;operator;show cli level\n",
    b"user;show fd\n",
    b"set severity-output foo\n",
    b"set severity-output\n",
    b"set severity-output number;show version;user;operator\n",
    b"set severity-output string;show cli level;set timeout cli;show cli sockets;show stat nope 1 1\n",
    b"set severity-output string;set severity-output none;show version\n",
    b"set timeout cli 10s;show version\n",
    b"set timeout cli\n",
    b"set timeout cli 0\n",
    b"set timeout cli -5\n",
    b"set timeout cli 5x\n",
    b"set timeout foo 3\n",
    b"show stat nope 1 1\n",
    b"prompt\n",
    b"prompt\nshow cli level\n\nshow cli level;show cli level\nprompt\nshow cli level\n",
    b"prompt; show cli level; show cli level\n",
    b"prompt timed\nprompt timed\nprompt\nshow cli level\n",
    b"prompt\nprompt timed\nprompt\nprompt\nshow cli level\n",
    b"prompt\nshow cli level\nquit\nshow cli level\n",
    b"quit;show cli level\n",
    b"show version <<\na\nb\n\n",
    b"show version <<\nfoo\n\nshow cli level\n",
    b"show version;show cli level <<\nfoo\n\n",
    b"show version foo <<\n",
    b"prompt\nshow cli sockets <<\na\nb\n\nshow cli level\n",
    b"help quit\n",
    b"help show cli\n",
    b"show cli\\ level\n",
    b"show version<<\nx\n\n",
    b"sho version\n",
    b"SHOW version\n",
]


@pytest.fixture(scope="module")
def balancer() -> Iterator[Balancer]:
    program = newer_haproxy()
    if program is None:
        pytest.skip("haproxy 2.8 is not installed")
    with Balancer(program, CONFIG) as running:
        yield running


def ours(balancer: Balancer, sent: bytes) -> bytes:
    process = ShownProcess(
        version=balancer.cli("show version").strip(), all_sockets=[CliSocket(f"unix@{balancer.stats_path}", "admin")]
    )
    session = Session(registry(), process, Level.ADMIN)
    return session.feed(sent) + session.end_of_input()


@pytest.mark.parametrize("sent", CONVERSATIONS, ids=repr)
def test_conversation(balancer: Balancer, sent: bytes) -> None:
    assert UPTIME.sub(b"[T]> ", ours(balancer, sent)) == UPTIME.sub(b"[T]> ", exchange(balancer.stats_path, sent))


def listed(answer: bytes) -> dict[str, str]:
    """The lines of a list of commands by their first words."""
    return {match[1]: line for line in answer.decode().splitlines() if (match := re.match(r"  ([a-z -]*[a-z])", line))}


def test_commands_are_listed_with_haproxys_words(balancer: Balancer) -> None:
    theirs, mine = listed(exchange(balancer.stats_path, b"help\n")), listed(ours(balancer, b"help\n"))
    # Ours alone, and those with fewer words in the brackets until these are done.
    different = {
        "dump table", "echo", "load table", "set profiling", "show dev", "show events", "show info", "show locks",
        "show profiling", "show sess", "wait",
    }  # fmt: skip
    assert {name: line for name, line in mine.items() if name not in different} == {
        name: line for name, line in theirs.items() if name in mine and name not in different
    }


@pytest.mark.parametrize("typed", [b"foo\n", b"show foo\n", b"set foo bar\n", b"#comment\n"])
def test_an_unknown_command_is_answered_in_the_same_words(balancer: Balancer, typed: bytes) -> None:
    first, *_, one, two, three, four = ours(balancer, typed).splitlines()
    their_first, *_, their_one, their_two, their_three, their_four = exchange(balancer.stats_path, typed).splitlines()
    assert [first, one, two, three, four] == [their_first, their_one, their_two, their_three, their_four]
