"""Keywords of `global` for what rules work with: variables of the process and room for all, regular expressions
(manual 3.1 set-var, 3.2 tune.vars)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lbcore.cfg.arguments import TIGHT, Args, KeywordError, integer
from lbcore.cfg.keywords import GLOBAL, KEYWORDS, Keyword
from lbcore.cfg.kw_error import install_files
from lbcore.cfg.kw_global import settings
from lbcore.cfg.vocabulary import load_vocabulary, read
from lbcore.proxy.settings import StartVariable
from lbcore.sample.points import Point
from lbcore.sample.words import Words


def set_var(args: Args) -> None:
    """`set-var <name> <expression>`: gives a variable of the process the value that it starts with."""
    _check_name(args, "a sample expression")
    load_vocabulary()
    from lbcore.sample.expression import parse_expression  # with the vocabulary

    _add(args, parse_expression)


def set_var_fmt(args: Args) -> None:
    """`set-var-fmt <name> <format>`."""
    _check_name(args, "a format string")
    load_vocabulary()
    from lbcore.sample.format import parse_format
    from lbcore.sample.style import PLAIN  # with the vocabulary

    _add(args, lambda words: parse_format(words.take(), words, PLAIN))


def _check_name(args: Args, what: str) -> None:
    name = args.peek()
    if not (name and len(args.line.words) > args.position + 1):
        raise KeywordError(f"'{args.name}' requires a process-wide variable name ('proc.<name>') and {what}.")
    if name.partition(".")[0] in ("sess", "txn", "req", "res"):
        raise KeywordError(
            f"'{args.name}': cannot set variable '{name}', only scope 'proc' is permitted in the global section."
        )


def _add(args: Args, parse: Callable[[Words], Any]) -> None:
    install_files(args.context)
    line = args.line
    words = Words(
        line.texts(), args.position, line.file, line.number, point=Point.CFG, warn=args.warn, notes=args.context.notes
    )
    variable = read(args, words, _variable, lead=TIGHT)
    value = read(args, words, parse)
    settings(args).start_variables.append(StartVariable(variable, value, line.where))


def _variable(words: Words) -> Any:
    from lbcore.sample.rows import ArgumentError  # with the vocabulary
    from lbcore.sample.variable import parse_name
    from lbcore.sample.words import ParseError

    try:
        return parse_name(words.take())
    except ArgumentError as error:
        raise ParseError(str(error)) from None


def limit(scope: str) -> Callable[[Args], None]:
    """The function of a keyword that limits the bytes of the variables of a scope; 0 means no limit."""

    def parse(args: Args) -> None:
        text = args.take()
        value = integer(text) if text else None
        if value is None or value < 0:
            raise KeywordError(f"{args.name}: '{text}' is an invalid size")
        settings(args).variable_limits[scope] = value

    return parse


def regex_engine(args: Args) -> None:
    """`regex-engine {re|re2}`: what reads regular expressions, in this process, from this line on. A word of ours."""
    from lbcore.sample.regex import set_engine  # with the vocabulary

    name = args.take()
    try:
        set_engine(name)
    except ValueError:
        raise KeywordError(f"'{args.name}' expects 're' or 're2', not '{name}'.") from None
    except ImportError:
        raise KeywordError(f"'{args.name} {name}' needs the package google-re2, which is not installed.") from None


KEYWORDS.register(
    Keyword(("regex-engine",), GLOBAL, regex_engine, "{re|re2}", "What reads regular expressions.", "0.2"),
    Keyword(("set-var",), GLOBAL, set_var, "<name> <expression>", "Gives a variable of the process a value.", "0.2"),
    Keyword(("set-var-fmt",), GLOBAL, set_var_fmt, "<name> <format>", "Gives a variable of the process a text.", "0.2"),
    *(
        Keyword((f"tune.vars.{scope}-max-size",), GLOBAL, limit(scope), "<bytes>", f"The most that {what} take.", "0.2")
        for scope, what in (
            ("check", "variables of a health check"),
            ("global", "all variables"),
            ("proc", "variables of the process"),
            ("reqres", "variables of a request, or of a response,"),
            ("sess", "variables of a connection"),
            ("txn", "variables of a request and its response"),
        )
    ),
)
