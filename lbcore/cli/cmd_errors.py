"""`show errors`: the last request and response of each proxy that were refused (management manual 9.3)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator

from lbcore.cli.registry import Call, Command, Level, Reply, error
from lbcore.cli.texts import local_time
from lbcore.cli.views import ErrorEnd, Snapshot
from lbcore.stats.views import ProxyView

WIDTH = 70  # columns for bytes in a line
ALL = -1

_NUMBER = re.compile(r"-?\d+")
_ESCAPES = {0x09: r"\t", 0x0A: r"\n", 0x0D: r"\r", 0x1B: r"\e", 0x5C: r"\\"}
_SHOWN = [chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02X}" for byte in range(256)]
for _byte, _text in _ESCAPES.items():
    _SHOWN[_byte] = _text
_NONE = ErrorEnd("<NONE>", -1)


def show_errors(call: Call) -> Reply:
    """What was refused, of all proxies or of one, and where it was wrong."""
    iid = ALL
    if call.arg(0):
        found = _find(call.process.proxies(), call.arg(0))
        if found is None:
            return error("No such proxy.\n")
        iid = found
    wanted = {"request": (False,), "response": (True,)}.get(call.arg(1), (False, True))
    snapshots = [one for one in call.process.snapshots() if one.response in wanted and _concerns(one, iid)]
    head = f"Total events captured on [{local_time(time.time_ns() // 1000, 3)}] : {call.process.snapshots_taken()}\n"
    return Reply(head + "".join("".join(_lines(one)) for one in snapshots))


def _find(proxies: Iterable[ProxyView], text: str) -> int | None:
    """The number of the proxy that `text` names, or that it begins with; None if there is no such name."""
    named = next((proxy.iid for proxy in proxies if proxy.name == text), None)
    number = _NUMBER.match(text)
    return named if named is not None or number is None else int(number[0])


def _concerns(snapshot: Snapshot, iid: int) -> bool:
    """Whether it is of the proxy with this number, or went through it; of any if that is negative."""
    return iid < 0 or iid in (snapshot.frontend.number, (snapshot.backend or _NONE).number)


def _lines(one: Snapshot) -> Iterator[str]:
    owner = one.owner or _NONE
    side, what = ("backend", "response") if one.response else ("frontend", "request")
    other = f"frontend {_end(one.frontend)}" if one.response else f"backend {_end(one.backend)}"
    yield f" \n[{local_time(one.when_us, 3)}] {side} {_end(owner)}: invalid {what}\n"
    yield f"  {other}, server {_end(one.server)}, event #{one.event}, src {one.source}\n"
    yield f"  buffer starts at 0 (including 0 out), {max(0, one.bufsize - one.length)} free,\n"
    yield f"  len {one.length}, wraps at {one.bufsize}, error at position {one.position}\n"
    yield f"  H1 error: {one.error} :\n  \n"
    yield from dump(one.data)


def _end(end: ErrorEnd | None) -> str:
    name, number = end or _NONE
    return f"{name} (#{number})"


def dump(data: bytes) -> Iterator[str]:
    """Bytes as lines with their offsets. A line of the text that does not fit goes on in one whose offset has a "+"."""
    offset, mark, line, first = 0, " ", "", 0
    for offset, byte in enumerate(data):
        shown = _SHOWN[byte]
        if len(line) + len(shown) > WIDTH:
            yield f"  {first:05d}{mark} {line}\n"
            line, first, mark = "", offset, "+"
        line += shown
        if byte == 0x0A:
            yield f"  {first:05d}{mark} {line}\n"
            line, first, mark = "", offset + 1, " "
    if line:
        yield f"  {first:05d}{mark} {line}\n"


COMMANDS = (
    Command(("show", "errors"), "show errors [<px>] [request|response]",
            "report last request and/or response errors for each proxy", show_errors, Level.OPERATOR),
)  # fmt: skip
