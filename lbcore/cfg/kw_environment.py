"""Keywords of `global` that change variables and where files are looked for (manual 3.1)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lbcore.cfg.arguments import TIGHT, Args, KeywordError
from lbcore.cfg.environment import VariableNameError
from lbcore.cfg.keywords import GLOBAL, KEYWORDS, Keyword


def setenv(args: Args) -> None:
    name, value = _name_and_value(args)
    with _naming(args):
        args.context.environment.setenv(name, value)


def presetenv(args: Args) -> None:
    name, value = _name_and_value(args)
    with _naming(args):
        args.context.environment.presetenv(name, value)


def _name_and_value(args: Args) -> tuple[str, str]:
    given = len(args.line.words) - args.position
    if given < 2:
        raise KeywordError(f"'{args.name}' expects a name and a value.", lead=TIGHT, at=len(args.line.words))
    return args.take(), args.take()


@contextmanager
def _naming(args: Args) -> Iterator[None]:
    """Turns the refusal of a name that no variable can have into HAProxy's words."""
    try:
        yield
    except VariableNameError as error:
        raise KeywordError(f"'{args.name}' failed on variable '{error.name}' : {error}", 1, lead=TIGHT) from None


def unsetenv(args: Args) -> None:
    names = args.rest()
    if not names or not names[0]:
        raise KeywordError("'unsetenv' expects at least one variable name.", lead=TIGHT, at=1)
    with _naming(args):
        args.context.environment.unsetenv(names)


def resetenv(args: Args) -> None:
    args.context.environment.resetenv(args.rest())


def default_path(args: Args) -> None:
    mode = args.take()
    origin = args.take() if mode == "origin" else ""
    try:
        args.context.default_path.select(mode, origin)
    except ValueError as error:
        raise KeywordError(str(error)) from None


KEYWORDS.register(
    Keyword(("default-path",), GLOBAL, default_path, "{current|config|parent|origin <path>}",
            "From where relative file names are read."),
    Keyword(("presetenv",), GLOBAL, presetenv, "<name> <value>", "Sets a variable that has no value yet."),
    Keyword(("resetenv",), GLOBAL, resetenv, "[<name> ...]", "Drops all variables but the named ones."),
    Keyword(("setenv",), GLOBAL, setenv, "<name> <value>", "Sets a variable for the lines that follow."),
    Keyword(("unsetenv",), GLOBAL, unsetenv, "<name> ...", "Drops variables."),
)  # fmt: skip
