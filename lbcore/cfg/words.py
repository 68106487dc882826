"""The unit of configuration text: a line cut into words that remember where they stood."""

from __future__ import annotations


class Word:
    """One word of a line, quotes and escapes resolved.

    `text` holds bytes of 0x80 and above as surrogate escapes, so that what was written survives untouched:
    `os.fsencode(word.text)` or `.encode("ascii", "surrogateescape")` gives the bytes. `column` counts bytes of the
    source line from 1. `quoted` tells whether any part was quoted or escaped, so that `'none'` can be told from `none`.
    """

    __slots__ = ("column", "quoted", "text")

    def __init__(self, text: str, column: int, quoted: bool = False) -> None:
        self.text = text
        self.column = column
        self.quoted = quoted

    def __repr__(self) -> str:
        return f"Word({self.text!r}, {self.column}{', quoted' if self.quoted else ''})"

    def __str__(self) -> str:
        return self.text


class Line:
    """One line with at least one word. `number` counts from 1, `source` is the raw text without its line end."""

    __slots__ = ("file", "number", "source", "words")

    def __init__(self, file: str, number: int, words: list[Word], source: str) -> None:
        self.file = file
        self.number = number
        self.words = words
        self.source = source

    def __repr__(self) -> str:
        return f"Line({self.file}:{self.number} {[w.text for w in self.words]})"

    @property
    def where(self) -> str:
        """`file:line`, as settings keep it to say where they come from."""
        return f"{self.file}:{self.number}"

    def text(self, index: int) -> str:
        """The text of a word, "" past the end: HAProxy's keyword parsers see missing arguments as empty."""
        words = self.words
        return words[index].text if index < len(words) else ""

    def texts(self) -> list[str]:
        """The words without their positions."""
        return [word.text for word in self.words]

    def word(self, index: int) -> Word:
        """A word, or past the end an empty one standing right after the last: the caret for what is missing."""
        words = self.words
        if index < len(words):
            return words[index]
        return Word("", len(self.source.rstrip()) + 2)
