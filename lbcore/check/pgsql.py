"""`option pgsql-check user <name>`: the start of a session is answered by a request to authenticate, or by an error
(PostgreSQL manual, "Message Formats")."""

from __future__ import annotations

import re

from lbcore.check.replies import Passed, Read, failed
from lbcore.check.steps import Step
from lbcore.check.tcpcheck_connect import Connect
from lbcore.check.tcpcheck_send import Send
from lbcore.proxy.health import CheckResult, CheckStatus

_PROTOCOL = bytes.fromhex("00030000")
_ERROR = b"E"
_LEAST_ERROR = 5  # kind and length
_SEVERITY = 6  # where the text of an error's first field begins
_LEAST = 9
# AuthenticationOk, KerberosV5, CleartextPassword, MD5Password, SCMCredential, GSS, SSPI, SASL
_AUTHENTICATION = re.compile(rb"R\0\0\0.\0\0\0[\x00\x02\x03\x04\x05\x06\x07\x09\x0a]", re.DOTALL)


def steps(user: str) -> tuple[Step, ...]:
    """What asks and what reads."""
    return (
        Connect(number=1, default=True),
        Send(number=2, text=start(user).decode("latin-1")),
        Read(number=3, reader=_no_error),
        Read(number=4, reader=_authentication),
    )


def start(user: str) -> bytes:
    """The message that begins a session."""
    payload = _PROTOCOL + b"user\0" + user.encode("latin-1") + b"\0\0"
    return (len(payload) + 4).to_bytes(4, "big") + payload


def _no_error(data: bytes, ended: bool) -> CheckResult | Passed | None:
    if len(data) < _LEAST_ERROR and not ended:
        return None
    if not data.startswith(_ERROR):
        return Passed()
    return failed(CheckStatus.L7RSP, data[_SEVERITY:].split(b"\0", 1)[0].decode("latin-1"))


def _authentication(data: bytes, ended: bool) -> CheckResult | Passed | None:
    if len(data) < _LEAST and not ended:
        return None
    if _AUTHENTICATION.match(data):
        return Passed("PostgreSQL server is ok")
    return failed(CheckStatus.L7STS, "PostgreSQL unknown error")
