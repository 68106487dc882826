"""python -m tests.suite [word of pytest's ...]: the tests, and once more what failed of them.

Peers are real and machines busy: of many thousand tests one may find that a peer was not scheduled in time. How it
failed has been printed by then, and a mistake of ours fails twice. More than a few that fail are not tried again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SECOND_TRIES = 3
FAILED = Path(__file__).resolve().parent.parent / ".pytest_cache/v/cache/lastfailed"  # where pytest notes their names


def main(words: list[str]) -> int:
    """What pytest exits with: that of the second try, if there was one."""
    FAILED.unlink(missing_ok=True)
    code = _run(words)
    names = sorted(json.loads(FAILED.read_text())) if FAILED.exists() else []
    if code != pytest.ExitCode.TESTS_FAILED or not 0 < len(names) <= SECOND_TRIES:
        return code
    print(f"once more: {', '.join(names)}", flush=True)
    return _run([*names, "-n", "0"])


def _run(words: list[str]) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *words], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
