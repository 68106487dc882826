"""Answers of our own as whole messages: built from a status and fields, read from error files, or by default.

A `Message` has its head in the shim's normal form (native/include/ask.h): names in lower case, ended by an empty line.
Its Connection field is not there: who sends a message writes that. Text is latin-1, one character a byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from lbcore.http.pages import EARLY, PAGES, Page, body

END = "\r\n"

# The reasons that HAProxy sends; other statuses get the word for their class.
REASONS: dict[int, str] = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    203: "Non-Authoritative Information",
    204: "No Content",
    205: "Reset Content",
    206: "Partial Content",
    207: "Multi-Status",
    210: "Content Different",
    226: "IM Used",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Found",
    303: "See Other",
    304: "Not Modified",
    305: "Use Proxy",
    307: "Temporary Redirect",
    308: "Permanent Redirect",
    310: "Too many Redirects",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Time-out",
    409: "Conflict",
    410: "Gone",
    411: "Length Required",
    412: "Precondition Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Requested range unsatisfiable",
    417: "Expectation failed",
    418: "I'm a teapot",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    423: "Locked",
    424: "Method failure",
    425: "Too Early",
    426: "Upgrade Required",
    428: "Precondition Required",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    449: "Retry With",
    450: "Blocked by Windows Parental Controls",
    451: "Unavailable For Legal Reasons",
    456: "Unrecoverable Error",
    499: "client has closed connection",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway or Proxy Error",
    503: "Service Unavailable",
    504: "Gateway Time-out",
    505: "HTTP Version not supported",
    506: "Variant also negotiate",
    507: "Insufficient storage",
    508: "Loop detected",
    509: "Bandwidth Limit Exceeded",
    510: "Not extended",
    511: "Network authentication required",
    520: "Web server is returning an unknown error",
}
_CLASSES = {2: "Success", 3: "Redirection", 4: "Client Error", 5: "Server Error"}

# Statuses whose page may be replaced by the configuration: 200 answers `monitor-uri`.
PAGE_STATUSES = (200, *(page.status for page in PAGES))
_READY = Page(200, "OK", "Service ready.")

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_START = re.compile(r"HTTP/([0-9])\.([0-9]) ([0-9]{3})(?: ([^\x00-\x08\x0a-\x1f\x7f]*))?$")
_VALUE_UNSAFE = re.compile("[\\x00-\\x08\\x0a-\\x1f\\x7f]")
_NO_BODY = (204, 304)  # responses that never have one (RFC 9110 6.4.1)
_OURS = ("connection", "keep-alive", "proxy-connection")


class MessageError(ValueError):
    """A file is no HTTP response that can be sent; the message says why in HAProxy's words."""


class Message(NamedTuple):
    """A whole response. `close`: nothing tells where its body ends but the end of the connection, or it asks for that.

    A message without a head sends nothing: the connection is just closed (`errorfile 403 /dev/null`).
    """

    head: str
    body: bytes
    close: bool = False


SILENT = Message("", b"", True)


def reason_of(status: int) -> str:
    """The reason phrase of a status, as HAProxy sends it."""
    return REASONS.get(status) or _CLASSES.get(status // 100, "Other")


def is_token(text: str) -> bool:
    """Whether a text may be the name of a field (RFC 9110 5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


def encode_value(text: str) -> str:
    """A text as a field may carry it: control characters, CR and LF above all, become `%XX`, as HAProxy writes them."""
    return _VALUE_UNSAFE.sub(_escaped, text) if _VALUE_UNSAFE.search(text) else text


def _escaped(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"


def build_message(
    status: int, fields: Iterable[tuple[str, str]], payload: bytes = b"", content_type: str = ""
) -> Message:
    """A response with `fields` (lower-case names, values that are fit for the wire) and a body, in HAProxy's order."""
    lines = [f"HTTP/1.1 {status} {reason_of(status)}"]
    close = False
    for name, value in fields:
        if name in _OURS:
            close |= "close" in [part.strip().lower() for part in value.split(",")]
        else:
            lines.append(f"{name}: {value}")
    if status != 204:  # RFC 9110 8.6
        lines.append(f"content-length: {len(payload)}")
    if payload and content_type:
        lines.append(f"content-type: {content_type}")
    return Message(END.join(lines) + END + END, payload, close)


def redirection(status: int, location: str, fields: Iterable[tuple[str, str]] = ()) -> str:
    """The head of a redirect, in HAProxy's order."""
    lines = f"HTTP/1.1 {status} {reason_of(status)}\r\ncontent-length: 0\r\nlocation: {location}\r\n"
    if status in (302, 303, 307):  # what is no permanent answer is not to be kept
        lines += "cache-control: no-cache\r\n"
    return lines + "".join(f"{name}: {value}\r\n" for name, value in fields) + END


def location_page(status: int, url: str) -> Message:
    """The page of `errorloc302` and `errorloc303`."""
    fields = f"cache-control: no-cache\r\ncontent-length: 0\r\nlocation: {url}\r\n"
    return Message(f"HTTP/1.1 {status} {reason_of(status)}\r\n{fields}\r\n", b"")


@cache
def default_page(status: int) -> Message:
    """HAProxy's own page for one of PAGE_STATUSES; those for requests that were none close. Raises KeyError for another
    status.
    """
    page = _READY if status == _READY.status else {page.status: page for page in PAGES}[status]
    text = body(page)
    head = (
        f"HTTP/1.1 {status} {page.reason}\r\ncontent-length: {len(text)}\r\ncache-control: no-cache\r\n"
        "content-type: text/html\r\n\r\n"
    )
    return Message(head, text.encode(), status in EARLY)


# --- files ---


def parse_message(raw: bytes, limit: int) -> Message:
    """What an error file holds. An empty one gives SILENT. `limit` is the size of a buffer, in bytes.

    Lines may end in LF alone, and folded ones are put together, for files are written by hand; what the file says about
    its connection counts only as `close`. Raises MessageError.
    """
    if not raw:
        return SILENT
    lines, payload = _split(raw)
    matched = _START.match(lines[0])
    if matched is None:
        raise MessageError(f"unable to parse headers (error offset: {_leading(raw)})")
    status = int(matched[3])
    if status < 200:
        raise MessageError(f"invalid http status code for an error message ({status})")
    fields = _fields(raw, lines[1:])
    close = _framing(raw, status, fields, payload)
    version = "HTTP/1.1" if (matched[1], matched[2]) >= ("1", "1") else "HTTP/1.0"
    reason = matched[4] if matched[4] is not None else reason_of(status)
    kept = [f"{name}: {value}" for name, value in _once(fields) if name not in _OURS]
    head = END.join([f"{version} {status} {reason}", *kept]) + END + END
    if len(head) + len(payload) > limit:
        raise MessageError("unable to add payload into the HTX message")
    return Message(head, payload, close)


def _split(raw: bytes) -> tuple[list[str], bytes]:
    """The lines of the head without their ends, and what stands behind it."""
    match = re.search(rb"\r?\n\r?\n", raw[_leading(raw) :])
    if match is None:
        raise MessageError("unable to parse headers (error offset: -2)")
    start = _leading(raw)
    head = raw[start : start + match.start()].decode("latin-1")
    lines: list[str] = []
    for line in re.split(r"\r?\n", head):
        if line[:1] in (" ", "\t") and lines:
            lines[-1] += " " + line.strip(" \t")
        else:
            lines.append(line)
    return lines, raw[start + match.end() :]


def _leading(raw: bytes) -> int:
    """How many bytes of empty lines stand before the message."""
    return len(raw) - len(raw.lstrip(b"\r\n"))


def _fields(raw: bytes, lines: Iterable[str]) -> list[tuple[str, str]]:
    fields = []
    for line in lines:
        name, colon, value = line.partition(":")
        value = value.strip(" \t")
        if not colon or not is_token(name) or _VALUE_UNSAFE.search(value):
            raise MessageError(f"unable to parse headers (error offset: {raw.find(line.encode('latin-1'))})")
        fields.append((name.lower(), value))
    return fields


def _framing(raw: bytes, status: int, fields: list[tuple[str, str]], payload: bytes) -> bool:
    """Whether the connection must close behind the message. Raises MessageError if its framing can't be meant."""
    if any(name == "transfer-encoding" for name, _ in fields):
        raise MessageError("chunk-encoded payload not supported")
    lengths = {value for name, value in fields if name == "content-length"}
    if len(lengths) > 1 or not all(value.isdecimal() for value in lengths):
        raise MessageError(f"unable to parse headers (error offset: {raw.lower().rfind(b'content-length')})")
    if payload and status in _NO_BODY:
        raise MessageError("message payload not expected")
    if lengths and int(next(iter(lengths))) != len(payload) and status != 304:
        raise MessageError(
            f"payload size does not match the announced content-length ({len(payload)} != {next(iter(lengths))})"
        )
    asked = any(
        name == "connection" and "close" in [part.strip().lower() for part in value.split(",")]
        for name, value in fields
    )
    return asked or not (lengths or status in _NO_BODY)


def _once(fields: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """The fields with at most one Content-Length, and none that says nothing."""
    seen = False
    for name, value in fields:
        if name == "content-length":
            if seen:
                continue
            seen = True
        yield name, value
