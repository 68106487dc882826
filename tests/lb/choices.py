"""Which server a balancer sends each of many requests to, for two programs with the same configuration.

The servers are the letters of SERVERS: `a` answers "a", and so on. A balancer has one `listen` section for each choice
that is looked at, which is asked with all requests on one connection, so that their order is known.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.peers.ports import HOST

SERVERS = "abcdefg"  # a prime number of them, so that no bit of a hash is without influence
WEIGHTS = (1, 2, 3, 5, 8, 13, 40)
BATCH = 250  # requests under way: their answers fit in the buffers of a connection

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)")
_ANSWER = re.compile(rb"\r\n\r\n(.)")
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n"

DEFAULTS = """
global
  nbthread 1
  stats socket "${STATS}" level admin
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
"""


def listen(name: str, *lines: str, servers: Sequence[str] | None = None, mode: str = "http") -> str:
    """A section that listens on the port of the variable `name`. `servers` are the words behind the address of each
    server; None: those of WEIGHTS."""
    if servers is None:
        servers = [f"weight {weight}" for weight in WEIGHTS]
    text = [f"listen {name}", f'  bind "{HOST}:${{{name}}}"', f"  mode {mode}", *(f"  {line}" for line in lines)]
    for letter, words in zip(SERVERS, servers, strict=False):
        text.append(f'  server {letter} "{HOST}:${{SERVER_{letter}}}" {words}')
    return "\n".join(text) + "\n"


def by_header(key: str) -> bytes:
    """A request whose key is a header."""
    return f"GET / HTTP/1.1\r\nhost: www.example.com\r\nx-key: {key}\r\n\r\n".encode("latin-1")


def get(target: str, *fields: str, host: str = "www.example.com") -> bytes:
    """A request for `target` with `fields`."""
    return "\r\n".join([f"GET {target} HTTP/1.1", f"host: {host}", *fields, "", ""]).encode("latin-1")


def chosen(port: int, requests: Sequence[bytes], source: str = "") -> str:
    """The letters of the servers that get the requests, sent one after the other on one connection, from `source`."""
    bound = (source, 0) if source else None
    found: list[bytes] = []
    with socket.create_connection((HOST, port), timeout=20, source_address=bound) as sock:
        for start in range(0, len(requests), BATCH):
            batch = requests[start : start + BATCH]
            sock.sendall(b"".join(batch))
            found += _answers(sock, len(batch))
    return b"".join(found).decode()


def _answers(sock: socket.socket, count: int) -> list[bytes]:
    data = b""
    while True:
        more = sock.recv(262144)
        assert more, f"closed after {data!r}"
        data += more
        if data.count(_END) >= count and len(found := _ANSWER.findall(data)) >= count:
            return found


def each(names: Iterable[str], ports: Mapping[str, int], requests: Sequence[bytes]) -> dict[str, str]:
    """`chosen()` for several sections at once."""
    listed = list(names)
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda name: chosen(ports[name], requests), listed)
        return dict(zip(listed, found, strict=True))


@contextmanager
def farm() -> Iterator[dict[str, int]]:
    """The servers, each of which answers any number of requests with its letter; their ports by `SERVER_<letter>`."""
    listening = {letter: socket.create_server((HOST, 0), backlog=128) for letter in SERVERS}
    ends = [threading.Thread(target=_accept, args=(sock, letter), daemon=True) for letter, sock in listening.items()]
    for thread in ends:
        thread.start()
    try:
        yield {f"SERVER_{letter}": sock.getsockname()[1] for letter, sock in listening.items()}
    finally:
        for sock in listening.values():
            sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in ends:
            thread.join()


def _accept(listening: socket.socket, letter: str) -> None:
    serving: list[threading.Thread] = []
    while True:
        try:
            sock, _ = listening.accept()
        except OSError:
            break
        serving.append(threading.Thread(target=_serve, args=(sock, letter.encode()), daemon=True))
        serving[-1].start()
    for thread in serving:
        thread.join(20)


def _serve(sock: socket.socket, letter: bytes) -> None:
    answer, data = _HEAD + letter, b""
    with sock:
        while True:
            try:
                more = sock.recv(65536)
            except OSError:
                return
            if not more:
                return
            count, data = _requests(data + more)
            sock.sendall(answer * count)


def _requests(data: bytes) -> tuple[int, bytes]:
    """How many whole requests these are, and what is left."""
    if b"\r\ncontent-length:" not in data and b"\r\ntransfer-encoding:" not in data:
        return data.count(_END), data[data.rfind(_END) + 4 :] if _END in data else data
    head, end, rest = data.partition(_END)
    if not end:
        return 0, data
    length = _LENGTH.search(head)
    last = int(length[1]) if length else _end_of_chunks(rest) if b"\r\ntransfer-encoding:" in head else 0
    if last < 0 or last > len(rest):
        return 0, data
    count, left = _requests(rest[last:])
    return count + 1, left


def _end_of_chunks(body: bytes) -> int:
    """The length of a chunked body with its framing, -1 if it is not whole."""
    if body.startswith(b"0\r\n\r\n"):
        return 5
    at = body.find(b"\r\n0\r\n\r\n")
    return at + 7 if at >= 0 else -1
