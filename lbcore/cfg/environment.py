"""The variables a configuration sees: a private copy, never the host process's own environment.

A library must not change `os.environ` behind its host's back, and two balancers of one process may disagree about a
variable; so `setenv` and friends work on a copy that belongs to one load.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping


class VariableNameError(ValueError):
    """A name that no variable can have. The message is HAProxy's after `'setenv' failed on variable 'A=B' : `."""

    def __init__(self, name: str) -> None:
        super().__init__("Invalid argument.")  # what strerror(3) says of setenv(3)'s EINVAL
        self.name = name


class Environment:
    """The variables of one load: what was inherited, then what `setenv` and friends changed (manual 3.1).

    `section` is what `.SECTION` expands to: the name of the section being read, its keyword if it has no name, ""
    before the first. No lock: written only while parsing.
    """

    __slots__ = ("_values", "section")

    def __init__(self, inherited: Mapping[str, str] | None = None) -> None:
        source = os.environ if inherited is None else inherited
        self._values = {name: _as_bytes_text(value) for name, value in source.items()}
        self.section = ""

    def get(self, name: str) -> str | None:
        """The value of a variable, None where it does not exist; an empty one exists."""
        return self._values.get(name)

    def setenv(self, name: str, value: str) -> None:
        """`setenv <name> <value>`: replaces any previous value. Raises VariableNameError."""
        self._values[_checked(name)] = value

    def presetenv(self, name: str, value: str) -> None:
        """`presetenv <name> <value>`: only where the variable does not exist. Raises as `setenv()`."""
        self._values.setdefault(_checked(name), value)

    def unsetenv(self, names: Iterable[str]) -> None:
        """`unsetenv <name>...`; what does not exist needs no removal. Raises as `setenv()`, at the first bad name."""
        for name in names:
            self._values.pop(_checked(name), None)

    def resetenv(self, keep: Iterable[str] = ()) -> None:
        """`resetenv [<name>...]`: removes all variables but those named, which keep their present values."""
        kept = set(keep)
        self._values = {name: value for name, value in self._values.items() if name in kept}

    def snapshot(self) -> dict[str, str]:
        """A copy of all variables, for what is started from this configuration."""
        return dict(self._values)


def _checked(name: str) -> str:
    if not name or "=" in name:
        raise VariableNameError(name)
    return name


def _as_bytes_text(value: str) -> str:
    """The value as configuration text is held: one character a byte, 0x80 and above as surrogate escapes."""
    if value.isascii():
        return value
    return value.encode("utf-8", "surrogateescape").decode("ascii", "surrogateescape")
