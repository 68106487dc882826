"""Which proxies leave nothing to Python. One taken for plain that is not would lose its rules, so what is looked at is
that the shim asks nothing about the streams of those that are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import lbcore
from lbcore.proxy import plain
from lbcore.proxy.plain import is_plain
from lbcore.proxy.settings import ProxySettings
from lbcore.shim import lib
from tests.embedded import config
from tests.oracle.configs import Topic
from tests.oracle.test_conversations import ROWS

TOPICS = [topic.done() for topic, _ in ROWS]
NOT_PLAIN = [
    "log 127.0.0.1:9 local0",
    "http-request deny if { path /x }",
    "use_backend be if TRUE",
    "capture request header host len 9",
    "capture cookie a len 9",
    "monitor-uri /x",
    "unique-id-format %pid",
    "option http-buffer-request",
    "option http-restrict-req-hdr-names delete",
    "option originalto",
    "errorloc 500 http://x/",
]
NOT_PLAIN_BACK = [
    "cookie s insert",
    "option forwarded",
    "option checkcache",
    "force-persist if TRUE",
    "use-server s1 if TRUE",
    "balance hash src",
    "balance url_param id check_post",
    "server s9 127.0.0.1:9 send-proxy-v2 proxy-v2-options unique-id",
    "server s9 127.0.0.1:9 pool-conn-name req.hdr(host)",
    "server s9 127.0.0.1:9 send-proxy-v2 set-proxy-v2-tlv-fmt(0xE0) x",
]
PLAIN = [
    "option forwardfor",
    "option http-server-close",
    "option dontlognull",
    "retries 2",
    "maxconn 9",
    "option httplog",
]

# What a balancer has imported when it is started, and what of all came with the first requests.
IMPORTED = """
import encodings.idna, json, sys  # the first for our client's getaddrinfo()
from tests.embedded import ask, balancer, config
from tests.peers.chaos import Chaos, good
with Chaos(good) as server, balancer(config(server.port, front=json.loads(sys.argv[1]))) as lb:
    before = set(sys.modules)
    ask(lb)
    ask(lb)
    print(json.dumps([sorted(before), sorted(set(sys.modules) - before)]))
"""


def imported(*front: str) -> tuple[set[str], list[str]]:
    command = [sys.executable, "-c", IMPORTED, json.dumps(front)]
    before, later = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return set(before), later


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_nothing_is_asked_about_plain_proxies(topic: Topic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in topic.files.items():
        Path(name).write_text(text)
    ports = {f"FE_{name.upper()}": "0" for name in topic.proxies}
    one = lbcore.LoadBalancer(
        topic.config(),
        env={"STATS": str(tmp_path / "stats"), "LOG": "9", "SERVER": "9", "BE": "9", "REFUSED": "9", **ports},
    )
    one.rehearse()
    try:
        for proxy in one.proxies:
            if proxy.frontend is not None and is_plain(proxy.settings):
                assert not lib.eng_fe_conf(one.engine.handle, proxy.frontend.index).asks, proxy.name
    finally:
        one.close()


@pytest.mark.parametrize("line", ["dispatch 127.0.0.1:9", "option transparent", "server s 0.0.0.0"])
def test_where_streams_go_is_for_the_shim_to_find(line: str) -> None:
    one = lbcore.LoadBalancer(config(back=[line]))
    assert [is_plain(proxy) for proxy in one.settings.proxies] == [True, True]


@pytest.mark.parametrize("line", NOT_PLAIN)
def test_what_python_decides_or_logs_makes_a_frontend_other_than_plain(line: str) -> None:
    one = lbcore.LoadBalancer(config(9, front=[line]))
    assert [is_plain(proxy) for proxy in one.settings.proxies] == [False, True]


@pytest.mark.parametrize("line", NOT_PLAIN_BACK)
def test_what_python_decides_makes_a_backend_other_than_plain(line: str) -> None:
    one = lbcore.LoadBalancer(config(9, back=[line]))
    assert [is_plain(proxy) for proxy in one.settings.proxies] == [True, False]


@pytest.mark.parametrize("line", PLAIN)
def test_what_the_shim_does_by_itself_leaves_a_frontend_plain(line: str) -> None:
    one = lbcore.LoadBalancer(config(9, front=[line]))
    assert all(is_plain(proxy) for proxy in one.settings.proxies)


def test_a_balancer_of_plain_proxies_imports_no_decisions() -> None:
    before, later = imported()
    assert not {name for name in before if name.startswith(("lbcore.action.", "lbcore.conv.", "lbcore.fetch."))}
    assert not before & {
        "lbcore.sample.acl", "lbcore.sample.expression", "lbcore.sample.format", "lbcore.sample.pattern",
        "lbcore.sample.reference", "lbcore.sample.regex", "lbcore.stream.aliases", "lbcore.stream.cookies",
        "lbcore.stream.decide", "lbcore.stream.logs", "lbcore.stream.message", "lbcore.stream.planning",
        "lbcore.stream.rulelist", "lbcore.stream.txn", "lbcore.stream.world",
    }  # fmt: skip
    assert later == []


@pytest.mark.parametrize(
    "lines",
    [
        ["http-request set-header x %[path,lower]", "use_backend be if { hdr(host) -m reg . }"],
        ["http-response set-header x %[res.hdr(content-length),add(1)]", "http-after-response del-header via"],
        ["log 127.0.0.1:9 local0", "option httplog"],
        ["log 127.0.0.1:9 local0", "log-format '%ci %[src,ipmask(24)] %{+Q}r'", "unique-id-format %{+X}o%ci:%cp"],
        ["capture request header host len 9", "option http-buffer-request", "redirect location / if { path /x }"],
    ],
    ids=lambda lines: lines[0],
)  # fmt: skip
def test_no_worker_imports_anything_for_a_request(lines: list[str]) -> None:
    before, later = imported(*lines)
    assert "lbcore.stream.decide" in before
    assert later == []


def test_what_is_the_shims_is_named_as_in_the_settings() -> None:
    assert set(ProxySettings.__slots__) >= plain._OF_THE_SHIM
