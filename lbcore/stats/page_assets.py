"""The files of the statistics page: its style, its script, and uPlot, which draws the plots (MIT: web/uplot.LICENSE).

They are read once, before the process may lose sight of them (`chroot`). Their URLs carry a digest, so that browsers
keep each for good and still see a new one at once.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_FOLDER = Path(__file__).parent / "web"


class Asset(NamedTuple):
    """A file."""

    text: str
    type: str
    digest: str


@cache
def assets() -> dict[str, Asset]:
    """All files by name. Raises OSError if they can't be read."""
    found = {}
    for path in sorted(_FOLDER.iterdir()):
        if path.suffix in _TYPES:
            body = path.read_bytes()
            found[path.name] = Asset(body.decode(), _TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:12])
    return found


def asset_url(prefix: str, name: str) -> str:
    """The target of a file of the page whose targets begin with `prefix`."""
    return f"{prefix};asset={name};v={assets()[name].digest}"
