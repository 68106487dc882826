"""One conversation as data, and short ways to write the messages in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial

from tests.oracle.logline import timeless
from tests.peers.framing import UNTIL_CLOSE, dechunk, message_length, read_head
from tests.peers.script import Do, Step
from tests.peers.scripted import On, Reply

_HEADS = re.compile(rb"(HTTP/1\.[01] \d{3}[^\r\n]*|\S+ [^\r\n]* HTTP/1\.[01])\r\n((?:[^\r\n:]+:[^\r\n]*\r\n)*)\r\n")


@dataclass(frozen=True, slots=True)
class Departure:
    """What must happen where HAProxy departs from the standard: the exact bytes, and the reason with its source.

    `logs` are the lines as `logline.timeless()` leaves them.
    """

    why: str
    client: bytes
    servers: tuple[bytes, ...] = ()
    logs: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Differ:
    """The two HAProxys do not agree: which of them is right ("2.6" or "2.8"), and why."""

    right: str
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation. `via` names the proxy in the topic's configuration.

    `client` is the client's script; plain bytes stand for: send them, read as many final responses as there are
    `replies` (at least one), send FIN, read to the end. `replies` is the server's script; plain bytes stand for a reply
    sent when the whole request has come.

    `early` tells that the reply does not wait for the request's body: how much of that still reaches the server is
    then a matter of timing and only the request's head is compared. `rechunked` tells that chunk boundaries depend on
    how the bytes came in; the chunked bodies are then compared as one chunk. `differ` is there if HAProxy 2.6 and 2.8
    do not do the same, and tells which one is the oracle; without it that is 2.6. `departs` replaces the oracle.

    `varies` is a pattern of what else is different each time in all that is seen and logged: a port, a date; each match
    is compared as `*`. `lines` is how many log lines the conversation makes, by default one per reply, at least one; it
    is looked at only where the topic logs.
    """

    name: str
    client: bytes | tuple[Step, ...]
    replies: tuple[bytes | Reply, ...] = ()
    via: str = "keep"
    early: bool = False
    rechunked: bool = False
    differ: Differ | None = None
    departs: Departure | None = None
    varies: bytes = b""
    lines: int | None = None

    @property
    def log_lines(self) -> int:
        """How many log lines to wait for in a topic that logs."""
        return max(1, len(self.replies)) if self.lines is None else self.lines

    def client_steps(self) -> tuple[Step, ...]:
        """The client's script with the shorthand written out."""
        if isinstance(self.client, tuple):
            return self.client
        return (self.client, *[Do.REPLY] * max(1, len(self.replies)), Do.SHUT, Do.END)

    def server_replies(self) -> tuple[Reply, ...]:
        """The server's script with the shorthand written out."""
        return tuple(reply if isinstance(reply, Reply) else Reply((reply,)) for reply in self.replies)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What both ends of a conversation saw.

    `closed` tells whether the balancer ended the client's connection, `unscripted` how many requests reached the server
    that it had no reply for. `logs` are the log lines that were written meanwhile, if the topic logs.
    """

    client: bytes
    servers: tuple[bytes, ...]
    closed: bool = True
    unscripted: int = 0
    logs: tuple[bytes, ...] = ()


def normalise(row: Row, outcome: Outcome, *, rewritten: bool = False) -> Outcome:
    """The outcome without what depends on timing, as the row declares it. Nothing else is touched.

    `rewritten` tells that rules may have written the heads anew: what RFC 9110 calls the same is then made the same,
    the place of a field among fields of other names (5.3) for the fields that frame the message, and blanks around a
    value (5.5).
    """
    client, servers, logs = outcome.client, outcome.servers, tuple(timeless(line) for line in outcome.logs)
    if row.early:
        servers = tuple(_head_only(received) for received in servers)
    if row.rechunked:
        client = _rechunk(client, response=True)
        servers = tuple(_rechunk(received, response=False) for received in servers)
    if rewritten:
        client, servers = _same_heads(client), tuple(map(_same_heads, servers))
    if row.varies:
        hide = partial(re.compile(row.varies).sub, b"*")
        client, servers, logs = hide(client), tuple(map(hide, servers)), tuple(map(hide, logs))
    return replace(outcome, client=client, servers=servers, logs=logs)


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    """A request: its first line, its header lines and its body as they are. Nothing is added."""
    return _message(line, headers, body)


def get(path: str = "/", *headers: str, host: str = "lb.example") -> bytes:
    """A GET in HTTP/1.1 with a Host."""
    return request(f"GET {path} HTTP/1.1", f"Host: {host}", *headers)


def response(status: str, *headers: str, body: bytes = b"", version: str = "1.1") -> bytes:
    """A response: status with reason, its header lines and its body as they are. Nothing is added."""
    return _message(f"HTTP/{version} {status}", headers, body)


def ok(body: bytes = b"hello", *headers: str) -> bytes:
    """A 200 with a Content-Length."""
    return response("200 OK", *headers, f"Content-Length: {len(body)}", body=body)


def chunks(*parts: bytes, trailers: bytes = b"") -> bytes:
    """A chunked body, one chunk for each part, with the last chunk and the trailers."""
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n" + trailers + b"\r\n"


def at_head(*steps: Step) -> Reply:
    """A reply that begins when the request's head has come."""
    return Reply(steps, On.HEAD)


def at_accept(*steps: Step) -> Reply:
    """What the server does on a connection from its start."""
    return Reply(steps, On.ACCEPT)


def then(*steps: Step) -> Reply:
    """A reply of several steps that begins when the whole request has come."""
    return Reply(steps)


def _message(line: str, headers: tuple[str, ...], body: bytes) -> bytes:
    return "".join(f"{part}\r\n" for part in (line, *headers, "")).encode("latin-1") + body


def _head_only(received: bytes) -> bytes:
    head = read_head(received)
    return received[: head.length] if head else received


def _same_heads(stream: bytes) -> bytes:
    """The stream with the framing fields last in each head, and one blank before each value."""
    return _HEADS.sub(_same_head, stream)


def _same_head(match: re.Match[bytes]) -> bytes:
    start, fields = match.groups()
    lines = [re.sub(rb"^([^:]+:)[ \t]*(.*?)[ \t]*$", rb"\1 \2", line) for line in fields.split(b"\r\n")[:-1]]
    lines.sort(key=lambda line: line.lower().startswith((b"content-length:", b"transfer-encoding:")))
    return b"\r\n".join((start, *lines, b"", b""))


def _rechunk(stream: bytes, *, response: bool) -> bytes:
    """The stream with the chunked body of each of its messages written as one chunk."""
    out = b""
    while stream:
        length = message_length(stream, response=response)
        if length is None or length == UNTIL_CLOSE:
            return out + stream
        out += dechunk(stream[:length])
        stream = stream[length:]
    return out
