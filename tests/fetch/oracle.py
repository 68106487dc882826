"""What a real HAProxy makes of expressions over requests: every expression over every request, in one run."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.peers.framing import message_length, read_head
from tests.peers.haproxy import Balancer, Program
from tests.peers.ports import HOST, free_port, release_port
from tests.peers.sinks import UdpSink

SECONDS = 10.0
MARK = "values"  # before those of a log line
END = "!"  # behind each value, so that an empty one can be told from none

HTTP = """
global
  stats socket "${{STATS}}" level admin
  tune.bufsize 65536
defaults
  mode http
  timeout client 5s
  timeout connect 5s
  timeout server 5s
frontend fe
  bind "127.0.0.1:${{FE}}"
  http-request wait-for-body time 2s
  {rules}
  http-request return status 200 content-type text/plain lf-file "{page}"
{sections}
"""

RESPONSES = """
global
  stats socket "${{STATS}}" level admin
  tune.bufsize 65536
defaults
  mode http
  timeout client 5s
  timeout connect 5s
  timeout server 5s
frontend fe
  bind "127.0.0.1:${{FE}}"
  default_backend be
backend be
  {rules}
  http-response return status 200 content-type text/plain lf-file "{page}"
  server s1 "127.0.0.1:${{SERVER}}"
"""

TCP = """
global
  stats socket "${{STATS}}" level admin
defaults
  mode tcp
  timeout client 5s
frontend fe
  bind "127.0.0.1:${{FE}}"
  log "127.0.0.1:${{LOG}}" len 65000 format raw local0
  log-format "{mark} {line}"
  tcp-request inspect-delay 2s
  {rules}
  tcp-request content reject if WAIT_END
"""


def requests(
    program: Program,
    messages: Sequence[bytes],
    expressions: Sequence[str],
    conditions: Sequence[str] = (),
    sections: str = "",
) -> list[list[str | None]]:
    """For each request the values of the expressions, then "1" for each condition that holds and None for others.

    `sections` are further ones of the configuration.
    """
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page"
        page.write_text(_page(expressions, conditions))
        text = HTTP.format(page=page, rules=_rules("http-request", conditions), sections=sections)
        with _Running(program, text) as running:
            return [_values(running.ask(message), len(expressions) + len(conditions)) for message in messages]


def responses(
    program: Program, messages: Sequence[bytes], expressions: Sequence[str], conditions: Sequence[str] = ()
) -> list[list[str | None]]:
    """As `requests`, for responses of the server `s1` of a backend `be`."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server((HOST, 0)) as server:
        server.settimeout(SECONDS)
        page = Path(folder) / "page"
        # Once `return` looks at its file the response is gone.
        page.write_text(_page([f"var(txn.v{i})" for i in range(len(expressions))], conditions))
        rules = [f"http-response set-var(txn.v{i}) {text}" for i, text in enumerate(expressions)]
        text = RESPONSES.format(page=page, rules="\n  ".join([*rules, _rules("http-response", conditions)]))
        with _Running(program, text, SERVER=server.getsockname()[1]) as running:
            return [_values(running.ask_through(server, one), len(expressions) + len(conditions)) for one in messages]


def contents(program: Program, messages: Sequence[bytes], expressions: Sequence[str]) -> list[list[str | None]]:
    """For each piece of bytes that a client of mode tcp sends before it ends, the values of the expressions."""
    rules = [f"tcp-request content set-var(txn.v{i}) {text}" for i, text in enumerate(expressions)]
    line = " ".join(f"%[var(txn.v{i}),concat({END}),hex]" for i in range(len(expressions)))
    with UdpSink() as sink:
        text = TCP.format(mark=MARK, line=line, rules="\n  ".join(rules))
        with _Running(program, text, LOG=sink.port) as running:
            return [_line_values(sink, running, message, len(expressions)) for message in messages]


def _line_values(sink: UdpSink, running: _Running, message: bytes, count: int) -> list[str | None]:
    """The values in the log line of a connection; other lines tell that proxies start and stop."""
    known = sink.count
    running.send(message)
    while sink.wait_for(known + 1, SECONDS):
        words = sink.lines()[known].decode().split()
        if words[0] == MARK:
            assert len(words) == count + 1, words
            return [_value(word) for word in words[1:]]
        known += 1
    raise AssertionError("no log line")


def _page(expressions: Sequence[str], conditions: Sequence[str]) -> str:
    found = [f"%[{text},concat({END}),hex]" for text in expressions]
    found += [f"%[var(txn.c{i}),concat({END}),hex]" for i in range(len(conditions))]
    return "\n".join(found) + "\n"


def _rules(ruleset: str, conditions: Sequence[str]) -> str:
    return "\n  ".join(f"{ruleset} set-var(txn.c{i}) int(1) if {text}" for i, text in enumerate(conditions))


def _values(body: bytes, count: int) -> list[str | None]:
    lines = body.decode("latin-1").split("\n")[:-1]
    assert len(lines) == count, body
    return [_value(line) for line in lines]


def _value(word: str) -> str | None:
    """The text of a value, None where there is none."""
    return None if word in ("", "-") else bytes.fromhex(word).decode("latin-1").removesuffix(END)


class _Running:
    """A HAProxy that answers on its port FE."""

    def __init__(self, program: Program, text: str, **variables: int) -> None:
        self._port = free_port()
        self._balancer = Balancer(program, text, {"FE": self._port, **variables})

    def __enter__(self) -> Self:
        self._balancer.__enter__()
        return self

    def __exit__(self, *failure: object) -> None:
        self._balancer.close()
        release_port(self._port)

    def _connect(self) -> socket.socket:
        return socket.create_connection((HOST, self._port), SECONDS)

    def ask(self, message: bytes) -> bytes:
        """The body of the answer to a request."""
        with self._connect() as sock:
            sock.sendall(message)
            return _body(sock, message)

    def ask_through(self, server: socket.socket, response: bytes) -> bytes:
        """The body of the answer to a request that the server answers with `response`."""
        with self._connect() as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(response)
                return _body(sock, response)

    def send(self, data: bytes) -> None:
        """Sends bytes on a connection of its own, and waits until the other side closes."""
        with self._connect() as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                continue


def _body(sock: socket.socket, message: bytes) -> bytes:
    data = b""
    while (length := message_length(data, response=True)) is None:
        more = sock.recv(65536)
        assert more, (message, data)
        data += more
    head = read_head(data)
    assert head is not None and head.status == 200, (message, data[:200])
    return data[head.length : length]
