"""python -m tests.suite [word of pytest's ...]: the tests, and once more what failed of them.

Peers are real and machines busy: of many thousand tests one may find that a peer was not scheduled in time. How it
failed has been printed by then, and a mistake of ours fails twice. More than a few that fail are not tried again.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

SECOND_TRIES = 3


def main(words: list[str]) -> int:
    """What pytest exits with: that of the second try, if there was one."""
    with tempfile.TemporaryDirectory() as cache:
        code = _run([*words, "-o", f"cache_dir={cache}"])
        names = _failed(Path(cache))
        if code != pytest.ExitCode.TESTS_FAILED or not 0 < len(names) <= SECOND_TRIES:
            return code
        print(f"once more: {', '.join(names)}", flush=True)
        return _run([*names, "-n", "0", "-o", f"cache_dir={cache}"])


def _failed(cache: Path) -> list[str]:
    """The names of the tests that pytest noted as failed in its cache."""
    noted = cache / "v/cache/lastfailed"
    return sorted(json.loads(noted.read_text())) if noted.exists() else []


def _run(words: list[str]) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *words], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
