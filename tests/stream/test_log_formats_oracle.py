"""Log lines of the same conversations, written by lbcore and by Debian's HAProxy from the same configuration.

A `Case` is a frontend of its own. Its lines are compared as they come, with the ports of the two runs by their names
and, where they can't be the same, dates, pids and numbers of streams as letters. What follows the clock (timers) is
kept as "not reached" or a number.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

import pytest

from tests.embedded import until
from tests.peers.chaos import Chaos, good
from tests.peers.haproxy import Balancer, Program, debian_haproxy, program_under_test
from tests.peers.ports import HOST, free_port, release_port
from tests.peers.sinks import UdpSink

PATIENCE = 10.0

GET = b"GET /a?b=c HTTP/1.1\r\nHost: www\r\nConnection: close\r\n\r\n"
ODD = b'GET http://h/a?q="b|{ HTTP/1.1\r\nHost: h\r\nX: p"qz]#\\\xe9 {|}\t.\r\nConnection: close\r\n\r\n'
PLAIN = b"HEAD /p HTTP/1.1\r\nHost: www\r\nX: \r\nConnection: close\r\n\r\n"
POST = b"POST /up HTTP/1.1\r\nHost: www\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"
BAD = b"NONSENSE\x00\r\n\r\n"
CUT = b"GET / HT"
TCP = b"GET /tcp HTTP/1.1\r\nHost: www\r\n\r\n"

DATES = (r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d", "DATE")
ISO = (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\S*", "DATE")
MS = (r"DATE\.\d{3}", "DATE.MS")
NUMBERS = (r"(?<![-\d])\d+", "N")
HEXADECIMAL = (r"\b[0-9A-F]{4,8}\b", "X")
PID = (r"(haproxy|lbcore)\S* \d+ ", "haproxy PID ")


@dataclass(frozen=True)
class Case:
    """A frontend's lines, what is sent to it, one connection each, and what is hidden of its log lines."""

    lines: tuple[str, ...]
    sent: tuple[bytes, ...] = (GET,)
    mode: str = "http"
    hidden: tuple[tuple[str, str], ...] = ()
    logged: int = -1  # lines; -1: one a connection
    target: str = "format short local0"


def form(text: str, *more: str, **fields: object) -> Case:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return Case((f'log-format "{quoted}"', *more), **fields)  # type: ignore[arg-type]


REPLY = "http-request return status 200 content-type text/plain string abc"
CAPTURE = (
    "declare capture request len 40",
    "declare capture request len 20",
    "http-request capture req.hdr(x) id 0",
)
BACKEND = "default_backend be"
NOBODY = "default_backend nobody"

CASES = {
    "request line": form("%HM|%HP|%HPO|%HQ|%HU|%HV|%r", REPLY, sent=(GET, ODD, PLAIN, POST, BAD, CUT)),
    "request line quoted": form("%{+Q}HM|%{+Q}HQ|%{+Q}HU|%{+Q}r|%{+E}r", REPLY, sent=(GET, ODD, PLAIN, BAD)),
    "states": form("%ST %ts %tsc %rc %sq/%bq", REPLY, sent=(GET, BAD, CUT)),
    "states of a server": form("%ST %ts %tsc %rc %sq/%bq %b/%s %si:%sp", BACKEND, sent=(GET, POST)),
    "states of no server": form("%ST %ts %tsc %rc %sq/%bq %b/%s %si:%sp", NOBODY),
    "no backend": form("%ST %b/%s [%si:%sp] %{+Q}si %{+Q}sp"),
    "names": form("%f %ft %b %s", REPLY),
    "addresses": form("%ci:%cp %fi:%fp", REPLY),
    "addresses in hexadecimal": form("%{+X}ci %{+X}fi", REPLY),
    "numbers in hexadecimal": form("%{+X}Ts %{+X}cp", REPLY, hidden=(HEXADECIMAL,)),
    "flags for all": form("%{+Q}o %ci %HM %ST %b %{-Q}f %s %tsc", REPLY),
    "flags that quote nothing": form("%{+Q}t %{+Q}ST %{+Q}T %{+Q}ts %{+Q}Tl", REPLY, hidden=(DATES, MS)),
    "dates": form("%t|%tr|%trg|%trl|%T|%Tl", REPLY, hidden=(DATES, MS)),
    "timers": form("%Th/%Ti/%TR/%Tq/%Tw/%Tc/%Tr/%Td/%Ta/%Tt/%Tu", REPLY, sent=(GET, BAD), hidden=(NUMBERS,)),
    "timers of a server": form("%TR/%Tq/%Tw/%Tc/%Tr/%Td/%Ta/%Tt/%Tu", BACKEND, hidden=(NUMBERS,)),
    "connections": form("%ac %fc %bc %sc", BACKEND, hidden=((r"^(<\d>)\d+", r"\1N"),)),
    "literals": form("100%% {x} 'y' \"z\" \\n  and   blanks ", REPLY),
    "blanks around nothing": form(" %hr  %ci %hs  x  %hsl y", REPLY),
    "captures": form("[%hr|%hrl|%hs|%hsl]", *CAPTURE, REPLY, sent=(GET, ODD, PLAIN, BAD)),
    "captures quoted": form("[%{+Q}hr|%{+Q}hrl|%{+Q}hs|%{+E}hr|%{+Q,+E}hrl]", *CAPTURE, REPLY, sent=(GET, ODD, BAD)),
    "captures fetched": form("[%[capture.req.hdr(0)]|%{+Q}[capture.req.hdr(0)]|%{+E}[capture.req.hdr(0)]"
                             "|%[capture.req.hdr(1)]|%{+Q}[capture.req.hdr(1)]]", *CAPTURE, REPLY, sent=(GET, ODD)),
    "a capture between": form("%ci %hr x", *CAPTURE, REPLY, sent=(GET, BAD)),
    "cookies": form("%CC|%CS|%{+Q}CC|%{+Q}CS", REPLY),
    "variables": form("%[var(txn.a)]|%{+Q}[var(txn.a)]|%{+E}[var(txn.b)]|%[var(txn.c)]|%{+Q}[var(txn.c)]",
                      "http-request set-var(txn.a) path", 'http-request set-var(txn.b) str("a\\\\]b")', REPLY),
    "expressions": form("%[src] %[str(a b),upper] %[int(5),add(2)] %[bool(1)] %[bin(4142)]", REPLY),
    "expressions of the end": form("%[fe_name] %[be_name] %[srv_name]", BACKEND, sent=(GET, POST)),
    "expressions of bad requests": form("%[src] %[var(txn.a)] %ST", REPLY, sent=(BAD,)),
    "an id": form("%ID %{+Q}ID", 'unique-id-format "%{+X}o %ci-%fi"', REPLY),
    "an id that is sent": form("%ID", 'unique-id-format "%ci-%[req.hdr(host)]  x"', "unique-id-header X-Id", BACKEND),
    "no id": form("%ID|%{+Q}ID", REPLY),
    "no tls": form("%sslv|%sslc|%{+Q}sslv", REPLY),
    "a level": form("%ST", "http-request set-log-level debug if { path /a }",
                    "http-request set-log-level silent if { path /p }", REPLY, sent=(GET, PLAIN, POST), logged=2),
    "errors raised": form("%ST", "option log-separate-errors", REPLY, sent=(GET, BAD)),
    "errors raised of ours": form("%ST", "option log-separate-errors", "http-request return status 500"),
    "errors raised of servers": form("%ST", "option log-separate-errors", NOBODY),
    "errors alone": form("%ST", "option dontlog-normal", REPLY, sent=(GET, BAD), logged=1),
    "error format": form("%ST", 'error-log-format "E %ci %ST %tsc"', REPLY, sent=(GET, BAD, CUT)),
    "error format and servers": form("%ST", 'error-log-format "E %ST"', NOBODY),
    "a denial": form("%ST %tsc %b/%s", "http-request deny"),
    "null connections": form("%ST", "option dontlognull", REPLY, sent=(b"", GET), logged=1),
    "structured data": Case(('log-format "text %ST"', 'log-format-sd "[x@1 a=\\"%{+E}HU\\"]"', REPLY),
                            target="format rfc5424 local0", hidden=(ISO, PID)),
    "structured data of nothing": Case(('log-format "text"', 'log-format-sd "%hr"', REPLY),
                                       target="format rfc5424 local0", hidden=(ISO, PID)),
    "structured data elsewhere": Case(('log-format "text"', 'log-format-sd "[x]"', REPLY)),
    "httplog": Case(("option httplog", REPLY), (GET, ODD, BAD), hidden=(DATES, MS, NUMBERS)),
    "httplog with captures": Case(("option httplog", *CAPTURE, REPLY), (GET, ODD, BAD), hidden=(DATES, MS, NUMBERS)),
    "httpslog": Case(("option httpslog", BACKEND), (GET, BAD), hidden=(DATES, MS, NUMBERS)),
    "clf": Case(("option httplog clf", *CAPTURE, REPLY), (GET, ODD, BAD), hidden=(DATES, NUMBERS)),
    "our end": form("[%bi] %ST", BACKEND, sent=(GET, POST)),
    "our end's port": form("%bi:%bp", BACKEND, hidden=(NUMBERS,)),
    "our end of nothing": form("[%bi:%bp] %ST", REPLY),
    "our end of tcp": form("%bi", BACKEND + "_tcp", sent=(TCP,), mode="tcp"),
    "tcp": form("%ci %b/%s %si:%sp %B %U %ts %rc %f", BACKEND + "_tcp", sent=(TCP,), mode="tcp"),
    "tcp timers": form("%Th/%Tw/%Tc/%Td/%Tt", BACKEND + "_tcp", sent=(TCP,), mode="tcp", hidden=(NUMBERS,)),
    "tcplog": Case(("option tcplog", BACKEND + "_tcp"), (TCP,), "tcp", hidden=(DATES, MS, NUMBERS)),
}  # fmt: skip
FRONTENDS = {name: f"c{number}" for number, name in enumerate(CASES)}

HEAD = """
global
    stats socket "${STATS}" level admin
    nbthread 1
defaults
    timeout connect 500ms
    timeout client 500ms
    timeout server 2s
    retries 0
backend be
    mode http
    server s1 "127.0.0.1:${SERVER}"
backend nobody
    mode http
    server s2 "127.0.0.1:${NOBODY}"
backend be_tcp
    mode tcp
    server s3 "127.0.0.1:${SERVER}"
"""


def config() -> str:
    """One frontend a case."""
    text = HEAD
    for name, case in CASES.items():
        front = FRONTENDS[name]
        lines = [f"mode {case.mode}", f'bind "127.0.0.1:${{{front}}}"', f'log "127.0.0.1:${{SINK}}" {case.target}']
        text += "\n    ".join([f"frontend {front}", *lines, *case.lines]) + "\n"
    return text


def converse(port: int, sent: bytes) -> int:
    """Sends bytes and reads until the other side closes; our port."""
    with socket.create_connection((HOST, port), timeout=PATIENCE) as client:
        client.sendall(sent)
        if not sent or sent == TCP:
            client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            continue
        own: int = client.getsockname()[1]
        return own


def written(program: Program) -> dict[str, list[str]]:
    """The lines of each case by one program."""
    ports = {name: free_port() for name in (*FRONTENDS.values(), "NOBODY")}
    found: dict[str, list[str]] = {}
    try:
        with UdpSink() as sink, Chaos(good) as server:
            variables = ports | {"SERVER": server.port, "SINK": sink.port}
            with Balancer(program, config(), variables):
                for name, case in CASES.items():
                    found[name] = lines_of(case, sink, variables, FRONTENDS[name])
    finally:
        for port in ports.values():
            release_port(port)
    return found


def lines_of(case: Case, sink: UdpSink, ports: dict[str, int], front: str) -> list[str]:
    """The lines of one case, of one conversation after the other."""
    lines: list[str] = []
    start = len(of_streams(sink))
    for number, sent in enumerate(case.sent, 1):
        own = converse(ports[front], sent)
        if case.logged < 0:
            wait_for(sink, start + number)
            lines.append(masked(case, of_streams(sink)[-1], {own: "OWN", ports[front]: "FRONT"}, ports))
    if case.logged >= 0:
        wait_for(sink, start + case.logged)
        lines = [masked(case, line, {}, ports) for line in of_streams(sink)[start:]]
    return lines


def wait_for(sink: UdpSink, count: int) -> None:
    assert until(lambda: len(of_streams(sink)) >= count, PATIENCE), f"line {count} is missing: {of_streams(sink)[-5:]}"


def of_streams(sink: UdpSink) -> list[bytes]:
    """The lines that are not about a proxy."""
    return [line for line in sink.lines() if not re.search(rb"Proxy \S+ started\.", line)]


def masked(case: Case, line: bytes, own: dict[int, str], ports: dict[str, int]) -> str:
    """A line with names for ports, and without what can't be the same."""
    text = line.decode("latin-1")
    for port, name in (own | {ports["SERVER"]: "SERVER", ports["NOBODY"]: "NOBODY"}).items():
        text = re.sub(rf"(?<=:){port}\b", name, text)
    for pattern, instead in case.hidden:
        text = re.sub(pattern, instead, text)
    return text


@pytest.fixture(scope="module")
def lines() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Ours and HAProxy's."""
    oracle = debian_haproxy()
    if oracle is None:
        pytest.skip("haproxy is not installed")
    return written(program_under_test()), written(oracle)


@pytest.mark.xdist_group("log formats")
@pytest.mark.parametrize("name", CASES)
def test_lines_are_haproxys(lines: tuple[dict[str, list[str]], dict[str, list[str]]], name: str) -> None:
    ours, theirs = lines
    assert len(theirs[name]) > 0
    assert ours[name] == theirs[name]
