"""A balancer inside of a Python program: `python examples/embedded.py`.

Starts two small servers and a balancer in front of them, asks it six times, and ends.
"""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import lbcore

CONFIG = """
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 10s
frontend web
    bind 127.0.0.1:0
    default_backend app
backend app
    server blue 127.0.0.1:{} weight 2
    server green 127.0.0.1:{} weight 1
"""


class Hello(BaseHTTPRequestHandler):
    """Says who answers."""

    name: str

    def do_GET(self) -> None:
        body = f"hello from {self.name}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def server(name: str) -> Iterator[int]:
    """The port of a server that runs while the block does."""
    with ThreadingHTTPServer(("127.0.0.1", 0), type(name, (Hello,), {"name": name})) as running:
        threading.Thread(target=running.serve_forever, args=[0.05]).start()
        try:
            yield running.server_port
        finally:
            running.shutdown()


def main() -> None:
    """Asks six times: blue, whose weight is 2, answers twice as often as green."""
    with ExitStack() as stack:
        ports = [stack.enter_context(server(name)) for name in ("blue", "green")]
        # start() returns when clients are accepted; port 0 took a free one, which url() knows.
        lb = stack.enter_context(lbcore.LoadBalancer(CONFIG.format(*ports)))
        for _ in range(6):
            with urllib.request.urlopen(lb.url("web")) as reply:
                print(reply.read().decode(), end="")


if __name__ == "__main__":
    main()
