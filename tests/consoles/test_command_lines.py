"""haproxytool and haproxy-cli, commands for shells: what they print is what they print of HAProxy."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.consoles.rig import watched
from tests.peers.haproxy import Balancer, Program
from tests.peers.installed import Peers

TOOL = """
frontend -l; frontend -c; frontend -s; frontend -r; frontend -i; frontend -m smax fe; frontend -w maxconn 77 fe;
frontend -o fe; frontend -f -d fe; frontend -s fe; frontend -e fe; frontend -s fe;
backend -l; backend -S; backend -r; backend -s; backend -i be; backend -m act be;
server -l; server -s; server -W; server -A; server -i; server -r; server -c s1; server -C s1;
server -w 7 --backend=be s1; server -W s1; server -f -d --backend=be s2; server -s s2; server -e --backend=be s2;
server -f -n s3; server -s s3; server -R s3; server -s s3; server -a 127.0.0.3 --backend=other o1; server -A o1;
server -S s1; server -m stot;
acl -s 0; acl -A 0 /more; acl -g 0 /more; acl -d 0 /more; acl -s 0; acl -c 0; acl -s 0;
haproxy -o; haproxy -e; haproxy -m Process_num; haproxy -w maxconn 60; haproxy -C; haproxy -A; haproxy -a
"""
CLI = """
-c frontends; -c backends; -c servers -b be; -c disable -b be -s s1; -c enable -b be -s s1;
-c get-weight -b be -s s2; -c set-weight -b be -s s2 -w 5; -c get-weight -b be -s s2
"""


@pytest.fixture(scope="module")
def pair(program: Program, peers: Peers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Balancer]]:
    """HAProxy and lbcore."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(watched(one, peers, tmp_path_factory.mktemp("files")))
            for one in (peers.haproxy, program)
        ]


def printed(tool: str, words: Sequence[str]) -> str:
    """What a command says, and how it ends."""
    command = [str(Path(sys.executable).parent / tool), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    said = re.sub(r"0x[0-9a-f]+|\S*/(list|map)\b", "", done.stdout + done.stderr)
    return re.sub(r" on .*", "", f"{said}\nends with {done.returncode}")


def test_haproxytool_prints_what_it_does_of_haproxy(pair: list[Balancer]) -> None:
    for line in TOOL.split(";"):
        topic, *words = line.split()
        theirs, ours = (printed("haproxytool", [topic, "-F", one.stats_path, *words]) for one in pair)
        assert theirs.endswith("ends with 0"), line
        assert ours == theirs, line


def test_haproxy_cli_prints_what_it_does_of_haproxy(pair: list[Balancer]) -> None:
    for line in CLI.split(";"):
        theirs, ours = (printed("haproxy-cli", ["-k", one.stats_path, *line.split()]) for one in pair)
        assert theirs.endswith("ends with 0"), line
        assert re.sub(r"b(In|Out): \d+", "", ours) == re.sub(r"b(In|Out): \d+", "", theirs), line
