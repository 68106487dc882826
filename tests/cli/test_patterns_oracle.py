"""The same commands about maps, ACLs and variables give the same answers on HAProxy's stats socket and on ours.

The commands change what later ones see, so all are put to each program in one go; each answer is a test.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.peers.haproxy import Balancer, Program, debian_haproxy, newer_haproxy, program_under_test
from tests.peers.stats_socket import exchange

FILES = {
    "hosts": "# comment\na.com   be_a\nb.com be b with spaces\na.com second\n",
    "list": "one\ntwo\nthree three\n",
    "ip": "1.2.3.0/24 net\n1.2.3.4 host\n",
    "re": "^a.*b$ re1\n(.*) all\n",
    "int": "k 5\n",
    "ips": "k 1.2.3.4\nl ::1\n",
    "virt": "",
}
CONFIG = """
global
  stats socket "${STATS}" level admin
defaults
  mode http
  timeout client 5s
  timeout connect 5s
  timeout server 5s
frontend fe
  bind "${STATS}.fe"
  acl inline path_beg /a /b
  acl unused path /x
  acl plain hdr(h) -f "${FILES}/list"
  acl folded hdr(h) -i -m beg -f "${FILES}/list"
  acl number hdr_cnt(x) 3:5
  acl net src 10.0.0.0/8
  acl numbered hdr(z) -u 100 foo
  acl found hdr(z) -m found
  acl shared hdr(z) -M -f "${FILES}/hosts" zip zap
  acl length hdr(z) -m len 5
  acl bytes req.hdr(z) -m bin 6162
  http-request set-header a "%[hdr(host),map(${FILES}/hosts)]"
  http-request set-header a "%[hdr(host),map_beg(${FILES}/hosts,def)]%[src,map_ip(${FILES}/ip)]"
  http-request set-header a "%[hdr(host),map_reg(${FILES}/re)]"
  http-request set-header a "%[hdr(host),map_sub_int(${FILES}/int)]"
  http-request set-header a "%[hdr(host),map_str_ip(${FILES}/ips)]"
  http-request set-header a "%[hdr(host),map_dom(${FILES}/virt)]"
  http-request deny if inline unused plain folded number net numbered { path_end .png } { src 1.2.3.4 ::1 }
  http-request deny if TRUE METH_GET
  use_backend be if METH_GET
backend be
  http-request deny if { method -m str GET } TRUE
"""

# `FILES/` stands for the folder of the files.
SAME = [
    "show acl", "show map", "show map #-1", "show acl #0", "show acl 0", "show map FILES/hosts", "show acl FILES/hosts",
    "show map FILES/list", "show acl FILES/list", "show map foo", "show acl foo", "show map @", "show map @0",
    "show map @0 FILES/hosts", "show map @1 FILES/hosts", "show map @x FILES/hosts", "show acl @0 foo", "show acl #100",
    "show map #100", "show map #x", "show map #",
    "get map", "get map FILES/hosts", "get map #0 a.com", "get acl #1 /abc", "get acl #1 /x", "get acl foo x",
    "get acl FILES/list one", "get acl FILES/list onefoo", "get acl FILES/list ONE", "get map FILES/ip 1.2.3.4",
    "get map FILES/ip 1.2.3.9", "get map FILES/ip foo", "get map FILES/re aab", "get map FILES/int xxkxx",
    "get map FILES/ips k", "get map FILES/ips l", "get acl #4 4", "get acl #5 4", "get acl #5 x", "get acl #100 foo",
    "add map", "add map FILES/hosts", "add map FILES/hosts k", "add map FILES/hosts k v",
    "add map FILES/hosts k v more",
    "add map FILES/hosts <<\nx y z\n  lead  two  \nonlykey\n", "add map FILES/hosts <<\nx2 y z  \n\tlead2\ttwo\n",
    "add map FILES/hosts k <<\nx3 y\n", "add map FILES/hosts <<\n", "add acl FILES/list <<\np1\n",
    "add acl FILES/list foo <<\np3\n", "show map FILES/hosts", "show acl FILES/list",
    "add map FILES/list a b", "add acl FILES/hosts a", "add acl #0 /c", "show acl #0", "get acl #0 /cc", "add acl",
    "add acl #0", "add acl #0 /d extra", "add acl foo x", "add map foo x y", "add map FILES/int q r",
    "add map FILES/int q 7", "add map FILES/ips q r", "add map FILES/ip zz r", "add acl #5 abc", "add acl #5 7",
    "add acl #6 1.2.3.4.5", "add map FILES/int <<\nm1 5\nm2 x\nm3 7\n", "show map FILES/int", "get map FILES/int m1",
    "set map", "set map FILES/hosts", "set map FILES/hosts k", "set map FILES/hosts k newv",
    "set map FILES/hosts k newv extra", "set map FILES/hosts nokey newv", "set map FILES/hosts #0xffff1 v",
    "set map FILES/hosts #0xzz v", "set map FILES/hosts #0x v", "set map FILES/hosts #zz v", "set map FILES/hosts # v",
    "set map foo a b", "set map FILES/list a b", "show map FILES/hosts",
    "del map", "del map FILES/hosts", "del map FILES/hosts zz", "del map FILES/hosts k", "del map FILES/hosts k extra",
    "del map FILES/hosts #0xffff1", "del map FILES/hosts #0xzz", "del map FILES/hosts #zz", "del map foo x",
    "del map FILES/list one", "del acl FILES/list", "del acl FILES/list zz", "del acl FILES/list one", "del acl foo",
    "del map @0 FILES/hosts x", "del acl #0 /c", "show acl FILES/list", "show map FILES/hosts",
    "clear map", "clear map foo", "clear map @1", "clear acl", "clear acl foo", "clear map FILES/list",
    "clear acl FILES/ip", "clear map FILES/int", "show map FILES/int",
    "prepare map", "prepare acl", "prepare map foo", "prepare map FILES/list", "prepare acl FILES/list",
    "prepare acl FILES/ip", "prepare map FILES/hosts", "prepare map FILES/hosts", "show map",
    "add map @2 FILES/hosts v2 x", "add map @3 FILES/hosts v3 x", "add map @0 FILES/hosts v0 x",
    "add map @x FILES/hosts v0 x", "add map @ FILES/hosts v0 x", "add map @1 FILES/hosts", "add map @1",
    "add map @1 FILES/hosts <<\np1 one two\np2 x\n", "show map @1 FILES/hosts", "show map @2 FILES/hosts",
    "commit map", "commit map @1", "commit map FILES/hosts", "commit map @1 foo", "commit map @5 FILES/hosts",
    "commit map @0 FILES/hosts", "commit map @x FILES/hosts", "commit map 2 FILES/hosts", "commit map @2 FILES/hosts",
    "show map", "show map FILES/hosts", "show map @1 FILES/hosts", "commit map @1 FILES/hosts",
    "commit acl @1 FILES/list", "show acl FILES/list", "commit acl @1 FILES/ip", "clear map @1 FILES/hosts",
    "clear map @7 FILES/hosts", "show map FILES/hosts",
    "add map FILES/virt \\ x y", "add map FILES/virt a\\ b c\\ d", "show map FILES/virt",
    "user;add map FILES/hosts a b", "user;show map FILES/hosts", "user;clear map", "user;get var proc.i",
    "user;show errors", "user;experimental-mode", "operator;experimental-mode on",
    "get var", "get var proc.nope", "get var foo", "set var proc.i int(5)", "experimental-mode",
    "experimental-mode on;experimental-mode;experimental-mode off;experimental-mode",
    "experimental-mode on;operator;set var proc.i int(1)", "user;set var proc.i int(1)",
    "experimental-mode on;set var", "experimental-mode on;set var proc.i",
    "experimental-mode on;set var proc.i int(42);get var proc.i",
    "experimental-mode on;set var proc.i foo", "experimental-mode on;set var txn.i int(1)",
    "experimental-mode on;set var foo int(1)", "experimental-mode on;set var proc. int(1)",
    "experimental-mode on;set var proc.n expr str(a\\ b),upper;get var proc.n",
    "experimental-mode on;set var proc.n expr", "experimental-mode on;set var proc.n fmt",
    "experimental-mode on;set var proc.n fmt foo%[var(proc.i)];get var proc.n",
    "experimental-mode on;set var proc.n path", "experimental-mode on;set var proc.n int(1) extra",
    "experimental-mode on;set var proc.n fmt foo extra;get var proc.n",
    "experimental-mode on;set var proc.b bool(true);get var proc.b",
    "experimental-mode on;set var proc.n str(abc),sha1;get var proc.n",
    "experimental-mode on;set var proc.n str(1.2.3.4),ipmask(24);get var proc.n",
    "experimental-mode on;set var proc.n str(a%01b),url_dec;get var proc.n",
    "experimental-mode on;set var proc.none env(none);get var proc.none",
    "experimental-mode on;set var proc.n str(a),map(FILES/hosts)",
    "experimental-mode on;set var proc.n nbsrv(nope)", "experimental-mode on;set var proc.n nbsrv(be);get var proc.n",
    "experimental-mode on;set var proc.n,ifset int(1);get var proc.n",
    "show errors foo", "show errors", "show errors -1 request", "show errors fe foo",
]  # fmt: skip

# HAProxy 2.6 lets values through that do not fit, names the wrong kind, and forgets the end of a line.
SINCE_2_8 = [
    "set map FILES/int q xx", "set map FILES/ips k xx", "del acl FILES/ip x",
    "set severity-output number;get var proc.i;get var nope;show map foo;prepare map FILES/hosts;get map FILES/hosts x",
]  # fmt: skip


def answers(program: Program, files: Path) -> dict[int, str]:
    """What a program answers to each of the commands, without what differs from run to run."""
    found = {}
    with Balancer(program, CONFIG, {"FILES": str(files)}) as running:
        for index, sent in enumerate([*SAME, *SINCE_2_8]):
            line = sent.replace("FILES/", f"{files}/").encode() + b"\n"
            text = exchange(running.stats_path, line).decode("latin-1")
            found[index] = _plain(text.replace(running.config_path.as_posix(), "lb.cfg"))
    return found


def _plain(text: str) -> str:
    """Without the numbers of entries; HAProxy counts those of files anew for each use, and has ACLs of its own."""
    text = re.sub(r"^0x[0-9a-f]+ ", "0xN ", text, flags=re.MULTILINE)
    text = re.sub(r"entry_cnt=\d+", "entry_cnt=N", text)
    text = re.sub(r"captured on \[.*?\]", "captured on [T]", text)
    text = re.sub(r"^.* file 'httpclient' .*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"\n+\Z", "\n", re.sub(r"\n\n+", "\n\n", text))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("patterns")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def ours(files: Path) -> dict[int, str]:
    return answers(program_under_test(), files)


@pytest.fixture(scope="module", params=["2.6", "2.8"])
def theirs(request: pytest.FixtureRequest, files: Path) -> tuple[str, dict[int, str]]:
    program = debian_haproxy() if request.param == "2.6" else newer_haproxy()
    if program is None:
        pytest.skip(f"haproxy {request.param} is not installed")
    return request.param, answers(program, files)


def test_answers_are_haproxys(theirs: tuple[str, dict[int, str]], ours: dict[int, str]) -> None:
    version, expected = theirs
    asked = [*SAME, *SINCE_2_8]
    wanted = range(len(SAME) if version == "2.6" else len(asked))
    different = {asked[at]: (expected[at], ours[at]) for at in wanted if expected[at] != ours[at]}
    assert different == {}
