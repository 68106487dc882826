"""Texts of the socket as the rest of the program keeps them: one character a byte."""

from __future__ import annotations


def given(text: str) -> str:
    """A word of a command."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def shown(text: str) -> str:
    """The reverse of `given`, for answers."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "surrogateescape")
