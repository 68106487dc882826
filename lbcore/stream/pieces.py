"""Replies of our own that are made while they are sent.

What answers gives the parts of a body, as small as it likes. They are put together to pieces of SIZE bytes, or of what
SLICE seconds yield; the next one is made when the client has taken the last (ASK_PIECE of native/include/ask.h), after
the worker has done its other work. So a large answer costs one piece of memory, whoever reads it, and holds nobody up.
What is whole with its first piece is sent as any other reply, with its length.

No locks: everything belongs to the worker of the stream.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from lbcore.http.reply import reason_of
from lbcore.stream.rules import Pieces, Reply
from lbcore.stream.txn import Txn

SLICE = 0.002  # seconds that an answer is made at a stretch
SIZE = 65536  # bytes of a piece


def reply_of(t: Txn, status: int, fields: str, parts: Iterable[str], *, counted: str = "") -> Reply:
    """An applet's reply with a body of `parts`. `fields` are the lines of its head but for the framing; `counted` as in
    Reply."""
    t.kept = True
    rest = pieces_of(parts)
    body, more = next(rest)
    framing = "transfer-encoding: chunked" if more else f"content-length: {len(body)}"
    head = f"HTTP/1.1 {status} {reason_of(status)}\r\n{fields}{framing}\r\n\r\n"
    return Reply(status, head, body, counted=counted, rest=rest if more else None, served=True)


def pieces_of(parts: Iterable[str]) -> Pieces:
    """The pieces of a body, one at least, each with whether more may follow."""
    found: list[bytes] = []
    size, until = 0, time.monotonic() + SLICE
    for part in parts:
        if found and (size >= SIZE or time.monotonic() >= until):
            yield b"".join(found), True
            found, size, until = [], 0, time.monotonic() + SLICE
        found.append(part.encode("utf-8", "surrogateescape"))
        size += len(found[-1])
    yield b"".join(found), False
