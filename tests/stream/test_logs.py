"""Log lines of streams on their way to whoever reads them, or does not."""

from __future__ import annotations

import os
import re
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lbcore.proxy.settings import ProxySettings
from lbcore.shim import ffi
from lbcore.stream.logs import Texts, record_layout
from lbcore.stream.txnlog import TxnLog
from tests.embedded import REQUEST, Client, ask, balancer, config, named, until
from tests.peers.chaos import Chaos, good
from tests.peers.load import Crowd
from tests.peers.load import ask as ask_all
from tests.peers.ports import HOST
from tests.peers.sinks import UdpSink
from tests.stream.records import FakeNames

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
        assert lb.logs.dropped == 0
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
            assert until(lambda: lb.logs.dropped + held + drain(sock) >= requests)
            assert lb.logs.dropped > 0
            before = lb.logs.dropped
            ask(lb)
            assert b'"GET / HTTP/1.1"' in sock.recv(4096)  # who reads again is written to again
            assert lb.logs.dropped == before
            assert lb.facts.dropped_logs == before


def drain(sock: socket.socket) -> int:
    """How many lines of requests wait in a socket; they are taken out."""
    count = 0
    while select.select([sock], [], [], 0)[0]:
        count += b'"GET /c' in sock.recv(4096)
    return count


def test_target_that_does_not_exist_stops_no_traffic(server: Chaos, tmp_path: Path) -> None:
    front = [f"log {tmp_path}/nobody local0", f"log {HOST}:9 local0", "option httplog"]
    with balancer(config(server.port, front=front)) as lb:
        assert [ask(lb) for _ in range(5)] == [(200, b"s1")] * 5
        assert until(lambda: lb.logs.dropped >= 5)


def test_pipe_that_nobody_reads_stops_no_traffic(server: Chaos) -> None:
    reading, writing = os.pipe()
    try:
        front = [f"log fd@{writing} format raw local0", "option httplog"]
        with balancer(config(server.port, front=front)) as lb, Client(lb) as client:
            for _ in range(1500):
                assert client.ask() == b"s1"
            assert until(lambda: lb.logs.dropped > 0)
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


@pytest.mark.parametrize("kind", ["httplog", "clf", "tcplog"])
def test_text_of_a_tuple_is_that_of_its_record(kind: str) -> None:
    """The quick way over unpacked batches gives the lines that the fields of each record give."""
    proxy = ProxySettings("fe", "frontend", mode="tcp" if kind == "tcplog" else "http", log_kind=kind)
    layout, places = record_layout()
    text = ffi.new("char[]", b"GET /a b HTTP/1.1 and what follows")
    records: Any = ffi.new("lb_rec[3]")
    for number, record in enumerate(records):
        record.uri, record.uri_len = (text, 17) if number else (ffi.NULL, 0)
        record.backend = record.server = number - 1
        record.family, record.sport, record.retries = socket.AF_INET, 4000 + number, number
        record.saddr, record.term = bytes([192, 0, 2, number]) + bytes(12), b"----"
        record.accept_us = record.request_us = 1_772_323_445_006_000 + number
    texts = Texts()
    texts.base, texts.buffer = int(ffi.cast("uintptr_t", text)), ffi.buffer(text)
    log = TxnLog(proxy, FakeNames(), ffi.buffer, 1)
    quick = log.tuple_text(places, texts)
    assert quick is not None
    unpacked = layout.iter_unpack(ffi.buffer(records))
    assert [(6, quick(row)) for row in unpacked] == [log.line(records[number]) for number in range(3)]
