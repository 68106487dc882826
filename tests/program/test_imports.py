"""What answers in a tenth of a second may not import what it does not need."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lbcore import action, conv, fetch
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
# What a configuration without rules, logs and the like does not need to be read and checked.
UNUSED = {
    "ctypes",
    "difflib",
    "ipaddress",
    "json",
    "lbcore.cfg.known_words",
    "lbcore.sample.acl",
    "lbcore.sample.alias",
    "lbcore.sample.expression",
    "lbcore.sample.format",
    "lbcore.sample.rows",
    "lbcore.stream.txn",
}
# One rule has one action, one fetch and one converter; the files of all others stay unread.
RULE = "    http-request set-header x %[path,lower]\n"
# An editable installation imports modules of its own before anything else is.
SHOW = """
import sys
before = set(sys.modules)
from lbcore.__main__ import main
code = main(sys.argv[1:])
print(*set(sys.modules) - before)
sys.exit(code)
"""


def modules(*words: str) -> set[str]:
    done = execute([sys.executable, "-c", SHOW, *words])
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("words", [["-v"], ["-vv"], ["-cc", "version_atleast(2.4)"]], ids=" ".join)
def test_questions_about_the_program_import_no_dataclasses_and_no_settings(words: list[str]) -> None:
    found = modules(*words)
    assert not found & (NEVER | {"dataclasses", "inspect", "lbcore.proxy.settings", "lbcore.main"})


def test_check_mode_of_a_plain_configuration_imports_nothing_that_rules_are_made_of(valid: str) -> None:
    assert not modules("-c", "-f", valid) & UNUSED


def test_a_rule_imports_the_files_of_its_words_only(valid: str, tmp_path: Path) -> None:
    path = tmp_path / "rule.cfg"
    text = Path(valid).read_text()
    path.write_text(text.replace("frontend fe\n", "frontend fe\n" + RULE))
    topics = {f"{package.__name__}.{topic}" for package in (action, conv, fetch) for topic in package.WORDS}
    # the host of a URL is a field of the request
    assert topics & modules("-c", "-f", str(path)) == {
        "lbcore.action.header",
        "lbcore.conv.strings",
        "lbcore.fetch.request",
        "lbcore.fetch.url",
    }


def test_check_mode_imports_no_engine_and_nothing_heavy(valid: str) -> None:
    found = modules("-c", "-f", valid)
    assert not found & (NEVER | {"lbcore.api", "lbcore.process", "lbcore.signals", "lbcore.dump", "lbcore.demo"})


def test_the_version_is_told_without_enums_types_and_patterns() -> None:
    assert not modules("-v") & {"enum", "re", "typing"}
