"""Network namespaces: where `ip netns` keeps them (Linux)."""

from __future__ import annotations

FOLDER = "/run/netns"


def path_of(name: str) -> str:
    """The file that stands for a namespace. Raises ValueError for what is no name."""
    if not name or "/" in name or "\0" in name or name in (".", ".."):
        raise ValueError(f"'{name}' is no name of a network namespace")
    return f"{FOLDER}/{name}"
