"""Log lines of streams on their way to whoever reads them, or does not."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lbcore.stream.logs import Texts
from tests.embedded import REQUEST, Client, ask, balancer, config, named, until
from tests.peers.chaos import Chaos, good
from tests.peers.load import Crowd
from tests.peers.load import ask as ask_all
from tests.peers.ports import HOST
from tests.peers.readable import readable
from tests.peers.sinks import UdpSink

PATIENCE = 10.0
DATE = r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d\.\d{3}"
SYSLOG = r"<134>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d haproxy\[%d\]: "


@pytest.fixture
def sink() -> Iterator[UdpSink]:
    with UdpSink() as found:
        yield found


@pytest.fixture
def server() -> Iterator[Chaos]:
    with Chaos(named("s1")) as peer:
        yield peer


def stream_lines(sink: UdpSink, count: int) -> list[str]:
    """The lines of streams, once there are `count`: without those of the start and the end."""

    def present() -> list[bytes]:
        return [line for line in sink.lines() if b" started." not in line and b" stopped " not in line]

    assert until(lambda: len(present()) >= count), sink.lines()
    return [line.decode() for line in present()]


def text_of(line: str) -> str:
    """A line without its syslog header, which is checked."""
    header = re.match(SYSLOG % os.getpid(), line)
    assert header is not None, line
    assert line.endswith("\n")
    return line[header.end() : -1]


def test_httplog_line(sink: UdpSink, server: Chaos) -> None:
    text = config(server.port, front=[f"log {HOST}:{sink.port} local0", "option httplog"])
    with balancer(text) as lb, Client(lb) as client:
        client.ask(b"GET /a?b=c HTTP/1.1\r\nHost: test\r\n\r\n")
        port = client.socket.getsockname()[1]
        (line,) = stream_lines(sink, 1)
    expected = (
        rf'{HOST}:{port} \[{DATE}\] fe be/s1 0/0/\d+/\d+/\d+ 200 \d+ - - ---- 1/1/0/0/0 0/0 "GET /a\?b=c HTTP/1\.1"'
    )
    assert re.fullmatch(expected, text_of(line)), line


def test_tcplog_line(sink: UdpSink, server: Chaos) -> None:
    text = config(server.port, mode="tcp", front=[f"log {HOST}:{sink.port} local0", "option tcplog"])
    with balancer(text) as lb:
        with Client(lb) as client:
            body = client.ask()
            port = client.socket.getsockname()[1]
        (line,) = stream_lines(sink, 1)
    size = len(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n") + len(body)
    expected = rf"{HOST}:{port} \[{DATE}\] fe be/s1 0/\d+/\d+ {size} -- 1/1/0/0/0 0/0"
    assert re.fullmatch(expected, text_of(line)), line


@pytest.mark.parametrize("mode", ["http", "tcp"])
def test_default_line(sink: UdpSink, server: Chaos, mode: str) -> None:
    text = config(server.port, mode=mode, front=[f"log {HOST}:{sink.port} local0"])
    with balancer(text) as lb:
        with Client(lb) as client:
            client.ask()
            port = client.socket.getsockname()[1]
        (line,) = stream_lines(sink, 1)
        where = lb.address("fe").port
    assert text_of(line) == f"Connect from {HOST}:{port} to {HOST}:{where} (fe/{mode.upper()})"


def test_log_global_and_its_tag(sink: UdpSink, server: Chaos) -> None:
    settings = [f"log {HOST}:{sink.port} daemon", "log-tag mine", "log-send-hostname host.test"]
    with balancer(config(server.port, settings=settings, front=["log global", "option httplog"])) as lb:
        ask(lb)
        (line,) = stream_lines(sink, 1)
    assert re.match(rf"<30>[A-Z].* host\.test mine\[{os.getpid()}\]: {HOST}", line), line


def test_each_request_has_its_line_in_order(sink: UdpSink, server: Chaos) -> None:
    text = config(server.port, front=[f"log {HOST}:{sink.port} local0", "option httplog"])
    with balancer(text) as lb, Client(lb) as client:
        for number in range(300):
            client.send(f"GET /{number} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
            client.body()
        lines = stream_lines(sink, 300)
    assert [int(re.findall(r'"GET /(\d+) ', line)[0]) for line in lines] == list(range(300))


@pytest.mark.parametrize("nbthread", [2, 4])
def test_no_line_is_lost_or_mixed_by_many_threads(sink: UdpSink, nbthread: int) -> None:
    front = [f"log {HOST}:{sink.port} local0", "option httplog"]
    with Chaos(good) as server, balancer(config(server.port, nbthread=nbthread, front=front)) as lb:
        ask_all(lb.address("fe").port, Crowd(10, requests=40))
        lines = stream_lines(sink, 400)
        assert lb.facts.dropped_logs == 0
    assert {re.findall(r'"GET (\S+) HTTP/1.1"$', text_of(line))[0] for line in lines} == {
        f"/c{client}/r{request}" for client in range(10) for request in range(40)
    }


def test_connection_without_a_byte_is_logged_unless_told_not_to(sink: UdpSink) -> None:
    front = [f"log {HOST}:{sink.port} local0", "option httplog"]
    with balancer(config(front=front)) as lb:
        Client(lb).socket.close()
        assert "<BADREQ>" in stream_lines(sink, 1)[0]
    seen = sink.count
    with Chaos(named("s1")) as server, balancer(config(server.port, front=[*front, "option dontlognull"])) as lb:
        Client(lb).socket.close()
        assert until(lambda: lb.facts.cum_conns == 1 and lb.facts.cur_conns == 0)
        ask(lb)
        assert until(lambda: any(b'"GET / HTTP/1.1"' in line for line in sink.lines()))
    assert not any(b"<BADREQ>" in line for line in sink.lines()[seen:])


def test_tcp_connection_without_a_byte(sink: UdpSink, server: Chaos) -> None:
    front = [f"log {HOST}:{sink.port} local0", "option tcplog", "option dontlognull"]
    with balancer(config(server.port, mode="tcp", front=front)) as lb:
        Client(lb).socket.close()
        assert until(lambda: lb.facts.cum_conns == 1 and lb.facts.cur_conns == 0)
        with Client(lb) as client:
            client.ask()
            port = client.socket.getsockname()[1]
        lines = stream_lines(sink, 1)
    assert [text_of(line).split(" ")[0] for line in lines] == [f"{HOST}:{port}"]


def test_bad_request_is_logged_with_its_state(sink: UdpSink) -> None:
    with balancer(config(front=[f"log {HOST}:{sink.port} local0", "option httplog"])) as lb, Client(lb) as client:
        client.send(b"no request\r\n\r\n")
        assert client.status() == 400
        (line,) = stream_lines(sink, 1)
    assert re.search(r' fe fe/<NOSRV> -1/-1/-1/-1/\d+ 400 \d+ - - PR-- 1/1/0/0/0 0/0 "<BADREQ>"$', text_of(line)), line


def test_start_and_stop_of_a_proxy_are_logged(sink: UdpSink) -> None:
    settings = [f"log {HOST}:{sink.port} local0"]
    with balancer(config(settings=settings, front=["log global"], back=["log global"])) as lb:
        lb.pause()
        lb.resume()
        lb.soft_stop()
        assert lb.wait(PATIENCE)
    assert until(lambda: sink.count >= 5)
    texts = [line.decode().partition("]: ")[2] for line in sink.lines()]
    assert texts == [
        "Proxy fe started.\n",
        "Proxy be started.\n",
        "Paused frontend fe.\n",
        "Resumed frontend fe.\n",
        "Proxy fe stopped (cumulated conns: FE: 0, BE: 0).\n",
    ]


def test_dump_of_servers_goes_to_the_log(sink: UdpSink, server: Chaos) -> None:
    with balancer(config(server.port, back=[f"log {HOST}:{sink.port} local0"])) as lb:
        ask(lb)
        backend = lb.proxies[1].backend
        assert backend is not None
        assert until(lambda: backend.cur_sess == 0)
        told = lb.dump_servers()
        assert told[1] == "SIGHUP: Server be/s1 is UP. Conn: 0 act, 0 pend, 1 tot."
        assert until(lambda: sink.count >= 4)
        assert [line.decode().partition("]: ")[2] for line in sink.lines()] == [
            "Proxy be started.\n",
            "SIGHUP received, dumping servers states for proxy be.\n",
            *(f"{line}\n" for line in told[1:]),
        ]


@contextmanager
def unix_sink(path: Path) -> Iterator[socket.socket]:
    """A unix datagram socket that nobody reads but the test."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        sock.bind(str(path))
        yield sock


def test_unix_datagrams(server: Chaos, tmp_path: Path) -> None:
    path = tmp_path / "log"
    with unix_sink(path) as sock, balancer(config(server.port, front=[f"log {path} local0", "option httplog"])) as lb:
        ask(lb)
        assert b"Proxy fe started." in sock.recv(4096)
        assert text_of(sock.recv(4096).decode()).endswith('"GET / HTTP/1.1"')


def test_reader_that_stalls_stops_no_traffic_and_losses_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "log"
    requests = 2000  # far more than a unix datagram socket holds (net.unix.max_dgram_qlen)
    with Chaos(good) as server, unix_sink(path) as sock:
        with balancer(config(server.port, nbthread=2, front=[f"log {path} local0", "option httplog"])) as lb:
            tally = ask_all(lb.address("fe").port, Crowd(8, requests=requests // 8))
            assert tally.statuses == {200: requests}
            held = drain(sock)
            assert until(lambda: lb.facts.dropped_logs + held + drain(sock) >= requests)
            assert lb.facts.dropped_logs > 0
            before = lb.facts.dropped_logs
            ask(lb)
            assert b'"GET / HTTP/1.1"' in sock.recv(4096)  # who reads again is written to again
            assert lb.facts.dropped_logs == before
            assert lb.facts.dropped_logs == before


def drain(sock: socket.socket) -> int:
    """How many lines of requests wait in a socket; they are taken out."""
    count = 0
    while readable(sock, seconds=0):
        count += b'"GET /c' in sock.recv(4096)
    return count


def test_target_that_does_not_exist_stops_no_traffic(server: Chaos, tmp_path: Path) -> None:
    front = [f"log {tmp_path}/nobody local0", f"log {HOST}:9 local0", "option httplog"]
    with balancer(config(server.port, front=front)) as lb:
        assert [ask(lb) for _ in range(5)] == [(200, b"s1")] * 5
        assert until(lambda: lb.facts.dropped_logs >= 5)


def test_pipe_that_nobody_reads_stops_no_traffic(server: Chaos) -> None:
    reading, writing = os.pipe()
    try:
        front = [f"log fd@{writing} format raw local0", "option httplog"]
        with balancer(config(server.port, front=front)) as lb, Client(lb) as client:
            for _ in range(1500):
                assert client.ask() == b"s1"
            assert until(lambda: lb.facts.dropped_logs > 0)
        assert os.get_blocking(writing)
        assert os.read(reading, 200).startswith(b"Proxy fe started.\n")
    finally:
        os.close(reading)
        os.close(writing)


def test_sample_is_of_all_threads_together(sink: UdpSink) -> None:
    front = [f"log {HOST}:{sink.port} sample 1:4 local0", "option httplog"]
    with Chaos(good) as server, balancer(config(server.port, nbthread=4, front=front)) as lb:
        ask_all(lb.address("fe").port, Crowd(8, requests=50))
        assert len(stream_lines(sink, 100)) == 100


def test_two_balancers_log_apart(server: Chaos) -> None:
    with UdpSink() as one, UdpSink() as two:
        for sink in (one, two):
            text = config(server.port, front=[f"log {HOST}:{sink.port} local0", "option httplog"])
            with balancer(text) as lb:
                ask(lb)
                stream_lines(sink, 1)
        assert len(stream_lines(one, 1)) == len(stream_lines(two, 1)) == 1


def test_head_is_enough_for_logasap(sink: UdpSink) -> None:
    release = threading.Event()

    def slow(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        release.wait(PATIENCE)
        connection.sendall(b"body")

    front = [f"log {HOST}:{sink.port} local0", "option httplog", "option logasap"]
    with Chaos(slow) as server, balancer(config(server.port, front=front)) as lb, Client(lb) as client:
        client.send(REQUEST)
        (line,) = stream_lines(sink, 1)
        assert re.search(r"/\+\d+ 200 \+\d+ ", line), line
        release.set()
        assert client.body() == b"body"


def test_texts_are_read_where_records_point_at() -> None:
    texts = Texts()
    texts.take(1000, b"GET /a b HTTP/1.1 and what follows")
    assert texts.line(1004, 4) == "/a b"


def test_each_request_line_is_escaped_for_itself() -> None:
    texts = Texts()
    texts.take(1000, b'GET /a GET /"\xe9')
    assert [texts.line(1000, 6), texts.line(1007, 7)] == ["GET /a", "GET /#22#E9"]


def test_a_format_with_expressions_sees_what_rules_did(sink: UdpSink, server: Chaos) -> None:
    front = [
        f"log {HOST}:{sink.port} format raw local0",
        'log-format "%[var(txn.a)] %hr %ID %si:%sp %fi:%fp %lc"',
        'unique-id-format "%rt-%[var(txn.a)]"',
        "declare capture request len 10",
        "http-request set-var(txn.a) str(x)",
        "http-request capture path id 0",
    ]
    with balancer(config(server.port, front=front)) as lb:
        ask(lb)
        ask(lb)
        lines = stream_lines(sink, 2)
        where = lb.address("fe").port
    ends = f"{HOST}:{server.port} {HOST}:{where}"
    assert lines == [f"x {{/}} 0-x {ends} 0\n", f"x {{/}} 1-x {ends} 1\n"]


def test_requests_that_nobody_kept_are_logged_by_their_records(sink: UdpSink, server: Chaos) -> None:
    front = [f"log {HOST}:{sink.port} format raw local0", 'log-format "%[src] %[var(txn.a)] %hr %ST"',
             "declare capture request len 10"]  # fmt: skip
    with balancer(config(server.port, front=front)) as lb, Client(lb) as client:
        client.send(b"no request\r\n\r\n")
        assert client.status() == 400
        assert stream_lines(sink, 1) == [f"{HOST} - 400\n"]


def test_a_level_set_by_a_rule_and_silence(sink: UdpSink, server: Chaos) -> None:
    front = [
        f"log {HOST}:{sink.port} format short local0",
        "option httplog",
        "http-request set-log-level silent if { path /silent }",
        "http-request set-log-level alert if { path /alert }",
    ]
    with balancer(config(server.port, front=front)) as lb, Client(lb) as client:
        for target in ("silent", "alert", "plain"):
            client.ask(f"GET /{target} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        lines = stream_lines(sink, 2)
    assert [(line[:3], line.split('"')[1]) for line in lines] == [
        ("<1>", "GET /alert HTTP/1.1"),
        ("<6>", "GET /plain HTTP/1.1"),
    ]


def test_structured_data_is_for_targets_that_have_it(sink: UdpSink, server: Chaos) -> None:
    front = [
        f"log {HOST}:{sink.port} format rfc5424 local0",
        f"log {HOST}:{sink.port} format raw local0",
        'log-format "%ST"',
        'log-format-sd "[x@1 status=\\"%ST\\"]"',
    ]
    with balancer(config(server.port, front=front)) as lb:
        ask(lb)
        lines = stream_lines(sink, 2)
    assert re.fullmatch(r'<134>1 \S+ - haproxy \d+ - \[x@1 status="200"\] 200\n', lines[0]), lines
    assert lines[1] == "200\n"


PROFILES = """
log-profile steps
    log-tag mine
    on accept format "accept %ci"
    on request format "request %HM"
    on response format "response %ST"
    on connect drop
    on close format "close %ST"
    on any format "any %ci"
log-profile json
    on any format "%{+json}o %(ip)ci %(status:sint)ST %(method)HM"
"""


def test_steps_of_a_stream_have_lines_of_their_own(sink: UdpSink, server: Chaos) -> None:
    front = [f"log {HOST}:{sink.port} profile steps local0", "option httplog", "log-steps all"]
    with balancer(PROFILES + config(server.port, front=front)) as lb:
        ask(lb)
        lines = stream_lines(sink, 4)
    assert [line.partition(" mine[")[2].partition("]: ")[2] for line in lines] == [
        f"accept {HOST}\n",
        "request GET\n",
        "response 200\n",
        "close 200\n",
    ]


def test_without_the_last_step_there_is_no_line_at_the_end(sink: UdpSink, server: Chaos) -> None:
    front = [f"log {HOST}:{sink.port} format raw local0", 'log-format "%HU %ST"', "log-steps request"]
    with balancer(config(server.port, front=front)) as lb, Client(lb) as client:
        for target in ("a", "b"):
            client.ask(f"GET /{target} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        assert stream_lines(sink, 2) == ["/a -1\n", "/b -1\n"]


def test_targets_with_different_profiles_get_different_lines(sink: UdpSink, server: Chaos) -> None:
    front = [
        f"log {HOST}:{sink.port} format raw profile json local0",
        f"log {HOST}:{sink.port} format raw local0",
        'log-format "plain %ST"',
    ]
    with balancer(PROFILES + config(server.port, front=front)) as lb:
        ask(lb)
        lines = stream_lines(sink, 2)
    assert sorted(lines) == ["plain 200\n", f'{{"ip": "{HOST}", "status": 200, "method": "GET"}}\n']


def test_a_rule_writes_a_line_at_once(sink: UdpSink, server: Chaos) -> None:
    front = [
        f"log {HOST}:{sink.port} format raw local0",
        'log-format "end %ST"',
        "http-request set-var(txn.a) str(x)",
        "http-request do-log profile steps",
        "http-response do-log profile json",
    ]
    with balancer(PROFILES + config(server.port, front=front)) as lb:
        ask(lb)
        lines = stream_lines(sink, 3)
    assert lines == [f"any {HOST}\n", f'{{"ip": "{HOST}", "status": 200, "method": "GET"}}\n', "end 200\n"]


def test_lines_name_their_origin(sink: UdpSink, server: Chaos) -> None:
    front = [
        f"log {HOST}:{sink.port} format raw local0",
        'log-format "%OG %ST %[var(txn.a)]"',
        'http-request set-var-fmt(txn.a) "%OG"',
        "tcp-request content do-log",
        "http-response do-log",
        "log-steps all",
    ]
    origins = ["txn_accept", "tcp-req-cont", "txn_request", "txn_connect", "http-res", "txn_response", "txn_close"]
    with balancer(config(server.port, front=front)) as lb:
        ask(lb)
        lines = [line.split() for line in stream_lines(sink, len(origins))]
    assert sorted(line[0] for line in lines) == sorted(origins)
    assert lines[-1] == ["txn_close", "200", "unspec"]


def test_lines_without_a_stream_name_their_origin(sink: UdpSink, server: Chaos) -> None:
    front = [f"log {HOST}:{sink.port} format raw local0", "option httplog", 'error-log-format "%OG %ST"']
    text = config(server.port, front=front, bind="bind 127.0.0.1:0 accept-proxy")
    with balancer(text) as lb:
        with Client(lb) as client:
            client.send(b"PROXY UNKNOWN\r\nno request\r\n\r\n")
            client.rest()
        with Client(lb) as client, suppress(ConnectionResetError):
            client.send(b"no header\r\n\r\n")
            client.rest()
        assert stream_lines(sink, 2) == ["sess_error 400\n", "sess_killed 0\n"]


def test_many_threads_count_their_lines_together(sink: UdpSink) -> None:
    front = [f"log {HOST}:{sink.port} format raw local0", 'log-format "%lc"']
    with Chaos(good) as server, balancer(config(server.port, nbthread=4, front=front)) as lb:
        ask_all(lb.address("fe").port, Crowd(8, requests=25))
        lines = stream_lines(sink, 200)
        ask(lb)
        assert stream_lines(sink, 201)[-1] == "200\n"
    assert {int(line) for line in lines} <= set(range(200))
