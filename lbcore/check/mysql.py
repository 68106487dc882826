"""`option mysql-check`: the server's handshake packet, and if there is a user what it says to his log-in without a
password (MySQL Internals, "Client/Server Protocol").

A packet is a length of three bytes, a sequence number, and the payload; one that begins with 0xff tells an error.
"""

from __future__ import annotations

from lbcore.check.replies import Passed, Read, failed
from lbcore.check.steps import Step
from lbcore.check.tcpcheck_connect import Connect
from lbcore.check.tcpcheck_send import Send
from lbcore.proxy.health import CheckResult, CheckStatus

_HEAD = 4  # bytes before a payload
_ERROR = 0xFF
_CODE, _TEXT = 1, 3  # where a payload of an error has them
_OLD_CLIENT = bytes.fromhex("0080000001")  # long passwords are not known; packets of 64 KiB
_NEW_CLIENT = bytes.fromhex("008200000080000121") + bytes(23)  # protocol 4.1, transactions; utf8
_QUIT = bytes.fromhex("0100000001")


def steps(user: str = "", version: str = "post-41") -> tuple[Step, ...]:
    """With a user he logs in, as clients since MySQL 4.1 do or as those before, and leaves."""
    connect = Connect(number=1, default=True)
    if not user:
        return (connect, Read(number=2, reader=_handshake))
    return (
        connect,
        Send(number=2, text=log_in(user, old=version == "pre-41").decode("latin-1")),
        Read(number=3, reader=_handshake),
        Read(number=4, reader=_logged_in),
    )


def log_in(user: str, *, old: bool) -> bytes:
    """The packets that log a user in and quit."""
    payload = (_OLD_CLIENT if old else _NEW_CLIENT) + user.encode("latin-1") + b"\0\0"
    return len(payload).to_bytes(3, "little") + b"\1" + payload + _QUIT


def _handshake(data: bytes, ended: bool) -> CheckResult | Passed | None:
    return _packet(data, 0, ended, version_of(data))


def _logged_in(data: bytes, ended: bool) -> CheckResult | Passed | None:
    """The second packet."""
    return _packet(data, _size(data, 0), ended, version_of(data))


def version_of(data: bytes) -> str:
    """The version that a handshake tells: the text behind the number of the protocol."""
    return data[_HEAD + 1 :].split(b"\0", 1)[0].decode("latin-1")


def _size(data: bytes, at: int) -> int:
    return _HEAD + int.from_bytes(data[at : at + 3], "little")


def _packet(data: bytes, at: int, ended: bool, version: str) -> CheckResult | Passed | None:
    """What the packet at `at` says."""
    if len(data) < at + _HEAD + 1 or len(data) < at + _size(data, at):
        return failed(CheckStatus.L7RSP) if ended else None
    payload = data[at + _HEAD :]
    if payload[0] != _ERROR:
        return Passed(version)
    code = int.from_bytes(payload[_CODE:_TEXT], "little")
    return failed(CheckStatus.L7STS, payload[_TEXT:].split(b"\0", 1)[0].decode("latin-1"), code)
