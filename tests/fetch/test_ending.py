"""term_events: each way for a stream to end, made by a peer that ends it so, told by the log line of its stream."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest

from lbcore.fetch.ending import told
from lbcore.shim import lib
from tests.embedded import PATIENCE, REQUEST, Client, balancer, config
from tests.peers import chaos
from tests.peers.chaos import Behaviour, Chaos, Gate, Refusing
from tests.peers.ports import HOST
from tests.peers.sinks import UdpSink
from tests.peers.socks4 import Socks4

FORMAT = "%ts %[term_events]"
POST = b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n"
BIG = 8 << 20  # bytes that no socket buffers hold

Act = Callable[[Client], None]


def logged(
    act: Act,
    serve: Behaviour | int = chaos.good,
    *,
    mode: str = "http",
    front: Sequence[str] = (),
    back: Sequence[str] = (),
    server: str = "",
    bind: str = "bind 127.0.0.1:0",
) -> str:
    """What the line of the first stream says that `act` made; `serve` is its server, or the port of one."""
    with UdpSink() as sink, Chaos(serve if callable(serve) else chaos.good) as peer:
        port = peer.port if callable(serve) else serve
        lines = [f"log {HOST}:{sink.port} format raw local0", f'log-format "{FORMAT}"', f'error-log-format "{FORMAT}"']
        back = ["option redispatch 0", "retries 0", *back]
        text = config(port, mode=mode, front=[*lines, *front], back=back, server=server, bind=bind)
        with balancer(text) as lb, Client(lb) as client:
            act(client)
            assert sink.wait_for(2, PATIENCE), "no line came"  # the first tells of the start
            return sink.lines()[1].decode().strip()


def reset(client: Client) -> None:
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()


def say(data: bytes = REQUEST) -> Act:
    """A client that says this, and takes what it gets until the end."""

    def act(client: Client) -> None:
        client.send(data)
        client.rest()
        client.socket.close()

    return act


def ask(client: Client) -> None:
    """A client that has its answer and stays."""
    client.ask()


def say_and_end(data: bytes) -> Act:
    """A client that says this, ends its direction, and listens."""

    def act(client: Client) -> None:
        client.send(data)
        client.socket.shutdown(socket.SHUT_WR)
        client.rest()

    return act


def say_and_reset(data: bytes) -> Act:
    def act(client: Client) -> None:
        client.send(data)
        reset(client)

    return act


def say_and_leave_when_asked(gate: Gate, leave: Callable[[Client], None]) -> Act:
    """A client that leaves while its server thinks."""

    def act(client: Client) -> None:
        client.send()
        assert gate.wait_for(1, PATIENCE)
        leave(client)

    return act


def until_close(connection: socket.socket) -> None:
    """Answers with a body that the end of the connection ends."""
    chaos.read_request(connection, b"")
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nall")


def reset_mid_body(connection: socket.socket) -> None:
    chaos.read_request(connection, b"")
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    connection.recv(1)  # the client has its half
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def bad_chunk(connection: socket.socket) -> None:
    chaos.bad_chunk(connection)
    connection.recv(1)  # it ends no sooner than its other side


def endless(connection: socket.socket) -> None:
    chaos.read_request(connection, b"")
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BIG)
    connection.sendall(bytes(BIG))


# --- ends that are none ---


def test_a_stream_that_ends_as_it_should_has_no_events() -> None:
    assert logged(ask) == "-- {,,,,,,}"


def test_a_client_that_ends_after_its_answer_has_no_events() -> None:
    assert logged(say(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")) == "-- {,,,,,,}"


def test_a_body_that_ends_with_its_connection_is_an_end_on_the_servers_side() -> None:
    assert logged(say(), until_close) == "-- {,,,,e2,,f2}"


def test_a_tunnel_tells_both_ends_and_who_was_first() -> None:
    assert logged(say_and_end(REQUEST), chaos.good, mode="tcp") == "-- {F2,,E2,,e2,,f1f2}"
    assert logged(say(), chaos.close_after_request, mode="tcp") == "-- {F1F2,,E2,,e2,,f2}"


# --- clients ---


@pytest.mark.parametrize(
    ("sent", "line"),
    [(b"", "CR {F2,M5,,,,,}"), (b"GET / HT", "CR {F2,M5,,,,,}")],
    ids=["of nothing", "of half a head"],
)
def test_a_client_that_ends_before_its_request_is_whole(sent: bytes, line: str) -> None:
    assert logged(say_and_end(sent)) == line


def test_a_client_that_breaks_before_its_request_is_whole() -> None:
    assert logged(say_and_reset(b"GET / HT")) == "CR {F3,M6,,,,,}"


def test_a_client_that_ends_within_its_body() -> None:
    assert logged(say_and_end(POST + b"half"), chaos.hang) == "CD {F2,,E5,,,,}"


def test_a_client_that_breaks_within_its_body() -> None:
    state, events = logged(say_and_reset(POST + b"half"), chaos.hang).split()
    assert events == "{F3,,E6,,,,}"
    assert state in ("CC", "CD")  # it may be gone before there is a connection to the server


def test_a_client_that_leaves_while_its_server_thinks() -> None:
    gate = Gate()
    leave = say_and_leave_when_asked(gate, lambda client: client.socket.close())
    assert logged(leave, gate, back=["option abortonclose"]) == "CH {F2,,E5,,,,}"
    gate.open()


def test_a_client_that_breaks_while_its_server_thinks() -> None:
    gate = Gate()
    assert logged(say_and_leave_when_asked(gate, reset), gate, back=["option abortonclose"]) == "CD {F3,,E6,,,,}"
    gate.open()


def test_a_client_that_leaves_in_the_midst_of_its_answer() -> None:
    def leave(client: Client) -> None:
        client.send()
        client.socket.recv(100)
        reset(client)

    assert logged(leave, endless) in {"CD {F4,,E4,,,,}", "CD {F3,,E6,,,,}"}


def test_a_client_that_is_late() -> None:
    late = ["timeout http-request 50ms", "timeout client 50ms"]
    assert logged(say(b"GET / HT"), front=late) == "cR {,M7,,,,,}"
    assert logged(say(POST + b"half"), chaos.hang, front=late) == "cD {,,,S7,,,}"
    assert logged(lambda client: None, mode="tcp", front=late) == "cD {,,,S7,,,}"


def test_a_request_that_is_not_understood() -> None:
    assert logged(say(b"no request\r\n\r\n")) == "PR {,M9,,,,,}"
    assert logged(say(POST.replace(b"Content-Length: 10", b"Transfer-Encoding: chunked") + b"x")) == "PR {,M9,,,,,}"


# --- PROXY headers and SOCKS ---

PROXY = "bind 127.0.0.1:0 accept-proxy"


@pytest.mark.parametrize(
    ("act", "line"),
    [
        (say(b"GET / HTTP/1.1\r\n\r\n"), "PR {H9,,,,,,}"),
        (say_and_end(b""), "PR {F2H5,,,,,,}"),
        (reset, "PR {F3H6,,,,,,}"),
        (say(b""), "PR {H7,,,,,,}"),
    ],
    ids=["nonsense", "ended", "broken", "late"],
)
def test_a_proxy_header_that_fails(act: Act, line: str) -> None:
    def guarded(client: Client) -> None:
        with suppress(ConnectionResetError):  # who says nonsense is told so
            act(client)

    assert logged(guarded, bind=PROXY, front=["timeout client-hs 50ms"]) == line


def test_a_socks_proxy_that_refuses() -> None:
    with Socks4(None) as proxy:
        assert logged(ask, server=f"socks4 {HOST}:{proxy.port}") == "SC {,,,sb,,,h9}"


# --- servers ---


def test_a_server_that_is_not_there() -> None:
    with Refusing() as nobody:
        assert logged(ask, nobody.port) == "SC {,,,sb,,,fb}"
        assert logged(say(), nobody.port, mode="tcp") == "SC {,,,sb,,,fb}"


def test_no_server_that_is_up() -> None:
    assert logged(ask, server="disabled") == "SC {,,,sb,,,}"


def test_a_queue_that_is_waited_in_too_long() -> None:
    gate = Gate()
    with UdpSink() as sink, Chaos(gate) as peer:
        front = [f"log {HOST}:{sink.port} format raw local0", f'log-format "{FORMAT}"']
        text = config(peer.port, front=front, back=["timeout queue 20ms"], server="maxconn 1")
        with balancer(text) as lb, Client(lb) as first, Client(lb) as second:
            first.send()
            assert gate.wait_for(1, PATIENCE)
            assert second.ask()
            assert sink.wait_for(2, PATIENCE)
            gate.open()
            assert sink.lines()[1].decode().strip() == "sQ {,,,s7,,,}"


@pytest.mark.parametrize(
    ("behaviour", "line"),
    [
        (chaos.close_after_request, "SH {,,,,e5,,f2}"),
        (chaos.reset_after_request, "SH {,,,,e6,,f3}"),
        (chaos.close_mid_body, "SD {,,,,e5,,f2}"),
        (chaos.garbage, "PH {,,,,,m9,}"),
        (bad_chunk, "PD {,,,,,m9,}"),
    ],
)
def test_a_server_that_fails_its_response(behaviour: Behaviour, line: str) -> None:
    assert logged(ask, behaviour) == line


def test_a_server_that_breaks_in_the_midst_of_its_body() -> None:
    def act(client: Client) -> None:
        client.send(POST + b"half")
        while not client.socket.recv(65536).endswith(b"half"):
            pass
        client.send(b"more")
        client.rest()

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        connection.recv(65536)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert logged(act, serve) == "SD {,,,,e6,,f3}"


def test_a_server_that_is_late() -> None:
    assert logged(ask, chaos.hang, back=["timeout server 50ms"]) == "sH {,,,s7,,,}"
    assert logged(say(), chaos.hang, mode="tcp", back=["timeout server 50ms"]) == "sD {,,,s7,,,}"


def test_an_attempt_that_failed_before_another_server_answered_is_told() -> None:
    with UdpSink() as sink, Chaos(chaos.good) as peer, Refusing() as nobody:
        front = [f"log {HOST}:{sink.port} format raw local0", f'log-format "{FORMAT}"']
        text = config(nobody.port, peer.port, front=front, back=["option redispatch 1", "retries 1"])
        with balancer(text) as lb, Client(lb) as client:
            client.ask()
            assert sink.wait_for(2, PATIENCE)
            assert sink.lines()[1].decode().strip() == "-- {,,,,,,fb}"


# --- we ---


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("http-request deny", "PR {,,,S8,,,}"),
        ("http-request return status 200", "LR {,,,S8,,,}"),
        ("http-request tarpit", "PT {,,,S8,,,}"),
        ("http-request silent-drop", "PR {,,,S8,,,}"),
        ("http-response deny", "PH {,,,S8,,,}"),
        ("tcp-request content reject", "PR {,,,S8,,,}"),
    ],
)
def test_a_rule_that_ends_it(rule: str, line: str) -> None:
    def act(client: Client) -> None:
        client.send()

    assert logged(act, front=[rule, "timeout tarpit 10ms"]) == line


def test_an_operator_who_ends_it() -> None:
    gate = Gate()
    with UdpSink() as sink, Chaos(gate) as peer:
        front = [f"log {HOST}:{sink.port} format raw local0", f'log-format "{FORMAT}"']
        with balancer(config(peer.port, front=front)) as lb, Client(lb) as client:
            client.send()
            assert gate.wait_for(1, PATIENCE)
            lb.states.shutdown_sessions(lb.states.find("be/s1"))
            assert sink.wait_for(2, PATIENCE)
            gate.open()
            assert sink.lines()[1].decode().strip() == "KH {,,,Sc,,,}"


# --- when it is asked, and what is kept ---


def test_rules_see_what_has_happened_so_far() -> None:
    rule = "return status 200 content-type text/plain lf-string %[term_events]"
    with Chaos(chaos.good) as peer, Refusing() as nobody:
        front = [f"http-request {rule} if {{ path /now }}", f"http-response {rule}"]
        text = config(nobody.port, peer.port, front=front, back=["option redispatch 1", "retries 1"])
        with balancer(text) as lb, Client(lb) as client:
            assert client.ask(b"GET /now HTTP/1.1\r\nHost: h\r\n\r\n") == b"{,,,,,,}"
            assert client.ask() == b"{,,,,,,fb}"


def test_the_next_request_of_a_connection_begins_anew() -> None:
    with UdpSink() as sink, Chaos(chaos.close_after_request) as peer:
        front = [f"log {HOST}:{sink.port} format raw local0", f'log-format "{FORMAT}"', "monitor-uri /alive"]
        with balancer(config(peer.port, front=[*front, "http-request return status 200 if { path / }"])) as lb:
            with Client(lb) as client:
                client.ask(b"GET /fails HTTP/1.1\r\nHost: h\r\n\r\n")
                client.ask()
                assert sink.wait_for(3, PATIENCE)
        assert [line.decode().strip() for line in sink.lines()[1:3]] == ["SH {,,,,e5,,f2}", "LR {,,,S8,,,}"]


def test_every_place_and_every_event_has_its_letters() -> None:
    events = [place | lib.TEVT_SHUTW for place in (lib.TEVT_FD, lib.TEVT_HS, lib.TEVT_XPRT, lib.TEVT_MUX)]
    events += [lib.TEVT_STRM | lib.TEVT_KILLED, lib.TEVT_SE | lib.TEVT_BACK | lib.TEVT_SND_ERR]
    assert told(int.from_bytes(bytes(events))) == "{F1H1X1,M1,,Sc,e4,,}"
    assert told(0) == "{,,,,,,}"
