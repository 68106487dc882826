"""Lints a text on a machine whose figures are known."""

from __future__ import annotations

from pathlib import Path

from lbcore.lint.command import load
from lbcore.lint.finding import Finding, findings
from lbcore.lint.subject import Machine

MACHINE = Machine(cpus=4, descriptors=4096)


def lint(folder: Path, text: str, *disabled: str) -> list[Finding]:
    """What is found in a configuration, which must be valid."""
    path = folder / "lb.cfg"
    path.write_text(text)
    subject = load([str(path)], MACHINE)
    assert subject is not None, text
    return findings(subject, disabled)
