"""The choices of lbcore against those of HAProxy 2.6, request by request."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from tests.lb.choices import DEFAULTS, SERVERS, WEIGHTS, by_header, chosen, each, farm, get, listen
from tests.peers.haproxy import Balancer, Program, debian_haproxy, newer_haproxy, program_under_test
from tests.peers.ports import HOST, free_port, release_port

HAPROXY = debian_haproxy()
pytestmark = pytest.mark.skipif(HAPROXY is None, reason="HAProxy is not installed")

KEYS = 10_000
HASH_TYPES = [
    f"{method} {function}{modifier}"
    for method in ("map-based", "consistent")
    for function in ("sdbm", "djb2", "wt6", "crc32")
    for modifier in ("", " avalanche")
]
UNEVEN = [f"weight {weight}" for weight in (256, 100, 7, 1, 33, 77, 2)]

Sections = Mapping[str, Sequence[str]]  # lines of a section by its name
Choices = Callable[[Mapping[str, int]], Any]  # what is asked of the ports of sections


def configuration(sections: Sections, servers: Sequence[str] | None = None, mode: str = "http") -> str:
    texts = (listen(name, *lines, servers=servers, mode=mode) for name, lines in sections.items())
    return DEFAULTS + "".join(texts)


@contextmanager
def started(program: Program | None, config: str, names: Sequence[str]) -> Iterator[tuple[Balancer, dict[str, int]]]:
    """The running program, and the ports of its sections."""
    assert program is not None, "skipped without it"
    ports = {name: free_port() for name in names}
    try:
        with farm() as servers, Balancer(program, config, {**ports, **servers}) as balancer:
            yield balancer, ports
    finally:
        for port in ports.values():
            release_port(port)


def asked(program: Program | None, config: str, sections: Sections, requests: Sequence[bytes]) -> dict[str, str]:
    """The servers that all sections choose."""
    with started(program, config, list(sections)) as (_, ports):
        return each(sections, ports, requests)


def compare(
    sections: Sections,
    requests: Sequence[bytes],
    servers: Sequence[str] | None = None,
    oracle: Program | None = HAPROXY,
) -> dict[str, str]:
    """Asserts that both programs choose the same servers for the requests; which they were."""
    config = configuration(sections, servers)
    theirs = asked(oracle, config, sections, requests)
    ours = asked(program_under_test(), config, sections, requests)
    for name, lines in sections.items():
        differing = [
            (request, mine, other)
            for request, mine, other in zip(requests, ours[name], theirs[name], strict=True)
            if mine != other
        ]
        assert not differing[:3], f"{lines}: {len(differing)} of {len(requests)} (request, ours, theirs)"
    return ours


def numbered(count: int) -> list[bytes]:
    return [by_header(f"user-{number * number}") for number in range(count)]


# --- hashes ---


def test_ten_thousand_keys_lead_to_the_same_servers_with_every_hash_type() -> None:
    sections = {f"H{at}": ["balance hdr(x-key)", f"hash-type {kind}"] for at, kind in enumerate(HASH_TYPES)}
    found = compare(sections, numbered(KEYS))
    assert all(set(letters) == set(SERVERS) for letters in found.values())


def test_hash_types_have_the_same_defaults() -> None:
    sections = {
        "PLAIN": ["balance hdr(x-key)"],
        "MAP": ["balance hdr(x-key)", "hash-type map-based"],
        "RING": ["balance hdr(x-key)", "hash-type consistent"],
    }
    compare(sections, numbered(300), [f"weight {weight * 2} id {100 - at}" for at, weight in enumerate(WEIGHTS)])


BOTH = {"MAP": ["balance hdr(x-key)"], "RING": ["balance hdr(x-key)", "hash-type consistent"]}


def test_the_same_keys_move_when_a_server_leaves_and_come_back_when_it_returns() -> None:
    requests = numbered(3000)
    with started(HAPROXY, configuration(BOTH), list(BOTH)) as (balancer, ports):
        theirs = []
        for state in ("ready", "maint", "ready"):
            for name in BOTH:
                balancer.cli(f"set server {name}/e state {state}")
            theirs.append(each(BOTH, ports, requests))
    disabled = [
        f"weight {weight}{' disabled' if letter == 'e' else ''}"
        for letter, weight in zip(SERVERS, WEIGHTS, strict=True)
    ]
    all_up = asked(program_under_test(), configuration(BOTH), BOTH, requests)
    without = asked(program_under_test(), configuration(BOTH, disabled), BOTH, requests)
    assert theirs == [all_up, without, all_up]
    moved = {name: sum(a != b for a, b in zip(all_up[name], without[name], strict=True)) for name in BOTH}
    assert moved["RING"] == all_up["RING"].count("e")  # only its own keys
    assert moved["MAP"] > 2 * all_up["MAP"].count("e")


KEYED = {
    "HDR": "balance hdr(x-key)",
    "DOMAIN": "balance hdr(x-domain) use_domain_only",
    "URI": "balance uri",
    "LEN": "balance uri len 6",
    "DEPTH": "balance uri depth 2",
    "WHOLE": "balance uri whole",
    "PATH": "balance uri path-only",
    "PARAM": "balance url_param q",
    "POST": "balance url_param id check_post",
    "EXPR": "balance hash req.hdr(x-key),lower",
}
STATES = ("ready", "maint", "ready")


def every_key(number: int) -> bytes:
    """A request in which each kind of key depends on the number. All are of one length: HAProxy looks at the byte
    behind a domain, which is one of the request before.
    """
    body = f"id={number * 7919 % 10_007:05d}"
    return (
        f"POST /{number:05d}/b{number * 31 % 101:03d}/c?q={number * 17:06d} HTTP/1.1\r\nhost: a\r\n"
        f"x-key: User-{number * number:09d}\r\nx-domain: www.d{number:05d}.com\r\n"
        f"content-length: {len(body)}\r\n\r\n{body}"
    ).encode()


def in_each_state(program: Program | None, sections: Sections, choices: Choices, mode: str = "http") -> list[Any]:
    """What `choices(ports)` says while all servers are there, while one of them is not, and when it is back."""
    found = []
    with started(program, configuration(sections, mode=mode), list(sections)) as (balancer, ports):
        for state in STATES:
            for name in sections:
                balancer.cli(f"set server {name}/e state {state}")
            found.append(choices(ports))
    return found


@pytest.mark.parametrize("kind", ["map-based", "consistent"])
def test_every_kind_of_key_moves_when_a_server_leaves_and_comes_back_when_it_returns(kind: str) -> None:
    sections = {name: [line, f"hash-type {kind}"] for name, line in KEYED.items()}
    requests = [every_key(number) for number in range(1000)]

    def choices(ports: Mapping[str, int]) -> dict[str, str]:
        return each(sections, ports, requests)

    ours = in_each_state(program_under_test(), sections, choices)
    assert ours == in_each_state(HAPROXY, sections, choices)
    assert ours[0] == ours[2]
    for name in sections:
        assert "e" in ours[0][name]
        assert "e" not in ours[1][name]


def test_clients_move_when_a_server_leaves_and_come_back_when_it_returns() -> None:
    sections = {"MAP": ["balance source"], "RING": ["balance source", "hash-type consistent"]}
    clients = [f"127.{at * 37 % 256}.{at * 91 % 256}.{at + 1}" for at in range(40)]

    def choices(ports: Mapping[str, int]) -> dict[str, list[str]]:
        return {name: [chosen(ports[name], [get("/")], client) for client in clients] for name in sections}

    ours = in_each_state(program_under_test(), sections, choices)
    assert ours == in_each_state(HAPROXY, sections, choices)
    assert ours[0] == ours[2] != ours[1]


def test_rdp_cookies_move_when_a_server_leaves_and_come_back_when_it_returns() -> None:
    lines = ["tcp-request inspect-delay 5s", "tcp-request content accept if { req.len ge 20 }", "balance rdp-cookie"]
    sections = {"MAP": lines, "RING": [*lines, "hash-type consistent"]}
    starts = [b"\3" + b"." * 10 + f"Cookie: mstshash=user{at}\r\n\r\n".encode() for at in range(60)]

    def choices(ports: Mapping[str, int]) -> dict[str, list[str]]:
        return {name: [chosen(ports[name], [start]) for start in starts] for name in sections}

    ours = in_each_state(program_under_test(), sections, choices, "tcp")
    assert ours == in_each_state(HAPROXY, sections, choices, "tcp")
    assert ours[0] == ours[2] != ours[1]


def test_turns_go_on_alike_while_a_server_is_away_and_when_it_is_back() -> None:
    """Those whose turns begin anew with each change; roundrobin, whose servers keep their dates, is not among them."""
    sections = {"STATIC": ["balance static-rr"], "FIRST": ["balance first"]}
    requests = [get("/")] * sum(WEIGHTS)

    def choices(ports: Mapping[str, int]) -> dict[str, Counter[str]]:
        return {name: Counter(letters) for name, letters in each(sections, ports, requests).items()}

    assert in_each_state(program_under_test(), sections, choices) == in_each_state(HAPROXY, sections, choices)


def test_another_weight_moves_the_same_keys_on_the_ring() -> None:
    ring = {"RING": BOTH["RING"]}
    requests = numbered(3000)
    with started(HAPROXY, configuration(ring), ["RING"]) as (balancer, ports):
        balancer.cli("set weight RING/g 20")
        theirs = chosen(ports["RING"], requests)
    weights = [f"weight {20 if letter == 'g' else weight}" for letter, weight in zip(SERVERS, WEIGHTS, strict=True)]
    assert asked(program_under_test(), configuration(ring, weights), ring, requests)["RING"] == theirs


def test_backup_servers_are_hashed_over_when_no_other_is_left() -> None:
    words = ["disabled", "backup", "disabled", "weight 3 backup", "backup", "disabled", "disabled"]
    sections = {
        f"{name}{len(more)}": [*lines, *more] for name, lines in BOTH.items() for more in ([], ["option allbackups"])
    }
    found = compare(sections, numbered(200), words)
    assert set(found["MAP0"]) == set(found["RING0"]) == {"b"}
    assert set(found["MAP1"]) == set(found["RING1"]) == {"b", "d", "e"}


# --- keys ---


def keys_of(sections: Sections, requests: Sequence[bytes], oracle: Program | None = HAPROXY) -> None:
    """`compare()` with each request three times: one that has no key shows by its turns."""
    compare(sections, [request for request in requests for _ in range(3)], oracle=oracle)


TARGETS = (
    "/", "/a", "/a?b", "/a/b/c?x=/y/z", "//", "//a", "/a//b", "/?", "/?a/b", "/abcdefghijkl/m", "/a/b/", "/a/b", "/%41",
    "/a;b", "/?id=1", "/?x=1&id=2", "/?id", "/?id=", "/?idx=1", "/?ID=1", "/?id=1&id=2", "/?&id=3", "/?xid=4",
    "/?id=a=b", "/a?b?id=5", "/?id=%31", "/?x=id=7", "/id=8", "/?a=1&&id=77", "/?id=a;b", "/?id=1?x",
    "/?i=1&d=2&id=x&y", "/?id=z&", "/?id=&x=1", "/?a&id=3", "http://www.example.com/a/b/c?d", "http://www.example.com",
    "http://www.example.com/?x", "http://www.example.com/?id=9",
)  # fmt: skip


@pytest.mark.parametrize("kind", ["map-based", "consistent"])
def test_uris_and_parameters_lead_to_the_same_servers(kind: str) -> None:
    options = ("", "whole", "len 7", "depth 2", "depth 1", "len 9 depth 2 whole", "path-only", "path-only whole")
    sections = {f"U{at}": [f"balance uri {option}", f"hash-type {kind}"] for at, option in enumerate(options)}
    sections["P"] = ["balance url_param id", f"hash-type {kind}"]
    keys_of(sections, [*(get(target) for target in TARGETS), b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n"])


VALUES = (
    ["x-key: a"], ["x-key: a,b"], ["x-key: b,a"], ["x-key:"], ["x-key: ,a"], ["x-key:  "], ["X-KEY: A"],
    ["x-key: ", "x-key: b"], ["x-key: c", "x-key: d"], ['x-key: "a,b",c'], ["x-key: a ,b"], ["x-key: ,"], ["x-keys: 1"],
    ["x-key: a b"], ["x-key: a;q=1"], ["x-key: \x80\xff"], ["x-key: ,,b"],
)  # fmt: skip


def test_headers_lead_to_the_same_servers() -> None:
    sections = {
        "HEADER": ["balance hdr(X-Key)"],
        "HOST": ["balance hdr(host)"],
        "RDP": ["balance rdp-cookie"],  # of mode tcp: never there
    }
    hosts = ("www.example.com", "a", "a.b", "a.b:80", "[::1]:80", "")
    keys_of(sections, [*(get("/", *fields) for fields in VALUES), *(get("/", host=host) for host in hosts)])


def test_domains_lead_to_the_same_servers() -> None:
    # HAProxy looks at the byte behind the name, which is one of the request before: all are of one length
    domains = ("www.abc.org", "wwww.xyz.de", "a.b.c.d.e.f", "abc.def.ghi", "abcdefg.com", "com.abcdefg")
    keys_of({"DOMAIN": ["balance hdr(x-key) use_domain_only"]}, [get("/", f"x-key: {name}") for name in domains])


def test_clients_lead_to_the_same_servers() -> None:
    sections = {
        "MAP": ["balance source"],
        "SPREAD": ["balance source", "hash-type map-based djb2 avalanche"],
        "RING": ["balance source", "hash-type consistent"],
        "NETWORK": ["balance hash src,ipmask(24)"],
    }
    clients = [f"127.{at * 37 % 256}.{at * 91 % 256}.{at + 1}" for at in range(60)]
    found = []
    for program in (HAPROXY, program_under_test()):
        with started(program, configuration(sections), list(sections)) as (_, ports):
            found.append({name: [chosen(ports[name], [get("/")], client) for client in clients] for name in sections})
    assert found[0] == found[1]
    assert all(len(set(letters)) > 3 for letters in found[0].values())


EXPRESSIONS = (
    "req.hdr(x-key)", "req.hdr(x-key),lower", "src", "path", "str()", "int(5)", "req.hdr(x-key),length",
    "req.hdr(x-key),crc32(1)", "url_param(id)", "req.hdr_ip(x-key)", "method", "always_true", "req.hdr(x-key),bool",
    "var(txn.x)", "req.hdr(x-key),base64", "query", "req.cook(a)", "hdr_cnt(x-key)", "url32", "base32+src",
)  # fmt: skip


def test_expressions_lead_to_the_same_servers() -> None:
    sections = {
        f"E{at}": [f"balance hash {expression}", f"hash-type {('map-based', 'consistent')[at % 2]}"]
        for at, expression in enumerate(EXPRESSIONS)
    }
    values = [*VALUES[:9], ["x-key: 10.1.2.3"], ["x-key: 2001:db8::1"], ["x-key: true"], ["cookie: a=x; b=2"]]
    keys_of(sections, [*(get("/", *fields) for fields in values), get("/a?id=1"), get("/b?id=2")])


def test_what_rules_have_made_of_a_request_is_hashed() -> None:
    sections = {
        "VARIABLE": ["http-request set-var(txn.x) req.hdr(x-key)", "balance hash var(txn.x)"],
        "FIELD": ["http-request set-header x-key foo%[req.hdr(x-key)]", "balance hdr(x-key)"],
        "PATH": ["http-request set-path /x%[path]%[req.hdr(x-key)]", "balance uri"],
        "QUERY": ["http-request set-query id=%[req.hdr(x-key)]", "balance url_param id"],
        "ASKED": ["http-request set-var(txn.x) int(1)", "balance hdr(x-key)"],
        "BODY": ["option http-buffer-request", "balance hash req.body"],
    }
    keys_of(sections, numbered(40))


def post(body: str, target: str = "/", method: str = "POST") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode("latin-1")


POSTED = {
    "MAP": ["balance url_param id check_post", "hash-type map-based wt6"],
    "RING": ["balance url_param id check_post", "hash-type consistent wt6"],
}


def chunked(*parts: str) -> bytes:
    framed = "".join(f"{len(part):x}\r\n{part}\r\n" for part in parts)
    return f"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{framed}0\r\n\r\n".encode()


def test_parameters_of_bodies_lead_to_the_same_servers() -> None:
    bodies = ("id=1", "x=1&id=2", "id=1&id=2", "id", "id=", "xid=1", "&id=9", "id=%20", "a=\0&id=4", "id=\1")
    others = [post("id=3", "/?id=4"), post("id=5", method="PUT"), get("/?id=6")]
    in_chunks = [chunked("id=1"), chunked("x=1&", "id=2"), chunked("id=12", "34")]
    keys_of(POSTED, [*map(post, bodies), *others, *in_chunks])


@pytest.mark.skipif(newer_haproxy() is None, reason="HAProxy 2.8 is not installed")
def test_what_is_no_form_has_no_parameters() -> None:
    """As in HAProxy 2.8; 2.6 looks at the first byte of a value only."""
    bodies = ("id=a b", "id=a\1", "id=a\r\nb", "id=a,b", "id=a/b", "id= a", "id=a\t", "id=a(b", "id=a=b", "id=a\xe9")
    keys_of(POSTED, [post(body) for body in bodies], newer_haproxy())


def test_rdp_cookies_lead_to_the_same_servers() -> None:
    lines = ["tcp-request inspect-delay 5s", "tcp-request content accept if { req.len ge 20 }"]
    sections = {
        "PLAIN": [*lines, "balance rdp-cookie"],
        "NAMED": [*lines, "balance rdp-cookie(user)", "hash-type consistent"],
    }
    names = ("Cookie: mstshash=%s", "cookie:MSTSHASH=%s", "Cookie: user=%s", "Cookie: other=%s", "Cook: user=%s")
    starts = [b"\3" + b"." * 10 + (name % f"user{at}").encode() + b"\r\n\r\n" for name in names for at in range(6)]
    found = []
    for program in (HAPROXY, program_under_test()):
        with started(program, configuration(sections, mode="tcp"), list(sections)) as (_, ports):
            found.append({name: [chosen(ports[name], [start]) for start in starts] for name in sections})
    assert found[0] == found[1]
    assert len(set(found[0]["PLAIN"][:12])) > 2


# --- turns ---


def test_servers_take_the_same_turns() -> None:
    sections = {
        "RR": ["balance roundrobin"],
        "STATIC": ["balance static-rr"],
        "LEAST": ["balance leastconn"],
        "FIRST": ["balance first"],
        "MAP": ["balance hdr(none)"],
        "RING": ["balance hdr(none)", "hash-type consistent"],
    }
    # more than an era of roundrobin, after which all begins anew: 16 times the sum of the weights
    compare(sections, [get("/")] * (18 * sum(WEIGHTS)))
    compare({"RR": sections["RR"], "STATIC": sections["STATIC"]}, [get("/")] * (17 * 476), UNEVEN)
    compare(sections, [get("/")] * 150, ["weight 10"] * len(SERVERS))


def test_random_choices_are_spread_alike() -> None:
    sections = {"TWO": ["balance random"], "ONE": ["balance random(1)"], "FIVE": ["balance random(5)"]}
    config = configuration(sections)
    theirs = asked(HAPROXY, config, sections, [get("/")] * 4000)
    ours = asked(program_under_test(), config, sections, [get("/")] * 4000)
    for name in sections:
        expected, got = Counter(theirs[name]), Counter(ours[name])
        for letter in SERVERS:  # both are drawn: six times the deviation of their difference
            assert abs(got[letter] - expected[letter]) < 6 * (2 * expected[letter] + 1) ** 0.5, (name, letter)


def held(balancer: Balancer, port: int, name: str, steps: Sequence[int]) -> str:
    """Opens a connection for each 0, for another number closes the one opened so many steps ago; who got them."""
    open_: list[socket.socket] = []
    letters = ""
    for step in steps:
        if step:
            open_.pop(-step).close()
            _until(lambda: int(balancer.stat(name, "BACKEND")["scur"]) == len(open_))
            continue
        sock = socket.create_connection((HOST, port), timeout=5)
        open_.append(sock)
        sock.sendall(b"\r\n\r\n")
        answer = b""
        while not answer.endswith(tuple(SERVERS.encode()[at : at + 1] for at in range(len(SERVERS)))):
            answer += sock.recv(4096)
        letters += answer[-1:].decode()
    for sock in open_:
        sock.close()
    return letters


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end, "the balancer did not see the end of a connection"


def test_held_connections_lead_to_the_same_servers() -> None:
    sections = {"LEAST": ["balance leastconn"], "FIRST": ["balance first"], "RR": ["balance roundrobin"]}
    words = [
        "weight 1 maxconn 3",
        "weight 2 maxconn 9",
        "weight 3",
        "weight 1 maxconn 2 id 40",
        "weight 5",
        "",
        "id 30",
    ]
    steps = [0] * 25 + [3, 7, 1, 1, 0, 0, 0, 0, 12, 2, 0, 9, 9, 9, 0, 0, 0, 0, 0] + [5, 0] * 6
    found = []
    for program in (HAPROXY, program_under_test()):
        config = configuration(sections, words, mode="tcp")
        with started(program, config, list(sections)) as (balancer, ports):
            found.append({name: held(balancer, ports[name], name, steps) for name in sections})
    assert found[0] == found[1]
