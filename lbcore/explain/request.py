"""A client as a command line describes it: its request, its body, its address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lbcore.http.reply import reason_of
from lbcore.sample.types import Addr
from lbcore.shim import ffi, lib
from lbcore.shim import text as shim_text

PORTS = {"http": 80, "https": 443}
PORT_MAX = 65535
_ENDPOINT = re.compile(r"(?:\[(?P<six>[^]]*)\]|(?P<four>[^:]*))(?::(?P<port>[0-9]{1,5}))?")
_LINE = re.compile(r"(?:(?P<method>\S+) +)?(?P<target>\S+)(?: +(?P<version>HTTP/\S+))?")


class RequestError(ValueError):
    """The words of the command line make no request; the message says why."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address with a port."""

    address: Addr
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}" if len(self.address) == 4 else f"[{self.address}]:{self.port}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client sends. `host` and `port` are those of its URL: "" and None if it names none."""

    raw: bytes  # head and body
    body: bytes = b""
    host: str = ""
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """A request's head in the shim's normal form, with what a question tells of it."""

    text: bytes
    method: int  # H1_GET ...
    method_len: int
    target_len: int
    path: int
    path_len: int
    flags: int  # H1_F_*
    body_len: int


def parse_endpoint(text: str, port: int) -> Endpoint:
    """`IP`, `IP:port` or `[IPv6]:port`; `port` is what counts if none is given. Raises RequestError."""
    bare = Addr.parse(text)
    if bare is not None:
        return Endpoint(bare, port)
    found = _ENDPOINT.fullmatch(text)
    address = Addr.parse(found["six"] or found["four"]) if found is not None else None
    if found is None or address is None:
        raise RequestError(f"'{text}' is no IP address, nor one with a port")
    number = int(found["port"] or port)
    if number > PORT_MAX:
        raise RequestError(f"'{number}' is no port (0 .. {PORT_MAX})")
    return Endpoint(address, number)


def parse_request(line: str, headers: Sequence[str], body: bytes) -> Asked:
    """The request of `[<method>] <URL or path> [<version>]`. What every client adds is added: Host from the URL,
    Content-Length for a body. Raises RequestError.
    """
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise RequestError(f"'{line}' is no request: expects '[<method>] <URL or path> [HTTP/1.0|HTTP/1.1]'")
    method, version = found["method"] or "GET", found["version"] or "HTTP/1.1"
    host, port, target = _split(found["target"])
    fields = [_field(header) for header in headers]
    names = {name.lower() for name, _ in fields}
    if host and "host" not in names:
        fields.insert(0, ("Host", host))
    if body and not names & {"content-length", "transfer-encoding"}:
        fields.append(("Content-Length", str(len(body))))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    raw = f"{method} {target} {version}\r\n{head}\r\n".encode("utf-8", "surrogateescape")
    return Asked(raw + body, body, host, port)


def parse_reply(status: str, headers: Sequence[str], body: bytes) -> bytes:
    """A server's reply in the shim's normal form, with its body. Raises RequestError."""
    if not re.fullmatch(r"[2-5][0-9][0-9]", status):
        raise RequestError(f"'{status}' is no final status (200 .. 599)")
    fields = [(name.lower(), value) for name, value in map(_field, headers)]
    if not any(name in ("content-length", "transfer-encoding") for name, _ in fields):
        fields.append(("content-length", str(len(body))))
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status} {reason_of(int(status))}\r\n{lines}\r\n".encode("utf-8", "surrogateescape") + body


def _split(url: str) -> tuple[str, int | None, str]:
    """Host with port, port, and what is asked for there."""
    if "://" not in url:
        return "", None, url
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RequestError(f"'{url}' is no URL: {error}") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise RequestError(f"'{url}' is no URL of http or https")
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return parts.netloc.rpartition("@")[2], port if port is not None else PORTS[parts.scheme], path


def _field(header: str) -> tuple[str, str]:
    name, colon, value = header.partition(":")
    if not colon or not name.strip():
        raise RequestError(f"'{header}' is no header: expects '<name>: <value>'")
    return name, value.strip(" \t")


def scan(raw: bytes, maxhdr: int) -> Head:
    """The head of a request, read by the scanner that reads what comes from the wire.

    Raises RequestError for what would be answered with 400.
    """
    head: Any = ffi.new("h1_head *")
    lib.h1_request_init(head, maxhdr)
    done = lib.h1_scan(head, raw, len(raw))
    if done <= 0:
        why = shim_text(lib.h1_error_text(-done)) if done else "the head has no end"
        raise RequestError(why)
    fields = (head.hdr[at] for at in range(head.nhdr))
    lines = (
        raw[d.name : d.name + d.name_len].lower() + b": " + raw[d.value : d.value + d.value_len] + b"\r\n"
        for d in fields
    )
    method = raw[head.method : head.method + head.method_len]
    target = raw[head.target : head.target + head.target_len]
    version = b"HTTP/1.0" if head.version == 10 else b"HTTP/1.1"
    return Head(
        b" ".join((method, target, version)) + b"\r\n" + b"".join(lines) + b"\r\n",
        head.method_id,
        len(method),
        len(target),
        len(method) + 1 + head.path - head.target if head.path_len else 0,
        head.path_len,
        head.flags,
        head.body_len,
    )
