"""The runner of the C tests: what fails must be said to fail."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.native import run

GOOD = "int main(void) { RUN(works); return check_done(); }\n"
PASSING = "static void works(void) { CHECK_EQ(1 + 1, 2); }\n" + GOOD
PLAIN = run.SANITIZERS["none"]


def outcome(tmp: Path, body: str, head: str = "/* sources: */", sanitizer: run.Sanitizer = PLAIN) -> str:
    test = tmp / "test_it.c"
    test.write_text(f'{head}\n#include "check.h"\n{body}')
    return run.run_case(run.Case(test, sanitizer), run.Builder("gcc", tmp), 20)


def test_a_claim_that_holds_passes(tmp_path: Path) -> None:
    assert outcome(tmp_path, PASSING) == ""


def test_a_claim_that_does_not_hold_is_told_with_its_place(tmp_path: Path) -> None:
    told = outcome(tmp_path, "static void works(void) { CHECK_EQ(1 + 1, 3); }\n" + GOOD)
    assert "test_it.c:3:" in told
    assert "1 + 1 is 2, 3 is 3" in told
    assert "FAILED works" in told


def test_a_test_without_checks_fails(tmp_path: Path) -> None:
    assert "0 checks, 0 failed" in outcome(tmp_path, "static void works(void) {}\n" + GOOD)


def test_a_warning_fails(tmp_path: Path) -> None:
    assert "unused" in outcome(tmp_path, "static void unused(void) {}\n" + PASSING)


def test_a_crash_fails(tmp_path: Path) -> None:
    assert "exit code -6" in outcome(tmp_path, "static void works(void) { abort(); }\n" + GOOD)


def test_a_program_that_hangs_is_killed(tmp_path: Path) -> None:
    test = tmp_path / "test_it.c"
    test.write_text('/* sources: */\n#include "check.h"\nint main(void) { for (;;) pause(); }\n')
    assert "still running after 0.5 s" in run.run_case(run.Case(test, PLAIN), run.Builder("gcc", tmp_path), 0.5)


def test_touching_the_guarded_page_is_caught_without_a_sanitizer(tmp_path: Path) -> None:
    body = "static void works(void) { volatile char *p = guard_copy(\"abc\", 3); CHECK(p[2] == 'c'); (void)p[3]; }\n"
    assert "exit code -11" in outcome(tmp_path, body + GOOD)


def test_sources_must_be_named_and_exist(tmp_path: Path) -> None:
    assert "the first line must be" in outcome(tmp_path, PASSING, "/* nothing */")
    assert "no such source: nowhere.c" in outcome(tmp_path, PASSING, "/* sources: nowhere */")


@pytest.mark.parametrize("name", ["address", "thread"])
def test_sanitizers_work_here(tmp_path: Path, name: str) -> None:
    assert run.prefix_for(run.SANITIZERS[name], "gcc", tmp_path)[1:] in [(), ("-R",)]


def test_a_sanitizer_that_misses_the_planted_bug_is_an_error(tmp_path: Path) -> None:
    blind = run.Sanitizer("blind", (), (), run.RACE, "data race")
    with pytest.raises(run.BrokenToolError, match="does not catch a planted bug"):
        run.prefix_for(blind, "gcc", tmp_path)


def test_an_unknown_test_is_refused() -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no test_nonsense\.c"):
        run.chosen_tests(["nonsense"])


def test_a_source_is_compiled_once_for_all_that_are_linked_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    compile_to = run.compile_to

    def noted(out: Path, *how: Any) -> str:
        built.append(out.name)
        return compile_to(out, *how)

    monkeypatch.setattr(run, "compile_to", noted)
    tests = [tmp_path / f"test_{name}.c" for name in "ab"]
    for test in tests:
        test.write_text(f'/* sources: ctr */\n#include "check.h"\n{PASSING}')
    cases = [run.Case(test, PLAIN) for test in tests]
    builder = run.Builder("gcc", tmp_path)
    with ThreadPoolExecutor(2) as pool:
        builder.begin(pool, cases)
        assert list(pool.map(lambda case: run.run_case(case, builder, 20), cases)) == ["", ""]
    assert sorted(built) == ["ctr_none.o", "test_a_none", "test_b_none"]
