"""What is said about ACLs and expressions that can't be, beside what HAProxy says."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

import lbcore.conv
import lbcore.fetch  # noqa: F401 - fills the tables
from lbcore.cfg.environment import Environment
from lbcore.cfg.tokenizer import cut
from lbcore.sample.acl import parse_acl, parse_condition
from lbcore.sample.expression import parse_expression
from lbcore.sample.points import Point
from lbcore.sample.words import ParseError, Words
from tests.peers.installed import Peers

# A file that is used in two ways is an error of its own.
FILES = {
    "lines": "a b\n#x\n #y z w \n/x\n",
    "numbers": "1\n2:x\n",
    "map": "1 a\n2:x b\n",
    "twice": "1\n",
}

# Behind `acl a `.
ACLS: tuple[str, ...] = (
    "nosuch",
    "pathh /x",
    "path_bg /x",
    "str(a,b)",
    "int(x) 1",
    "int(1 2) 1",
    "int() 1",
    "str(a a",
    "str(a)x a",
    "str(a),lower,nosuch a",
    "str(a),lower(1) a",
    "str(a),field(x) a",
    "str(a),field a",
    "hdr(a,x) a",
    "hdr(a,1,2) a",
    "hdr_beg(a,x) a",
    "hdr_beg(a,1,2) a",
    "hdr_beg(a),nosuch a",
    "hdr_beg(a),lower(1) a",
    "hdr_beg(a),field(x,y) a",
    "hdr(a)lower a",
    "hdr(a),lower)x a",
    "ipv4(1.2.3) a",
    "src 1.2.3.4.5",
    "src 1.2.3.4/33",
    "src ::1/129",
    "src -n 127.1",
    "src -n localhost",
    "src 1.2.3.4/",
    "src /8",
    "src ::1/ffff::",
    "int(1) abc",
    "int(1) 1:x",
    "int(1) 5-3",
    "int(1) :",
    "int(1) 0x5",
    "int(1) 1.5",
    "int(1) eq 1.5",
    "int(1) lt x",
    "int(1) foo 1",
    "int(1) 99999999999999999999",
    "int(1) -5",
    "dst_port 80:79",
    "req.ssl_ver x",
    "req.ssl_ver lt 3.x",
    "req.ssl_ver 3.99999",
    "req.ssl_ver -m int 3.1",
)
MORE_ACLS: tuple[str, ...] = (
    "path -m foo /x",
    "path -m",
    "path -m bin 123",
    "path -m bin xx",
    "path -m len x",
    "path -f /nonexistent",
    "path -f",
    "path -f /tmp",
    "path -f {files}/lines -m str foo",
    "src -f {files}/lines",
    "src -M -f {files}/map",
    "path -u x /x",
    "path -u 1x /x",
    "path -u -1 /x",
    "path -z /x",
    "path -",
    "bin(aa) -m int 3",
    "bin(aa) -m ip 3",
    "bin(aa) aa",
    "bool(1) -m ip 3",
    "bool(x)",
    "method -m int 1",
    "method -m ip 1.1.1.1",
    "var(txn.x) foo",
    "var(txn.x) -f {files}/lines",
    "meth(GET) GET",
    "path,lower,sha1 abc",
    "req.body x",
    "date(1,foo) 1",
    "hdr_val(a) 1 2 foo",
    "rand(x) 1",
    "ipv6(::1),add(1) 1",
    "bool(1),ipmask(8) 1.2.3.4",
    ",lower a",
    "var(foo.x) -m found",
    "var() -m found",
    "var(txn.a-b) -m found",
    "str(a),set-var(txn.x,foo) a",
    "int(1) -f {files}/numbers",
    "path -f {files}/twice -M -f {files}/twice",
)

# Sample expressions: HAProxy says the same about those of ACLs as elsewhere, and names the word behind it.
EXPRESSIONS: tuple[str, ...] = (
    "nosuch",
    "str(a),field",
    "str(a),field()",
    "str(a),field(1)",
    "str(a),field(1,b,3",
    "str(a),field(1,b,3,4)",
    "str(a),regsub(a)",
    "str(a),regsub(a,b,g,i)",
    "'str(a),regsub((a),b)'",
    "'str(a),regsub(\\(a\\),b)'",
    "'str(\"a)'",
    '"str(\'a)"',
    '"str(a\\\\"',
    "str(a",
    "ipv4",
    "ipv4()",
    "ipv6(1)",
    "src,ipmask",
    "src,ipmask()",
    "src,ipmask(x)",
    "src,ipmask(33)",
    "src,ipmask(24,129)",
    "src,ipmask(24,32,1)",
    "rand(0x5)",
    "str(a),protobuf(1.x)",
    "str(a);lower",
    "str(a),;lower",
    "bool(1),map_ip({files}/lines)",
    "meth(GET),ipmask(24)",
    "-m",
    "src,lower,nosuch",
    "src,add(x)",
    "int(1),add(1x)",
    "var(foo.x)",
    "var(txn)",
    "var(txn.)",
    "var",
    "str(a),set-var(foo)",
    "str(a),set-var(txn.x,a,b,c,d,e)",
)

# Behind `http-request set-header x y `.
CONDITIONS: tuple[str, ...] = (
    "if nosuch",
    "if { path",
    "if { }",
    "if { nosuch }",
    "if !{path /x }",
    "if { path /x}",
    "if { path /x } && { path /y }",
    "if true",
    "if { path -m reg }x",
)

CONFIG = """defaults
  mode http
  timeout client 1s
  timeout connect 1s
  timeout server 1s
frontend fe
  bind 127.0.0.1:19999
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("files")
    for name, text in FILES.items():
        Path(folder / name).write_text(text)
    return str(folder)


def haproxys(argv: Sequence[str], lines: Sequence[str], folder: Path) -> list[str]:
    """What HAProxy says about each of the lines of a frontend, "" where it says nothing; 50 errors are its limit."""
    path = folder / "lb.cfg"
    path.write_text(CONFIG + "".join(f"  {line}\n" for line in lines))
    done = subprocess.run([*argv, "-c", "-f", str(path)], capture_output=True, timeout=30, check=False)
    first = CONFIG.count("\n") + 1
    said = [""] * len(lines)
    for found in re.finditer(
        r"^\[ALERT\].*?lb\.cfg:(\d+)\] ?: (.*)$", done.stderr.decode(errors="replace"), re.MULTILINE
    ):
        said[int(found[1]) - first] = found[2]
    return said


def words(text: str, files: str, point: Point | None = None) -> Words:
    found = cut(text.replace("{files}", files), Environment({}))
    return Words([word.text for word in found], point=point or Point(0))


def sentence(parse: object, found: Words) -> str:
    """What we say."""
    try:
        parse(found)  # type: ignore[operator]
    except ParseError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def acl_errors(peers: Peers, files: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    said: dict[str, str] = {}
    for texts in (ACLS, MORE_ACLS):
        lines = [f"acl a {text}".replace("{files}", files) for text in texts]
        answers = haproxys(peers.haproxy.argv, lines, tmp_path_factory.mktemp("acls"))
        said |= dict(zip(texts, answers, strict=True))
    return said


@pytest.mark.parametrize("text", ACLS + MORE_ACLS)
def test_acls_are_refused_in_haproxys_words(text: str, acl_errors: dict[str, str], files: str) -> None:
    ours = sentence(parse_acl, words(f"a {text}", files))
    assert ours
    assert acl_errors[text] == f"error detected while parsing ACL 'a' : {ours}."


@pytest.fixture(scope="module")
def expression_errors(peers: Peers, files: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    lines = [f"acl a {text} --".replace("{files}", files) for text in EXPRESSIONS]
    answers = haproxys(peers.haproxy.argv, lines, tmp_path_factory.mktemp("expressions"))
    return dict(zip(EXPRESSIONS, answers, strict=True))


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expressions_are_refused_in_haproxys_words(text: str, expression_errors: dict[str, str], files: str) -> None:
    found = words(text, files)
    ours = sentence(parse_expression, found)
    assert ours
    inside = f" in ACL expression '{found.texts[0]}'"
    assert expression_errors[text] == f"error detected while parsing ACL 'a' : {ours}{inside}."


@pytest.mark.parametrize("text", CONDITIONS)
def test_conditions_are_refused_in_haproxys_words(text: str, peers: Peers, tmp_path: Path) -> None:
    # It reads no further than the first of these.
    (theirs,) = haproxys(peers.haproxy.argv, [f"http-request set-header x y {text}"], tmp_path)
    ours = sentence(parse_condition, words(text, "", point=Point.FE_REQ_HDR))
    assert theirs == f"error detected while parsing an 'http-request set-header' condition : {ours}."


def test_the_nearest_word_is_told() -> None:
    with pytest.raises(ParseError) as told:
        parse_expression(Words(["req.hrd(x)"]))
    assert told.value.hint == "req.hdr"


def test_the_nearest_acl_is_told() -> None:
    with pytest.raises(ParseError) as told:
        parse_condition(Words(["if", "METH_GETT"]))
    assert (told.value.hint, told.value.at) == ("METH_GET", 1)


@pytest.mark.parametrize("text", ["ssl_fc", "res.cache_hit", "spoe.engine-id"])
def test_words_of_haproxy_that_are_not_done_are_told_apart(text: str) -> None:
    with pytest.raises(ParseError, match="is HAProxy's but is not supported by lbcore"):
        parse_expression(Words([text]))


@pytest.mark.parametrize(
    ("text", "at"),
    [("path -m str /a", None), ("path lower nosuch(", 2), ("path", None)],
)
def test_an_expression_ends_at_a_word_that_is_no_converter(text: str, at: int | None) -> None:
    found = Words(text.split())
    parse_expression(found)
    assert found.at == (at if at is not None else 1)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("a path -m foo /x", 3),
        ("a path /x -m", None),
        ("a int(1) 1 2 x", 4),
        ("a nosuch x", 1),
        ("a path -q x", 2),
    ],
)
def test_an_error_names_the_word_at_fault(text: str, at: int | None) -> None:
    found = Words(text.split())
    if at is None:
        parse_acl(found)
        return
    with pytest.raises(ParseError) as told:
        parse_acl(found)
    place = told.value.at if told.value.at is not None else found.at - 1
    assert place == at
