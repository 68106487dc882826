"""Maps: texts, numbers and addresses that files say for keys (manual 7.3.1).

    map_<method>_<what>(<file>[,<default>])     e.g. map_beg_int; `map` is `map_str`, `_key` gives the key that matched

A file is shared by all who name it, and may change while threads look things up in it (`lbcore.sample.reference`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lbcore.sample.build import Build, BuildError
from lbcore.sample.pattern import METHODS, Flags, PatternError
from lbcore.sample.reference import View, check_file
from lbcore.sample.regex import compile_regex, expander
from lbcore.sample.rows import Arg, ArgumentError, Convert, Converter, accept, add_converters
from lbcore.sample.types import Addr, Type, Value

_METHODS = ("beg", "dir", "dom", "end", "int", "ip", "reg", "str", "sub")
_GIVES = {"": Type.STR, "int": Type.SINT, "ip": Type.ADDR, "key": Type.STR}
_SIGNATURES = {"": "(string[,string])", "int": "(string[,integer])", "ip": "(string[,string])", "key": "(string)"}
_DOCS = {
    "": "The text that a file has for a key.",
    "int": "The number that a file has for a key.",
    "ip": "The address that a file has for a key.",
    "key": "The key in a file that matches.",
}

Look = Callable[[Any], Value | None]


def _check_address(args: Sequence[Arg]) -> None:
    if len(args) > 1 and Addr.parse(args[1]) is None:
        raise ArgumentError(f"map: cannot parse default ip <{args[1]}>.")


def _checking(method: str, gives: str) -> Callable[[str, str], None]:
    """What looks whether a file can be used so."""

    def check(name: str, path: str) -> None:
        try:
            check_file(name, "map", METHODS[method], gives=gives, where=path)
        except PatternError as error:
            raise ArgumentError(str(error)) from None

    return check


def _default(args: Sequence[Arg], gives: Type) -> Value | None:
    """What is given for a key that is not there: None if there is no second argument."""
    if len(args) < 2:
        return None
    return Addr.parse(args[1]) if gives is Type.ADDR else args[1]


def _view(build: Build, file: str, name: str, method: str, gives: str) -> View:
    """The file as the converter `name` looks keys up in it. Raises BuildError for one that can't be used so."""
    try:
        view: View = build.reference(file, "map").view(METHODS[method], Flags(), gives)
        return view
    except (BuildError, PatternError) as error:
        raise BuildError(f"invalid args in converter '{name}' : {error}") from None


def _looking(name: str, method: str, what: str) -> Callable[[Sequence[Arg], Build], Look]:
    """What makes the function that looks a key up."""

    def make(args: Sequence[Arg], build: Build) -> Look:
        view = _view(build, args[0], name, method, what or "str")
        default = _default(args, _GIVES[what])

        def look(key: Any) -> Value | None:
            found: Value | None = view.find(key)  # not to be kept: a change of the file puts another one there
            return default if found is None else found

        return look

    return make


def _make_regm(args: Sequence[Arg], build: Build) -> Convert:
    """The text of the first expression that matches, `\\0` to `\\9` in it standing for what it matched."""
    view = _view(build, args[0], "map_regm", "reg", "")
    default = _default(args, Type.STR)

    def look(key: str) -> Value | None:
        entry = view.find(key)
        if entry is None:
            return default
        match = compile_regex(entry.text).search(key)
        return default if match is None else expander(entry.value)(match)

    return look


def _rows() -> Iterator[Converter]:
    for method in _METHODS:
        for what, gives in _GIVES.items():
            name = f"map_{method}_{what}" if what else f"map_{method}"
            check = _check_address if what == "ip" else accept
            make, takes = _looking(name, method, what), METHODS[method].takes
            file = _checking(method, what or "str")
            yield Converter(name, _SIGNATURES[what], takes, gives, make, _DOCS[what], check, check_file=file)
    texts = _SIGNATURES[""], Type.STR, Type.STR
    yield Converter("map", *texts, _looking("map", "str", ""), _DOCS[""], check_file=_checking("str", "str"))
    yield Converter("map_regm", *texts, _make_regm, "As map_reg, with its references.", check_file=_checking("reg", ""))


add_converters(*_rows())
