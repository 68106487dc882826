"""Headers of other proxies, from a client's first byte to a server's."""

from __future__ import annotations

import socket
import struct
import threading
from pathlib import Path

import pytest

from lbcore import LoadBalancer
from tests.embedded import PATIENCE, REQUEST, Client, balancer, config, until
from tests.oracle.rows_rules_proxyheader import ENDS4, V1, packet, tlv, v2
from tests.peers.chaos import Chaos
from tests.peers.framing import message_length
from tests.peers.ports import HOST
from tests.peers.sinks import UdpSink

ACCEPT = "bind 127.0.0.1:0 accept-proxy"
OTHER = V1.replace(b"2.1 ", b"2.7 ")


class Told:
    """A server that notes what came before the requests of each connection, and answers them with their fields x-*."""

    def __init__(self, *, drops: int = 0) -> None:
        self.prefaces: list[bytes] = []
        self.requests = 0
        self._drops = drops  # connections that end after their first request's head
        self._lock = threading.Lock()

    def __call__(self, connection: socket.socket) -> None:
        pending, known = b"", False
        while True:
            while message_length(pending, response=False) is None or b"GET " not in pending:
                data = connection.recv(65536)
                if not data:
                    return
                pending += data
            preface, _, rest = pending.partition(b"GET ")
            head, _, pending = rest.partition(b"\r\n\r\n")
            with self._lock:
                if not known:
                    self.prefaces.append(preface)
                known = True
                self.requests += 1
                if self._drops:
                    self._drops -= 1
                    return
            body = b",".join(line for line in head.split(b"\r\n") if line.startswith(b"x-"))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


def ask(lb: LoadBalancer, header: bytes) -> bytes:
    """What the server answers to a client behind another proxy."""
    with Client(lb) as client:
        return client.ask(header + REQUEST)


ENDS = "http-request set-header x-ends %[src]:%[src_port]-%[dst]:%[dst_port]"


@pytest.mark.parametrize("header", [V1, v2(0x11, ENDS4)])
def test_a_bind_line_has_all_connections_begin_with_a_header(header: bytes) -> None:
    with Chaos(Told()) as server, balancer(config(server.port, bind=ACCEPT, front=[ENDS])) as lb:
        assert ask(lb, header) == b"x-ends: 192.0.2.1:1111-192.0.2.2:2222"
        with Client(lb) as client, pytest.raises(ConnectionResetError):
            client.ask(REQUEST)


def test_a_unix_socket_takes_headers_too(tmp_path: Path) -> None:
    path = tmp_path / "front"
    with (
        Chaos(Told()) as server,
        balancer(config(server.port, bind=f"bind unix@{path} accept-proxy", front=[ENDS])),
        socket.socket(socket.AF_UNIX) as client,
    ):
        client.settimeout(PATIENCE)
        client.connect(str(path))
        client.sendall(V1 + REQUEST)
        assert b"192.0.2.1:1111-192.0.2.2:2222" in client.recv(4096)


def test_a_stats_socket_takes_headers_too(tmp_path: Path) -> None:
    path = tmp_path / "cli"
    with balancer(config(settings=[f"stats socket {path} accept-proxy"])), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(str(path))
        client.sendall(V1 + b"show version\n")
        assert client.recv(4096).startswith(b"3.")


def test_a_netscaler_begins_with_the_number_of_the_bind_line() -> None:
    shown = packet()
    header = struct.pack(">IIHH", 0x12345678, 12 + len(shown), 1, len(shown)) + shown
    bind = f"bind 127.0.0.1:0 accept-netscaler-cip {0x12345678}"
    with Chaos(Told()) as server, balancer(config(server.port, bind=bind, front=[ENDS])) as lb:
        assert ask(lb, header) == b"x-ends: 192.0.2.1:1111-192.0.2.2:2222"
        with Client(lb) as client, pytest.raises(ConnectionResetError):
            client.ask(b"\0" + header[1:] + REQUEST)


def test_sessions_are_counted_once_their_headers_are_read() -> None:
    with Chaos(Told()) as server, balancer(config(server.port, bind=ACCEPT)) as lb:
        with Client(lb) as client, pytest.raises(ConnectionResetError):
            client.ask(REQUEST)
        ask(lb, V1)
        frontend = lb.proxies[0].frontend
        assert frontend is not None
        counters = frontend.counters
        assert (counters.cum_conn, counters.cum_sess, counters.cum_req) == (2, 1, 1)
        assert until(lambda: frontend.cur_conn == 0)


def test_headers_are_waited_for_as_long_as_handshakes_may_take() -> None:
    front = ["timeout client-hs 50ms"]
    with Chaos(Told()) as server, balancer(config(server.port, bind=ACCEPT, front=front)) as lb, Client(lb) as client:
        assert client.rest() == b""


def test_values_of_a_header_are_fetched_by_type() -> None:
    tlvs = tlv(2, b"a.example") + tlv(0xE0, b"one") + tlv(0xE0, b"two") + tlv(4, b"")
    front = [
        "http-request set-header x-1 %[fc_pp_tlv(0xE0)],%[fc_pp_tlv(AUTHORITY)],%[fc_pp_tlv(7),length]",
        "http-request set-header x-2 second if { fc_pp_tlv(224) two }",
        "http-request set-header x-3 %[fc_pp_authority],%[fc_rcvd_proxy]",
    ]
    with Chaos(Told()) as server, balancer(config(server.port, bind=ACCEPT, front=front)) as lb:
        told = ask(lb, v2(0x11, ENDS4, tlvs))
    assert told == b"x-1: one,a.example,,x-2: second,x-3: a.example,1"


def test_logs_tell_what_the_header_said_when_the_stream_is_over() -> None:
    header = v2(0x11, ENDS4, tlv(2, b"a" * 255) + tlv(5, b"id") + tlv(0xE1, b"b" * 1024))
    with UdpSink() as sink, Chaos(Told()) as server:
        front = [f"log {HOST}:{sink.port} local0", "log-format %[fc_pp_unique_id]:%[fc_pp_authority,length]:%Th"]
        with balancer(config(server.port, bind=ACCEPT, front=front)) as lb:
            ask(lb, header)
            assert until(lambda: any(line.endswith(b": id:255:0\n") for line in sink.lines()))


# --- to servers ---


def test_one_connection_is_told_once_and_serves_its_client_alone() -> None:
    told = Told()
    with (
        Chaos(told) as server,
        balancer(config(server.port, bind=ACCEPT, server="send-proxy", back=["http-reuse always"])) as lb,
    ):
        with Client(lb) as client, Client(lb) as other:
            client.ask(V1 + REQUEST)
            client.ask()
            other.ask(OTHER + REQUEST)
            client.ask()
        assert told.prefaces == [V1, OTHER]
        assert told.requests == 4
        ask(lb, V1)
        assert told.prefaces == [V1, OTHER, V1]


def test_a_stream_with_another_address_gets_another_connection() -> None:
    told = Told()
    front = ["http-request set-src req.hdr(x-src)"]
    with (
        Chaos(told) as server,
        balancer(config(server.port, bind=ACCEPT, server="send-proxy", front=front)) as lb,
        Client(lb) as client,
    ):
        client.ask(V1 + REQUEST)
        client.ask(REQUEST.replace(b"\r\n\r\n", b"\r\nx-src: 192.0.2.9\r\n\r\n"))
        client.ask()
    assert told.prefaces == [V1, V1.replace(b"192.0.2.1 ", b"192.0.2.9 "), V1]


def test_a_connection_that_is_tried_again_is_told_again() -> None:
    told = Told(drops=1)
    back = ["retry-on conn-failure empty-response"]
    with (
        Chaos(told) as server,
        balancer(config(server.port, bind=ACCEPT, server="send-proxy-v2", back=back)) as lb,
        Client(lb) as client,
    ):
        client.send(V1 + REQUEST)
        assert client.status() == 200
    assert told.prefaces == [v2(0x11, ENDS4)] * 2


def test_a_server_that_speaks_first_is_told_before() -> None:
    def greet(connection: socket.socket) -> None:
        received = b""
        while len(received) < len(V1):
            received += connection.recv(4096)
        connection.sendall(b"hello " + received)

    with (
        Chaos(greet) as server,
        balancer(config(server.port, mode="tcp", bind=ACCEPT, server="send-proxy")) as lb,
        Client(lb) as client,
    ):
        client.send(V1)
        assert client.rest() == b"hello " + V1


def test_who_came_by_a_unix_socket_is_unknown(tmp_path: Path) -> None:
    told = Told()
    path = tmp_path / "front"
    with (
        Chaos(told) as server,
        balancer(config(server.port, bind=f"bind unix@{path}", server="send-proxy")),
        socket.socket(socket.AF_UNIX) as client,
    ):
        client.settimeout(PATIENCE)
        client.connect(str(path))
        client.sendall(REQUEST)
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
    assert told.prefaces == [b"PROXY UNKNOWN\r\n"]


def test_idle_connections_are_none_that_were_told_of_a_client() -> None:
    with Chaos(Told()) as server, balancer(config(server.port, server="send-proxy", back=["http-reuse always"])) as lb:
        with Client(lb) as client:
            client.ask()
        backend = lb.proxies[1].backend
        assert backend is not None
        assert until(lambda: backend.servers[0].used == 0)
        assert backend.servers[0].idle == 0


def test_formats_say_what_else_servers_are_told() -> None:
    told = Told()
    tells = "send-proxy-v2 set-proxy-v2-tlv-fmt(0xE0) %[fc_pp_tlv(0xE0)]-%[req.hdr(host)] set-proxy-v2-tlv-fmt(225) x"
    with Chaos(told) as server, balancer(config(server.port, bind=ACCEPT, server=tells)) as lb, Client(lb) as client:
        client.ask(v2(0x11, ENDS4, tlv(0xE0, b"mine")) + REQUEST)
        client.ask()
        client.ask(REQUEST.replace(b"test", b"other"))
    own = tlv(0xE1, b"x")
    assert told.prefaces == [v2(0x11, ENDS4, tlv(0xE0, b"mine-" + host) + own) for host in (b"test", b"other")]


def test_servers_are_told_what_each_of_them_wants() -> None:
    first, second = Told(), Told()
    with Chaos(first) as one, Chaos(second) as two:
        servers = [
            f"server a {HOST}:{one.port} send-proxy-v2 set-proxy-v2-tlv-fmt(0xE0) a",
            f"server b {HOST}:{two.port} send-proxy-v2 set-proxy-v2-tlv-fmt(0xE0) b",
        ]
        with balancer(config(bind=ACCEPT, back=servers)) as lb:
            ask(lb, V1)
            ask(lb, V1)
    assert (first.prefaces, second.prefaces) == ([v2(0x11, ENDS4, tlv(0xE0, b"a"))], [v2(0x11, ENDS4, tlv(0xE0, b"b"))])
