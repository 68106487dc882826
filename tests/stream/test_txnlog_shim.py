"""Records as C lays them out: every field that lines are made of is there under its name."""

import re
import socket
from typing import Any

import pytest

from lbcore.proxy.settings import ProxySettings
from lbcore.sample.alias import ALIASES
from lbcore.shim import ffi
from lbcore.stream.aliases import Helpers
from lbcore.stream.logs import Texts
from lbcore.stream.txn import REC, RECORD
from lbcore.stream.txnlog import TxnLog
from tests.stream.records import FakeNames, Record, line_at

TEXTS = ("uri", "term", "saddr", "daddr", "baddr")


def packed(record: Record, alive: list[object]) -> tuple[Any, ...]:
    """The record as C writes it, read as it is read in a worker."""
    struct: Any = ffi.new("lb_rec *")
    for name in Record.__annotations__:
        if name not in TEXTS:
            setattr(struct, name, getattr(record, name))
    ffi.memmove(struct.saddr, record.saddr, len(record.saddr))
    ffi.memmove(struct.daddr, record.daddr, len(record.daddr))
    ffi.memmove(struct.baddr, record.baddr, len(record.baddr))
    ffi.memmove(struct.term, record.term, len(record.term))
    if record.uri is not None:
        # Not ended by a NUL: the shim's request line is followed by whatever comes next in the buffer.
        text = ffi.new("char[]", record.uri + b" Host: next")
        alive.append(text)
        struct.uri = text
    return RECORD.unpack(ffi.buffer(struct))


def texts_of(alive: list[Any]) -> Texts:
    found = Texts()
    if alive:
        found.take(int(ffi.cast("uintptr_t", alive[0])), ffi.buffer(alive[0]))
    return found


RECORDS = [
    Record(),
    Record(uri=None, backend=-1, server=-1, tr=-1, tw=-1, status=400, term=b"PR--"),
    Record(family=socket.AF_INET6, saddr=socket.inet_pton(socket.AF_INET6, "2001:db8::1"), daddr=bytes(15) + b"\1"),
    Record(family=socket.AF_UNIX, sport=0, dport=0),
    Record(bytes_read=1 << 40, retries=3, redispatched=1),
]


@pytest.mark.parametrize("kind", ["httplog", "clf", None])
@pytest.mark.parametrize("record", RECORDS, ids=range(len(RECORDS)))
def test_lines_from_c_records_are_those_from_plain_ones(kind: str | None, record: Record) -> None:
    proxy = ProxySettings("fe", "frontend", mode="http", log_kind=kind)
    alive: list[object] = []
    row = packed(record, alive)
    theirs = TxnLog(proxy, Helpers(proxy, FakeNames(), texts_of(alive).line, pid=1)).line(row)
    assert theirs == TxnLog(proxy, Helpers(proxy, FakeNames(), line_at, pid=1)).line(record.row())


def test_a_short_termination_state_ends_at_its_nul() -> None:
    proxy = ProxySettings("fe", "frontend", mode="tcp", log_kind="tcplog")
    line = TxnLog(proxy, Helpers(proxy, FakeNames(), Texts().line, pid=1)).line(
        packed(Record(term=b"CD", uri=None), [])
    )
    assert line is not None
    assert " CD " in line[1]


def test_every_field_that_an_alias_reads_is_in_the_struct() -> None:
    codes = [ALIASES[name].code + ALIASES[name].with_txn for name in ALIASES]
    read = {name for code in codes for name in re.findall(r"\br\.(\w+)", code)}
    assert len(read) > 20
    assert read <= set(REC)


def test_plain_records_have_the_fields_of_the_struct() -> None:
    assert set(REC) == set(Record.__annotations__)
