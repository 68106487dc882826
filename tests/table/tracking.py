"""One balancer that tracks every client at every point, conversations with it, and what its tables then say.

Each conversation comes from an address of its own, so that tables tell what it alone has counted. Tables are read
through a frontend of their own, in whose requests the path is the address.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from tests.peers.chaos import read_request
from tests.peers.framing import UNTIL_CLOSE, message_length
from tests.peers.haproxy import Balancer, Program
from tests.peers.ports import HOST, free_port, release_port

PATIENCE = 5.0
SILENCE = 1.5  # seconds, longer than all timeouts of the balancer
KINDS = ("conn_cnt", "conn_cur", "sess_cnt", "http_req_cnt", "http_req_rate", "http_err_cnt", "http_err_rate",
         "http_fail_cnt", "http_fail_rate", "gpc0", "gpt0")  # fmt: skip
STORE = ",".join(f"{kind}(60s)" if kind.endswith("rate") else kind for kind in KINDS)
POINTS = {
    "connection": "tcp-request connection track-sc{} src table {}",
    "session": "tcp-request session track-sc{} src table {}",
    "content": "tcp-request content track-sc{} src table {}",
    "request": "http-request track-sc{} src table {}",
    "response": "http-response track-sc{} src table {}",
    "backend": "",
}
TRACKS = "\n    ".join(line.format(at, name) for at, (name, line) in enumerate(POINTS.items()) if line)
TABLES = "\n".join(
    f"backend {name}\n    stick-table type ip size 1k expire 1m store {STORE}" for name in (*POINTS, "stream")
)
LOOK = " ".join(f"%[path,field(2,/),table_{kind}(NAME)]" for kind in KINDS)
LOOKS = "\n".join(
    f'    http-request return status 200 content-type text/plain lf-string "{LOOK.replace("NAME", name)}" '
    f"if {{ path_end /{name} }}"
    for name in (*POINTS, "stream")
)
CONFIG = f"""\
global
    stats socket "${{STATS}}" level admin
    tune.stick-counters 8
    nbthread 1

defaults
    mode http
    timeout client 5s
    timeout connect 1s
    timeout server 500ms
    timeout http-request 1s
    timeout tarpit 10ms
    retries 0

frontend fe
    bind "127.0.0.1:${{FE}}"
    {TRACKS}
    tcp-request content reject if {{ path /rejected }}
    http-request sc-inc-gpc0(3) if {{ path /inc }}
    http-request sc-set-gpt0(0) 9 if {{ path /inc }}
    http-request deny if {{ path /deny }}
    http-request deny deny_status 503 if {{ path /deny503 }}
    http-request tarpit if {{ path /tarpit }}
    http-request reject if {{ path /reject }}
    http-request silent-drop if {{ path /drop }}
    http-request redirect location / if {{ path /redirect }}
    http-request auth if {{ path /auth }}
    http-request return status 404 if {{ path /return404 }}
    http-request return status 500 if {{ path /return500 }}
    http-response deny if {{ status 203 }}
    use_backend none if {{ path /none }}
    use_backend closed if {{ path /closed }}
    default_backend be

frontend tcp
    bind "127.0.0.1:${{TCP}}"
    mode tcp
    tcp-request connection reject if {{ src 127.9.0.0/16 }}
    tcp-request connection track-sc0 src table connection
    tcp-request session track-sc1 src table session
    tcp-request content track-sc2 src table content
    tcp-request content reject if {{ req.payload(0,6) -m str reject }}
    default_backend back_tcp

backend be
    http-request track-sc5 src table backend
    server s1 "127.0.0.1:${{SRV}}"

backend back_tcp
    mode tcp
    server s1 "127.0.0.1:${{SRV}}"

backend none

backend closed
    server s1 "127.0.0.1:${{CLOSED}}"

frontend look
    bind "127.0.0.1:${{LOOK}}"
{LOOKS}

{TABLES}
"""

ANSWERS = {
    "/500": b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno",
    "/501": b"HTTP/1.1 501 No\r\nContent-Length: 0\r\n\r\n",
    "/505": b"HTTP/1.1 505 No\r\nContent-Length: 0\r\n\r\n",
    "/503": b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
    "/404": b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
    "/denied": b"HTTP/1.1 203 Oh\r\nContent-Length: 0\r\n\r\n",
    "/junk": b"no response\r\n\r\n",
    "/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nshort",
    "/empty": b"",
    "/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "/late": None,
}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def get(target: str, *fields: str) -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: x", *fields, "", ""]).encode()


@dataclass(frozen=True)
class Talk:
    """What a client says, each when it has an answer to the one before; `listener`: whom to."""

    name: str
    says: tuple[bytes, ...]
    listener: str = "FE"
    leaves: bool = False  # ends without waiting for an answer to the last


TALKS = (
    *(Talk(target[1:], (get(target),)) for target in ("/ok", *ANSWERS, "/inc", "/deny", "/deny503", "/tarpit",
      "/reject", "/drop", "/redirect", "/auth", "/return404", "/return500", "/none", "/closed")),
    Talk("twice", (get("/ok"), get("/ok"))),
    Talk("mixed", (get("/ok"), get("/deny"), get("/404"), get("/500"))),
    Talk("nothing", (), leaves=True),
    Talk("bad", (b"nonsense\r\n\r\n",)),
    Talk("half", (b"GET / HTTP/1.1\r\n",), leaves=True),
    Talk("slow", (b"GET / HTTP/1.1\r\n",)),
    Talk("left", (get("/late"),), leaves=True),
    Talk("tcp", (get("/ok"), get("/404")), "TCP"),
    Talk("bad-later", (get("/ok"), b"nonsense\r\n\r\n")),
    Talk("oversized", (get("/ok", "x-large: " + "a" * 20000),)),
    Talk("body-cut", (b"POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nshort",), leaves=True),
    Talk("body-bad", (b"POST /ok HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",)),
    Talk("rejected-content", (get("/rejected"),)),
    Talk("rejected-tcp", (b"reject me",), "TCP"),
    Talk("404-twice", (get("/404"), get("/404"))),
    Talk("408-later", (get("/ok"), b"GET / HTTP/1.1\r\n")),
    Talk("tcp-nothing", (), "TCP", leaves=True),
)  # fmt: skip


class Server:
    """Answers by the target."""

    def __init__(self) -> None:
        self.listener = socket.create_server((HOST, 0))
        self.port = self.listener.getsockname()[1]
        self._ends = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._ends.set()
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
                target = request.split(b" ", 2)[1].decode()
                answer = ANSWERS.get(target, OK)
                if answer is None:
                    self._ends.wait(PATIENCE)
                    return
                one.sendall(answer)
                if target in ("/junk", "/cut", "/empty", "/chunks"):
                    return


@dataclass
class Rig:
    """A running balancer before a running server."""

    balancer: Balancer
    server: Server
    ports: dict[str, int]
    number: int = 0

    def _next_source(self) -> str:
        self.number += 1
        return f"127.1.{self.number // 250}.{self.number % 250 + 1}"

    def connect(self, listener: str, source: str) -> socket.socket:
        return socket.create_connection((HOST, self.ports[listener]), PATIENCE, (source, 0))

    def talk(self, talk: Talk) -> str:
        """Says it, waits for the end, and gives the address that it came from."""
        source = self._next_source()
        with self.connect(talk.listener, source) as client:
            for at, text in enumerate(talk.says):
                client.sendall(text)
                if not (talk.leaves and at == len(talk.says) - 1):
                    self._read(client)
        return source

    def _read(self, client: socket.socket) -> None:
        """Reads until a response is whole, or the other side has ended, or says nothing more."""
        found = b""
        client.settimeout(SILENCE)
        with suppress(OSError):
            while message_length(found, response=True) in (None, UNTIL_CLOSE):
                data = client.recv(65536)
                if not data:
                    return
                found += data

    def table(self, name: str, source: str) -> dict[str, int]:
        """What a table has of an address, without what is 0."""
        with self.connect("LOOK", HOST) as client:
            client.sendall(get(f"/{source}/{name}", "Connection: close"))
            found = b""
            while data := client.recv(65536):
                found += data
        numbers = [int(text) for text in found.partition(b"\r\n\r\n")[2].split()]
        return {kind: value for kind, value in zip(KINDS, numbers, strict=True) if value}


def running(program: Program, use: Callable[[Rig], None]) -> None:
    """Calls `use` with a rig."""
    server = Server()
    ports = {name: free_port() for name in ("FE", "TCP", "LOOK", "CLOSED")}
    try:
        with Balancer(program, CONFIG, {**ports, "SRV": server.port}) as balancer:
            use(Rig(balancer, server, ports))
    finally:
        server.close()
        for port in ports.values():
            release_port(port)
