"""Explains a request to a configuration that is a text."""

from __future__ import annotations

from pathlib import Path

from lbcore.configuration import read
from lbcore.explain.command import explained, parser, visit
from lbcore.explain.explanation import Explanation
from lbcore.explain.trace import Step
from lbcore.options import Options

CONFIG = """\
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend web
    bind 127.0.0.1:8080
{front}
    default_backend app
backend app
{back}
    server s1 127.0.0.1:9001
"""


def config(front: str = "", back: str = "", more: str = "") -> str:
    """A frontend on port 8080 before a backend, with further lines and sections."""
    text = CONFIG.format(front=_lines(front), back=_lines(back))
    return "".join(f"{line}\n" for line in text.splitlines() if line.strip()) + more


def _lines(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def explain(folder: Path, text: str, *words: str) -> Explanation:
    """What `lbcore explain` finds out; `words` are those of its command line without `-f`. Raises RequestError."""
    path = folder / "lb.cfg"
    path.write_text(text)
    options = Options()
    options.sources = [str(path)]
    settings, diagnostics, _ = read(options)
    assert not diagnostics.errors, [message.text for message in diagnostics.messages]
    return explained(settings, diagnostics, visit(settings, parser().parse_args(["-f", str(path), *words])))


def step(found: Explanation, text: str) -> Step:
    """The one step whose rule begins with `text`."""
    [one] = [one for one in found.steps if one.text.startswith(text)]
    return one
