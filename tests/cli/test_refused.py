"""Commands of HAProxy that are not done say so, to those who might use them."""

import pytest

from lbcore.cli import registry
from lbcore.cli.cmd_refused import NOT_DONE
from lbcore.cli.registry import Level
from lbcore.cli.session import Session
from tests.cli.fakes import ShownProcess


def answer(line: str, level: Level) -> bytes:
    return Session(registry(), ShownProcess(), level).feed(line.encode() + b"\n")


@pytest.mark.parametrize("words", NOT_DONE)
def test_is_refused_by_name(words: str) -> None:
    assert answer(f"{words} foo", NOT_DONE[words]) == f"'{words}' is not done in this release.\n\n".encode()


@pytest.mark.parametrize("words", [words for words, level in NOT_DONE.items() if level > Level.USER])
def test_is_refused_to_others_for_their_level(words: str) -> None:
    assert answer(words, Level(NOT_DONE[words] - 1)) == b"Permission denied\n\n"


def test_is_not_listed() -> None:
    assert b"not done" not in answer("help", Level.ADMIN)
