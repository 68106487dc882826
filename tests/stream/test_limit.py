"""Rules that the shim does by itself, of whole balancers: what is refused, and who is asked."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence

import pytest

import lbcore
from lbcore.shim import lib
from lbcore.table.table import Table
from tests.embedded import PATIENCE, REQUEST, Client, balancer, config, named, until
from tests.peers.chaos import Chaos
from tests.peers.sinks import UdpSink

TABLE = "stick-table type ip size 100 expire 1m store http_req_cnt,http_req_rate(1m),http_err_cnt,conn_cur"
TRACK = "http-request track-sc0 src"
DENY = "http-request deny deny_status 429 if { sc_http_req_rate(0) gt 2 }"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server's."""
    with Chaos(named("s1")) as server:
        yield server.port


def statuses(lb: lbcore.LoadBalancer, number: int) -> list[int]:
    """Of so many requests of one connection, and what is left of it."""
    found = []
    with Client(lb) as client:
        for _ in range(number):
            client.send()
            found.append(client.response()[0])
    return found


def asks(lb: lbcore.LoadBalancer) -> int:
    frontend = lb.proxies[0].frontend
    assert frontend is not None
    return int(lib.eng_fe_conf(lb.engine.handle, frontend.index).asks)


def seen(lb: lbcore.LoadBalancer, name: str, key: bytes = b"\x7f\0\0\1") -> int:
    """A figure of an entry, once nobody holds it."""
    assert lb.tables is not None
    table = lb.tables.find("fe")
    assert table is not None
    field = table.field(name)
    assert field is not None

    def is_idle() -> bool:
        entry = table.get(key)
        idle = table.facts(entry).refs == 0
        table.release(entry)
        return idle

    assert until(is_idle)
    entry = table.get(key)
    value = table.read(entry, field)
    table.release(entry)
    return value


FORMS: dict[str, Sequence[str]] = {
    "rate": (TABLE, TRACK, DENY),
    "of a slot": (TABLE, TRACK, "http-request deny deny_status 429 if { sc0_http_req_rate ge 3 }"),
    "named": (TABLE, "acl fast sc_http_req_cnt(0) gt 2", TRACK, "http-request deny deny_status 429 if fast"),
    "another slot": (
        TABLE,
        "http-request track-sc2 src",
        "http-request deny deny_status 429 if { sc2_http_req_cnt 3:9 }",
    ),
}
OTHERS: dict[str, Sequence[str]] = {
    "a key of its own": (TABLE, "http-request track-sc0 src,ipmask(32)", DENY),
    "a condition": (TABLE, "http-request track-sc0 src if TRUE", DENY),
    "two terms": (TABLE, TRACK, f"{DENY} {{ path / }}"),
    "a reply of its own": (TABLE, TRACK, DENY.replace("deny_status 429", "status 429 string x content-type a/b")),
    "rules before": (TABLE, "http-request set-header x y", TRACK, DENY),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_limit_asks_nobody(form: str, port: int) -> None:
    with balancer(config(port, front=FORMS[form])) as lb:
        assert asks(lb) == 0
        assert statuses(lb, 5) == [200, 200, 429, 429, 429]
        assert seen(lb, "http_req_cnt") == 5
        assert seen(lb, "http_err_cnt") == 3
        assert seen(lb, "conn_cur") == 0


@pytest.mark.parametrize("form", OTHERS)
def test_what_says_more_is_decided_by_rules_with_the_same_result(form: str, port: int) -> None:
    with balancer(config(port, front=OTHERS[form])) as lb:
        assert asks(lb) == 1 << lib.ASK_REQUEST
        assert statuses(lb, 5) == [200, 200, 429, 429, 429]
        assert seen(lb, "http_req_cnt") == 5
        assert seen(lb, "http_err_cnt") == 3


def test_rules_behind_a_limit_see_what_it_tracks(port: int) -> None:
    behind = "http-request return status 202 if { sc0_http_req_cnt 2 } { sc_tracked(0) }"
    with balancer(config(port, front=(TABLE, TRACK, DENY, behind))) as lb:
        assert asks(lb) == 1 << lib.ASK_REQUEST
        assert statuses(lb, 4) == [200, 202, 429, 429]


def test_a_refusal_is_counted_and_leaves_the_connection(port: int) -> None:
    with balancer(config(port, front=FORMS["rate"])) as lb:
        statuses(lb, 4)
        frontend = lb.proxies[0].frontend
        assert frontend is not None
        assert frontend.counters.denied_req == 2


def test_the_numbers_of_a_limit_may_be_changed(port: int) -> None:
    with balancer(config(port, front=FORMS["rate"])) as lb:
        assert statuses(lb, 3) == [200, 200, 429]
        (reference,) = lb.world.references
        reference.clear()
        assert statuses(lb, 1) == [200]
        reference.add("5:")
        reference.add("7:8")
        assert statuses(lb, 2) == [429, 429]


def test_tracking_alone_asks_nobody(port: int) -> None:
    with balancer(config(port, front=(TABLE, TRACK))) as lb:
        assert asks(lb) == 0
        assert statuses(lb, 3) == [200, 200, 200]
        assert seen(lb, "http_req_cnt") == 3


def test_what_is_decided_behind_it_leaves_tracking_to_the_shim(port: int) -> None:
    behind = ("capture request header Host len 32", TRACK, "http-request return status 202 if { sc0_http_req_cnt 2 }")
    with balancer(config(port, front=(TABLE, *behind))) as lb:
        assert lb.world.limits[0].rules == 1
        assert statuses(lb, 3) == [200, 202, 200]
        assert seen(lb, "http_req_cnt") == 3


def test_log_lines_tell_what_the_shim_tracked(port: int) -> None:
    with UdpSink() as sink:
        log = (f"log 127.0.0.1:{sink.port} local0", 'log-format "cnt=%[sc_http_req_cnt(0)] key=%[sc0_key] %[sc1_key]"')
        with balancer(config(port, front=(TABLE, TRACK, *log))) as lb:
            assert statuses(lb, 1) == [200]
            assert lb.world.limits
        assert until(lambda: any(b"cnt=" in line for line in sink.lines()))  # others are about the proxy
        lines = [line.partition(b"]: ")[2] for line in sink.lines() if b"cnt=" in line]
    assert lines == [b"cnt=1 key=127.0.0.1 -\n"]


# What may stand behind the first line, and what is tracked of it: the last value of the last "x"; None: nothing.
HEADERS: dict[str, str | None] = {
    "X: one": "one",
    "x:  one\t": "one",
    "X: one, two": "two",
    "X: one,two ,": "",
    "X: one\r\nX: two": "two",
    "X: one, two\r\nY: z\r\nx: three": "three",
    "X: one\r\nX:": "",
    "X: ,": "",
    'X: a "b, c"': 'a "b, c"',
    'X: a, "b, c\\", d", e': "e",
    'X: a, "b, c': '"b, c',
    "X: 0123456789abcdefghijk": "0123456789abcdefghij",
    "X: \xe9": "\xe9",
    "Y: one": None,
}
TEXTS = "stick-table type string len 20 size 100 expire 1m store http_req_cnt"


def tracked(port: int, table: str, track: str, requests: Iterable[bytes]) -> tuple[int, list[list[bytes]]]:
    """Which questions there are, and the keys that the table has after each of the requests."""
    found = []
    with balancer(config(port, front=(table, track))) as lb:
        assert lb.tables is not None
        entries = lb.tables.find("fe")
        assert entries is not None
        for request in requests:
            with Client(lb) as client:
                client.send(request)
                assert client.status() == 200
            found.append([entries.key(entry).rstrip(b"\0") for entry in entries.entries()])
            assert until(lambda: not entries.used or not clear(entries))
        return asks(lb), found


def clear(table: Table) -> int:
    """Removes what nobody holds; how many entries are left."""
    for key in [table.key(entry) for entry in table.entries()]:
        table.kill(table.get(key))
    return table.used


@pytest.mark.parametrize("key", ["hdr(x)", "req.hdr(X)", "req.hdr(x,-1)"])
def test_the_value_of_a_header_is_what_rules_would_track(key: str, port: int) -> None:
    expected = [[] if text is None else [text.encode("latin-1")] for text in HEADERS.values()]
    requests = [f"GET / HTTP/1.1\r\nHost: h\r\n{header}\r\n\r\n".encode("latin-1") for header in HEADERS]
    assert tracked(port, TEXTS, f"http-request track-sc0 {key}", requests) == (0, expected)
    by_rules = tracked(port, TEXTS, f"http-request track-sc0 {key} if TRUE", requests)
    assert by_rules == (1 << lib.ASK_REQUEST, expected)


# First lines, and the Host that comes with them ("": none).
TARGETS = (
    ("GET / HTTP/1.1", "h"),
    ("GET /a/b?c=d HTTP/1.1", "www.example.org"),
    ("GET /a/b?c=d?e HTTP/1.1", "WWW.example.org:8080"),
    ("GET /? HTTP/1.1", "h"),
    ("GET /a%20b;c HTTP/1.1", "h"),
    ("GET /a HTTP/1.0", ""),
    ("GET /0123456789abcdefghijk?l HTTP/1.1", "h"),
    ("GET http://h/x?y HTTP/1.1", "h"),
    ("GET http://h HTTP/1.1", "h"),
    ("GET http://h?x HTTP/1.1", "h"),
    ("GET HTTP://h:80/?x HTTP/1.1", "h:80"),
    ("OPTIONS * HTTP/1.1", "h"),
    ("CONNECT h:80 HTTP/1.1", "h:80"),
)
KEYS = {
    "path": "string len 20",
    "url": "string len 20",
    "base32": "integer",
    "url32": "integer",
    "base32+src": "binary len 20",
    "url32+src": "binary len 8",
}


@pytest.mark.parametrize("key", KEYS)
def test_what_a_target_is_made_of_is_what_rules_would_track(key: str, port: int) -> None:
    requests = [f"{line}\r\n{f'Host: {host}' if host else 'X: y'}\r\n\r\n".encode() for line, host in TARGETS]
    table = f"stick-table type {KEYS[key]} size 100 expire 1m store http_req_cnt"
    questions, by_rules = tracked(port, table, f"http-request track-sc0 {key} if TRUE", requests)
    assert questions == 1 << lib.ASK_REQUEST
    assert sum(map(len, by_rules)) == len(TARGETS) - 2 * (key == "path")
    assert len({found for (found, *_) in filter(None, by_rules)}) >= 6
    assert tracked(port, table, f"http-request track-sc0 {key}", requests) == (0, by_rules)


@pytest.mark.parametrize("key", ["base32+src", "url32+src"])
def test_the_client_behind_a_hash_is_one_of_ipv6_too(key: str) -> None:
    table = "stick-table type binary len 20 size 100 expire 1m store http_req_cnt"
    front = (table, f"http-request track-sc0 {key}", "bind [::1]:0")
    with Chaos(named("s1")) as server, balancer(config(server.port, front=front)) as lb:
        for bind in (lb.address("fe"), lb.address("fe", 1)):
            with socket.create_connection((bind.host, bind.port), PATIENCE) as client:
                client.sendall(REQUEST)
                assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert lb.tables is not None
        entries = lb.tables.find("fe")
        assert entries is not None
        keys = {entries.key(entry) for entry in entries.entries()}
    assert len({key[:4] for key in keys}) == 1
    assert {key[4:] for key in keys} == {b"\x7f\0\0\1" + bytes(12), bytes(15) + b"\1"}


@pytest.mark.parametrize("kind", ["ip", "integer", "binary len 20"])
def test_a_table_of_another_type_has_its_keys_made_by_rules(kind: str, port: int) -> None:
    table = f"stick-table type {kind} size 100 expire 1m store http_req_cnt"
    with balancer(config(port, front=(table, "http-request track-sc0 path"))) as lb:
        assert lb.world.limits == {}


def test_a_header_limits_those_who_send_the_same(port: int) -> None:
    with balancer(config(port, front=(TEXTS, "http-request track-sc0 hdr(host)", DENY.replace("rate", "cnt")))) as lb:
        assert asks(lb) == 0
        assert statuses(lb, 4) == [200, 200, 429, 429]
        assert seen(lb, "http_req_cnt", b"test") == 4


def test_rules_see_the_header_that_was_tracked_even_if_they_change_it(port: int) -> None:
    rules = (
        "http-request track-sc0 req.hdr(x)",
        "http-request set-header X other",
        'http-request return status 200 content-type a/b lf-string "%[sc0_key] %[sc0_http_req_cnt]"',
    )
    with balancer(config(port, front=(TEXTS, *rules))) as lb, Client(lb) as client:
        assert lb.world.limits[0].key.header == "x"
        client.send(b"GET / HTTP/1.1\r\nHost: h\r\nX: own\r\n\r\n")
        assert client.body() == b"own 1"


def test_logs_that_tell_of_a_header_have_it_tracked_by_rules(port: int) -> None:
    log = ("log 127.0.0.1:9 local0", 'log-format "%[sc0_key]"')
    with balancer(config(port, front=(TEXTS, "http-request track-sc0 req.hdr(x)", *log))) as lb:
        assert lb.world.limits == {}


def test_a_closed_balancer_has_no_tables(port: int) -> None:
    with balancer(config(port, front=(TABLE, TRACK))) as lb:
        assert lb.tables is not None
        table = lb.tables.find("fe")
        assert table is not None
        assert table.used == 0
    with pytest.raises(RuntimeError, match="closed"):
        _ = table.used


@pytest.mark.parametrize("condition", ["", " if TRUE"])
def test_an_ipv6_client_is_no_key_of_a_table_of_ipv4(condition: str, port: int) -> None:
    front = (TABLE, f"{TRACK}{condition}", "bind [::1]:0")
    with balancer(config(port, front=front)) as lb:
        bind = lb.address("fe", 1)
        with socket.create_connection((bind.host, bind.port), PATIENCE) as client:
            client.sendall(REQUEST)
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert lb.tables is not None
        table = lb.tables.find("fe")
        assert table is not None
        assert table.used == 0
