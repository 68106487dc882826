"""What the test session is built on: the program under test, and skips that are not allowed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.haproxy import PROGRAM_VARIABLE, program_under_test
from tests.peers.installed import missing_peers

ROOT = Path(__file__).resolve().parents[2]
_MODULES = {
    "test": "import pytest\ndef test_a():\n    pytest.skip('no reason')\n",
    "module": "import pytest\npytest.skip('no reason', allow_module_level=True)\n",
    "mark": "import pytest\n@pytest.mark.skip(reason='no reason')\ndef test_a():\n    pass\n",
}


def test_every_peer_is_installed() -> None:
    assert missing_peers() == []


@pytest.mark.parametrize("kind", _MODULES)
def test_a_skip_is_a_failure(tmp_path: Path, kind: str) -> None:
    module = tmp_path / "test_skips.py"
    module.write_text(_MODULES[kind])
    argv = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-c", "/dev/null"]
    done = subprocess.run([*argv, str(module)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (1, 2)
    assert "skipped although every peer is installed" in done.stdout


def test_the_program_is_lbcore_of_this_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PROGRAM_VARIABLE, raising=False)
    assert program_under_test().argv == (sys.executable, "-m", "lbcore")


def test_the_program_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROGRAM_VARIABLE, "/opt/x/haproxy -dr")
    assert program_under_test().argv == ("/opt/x/haproxy", "-dr")
    assert program_under_test("'/a b/lb' -q").argv == ("/a b/lb", "-q")
