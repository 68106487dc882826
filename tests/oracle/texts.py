"""What several rows say: error replies that HAProxy does not send there, and where its versions differ."""

from __future__ import annotations

from tests.oracle.row import Departure, Differ

# Written by the connection's parser, before there is a stream: as the manual's error files have it.
BAD_REQUEST = (
    b"HTTP/1.1 400 Bad request\r\nContent-length: 90\r\nCache-Control: no-cache\r\nConnection: close\r\n"
    b"Content-Type: text/html\r\n\r\n"
    b"<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.\n</body></html>\n"
)

# Written by a stream: names in lower case, and the client's connection stays.
BAD_GATEWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 107\r\ncache-control: no-cache\r\ncontent-type: text/html\r\n\r\n"
    b"<html><body><h1>502 Bad Gateway</h1>\nThe server returned an invalid or incomplete response.\n</body></html>\n"
)

# A rule denies a request.
FORBIDDEN = (
    b"HTTP/1.1 403 Forbidden\r\ncontent-length: 93\r\ncache-control: no-cache\r\ncontent-type: text/html\r\n\r\n"
    b"<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>\n"
)

# A rule could not do its work.
INTERNAL_ERROR = (
    b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 97\r\ncache-control: no-cache\r\n"
    b"content-type: text/html\r\n\r\n"
    b"<html><body><h1>500 Internal Server Error</h1>\nAn internal server error occurred.\n</body></html>\n"
)

# A rule stops a response whose head has come.
STOPPED = Differ("2.8", "manual 8.4: Tr is -1 only if the head of the response was never seen")


def logged(line: str) -> bytes:
    """A line of `option httplog` behind its date, as `timeless()` leaves it."""
    return f"<134>D lb[N]: 127.0.0.1:P [D] {line}\n".encode()


def refused(why: str) -> Departure:
    """The request is answered 400 and never reaches a server."""
    return Departure(why, BAD_REQUEST)


def bad_gateway(why: str, *servers: bytes) -> Departure:
    """The request reaches `servers`, whose response is refused: the client gets 502."""
    return Departure(why, BAD_GATEWAY, servers)
