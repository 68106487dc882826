"""Variables of the process: `get var`, `set var` (management manual 9.3)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from lbcore.cli.registry import NOTHING, Call, Command, Level, Reply, error, info
from lbcore.sample.build import Build, BuildError
from lbcore.sample.files import Files, install
from lbcore.sample.names import mentions_of
from lbcore.sample.points import Point
from lbcore.sample.rows import ArgumentError, Fetcher
from lbcore.sample.types import Addr, Type, Value, cast, type_of
from lbcore.sample.variable import Scope, Test, Variable, parse_conditions, parse_name
from lbcore.sample.words import ParseError, Words

_PRINTABLE = range(0x20, 0x7F)
_PLACE = "CLI"  # file, proxy and subject of messages about names


class _NoFiles(Files):
    """Has maps refused: threads look references up without a lock."""

    def is_new(self, *use: Hashable) -> bool:
        raise ArgumentError("map: cannot load map at runtime")


def get_var(call: Call) -> Reply:
    """Type and value of a variable of the process."""
    name = call.arg(0)
    if not name:
        return error("Missing process-wide variable identifier.\n")
    scope, _, bare = name.partition(".")
    value = call.process.proc_vars().get(bare) if scope == Scope.PROC.value else None
    if value is None:
        return error("Variable not found.\n")
    return info(f"{name}: type={type_of(value).value} value=<{_shown(value)}>\n")


def _shown(value: Value) -> str:
    """As a text; what can't be printed is a dot."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, bytes) and not isinstance(value, Addr):
        return "".join(chr(byte) if byte in _PRINTABLE else "." for byte in value)
    text = cast(value, Type.STR)
    assert isinstance(text, str), "all types have a text"
    return "".join(char if ord(char) in _PRINTABLE else "." for char in text)


def set_var(call: Call) -> Reply:
    """Sets a variable of the process to what an expression, or a text in log-format, gives outside of streams; if it
    gives nothing, the variable stays as it is."""
    name, *rest = [*call.args, "", "", ""][:3]
    if not name:
        return error("Missing process-wide variable identifier.\n")
    if not rest[0]:
        return error("Missing either 'expr', 'fmt' or expression.\n")
    kind, text = rest if rest[1] else ("expr", rest[0])
    if kind not in ("expr", "fmt"):
        return error(f"'set var': arg type must be either 'expr' or 'fmt' but got '{kind}'.\n")
    try:
        variable, tests = _variable(name)
        value = _evaluate(call, name, text, is_format=kind == "fmt")
    except (ArgumentError, BuildError, ParseError) as wrong:
        return error(f"{wrong}\n")
    if value is not None:
        call.process.proc_vars().set(variable.name, value, tests)
    return NOTHING


def _variable(text: str) -> tuple[Variable, Sequence[Test]]:
    """The variable of the process that `name[,condition...]` means, and its conditions. Raises ArgumentError."""
    name, *conditions = text.split(",")
    variable = parse_name(name)
    if variable.scope is not Scope.PROC:
        raise ArgumentError(f"'set var': cannot set variable '{name}', only scope 'proc' is permitted here.")
    return variable, parse_conditions(conditions)


def _evaluate(call: Call, name: str, text: str, *, is_format: bool) -> Value | None:
    """What an expression gives. Raises ParseError, BuildError."""
    _load_vocabulary()
    words = Words((text,), file=_PLACE, proxy=_PLACE, point=Point.CLI)
    install(words.notes, _NoFiles())
    return call.process.evaluate(_format(text, words) if is_format else _expression(name, words))


def _load_vocabulary() -> None:
    """Names all words for their tables, unless the configuration has needed them."""
    import lbcore.conv
    import lbcore.fetch
    import lbcore.stream.vocabulary  # noqa: F401 - importing them is all, and few ask for it


def _load_all() -> None:
    """Imports whatever an expression may be made of."""
    _load_vocabulary()
    import difflib  # noqa: F401 - for what is mistyped

    import lbcore.sample.format
    import lbcore.sample.render
    import lbcore.sample.sources  # noqa: F401
    from lbcore.sample.alias import ALIASES
    from lbcore.sample.rows import CONVERTERS, FETCHES

    for table in (FETCHES, CONVERTERS, ALIASES):
        table.load_all()


def _expression(name: str, words: Words) -> Callable[[Build], Fetcher]:
    """What makes the function of an expression. Raises ParseError."""
    from lbcore.sample.expression import parse_expression
    from lbcore.sample.sources import source_of

    words.point = Point(0)  # what HAProxy says of a wrong place names the command
    expression = parse_expression(words)
    if not expression.points & Point.CLI:
        source = source_of(expression.row)
        raise ParseError(
            f"fetch method 'set-var({name})' extracts information from '{source}', none of which is available here"
        )
    return _resolved(expression.make, words)


def _format(text: str, words: Words) -> Callable[[Build], Fetcher]:
    """What makes the function of a text in log-format. Raises ParseError."""
    from lbcore.sample.format import parse_format
    from lbcore.sample.style import PLAIN

    found = parse_format(text, words, PLAIN)
    return _resolved(found.make, words)


def _resolved(make: Callable[[Build], Fetcher], words: Words) -> Callable[[Build], Fetcher]:
    """`make`, whose BuildError says what the unknown name is used for."""

    def resolve(build: Build) -> Fetcher:
        try:
            return make(build)
        except BuildError as wrong:
            mention = next(iter(mentions_of(words.notes)), None)
            if mention is None:
                raise
            who = f"{mention.who} in {_PLACE} expression in proxy '{_PLACE}'"
            raise BuildError(f"parsing [{_PLACE}:0]: {wrong} {who}.") from None

    return resolve


COMMANDS = (
    Command(("get", "var"), "get var <name>", "retrieve contents of a process-wide variable", get_var, Level.OPERATOR),
    Command(("set", "var"), "set var <name> [fmt|expr] {<fmt>|<expr>}", "set variable from an expression", set_var,
            Level.OPERATOR, experimental=True, load=_load_all),
)  # fmt: skip
