"""Options of HTTP from a configuration to the wire: each does nothing where it does not stand."""

from __future__ import annotations

import socket

import pytest

from tests.embedded import Client, balancer, config
from tests.peers.chaos import Chaos, read_request

TRAILERS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n"
BAD_RESPONSE = b"HTTP/1.1 200 OK\r\nX[1]: a\x0bb\nContent-Length: 2\r\n\r\nok"


def echo_head(connection: socket.socket) -> None:
    """Answers with what it was asked, or what the path wants."""
    pending = b""
    while True:
        pending, request = read_request(connection, pending)
        if not request:
            return
        path = request.split(b" ", 2)[1]
        if path == b"/trailers":
            connection.sendall(TRAILERS)
        elif path == b"/bad":
            connection.sendall(BAD_RESPONSE)
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(request), request))


@pytest.mark.parametrize("on", [False, True], ids=["without", "with"])
def test_names_of_servers_are_sent_in_the_case_they_want(on: bool) -> None:
    back = ("http-send-name-header X-Name", "option h1-case-adjust-bogus-server") if on else ()
    with (
        Chaos(echo_head) as peer,
        balancer(config(peer.port, settings=["h1-case-adjust x-name X-naME"], back=back)) as lb,
    ):
        with Client(lb) as client:
            assert (b"\r\nX-naME: s1\r\n" in client.ask()) is on


@pytest.mark.parametrize("option", ["", "option http-drop-response-trailers"])
def test_trailers_of_responses_go_where_they_may(option: str) -> None:
    with Chaos(echo_head) as peer, balancer(config(peer.port, front=[option])) as lb, Client(lb) as client:
        client.send(b"GET /trailers HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        answer = client.rest()
        assert answer.endswith(b"2\r\nok\r\n0\r\n\r\n" if option else b"2\r\nok\r\n0\r\nx-trailer: 1\r\n\r\n")


@pytest.mark.parametrize("option", ["", "option http-drop-request-trailers"])
def test_trailers_of_requests_go_where_they_may(option: str) -> None:
    body = b"2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n"
    with Chaos(echo_head) as peer, balancer(config(peer.port, back=[option])) as lb, Client(lb) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
        assert client.body().endswith(b"0\r\n\r\n" if option else b"0\r\nx-trailer: 1\r\n\r\n")


@pytest.mark.parametrize("rule", ["", "http-request set-header x-rule yes"])
@pytest.mark.parametrize("option", ["", "option accept-unsafe-violations-in-http-request"])
def test_unsafe_requests_pass_only_where_it_is_said_also_through_rules(option: str, rule: str) -> None:
    with Chaos(echo_head) as peer, balancer(config(peer.port, front=[option, rule])) as lb, Client(lb) as client:
        client.send(b"GET /a#b\xe9 HTTP/1.1\nHost: h\nX[1]: a\x0bb\n\n")
        status, body = client.response()
        assert status == (200 if option else 400)
        assert (b"GET /a#b\xe9 HTTP/1.1\r\n" in body) is bool(option)
        assert (b"\r\nx[1]: a\x0bb\r\n" in body) is bool(option)
        assert (b"x-rule: yes" in body) is bool(option and rule)


@pytest.mark.parametrize("rule", ["", "http-response set-header x-rule yes"])
@pytest.mark.parametrize("option", ["", "option accept-unsafe-violations-in-http-response"])
def test_unsafe_responses_pass_only_where_it_is_said_also_through_rules(option: str, rule: str) -> None:
    with Chaos(echo_head) as peer, balancer(config(peer.port, back=[option, rule])) as lb, Client(lb) as client:
        client.send(b"GET /bad HTTP/1.1\r\nHost: h\r\n\r\n")
        assert client.response() == (200, b"ok") if option else client.status() == 502


@pytest.mark.parametrize("option", ["", "option accept-unsafe-violations-in-http-request"])
@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 1\r\nContent-Length: 2\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Transfer-Encoding: \x0bchunked\r\n",
        b"Transfer-Encoding\x0b: chunked\r\n",
        b"X: a\rContent-Length: 1\r\n",
        b"X: a\x00b\r\n",
        b" Content-Length: 1\r\n",
    ],
)
def test_no_option_lets_a_request_be_two(option: str, head: bytes) -> None:
    with Chaos(echo_head) as peer, balancer(config(peer.port, front=[option])) as lb, Client(lb) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: h\r\n" + head + b"\r\n")
        assert client.status() == 400


@pytest.mark.parametrize(
    ("lines", "served"),
    [
        ((), False),
        (("force-persist if { path /force }",), True),
        (("ignore-persist if { path /force }", "force-persist if TRUE"), False),
    ],
    ids=["not", "forced", "the first line counts"],
)
@pytest.mark.parametrize("way", ["cookie", "use-server"])
def test_a_server_that_is_down_is_forced(way: str, lines: tuple[str, ...], served: bool) -> None:
    choice = ["cookie S"] if way == "cookie" else ["use-server s2 if TRUE"]
    with Chaos(echo_head) as peer:
        text = config(peer.port, back=[*choice, "http-send-name-header x-name", *lines])
        down = f"    server s2 127.0.0.1:{peer.port} cookie two disabled\n"
        with balancer(text + down) as lb, Client(lb) as client:
            answer = client.ask(b"GET /force HTTP/1.1\r\nHost: h\r\nCookie: S=two\r\n\r\n")
            assert (b"x-name: s2\r\n" in answer) is served


def test_a_connection_dropped_with_a_ttl_is_reset_within_reach() -> None:
    rule = "http-request silent-drop rst-ttl 9"
    with Chaos(echo_head) as peer, balancer(config(peer.port, front=[rule])) as lb, Client(lb) as client:
        client.send()
        with pytest.raises(ConnectionResetError):
            client.status()
