"""Cuts a line into words by HAProxy's rules (manual 2.2 Quoting and escaping, 2.3 Environment variables).

    outside quotes   blanks separate, `#` ends it all, `\\ \\\\ \\# \\" \\' \\n \\r \\t \\xNN` are escapes, `$` is a `$`
    "weak quotes"    blanks, `#` and `'` are nothing; the same escapes and `\\$`; `$NAME`, `${NAME}`, `${NAME-default}`
                     and `${NAME[*]}` expand
    'strong quotes'  nothing is special

Facts read off HAProxy 2.6 and 2.8 that the manual does not tell: an unknown escape keeps its backslash, `\\$` is one
outside weak quotes; a default is taken as it is up to the `}`; CR ends the line wherever it stands; NUL (`\\x00`) ends
its word; a word made of nothing but unset variables is no word at all, while an empty variable or a pair of quotes make
an empty one; trailing blanks of the line make none (2.6 still makes one).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lbcore.cfg.words import Line, Word

if TYPE_CHECKING:  # `-cc` needs the tokenizer and must not pay for the reporter's dataclasses
    from lbcore.cfg.diagnostics import Reporter
    from lbcore.cfg.environment import Environment

__all__ = ["MAX_WORDS", "Line", "TokenError", "Word", "cut", "tokenize"]

MAX_WORDS = 64  # HAProxy's MAX_LINE_ARGS

_PLAIN_WORDS = re.compile(r"[^ \t\v\f]+")
_SPECIAL = re.compile(r"""["'\\#\r\n]""")
_BLANKS = re.compile(r"[ \t\v\f]+")
# A whole word that is plain or quoted from end to end, with the blanks after it.
_SIMPLE = re.compile(r"""([^ \t\v\f\r\n"'\\#]+|"[^"\\$\r\n]*"|'[^'\r\n]*')(?:[ \t\v\f]+|\Z)""")
_UNQUOTED = re.compile(r"""[^ \t\v\f\r\n"'\\#]+""")
_WEAK = re.compile(r'[^"\\$\r\n]+')
_STRONG = re.compile(r"[^'\r\n]*")
_HEX = re.compile(r"\\x([0-9A-Fa-f]{2})")
_NAME = re.compile(r"\.?[A-Za-z_][A-Za-z0-9_]*")
_REST = re.compile(r"(?P<list>\[\*\])?(?:-(?P<default>[^}]*))?\}")

_ESCAPES = {" ": " ", "\\": "\\", "#": "#", "'": "'", '"': '"', "n": "\n", "r": "\r", "t": "\t"}
_WEAK_ESCAPES = {**_ESCAPES, "$": "$"}


class TokenError(ValueError):
    """A line that can't be cut; the message says why. `offset` counts from 0 in the text."""

    def __init__(self, why: str, offset: int) -> None:
        super().__init__(why)
        self.offset = offset


def tokenize(text: str, file: str, number: int, env: Environment, diags: Reporter) -> Line | None:
    """The words of a line, or None if it has none (blank, comment) or is wrong (an alert then says how).

    `text` has no line feed and no NUL; bytes of 0x80 and above are surrogate escapes.
    """
    if _SPECIAL.search(text) is None:  # nine lines in ten
        words = [Word(match[0], match.start() + 1) for match in _PLAIN_WORDS.finditer(text)]
    else:
        try:
            words = cut(text, env, file, number)
        except TokenError as error:
            line = Line(file, number, [], text)
            position = error.offset + 1
            diags.alert(line, position, f"{error} at position {position}:", glue=": ")
            return None
    if len(words) > MAX_WORDS:
        _refuse_too_many(words, Line(file, number, [], text), diags)
        return None
    if not words:
        return None
    line = Line(file, number, words, text)
    if not words[0].text:  # HAProxy skips such a line, whatever follows
        diags.diag(line, words[0], "the line is ignored because its first word is empty.")
        return None
    return line


def cut(text: str, env: Environment, file: str = "", number: int = 0, *, comments: bool = True) -> list[Word]:
    """The words of a text with quotes, escapes and variables. Raises TokenError. `comments`: `#` ends the text."""
    return _Cutter(text, env, file, number, comments).words()


def _refuse_too_many(words: list[Word], line: Line, diags: Reporter) -> None:
    last = words[MAX_WORDS - 1]
    # HAProxy counts in the line as rebuilt from its words with one separator each.
    position = sum(len(word.text) + 1 for word in words[: MAX_WORDS - 1]) + 1
    text = f"too many words, truncating after word {MAX_WORDS}, position {position}: <{last.text}>."
    diags.alert(line, words[MAX_WORDS], text, glue=": ")


class _Cutter:
    """One pass over a text.

    `parts` are the pieces of the word being built, `start` is where it began (-1: none). `unset` tells that a
    variable in it does not exist, `kept` that it is a word even if empty.
    """

    __slots__ = (
        "comments", "done", "env", "file", "kept", "number", "parts", "position", "quoted", "start", "text", "unset",
    )  # fmt: skip

    def __init__(self, text: str, env: Environment, file: str, number: int, comments: bool) -> None:
        self.text = text
        self.env = env
        self.file = file
        self.number = number
        self.comments = comments
        self.done: list[Word] = []
        self.position = 0
        self._begin(-1)

    def words(self) -> list[Word]:
        """All words. Raises TokenError."""
        text = self.text
        while self.position < len(text):
            if self.start < 0 and self._simple():
                continue
            match = _BLANKS.match(text, self.position)
            if match:
                self._end()
                self.position = match.end()
                continue
            if not self._piece():
                break
        self._end()
        return self.done

    def _simple(self) -> bool:
        """Takes a word with nothing special in it; False if the next is none."""
        match = _SIMPLE.match(self.text, self.position)
        if not match:
            return False
        word = match[1]
        quoted = word[0] in "\"'"
        self.done.append(Word(word[1:-1] if quoted else word, self.position + 1, quoted))
        self.position = match.end()
        return True

    def _piece(self) -> bool:
        """Takes one piece of a word; False where the line ends before its text does."""
        here = self.position
        char = self.text[here]
        if char in "\r\n" or (char == "#" and self.comments):
            return False
        if self.start < 0:
            self._begin(here)
        if char == "'":
            self._strong()
        elif char == '"':
            self._weak()
        elif char == "\\":
            self._escape(_ESCAPES)
        elif char == "#":
            self._take(char, here + 1)
        else:
            match = _UNQUOTED.match(self.text, here)
            assert match is not None, f"no piece at {here} of {self.text!r}"
            self._take(match[0], match.end())
        return True

    def _begin(self, start: int) -> None:
        self.parts: list[str] = []
        self.start = start
        self.quoted = False
        self.unset = False
        self.kept = False

    def _end(self) -> None:
        if self.start < 0:
            return
        text = "".join(self.parts).partition("\0")[0]
        if text or self.kept or not self.unset:
            self.done.append(Word(text, self.start + 1, self.quoted))
        self._begin(-1)

    def _take(self, piece: str, end: int) -> None:
        self.parts.append(piece)
        self.position = end

    def _strong(self) -> None:
        self.quoted = True
        opened = self.position
        match = _STRONG.match(self.text, opened + 1)
        assert match is not None
        if self.text[match.end() : match.end() + 1] != "'":
            raise TokenError("unmatched quote", opened)
        self.kept |= not match[0]
        self._take(match[0], match.end() + 1)

    def _weak(self) -> None:
        self.quoted = True
        opened = self.position
        self.kept |= self.text[opened + 1 : opened + 2] == '"'
        self.position += 1
        while (char := self.text[self.position : self.position + 1]) != '"':
            match = _WEAK.match(self.text, self.position)
            if match:
                self._take(match[0], match.end())
            elif char == "\\":
                self._escape(_WEAK_ESCAPES)
            elif char == "$":
                self._variable()
            else:
                raise TokenError("unmatched quote", opened)
        self.position += 1

    def _escape(self, escapes: dict[str, str]) -> None:
        here = self.position
        char = self.text[here + 1 : here + 2]
        if char == "x":
            self._take(self._byte(here), here + 4)
        elif char in escapes:
            self._take(escapes[char], here + 2)
        else:
            self._take("\\", here + 1)
            return
        self.quoted = True

    def _byte(self, here: int) -> str:
        match = _HEX.match(self.text, here)
        if not match:
            raise TokenError("truncated or invalid hexadecimal sequence", here)
        return bytes([int(match[1], 16)]).decode("ascii", "surrogateescape")

    def _variable(self) -> None:
        after = self.position + 1
        brace = self.text[after : after + 1] == "{"
        start = after + brace
        match = _NAME.match(self.text, start)
        if not match:
            raise TokenError("forbidden first char in environment variable name", start)
        value = self._value(match[0], start)
        if not brace:
            self._expand(value, match.end())
            return
        rest = _REST.match(self.text, match.end())
        if not rest:
            raise self._bad_brace(after, match.end())
        if value is None:
            value = rest["default"]
        if rest["list"] and value is not None:
            self._expand_list(value, rest.end())
        else:
            self._expand(value, rest.end())

    def _bad_brace(self, brace: int, name_end: int) -> TokenError:
        if self.text[name_end : name_end + 1] == "[" and self.text[name_end : name_end + 3] != "[*]":
            return TokenError("truncated or invalid word expansion sequence", name_end)
        return TokenError("unmatched brace in environment variable name", brace)

    def _value(self, name: str, offset: int) -> str | None:
        if not name.startswith("."):
            return self.env.get(name)
        pseudo = {".FILE": self.file, ".LINE": str(self.number), ".SECTION": self.env.section}
        if name not in pseudo:
            raise TokenError("forbidden first char in environment variable name", offset)
        return pseudo[name]

    def _expand(self, value: str | None, end: int) -> None:
        self.unset |= value is None
        self._take(value or "", end)

    def _expand_list(self, value: str, end: int) -> None:
        """Adds a value whose blanks separate words: `a${X[*]}b` with `1 2` gives `a1` and `2b`.

        No blank and no empty value makes an empty word: HAProxy would drop the rest of the line there, silently.
        """
        column = self.start
        *pieces, last = re.split(r"[ \t\v\f\r\n]+", value)
        for piece in pieces:
            self._expand(piece or None, self.position)
            self._end()
            self._begin(column)
            self.quoted = True
        self._expand(last or None, end)
