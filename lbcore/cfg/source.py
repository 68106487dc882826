"""Where configuration text comes from: files, directories of `*.cfg`, or text that is already there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from typing import NamedTuple

Given = str | os.PathLike[str] | tuple[str, str | bytes]
"""A path (file or directory), or a name for messages together with its text."""


class Source(NamedTuple):
    """One configuration file. `text` has a character per byte, 0x80 and above as surrogate escapes."""

    name: str
    text: str


class SourceError(Exception):
    """A file can't be had; the message is HAProxy's, which stops there."""


class RawLine(NamedTuple):
    """One line without its line feed. `fault` says what is wrong with it as a line ("": nothing)."""

    number: int
    text: str
    fault: str


def open_sources(given: Iterable[Given]) -> list[Source]:
    """All texts, in order. Raises SourceError for the first that can't be read."""
    sources: list[Source] = []
    for one in given:
        if isinstance(one, tuple):
            name, text = one
            sources.append(Source(name, decode(text)))
            continue
        sources += [Source(path, _read(path)) for path in expand(os.fspath(one))]
    return sources


def expand(path: str) -> list[str]:
    """The files behind a path: itself, or a directory's visible `*.cfg` files in byte order. Raises SourceError.

    A link that leads nowhere is an error, not a file less. Source: management guide 3, `-f`.
    """
    if not stat.S_ISDIR(_mode(path)):
        return [path]
    try:
        names = sorted(os.listdir(path), key=os.fsencode)
    except OSError as error:
        raise _unreachable(path, error) from None
    wanted = (f"{path}/{name}" for name in names if name.endswith(".cfg") and not name.startswith("."))
    return [file for file in wanted if stat.S_ISREG(_mode(file))]


def decode(text: str | bytes) -> str:
    """Text with a character per byte, as the tokenizer works on it."""
    if isinstance(text, str):
        if text.isascii():
            return text
        text = text.encode("utf-8", "surrogateescape")
    return text.decode("ascii", "surrogateescape")


def split_lines(text: str) -> Iterator[RawLine]:
    """The lines of a text. A NUL byte cuts its line short and is the last line's fault or the end of the reading.

    The faults are HAProxy's: a last line without LF (the file may have been cut off while it was written), and NUL.
    """
    lines = text.split("\n")
    unfinished = lines.pop()
    for number, line in enumerate(lines, 1):
        if "\0" not in line:
            yield RawLine(number, line, "")
            continue
        whole = line.partition("\0")[0]
        is_last = number == len(lines) and not unfinished
        yield RawLine(
            number, whole, _missing_lf(whole) if is_last else f"Stray NUL character at position {len(whole) + 1}."
        )
        return
    if unfinished:
        whole = unfinished.partition("\0")[0]
        yield RawLine(len(lines) + 1, whole, _missing_lf(whole))


def _missing_lf(line: str) -> str:
    return f"Missing LF on last line, file might have been truncated at position {len(line) + 1}."


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode
    except OSError as error:
        raise _unreachable(path, error) from None


def _unreachable(path: str, error: OSError) -> SourceError:
    return SourceError(f"Cannot open configuration file/directory {path} : {error.strerror}")


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return decode(file.read())
    except OSError as error:
        raise SourceError(f"Could not open configuration file {path} : {error.strerror}") from None
