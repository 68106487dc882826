"""Which commands a line may have meant.

First those that begin with the same words; among these, where the next word is not known, the ones whose letters
follow each other most alike. The measure: count each pair of neighbouring letters (ends of words included) in both,
and add up the squares of the differences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lbcore.cli.registry import Command, Registry

MOST = 5
FAR = 2.5  # how many times as far as the nearest one is too far: one that stands out is shown alone


def commands_like(registry: Registry, words: Sequence[str]) -> list[Command]:
    """Up to MOST commands that resemble `words`, all that begin with them if they are a prefix; in list order."""
    known = max((_common(row.words, words) for row in registry), default=0)
    rows = [row for row in registry if not row.last and row.words[:known] == tuple(words[:known])]
    unknown = words[known:]
    if not unknown or not rows:
        return rows
    distances = {row: _distance(row.words[known:], unknown) for row in rows}
    nearest = sorted(rows, key=distances.__getitem__)[:MOST]
    too_far = FAR * distances[nearest[0]]
    return [row for row in rows if row in nearest and distances[row] <= too_far]


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    """How many words both begin with."""
    count = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        count += 1
    return count


def _distance(left: Sequence[str], right: Sequence[str]) -> int:
    a, b = _pairs(left), _pairs(right)
    return sum((a[pair] - b[pair]) ** 2 for pair in a.keys() | b.keys())


def _pairs(words: Sequence[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for word in words:
        padded = f" {word.lower()} "
        found.update(padded[index : index + 2] for index in range(len(padded) - 1))
    return found
