"""`option redis-check`: PING is answered by +PONG."""

from __future__ import annotations

from lbcore.check.replies import Passed, Read, failed, first_line
from lbcore.check.steps import Step
from lbcore.check.tcpcheck_connect import Connect
from lbcore.check.tcpcheck_send import Send
from lbcore.proxy.health import CheckResult, CheckStatus

PING = "*1\r\n$4\r\nPING\r\n"
PONG = b"+PONG\r\n"


def steps() -> tuple[Step, ...]:
    """What asks and what reads."""
    return (Connect(default=True), Send(number=1, text=PING), Read(number=2, reader=_pong, empty=CheckStatus.L7STS))


def _pong(data: bytes, ended: bool) -> CheckResult | Passed | None:
    if PONG in data:
        return Passed("Redis server is ok")
    return failed(CheckStatus.L7STS, first_line(data)) if ended else None
