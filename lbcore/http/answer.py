"""Responses as those read them who have a few and in no hurry: health checks. Bytes in, what they say out (RFC 9112).

What flows through the balancer is read by the shim; this is for conversations of our own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_FIRST = re.compile(rb"(HTTP/[0-9]\.[0-9]) ([0-9]{3})(?: ([^\r\n]*))?\Z")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*\Z")
_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_LINE = re.compile(rb"\r?\n")
_START = b"HTTP/"


class MalformedError(ValueError):
    """It is no response."""


@dataclass(slots=True)
class Answer:
    """A response whose head is here. `fields` has for each CR LF, the name in lower case, ": ", its value; text is one
    character a byte. `body` is what is here of it, decoded; `complete`: that is all. `persists`: so the response
    itself says, nothing stands behind it, and the connection may go on (RFC 9112 9.3)."""

    version: str
    status: int
    reason: str
    fields: tuple[tuple[str, str], ...]
    body: bytes = b""
    complete: bool = False
    persists: bool = False

    def values(self, name: str) -> list[str]:
        """The values of all fields called `name`, in lower case."""
        return [value for known, value in self.fields if known == name]


def read_answer(data: bytes, *, ended: bool, bodiless: bool = False) -> Answer | None:
    """The response that `data` begins with, None if its head is not whole yet. `ended`: no more will come; `bodiless`:
    the request was HEAD. Raises MalformedError."""
    end = _HEAD_END.search(data)
    if end is None:
        start = data[: len(_START)]
        if not _START.startswith(start) or ended:
            raise MalformedError("no response")
        return None
    first, *lines = _LINE.split(data[: end.start()])
    found = _FIRST.match(first)
    if found is None:
        raise MalformedError("no status line")
    version, status, reason = (part.decode("latin-1") for part in found.groups(b""))
    answer = Answer(version, int(status), reason, tuple(_field(line) for line in lines))
    behind = _read_body(answer, data[end.end() :], bodiless=bodiless)
    answer.persists = behind == 0 and not ended and answer.status >= 200 and _keeps_alive(answer)
    answer.complete = answer.complete or ended
    return answer


def _keeps_alive(answer: Answer) -> bool:
    options = {option.strip().lower() for value in answer.values("connection") for option in value.split(",")}
    return "close" not in options and (answer.version != "HTTP/1.0" or "keep-alive" in options)


def _field(line: bytes) -> tuple[str, str]:
    found = _FIELD.match(line)
    if found is None:
        raise MalformedError("no field")
    return found[1].decode("latin-1").lower(), found[2].decode("latin-1")


def _read_body(answer: Answer, data: bytes, *, bodiless: bool) -> int | None:
    """How long it is: RFC 9112 6.3. The bytes behind it; None: not all of it is here, or only its connection's end will
    be its own."""
    if bodiless or answer.status in (204, 304) or answer.status < 200:
        answer.complete = True
        return len(data)
    codings = answer.values("transfer-encoding")
    lengths = answer.values("content-length")
    if codings and codings[-1].rpartition(",")[2].strip().lower() == "chunked":
        answer.body, end = _unchunked(data)
    elif lengths and not codings:
        length = _length(lengths)
        answer.body, end = data[:length], length if len(data) >= length else None
    else:
        answer.body, end = data, None
    answer.complete = end is not None
    return None if end is None else len(data) - end


def _length(values: list[str]) -> int:
    found = {part.strip() for value in values for part in value.split(",")}
    text = found.pop()
    if found or not (text.isascii() and text.isdecimal()):
        raise MalformedError("no length")
    return int(text)


def _unchunked(data: bytes) -> tuple[bytes, int | None]:
    """(the payload that is here, where it ends if that is all). Raises MalformedError."""
    body, at = b"", 0
    while True:
        size = _SIZE.match(data, at)
        if size is None:
            if len(data) - at > 64 or b"\n" in data[at:]:
                raise MalformedError("no chunk")
            return body, None
        length = int(size[1], 16)
        if not length:
            line_end = size.end() - (2 if data[size.end() - 2 : size.end()] == b"\r\n" else 1)
            end = _HEAD_END.search(data, line_end)
            return body, end.end() if end is not None else None
        at = size.end()
        body += data[at : at + length]
        at += length
        after = _LINE.match(data, at)
        if after is None:
            if len(data) > at + 1:
                raise MalformedError("no end of a chunk")
            return body, None
        at = after.end()
