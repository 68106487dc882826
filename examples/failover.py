"""What a client sees when a server is gone: `python examples/failover.py`.

One of two servers refuses connections. The balancer tries the other one, and the client never knows.
"""

from __future__ import annotations

import socket
import sys
import threading
import urllib.request

import lbcore

CONFIG = """
defaults
    mode http
    option redispatch 1          # a retry may go to another server, the first one already
    retries 2
    timeout connect 1s
    timeout client 10s
    timeout server 10s
frontend web
    bind 127.0.0.1:0
    default_backend app
backend app
    server gone 127.0.0.1:{}
    server alive 127.0.0.1:{}
"""
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nalive\n"


def serve(listener: socket.socket) -> None:
    """Answers one request a connection, for as long as the program runs."""
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(REPLY)


def main() -> int:
    """The exit code: 0 if all of ten requests were answered."""
    alive = socket.create_server(("127.0.0.1", 0))
    with socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        threading.Thread(target=serve, args=[alive], daemon=True).start()
        ports = gone.getsockname()[1], alive.getsockname()[1]
        with lbcore.LoadBalancer(CONFIG.format(*ports)) as lb:
            statuses = [urllib.request.urlopen(lb.url("web")).status for _ in range(10)]
    print(f"{statuses.count(200)} of {len(statuses)} requests were answered, though every other one met a dead server")
    return 0 if statuses.count(200) == len(statuses) else 1


if __name__ == "__main__":
    sys.exit(main())
