"""`lbcore demo`: two sample servers and a balancer in front of them, in one process, on free loopback ports."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

NAMES = ("blue", "green")
STOPPING = (signal.SIGINT, signal.SIGTERM)
USAGE = "usage: lbcore demo [--seconds <n>]"
CONFIG = """\
global
    nbthread 2

defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s

frontend web
    bind 127.0.0.1:0
    option forwardfor
    default_backend samples

backend samples
    balance roundrobin
"""


class Demonstrated(Protocol):
    """What the demo needs of a balancer. `api.LoadBalancer` is one."""

    def start(self) -> None:
        """Returns when it accepts connections."""

    def close(self) -> None:
        """Returns when nothing of it is left."""

    def url(self, frontend: str) -> str:
        """Where a frontend is reached."""


def demo(words: Sequence[str], factory: Callable[[str], Demonstrated] | None = None) -> int:
    """Runs the demo until Ctrl-C, SIGTERM, or the end of `--seconds`, and returns the exit code."""
    seconds = _seconds(words)
    if seconds is not None and seconds < 0:
        print(USAGE, file=sys.stderr)
        return 1
    # Blocked in all threads, and waited for: a handler may come just before the wait, which it then does not end.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    with ExitStack() as stack:
        servers = [stack.enter_context(sample_server(name)) for name in NAMES]
        balancer = (factory or _load_balancer)(configuration(servers))
        stack.callback(balancer.close)
        balancer.start()
        _tell(balancer.url("web"), servers, seconds)
        if seconds is None:
            signal.sigwait(STOPPING)
        else:
            signal.sigtimedwait(STOPPING, seconds)
    print("Stopped.", flush=True)
    return 0


def _seconds(words: Sequence[str]) -> float | None:
    """How long to run, None for ever, negative if the words make no sense."""
    if not words:
        return None
    try:
        return float(words[1]) if words[0] == "--seconds" and len(words) == 2 else -1.0
    except ValueError:
        return -1.0


def configuration(servers: Sequence[int]) -> str:
    """The balancer's configuration for servers at these ports."""
    lines = (f"    server {name} 127.0.0.1:{port}\n" for name, port in zip(NAMES, servers, strict=True))
    return CONFIG + "".join(lines)


def _tell(url: str, servers: Sequence[int], seconds: float | None) -> None:
    print(f"The balancer, with two threads:  {url}")
    for name, port in zip(NAMES, servers, strict=True):
        print(f"The sample server '{name}':".ljust(33) + f"http://127.0.0.1:{port}/")
    until = "Ctrl-C stops it." if seconds is None else f"It stops after {seconds:g} s, or by Ctrl-C."
    print(f"Ask it twice (curl {url}): the servers take turns. {until}", flush=True)


class _Sample(BaseHTTPRequestHandler):
    """Says which server it is and what it was sent. Connections are kept, so that there is something to reuse."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes
    timeout = 60

    def do_GET(self) -> None:
        name = self.server.name  # type: ignore[attr-defined]
        body = f"Hello from {name}!\n{self.command} {self.path}\n{self.headers}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the base class' way of naming

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' parameter
        """Says nothing: the terminal is for the URLs."""


@contextmanager
def sample_server(name: str) -> Iterator[int]:
    """The port of a running server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Sample) as server:
        server.daemon_threads = True
        server.name = name  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name=name)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def _load_balancer(text: str) -> Demonstrated:
    # The engine: not for those who only mistyped the command.
    from lbcore.api import LoadBalancer

    return LoadBalancer(text)
