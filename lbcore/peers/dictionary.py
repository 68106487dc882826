"""Texts that are sent once: names of servers, which entries of many keys have (doc/peers.txt, "STD_T_DICT").

A sender gives each text that it still remembers a number from 1 to 128, and sends the text along with the number only
when the other end can't know it. It alone decides which text a number means; the last time that both came counts.
"""

from __future__ import annotations

from lbcore.peers.codec import ProtocolError, number, read_number

SIZE = 128
LENGTH_MAX = 1024  # bytes of a text


class Sent:
    """What the other end has been told in this session."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}  # the one that was not used for the longest time first

    def encode(self, text: str) -> bytes:
        """The value of a text, "" for none: its length, the number, and the text if that is new."""
        if not text:
            return b"\0"
        known = self._numbers.pop(text, None)
        if known is not None:
            self._numbers[text] = known
            body = number(known)
            return number(len(body)) + body
        which = len(self._numbers) + 1
        if which > SIZE:
            which = self._numbers.pop(next(iter(self._numbers)))
        self._numbers[text] = which
        told = text.encode("utf-8", "surrogateescape")
        body = number(which) + number(len(told)) + told
        return number(len(body)) + body

    def items(self) -> list[tuple[int, str]]:
        """Numbers and texts, in the order of the numbers."""
        return sorted((which, text) for text, which in tuple(self._numbers.items()))


class Heard:
    """What the other end has told in this session."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}

    def decode(self, data: bytes, at: int) -> tuple[str, int]:
        """(the text of the value at `at`, "" for none; where the next value begins). Raises ProtocolError."""
        length, at = read_number(data, at)
        if not length:
            return "", at
        end = at + length
        if end > len(data):
            raise ProtocolError("a text is cut short")
        which, at = read_number(data, at)
        if not 1 <= which <= SIZE or at > end:
            raise ProtocolError(f"a text with the number {which}")
        if at == end:
            return self._texts.get(which, ""), end  # as HAProxy has it: what was never told is none
        size, at = read_number(data, at)
        if at + size > end:
            raise ProtocolError("a text is cut short")
        if size > LENGTH_MAX:
            raise ProtocolError(f"a text of {size} bytes")
        text = self._texts[which] = data[at : at + size].decode("utf-8", "surrogateescape")
        return text, end

    def items(self) -> list[tuple[int, str]]:
        """Numbers and texts, in the order of the numbers."""
        return sorted(self._texts.items())
