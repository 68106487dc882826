"""What expressions mention: live objects by their names, pattern files by theirs.

Files are looked at while the line is read. Names may be declared further down, so they are noted here, with all that
HAProxy says of one that there is not, and looked up when the whole configuration has been read (`cfg.check_names`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from lbcore.sample.files import files_of, wrong_columns
from lbcore.sample.names import Mention, mentions_of
from lbcore.sample.reference import Use
from lbcore.sample.rows import Arg, ArgumentError, Fetch, Signature
from lbcore.sample.words import ParseError, Words

KINDS = frozenset({"frontend", "backend", "server", "table", "user list"})

signature = cache(Signature)


def look_at(words: Words, row: Fetch, args: Sequence[Arg], steps: Sequence[Any], acl: bool = False) -> None:
    """Looks at the files that an expression names, and notes the names of objects. Raises ParseError."""
    for step in steps:
        if step.row.check_file is not None:
            _look_at_file(words, step)
    keyword = f"{'ACL' if acl else 'sample fetch'} keyword '{row.name}'"
    place = f" in {words.place}" if words.place and not acl else ""
    found = [*_named(signature(row.signature), args, keyword)]
    for step in steps:
        found += _named(step.row.parsed, step.args, f"conversion keyword '{step.row.name}' for {keyword}")
    for kind, name, who in found:
        mentions_of(words.notes).append(Mention(kind, name, who + place, words.file, words.line, words.proxy))


def _look_at_file(words: Words, step: Any) -> None:
    files, name = files_of(words.notes), step.args[0]
    kind = files.kinds.setdefault(name, "map")
    try:
        if kind != "map":
            raise ArgumentError(wrong_columns(name, kind))
        if files.is_new(name, step.row.name):
            step.row.check_file(name, files.pattern_path(name, words.file))
    except ArgumentError as error:
        raise ParseError(f"invalid args in converter '{step.row.name}' : {error}") from None
    files.uses.append(Use(name, "map", "map", words.file, words.line))


def _named(signature: Signature, args: Sequence[Arg], keyword: str) -> Iterator[tuple[str, str, str]]:
    """(kind, name, whose) of the arguments that name something."""
    if KINDS.isdisjoint(signature.kinds):
        return
    for number, (kind, arg) in enumerate(zip(signature.kinds, args, strict=False), 1):
        if kind in KINDS:
            yield kind, arg, f"referenced in arg {number} of {keyword}"
