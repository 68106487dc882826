"""What the program shows while it starts: words (`-dK`), object files (`-dL`), CPUs (`-dc`), the configuration (`-dC`).

The layouts are HAProxy's, whose output people compare from version to version.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from lbcore.cfg.environment import Environment
from lbcore.cfg.source import Source, split_lines
from lbcore.cfg.tokenizer import TokenError, cut
from lbcore.cli import registry
from lbcore.version import FILTERS, SERVICES
from lbcore.words import configuration as configuration_words
from lbcore.words import converters, criteria, fetches

SECTIONS_WITH_NAMES = ("backend", "cache", "defaults", "frontend", "listen", "peers", "resolvers", "userlist")
# Second words that say what a line is about and tell nobody anything.
FAMILIES = (
    "balance", "http-reuse", "mode", "option", "retries", "stats", "tcp-check", "timeout",
)  # fmt: skip


def keywords(classes: Sequence[str]) -> Iterator[str]:
    """The lines of `-dK<class>,...`. A class that there is not is passed over, as HAProxy does."""
    if "help" in classes:
        yield "# List of supported keyword classes:"
        yield "all: list all keywords"
        yield from (f"{name}: {title}" for name, (title, _, _) in _CLASSES.items())
    for name, (_, header, lines) in _CLASSES.items():
        if name in classes or "all" in classes:
            yield f"# List of registered {header}:"
            yield from lines()


def _commands() -> Iterator[str]:
    # HAProxy has a blank behind each mark
    yield from sorted(f"{' '.join(command.words)} [WORKER] " for command in registry())


_CLASSES: dict[str, tuple[str, str, Callable[[], Iterator[str]]]] = {
    "acl": ("ACL keywords", "ACL keywords", criteria),
    "cfg": ("configuration keywords", "configuration keywords", configuration_words),
    "cli": ("CLI keywords", "CLI keywords", _commands),
    "cnv": ("sample converter keywords", "sample converter functions", converters),
    "flt": ("filter names", "filter names", lambda: (f"{name} [{group}]" for name, group in FILTERS)),
    "smp": ("sample fetch functions", "sample fetch functions", fetches),
    "svc": ("service names", "service names", lambda: iter(SERVICES)),
}


def libraries(maps: str = "/proc/self/maps") -> Iterator[str]:
    """The object files that the process has loaded, the executable first (`-dL`), as far as the system tells."""
    program = os.path.realpath(sys.executable)
    yield program
    try:
        with open(maps, encoding="utf-8", errors="surrogateescape") as file:
            columns = [line.rstrip("\n").split(maxsplit=5) for line in file]
    except OSError:  # not Linux
        return
    # A file that was replaced since is said to be deleted; it is still what was loaded.
    found = {row[5].removesuffix(" (deleted)") for row in columns if _is_code(row)}
    yield from sorted(found - {program})


def _is_code(row: Sequence[str]) -> bool:
    """Whether a line of the memory map is executable and of a file."""
    return len(row) == 6 and "x" in row[1] and row[5].startswith("/")


def cpus(threads: int, cpu_map: Mapping[int, frozenset[int]]) -> Iterator[str]:
    """Which CPUs each thread may run on (`-dc`): those of `cpu-map`, else those of the process."""
    everywhere = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    yield "Thread CPU Bindings:"
    yield "  Tgrp/Thr  Tid        CPU set"
    for thread in range(1, threads + 1):
        chosen = sorted(cpu_map.get(thread, everywhere))
        yield f"  1/{thread:<8}{thread:<11}{len(chosen)}: {ranges(chosen)}"


def ranges(numbers: Iterable[int]) -> str:
    """Ascending numbers as `0-3,8`."""
    found: list[list[int]] = []
    for value in numbers:
        if found and value == found[-1][1] + 1:
            found[-1][1] = value
        else:
            found.append([value, value])
    return ",".join(f"{first}-{last}" if last > first else f"{first}" for first, last in found)


def configuration(sources: Iterable[Source], key: int, line_numbers: bool) -> Iterator[str]:
    """The words of every line (`-dC`), quotes and variables resolved. With a key, names and values are unrecognisable.

    The same word always gives the same text under the same key, so that references can still be followed.
    """
    environment = Environment()
    for source in sources:
        for raw in split_lines(source.text):
            try:
                words = [word.text for word in cut(raw.text, environment, source.name, raw.number)]
            except TokenError:
                words = raw.text.split() if not key else []
            if not words:
                continue
            shown = hide(words, key) if key else words
            indent = "" if words[0] in (*SECTIONS_WITH_NAMES, "global") else "\t"
            number = f"{raw.number}\t" if line_numbers else ""
            yield f"{number}{indent}{' '.join(shown)}"


def hide(words: Sequence[str], key: int) -> list[str]:
    """The words of a line without what somebody might not want to show: all but the keyword, and what it is about."""
    first, rest = words[0], words[1:]
    if first in FAMILIES:
        return [first, *rest[:1], *(_secret(word, key) for word in rest[1:])]
    if first in ("http-request", "http-response", "tcp-request", "tcp-response"):
        return [first, *rest[:1], *(["[...]"] if len(rest) > 1 else [])]
    return [first, *(word if word.isdecimal() else _secret(word, key) for word in rest)]


def _secret(word: str, key: int) -> str:
    digest = hashlib.blake2s(word.encode("utf-8", "surrogateescape"), key=str(key).encode()[:32], digest_size=3)
    return f"ID({digest.hexdigest()})"
