"""FIX, Financial Information eXchange: fields `tag=value` that end with SOH (manual 7.3.1, FIX 4.0 to FIXT 1.1).

    8=FIX.4.4|9=<length of what follows it up to the last field>|35=<type>|...|10=<sum of all bytes before, modulo 256>|

Here SOH is written as a bar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lbcore.sample.build import Build
from lbcore.sample.rows import Arg, ArgumentError, Convert, Converter, add_converters
from lbcore.sample.types import Type

SOH = b"\x01"
SHORTEST = 26  # bytes of a message: 8=FIX.4.x|9=0|35=x|10=xxx|
VERSIONS = frozenset({b"FIX.4.0", b"FIX.4.1", b"FIX.4.2", b"FIX.4.3", b"FIX.4.4", b"FIXT.1.1"})
BEGIN_STRING, BODY_LENGTH, MSG_TYPE, CHECK_SUM = 8, 9, 35, 10
NAMES = {
    "beginstring": BEGIN_STRING,
    "bodylength": BODY_LENGTH,
    "checksum": CHECK_SUM,
    "msgtype": MSG_TYPE,
    "sendercompid": 49,
    "targetcompid": 56,
}

_TAG = re.compile(rb"([0-9]+)=")


class FixError(ValueError):
    """A text that is no FIX message."""


class Field(NamedTuple):
    """A field, and where it begins and ends in the message (behind its SOH)."""

    tag: int
    value: bytes
    start: int
    end: int


def fields(message: bytes) -> Iterator[Field]:
    """The fields of a message, up to one that is not whole. Raises FixError for one whose tag is no number."""
    at = 0
    while at < len(message):
        tag = _TAG.match(message, at)
        if tag is None:
            if message[at:].isdigit():
                return
            raise FixError(f"no tag at {at}")
        if not int(tag[1]):
            raise FixError(f"tag 0 at {at}")
        end = message.find(SOH, tag.end())
        if end < 0:
            return
        yield Field(int(tag[1]), message[tag.end() : end], at, end + 1)
        at = end + 1


def _length(value: bytes) -> int:
    if not value.isdigit():
        raise FixError("the body's length is no number")
    return int(value)


def _expect(what: bool, sentence: str) -> None:
    if not what:
        raise FixError(sentence)


def _whole(message: bytes) -> bool:
    """Whether the message is all there. Raises FixError if it is wrong."""
    body, size = 0, 0
    for place, field in enumerate(fields(message), 1):
        if place == 1:
            _expect(field.tag == BEGIN_STRING and field.value in VERSIONS, "no known version")
        elif place == 2:
            _expect(field.tag == BODY_LENGTH, "no length")
            body, size = field.end, _length(field.value)
        elif place == 3:
            _expect(field.tag == MSG_TYPE, "no type")
        elif field.tag == CHECK_SUM:
            _expect(field.start == body + size, "another length")
            _expect(field.value.isdigit() and int(field.value) == sum(message[: field.start]) % 256, "another sum")
            return True
    return False


def is_valid(message: bytes) -> bool | None:
    """Whether a message is valid; None as long as it is not all there."""
    if len(message) < SHORTEST:
        return None
    try:
        return _whole(message) or None
    except FixError:
        return False


def _tag(text: str) -> int:
    """The number of a tag, or of its name. Raises ArgumentError."""
    number = NAMES.get(text.lower()) or (int(text) if text.isascii() and text.isdigit() else 0)
    if not number:
        raise ArgumentError(f"Unknown FIX tag name '{text}'")
    return number


def _check_tag(args: Sequence[Arg]) -> None:
    _tag(args[0])


def _make_tag_value(args: Sequence[Arg], build: Build) -> Convert:
    """The value of the first field with a tag; no sample if it is empty or not there."""
    wanted = _tag(args[0])

    def tag_value(message: bytes) -> bytes | None:
        try:
            return next((field.value for field in fields(message) if field.tag == wanted), None) or None
        except FixError:
            return None

    return tag_value


add_converters(
    Converter("fix_is_valid", "", Type.BIN, Type.BOOL, lambda args, build: is_valid, "Whether it is a FIX message."),
    Converter("fix_tag_value", "(string)", Type.BIN, Type.BIN, _make_tag_value, "A FIX field's value.", _check_tag),
)
