"""Files that lines of the configuration name: how they are found, how long they may be."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from lbcore.http.reply import Message, MessageError, parse_message
from lbcore.sample.words import ParseError, Words

PREFIXES = ("file", "opt", "virt")  # what may stand before the name of a pattern file (manual 2.7)
BUFSIZE = 16384  # where nobody says what `tune.bufsize` is


@dataclass(slots=True)
class Files:
    """What a load knows about files; it lies in the notes of the load under this module's name.

    `resolve(path, file)` is the path to open for what the configuration file `file` calls `path`, `bufsize()` the size
    of a buffer in bytes. `patterns` are the paths of pattern files by the names that the configuration calls them,
    where these differ: the first line that names a file decides. `kinds` are "acl" or "map" by
    these names, `seen` the uses of pattern files that were looked at, `uses` all lines that use patterns
    (`lbcore.sample.reference.Use`). `replies` collects the replies of rules that name a group of pages
    (`lbcore.action.reply.ReplySpec`): the check of the configuration looks these up.
    """

    resolve: Callable[[str, str], str] = lambda path, file: path
    bufsize: Callable[[], int] = lambda: BUFSIZE
    patterns: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    seen: set[Hashable] = field(default_factory=set)
    uses: list[Any] = field(default_factory=list)
    replies: list[Any] = field(default_factory=list)

    def is_new(self, *use: Hashable) -> bool:
        """Whether a use of a file has not been looked at yet; from now on it has."""
        if use in self.seen:
            return False
        self.seen.add(use)
        return True

    def pattern_path(self, name: str, file: str) -> str:
        """The path of the pattern file or map that the configuration file `file` calls `name`."""
        known = self.patterns.get(name)
        if known is not None:
            return known
        path = self._found(name, file)
        if path != name:
            self.patterns[name] = path
        return path

    def _found(self, name: str, file: str) -> str:
        kind, mark, path = name.partition("@")
        if not mark or kind not in PREFIXES:
            return self.resolve(name, file)
        return name if kind == "virt" else f"{kind}@{self.resolve(path, file)}"


def files_of(notes: dict[str, object]) -> Files:
    """The `Files` of a load."""
    found = notes.setdefault(__name__, Files())
    assert isinstance(found, Files)
    return found


def install(notes: dict[str, object], files: Files) -> None:
    """Makes `files` those of a load, unless it has some."""
    notes.setdefault(__name__, files)


def wrong_columns(name: str, kind: str) -> str:
    """The sentence about a file that is in use as `kind` and now wanted as the other one."""
    columns = ("two column", "one column") if kind == "map" else ("one column", "two column")
    return f'The file "{name}" is already used as {columns[0]} file and cannot be used by as {columns[1]} file.'


def read_page(words: Words, path: str) -> Message:
    """The message that an `errorfile` holds. Raises ParseError."""
    raw = _read(words, path)
    limit = files_of(words.notes).bufsize()
    if len(raw) > limit:
        words.warn(f"custom error message file '{path}' larger than {limit} bytes. Truncating.")
    try:
        return parse_message(raw, limit)
    except MessageError as error:
        raise ParseError(f"'{path}': {error}") from None


def read_payload(words: Words, path: str) -> bytes:
    """The body that a file holds. Raises ParseError."""
    raw = _read(words, path)
    limit = files_of(words.notes).bufsize()
    if len(raw) > limit:
        raise ParseError(f"file '{path}' exceeds the buffer size ({len(raw)} > {limit})")
    return raw


def _read(words: Words, path: str) -> bytes:
    try:
        with open(files_of(words.notes).resolve(path, words.file), "rb") as file:
            return file.read()
    except IsADirectoryError:
        raise ParseError(f"error reading file '{path}'") from None
    except (OSError, ValueError):
        raise ParseError(f"error opening file '{path}'") from None
