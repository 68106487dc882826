"""Values of fields taken apart: lists, whose members may hold their mark in quotes (RFC 9110 5.6.1, 5.6.4)."""

from __future__ import annotations

from collections.abc import Iterator


def split_list(value: str) -> list[str]:
    """The members of a comma-separated field, without the blanks around them; commas in quoted strings count for
    nothing (RFC 9110 5.6.1, 5.6.4). Empty members are kept: HAProxy counts them, too."""
    if "," not in value and '"' not in value:
        return [value]
    return [part.strip(" \t") for part in split_quoted(value, ",")]


def split_quoted(text: str, marks: str) -> Iterator[str]:
    """`text` taken apart at any of the marks; those inside of quotes count for nothing."""
    if '"' not in text:
        yield from text.replace(marks[-1], marks[0]).split(marks[0])
        return
    start, quoted, skip = 0, False, False
    for at, char in enumerate(text):
        if skip:
            skip = False
        elif quoted:
            skip, quoted = char == "\\", char != '"'
        elif char == '"':
            quoted = True
        elif char in marks:
            yield text[start:at]
            start = at + 1
    yield text[start:]
