"""What answers in a tenth of a second may not import what it does not need."""

from __future__ import annotations

import sys

import pytest

from tests.program.command import execute

NEVER = {
    "argparse",
    "asyncio",
    "h2",
    "lark",
    "dns",
    "OpenSSL",
    "cryptography",
    "ssl",
    "logging",
    "http",
    "lbcore._shim",
}
SHOW = "import sys; from lbcore.__main__ import main; code = main(sys.argv[1:]); print(*sys.modules); sys.exit(code)"


def modules(*words: str) -> set[str]:
    done = execute([sys.executable, "-c", SHOW, *words])
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("words", [["-v"], ["-vv"], ["-cc", "version_atleast(2.4)"]], ids=" ".join)
def test_questions_about_the_program_import_no_dataclasses_and_no_settings(words: list[str]) -> None:
    found = modules(*words)
    assert not found & (NEVER | {"dataclasses", "inspect", "lbcore.proxy.settings", "lbcore.main"})


def test_check_mode_imports_no_engine_and_nothing_heavy(valid: str) -> None:
    found = modules("-c", "-f", valid)
    assert not found & (NEVER | {"lbcore.api", "lbcore.process", "lbcore.signals", "lbcore.dump", "lbcore.demo"})
