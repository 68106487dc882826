"""`option spop-check`: a hello of an agent of the stream processing offload protocol (HAProxy, doc/SPOE.txt 3.2)."""

from __future__ import annotations

from lbcore.check.replies import Passed, Read, failed
from lbcore.check.steps import Step
from lbcore.check.tcpcheck_connect import Connect
from lbcore.check.tcpcheck_send import Send
from lbcore.proxy.health import CheckResult, CheckStatus

FRAME_MAX = 16380  # that we say we can take
_FRAME_LEAST = 256
_HELLO, _AGENT_HELLO, _AGENT_DISCONNECT = 1, 101, 102
_FIN = 1
_VERSION = "2.0"
_HEAD = 9  # kind, flags, stream id 0, frame id 0; the ids are numbers of variable length
_LENGTH = 4
_HUGE = 1 << 31
_BOOL, _UINT32, _STRING = 1, 3, 8
_NUMBERS = (2, 3, 4, 5)
_TRUE = 0x10
_REASONS = {
    0: "normal",
    1: "I/O error",
    2: "a timeout occurred",
    3: "frame is too big",
    4: "invalid frame received",
    5: "version value not found",
    6: "max-frame-size value not found",
    7: "capabilities value not found",
    8: "unsupported version",
    9: "max-frame-size too big or too small",
    10: "fragmentation not supported",
    11: "invalid interlaced frames",
    12: "frame-id not found",
    13: "resource allocation error",
}
_UNKNOWN = "an unknown error occurred"
_INVALID = failed(CheckStatus.L7RSP, _REASONS[4])


class FrameError(ValueError):
    """It is no frame."""


def steps() -> tuple[Step, ...]:
    """What asks and what reads."""
    return (Connect(default=True), Send(number=1, text=hello().decode("latin-1")), Read(number=2, reader=_answer))


def hello() -> bytes:
    """The frame that asks an agent whether it is well."""
    body = bytes((_HELLO, 0, 0, 0, _FIN, 0, 0))
    body += _key("supported-versions") + _text(_VERSION)
    body += _key("max-frame-size") + bytes((_UINT32,)) + number(FRAME_MAX)
    body += _key("capabilities") + _text("")
    body += _key("healthcheck") + bytes((_TRUE | _BOOL,))
    return len(body).to_bytes(_LENGTH, "big") + body


def _key(name: str) -> bytes:
    return number(len(name)) + name.encode()


def _text(text: str) -> bytes:
    return bytes((_STRING,)) + _key(text)


def number(value: int) -> bytes:
    """A number of variable length: below 240 itself, else with its upper bits, 4 and then 7 a byte, behind it."""
    if value < 240:
        return bytes((value,))
    found = bytearray((value & 0xFF | 240,))
    value = (value - 240) >> 4
    while value >= 128:
        found.append(value & 0xFF | 128)
        value = (value - 128) >> 7
    found.append(value)
    return bytes(found)


def read_number(data: bytes, at: int) -> tuple[int, int]:
    """(a number of variable length, where it ends). Raises FrameError."""
    if at >= len(data):
        raise FrameError
    value, at, shift = data[at], at + 1, 4
    if value < 240:
        return value, at
    while at < len(data):
        more = data[at]
        value += more << shift
        at, shift = at + 1, shift + 7
        if more < 128:
            return value, at
    raise FrameError


def _answer(data: bytes, ended: bool) -> CheckResult | Passed | None:
    size = int.from_bytes(data[:_LENGTH], "big")
    if size >= _HUGE:
        return _INVALID
    if len(data) < _LENGTH + size or len(data) <= _LENGTH:
        return _INVALID if ended else None
    frame = data[_LENGTH : _LENGTH + size]
    try:
        if frame[0] == _AGENT_DISCONNECT:
            status = _items(frame).get("status-code")
            return failed(CheckStatus.L7RSP, _REASONS.get(status, _UNKNOWN) if isinstance(status, int) else _UNKNOWN)
        if frame[0] != _AGENT_HELLO:
            return _INVALID
        if not frame[4] & _FIN:
            return failed(CheckStatus.L7RSP, _REASONS[10])
        return _judged(_items(frame))
    except (FrameError, IndexError):
        return _INVALID


def _judged(items: dict[str, int | str]) -> CheckResult | Passed:
    version, size = items.get("version"), items.get("max-frame-size")
    if version is None:
        reason = 5
    elif not isinstance(version, str) or version.strip() != _VERSION:
        reason = 8 if isinstance(version, str) else 4
    elif size is None:
        reason = 6
    elif not isinstance(size, int) or not _FRAME_LEAST <= size <= FRAME_MAX:
        reason = 9
    else:
        return Passed("SPOA server is ok")
    return failed(CheckStatus.L7RSP, _REASONS[reason])


def _items(frame: bytes) -> dict[str, int | str]:
    """The names of a frame with their values. Raises FrameError, IndexError."""
    _, at = read_number(frame, 5)
    _, at = read_number(frame, at)
    found: dict[str, int | str] = {}
    while at < len(frame):
        name, at = _read_text(frame, at)
        found[name], at = _read_value(frame, at)
    return found


def _read_text(frame: bytes, at: int) -> tuple[str, int]:
    size, at = read_number(frame, at)
    if at + size > len(frame):
        raise FrameError
    return frame[at : at + size].decode("latin-1"), at + size


def _read_value(frame: bytes, at: int) -> tuple[int | str, int]:
    kind = frame[at] & 0x0F
    if kind == _STRING:
        return _read_text(frame, at + 1)
    if kind in _NUMBERS:
        return read_number(frame, at + 1)
    if kind == _BOOL:
        return int(bool(frame[at] & _TRUE)), at + 1
    raise FrameError
