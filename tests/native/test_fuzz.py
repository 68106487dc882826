"""The runner of the fuzzer: what is broken must be found and said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.native import fuzz

PLANTED = """/* sources: */
#include <stddef.h>
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    if (size && data[0] == 'x')
        __builtin_trap();
    return 0;
}
"""


def test_a_planted_bug_is_found_and_its_input_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    clang = shutil.which("clang")
    if clang is None:
        pytest.skip("clang is not installed")
    target, corpus = tmp_path / "planted.c", tmp_path / "corpus"
    target.write_text(PLANTED)
    corpus.mkdir()
    fuzz.build(tmp_path / "planted", clang, target)
    assert fuzz.fuzz(tmp_path / "planted", 10, tmp_path, corpus) != 0
    assert "the input that broke it: b'x" in capfd.readouterr().out


def test_without_clang_it_says_that_nothing_was_done(capfd: pytest.CaptureFixture[str]) -> None:
    assert fuzz.main(["--clang", "no-such-compiler"]) == 0
    assert capfd.readouterr().out == "no-such-compiler is not installed: nothing was fuzzed\n"
