"""`option ldap-check`: an anonymous bind is answered by a bind response (RFC 4511 4.2)."""

from __future__ import annotations

from lbcore.check.replies import Passed, Read, failed
from lbcore.check.steps import Step
from lbcore.check.tcpcheck_connect import Connect
from lbcore.check.tcpcheck_send import Send
from lbcore.proxy.health import CheckResult, CheckStatus

# A sequence of: message id 1; bind request of: version 3, no name, simple authentication without a password.
BIND = bytes.fromhex("300c020101600702010304008000")
_LEAST = 14  # bytes of the shortest bind response
_SEQUENCE = 0x30
_LONG = 0x84  # a length in four bytes: what Active Directory writes
_MESSAGE_1 = bytes.fromhex("020101")
_BIND_RESPONSE = 0x61
_RESULT = bytes.fromhex("0a01")  # an enumerated value of one byte
_FOREIGN = failed(CheckStatus.L7RSP, "Not LDAPv3 protocol")
_MORE = "See RFC: http://tools.ietf.org/html/rfc4511#section-4.1.9"


def steps() -> tuple[Step, ...]:
    """What asks and what reads."""
    return (Connect(default=True), Send(number=1, text=BIND.decode("latin-1")), Read(number=2, reader=_bound))


def _bound(data: bytes, ended: bool) -> CheckResult | Passed | None:
    if len(data) < _LEAST and not ended:
        return None
    if data[0] != _SEQUENCE:
        return _FOREIGN
    if len(data) < _LEAST:
        return failed(CheckStatus.L7RSP)
    at = _behind_length(data, 1)
    if data[at : at + 3] != _MESSAGE_1 or data[at + 3 : at + 4] != bytes((_BIND_RESPONSE,)):
        return _FOREIGN
    at = _behind_length(data, at + 4)
    if data[at : at + 2] != _RESULT or len(data) <= at + 2:
        return _FOREIGN
    code = data[at + 2]
    return failed(CheckStatus.L7STS, _MORE, code) if code else Passed("Success")


def _behind_length(data: bytes, at: int) -> int:
    """Where the content begins whose length stands at `at`."""
    return at + (5 if data[at] == _LONG else 1)
