"""Lines about values on the standard descriptors."""

from __future__ import annotations

import pytest

from lbcore.conv.debug import line
from lbcore.sample.types import Addr, Value
from tests.conv.evaluate import evaluate


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a b", "type=str <a b>"),
        ("\xe9\n", "type=str <\\xe9\\x0a>"),
        (b"\x01\xff", "type=bin <01ff>"),
        (-7, "type=sint <-7>"),
        (True, "type=bool <1>"),
        (Addr(b"\x7f\0\0\x01"), "type=ipv4 <127.0.0.1>"),
        (Addr(bytes(15) + b"\x01"), "type=ipv6 <::1>"),
    ],
)
def test_line_tells_type_and_value(value: Value, text: str) -> None:
    assert line("here", value) == f"[debug] here: {text}\n".encode()


@pytest.mark.parametrize(("sink", "place"), [("stdout", 0), ("stderr", 1)])
def test_value_passes_and_is_shown(capfd: pytest.CaptureFixture[str], sink: str, place: int) -> None:
    assert evaluate(f"str(x),debug(p,{sink})") == "[x]"
    assert capfd.readouterr()[place] == "[debug] p: type=str <x>\n"
