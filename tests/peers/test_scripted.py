"""Scripted clients and servers, talking to each other without a balancer between them."""

from __future__ import annotations

import socket

from tests.peers.clients import converse
from tests.peers.ports import HOST
from tests.peers.script import Do, End, Receive, unread_by_peer
from tests.peers.scripted import On, Played, Reply, ScriptedServer

_GET = b"GET / HTTP/1.1\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_replies_are_given_in_order_and_requests_are_kept() -> None:
    with ScriptedServer() as server:
        server.play((Reply((_OK,)), Reply((_OK.replace(b"ok", b"no"),))))
        party = converse(server.port, (_GET + _GET, Do.REPLY, Do.REPLY, Do.SHUT, Do.END))
        played = server.finish()
    assert (party.received, party.end) == (_OK + _OK.replace(b"ok", b"no"), End.CLOSED)
    assert played == Played((_GET + _GET,), 0)


def test_a_request_too_many_is_told() -> None:
    with ScriptedServer() as server:
        server.play(())
        converse(server.port, (_GET, Do.END))
        assert server.finish() == Played((_GET,), 1)


def test_a_server_may_speak_first_and_half_close() -> None:
    with ScriptedServer() as server:
        server.play((Reply((b"hi", Do.SHUT, Do.END), On.ACCEPT),))
        party = converse(server.port, (Do.END, b"late", Do.CLOSE))
        assert (party.received, server.finish()) == (b"hi", Played((b"late",), 0))


def test_a_reset_is_not_taken_for_a_close() -> None:
    with ScriptedServer() as server:
        server.play((Reply((Do.RESET,), On.HEAD),))
        assert converse(server.port, (_GET, Do.END)).end is End.RESET


def test_waiting_for_what_does_not_come_is_a_timeout() -> None:
    with ScriptedServer() as server:
        server.play((Reply((Do.END,), On.ACCEPT),))
        assert converse(server.port, (Receive(1),), seconds=0.05).end is End.TIMEOUT


def test_the_kernel_tells_what_the_peer_has_not_read() -> None:
    with socket.create_server((HOST, 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        peer, _ = listener.accept()
        with peer:
            client.sendall(b"12345")
            before = unread_by_peer(client)
            peer.recv(5)
            assert (before, unread_by_peer(client)) == (5, 0)


def test_a_client_that_closes_has_left() -> None:
    with ScriptedServer() as server:
        server.play((Reply((Do.END,), On.ACCEPT),))
        assert converse(server.port, (b"x", Do.CUT, Do.CLOSE, b"never sent")).end is End.LEFT
        assert server.finish() == Played((b"x",), 0)
