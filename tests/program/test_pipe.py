"""Commands that print, before a reader that wants no more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = "frontend web\n    mode http\n    bind 127.0.0.1:8080\n    timeout client 5s\n    http-request deny\n"


@pytest.mark.parametrize("words", [("explain", "GET http://127.0.0.1:8080/"), ("lint",)], ids=["explain", "lint"])
def test_a_reader_that_has_gone_ends_the_command_without_a_word(words: tuple[str, ...], tmp_path: Path) -> None:
    # was a traceback: `lbcore explain ... | head`
    config = tmp_path / "lb.cfg"
    config.write_text(CONFIG)
    reader, writer = os.pipe()
    os.close(reader)
    try:
        argv = [sys.executable, "-m", "lbcore", words[0], "-f", str(config), *words[1:]]
        ended = subprocess.run(argv, stdout=writer, stderr=subprocess.PIPE, timeout=30, check=False)
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, b"")
