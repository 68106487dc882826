"""`h1-case-adjust` and `h1-case-adjust-file` of `global`: names of headers that some peers want written otherwise
than in lower case (manual 3.1).

They are written so where `option h1-case-adjust-bogus-client` or `-server` stands.
"""

from __future__ import annotations

from lbcore.cfg.arguments import Args, KeywordError
from lbcore.cfg.context import Context
from lbcore.cfg.keywords import KEYWORDS, Keyword
from lbcore.http.reply import is_token
from lbcore.proxy.settings import GlobalSettings

GLOBAL = ("global",)


def h1_case_adjust(args: Args) -> None:
    """`h1-case-adjust <from> <to>`; may be repeated."""
    name, to = args.take(), args.take()
    if not name or not to:
        raise KeywordError("'h1-case-adjust' expects <from> and <to> as argument.")
    try:
        _add(args.context.settings.globals, name, to)
    except ValueError as error:
        raise KeywordError(str(error)) from None


def h1_case_adjust_file(args: Args) -> None:
    """`h1-case-adjust-file <file>`; the last line of its kind counts."""
    path = args.take()
    if not path:
        raise KeywordError("'h1-case-adjust-file' expects <file> as argument.")
    args.context.settings.globals.h1_case_file = args.context.default_path.resolve(path, args.line.file)


def _add(settings: GlobalSettings, name: str, to: str) -> None:
    """Raises ValueError in HAProxy's words."""
    if name.lower() != to.lower() or not is_token(to):
        raise ValueError("<from> and <to> must not differ execpt the case")
    if settings.h1_case.setdefault(to.lower(), to) is not to:
        raise ValueError(f"duplicate entry '{name}'")


# --- the check of the whole ---


def check_h1_case(ctx: Context) -> None:
    """Reads the file, whose path is forgotten then."""
    settings = ctx.settings.globals
    path, settings.h1_case_file = settings.h1_case_file, None
    if path is None:
        return
    trouble = _read(settings, path)
    if trouble:
        ctx.reporter.alert(None, None, f"h1-headers-case-adjust-file '{path}'{trouble}")


def _read(settings: GlobalSettings, path: str) -> str:
    """Adds the names of a file; what is wrong with it, in HAProxy's words, else ""."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().split("\n")
    except OSError:
        return ": failed to open file."
    for number, text in enumerate(lines, 1):
        name, _, to = text.strip(" \t\r").replace("\t", " ").partition(" ")
        if not name or name.startswith("#"):
            continue
        if not to:
            return f" : expect <to> at line {number}."
        try:
            _add(settings, name, to.strip(" "))
        except ValueError as error:
            return f" : {error} at line {number}."
    return ""


KEYWORDS.register(
    Keyword(("h1-case-adjust",), GLOBAL, h1_case_adjust, "<from> <to>", "How a header's name is written.", "0.2"),
    Keyword(("h1-case-adjust-file",), GLOBAL, h1_case_adjust_file, "<file>", "Names of headers, from a file.", "0.2"),
)
