"""`-c`: exit codes and messages, side by side with HAProxy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.peers.haproxy import Program
from tests.program.command import execute, lbcore, messages, oracles
from tests.program.conftest import VALID, write

WARNED = "frontend fe\n    mode http\n    bind 127.0.0.1:8080\n"
SILENT = VALID.replace("frontend fe\n    bind 127.0.0.1:8080\n    default_backend be\n", "")
BROKEN = "frontend fe\n    bindd 127.0.0.1:8080\n    default_backend\n"
QUIET = "global\n    quiet\n" + BROKEN

FILES = {"valid": VALID, "warned": WARNED, "silent": SILENT, "broken": BROKEN, "quiet": QUIET}
LINES = [
    "-c -f valid", "-c -V -f valid", "-c -q -f valid", "-q -c -V -f valid", "-c -f warned", "-c -V -f warned",
    "-c -q -f warned", "-c -dW -f valid", "-c -dW -f warned", "-c -q -dW -f warned", "-c -f silent", "-c -V -f silent",
    "-c -q -f silent", "-c -f broken", "-c -V -f broken", "-c -q -f broken", "-c -f quiet", "-c -V -f quiet",
    "-c -f missing", "-c -C missing -f valid", "-c -C . -f valid", "-f broken", "-f silent", "-f missing",
    "-c -- valid",
    "-c -f folder", "-c -f valid -f warned", "-c -D -f valid", "-c -p no/pid -f valid", "-c -n 5 -N 5 -m 5 -f valid",
    "-c -dL -q -f broken", "-c -L me -f valid", "-c -dD -dG -de -dp -dr -dR -dS -dV -dM -dI -dF -f valid",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        write(tmp_path, name, text)
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder", "b.cfg", VALID)
    write(tmp_path / "folder", "ignored.txt", BROKEN)
    write(tmp_path / "folder", ".hidden.cfg", BROKEN)
    return tmp_path


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("oracle", oracles(), ids=lambda oracle: oracle.name)
def test_haproxy_gives_the_same_code_and_messages(oracle: Program, line: str, folder: Path) -> None:
    theirs = execute([*oracle.argv, *line.split()], folder)
    ours = lbcore(*line.split(), folder=folder)
    assert ours.returncode == theirs.returncode
    assert _comparable(messages(ours.stderr)) == _comparable(messages(theirs.stderr))
    # HAProxy says so with -V only since 2.9.
    valid = "Configuration file is valid\n"
    assert ours.stdout.replace(valid, "") == theirs.stdout.replace(valid, "")


def _comparable(found: list[str]) -> list[str]:
    """Without the path in `[<program>.main()]`."""
    return [text.partition(".main()] ")[2] or text for text in found]


@pytest.mark.parametrize(("line", "said"), [("-c", ""), ("-c -V", "Configuration file is valid\n"), ("-c -q", "")])
def test_a_valid_file_is_praised_in_verbose_mode_only(line: str, said: str, valid: str) -> None:
    done = lbcore(*line.split(), "-f", valid)
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


def test_all_errors_are_told_in_one_run_with_the_place_marked(folder: Path) -> None:
    done = lbcore("-c", "-f", "broken", folder=folder)
    assert messages(done.stderr) == [
        (
            "[ALERT] config : parsing [broken:2] : unknown keyword 'bindd' in 'frontend' section; "
            "did you mean 'bind' maybe ?"
        ),
        "[ALERT] config : parsing [broken:3] : 'default_backend' expects a backend name.",
        "[ALERT] config : Error(s) found in configuration file : broken",
        "[ALERT] config : Fatal errors found in configuration.",
    ]
    assert "\n  bindd 127.0.0.1:8080\n  ^\n" in done.stderr


def test_the_first_message_is_introduced_by_who_is_talking(folder: Path) -> None:
    first, second, third, *_ = lbcore("-c", "-f", "broken", folder=folder).stderr.splitlines()
    assert first.startswith("[NOTICE]   (")
    assert ") : haproxy version is 3.2.0 (lbcore " in first
    assert ") : path to executable is " in second
    assert third.startswith("[ALERT]    (")


def test_warnings_are_announced_after_themselves(folder: Path) -> None:
    done = lbcore("-c", "-f", "warned", folder=folder)
    assert (done.returncode, done.stdout) == (0, "Warnings were found.\n")
    assert [text.split("'")[1] for text in messages(done.stderr)] == ["fe"]


def test_zero_warning_of_the_global_section_is_the_option(folder: Path) -> None:
    path = write(folder, "strict", "global\n    zero-warning\n" + WARNED)
    done = lbcore("-c", "-f", path)
    assert done.returncode == 1
    assert messages(done.stderr)[-1] == (
        "[ALERT] config : Some warnings were found and 'zero-warning' is set. Aborting."
    )


def test_advice_of_diagnostic_mode_never_changes_the_exit_code(folder: Path) -> None:
    path = write(folder, "advised", ".diag look\n" + VALID)
    assert lbcore("-c", "-dW", "-f", path).stderr == ""
    done = lbcore("-c", "-dW", "-dD", "-f", path)
    assert done.returncode == 0
    assert messages(done.stderr) == [f"[DIAG] config : parsing [{path}:1]: 'look'."]


def test_the_peer_name_is_a_variable_of_the_configuration(folder: Path) -> None:
    path = write(folder, "named", '.if streq("$HAPROXY_LOCALPEER",me)\n.alert yes\n.endif\n' + VALID)
    assert messages(lbcore("-c", "-L", "me", "-f", path).stderr)[0].endswith(": 'yes'.")
    assert lbcore("-c", "-L", "you", "-f", path).returncode == 0


def test_nothing_is_bound_or_written(folder: Path) -> None:
    lbcore("-c", "-D", "-p", "pid", "-f", "valid", folder=folder)
    assert not os.path.exists(folder / "pid")
