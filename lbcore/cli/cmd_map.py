"""Maps and the patterns of ACLs: what they hold, what they find, changes (management manual 9.3).

A map or ACL is named by its file or by `#` and its number; `@` and a number before the name mean a version other than
the current one. As in HAProxy these commands are open to every level: who may connect may change patterns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple, TypeVar

from lbcore.cli.registry import NOTHING, Call, Command, Reply, error, info
from lbcore.cli.texts import given, shown
from lbcore.sample.pattern import PatternError
from lbcore.sample.reference import Entry, Reference, View
from lbcore.sample.types import Addr, cast

NAMES = {"acl": "ACL", "map": "map"}  # how messages call them

BATCH = 200  # entries that are shown in one step
T = TypeVar("T")

_DIGITS = re.compile(r"\d*")
_KEY_AND_VALUE = re.compile(r"([^ \t]*)[ \t]*(.*)", re.DOTALL)
_TREES = ("beg", "ip", "str")  # what HAProxy keeps in a tree if the case counts


class Refused(Exception):
    """The command can't be done; the message is the answer."""


class _Asked(NamedTuple):
    """A command of a kind ("acl", "map"): its version, if one was given, and the words behind that."""

    call: Call
    kind: str
    version: int | None
    args: tuple[str, ...]

    def arg(self, index: int) -> str:
        """The argument at `index`, "" if there are fewer."""
        return self.args[index] if index < len(self.args) else ""

    def reference(self) -> Reference:
        """The one that is named, if it is used as this kind. Raises Refused."""
        found = self.any_reference()
        if self.kind not in found.roles:
            raise Refused(_unknown(self.kind))
        return found

    def any_reference(self) -> Reference:
        """The one that is named, whatever it is used as. Raises Refused."""
        found = self.call.process.references().find(self.arg(0))
        if found is None:
            raise Refused(_unknown(self.kind))
        return found


def _unknown(kind: str) -> str:
    return f"Unknown {NAMES[kind]} identifier. Please use #<id> or <file>."


def show(asked: _Asked) -> Reply:
    """All references of the kind, or the entries of one."""
    if asked.version is None and not asked.arg(0):
        rows = [one for one in asked.call.process.references() if asked.kind in one.roles]
        return Reply("# id (file) description\n" + "".join(map(_reference_line, rows)))
    reference = asked.reference()
    mapped = reference.kind == "map"
    return Reply("", rest=_entry_lines(reference.walk(asked.version), mapped))


def _reference_line(one: Reference) -> str:
    figures = f"curr_ver={one.version} next_ver={one.next_version} entry_cnt={one.count}"
    return f"{one.number} ({one.name}) {one.description}. {figures}\n"


def _entry_lines(entries: Iterator[Entry], mapped: bool) -> Generator[str, None, None]:
    while batch := list(islice(entries, BATCH)):
        yield "".join(_entry_line(entry, mapped) for entry in batch)


def _entry_line(entry: Entry, mapped: bool) -> str:
    value = f" {entry.value}" if mapped or entry.value else ""
    return shown(f"0x{entry.number:x} {entry.text}{value}\n")


def get(asked: _Asked) -> Reply:
    """What each way of looking a key up finds."""
    if not asked.arg(1):
        raise Refused(f"Missing {NAMES[asked.kind]} identifier and/or key.")
    reference = asked.any_reference()
    key = given(asked.arg(1))
    return Reply("".join(_found_line(asked.kind, reference, view, key) for view in _distinct(reference.views())))


def _distinct(views: list[View]) -> Iterator[View]:
    """Without those that differ only in giving the key in place of the value."""
    seen = set()
    for view in views:
        way = view.method.name, view.flags.ignore_case, "str" if view.gives == "key" else view.gives
        if way not in seen:
            seen.add(way)
            yield view


def _found_line(kind: str, reference: Reference, view: View, key: str) -> str:
    method, folds = view.method, view.flags.ignore_case
    sample = cast(key, method.takes)
    entry = None if sample is None else reference.look(view, sample)
    head = f"type={method.name}, case={'insensitive' if folds else 'sensitive'}"
    found = "found" if kind == "map" else "match"
    if entry is None:
        return f"{head}, {found}=no\n"
    index = "tree" if method.name in _TREES and not folds else "list"
    pattern = f"{'key' if kind == 'map' else 'pattern'}={_quoted(entry.text)}"
    value = f", {_value(view, entry)}" if kind == "map" else ""
    return shown(f"{head}, {found}=yes, idx={index}, {pattern}{value}\n")


def _value(view: View, entry: Entry) -> str:
    kind = _type_name(view, entry)
    return f"value={_quoted(entry.value)}, type={_quoted(kind)}" if kind else "value=none"


def _type_name(view: View, entry: Entry) -> str:
    """The type of what a map gives, "" for patterns of ACLs."""
    if view.gives == "ip":
        address = Addr.parse(entry.value)
        return "ipv6" if address is not None and len(address) == 16 else "ipv4"
    return {"": "", "int": "sint"}.get(view.gives, "str")


def _quoted(text: str) -> str:
    return f'"{text}"'


def add(asked: _Asked) -> Reply:
    """Adds an entry, or those of a payload: keys of maps, then values, ACLs' patterns as they are."""
    payload = asked.call.payload
    if asked.kind == "map" and not (asked.arg(2) or (asked.arg(0) and payload is not None)):
        raise Refused(
            "'add map' expects three parameters (map identifier, key and value) or one parameter "
            "(map identifier) and a payload"
        )
    if asked.kind == "acl" and not asked.arg(1):
        raise Refused("'add acl' expects two parameters: ACL identifier and pattern.")
    reference = asked.any_reference()
    if asked.kind == "acl" and reference.kind == "map":
        raise Refused(
            "This ACL is shared with a map containing samples. You must use the command 'add map' to add values."
        )
    if asked.version is not None and asked.version > reference.next_version:
        raise Refused(f"Version number in the future, please use 'prepare {asked.kind}' before.")
    for key, value in _entries(asked):
        _parsed(partial(reference.add, given(key), given(value), asked.version))
    return NOTHING


def _entries(asked: _Asked) -> Iterator[tuple[str, str]]:
    """Keys and values to be added. Raises Refused at a line without a value: those before it are added then."""
    payload = asked.call.payload
    if payload is None:
        yield asked.arg(1), asked.arg(2) if asked.kind == "map" else ""
        return
    for line in payload.split("\n")[:-1] or ["\n"]:  # HAProxy takes an empty payload for an empty line
        if asked.kind == "acl":
            yield line, ""
            continue
        found = _KEY_AND_VALUE.match(line)
        assert found is not None, "every part of the pattern may be empty"
        if not found[2]:
            raise Refused(f"Missing value for key '{found[1]}'.")
        yield found[1], found[2]


def set_value(asked: _Asked) -> Reply:
    """Gives all entries of a key, or one by its number, another value."""
    if not asked.arg(2):
        raise Refused("'set map' expects three parameters: map identifier, key and value.")
    reference, key, value = asked.any_reference(), asked.arg(1), given(asked.arg(2))
    number = _entry_number(key)
    if number is not None:
        if not _parsed(lambda: reference.set_number(number, value)):
            raise Refused("key or pattern not found.")
    elif not _parsed(lambda: reference.set(given(key), value)):
        raise Refused("entry not found.")
    return NOTHING


def delete(asked: _Asked) -> Reply:
    """Takes out all entries of a key, or one by its number."""
    if not asked.arg(1):
        raise Refused(f"This command expects two parameters: {NAMES[asked.kind]} identifier and key.")
    reference, key = asked.reference(), asked.arg(1)
    number = _entry_number(key)
    gone = reference.delete(given(key)) if number is None else reference.delete_number(number)
    if not gone:
        raise Refused("Key not found.")
    return NOTHING


def clear(asked: _Asked) -> Reply:
    """Takes out all entries of a version."""
    _needed(asked).clear(asked.version)
    return NOTHING


def prepare(asked: _Asked) -> Reply:
    """Begins a version."""
    return info(f"New version created: {asked.reference().prepare()}\n")


def commit(asked: _Asked) -> Reply:
    """Puts a version in the place of the current one."""
    if asked.version is None:
        raise Refused("Missing version number.")
    if not _needed(asked).commit(asked.version):
        raise Refused("Version number out of range.")
    return NOTHING


def _needed(asked: _Asked) -> Reference:
    """The reference that is named. Raises Refused."""
    if not asked.arg(0):
        raise Refused(f"Missing {NAMES[asked.kind]} identifier.")
    return asked.reference()


def _entry_number(key: str) -> int | None:
    """The number of an entry that `#0x` and digits mean, None for a key. Raises Refused."""
    if not key.startswith("#0x"):
        return None
    try:
        return int(key[3:], 16)
    except ValueError:
        raise Refused("Malformed identifier. Please use #<id> or <file>.") from None


def _parsed(change: Callable[[], T]) -> T:
    """What `change` gives. Raises Refused if a pattern or value can't be read."""
    try:
        return change()
    except PatternError as wrong:
        raise Refused(f"{shown(str(wrong))}.") from None


def _for(kind: str, deed: Callable[[_Asked], Reply]) -> Callable[[Call], Reply]:
    """The function of a command for one kind."""
    versions = deed in _VERSIONED

    def run(call: Call) -> Reply:
        args = tuple(call.args)
        version = None
        if versions and args and args[0].startswith("@"):
            version, args = int(_leading_digits(args[0][1:]) or 0), args[1:]
        try:
            return deed(_Asked(call, kind, version, args))
        except Refused as refused:
            return error(f"{refused}\n")

    return run


def _leading_digits(text: str) -> str:
    found = _DIGITS.match(text)
    return found[0] if found else ""


_VERSIONED = (add, clear, commit, show)


def _row(words: str, arguments: str, text: str, deed: Callable[[_Asked], Reply]) -> Command:
    deed_word, kind = words.split()
    return Command((deed_word, kind), f"{words} {arguments}", text, _for(kind, deed))


COMMANDS = (
    _row("add acl", "[@<ver>] <acl> <pattern>", "add an acl entry", add),
    _row("add map", "[@<ver>] <map> <key> <val>", "add a map entry (payload supported instead of key/val)", add),
    _row("clear acl", "[@<ver>] <acl>", "clear the contents of this acl", clear),
    _row("clear map", "[@<ver>] <map>", "clear the contents of this map", clear),
    _row("commit acl", "@<ver> <acl>", "commit the ACL at this version", commit),
    _row("commit map", "@<ver> <map>", "commit the map at this version", commit),
    _row("del acl", "<acl> [<key>|#<ref>]", "delete acl entries matching <key>", delete),
    _row("del map", "<map> [<key>|#<ref>]", "delete map entries matching <key>", delete),
    _row("get acl", "<acl> <value>", "report the patterns matching a sample for an ACL", get),
    _row("get map", "<map> <value>", "report the keys and values matching a sample for a map", get),
    _row("prepare acl", "<acl>", "prepare a new version for atomic ACL replacement", prepare),
    _row("prepare map", "<map>", "prepare a new version for atomic map replacement", prepare),
    _row("set map", "<map> [<key>|#<ref>] <value>", "modify a map entry", set_value),
    _row("show acl", "[@<ver>] <acl>", "report available acls or dump an acl's contents", show),
    _row("show map", "[@<ver>] [map]", "report available maps or dump a map's contents", show),
)
