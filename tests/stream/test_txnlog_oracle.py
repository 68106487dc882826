"""Lines that HAProxy wrote, taken apart into records and put together again by us, are the same."""

import re
import socket
import threading
import time

import pytest

from lbcore.proxy.settings import ProxySettings
from lbcore.stream.aliases import Helpers
from lbcore.stream.txnlog import TxnLog
from tests.peers.haproxy import Balancer, debian_haproxy
from tests.peers.ports import free_port, release_port
from tests.peers.sinks import UdpSink
from tests.stream.records import Record, line_at

GOOD = b"GET /ok?a=b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
ODD = b"GET /ok?a=\"{b|}'\\ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
REFUSED = b"GET /refused HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
SERVED = b"GET /served HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
BAD = b"BAD\x00 HTTP/1.1\r\n\r\n"
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"

CONFIG = """
global
  stats socket "${STATS}" level admin
  log "127.0.0.1:${SINK}" format raw local0
defaults
  mode http
  log global
  timeout connect 300ms
  timeout client 300ms
  timeout server 2s
frontend fe_http
  option httplog
  bind "127.0.0.1:${fe_http}"
  bind "${SOCK}"
  use_backend served if { path /served }
  use_backend refused if { path /refused }
  http-request return status 204
frontend fe_clf
  option httplog clf
  bind "127.0.0.1:${fe_clf}"
  use_backend served if { path /served }
  use_backend refused if { path /refused }
  http-request return status 204
frontend fe_asap
  option httplog
  option logasap
  bind "127.0.0.1:${fe_asap}"
  default_backend served
frontend fe_plain
  bind "127.0.0.1:${fe_plain}"
  http-request return status 204
listen fe_tcp
  mode tcp
  option tcplog
  bind "127.0.0.1:${fe_tcp}"
  server one "127.0.0.1:${SERVER}"
listen fe_tcplain
  mode tcp
  bind "127.0.0.1:${fe_tcplain}"
  server one "127.0.0.1:${SERVER}"
backend served
  server one "127.0.0.1:${SERVER}"
backend refused
  retries 1
  server none "127.0.0.1:${NOBODY}"
"""
FRONTENDS = ("fe_http", "fe_clf", "fe_asap", "fe_plain", "fe_tcp", "fe_tcplain")

NUMBER = r"-?\d+"
COUNTS = (
    rf"(?P<actconn>{NUMBER})/(?P<feconn>{NUMBER})/(?P<beconn>{NUMBER})/(?P<srvconn>{NUMBER})/"
    rf"(?P<retries>\+?{NUMBER}) (?P<srv_queue>{NUMBER})/(?P<backend_queue>{NUMBER})"
)
START = r"(?P<ci>\S+):(?P<sport>\d+) \[(?P<date>[^\]]*)\] (?P<fe>\S+) (?P<be>[^/ ]+)/(?P<srv>\S+) "
SHAPES = {
    "httplog": START
    + rf"(?P<tr>{NUMBER})/(?P<tw>{NUMBER})/(?P<tc>{NUMBER})/(?P<tresp>{NUMBER})/\+?(?P<ta>{NUMBER}) "
    + rf"(?P<status>{NUMBER}) \+?(?P<bytes_read>\d+) - - (?P<term>\S{{4}}) {COUNTS} \"(?P<uri>.*)\"",
    "tcplog": START
    + rf"(?P<tw>{NUMBER})/(?P<tc>{NUMBER})/\+?(?P<tt>{NUMBER}) \+?(?P<bytes_read>\d+) (?P<term>\S\S) {COUNTS}",
    "clf": r"(?P<ci>\S+) - - \[(?P<gmt>[^\]]*)\] \"(?P<uri>.*?)\" "
    + rf'(?P<status>{NUMBER}) (?P<bytes_read>\d+) "" "" (?P<sport>\d+) (?P<ms>\d+) '
    + r'"(?P<fe>[^"]*)" "(?P<be>[^"]*)" "(?P<srv>[^"]*)" '
    + "".join(rf"(?P<{name}>{NUMBER}) " for name in ("tr", "tw", "tc", "tresp", "ta"))
    + r"(?P<term>\S{4}) "
    + "".join(
        rf"(?P<{name}>{NUMBER}) "
        for name in ("actconn", "feconn", "beconn", "srvconn", "retries", "srv_queue", "backend_queue")
    )
    + r'"" "" ',
    "plain": r"Connect from (?P<ci>\S+):(?P<sport>\d+) to (?P<di>\S+):(?P<dport>\d+) \((?P<fe>\S+)/\S+\)",
}


class Server:
    """Answers each connection once, after the first bytes."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                if connection.recv(65536) == b"stop":
                    return
                connection.sendall(REPLY)

    def close(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as last:
            last.sendall(b"stop")
            self._thread.join(5)
        self._socket.close()


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """HAProxy's lines, by frontend."""
    program = debian_haproxy()
    if program is None:
        pytest.skip("haproxy is not installed")
    ports = {name: free_port() for name in (*FRONTENDS, "NOBODY")}
    server, path = Server(), str(tmp_path_factory.mktemp("s") / "s")
    conversations: list[tuple[object, bytes]] = [
        *((ports["fe_http"], request) for request in (GOOD, ODD, REFUSED, SERVED, BAD, b"")),
        (path, GOOD),
        *((ports["fe_clf"], request) for request in (GOOD, ODD, REFUSED, SERVED, BAD)),
        *((ports[name], SERVED) for name in ("fe_asap", "fe_plain", "fe_tcp", "fe_tcplain")),
    ]
    with UdpSink() as sink:
        try:
            with Balancer(program, CONFIG, ports | {"SERVER": server.port, "SINK": sink.port, "SOCK": path}):
                for address, request in conversations:
                    ask(address, request)
                assert sink.wait_for(len(conversations), 10)
                texts = [line.decode("latin-1").removesuffix("\n") for line in sink.lines()]
        finally:
            server.close()
            for port in ports.values():
                release_port(port)
    by_frontend = {name: [text for text in texts if re.search(rf"\b{name}\b", text)] for name in FRONTENDS}
    assert sum(map(len, by_frontend.values())) == len(conversations)
    return by_frontend


def ask(address: object, request: bytes) -> None:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(10)
        client.connect(address if isinstance(address, str) else ("127.0.0.1", address))
        client.sendall(request)
        while client.recv(65536):
            pass


class OneLine:
    """The names of the line that a record was taken from."""

    def __init__(self, match: re.Match[str]) -> None:
        self._groups = match.groupdict()

    def backend(self, index: int) -> str:
        return self._groups["be"]

    def server(self, index: int) -> str:
        return self._groups["srv"]

    def server_address(self, index: int) -> tuple[str, int]:
        raise AssertionError("none of these lines tells of it")

    def listener_id(self, index: int) -> int:
        return int(self._groups["sport"])

    def listener_label(self, index: int) -> str:
        return str(self.listener_id(index))


def record_of(match: re.Match[str]) -> Record:
    """The record that this line tells of."""
    groups = {name: text for name, text in match.groupdict().items() if text is not None}
    record = Record()
    for name, text in groups.items():
        if hasattr(record, name) and name not in ("term", "uri"):
            setattr(record, name, int(text))
    record.redispatched = int(groups.get("retries", "").startswith("+"))
    record.term = groups.get("term", "").encode()
    if groups.get("uri") == "<BADREQ>":
        record.uri, record.uri_len, record.tr = None, 0, -1
    elif "uri" in groups:
        record.uri = unescaped(groups["uri"])
        record.uri_len = len(record.uri)
    if groups.get("srv") == "<NOSRV>":
        record.server = -1
    if groups.get("be") == groups["fe"]:
        record.backend = -1
    set_address(record, groups)
    set_dates(record, groups)
    return record


def unescaped(text: str) -> bytes:
    return re.sub(r"#([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), text).encode("latin-1")


def set_address(record: Record, groups: dict[str, str]) -> None:
    if groups["ci"] == "unix":
        record.family, record.sport, record.dport = socket.AF_UNIX, 0, 0
        return
    record.saddr = socket.inet_aton(groups["ci"])
    record.daddr = socket.inet_aton(groups.get("di", "127.0.0.1"))


def set_dates(record: Record, groups: dict[str, str]) -> None:
    if "date" in groups:
        date, _, ms = groups["date"].partition(".")
        seconds = int(time.mktime(time.strptime(date, "%d/%b/%Y:%H:%M:%S")))
        record.accept_us = record.request_us = seconds * 1_000_000 + int(ms) * 1000
    elif "gmt" in groups:
        moment = time.strptime(groups["gmt"] + " GMT", "%d/%b/%Y:%H:%M:%S +0000 %Z")
        seconds = int(time.mktime(moment)) - time.timezone
        record.request_us = seconds * 1_000_000
        record.accept_us = seconds * 1_000_000 + int(groups["ms"]) * 1000


@pytest.mark.parametrize(
    ("frontend", "kind", "mode", "options", "count"),
    [
        ("fe_http", "httplog", "http", set(), 7),
        ("fe_clf", "clf", "http", set(), 5),
        ("fe_asap", "httplog", "http", {"logasap"}, 1),
        ("fe_plain", None, "http", set(), 1),
        ("fe_tcp", "tcplog", "tcp", set(), 1),
        ("fe_tcplain", None, "tcp", set(), 1),
    ],
)
def test_our_line_is_haproxys(
    lines: dict[str, list[str]], frontend: str, kind: str | None, mode: str, options: set[str], count: int
) -> None:
    theirs = lines[frontend]
    assert len(theirs) == count
    ours = []
    for line in theirs:
        match = re.fullmatch(SHAPES[kind or "plain"], line)
        assert match is not None, line
        proxy = ProxySettings(frontend, "frontend", mode=mode, log_kind=kind, options=options)
        helpers = Helpers(proxy, OneLine(match), line_at, pid=1)
        made = TxnLog(proxy, helpers).line(record_of(match).row())
        assert made is not None
        ours.append(made[1])
    assert ours == theirs
