"""What a real HAProxy makes of expressions: of all that it takes in one run, of those that it refuses in few checks."""

from __future__ import annotations

import re
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence

from tests.conv.cases import shown
from tests.conv.tables import TABLES
from tests.peers.framing import message_length, read_head
from tests.peers.haproxy import Balancer, Program
from tests.peers.ports import HOST, free_port, release_port

SECONDS = 10.0
ERRORS_MAX = 50  # with which the reading of a file ends

# A rule keeps the value in a variable: what is printed of it, as bytes and as text, tells any value and its absence.
CONFIG = """
global
  stats socket "${{STATS}}" level admin
defaults
  mode http
  timeout client 5s
  timeout connect 5s
  timeout server 5s
backend be
  server s1 127.0.0.1:9
  server s2 127.0.0.1:9
frontend fe
  declare capture request len 10
  bind "127.0.0.1:${{FE}}"
{filling}
{rules}
  http-request return status 200 content-type text/plain string none unless {{ var(txn.v) -m found }}
  http-request return status 200 content-type text/plain lf-string "%[var(txn.v),hex] %[var(txn.v),ltrim(),hex]"
{tables}
"""

# Errors in rules end the reading of a file, those in ACLs do not.
CHECKED = """
frontend fe
  mode http
  timeout client 5s
  bind 127.0.0.1:9
{acls}
"""

_ERROR = re.compile(r"error detected while parsing ACL 'a([0-9]+)' : (.*) in ACL expression '")
_ANSWER = re.compile(r"([0-9A-F]*) ([0-9A-F]*)")


def results(program: Program, expressions: Sequence[str], zone: str) -> list[str]:
    """The results of expressions that the program takes, each over a request of its own, in the time zone `zone`."""
    port = free_port()
    try:
        with (
            Balancer(program, _config(expressions), {"FE": port, "TZ": zone}) as balancer,
            socket.create_connection((HOST, port), SECONDS) as sock,
        ):
            _fill(balancer, sock)
            return [_ask(sock, number) for number in range(len(expressions))]
    finally:
        release_port(port)


def refusals(program: Program, expressions: Sequence[str]) -> dict[str, str]:
    """What the program says of the expressions that it refuses."""
    found = {}
    for first in range(0, len(expressions), ERRORS_MAX - 1):
        found.update(_refused(program, expressions[first : first + ERRORS_MAX - 1]))
    return found


def _refused(program: Program, expressions: Sequence[str]) -> dict[str, str]:
    acls = [f"  acl a{number} {_quoted(text)} -m found" for number, text in enumerate(expressions)]
    with tempfile.NamedTemporaryFile("w", suffix=".cfg") as file:
        file.write(CHECKED.format(acls="\n".join(acls)))
        file.flush()
        check = subprocess.run([*program.argv, "-c", "-f", file.name], capture_output=True, text=True, check=False)
    return {expressions[int(number)]: f"error: {sentence}" for number, sentence in _ERROR.findall(check.stderr)}


def _config(expressions: Iterable[str]) -> str:
    rules = [f"  http-request set-var(txn.v) {_quoted(text)} if {{ path /{i} }}" for i, text in enumerate(expressions)]
    tables = "".join(table.lines() for table in TABLES.values())
    return CONFIG.format(rules="\n".join(rules), filling="\n".join(_filling()), tables=tables)


def _fill(balancer: Balancer, sock: socket.socket) -> None:
    """Fills the tables."""
    for name, table in TABLES.items():
        command = table.command()
        said = _ask(sock, f"fill-{name}") if command is None else balancer.cli(command)
        assert not said.strip() or command is None, (name, said)


def _filling() -> Iterator[str]:
    for name, table in TABLES.items():
        for rule in table.rules():
            yield f"  http-request {rule} if {{ path /fill-{name} }}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _ask(sock: socket.socket, number: int | str) -> str:
    sock.sendall(f"GET /{number} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    data = b""
    while (length := message_length(data, response=True)) is None:
        more = sock.recv(65536)
        assert more, (number, data)
        data += more
    head = read_head(data)
    assert head is not None
    return _result(data[head.length : length].decode())


def _result(body: str) -> str:
    """Bytes where the value has them, else its text: what is no text or block of bytes has another one as bytes."""
    answer = _ANSWER.fullmatch(body)
    if answer is None:
        return body
    block, text = bytes.fromhex(answer[1]), bytes.fromhex(answer[2])
    return shown(block if block.startswith(text) else text)
