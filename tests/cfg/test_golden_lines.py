"""Golden files of broken lines: what the language says about text before any keyword is looked at.

A file under `golden/lines/` holds cases of one topic:

    === what the case shows
    configuration
    ----
    the messages expected, as printed by process 1

Signs stand for what can't be seen: `␍` CR, `␀` NUL, `␋` VT, `⇥` TAB, `␠` a blank at a line's end, `⊣` (at the end of
the text) no LF there, `¶` one byte 0xE9. Between the title and the configuration a line `!! <reason>` says that
HAProxy 2.6 answers otherwise, and why lbcore does not follow; all other cases are put to the real HAProxy, too, when
it is installed.

The sections are fakes that know `log-tag` only, with HAProxy's messages for it: so the cases need no other keyword.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from lbcore.base.diag import Diagnostic
from lbcore.cfg.context import Context, LoadOptions
from lbcore.cfg.defaultpath import DefaultPath
from lbcore.cfg.diagnostics import Reporter, format_diagnostic
from lbcore.cfg.environment import Environment
from lbcore.cfg.reader import read
from lbcore.cfg.source import Source, decode
from lbcore.cfg.words import Line
from lbcore.proxy.settings import Settings

GOLDEN = Path(__file__).parent / "golden" / "lines"
HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin")
SIGNS = str.maketrans({"␍": "\r", "␀": "\0", "␋": "\v", "⇥": "\t", "␠": " ", "¶": "\udce9"})

VARIABLES = {
    "LIST": "one two  three",
    "SPACED": " lead trail ",
    "EMPTY": "",
    "BLANK": "  ",
    "QUOTES": 'x"y z',
    "ONE": "1",
    "ZERO": "0",
}


@dataclass(frozen=True)
class Case:
    name: str
    text: bytes
    expected: str
    differs: str  # why HAProxy 2.6 says something else; "": it doesn't


def cases() -> list[Case]:
    found = []
    for file in sorted(GOLDEN.glob("*.txt")):
        blocks = re.split(r"^=== ", file.read_text("utf-8"), flags=re.MULTILINE)[1:]
        found += [_case(file.stem, block) for block in blocks]
    return found


def _case(topic: str, block: str) -> Case:
    given, _, expected = block.partition("\n----\n")
    title, _, text = given.partition("\n")
    differs = ""
    if text.startswith("!! "):
        differs, _, text = text[3:].partition("\n")
    text = text[:-1] if text.endswith("⊣") else text + "\n"
    raw = text.translate(SIGNS).encode("utf-8", "surrogateescape")
    return Case(f"{topic}: {title}", raw, expected.rstrip("\n"), differs)


class OnlyLogTag:
    """A section that knows one keyword."""

    def open(self, ctx: Context, line: Line) -> None:
        pass

    def line(self, ctx: Context, line: Line) -> None:
        word = line.words[0]
        if word.text != "log-tag":
            ctx.reporter.alert(line, word, f"unknown keyword '{word.text}' in '{ctx.section}' section")
        elif line.text(2):
            text = f"'log-tag' cannot handle unexpected argument '{line.text(2)}'."
            ctx.reporter.alert(line, line.words[2], text)
        elif not line.text(1):
            ctx.reporter.alert(line, line.word(1), "'log-tag' expects a tag for use in syslog.")

    def close(self, ctx: Context) -> None:
        pass


def messages(text: bytes) -> list[Diagnostic]:
    reporter = Reporter()
    # The version and features of the HAProxy that the cases are compared with.
    options = LoadOptions(
        version="2.6.12", features={"OPENSSL": True}, enabled={"SPLICE": True}, ssl_library="OpenSSL 3.0.2"
    )
    ctx = Context(Settings(), reporter, Environment(VARIABLES), DefaultPath(), options)
    read(ctx, Source("lb.cfg", decode(text)), dict.fromkeys(("global", "defaults", "frontend"), OnlyLogTag()))
    return reporter.diagnostics.messages


def first_lines(text: bytes, directory: Path) -> list[str]:
    """What HAProxy says about a text: the first line of each message, without its summary and suggestions."""
    (directory / "lb.cfg").write_bytes(text)
    command = [HAPROXY or "", "-c", "-f", "lb.cfg"]
    run = subprocess.run(command, cwd=directory, env=VARIABLES, capture_output=True, timeout=20, check=False)
    lines = re.findall(
        r"^\[(\w+)\] +\(\d+\) : (config : parsing .*)$", run.stderr.decode("utf-8", "replace"), re.MULTILINE
    )
    return [f"{severity} {comparable(message)}" for severity, message in lines]


def comparable(message: str) -> str:
    return re.sub(r"(; did you mean '.*' maybe \?|\.)$", "", message.partition("\n")[0])


CASES = cases()
each_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 150
    assert len({case.name for case in CASES}) == len(CASES)


@each_case
def test_says_what_the_golden_file_says(case: Case) -> None:
    said = "\n".join(format_diagnostic(message, 1) for message in messages(case.text))
    assert said == case.expected


@pytest.mark.skipif(HAPROXY is None, reason="needs the haproxy of the distribution")
@each_case
def test_says_what_haproxy_says(case: Case, tmp_path: Path) -> None:
    ours = [f"{message.severity.value} {comparable(message.text)}" for message in messages(case.text)]
    theirs = first_lines(case.text, tmp_path)
    if case.differs:
        assert ours != theirs, f"HAProxy agrees by now, so '{case.differs}' is out of date"
    else:
        assert ours == theirs
