"""`default-path`: from which directory relative file names are read (manual 3.1)."""

from __future__ import annotations

import os

MODES = ("current", "config", "parent", "origin")


class DefaultPath:
    """Resolves relative file names.

    HAProxy changes its directory while it parses; a library must not move its host, so names are joined instead.
    No lock: written only while parsing.
    """

    __slots__ = ("mode", "origin")

    def __init__(self) -> None:
        self.mode = "current"
        self.origin = ""

    def select(self, mode: str, origin: str = "") -> None:
        """Switches to `current`, `config`, `parent` or `origin`, from now on. Raises ValueError with HAProxy's text."""
        if mode not in MODES:
            what = "unsupported" if mode else "missing"
            raise ValueError(
                f"{what} default-path mode '{mode}' for 'default-path', "
                "supported modes include 'current', 'config', 'parent', and 'origin'."
            )
        if mode == "origin":
            _check_directory(origin)
        self.mode = mode
        self.origin = origin

    def resolve(self, path: str, file: str) -> str:
        """Where `path`, written in the configuration file `file`, is to be opened."""
        if os.path.isabs(path):
            return path
        return os.path.join(self._directory(file), path)

    def _directory(self, file: str) -> str:
        if self.mode == "config":
            return os.path.dirname(file)
        if self.mode == "parent":
            return os.path.join(os.path.dirname(file), "..")
        return self.origin  # "" under `current`


def _check_directory(origin: str) -> None:
    if not origin:
        raise ValueError("'default-path origin' expects a directory as an argument.")
    if not os.path.isdir(origin):
        error = "Not a directory" if os.path.exists(origin) else "No such file or directory"
        raise ValueError(f"couldn't set 'default-path' to origin '{origin}': {error}.")
