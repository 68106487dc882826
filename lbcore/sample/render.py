"""Log-format strings -> functions: each becomes one f-string, whose pieces come from aliases and expressions."""

from __future__ import annotations

import ast
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType
from typing import Any

from lbcore.sample.alias import ENCODED, Alias, Flag, Item, merge
from lbcore.sample.build import Build
from lbcore.sample.cbor import cbor_map, cbor_value
from lbcore.sample.style import Style
from lbcore.sample.types import Type, Value, cast

TextOf = Callable[..., str]  # of a transaction, of a record, or of both


@dataclass(frozen=True, slots=True)
class Reading:
    """What the function of a format is made from.

    `live`: from the transaction by the functions of its rows; else by their code, with `names` for it, over the record
    that is its argument, behind the transaction if `txn`. `adapt` is the last look at a piece of code. `asap`:
    `option logasap` marks what is not final. `settings` are the frontend's, None where they don't matter; `off`:
    whatever may be off (Alias.absent) is.
    """

    live: bool = False
    txn: bool = False
    names: Mapping[str, object] = field(default_factory=dict)
    adapt: Callable[[str], str] = str
    asap: bool = False
    settings: Any = None
    off: bool = False


def compile_text(items: Sequence[Item], style: Style, flags: Flag, build: Build | None, reading: Reading) -> TextOf:
    """The function that makes the text of a format: one f-string. Raises BuildError.

    `flags` are those of the whole; `build` may be None for formats without expressions.
    """
    writer = _Writer(build, reading)
    if flags & ENCODED:
        return _encoder(writer, items, flags)
    return writer.function("".join(_pieces(writer, items, style)))


def parts_of(items: Sequence[Item], style: Style, reading: Reading) -> list[tuple[str, ast.expr | None, str]]:
    """What the text of a format without expressions is put together of: (text, None, ""), or ("", the code of a piece,
    its format)."""
    source = "".join(_pieces(_Writer(None, reading), items, style))
    with _SYNTAX:
        text = ast.parse(f'f"""{source}"""', mode="eval").body
    assert isinstance(text, ast.JoinedStr), source
    return [
        ("", part.value, _constant(part.format_spec))
        if isinstance(part, ast.FormattedValue)
        else (_constant(part), None, "")
        for part in text.values
    ]


def _pieces(writer: _Writer, items: Sequence[Item], style: Style) -> Iterable[str]:
    pieces = [writer.piece(item, style) for item in items]
    return merge(items, pieces) if style.merge else pieces


_SIMPLE = re.compile(r"\{([^{}:!]+)(?::d)?\}")  # a piece that is one expression and nothing else
_RFC5424 = str.maketrans({char: "\\" + char for char in '"\\]'})  # RFC 5424 6.3.3
_EMPTY = '""'
# CPython 3.11 counts the depth of syntax trees once for all threads, and raises SystemError when one makes a tree
# while another does and Python code runs in between, as that of a collection of garbage does.
_SYNTAX = threading.RLock()
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class _Writer:
    """Writes the source of one function; `scope` has what it uses by name."""

    def __init__(self, build: Build | None, reading: Reading) -> None:
        self._build = build
        self._reading = reading
        self.scope: dict[str, Any] = dict(reading.names)

    def bind(self, value: object, hint: str) -> str:
        """A name for an object of the function's."""
        name = f"{hint}_{len(self.scope)}"
        self.scope[name] = value
        return name

    def piece(self, item: Item, style: Style) -> str:
        """The piece of an f-string in triple quotes that yields an item."""
        if item.flags & ENCODED and not item.literal:
            return f"{{{self.bind(_encode_one(item.flags), 'encode')}({self.value(item)})}}"
        if item.alias is not None:
            return self._alias(item, item.alias, style)
        if item.expression is not None:
            return self._expression(item, style)
        return _literal(item.text)

    def function(self, source: str) -> TextOf:
        """The function whose text is `source`."""
        reading = self._reading
        arguments = "t" if reading.live else "t, r" if reading.txn else "r"
        body = f'def text({arguments}):\n    return f"""{source}"""\n'
        exec(_code(body), self.scope)  # rows of ALIASES, escaped literals
        found: TextOf = self.scope["text"]
        return found

    # --- values as they are, for encodings ---

    def value(self, item: Item) -> str:
        """An expression for the value of an item, None if there is none."""
        if item.expression is not None:
            assert self._build is not None, "expressions are compiled for a balancer"
            return f"{self.bind(item.expression.make(self._build, item.cast), 'fetch')}(t)"
        alias = item.alias
        assert alias is not None, "literals have no value"
        if alias.asap and self._reading.asap:
            return "None"  # not final
        if self._absent(alias):
            return "None"
        source = self._source(alias)
        if alias.many:
            return source
        if alias.type is Type.SINT:
            source = f"{self.bind(_number, 'number')}({source})"
        elif alias.optional:
            source = f"({source} or None)"
        if item.cast is None or item.cast is alias.type:
            return source
        kind = item.cast
        return f"{self.bind(lambda value: None if value is None else cast(value, kind), 'cast')}({source})"

    def _source(self, alias: Alias) -> str:
        """A Python expression for what an alias yields."""
        if self._reading.live:
            return f"{self.bind(alias.live, 'alias')}(t)"
        return _expression_of(self._code(alias))

    def _code(self, alias: Alias) -> str:
        """The piece of an f-string that reads the record."""
        reading = self._reading
        code = alias.with_txn if reading.txn and alias.with_txn else alias.code
        return reading.adapt(code)

    def _absent(self, alias: Alias) -> bool:
        """Whether it is no value: its feature is off, or a record knows nothing of it."""
        reading = self._reading
        if (
            alias.absent is not None
            and reading.settings is not None
            and (reading.off or alias.absent(reading.settings))
        ):
            return True
        return not reading.live and not alias.optional and not self._code(alias)

    # --- pieces ---

    def _alias(self, item: Item, alias: Alias, style: Style) -> str:
        if self._absent(alias):
            return ""
        if alias.many:
            render = self.bind(_list_text(item.flags), "list")
            return f"{{{render}({self._source(alias)})}}"
        code = self._plain(alias) if item.cast is None else self._cast(item)
        code = self._flagged(code, alias, item.flags)
        if alias.asap and self._reading.asap and not self._reading.live:
            code = "+" + code
        if item.flags & Flag.QUOTE:
            if alias.quoted:
                return f'\\"{code}\\"'
            return f"{{{_expression_of(code)} or {self.bind(_EMPTY, 'empty')}}}" if alias.optional else code
        if alias.optional and style.mandatory:
            return f"{{{_expression_of(code)} or '-'}}"
        return code

    def _plain(self, alias: Alias) -> str:
        return f"{{{self._source(alias)}}}" if self._reading.live else self._code(alias)

    def _cast(self, item: Item) -> str:
        return f"{{{self.bind(_to_text, 'to_text')}({self.value(item)})}}"

    def _flagged(self, code: str, alias: Alias, flags: Flag) -> str:
        if flags & Flag.HEX and alias.hexadecimal:
            return f"{{{self.bind(_hexadecimal(alias.hexadecimal), 'hexadecimal')}({_expression_of(code)})}}"
        if flags & Flag.ESCAPE and alias.type is Type.STR:
            return f"{{{self.bind(_escape, 'escape')}({_expression_of(code)})}}"
        return code

    def _expression(self, item: Item, style: Style) -> str:
        expression = item.expression
        assert expression is not None and self._build is not None, "expressions are compiled for a balancer"
        if expression.type is Type.BIN and item.flags & Flag.BINARY and item.cast is None:
            source = f"{self.bind(_text, 'text')}({self.bind(expression.make(self._build), 'fetch')}(t))"
        elif item.cast is None or item.cast is Type.STR:
            source = f"{self.bind(expression.make(self._build, Type.STR), 'fetch')}(t)"
        else:
            fetch = self.bind(expression.make(self._build, item.cast), "fetch")
            source = f"{self.bind(_to_text, 'to_text')}({fetch}(t))"
        if style.encode:
            return f"{{{self.bind(_encoded, 'encoded')}({source} or '')}}"
        if item.flags & Flag.ESCAPE:
            source = f"{self.bind(_escape, 'escape')}({source} or '')"
        if item.flags & Flag.QUOTE:
            return f"\\\"{{{source} or ''}}\\\""
        return f"{{{source} or '-'}}" if style.mandatory else f"{{{source} or ''}}"


@lru_cache(maxsize=256)
def _code(source: str) -> CodeType:
    """Compiled once for all frontends, and all workers, that have the same format."""
    with _SYNTAX:
        tree = ast.parse(source)
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef) and isinstance(function.body[0], ast.Return), source
    end = function.body[0]
    if isinstance(end.value, ast.JoinedStr):
        end.value = ast.fix_missing_locations(_percent(end.value))
    with _SYNTAX:
        return compile(tree, "<log-format>", "exec")


def _percent(text: ast.JoinedStr) -> ast.expr:
    """An f-string as a text with `%`, which is faster by a quarter: it makes no texts of numbers to copy them."""
    pattern, values = "", []
    for part in text.values:
        if isinstance(part, ast.FormattedValue):
            assert part.conversion == -1, "no piece has one"
            pattern += f"%{_constant(part.format_spec) or 's'}"
            values.append(part.value)
        else:
            pattern += _constant(part).replace("%", "%%")
    return ast.copy_location(ast.BinOp(ast.Constant(pattern), ast.Mod(), ast.Tuple(values, ast.Load())), text)


def _constant(node: ast.expr | None) -> str:
    """The text that a node of a syntax tree is, "" for none."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node] if node is not None else []
    return "".join(ast.literal_eval(part) for part in parts)


def _literal(text: str) -> str:
    """`text` as it must stand inside a triple-quoted f-string."""
    marks = {"{": "{{", "}": "}}", '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\0": "\\0"}
    return "".join(marks.get(char, char) for char in text)


def _expression_of(code: str) -> str:
    """A piece of an f-string as a Python expression."""
    simple = _SIMPLE.fullmatch(code)
    return simple[1] if simple else f"f'{code}'"


def _text(value: Any) -> str:
    """All of a block, where the cast to text ends at its first NUL."""
    return "" if value is None else value.decode("latin-1")


def _to_text(value: Value | None) -> str:
    if value is None:
        return ""
    text = cast(value, Type.STR)
    return text if isinstance(text, str) else ""


def _number(value: int | str) -> int | None:
    return value if isinstance(value, int) else int(value) if value else None


def _escape(text: str) -> str:
    return text.translate(_RFC5424)


def _encoded(text: str) -> str:
    if text.isprintable():
        return text
    return _CONTROL.sub(lambda match: f"%{ord(match[0]):02X}", text)


def _list_text(flags: Flag) -> Callable[[Sequence[str | None]], str]:
    """How a list is printed: its members with a blank between, each in quotes or "-" for a missing one."""
    escaped = bool(flags & Flag.ESCAPE)
    quoted = bool(flags & Flag.QUOTE)

    def member(text: str | None) -> str:
        found = _escape(text or "") if escaped else text or ""
        return f'"{found}"' if quoted else found if text is not None else "-"

    return lambda members: " ".join(map(member, members))


def _hexadecimal(kind: str) -> Callable[[Any], str]:
    """What {+X} makes of a value of a `kind` (Alias.hexadecimal)."""
    if kind == "address":
        return _hexadecimal_address
    width = int(kind)
    return lambda value: value if value == "" else f"{int(value):0{width}X}"


def _hexadecimal_address(text: str) -> str:
    found = cast(text, Type.ADDR) if text else None
    return found.hex().upper() if isinstance(found, bytes) else text


# --- objects: {+json}, {+cbor} ---


def _encode_one(flags: Flag) -> Callable[[Any], str]:
    """How one item with {+json} or {+cbor} of its own is printed."""
    if flags & Flag.JSON:
        return json_value
    raw = flags & Flag.BINARY
    return lambda value: cbor_value(value).decode("latin-1") if raw else cbor_value(value).hex().upper()


def json_value(value: Any) -> str:
    """A value as JSON: what is missing is null, bytes are text of their own characters."""
    if isinstance(value, bytes):
        text = cast(value, Type.STR)
        value = text if isinstance(text, str) else None
    return json.dumps(value, ensure_ascii=False)


def _encoder(writer: _Writer, items: Sequence[Item], flags: Flag) -> TextOf:
    """The whole line as one object of the named items."""
    named = [item for item in items if item.name and not item.literal]
    if flags & Flag.JSON:
        render = writer.bind(json_value, "json")
        fields = ", ".join(_literal(json.dumps(item.name)) + f": {{{render}({writer.value(item)})}}" for item in named)
        return writer.function("{{" + fields + "}}")
    pairs = ", ".join(f"({item.name!r}, {writer.value(item)})" for item in named)
    raw = flags & Flag.BINARY
    encode = writer.bind(_cbor_raw if raw else _cbor_hex, "cbor")
    return writer.function(f"{{{encode}([{pairs}])}}")


def _cbor_raw(pairs: Sequence[tuple[str, Any]]) -> str:
    return cbor_map(pairs).decode("latin-1")


def _cbor_hex(pairs: Sequence[tuple[str, Any]]) -> str:
    return cbor_map(pairs).hex().upper()
