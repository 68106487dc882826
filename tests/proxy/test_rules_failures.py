"""A mistake in a rule ends one stream with 500: it is told with the rule's place, and takes nobody along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

import lbcore
import lbcore.conv  # noqa: F401 - fills the table
from lbcore.sample.rows import CONVERTERS
from lbcore.stream.decide import STREAMS
from lbcore.stream.txn import SESSIONS
from tests.embedded import Client, balancer, get, until
from tests.peers.chaos import Chaos, good
from tests.peers.ports import HOST
from tests.peers.sinks import UdpSink

PATH = "%[capture.req.uri,lower]"
# The rules of a frontend, and at which of its lines the mistake is.
RULES = {
    "condition": ("http-request deny if { path,lower -m str /x }", 0),
    "request": (f"http-request set-header x {PATH}", 0),
    "waited": (f"http-request pause 1ms\n http-request set-header x {PATH}", 1),
    "choice": (f"use_backend {PATH}", 0),
    "response": (f"http-response set-header x {PATH}", 0),
    "replaced": (f"http-response return status 200 content-type text/plain lf-string {PATH}", 0),
    "after": (f"http-after-response set-header x {PATH}", 0),
    "own": (f"http-request return status 200\n http-after-response set-header x {PATH}", 1),
    "content": ("tcp-request content set-var(txn.x) path,lower", 0),
    "hint": (f"http-request early-hint link </secret>\n http-request early-hint link {PATH}", 1),
}


def _mistaken(args: Any, build: Any) -> Any:
    def lower(text: str) -> str:
        if "mistake" in text:
            raise RuntimeError("a mistake")
        return text

    return lower


@pytest.fixture
def mistaken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The converter `lower` fails for some texts."""
    monkeypatch.setitem(CONVERTERS._rows, "lower", replace(CONVERTERS["lower"], make=_mistaken))


def configuration(port: int, log: int) -> tuple[str, dict[str, int]]:
    """The text, and the line of each frontend's mistake."""
    text = f"global\n log {HOST}:{log} local0\ndefaults\n mode http\n timeout client 5s\n timeout server 5s\n"
    text += " timeout connect 5s\n"
    places = {}
    for name, (rules, at) in RULES.items():
        text += f"frontend {name}\n bind {HOST}:0\n default_backend be\n "
        places[name] = text.count("\n") + at + 1
        text += f"{rules}\n"
    text += f"frontend log\n bind {HOST}:0\n default_backend be\n log global\n log-format line:{PATH}\n"
    return f"{text}backend be\n server s {HOST}:{port}\n", places


@pytest.fixture
def sink() -> Iterator[UdpSink]:
    with UdpSink() as found:
        yield found


@pytest.fixture
def rules(mistaken: None, sink: UdpSink) -> Iterator[Any]:
    """The balancer, what it reports, and where the mistakes are."""
    told: list[BaseException] = []
    with Chaos(good) as server:
        text, places = configuration(server.port, sink.port)
        with balancer(text) as lb:
            lb.crew.report = told.append
            assert lb.decisions is not None
            lb.decisions.decider._report = told.append
            yield lb, told, places


@pytest.mark.parametrize("name", RULES)
def test_a_mistake_in_a_rule_ends_its_stream_with_500_and_is_told_with_its_place(rules: Any, name: str) -> None:
    lb, told, places = rules
    with Client(lb, name) as client:
        client.send(get("/mistake"))
        assert client.status() == 500
    (error,) = told
    assert isinstance(error, RuntimeError)
    assert any(note.endswith(f":{places[name]}") for note in error.__notes__), (error.__notes__, places[name])
    proxy = next(proxy for proxy in lb.proxies if proxy.name == name)
    assert proxy.frontend.counters.internal_errors == 1
    assert until(lambda: not any(len(w.local[table]) for w in lb.crew.workers for table in (STREAMS, SESSIONS)))


@pytest.mark.parametrize("name", RULES)
def test_the_next_request_is_served_as_if_there_had_been_none(rules: Any, name: str) -> None:
    lb, _, _ = rules
    with Client(lb, name) as client:
        client.send(get("/mistake"))
        client.status()
    with Client(lb, name) as client:
        client.send(get("/fine").replace(b"Host", b"Connection: close\r\nHost"))
        answer = client.rest()
    assert answer.rpartition(b"HTTP/1.1 ")[2].startswith(b"200")
    assert answer.count(b"</secret>") == (name == "hint"), "fields of another client's early hint"


def lines_of(sink: UdpSink) -> list[bytes]:
    """The lines of streams, without those of the start."""
    return [line.partition(b"line:")[2].strip() for line in sink.lines() if b"line:" in line]


def test_a_log_line_that_fails_takes_no_other_along(rules: Any, sink: UdpSink) -> None:
    lb, told, _ = rules
    with Client(lb, "log") as client:
        for path in ("/1", "/mistake", "/2"):
            client.send(get(path))
            assert client.status() == 200
    assert until(lambda: len(lines_of(sink)) == 2)
    assert lines_of(sink) == [b"/1", b"/2"]
    assert until(lambda: len(told) == 1)
