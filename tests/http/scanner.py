"""The HTTP/1 scanner as Python functions: the sources `native/src/h1*.c`, compiled on their own, opened with cffi."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cffi import FFI

NATIVE = Path(__file__).resolve().parents[2] / "native"
CONCERNS = ("h1word", "h1host", "h1field", "h1", "h1body")
DEFINE = re.compile(r"^#define (H1_\w+) (0x[0-9a-fA-F]+|\d+)\b", re.MULTILINE)
MAXHDR = 101


@dataclass(frozen=True)
class Head:
    """What the scanner made of a head. `error` names an H1_ERR_*; it is empty if the head is good or incomplete."""

    error: str
    length: int  # 0: incomplete, or refused
    method: bytes = b""
    target: bytes = b""
    version: int = 0
    status: int = 0
    reason: bytes = b""
    fields: tuple[tuple[bytes, bytes], ...] = ()
    flags: frozenset[str] = frozenset()
    body_len: int = 0


@dataclass(frozen=True)
class Body:
    """What the decoder made of a chunked body; `length` counts framing, payload and trailers, 0 if it is incomplete."""

    error: str
    length: int
    payload: bytes


class Scanner:
    """The library, and the names of its constants. Made by `scanner()`; nothing in it changes, so it may be shared."""

    def __init__(self, library: Path) -> None:
        headers = [NATIVE / "include" / f"{name}.h" for name in CONCERNS]
        self.ffi = FFI()
        self.ffi.cdef("\n".join(_declarations(header) for header in headers))
        self.lib: Any = self.ffi.dlopen(str(library))
        text = "\n".join(header.read_text() for header in headers)
        self.constants = {name: int(value, 0) for name, value in DEFINE.findall(text)}
        self.errors = {v: n for n, v in self.constants.items() if n.startswith("H1_ERR_") and n != "H1_ERR_N"}
        self.flags = {v: n for n, v in self.constants.items() if n.startswith("H1_F_")}

    def request(self, data: bytes, cuts: tuple[int, ...] = ()) -> Head:
        """The head of a request that arrives in pieces, cut at the offsets `cuts`."""
        return self._head(self.lib.h1_request_init, data, cuts)

    def response(self, data: bytes, cuts: tuple[int, ...] = ()) -> Head:
        """The head of a response that arrives in pieces, cut at the offsets `cuts`."""
        return self._head(self.lib.h1_response_init, data, cuts)

    def chunked(self, data: bytes) -> Body:
        """The chunked body with its trailers that begins with the first byte of `data`."""
        chunk: Any = self.ffi.new("h1_chunk *")
        run, at, payload = self.ffi.new("uint32_t *"), 0, b""
        self.lib.h1_chunk_init(chunk)
        while True:
            eaten = self.lib.h1_chunk_next(chunk, data[at:], len(data) - at, run)
            if eaten < 0:
                return Body(self.errors[-eaten], 0, payload)
            at += eaten
            if not run[0]:
                break
            payload += data[at : at + run[0]]
            at += run[0]
            self.lib.h1_chunk_took(chunk, run[0])
        if chunk.state != self.constants["H1_CHUNK_TRAILERS"]:
            return Body("", 0, payload)
        trailers = self.lib.h1_trailers_len(data[at:], len(data) - at)
        return Body(self.errors[-trailers] if trailers < 0 else "", at + trailers if trailers > 0 else 0, payload)

    def _head(self, init: Callable[[Any, int], None], data: bytes, cuts: tuple[int, ...]) -> Head:
        head, result = self.ffi.new("h1_head *"), 0
        init(head, MAXHDR)
        for end in (*cuts, len(data)):
            result = self.lib.h1_scan(head, data[:end], end)
            if result:
                break
        if result < 0:
            return Head(self.errors[-result], 0)
        return self._index(head, data) if result else Head("", 0)

    def _index(self, head: Any, data: bytes) -> Head:
        def piece(at: int, length: int) -> bytes:
            return data[at : at + length]

        def fields() -> Iterator[tuple[bytes, bytes]]:
            for i in range(head.nhdr):
                field = head.hdr[i]
                yield piece(field.name, field.name_len), piece(field.value, field.value_len)

        return Head(
            error="",
            length=head.len,
            method=piece(head.method, head.method_len),
            target=piece(head.target, head.target_len),
            version=head.version,
            status=head.status,
            reason=piece(head.reason, head.reason_len),
            fields=tuple(fields()),
            flags=frozenset(name for value, name in self.flags.items() if head.flags & value),
            body_len=head.body_len,
        )


def _compiler() -> str:
    return os.environ.get("CC") or shutil.which("gcc") or shutil.which("cc") or "gcc"


def _declarations(header: Path) -> str:
    """What cffi needs of a header: the parts outside LB_CFFI with the constants put in."""
    command = [_compiler(), "-E", "-P", "-DLB_CFFI", "-x", "c", str(header)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@functools.cache
def scanner() -> Scanner:
    """The library, compiled once in each process; its file is gone as soon as it is open."""
    with tempfile.TemporaryDirectory(prefix="lbcore-h1-") as folder:
        library = Path(folder) / "h1.so"
        sources = [str(NATIVE / "src" / f"{name}.c") for name in CONCERNS]
        flags = ["-std=gnu11", "-O1", "-fno-strict-aliasing", "-shared", "-fPIC", f"-I{NATIVE / 'include'}"]
        subprocess.run([_compiler(), *flags, "-o", str(library), *sources], check=True, capture_output=True)
        return Scanner(library)
