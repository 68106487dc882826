"""Stick tables in files: `dump table`, `load table`, which HAProxy has not (the format: lbcore/table/dump.py).

A file is another one from one moment to the next, when all of it is written. One is loaded only if every line of it can
be: it is read twice, first to be checked.
"""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import IO

from lbcore.cli.registry import Call, Command, Level, Reply, error, info
from lbcore.table import dump
from lbcore.table.table import Table

STEP = 50  # lines that are read or written in one step
TOLD = 10  # bad lines that are told of

Steps = Generator[str | Reply, None, None]


def dump_table(call: Call) -> Reply:
    """Writes the entries of a table into a file, in place of what it held."""
    return _begin(call, "to", "dump table <table> to <file>", _dumping)


def load_table(call: Call) -> Reply:
    """Puts the entries that a file holds into a table, in place of those with the same keys."""
    return _begin(call, "from", "load table <table> from <file>", _loading)


def _begin(call: Call, word: str, usage: str, steps: Callable[[Table, str], Steps]) -> Reply:
    name, preposition, path, *more = [*call.args, "", "", ""]
    if preposition != word or not path or any(more):
        return error(f"Required arguments: {usage}\n")
    table = call.process.tables().find(name)
    if table is None:
        return error("No such table\n")
    return Reply("", rest=_safely(steps(table, path)))


def _safely(steps: Steps) -> Steps:
    """The steps; what the system refuses is the answer."""
    try:
        yield from steps
    except OSError as wrong:
        yield error(f"{wrong.filename or 'file'}: {wrong.strerror}\n")


def _now() -> int:
    """ms since 1970."""
    return time.time_ns() // 1_000_000


# --- writing ---


def _dumping(table: Table, path: str) -> Steps:
    """Raises OSError."""
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        yield error(f"{path}: not a regular file\n")
        return
    handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(target)}.", dir=os.path.dirname(target))
    try:
        with open(handle, "w", encoding="ascii") as file:
            count = yield from _written(table, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        with suppress(FileNotFoundError):  # it has its name now
            os.unlink(temporary)
    yield info(f"{count} entries dumped.\n")


def _written(table: Table, file: IO[str]) -> Generator[str, None, int]:
    """Writes all lines; the number of entries."""
    file.write(dump.head(table, _now()))
    count = entry = 0
    while entry := table.next(entry):
        try:
            file.write(dump.entry_line(table, entry))
        finally:
            table.release(entry)
        count += 1
        if not count % STEP:
            yield ""
    return count


# --- reading ---


def _loading(table: Table, path: str) -> Steps:
    """Raises OSError."""
    with open(path, "rb", opener=_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            yield error(f"{path}: not a regular file\n")
            return
        now = _now()
        bad: list[str] = []
        found = yield from _checked(table, file, now, bad)
        if bad:
            more = f"and {len(bad) - TOLD} more bad lines\n" if len(bad) > TOLD else ""
            yield error("Nothing is loaded:\n" + "".join(bad[:TOLD]) + more)
            return
        room = table.settings.size - (table.used if table.settings.nopurge else 0)
        if found > room:
            yield error(f"Nothing is loaded: {found} new entries, but room for {room} only\n")
            return
        file.seek(0)
        yield from _stored(table, file, now)


def _without_waiting(path: str, flags: int) -> int:
    """Opens a file; a named pipe would have the thread wait for a writer."""
    return os.open(path, flags | os.O_NONBLOCK)


def _checked(table: Table, file: IO[bytes], now: int, bad: list[str]) -> Generator[str, None, int]:
    """Adds to `bad` what is wrong, by line. How many entries the table needs room for."""
    try:
        reader = dump.Reader(table, file.readline(), now)
    except dump.BadLine as wrong:
        bad.append(f"line 1: {wrong}\n")
        return 0
    lines: dict[bytes, int] = {}
    new = 0
    for number, line in enumerate(file, 2):
        try:
            row = reader.row(line)
            first = lines.setdefault(row.key, number)
            if first != number:
                raise dump.BadLine(f"its key is that of line {first}")
            new += _needs_room(table, row)
        except dump.BadLine as wrong:
            bad.append(f"line {number}: {wrong}\n")
        if not number % STEP:
            yield ""
    return new


def _needs_room(table: Table, row: dump.Row) -> bool:
    if row.over:
        return False
    if not table.settings.nopurge:
        return True  # it must not push out another one of them
    entry = table.get(row.key)
    if entry:
        table.release(entry)
    return not entry


def _stored(table: Table, file: IO[bytes], now: int) -> Steps:
    reader = dump.Reader(table, file.readline(), now)
    loaded = over = 0
    for number, line in enumerate(file, 2):
        row = reader.row(line)
        if row.over:
            over += 1
        elif dump.store(table, row):
            loaded += 1
        else:
            yield error(f"The table is full since line {number}: {loaded} entries loaded\n")
            return
        if not number % STEP:
            yield ""
    expired = f", {over} had expired" if over else ""
    left_out = f"; not stored here in the same way: {', '.join(reader.left_out)}" if reader.left_out else ""
    yield info(f"{loaded} entries loaded{expired}{left_out}.\n")


COMMANDS = (
    Command(("dump", "table"), "dump table <table> to <file>", "write the entries of a table into a file", dump_table,
            Level.ADMIN),
    Command(("load", "table"), "load table <table> from <file>", "read the entries of a table from a file", load_table,
            Level.ADMIN),
)  # fmt: skip
