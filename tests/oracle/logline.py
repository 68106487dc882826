"""What of a log line is the same in every run and in every program."""

from __future__ import annotations

import re

_DATE = rb"\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2}(\.\d{3})?( [+-]\d{4})?"
_TIME = re.compile(rb"(?<![\w-])\d+")
_RULES = (
    (re.compile(rb"^(<\d+>)[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} ([^\[ ]+)\[\d+\]"), rb"\1D \2[N]"),
    (re.compile(_DATE), b"D"),
    (re.compile(rb"127\.0\.0\.1:\d+"), b"127.0.0.1:P"),
    (re.compile(rb":\d+ \[D\]"), b":P [D]"),
    # What a format of ours names T..., P... or N... is a time, a port, or a number that is another in each process.
    (re.compile(rb"\b([TPN])(\w*)=\+?\d+"), rb"\1\2=\1"),
)
# Times stand before status and size in httplog, before a size and two letters of state in tcplog.
_HTTP_TIMES = re.compile(rb" ((?:-?\d+/){4}\+?\d+) (-?\d+) (\+?)(\d+) ")
_TCP_TIMES = re.compile(rb" ((?:-?\d+/){2}\+?\d+) (?=\+?\d+ [A-Z-]{2} )")
# In HTTP HAProxy counts the bytes of a message as it holds it, not as it sends it: a size other than nothing is B.
_SIZES = re.compile(rb"\b([BU])=[1-9]\d*|(?<=/1\.[01]\" \d{3} )[1-9]\d*(?= \"\" \"\")")


def timeless(line: bytes) -> bytes:
    """The line with D for dates, P for ports, T for times, B for sizes in HTTP and N for the pid.

    A time that was not taken stays -1, a size of nothing 0.
    """
    for pattern, replacement in _RULES:
        line = pattern.sub(replacement, line)
    line = _HTTP_TIMES.sub(_hide_http, line)
    line = _TCP_TIMES.sub(lambda match: b" %b " % _TIME.sub(b"T", match[1]), line)
    return _SIZES.sub(lambda match: b"%b=B" % match[1] if match[1] else b"B", line)


def _hide_http(match: re.Match[bytes]) -> bytes:
    times, status, early, size = match.groups()
    return b" %b %b %b%b " % (_TIME.sub(b"T", times), status, early, size if size == b"0" else b"B")
