"""What the program answers to a command line, side by side with HAProxy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lbcore.options import USAGE
from tests.peers.haproxy import Program
from tests.program.command import execute, lbcore, messages, oracles

WRONG = [
    "",
    "-zz",
    "nonsense",
    "-c",
    "-V",
    "-q",
    "-D",
    "-c nonsense",
    "-dKhelp",
    "-dW",
    "-f",
    "-n",
    "-cc",
    "-c --",
    "-C .",
]


@pytest.mark.parametrize("words", WRONG)
@pytest.mark.parametrize("oracle", oracles(), ids=lambda oracle: oracle.name)
def test_haproxy_refuses_the_same_words_with_the_same_code(oracle: Program, words: str) -> None:
    theirs, ours = execute([*oracle.argv, *words.split()]), lbcore(*words.split())
    assert (ours.returncode, theirs.returncode) == (1, 1)


@pytest.mark.parametrize("words", [word for word in WRONG if word != "nonsense"])
def test_the_banner_goes_to_stdout_and_the_usage_to_stderr(words: str) -> None:
    done = lbcore(*words.split())
    assert done.stdout.startswith("HAProxy version 3.2.0 ")
    assert done.stderr.endswith(USAGE.format(program="lbcore"))


def test_a_link_gives_the_program_its_name(tmp_path: Path) -> None:
    script = tmp_path / "lbcore"
    script.write_text(f"#!{sys.executable}\nimport sys\nfrom lbcore.__main__ import main\nsys.exit(main())\n")
    script.chmod(0o755)
    (tmp_path / "haproxy").symlink_to(script)
    done = execute([str(tmp_path / "haproxy"), "-zz"])
    assert done.returncode == 1
    assert f"path to executable is {tmp_path / 'haproxy'}\n" in done.stderr
    assert done.stderr.endswith(USAGE.format(program="haproxy"))


def test_an_unknown_option_is_named() -> None:
    assert messages(lbcore("-zz").stderr) == ["[ALERT] unknown option '-zz'."]


@pytest.mark.parametrize("words", ["-W", "-Ws", "-S x", "-x x", "-sf 1", "-st 1", "-dt"])
def test_what_is_not_done_yet_is_refused_by_name_and_starts_nothing(words: str, valid: str) -> None:
    done = lbcore("-f", valid, *words.split())
    assert done.returncode == 1
    [message] = messages(done.stderr)
    assert message.startswith(f"[ALERT] option '{words.split()[0]}' (")
    assert "is HAProxy's but is not supported by lbcore" in message


def test_every_option_that_is_taken_stands_in_the_usage() -> None:
    from lbcore.options import _FLAGS, _WITH_ARGUMENT, _WITH_VALUE

    shown = USAGE.replace("[", " ").replace("<", " ").replace(",", " ").split()
    assert {word for word in (*_FLAGS, *_WITH_ARGUMENT, *_WITH_VALUE) if word not in shown} == set()


def test_an_unknown_sub_command_tells_what_there_is() -> None:
    done = lbcore("demon")
    assert done.returncode == 1
    assert done.stderr.startswith("lbcore: unknown sub-command 'demon' (known: demo, explain, lint, top;")
