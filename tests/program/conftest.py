"""Configurations that the tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import pytest

VALID = """\
global
    nbthread 2
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend fe
    bind 127.0.0.1:8080
    default_backend be
backend be
    server s 127.0.0.1:1
"""


@pytest.fixture
def valid(tmp_path: Path) -> str:
    """The path of a configuration without fault."""
    return write(tmp_path, "valid.cfg", VALID)


def write(folder: Path, name: str, text: str) -> str:
    """Writes a file and returns its path."""
    path = folder / name
    path.write_text(text)
    return str(path)
