"""Values shown as they pass (manual 7.3.1)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress

from lbcore.conv.arguments import text_at
from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, ArgumentError, Converter, add_converters
from lbcore.sample.types import Type, Value, type_of

SINKS = {"stdout": 1, "stderr": 2}


def line(prefix: str, value: Value) -> bytes:
    """What is shown of a value: its type and, in printable characters, itself."""
    kind = type_of(value).value
    if isinstance(value, bytes) and kind == "bin":
        shown = value.hex()
    else:
        shown = str(value) if not isinstance(value, bool) else str(int(value))
    printable = "".join(char if " " <= char <= "~" else f"\\x{ord(char):02x}" for char in shown)
    return f"[debug] {prefix}: type={kind} <{printable}>\n".encode("latin-1")


def _check_debug(args: Sequence[Arg]) -> None:
    name = text_at(args, 1) or "buf0"
    if name == "buf0":
        raise ArgumentError("sink 'buf0' is not done in this release, only 'stdout' and 'stderr' are")
    if name not in SINKS:
        raise ArgumentError(f"No such sink '{name}'")


def _make_debug(args: Sequence[Arg], build: Build) -> Callable[[Value], Value]:
    """Writes a line about the value to a descriptor, and passes the value on. A line that can't be written is lost."""
    prefix, descriptor = text_at(args, 0), SINKS[args[1]]

    def debug(value: Value) -> Value:
        with suppress(OSError):
            os.write(descriptor, line(prefix, value))
        return value

    return debug


add_converters(
    Converter("debug", "([string,string])", Type.ANY, Type.SAME, _make_debug, "Shown as it passes.", _check_debug),
)
