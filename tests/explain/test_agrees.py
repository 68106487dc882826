"""What is explained is what happens: the same requests to the same configuration, explained and sent."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lbcore.explain.explanation import Explanation
from lbcore.explain.request import parse_request
from tests.embedded import Client, balancer
from tests.explain.explaining import explain
from tests.peers.chaos import Chaos, read_request

CONFIG = """\
global
    nbthread 1
    h1-case-adjust x-list X-LIST
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend fe
    bind 127.0.0.1:0
    option forwardfor
    acl api path_beg /api
    acl bot hdr_sub(user-agent) -i bot
    http-request deny deny_status 403 if {{ path /secret }} bot
    http-request return status 200 content-type text/plain lf-string "%[path] %[query]" if {{ path_beg /echo }}
    http-request redirect location /moved%[path] code 301 if {{ path_beg /old }}
    http-request reject if {{ path /cut }}
    http-request wait-for-body time 1s if METH_POST
    http-request set-header x-body %[req.body,upper] if METH_POST
    http-request set-var(txn.kind) str(api) if api
    http-request set-header X-Kind %[var(txn.kind)] if {{ var(txn.kind) -m found }}
    http-request replace-path /api/(.*) /v2/\\1 if api
    http-request set-query a=%[urlp(a)]&b=1 if {{ urlp(a) -m found }}
    http-request del-header X-Remove
    http-request add-header X-List b
    http-after-response set-header X-After yes
    use_backend %[req.hdr(x-backend)] if {{ req.hdr(x-backend) -m found }}
    use_backend api if api
    default_backend app
backend app
    server s1 127.0.0.1:{port}
backend api
    option httpclose
    option h1-case-adjust-bogus-server
    http-send-name-header X-Server
    use-server s1 unless {{ path_end /two }}
    http-request set-header X-Backend-Rule %[be_name]
    use-server s2 if {{ path_end /two }}
    server s1 127.0.0.1:{port}
    server s2 127.0.0.1:{port}
"""
REQUESTS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "plain": ("GET /", (), ""),
    "absolute": ("GET http://test/a?x=1", (), ""),
    "api": ("GET /api/users/two?a=7&c=9", (), ""),
    "computed-backend": ("GET /", ("X-Backend: api",), ""),
    "no-such-backend": ("GET /", ("X-Backend: nowhere",), ""),
    "body": ("POST /form", (), "hello"),
    "chosen-fields": ("GET /", ("X-Remove: 1", "X-List: a", "x-forwarded-for: 9.9.9.9"), ""),
    "hop-by-hop": ("GET /", ("Connection: x-hop, close", "X-Hop: 1", "Keep-Alive: 5", "TE: gzip"), ""),
    "upgrade": ("GET /", ("Connection: Upgrade", "Upgrade: websocket"), ""),
    "te": ("GET /api/", ("Connection: TE", "TE: trailers, deflate"), ""),
    "http-1.0": ("GET / HTTP/1.0", (), ""),
    "denied": ("GET /secret", ("User-Agent: a BOT",), ""),
    "not-denied": ("GET /secret", ("User-Agent: somebody",), ""),
    "returned": ("GET /echo/a?b=c", (), ""),
    "redirected": ("GET /old/x", (), ""),
    "nowhere": ("GET /none", ("X-Backend: ",), ""),
    "rejected": ("GET /cut", (), ""),
}


def mirror(connection: socket.socket) -> None:
    """A server that answers with the request it got."""
    _, request = read_request(connection, b"")
    if request:
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(request), request)
        )


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_meets_what_was_explained(name: str, tmp_path: Path) -> None:
    line, headers, body = REQUESTS[name]
    words = ["--frontend", "fe", "--src", "127.0.0.1", "--data", body]
    words += [word for header in ("Host: test", *headers) for word in ("-H", header)]
    with Chaos(mirror) as server, balancer(CONFIG.format(port=server.port)) as lb, Client(lb) as client:
        client.send(parse_request(line, ["Host: test", *headers], body.encode()).raw)
        client.socket.shutdown(socket.SHUT_WR)  # ends what may have become a tunnel
        status, answer = client.response()
        found = explain(tmp_path, CONFIG.format(port=server.port), line, *words)
    assert (status, answer.decode("latin-1")) == _expected(found)


def _expected(found: Explanation) -> tuple[int, str]:
    """Status and body by the explanation; 0 for a connection that ends without an answer."""
    if found.outcome == "forward":
        return 200, found.head + found.body
    return (found.status or 0, found.body) if found.outcome == "reply" else (0, "")
