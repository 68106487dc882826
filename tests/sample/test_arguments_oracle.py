"""Wrong arguments of every fetch and every converter: what HAProxy refuses is refused, what it takes is taken.

Each word that a HAProxy knows is tried with none, too many, and wrong ones. Where lbcore judges otherwise the reason
stands here.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from lbcore.cfg.loader import load
from lbcore.cfg.vocabulary import load_vocabulary
from lbcore.sample.rows import CONVERTERS, FETCHES
from tests.peers.haproxy import Program
from tests.peers.installed import Peers

ARGUMENTS = (
    "", "()", "(x)", "(1)", "(-1)", "(99999999999999999999)", "(txn.a)", "(a b)", "(,)", "(1,2)", "(a,1)", "(a,b,c)",
    "(1,2,3)", "(a,b,c,d,e)", "(x",
)  # fmt: skip
# What a converter is tried on, by the type that it takes.
VALUES = {"str": "str(a)", "sint": "int(1)", "bin": "bin(61)", "bool": "bool(1)", "addr": "src"}
ERRORS_MAX = 40  # in one file; with some more HAProxy reads no further

HEAD = """frontend fe
    mode http
    timeout client 1s
    bind 127.0.0.1:9
"""
_WHERE = re.compile(r"\[ALERT\] +\(\d+\) : config : parsing \[[^]]*:(\d+)\]")

EXCEPTIONS = {
    r"bin\(61\),bytes\(": "since 3.0 the two numbers may be variables",
    r"str\(a\),debug": "the ring that its second argument names by default, buf0, is not there",
    r"[^,]*,map": "a file that is not there is told once, with the first line that names it",
    r"str\(a\),regsub\(,\)": "an empty expression matches everywhere, which nobody means",
    r"str\(a\),rfc7239_field\b": "there are four parts, and a typing error would never be found",
    r"[bf]c_rtt(var)?\(\)": "parentheses may be empty where the argument may be missing",
    r"capture\.re[qs]\.hdr\(-": "there is no slot before the first one",
    r"req\.body_param\(": "since 3.0 it has a second argument, whose only value is 'i'",
    r"url_param\(|urlp\(|urlp_val\(": "since 3.0 they have a third argument, whose only value is 'i'",
}  # fmt: skip


def known(program: Program, kind: str) -> set[str]:
    """The names of the fetches ("smp") or converters ("cnv") that a program lists."""
    argv = [*program.argv, "-q", "-c", f"-dK{kind}", "-f", "/dev/null"]
    lines = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.splitlines()
    return {re.split(r"[(:]", line.rpartition("] ")[2])[0] for line in lines if not line.startswith("#")}


def text_of(expressions: list[str]) -> str:
    return HEAD + "".join(f"    acl a{i} '{text}' -m found\n" for i, text in enumerate(expressions))


def refused_by(program: Program, expressions: list[str], folder: Path) -> set[str]:
    file = folder / "acls.cfg"
    file.write_text(text_of(expressions))
    done = subprocess.run([*program.argv, "-c", "-f", str(file)], capture_output=True, text=True, check=False)
    return _refused(expressions, (int(number) for number in _WHERE.findall(done.stderr)))


def refused_here(expressions: list[str]) -> set[str]:
    _, found = load([("acls.cfg", text_of(expressions))], env={})
    return _refused(expressions, (message.line for message in found.messages if message.severity.name == "ALERT"))


def _refused(expressions: list[str], lines: object) -> set[str]:
    first = HEAD.count("\n") + 1
    return {expressions[line - first] for line in lines if line >= first}  # type: ignore[attr-defined]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("newer", [False, True])  # the newer one judges what the other does not know
@pytest.mark.parametrize("kind", ["smp", "cnv"])
def test_arguments_are_judged_as_haproxy_does(peers: Peers, newer: bool, kind: str) -> None:
    load_vocabulary()
    program = peers.newer_haproxy if newer else peers.haproxy
    names = known(program, kind) - (known(peers.haproxy, kind) if newer else set())
    if kind == "smp":
        probes = [f"{name}{args}" for name in sorted(names & set(FETCHES)) for args in ARGUMENTS]
    else:
        words = sorted(names & set(CONVERTERS))
        probes = [
            f"{VALUES.get(CONVERTERS[name].takes.value, 'str(a)')},{name}{a}" for name in words for a in ARGUMENTS
        ]
    excepted = re.compile("|".join(EXCEPTIONS))
    probes = [probe for probe in probes if not excepted.match(probe)]
    assert len(probes) > (50 if newer else 1000)
    differs: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for at in range(0, len(probes), ERRORS_MAX):
            part = probes[at : at + ERRORS_MAX]
            theirs, ours = refused_by(program, part, Path(folder)), refused_here(part)
            differs |= dict.fromkeys(ours - theirs, "refused by lbcore alone")
            differs |= dict.fromkeys(theirs - ours, "taken by lbcore alone")
    assert differs == {}
