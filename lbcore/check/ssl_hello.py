"""`option ssl-hello-chk`: a hello of SSL 3.0 is answered by a handshake record or by an alert."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lbcore.check.replies import Passed, Read, failed
from lbcore.check.steps import Act, Step
from lbcore.check.tcpcheck_connect import Connect
from lbcore.proxy.health import CheckResult, CheckStatus
from lbcore.sample.build import Build

_LEAST = 5  # bytes of a record's head
_ALERT, _HANDSHAKE = 0x15, 0x16
_RANDOM = b"HAPROXYSSLCHK\nHAPROXYSSLCHK\n"  # 28 bytes
_CIPHERS = b"".join(code.to_bytes(2, "big") for code in (*range(1, 0x1C), 0x2F, *range(0x30, 0x3B)))


def steps() -> tuple[Step, ...]:
    """What asks and what reads."""
    read = Read(number=2, reader=_record, empty=CheckStatus.L6RSP, tout_status=CheckStatus.L6TOUT)
    return (Connect(default=True), SendHello(number=1), read)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendHello(Step):
    """Says hello; it has the time of day in it."""

    def make(self, build: Build) -> Act:
        return lambda run: run.send(hello(int(time.time())))


def hello(now: int) -> bytes:
    """The record of a client hello at a time."""
    version = b"\x03\x00"
    body = version + (now & 0xFFFFFFFF).to_bytes(4, "big") + _RANDOM + b"\0"
    body += len(_CIPHERS).to_bytes(2, "big") + _CIPHERS + b"\x01\0"
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return bytes((_HANDSHAKE,)) + version + len(message).to_bytes(2, "big") + message


def _record(data: bytes, ended: bool) -> CheckResult | Passed | None:
    if len(data) < _LEAST and not ended:
        return None
    if data[0] in (_ALERT, _HANDSHAKE):
        return Passed(status=CheckStatus.L6OK)
    return failed(CheckStatus.L6RSP)
