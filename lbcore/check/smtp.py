"""`option smtpchk`: greeting, HELO or EHLO, QUIT (RFC 5321). The greeting is one line, as HAProxy has it."""

from __future__ import annotations

import re

from lbcore.check.replies import Passed, Read, failed, first_line
from lbcore.check.steps import Step
from lbcore.check.tcpcheck_connect import Connect
from lbcore.check.tcpcheck_send import Send
from lbcore.proxy.health import CheckResult, CheckStatus

_CODE = 3  # bytes of a reply's code
_LEAST = 4  # the code and what stands behind it
_GREETING = re.compile(rb"[0-9]{3}[ \r]")
_GOOD = re.compile(rb"2[0-9]{2}[ \r]")
_GOOD_LINES = re.compile(rb"2[0-9]{2}(?:-[^\r]*\r\n2[0-9]{2})*[ \r]")  # RFC 5321 4.2.1
_BYE = re.compile(rb"2[0-9]{2}[- \r]")


def steps(hello: str = "HELO", domain: str = "localhost") -> tuple[Step, ...]:
    """The whole conversation; `hello` is HELO or EHLO."""
    return (
        Connect(number=1, default=True),
        Read(number=2, reader=_greeting),
        Read(number=3, reader=_welcome),
        Send(number=4, text=f"{hello} {domain}\r\n"),
        Read(number=5, reader=_hello, empty=CheckStatus.L7STS),
        Send(number=6, text="QUIT\r\n"),
        Read(number=7, reader=_bye, empty=CheckStatus.L7STS),
    )


def _greeting(data: bytes, ended: bool) -> CheckResult | Passed | None:
    if _GREETING.match(data):
        return _passed(data)
    return failed(CheckStatus.L7RSP, first_line(data)) if ended or len(data) >= _LEAST else None


def _welcome(data: bytes, ended: bool) -> CheckResult | Passed | None:
    return _passed(data) if _GOOD.match(data) else _refused(data)


def _hello(data: bytes, ended: bool) -> CheckResult | Passed | None:
    if _GOOD_LINES.match(data):
        return _passed(data)
    return _refused(data) if ended else None


def _bye(data: bytes, ended: bool) -> CheckResult | Passed | None:
    if _BYE.match(data):
        return _passed(data)
    return _refused(data) if ended or len(data) >= _LEAST else None


def _code(data: bytes) -> int:
    text = data[:_CODE]
    return int(text) if text.isdigit() else 0


def _text(data: bytes) -> str:
    return first_line(data[_LEAST:]).lstrip(" ")


def _passed(data: bytes) -> Passed:
    return Passed(_text(data), code=_code(data))


def _refused(data: bytes) -> CheckResult:
    return failed(CheckStatus.L7STS, _text(data), _code(data))
