"""Where one HTTP/1 message ends, for peers that follow a script: they read what comes and judge nothing.

A codec: bytes in, a length out. Bodies by Content-Length, chunked, none, or until close; RFC 9112 section 6.3.
"""

from __future__ import annotations

from dataclasses import dataclass

UNTIL_CLOSE = -1
_BODILESS = (204, 304)


@dataclass(frozen=True, slots=True)
class Head:
    """What of a message's head matters for its length."""

    start: bytes
    length: int
    chunked: bool
    content_length: int | None

    @property
    def status(self) -> int:
        """The status of a response's head, 0 if it has none that can be read."""
        words = self.start.split(b" ")
        return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def read_head(data: bytes) -> Head | None:
    """The head at the beginning of `data`, None while it is not complete. Leading empty lines count as part of it."""
    skipped = len(data) - len(data.lstrip(b"\r\n"))
    end = data.find(b"\r\n\r\n", skipped)
    if end < 0:
        return None
    start, *lines = data[skipped:end].split(b"\r\n")
    fields = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    lengths = [value for name, value in fields if name == b"content-length" and value.isdigit()]
    chunked = any(name == b"transfer-encoding" and value.lower().endswith(b"chunked") for name, value in fields)
    return Head(start, end + 4, chunked, int(lengths[0]) if lengths else None)


def message_length(data: bytes, *, response: bool, to_head: bool = False) -> int | None:
    """The length of the first message in `data`, None while it is not complete, UNTIL_CLOSE if only a close ends it.

    `response`: it is one, so without a length it lasts until the close; `to_head`: it answers a HEAD request.
    An interim response (1xx but 101) is a message of its own.
    """
    head = read_head(data)
    if head is None:
        return None
    if response and (to_head or head.status < 200 or head.status in _BODILESS):
        return head.length
    if head.chunked:
        return chunked_end(data, head.length)
    if head.content_length is not None:
        end = head.length + head.content_length
        return end if end <= len(data) else None
    return UNTIL_CLOSE if response else head.length


def chunked_end(data: bytes, start: int) -> int | None:
    """The offset behind the chunked body (trailers included) that begins at `start`, None while it is not complete."""
    return _walk_chunks(data, start)[1]


def dechunk(data: bytes) -> bytes:
    """The message with its chunked body written as one chunk, so that chunk boundaries do not matter in comparisons.

    Anything else, also an incomplete chunked body, is returned as it is.
    """
    head = read_head(data)
    if head is None or not head.chunked:
        return data
    payload, end, last = _walk_chunks(data, head.length)
    if end is None:
        return data
    chunk = b"%x\r\n%b\r\n" % (len(payload), payload) if payload else b""
    return data[: head.length] + chunk + data[last:end]


def _walk_chunks(data: bytes, start: int) -> tuple[bytes, int | None, int]:
    """Payload, offset of the end (None while incomplete), and offset of the last chunk's size line."""
    payload = b""
    at = start
    while True:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            return payload, None, at
        try:
            size = int(data[at:line_end].partition(b";")[0], 16)
        except ValueError:  # not a chunk: what follows cannot be told, so it is never complete
            return payload, None, at
        if size == 0:
            return payload, _trailers_end(data, line_end + 2), at
        payload += data[line_end + 2 : line_end + 2 + size]
        at = line_end + 2 + size + 2
        if at > len(data):
            return payload, None, at


def _trailers_end(data: bytes, at: int) -> int | None:
    if data[at : at + 2] == b"\r\n":
        return at + 2
    end = data.find(b"\r\n\r\n", at)
    return end + 4 if end >= 0 else None
