"""Findings as text, as JSON, and as SARIF 2.1.0 (OASIS), which code hosts and editors show at the lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from lbcore.lint.finding import LINTS, Finding, Lint
from lbcore.version import __version__

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_text(found: Sequence[Finding]) -> str:
    """A paragraph each: place, level, text; below, what to do."""
    lines = []
    for one in found:
        lint = LINTS[one.id]
        lines.append(f"{one.file}:{one.line}:{one.column}: {lint.level.value}: {one.text} [{one.id} {lint.name}]")
        lines.append(f"    {lint.advice}")
    if found:
        lines.append(f"{len(found)} finding{'s' if len(found) > 1 else ''}")
    return "".join(f"{line}\n" for line in lines)


def catalogue() -> str:
    """All lints, a paragraph each."""
    return "".join(
        f"{lint.id} {lint.name} ({lint.level.value})\n    {lint.about}\n    {lint.advice}\n" for lint in LINTS.values()
    )


def as_json(found: Sequence[Finding]) -> str:
    """A list of objects."""
    return json.dumps([_plain(one) for one in found], indent=2) + "\n"


def _plain(one: Finding) -> dict[str, object]:
    lint = LINTS[one.id]
    return {
        "id": one.id,
        "name": lint.name,
        "level": lint.level.value,
        "file": one.file,
        "line": one.line,
        "column": one.column,
        "text": one.text,
        "advice": lint.advice,
    }


def as_sarif(found: Sequence[Finding]) -> str:
    """A log with one run; all lints are its rules, so that a viewer can explain each."""
    rules = list(LINTS.values())
    places = {lint.id: at for at, lint in enumerate(rules)}
    driver = {
        "name": "lbcore lint",
        "version": __version__,
        "rules": [_rule(lint) for lint in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, places[one.id]) for one in found],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(lint: Lint) -> dict[str, Any]:
    return {
        "id": lint.id,
        "name": lint.name,
        "shortDescription": {"text": lint.about},
        "help": {"text": lint.advice},
        "defaultConfiguration": {"level": lint.level.value},
    }


def _result(one: Finding, place: int) -> dict[str, Any]:
    location = {
        "artifactLocation": {"uri": _uri(one.file)},
        "region": {"startLine": max(one.line, 1), "startColumn": max(one.column, 1)},
    }
    return {
        "ruleId": one.id,
        "ruleIndex": place,
        "level": LINTS[one.id].level.value,
        "message": {"text": one.text},
        "locations": [{"physicalLocation": location}],
    }


def _uri(file: str) -> str:
    """An absolute path as a URI, a relative one as it is, to be resolved by who reads it."""
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


FORMATS: dict[str, Callable[[Sequence[Finding]], str]] = {"json": as_json, "sarif": as_sarif, "text": as_text}
