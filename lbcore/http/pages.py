"""The error pages that the balancer answers with by itself: HAProxy's, byte for byte.

There are two kinds. A *page* answers a request that was understood: it is a response like any other, whose names are in
lower case and whose Connection field is written when it is sent. An *early* one answers what could not be understood as
a request at all: it goes out as it stands and the connection is closed.
"""

from __future__ import annotations

from typing import NamedTuple


class Page(NamedTuple):
    """What an error page says."""

    status: int
    reason: str
    text: str


PAGES = (
    Page(400, "Bad request", "Your browser sent an invalid request."),
    Page(401, "Unauthorized", "You need a valid user and password to access this content."),
    Page(403, "Forbidden", "Request forbidden by administrative rules."),
    Page(404, "Not Found", "The resource could not be found."),
    Page(
        405,
        "Method Not Allowed",
        "A request was made of a resource using a request method not supported by that resource.",
    ),
    Page(407, "Unauthorized", "You need a valid user and password to access this content."),
    Page(408, "Request Time-out", "Your browser didn't send a complete request in time."),
    Page(410, "Gone", "The resource is no longer available and will not be available again."),
    Page(413, "Payload Too Large", "The request entity exceeds the maximum allowed."),
    Page(421, "Misdirected Request", "Request sent to a non-authoritative server."),
    Page(422, "Unprocessable Content", "The server cannot process the contained instructions."),
    Page(425, "Too Early", "Your browser sent early data."),
    Page(429, "Too Many Requests", "You have sent too many requests in a given amount of time."),
    Page(500, "Internal Server Error", "An internal server error occurred."),
    Page(501, "Not Implemented", "The server does not support the functionality required to fulfill the request."),
    Page(502, "Bad Gateway", "The server returned an invalid or incomplete response."),
    Page(503, "Service Unavailable", "No server is available to handle this request."),
    Page(504, "Gateway Time-out", "The server didn't respond in time."),
)
EARLY = (400, 408)


def body(page: Page) -> str:
    """The HTML of a page."""
    return f"<html><body><h1>{page.status} {page.reason}</h1>\n{page.text}\n</body></html>\n"


def message(page: Page) -> bytes:
    """The response to a request that was understood, without a Connection field."""
    html = body(page)
    return (
        f"HTTP/1.1 {page.status} {page.reason}\r\ncontent-length: {len(html)}\r\ncache-control: no-cache\r\n"
        f"content-type: text/html\r\n\r\n{html}"
    ).encode()


def early_message(page: Page) -> bytes:
    """The response to what was no request."""
    html = body(page)
    return (
        f"HTTP/1.1 {page.status} {page.reason}\r\nContent-length: {len(html)}\r\nCache-Control: no-cache\r\n"
        f"Connection: close\r\nContent-Type: text/html\r\n\r\n{html}"
    ).encode()
