"""Records as C lays them out: every field that lines are made of is there under its name."""

import re
import socket
from pathlib import Path
from typing import Any

import pytest
from cffi import FFI

from lbcore.proxy.settings import ProxySettings
from lbcore.stream.txnlog import ALIASES, TxnLog
from tests.stream.records import FakeNames, Record, view

HEADER = Path(__file__).resolve().parents[2] / "native" / "include" / "rec.h"
TEXTS = ("uri", "term", "saddr", "daddr")


@pytest.fixture(scope="module")
def ffi() -> FFI:
    declared = re.search(r"typedef struct lb_rec \{.*?\} lb_rec;", HEADER.read_text(), re.DOTALL)
    assert declared is not None
    found = FFI()
    found.cdef(declared[0])
    return found


def struct_of(ffi: FFI, record: Record, alive: list[object]) -> Any:
    struct: Any = ffi.new("lb_rec *")
    for name in Record.__annotations__:
        if name not in TEXTS:
            setattr(struct, name, getattr(record, name))
    ffi.memmove(struct.saddr, record.saddr, len(record.saddr))
    ffi.memmove(struct.daddr, record.daddr, len(record.daddr))
    ffi.memmove(struct.term, record.term, len(record.term))
    if record.uri is not None:
        # Not ended by a NUL: the shim's request line is followed by whatever comes next in the buffer.
        text = ffi.new("char[]", record.uri + b" Host: next")
        alive.append(text)
        struct.uri = text
    return struct


RECORDS = [
    Record(),
    Record(uri=None, backend=-1, server=-1, tr=-1, tw=-1, status=400, term=b"PR--"),
    Record(family=socket.AF_INET6, saddr=socket.inet_pton(socket.AF_INET6, "2001:db8::1"), daddr=bytes(15) + b"\1"),
    Record(family=socket.AF_UNIX, sport=0, dport=0),
    Record(bytes_read=1 << 40, retries=3, redispatched=1),
]


@pytest.mark.parametrize("kind", ["httplog", "clf", None])
@pytest.mark.parametrize("record", RECORDS, ids=range(len(RECORDS)))
def test_lines_from_c_records_are_those_from_plain_ones(ffi: FFI, kind: str | None, record: Record) -> None:
    proxy = ProxySettings("fe", "frontend", mode="http", log_kind=kind)
    alive: list[object] = []
    struct = struct_of(ffi, record, alive)
    assert TxnLog(proxy, FakeNames(), ffi.buffer, 1).line(struct) == TxnLog(proxy, FakeNames(), view, 1).line(record)


def test_a_short_termination_state_ends_at_its_nul(ffi: FFI) -> None:
    proxy = ProxySettings("fe", "frontend", mode="tcp", log_kind="tcplog")
    line = TxnLog(proxy, FakeNames(), ffi.buffer, 1).line(struct_of(ffi, Record(term=b"CD"), []))
    assert line is not None
    assert " CD " in line[1]


def test_every_field_that_an_alias_reads_is_in_the_struct(ffi: FFI) -> None:
    fields = {name for name, _ in ffi.typeof("lb_rec").fields}
    read = {name for alias in ALIASES for name in re.findall(r"\br\.(\w+)", alias.code)}
    assert read <= fields
    assert "bytes_uploaded" in fields
