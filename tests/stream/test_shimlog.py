"""Lines that the shim writes, beside those that Python writes of the same streams: a sampled target is Python's."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence

import pytest

import lbcore
from lbcore.stream.shimlog import _ALIASES
from tests.embedded import Client, balancer, config, named, until
from tests.peers.chaos import Chaos
from tests.peers.sinks import UdpSink

EVERYTHING = " ".join(f"{name}=%{name}" for name in sorted(_ALIASES - {"r", "hr", "hs", "CC", "CS"}))
FORMATS = {
    "httplog": ("option httplog",),
    "httpslog": ("option httpslog",),
    "captures": ("option httplog", "capture request header Host len 9", "capture request header X-A len 30"),
    "own": (f'log-format "{EVERYTHING} %{{+Q}}r|%r|%hr|%hs|%CC|%CS|"',),
    "own and captures": ("capture request header X-A len 30", f'log-format "a  %hr %hs {EVERYTHING} %{{+Q}}b"'),
    "rules": (
        "option httplog", "capture request header X-A len 30", "http-request set-header X-A new",
        "http-request deny deny_status 403 if { path /deny }", "http-request set-log-level err if { path /level }",
        "http-request set-log-level silent if { path /silent }",
        "http-request capture req.hdr(host) id 0 if { path /capture }",
    ),
    "monitor": ("option httplog", "capture request header X-A len 30", "monitor-uri /small"),
}  # fmt: skip
END = b"the end"
OTHERS = ("httpslog", "monitor")  # an expression; something that may come before captures
HEADERS = {
    "local": "",
    "rfc3164": "format rfc3164",
    "priority": "format priority",
    "short": "format short",
    "raw": "format raw",
    "len": "len 80",
}
VARIES = re.compile(  # dates, timers, connections, ports
    rb"\d\d/\w{3}/\d{4}:[\d:]{8}(\.\d{3})?|\w{3} [ \d]\d \d\d:\d\d:\d\d|\bms=\d+|\b(T[a-z]|TR|[abf]c|cp)=-?\d+|"
    rb"-?\d+/-?\d+/-?\d+/-?\d+/-?\d+ |127.0.0.1:\d+"
)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server's."""
    with Chaos(named("s1")) as server:
        yield server.port


def talk(lb: lbcore.LoadBalancer) -> None:
    """What may be of interest to a log."""
    for target in ("/small", "/deny", "/level", "/silent", "/capture", '/a"#b?c=d'):
        with Client(lb) as client:
            client.send(f'GET {target} HTTP/1.1\r\nHost: www\r\nX-A: first\r\nX-A: va{{|}}"#l\r\n\r\n'.encode())
            client.response()
    for raw in (b"GET /\xe4\x01 HTTP/1.1\r\n\r\n", b"garbage\r\n\r\n", b"GET /half HTTP/1.1\r\nHost:"):
        with Client(lb) as client:
            client.send(raw)
            client.socket.shutdown(socket.SHUT_WR)
            client.rest()


def lines(port: int, front: Sequence[str], log: str) -> tuple[list[bytes], set[str]]:
    """The lines of `talk`, less what differs each time; and of which frontends the shim writes them."""
    with UdpSink() as sink:
        log = f"log 127.0.0.1:{sink.port} {log} local0"
        with balancer(config(port, front=(log, *front))) as lb:
            talk(lb)
            assert lb.decisions is not None
            by_shim = lb.decisions.logs.by_shim
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(END, ("127.0.0.1", sink.port))
        assert until(lambda: END in sink.lines())  # all that came before has been read
        return [VARIES.sub(b"_", line) for line in sink.lines() if b"Proxy" not in line and line != END], by_shim


@pytest.mark.parametrize("form", FORMATS)
def test_its_lines_are_those_of_python(form: str, port: int) -> None:
    ours, by_shim = lines(port, FORMATS[form], "")
    theirs, by_python = lines(port, FORMATS[form], "sample 1:1")
    assert not by_python
    assert bool(by_shim) == (form not in OTHERS)
    assert len(ours) >= 8
    assert sorted(ours) == sorted(theirs)


@pytest.mark.parametrize("header", HEADERS)
def test_so_are_their_headers_and_ends(header: str, port: int) -> None:
    ours, by_shim = lines(port, FORMATS["httplog"], HEADERS[header])
    theirs, _ = lines(port, FORMATS["httplog"], f"{HEADERS[header]} sample 1:1")
    assert by_shim
    assert sorted(ours) == sorted(theirs)


def test_formats_of_our_own_need_no_line_that_has_their_words() -> None:
    text = config(1, front=("option httpslog", "log 127.0.0.1:9 local0"))
    source = f"import lbcore\nwith lbcore.LoadBalancer({text!r}): print('started')"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False, timeout=30)
    assert done.stdout == "started\n", done.stderr
