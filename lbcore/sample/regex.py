"""Regular expressions as HAProxy's users write them (PCRE), by Python's `re` or, if asked for, by google-re2.

Text is latin-1 and classes such as `\\w` mean ASCII, as with PCRE in its default locale. What `re` spells otherwise is
translated; what it has no counterpart for is refused by name.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

Expand = Callable[[re.Match[str]], str]

_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t-\r ",
    "upper": "A-Z",
    "word": r"\w",
    "xdigit": "0-9A-Fa-f",
}
_REFERENCE = re.compile(r"\\(?:([0-9])|x([0-9A-Fa-f]{2})|(.)|\Z)", re.DOTALL)
_TOKEN = re.compile(
    r"""\\Q(?P<literal>.*?)(?:\\E|\Z) | \\x\{(?P<hex>[0-9A-Fa-f]+)\} | \\(?P<escaped>.) | \[:(?P<posix>\^?[a-z]+):\]
      | \(\?(?P<named>P?<(?![=!])|') | \(\?\#[^)]*\) | (?P<open>\[\^?\]?) | (?P<close>\])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"z": r"\Z", "Z": r"(?=\n?\Z)", "e": r"\x1b", "R": r"(?:\r\n|\n|\x0b|\f|\r|\x85)", "N": r"[^\n]", "E": ""}
_CLASS_ESCAPES = {"h": r"\t \xa0", "v": r"\n\x0b\f\r\x85", "e": r"\x1b", "R": "R", "N": "N"}
_NO_COUNTERPART = {"K": "the start of a match can't be reset", "G": "there is no anchor at the start of the match",
                   "C": "single bytes can't be matched", "X": "there are no grapheme clusters",
                   "p": "there are no character properties", "P": "there are no character properties"}  # fmt: skip

Engine = Callable[[str, bool], Any]


class RegexError(ValueError):
    """A regular expression can't be used; the message is HAProxy's sentence."""


def translate(text: str) -> str:
    """A PCRE as `re` wants it. Raises RegexError for what has no counterpart."""
    inside = False  # of a class
    parts: list[str] = []
    at = 0
    for found in _TOKEN.finditer(text):
        parts.append(text[at : found.start()])
        at = found.end()
        if found["open"]:
            # The first bracket of a class may be one of its members; any other opening one is always.
            parts.append(found[0].replace("[", r"\[") if inside else found[0].replace("]", r"\]"))
            inside = not inside or not found[0].endswith("]")
        elif found["close"]:
            parts.append("]")
            inside = False
        else:
            parts.append(_token(text, found, inside))
    return "".join([*parts, text[at:]])


def _token(text: str, found: re.Match[str], inside: bool) -> str:
    """A token that neither opens nor closes a class."""
    if found["literal"] is not None:
        return re.escape(found["literal"])
    if found["hex"]:
        return re.escape(chr(int(found["hex"], 16)))
    if found["escaped"]:
        return _escape(text, found, inside)
    if found["posix"] and inside:
        return _posix(text, found)
    if found["named"] and not inside:
        return _named(text, found)
    return "" if found[0].startswith("(?#") and not inside else found[0]


def _escape(text: str, found: re.Match[str], inside: bool) -> str:
    char = found["escaped"]
    if char in _NO_COUNTERPART and not inside:
        raise _invalid(text, f"{_NO_COUNTERPART[char]} (\\{char})", found.start())
    if inside:
        return _CLASS_ESCAPES.get(char, found[0])
    if char in "hHvV":
        inner = _CLASS_ESCAPES[char.lower()]
        return f"[{'^' if char in 'HV' else ''}{inner}]"
    return _ESCAPES.get(char, found[0] if char.isalnum() or not char.isascii() else "\\" + char)


def _posix(text: str, found: re.Match[str]) -> str:
    name = found["posix"]
    if name.startswith("^") or name not in _POSIX:
        raise _invalid(text, "unknown POSIX class name", found.start())
    return _POSIX[name]


def _named(text: str, found: re.Match[str]) -> str:
    if found["named"] == "'":
        raise _invalid(text, "groups are named by (?<name>...)", found.start())
    return "(?P<"


def _invalid(text: str, why: str, at: int | None) -> RegexError:
    return RegexError(f"regex '{text}' is invalid (error={why}, erroffset={at or 0})")


def _compile_re(text: str, ignore_case: bool) -> Any:
    try:
        return re.compile(translate(text), re.ASCII | (re.IGNORECASE if ignore_case else 0))
    except re.error as error:
        raise _invalid(text, error.msg, error.pos) from None
    except (OverflowError, RecursionError) as error:
        raise _invalid(text, str(error), 0) from None


def _compile_re2(text: str, ignore_case: bool) -> Any:
    re2 = importlib.import_module("re2")  # an extra: only where it was asked for

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = not ignore_case
    options.log_errors = False
    try:
        return _Linear(re2.compile(text.encode("latin-1"), options))
    except re2.error as error:
        why = error.args[0] if error.args else ""
        raise _invalid(text, why.decode("latin-1") if isinstance(why, bytes) else str(why), 0) from None


class _Linear:
    """A pattern of google-re2 that searches in texts, as those of `re` do. It works on bytes, one a character."""

    __slots__ = ("_pattern",)

    def __init__(self, pattern: Any) -> None:
        self._pattern = pattern

    def search(self, text: str, start: int = 0) -> _LinearMatch | None:
        """The first match from `start` on, None if there is none."""
        found = self._pattern.search(text.encode("latin-1"), start)
        return None if found is None else _LinearMatch(found, self)

    @property
    def groups(self) -> int:
        """How many groups it has."""
        return int(self._pattern.groups)


class _LinearMatch:
    """A match, its groups as text."""

    __slots__ = ("_found", "re")

    def __init__(self, found: Any, pattern: _Linear) -> None:
        self._found = found
        self.re = pattern

    def __getitem__(self, group: int) -> str | None:
        part: bytes | None = self._found.group(group)
        return None if part is None else part.decode("latin-1")

    group = __getitem__

    def start(self, group: int = 0) -> int:
        """Where a group begins, -1 if it took no part."""
        return int(self._found.start(group))

    def end(self, group: int = 0) -> int:
        """Where a group ends, -1 if it took no part."""
        return int(self._found.end(group))


_ENGINES: dict[str, Engine] = {"re": _compile_re, "re2": _compile_re2}
_chosen: list[str] = ["re"]


def set_engine(name: str) -> None:
    """Chooses the engine of all regular expressions compiled from now on: "re", or "re2", whose time is linear in the
    length of the text, whatever the pattern, and which knows neither back references nor look-around.

    For the whole process, before configurations are read. Raises ValueError if there is no such engine, ImportError
    if its package is not installed.
    """
    if name not in _ENGINES:
        raise ValueError(f"unknown regex engine '{name}', expects one of 're', 're2'")
    if name == "re2":
        importlib.import_module("re2")
    _chosen[0] = name


def compile_regex(text: str, ignore_case: bool = False) -> re.Pattern[str]:
    """A regular expression ready to search in latin-1 text. Raises RegexError in HAProxy's words."""
    return _compile(text, ignore_case, _chosen[0])


@lru_cache(maxsize=4096)
def _compile(text: str, ignore_case: bool, engine: str) -> re.Pattern[str]:
    compiled: re.Pattern[str] = _ENGINES[engine](text, ignore_case)
    return compiled


# ---- replacements ----


def expander(template: str) -> Expand:
    """What makes the text that stands for a match: `\\0` is the match, `\\1` to `\\9` its groups, `\\xHH` a byte."""
    if "\\" not in template:
        return lambda match: template
    parts: list[str | int] = []
    at = 0
    for reference in _REFERENCE.finditer(template):
        parts.append(template[at : reference.start()])
        at = reference.end()
        if reference[1] is not None:
            parts.append(int(reference[1]))
        else:
            parts.append(chr(int(reference[2], 16)) if reference[2] else reference[3] or "")
    parts.append(template[at:])

    def expand(match: re.Match[str]) -> str:
        groups = match.re.groups
        return "".join(
            [part if isinstance(part, str) else (match[part] or "") if part <= groups else "" for part in parts]
        )

    return expand
