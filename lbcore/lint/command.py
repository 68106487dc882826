"""`lbcore lint`: from words to findings on standard output."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from lbcore.cfg.diagnostics import closing_messages
from lbcore.cfg.sections import SECTIONS
from lbcore.cfg.source import SourceError
from lbcore.cfg.vocabulary import load_vocabulary
from lbcore.configuration import read
from lbcore.console import Console
from lbcore.lint import acls, checks, order, process, regexes, servers, timeouts, trust, words
from lbcore.lint.finding import LINTS, findings
from lbcore.lint.output import FORMATS, catalogue
from lbcore.lint.subject import Machine, Section, Subject, recording
from lbcore.options import Options

TOPICS = (acls, checks, order, process, regexes, servers, timeouts, trust, words)  # importing them has filled LINTS
CLEAN, FOUND, BROKEN = 0, 1, 2


def parser() -> argparse.ArgumentParser:
    """The words that it takes."""
    options = argparse.ArgumentParser(
        prog="lbcore lint",
        description="Reports what is valid and still dangerous in a configuration. "
        "Exit code: 0 nothing found, 1 something found, 2 the configuration can't be used.",
    )
    options.add_argument("-f", dest="files", action="append", default=[], metavar="PATH", help="configuration")
    options.add_argument("--list", action="store_true", help="shows all lints and what to do about them")
    options.add_argument("--format", choices=sorted(FORMATS), default="text")
    options.add_argument(
        "--disable", action="append", default=[], metavar="ID[,ID...]", help="lints to leave out, by id or name"
    )
    return options


def lint(given: Sequence[str]) -> int:
    """Prints the findings that the words ask for, and returns the exit code."""
    options = parser()
    chosen = options.parse_args(given)
    disabled = [name for names in chosen.disable for name in names.split(",") if name]
    unknown = set(disabled) - {name for one in LINTS.values() for name in (one.id, one.name)}
    if unknown:
        options.error(f"argument --disable: there is no lint '{min(unknown)}'")
    if chosen.list:
        sys.stdout.write(catalogue())
        return CLEAN
    if not chosen.files:
        options.error("the following arguments are required: -f")
    subject = load(chosen.files, Machine.present())
    if subject is None:
        return BROKEN
    found = findings(subject, disabled)
    sys.stdout.write(FORMATS[chosen.format](found))
    return FOUND if found else CLEAN


def load(files: Sequence[str], machine: Machine) -> Subject | None:
    """What is to be looked at, None after telling what is wrong with it. Mere warnings are not told: what is dangerous
    about them is found."""
    console = Console()
    load_vocabulary()
    options = Options()
    options.sources = list(files)
    sections: list[Section] = []
    try:
        settings, diagnostics, _ = read(options, recording(SECTIONS, sections))
    except SourceError as error:
        console.alert(f"config : {error}")
        return None
    if diagnostics.errors:
        console.diagnostics(diagnostics.messages)
        console.diagnostics(closing_messages(diagnostics))
        return None
    return Subject(settings, sections, machine)
