"""Evaluates the conditions of `.if` and `.elif` lines and of `-cc` (manual 2.4 Conditional blocks).

    expression = and { "||" and }        and  = term { "&&" term }
    term       = { "!" } ( "(" expression ")" | integer | predicate [ "(" argument { "," argument } ")" ] )

The whole text is parsed before anything is evaluated, so a mistake behind a `||` that would not be reached is still
told. Hand-written because `-cc` has a tenth of a second for everything; nothing heavy may be imported here.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lbcore.cfg.predicates import PREDICATES, ConditionContext, Predicate
from lbcore.cfg.tokenizer import MAX_WORDS, TokenError, cut

__all__ = ["PREDICATES", "ConditionContext", "ConditionError", "evaluate", "evaluate_argument"]

Thunk = Callable[[], bool]

_SPACES = re.compile(r"[ \t\v\f\r\n]*")
# strtol(3) with base 0: hexadecimal, octal, decimal. A lone "0x" is a zero followed by an x.
_INTEGER = re.compile(r"[+-]?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")
_WORD = re.compile(r"[A-Za-z0-9_]+")
_ARGUMENT_ESCAPES = {" ": " ", "\\": "\\", "'": "'", '"': '"', "n": "\n", "r": "\r", "t": "\t"}


class ConditionError(ValueError):
    """A condition that can't be understood. `offset` counts from 0 in the text, None: no place is at fault."""

    def __init__(self, why: str, offset: int | None) -> None:
        super().__init__(why)
        self.offset = offset


def evaluate(text: str, ctx: ConditionContext) -> bool:
    """Whether the condition holds; an empty one doesn't. Raises ConditionError in HAProxy's words."""
    if not text:
        return False
    return _Parser(text, ctx).condition()()


def evaluate_argument(text: str, ctx: ConditionContext) -> bool:
    """Whether the argument of `-cc` holds: cut into words like a line of configuration, without comments.

    Raises ConditionError whose message is all that is to be printed.
    """
    try:
        words = cut(text, ctx.environment, comments=False)
    except TokenError as error:
        why = str(error)
        raise ConditionError(f"Syntax Error in condition: {why[0].upper()}{why[1:]}.", error.offset) from None
    if len(words) > MAX_WORDS:
        raise ConditionError("Error in condition: Too many words.", None)
    try:
        return evaluate(" ".join(word.text for word in words), ctx)
    except ConditionError as error:
        raise ConditionError(f"Failed to evaluate condition: {error}", error.offset) from None


class _Empty(Exception):
    """Nothing stands where a term should; whoever expected it words the error. `operator`: the first of its chain."""

    def __init__(self, operator: int | None = None) -> None:
        self.operator = operator


class _Parser:
    """Recursive descent over one text. Methods take the offset to start at, and return what they read and its end."""

    __slots__ = ("ctx", "text")

    def __init__(self, text: str, ctx: ConditionContext) -> None:
        self.text = text
        self.ctx = ctx

    def condition(self) -> Thunk:
        try:
            value, end = self._or(0)
        except _Empty:
            raise ConditionError(f"unparsable conditional sub-expression '{self.text}'", 0) from None
        end = self._skip(end)
        if end < len(self.text):
            char = self.text[end]
            raise ConditionError(
                f"unexpected character '{char}' at the end of conditional expression '{self.text}'", end
            )
        return value

    def _or(self, start: int) -> tuple[Thunk, int]:
        try:
            terms, end, operator = self._chain(self._and, "||", start)
        except _Empty as empty:
            # Inside parentheses the one who opened them says it.
            if start or empty.operator is None:
                raise
            raise self._unparsable(start, empty.operator) from None
        return (terms[0] if operator is None else lambda: any(term() for term in terms)), end

    def _and(self, start: int) -> tuple[Thunk, int]:
        try:
            terms, end, operator = self._chain(self._term, "&&", start)
        except _Empty as empty:
            if empty.operator is None:
                raise
            raise self._unparsable(empty.operator, empty.operator) from None
        return (terms[0] if operator is None else lambda: all(term() for term in terms)), end

    def _chain(
        self, read: Callable[[int], tuple[Thunk, int]], sign: str, start: int
    ) -> tuple[list[Thunk], int, int | None]:
        """Operands joined by an operator, the end of the last, and where the first operator stands."""
        first, end = read(start)
        terms = [first]
        first_operator = None
        while self.text.startswith(sign, operator := self._skip(end)):
            if first_operator is None:
                first_operator = operator
            try:
                term, end = read(self._skip(operator + len(sign)))
            except _Empty:
                raise _Empty(first_operator) from None
            terms.append(term)
        return terms, end, first_operator

    def _term(self, start: int) -> tuple[Thunk, int]:
        at = self._skip(start)
        negated = False
        while self.text.startswith("!", at):
            negated = not negated
            at = self._skip(at + 1)
        value, end = self._operand(start, at)
        return ((lambda: not value()) if negated else value), end

    def _operand(self, start: int, at: int) -> tuple[Thunk, int]:
        if at == len(self.text):
            if at == self._skip(start):
                raise _Empty
            raise self._unparsable(start, start)
        if self.text[at] == "(":
            return self._group(start, at)
        number = _INTEGER.match(self.text, at)
        if number:
            value = any(digit not in "+-0xX" for digit in number[0])
            return (lambda: value), number.end()
        return self._predicate(start, at)

    def _group(self, start: int, at: int) -> tuple[Thunk, int]:
        try:
            value, end = self._or(self._skip(at + 1))
        except _Empty:
            raise self._unparsable(start, start) from None
        end = self._skip(end)
        if not self.text.startswith(")", end):
            raise ConditionError(f"expected ')' after conditional expression '{self.text[start:]}'", start)
        return value, end + 1

    def _predicate(self, start: int, at: int) -> tuple[Thunk, int]:
        word = _WORD.match(self.text, at)
        predicate = PREDICATES.get(word[0]) if word else None
        if word is None or predicate is None:
            raise self._unparsable(start, start)
        name, end = word[0], word.end()
        arguments: list[str] = []
        if self.text.startswith("(", end):
            arguments, end = self._arguments(name, predicate, end + 1)
        self._check_count(name, predicate, arguments, end)
        arguments += [""] * (predicate.most - len(arguments))

        def ask() -> bool:
            try:
                return predicate.ask(self.ctx, *arguments)
            except ValueError:
                why = f"invalid argument to conditional expression predicate '{name}': '{arguments[0]}'"
                raise ConditionError(why, end) from None

        return ask, end

    def _arguments(self, name: str, predicate: Predicate, at: int) -> tuple[list[str], int]:
        """The arguments between parentheses and the offset after the closing one."""
        if self.text.startswith(")", at):
            return [], self._counted(name, predicate, [], at)
        arguments: list[str] = []
        while True:
            argument, at = self._argument(at)
            arguments.append(argument)
            if not self.text.startswith(",", at) or len(arguments) == predicate.most:
                break
            at += 1
        return arguments, self._counted(name, predicate, arguments, at)

    def _counted(self, name: str, predicate: Predicate, arguments: list[str], at: int) -> int:
        """The offset after the parenthesis that must stand at `at`, once there are arguments enough."""
        self._check_count(name, predicate, arguments, at)
        if self.text.startswith(")", at):
            return at + 1
        rest = self.text[at:]
        before = f" before '{rest}'" if rest else ""
        raise ConditionError(f"expected ')'{before} {_used(name)}", at)

    @staticmethod
    def _check_count(name: str, predicate: Predicate, arguments: list[str], at: int) -> None:
        if len(arguments) < predicate.least:
            # HAProxy counts an empty list as one argument.
            got = f"got {len(arguments) or 1}/{predicate.least}"
            raise ConditionError(f"missing arguments ({got}), type 'string' expected {_used(name)}", at)

    def _argument(self, at: int) -> tuple[str, int]:
        """One argument and the offset of what ended it. Quotes and escapes are of the second level (manual 2.2)."""
        parts: list[str] = []
        quote = ""
        while at < len(self.text):
            char = self.text[at]
            if char == quote:
                quote = ""
            elif char in "\"'" and not quote:
                quote = char
            elif char in ",)" and not quote:
                break
            elif char == "\\" and quote != "'" and self.text[at + 1 : at + 2] in _ARGUMENT_ESCAPES:
                at += 1
                parts.append(_ARGUMENT_ESCAPES[self.text[at]])
            else:
                parts.append(char)
            at += 1
        return "".join(parts), at

    def _skip(self, at: int) -> int:
        match = _SPACES.match(self.text, at)
        return match.end() if match else at

    def _unparsable(self, start: int, offset: int) -> ConditionError:
        return ConditionError(f"unparsable conditional expression '{self.text[start:]}'", offset)


def _used(name: str) -> str:
    return f"in argument 1 of predicate '{name}' used in conditional expression"
