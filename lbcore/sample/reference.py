"""References: pattern files, maps and the lists of ACLs, which may be changed while threads look things up in them.

    references = References(locks)                  one for a balancer
    hosts = references.get("/etc/hosts.map", "map") the file is read when it is asked for first
    view = hosts.view(method, flags, "str")         one way of looking things up; the same for all who look so
    view.find(value)                                any thread, no lock

A reference keeps its entries as texts, in order, and the views that are made of them. Who looks things up reads an
index that a view points to, without a lock. Who changes entries holds the reference's lock (PATTERNS, for writing),
changes the indexes in place where one step suffices, and else makes new ones, which take the place of the old in one
step.

Entries have a version. Those of the current one are what views show; `prepare` begins another, which is filled with
`add` and shown at once by `commit` (manual of the stats socket: prepare, commit).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lbcore.sample.build import BuildError
from lbcore.sample.files import PREFIXES, wrong_columns
from lbcore.sample.pattern import Data, Flags, Index, Key, Method, PatternError
from lbcore.sample.types import Addr
from lbcore.thread.labels import Label
from lbcore.thread.locks import LockSet, RWLock


@dataclass(slots=True, eq=False)
class Entry:
    """A line: the text of a pattern and, in a map, of its value, one character a byte. `line` is 0 for what was added
    while running."""

    number: int
    text: str
    value: str = ""
    version: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Inline:
    """Patterns that stand in the configuration itself: a reference of their own."""

    display: str  # as `show acl` names it
    texts: tuple[str, ...]
    number: int | None = None  # -u


_PLAIN = Flags()


@dataclass(frozen=True, slots=True)
class Use:
    """That a line of the configuration uses patterns: "acl" or "map" is its `role`, `kind` that of the file (an ACL may
    use a map). `method` and `flags` are an ACL's, whose patterns can be looked up whether or not a rule asks for it."""

    source: str | Inline
    kind: str
    role: str
    file: str
    line: int
    method: Method | None = None
    flags: Flags = _PLAIN


class Listener(Protocol):
    """Who wants to know of changes of what a view finds."""

    def refresh(self) -> None:
        """Something was changed. PATTERNS is held for writing."""


class View:
    """One way of looking things up in a reference: a matching method, its flags, and what is found.

    `match`, `find`, `keys` and `texts` are those of the current index (`lbcore.sample.pattern.Index`); each is
    replaced in one step, so that a reader sees the old index or the new one."""

    __slots__ = ("_data", "_index", "_listeners", "find", "flags", "gives", "keys", "match", "method", "texts")

    find: Callable[[Any], Data | None]
    match: Callable[[Any], bool]
    keys: Any
    texts: tuple[str, ...]

    def __init__(self, method: Method, flags: Flags, gives: str) -> None:
        self.method = method
        self.flags = flags
        self.gives = gives
        self._data = _GIVES[gives]
        self._listeners: list[Listener] = []

    def join(self, listener: Listener) -> None:
        """Has somebody know of changes. Before threads start."""
        self._listeners.append(listener)

    def tell(self) -> None:
        """Something was changed. PATTERNS must be held for writing."""
        for listener in self._listeners:
            listener.refresh()

    def read(self, entry: Entry) -> tuple[Key, Data]:
        """Key and data of an entry. Raises PatternError."""
        key = self.method.parse(entry.text, self.flags)
        data = self._data(entry)
        if data is None:
            raise PatternError(f"unable to parse '{entry.value}'")
        return key, data

    def show(self, pairs: Iterable[tuple[Key, Data]]) -> None:
        """Makes and shows an index. PATTERNS must be held for writing, or no thread look yet."""
        index = self.method.build(pairs, self.flags)
        self._index = index
        self.keys = getattr(index, "keys", None)
        self.texts = getattr(index, "texts", ())
        self.find = index.find
        self.match = index.match
        self.tell()

    @property
    def index(self) -> Index:
        """The current one."""
        return self._index


class Union:
    """The patterns of several views together, to tell with one look that none of them matches.

    `keys` and `texts` as those of a View; a pattern that is being added may be missed a moment longer than by its view.
    The views are of patterns in the configuration, whose references share one lock: none changes while another does.
    """

    __slots__ = ("_views", "keys", "texts")

    def __init__(self, views: Iterable[View]) -> None:
        self._views = list(views)
        self.refresh()
        for view in self._views:
            view.join(self)

    def refresh(self) -> None:
        """Takes the patterns of the views as they are now."""
        self.keys = {key: True for view in self._views for key in view.keys or ()}
        self.texts = tuple(text for view in self._views for text in view.texts)


def _address(entry: Entry) -> Addr | None:
    return Addr.parse(entry.value)


def _integer(entry: Entry) -> int | None:
    text = entry.value
    digits = text[1:] if text[:1] in ("-", "+") else text
    if not digits.isdecimal():
        return None
    value = int(text)
    return value if -(2**63) <= value < 2**63 else None


def _text(entry: Entry) -> str:
    return entry.value


def _key(entry: Entry) -> str:
    return entry.text


def _entry(entry: Entry) -> Entry:
    return entry


# What a view gives for a pattern that matches: the entry itself, its value by type, or the pattern's text.
_GIVES: dict[str, Callable[[Entry], Data | None]] = {
    "": _entry, "int": _integer, "ip": _address, "key": _key, "str": _text,
}  # fmt: skip


# ---- files ----


def read_file(name: str, mapped: bool, where: str = "") -> list[Entry]:
    """The entries of a pattern file, or of a map; it is read from `where` if that is not its name. Raises PatternError
    if it can't be read.

    `virt@name` is no file but a name for entries that come while running; `opt@file` need not exist; `file@` says
    nothing (manual 2.7).
    """
    kind, path = _split(name)
    if kind == "virt":
        return []
    try:
        with open(_split(where or name)[1], encoding="latin-1", newline="\n") as file:
            return list(_entries(file, mapped))
    except FileNotFoundError:
        if kind == "opt":
            return []
        raise PatternError(f"failed to open pattern file <{path}>") from None
    except IsADirectoryError:
        raise PatternError(f"error encountered while reading  <{path}> : Is a directory") from None
    except (OSError, ValueError):
        raise PatternError(f"failed to open pattern file <{path}>") from None


def _split(name: str) -> tuple[str, str]:
    """What stands before the "@", "" for nothing, and the path."""
    kind, mark, path = name.partition("@")
    return (kind, path) if mark and kind in PREFIXES else ("", name)


def _entries(lines: Iterable[str], mapped: bool) -> Iterator[Entry]:
    """Lines without comments (a sharp in the first column) and blank ones; of maps the first word and the rest."""
    for number, line in enumerate(lines, 1):
        if line.startswith("#"):
            continue
        text = line.lstrip(" \t").rstrip("\r\n")
        if not text:
            continue
        if not mapped:
            yield Entry(number, text, line=number)
            continue
        words = text.replace("\t", " ", 1).split(None, 1)
        yield Entry(number, words[0], words[1].rstrip(" \t") if len(words) > 1 else "", line=number)


def check_file(name: str, kind: str, method: Method, flags: Flags = _PLAIN, gives: str = "", where: str = "") -> None:
    """Looks whether a file can be used with a matching method, and its values as what it `gives` (see
    `Reference.view`), while the configuration is read. `where` as in `read_file`. Raises PatternError in HAProxy's
    words."""
    view = View(method, flags, gives)
    for entry in read_file(name, kind == "map", where):
        try:
            view.read(entry)
        except PatternError as error:
            raise PatternError(f"{error}{_place(name, entry)}") from None


def _place(name: str, entry: Entry) -> str:
    return f" at line {entry.line} of file '{name}'" if name and entry.line else ""


# ---- references ----


class Reference:
    """Entries under a name. `kind` is "acl" or "map"; `number` is what `#` and a number mean on the stats socket.

    Methods that change something take PATTERNS; so does the first `view` of its kind.
    """

    __slots__ = (
        "_entries",
        "_last",
        "_lock",
        "_next_version",
        "_views",
        "display",
        "kind",
        "name",
        "number",
        "roles",
        "uses",
        "version",
    )

    def __init__(
        self, name: str, kind: str, number: int, entries: Iterable[Entry], lock: RWLock, display: str = ""
    ) -> None:
        self.name = name  # the file's, "" for patterns that stand in the configuration
        self.kind = kind
        self.number = number
        self.display = display
        self.roles: set[str] = set()  # "acl", "map": what uses it, before threads start
        self.uses: list[str] = []
        self.version = 0  # the current one
        self._next_version = 0  # the last one that was prepared
        self._lock = lock
        self._last = 0
        self._entries: dict[int, Entry] = {}
        self._views: dict[tuple[str, Flags, str], View] = {}
        for entry in entries:
            self._number(entry)

    def _number(self, entry: Entry) -> None:
        self._last += 1
        entry.number = self._last
        self._entries[entry.number] = entry

    def view(self, method: Method, flags: Flags = _PLAIN, gives: str = "") -> View:
        """The view for a matching method; `gives` says what is found: "" the entry, "str", "int" or "ip" its value,
        "key" the pattern's text. Raises PatternError if an entry does not fit."""
        with self._lock.write():
            view = self._views.get((method.name, flags, gives))
            if view is None:
                view = View(method, flags, gives)
                view.show(self._pairs(view))
                self._views[method.name, flags, gives] = view
            return view

    def _pairs(self, view: View) -> list[tuple[Key, Data]]:
        pairs = []
        for entry in self._entries.values():
            if entry.version != self.version:
                continue
            try:
                pairs.append(view.read(entry))
            except PatternError as error:
                raise PatternError(f"{error}{_place(self.name, entry)}") from None
        return pairs

    def _show(self) -> None:
        for view in self._views.values():
            view.show(self._pairs(view))

    @property
    def description(self) -> str:
        """What it is and where it is used, as `show map` says it."""
        return f"{self.display} used {', '.join(self.uses)}" if self.uses else self.display

    @property
    def next_version(self) -> int:
        """The last one that was prepared."""
        return self._next_version

    @property
    def count(self) -> int:
        """How many entries all versions have."""
        return len(self._entries)

    def __len__(self) -> int:
        """How many entries the current version has."""
        return len(self.entries())

    def entries(self, version: int | None = None) -> list[Entry]:
        """The entries of a version (None: the current one), in their order."""
        wanted = self.version if version is None else version
        with self._lock.read():
            return [entry for entry in self._entries.values() if entry.version == wanted]

    def walk(self, version: int | None = None) -> Iterator[Entry]:
        """The same one by one: those that there are now, for a reader who takes his time."""
        wanted = self.version if version is None else version
        with self._lock.read():
            entries = list(self._entries.values())
        return (entry for entry in entries if entry.version == wanted)

    def add(self, text: str, value: str = "", version: int | None = None) -> Entry:
        """Adds an entry behind the others. Raises PatternError if a view can't read it: then nothing has changed."""
        entry = Entry(0, text, value, self.version if version is None else version)
        with self._lock.write():
            read = [(view, *view.read(entry)) for view in self._views.values()]
            self._number(entry)
            if entry.version == self.version:
                for view, key, data in read:
                    if view.index.add(key, data):
                        view.tell()
                    else:
                        view.show(self._pairs(view))
        return entry

    def put(self, text: str, value: str = "") -> None:
        """Gives the entries with this text another value, or adds one if there is none. Raises PatternError as
        `add`."""
        if not self.set(text, value):
            self.add(text, value)

    def delete(self, text: str) -> int:
        """Takes out all entries of the current version with this text; how many there were."""
        with self._lock.write():
            gone = [one for one in self._entries.values() if one.text == text and one.version == self.version]
            self._take_out(gone)
        return len(gone)

    def delete_number(self, number: int) -> bool:
        """Takes out the entry with a number; whether there was one."""
        with self._lock.write():
            entry = self._entries.get(number)
            if entry is None:
                return False
            self._take_out([entry])
        return True

    def _take_out(self, gone: Sequence[Entry]) -> None:
        for entry in gone:
            del self._entries[entry.number]
        for view in self._views.values():
            if all(view.index.remove(view.read(entry)[0]) for entry in gone if entry.version == self.version):
                view.tell()
            else:
                view.show(self._pairs(view))

    def set(self, text: str, value: str) -> int:
        """Gives all entries of the current version with this text another value; how many there are. Raises
        PatternError if a view can't read it: then nothing has changed."""
        with self._lock.write():
            found = [one for one in self._entries.values() if one.text == text and one.version == self.version]
            self._change(found, value)
        return len(found)

    def set_number(self, number: int, value: str) -> bool:
        """Gives the entry with a number another value; whether there is one. Raises PatternError as `set`."""
        with self._lock.write():
            entry = self._entries.get(number)
            if entry is None:
                return False
            self._change([entry], value)
        return True

    def _change(self, found: Sequence[Entry], value: str) -> None:
        for entry in found:
            for view in self._views.values():
                view.read(Entry(0, entry.text, value))
        for entry in found:
            entry.value = value
        for view in self._views.values():
            if not all(view.index.replace(*view.read(entry)) for entry in found if entry.version == self.version):
                view.show(self._pairs(view))

    def clear(self, version: int | None = None) -> None:
        """Takes out all entries of a version (None: the current one)."""
        with self._lock.write():
            wanted = self.version if version is None else version
            self._entries = {number: one for number, one in self._entries.items() if one.version != wanted}
            if wanted == self.version:
                self._show()

    def prepare(self) -> int:
        """Begins a version, which nobody sees before it is committed; its number."""
        with self._lock.write():
            self._next_version += 1
            return self._next_version

    def commit(self, version: int) -> bool:
        """Shows a prepared version in the place of the current one, whose entries are gone then; False if it was not
        prepared, or an earlier commit has overtaken it."""
        with self._lock.write():
            if not self.version < version <= self._next_version:
                return False
            self.version = version
            self._entries = {number: one for number, one in self._entries.items() if one.version >= version}
            self._show()
        return True

    def find(self, text: str) -> list[Entry]:
        """The entries of the current version with this text."""
        return [entry for entry in self.entries() if entry.text == text]

    def look(self, view: View, value: Any) -> Entry | None:
        """The entry that `view` finds for a value, whatever it gives for it. Takes as long as there are entries where a
        view gives no entries itself: this is for people who ask."""
        if not view.gives:
            found: Entry | None = view.find(value)
            return found
        entries = self.entries()
        if view.method.name == "str":  # the usual case needs no index
            folded = view.method.parse(value, view.flags)
            return next((one for one in entries if view.method.parse(one.text, view.flags) == folded), None)
        pairs = [(view.method.parse(one.text, view.flags), one) for one in entries]
        entry: Entry | None = view.method.build(pairs, view.flags).find(value)
        return entry

    def views(self) -> list[View]:
        """All ways in which somebody looks things up."""
        with self._lock.read():
            return list(self._views.values())


class References:
    """All references of a balancer, by name and number. Filled before threads start, then only read.

    `paths` says where files are read from whose names do not say it (`default-path`)."""

    def __init__(self, locks: LockSet | None = None, paths: Mapping[str, str] | None = None) -> None:
        self._locks = locks
        self._paths = paths or {}
        # Patterns in the configuration share a lock: they may be joined in a Union, and are hardly ever changed.
        self._inline = RWLock(Label.PATTERNS, locks)
        self._by_name: dict[str | Inline, Reference] = {}
        self._numbers: set[int] = set()
        self._unused = 0  # below it all numbers are taken

    def get(self, source: str | Inline, kind: str) -> Reference:
        """The reference of a file, or of patterns in the configuration; it is made when it is asked for first.

        `kind` is "acl" or "map". Raises BuildError if the file can't be read, or is used as the other kind already.
        """
        found = self._declared(source, kind)
        if not found.roles:
            found.roles.add(kind)
        return found

    def declare(self, uses: Sequence[Use]) -> None:
        """Makes the references that lines of the configuration use, numbered in the order of these. Raises BuildError
        as `get`. Before anything else is asked of it."""
        self._numbers.update(
            use.source.number for use in uses if isinstance(use.source, Inline) and use.source.number is not None
        )
        for use in uses:
            reference = self._declared(use.source, use.kind)
            reference.roles.add(use.role)
            if not isinstance(use.source, Inline):
                reference.uses.append(f"by {use.kind} at file '{use.file}' line {use.line}")
            if use.method is not None:
                try:
                    reference.view(use.method, use.flags)
                except PatternError as error:
                    raise BuildError(str(error)) from None

    def _declared(self, source: str | Inline, kind: str) -> Reference:
        found = self._by_name.get(source)
        if found is None:
            found = self._by_name[source] = self._make(source, kind)
        elif found.kind != kind:
            raise BuildError(wrong_columns(str(source), found.kind))
        return found

    def _make(self, source: str | Inline, kind: str) -> Reference:
        if isinstance(source, Inline):
            entries = [Entry(0, text) for text in source.texts]
            return Reference("", kind, self._next(source.number), entries, self._inline, source.display)
        lock = RWLock(Label.PATTERNS, self._locks)
        try:
            lines = read_file(source, kind == "map", self._paths.get(source, ""))
        except PatternError as error:
            raise BuildError(str(error)) from None
        return Reference(source, kind, self._next(None), lines, lock, f"pattern loaded from file '{source}'")

    def _next(self, wanted: int | None) -> int:
        while self._unused in self._numbers:
            self._unused += 1
        number = self._unused if wanted is None else wanted
        self._numbers.add(number)
        return number

    def find(self, name: str) -> Reference | None:
        """The reference that the stats socket means by a file's name or by `#` and a number."""
        if name.startswith("#") and name[1:].isdecimal():
            return next((one for one in self._by_name.values() if one.number == int(name[1:])), None)
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[Reference]:
        return iter(sorted(self._by_name.values(), key=lambda one: one.number))
