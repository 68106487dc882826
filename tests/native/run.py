"""Builds and runs the C tests: `python tests/native/run.py [--cc gcc] [--san address|thread|none|all] [names...]`.

Every `test_<name>.c` names the sources it needs in its first line, `/* sources: lock ctr */` (files of native/src), or
says `/* sources: all */`.
It is compiled with all warnings as errors, once with ASan and UBSan, once with TSan, and run in this directory. A run
passes when the program ends in time with exit code 0. Before anything else each sanitizer has to catch a planted bug:
one that cannot work on this machine is an error and not a reason to skip.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
NATIVE = HERE.parent.parent / "native"
SOURCES = re.compile(r"^/\*\s*sources:\s*([\w\s]*?)\s*\*/")
FLAGS = ["-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-fno-strict-aliasing", "-fno-omit-frame-pointer"]

OVERFLOW = (
    "#include <stdlib.h>\nint main(int n, char **v) { (void)v; char *p = malloc(n); p[n] = 1; return p[n] - 1; }\n"
)
RACE = (
    "#include <pthread.h>\nstatic int x;\nstatic void *f(void *p) { x++; return p; }\n"
    "int main(void) { pthread_t t; pthread_create(&t, 0, f, 0); x++; pthread_join(t, 0); return 0; }\n"
)


@dataclass(frozen=True)
class Sanitizer:
    """A way to build and run; `planted` is a program that it must refuse, with `verdict` in what it prints."""

    name: str
    flags: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()
    planted: str = ""
    verdict: str = ""


SANITIZERS = {
    s.name: s
    for s in (
        Sanitizer(
            "address",
            ("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
            (
                ("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1"),
                ("UBSAN_OPTIONS", "print_stacktrace=1"),
            ),
            OVERFLOW,
            "heap-buffer-overflow",
        ),
        Sanitizer("none", ("-O2",)),
        Sanitizer(
            "thread", ("-fsanitize=thread",), (("TSAN_OPTIONS", "halt_on_error=0:exitcode=66"),), RACE, "data race"
        ),
    )
}


class BrokenToolError(Exception):
    """A compiler or sanitizer does not do its work on this machine."""


@dataclass(frozen=True)
class Case:
    """One test under one sanitizer; `prefix` is the command that must stand before the program."""

    test: Path
    sanitizer: Sanitizer
    prefix: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.test.stem} [{self.sanitizer.name}]"


def sources_of(test: Path) -> list[Path]:
    """The files that `test` names in its first line; raises ValueError if there is no such line."""
    with test.open() as f:
        match = SOURCES.match(f.readline())
    if not match:
        raise ValueError(f"{test.name}: the first line must be /* sources: ... */")
    if match[1] == "all":
        return sorted((NATIVE / "src").glob("*.c"))
    return [NATIVE / "src" / f"{name}.c" for name in match[1].split()]


def compile_to(
    out: Path, cc: str, sanitizer: Sanitizer, files: Sequence[Path], how: Sequence[str] = ("-pthread", "-lm")
) -> str:
    """Builds `out`, a program unless `how` says otherwise; the compiler's complaints, empty if it worked."""
    include = [f"-I{NATIVE / 'include'}", f"-I{HERE}"]
    command = [cc, *FLAGS, *sanitizer.flags, *include, "-o", str(out), *map(str, files), *how]
    done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    return "" if done.returncode == 0 else done.stdout + done.stderr or f"{cc} exited with {done.returncode}"


class Builder:
    """Builds programs in `tmp`. Each source is compiled once for a sanitizer, however many tests are linked with it."""

    def __init__(self, cc: str, tmp: Path) -> None:
        self.cc = cc
        self.tmp = tmp
        self._begun: dict[tuple[str, Path], Future[str]] = {}

    def begin(self, pool: ThreadPoolExecutor, cases: Iterable[Case]) -> None:
        """Puts what the cases need in the pool's queue. To be called before the cases are, lest these wait for ever."""
        for case in cases:
            with suppress(ValueError):  # the case itself will tell
                for source in sources_of(case.test):
                    key = case.sanitizer.name, source
                    if key not in self._begun and source.exists():
                        self._begun[key] = pool.submit(self._compile, case.sanitizer, source)

    def program(self, case: Case) -> tuple[Path, str]:
        """The program of a case, and what went wrong while it was built, empty if nothing did."""
        program = self.tmp / f"{case.test.stem}_{case.sanitizer.name}"
        try:
            sources = sources_of(case.test)
        except ValueError as e:
            return program, str(e)
        if missing := [f.name for f in sources if not f.exists()]:
            return program, f"no such source: {', '.join(missing)}"
        for source in sources:
            begun = self._begun.get((case.sanitizer.name, source))
            if trouble := self._compile(case.sanitizer, source) if begun is None else begun.result():
                return program, trouble
        objects = [self._object(case.sanitizer, source) for source in sources]
        return program, compile_to(program, self.cc, case.sanitizer, [case.test, *objects])

    def _object(self, sanitizer: Sanitizer, source: Path) -> Path:
        return self.tmp / f"{source.stem}_{sanitizer.name}.o"

    def _compile(self, sanitizer: Sanitizer, source: Path) -> str:
        return compile_to(self._object(sanitizer, source), self.cc, sanitizer, [source], ("-pthread", "-c"))


def execute(program: Path, sanitizer: Sanitizer, prefix: Sequence[str], seconds: float) -> tuple[int, str]:
    """Exit code and output of `program`; -1 and a remark if it took too long."""
    env = {**os.environ, **dict(sanitizer.env)}
    try:
        done = subprocess.run(
            [*prefix, str(program)],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            env=env,
            cwd=HERE,
        )
    except subprocess.TimeoutExpired as late:
        return -1, (late.stdout or b"").decode(errors="replace") + f"\nstill running after {seconds:g} s: killed\n"
    return done.returncode, done.stdout.decode(errors="replace")


def prefix_for(sanitizer: Sanitizer, cc: str, tmp: Path) -> tuple[str, ...]:
    """How to start programs so that `sanitizer` works; raises BrokenToolError if it misses the planted bug."""
    if not sanitizer.planted:
        return ()
    source, program = tmp / f"planted_{sanitizer.name}.c", tmp / f"planted_{sanitizer.name}"
    source.write_text(sanitizer.planted)
    if trouble := compile_to(program, cc, sanitizer, [source]):
        raise BrokenToolError(f"{cc} cannot build with {sanitizer.name}:\n{trouble}")
    # TSan maps its shadow at fixed places, which a kernel with much address randomisation may have given away.
    setarch = shutil.which("setarch")
    prefixes = [(), (setarch, "-R")] if setarch else [()]
    said = ""
    for prefix in prefixes:
        code, said = execute(program, sanitizer, prefix, 60)
        if code and sanitizer.verdict in said:
            return prefix
    raise BrokenToolError(f"{sanitizer.name} of {cc} does not catch a planted bug here:\n{said}")


def run_case(case: Case, builder: Builder, seconds: float) -> str:
    """Builds and runs one case; what went wrong, empty if nothing did."""
    program, trouble = builder.program(case)
    if trouble:
        return trouble
    code, said = execute(program, case.sanitizer, case.prefix, seconds)
    return "" if code == 0 else f"{said}exit code {code}"


def chosen_tests(names: Sequence[str]) -> list[Path]:
    """The tests called `names` ("lock" or "test_lock"), all if there are none; raises FileNotFoundError."""
    if not names:
        return sorted(HERE.glob("test_*.c"))
    tests = [HERE / f"test_{Path(name).stem.removeprefix('test_')}.c" for name in names]
    for test in tests:
        if not test.exists():
            raise FileNotFoundError(f"there is no {test.name}")
    return tests


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Builds and runs the C tests under sanitizers.")
    parser.add_argument("names", nargs="*", help="tests, without test_ and .c; all if none is named")
    parser.add_argument("--cc", default=os.environ.get("CC", "gcc"), help="compiler: gcc or clang")
    parser.add_argument("--san", default="all", choices=[*SANITIZERS, "all"], help="all: address and thread")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--timeout", type=float, default=180, help="seconds a test may run")
    return parser.parse_args(argv)


def report(case: Case, trouble: str) -> bool:
    """Prints what became of a case; whether it failed."""
    print(f"{case.name}: {'failed' if trouble else 'passed'}", flush=True)
    if trouble:
        print("    " + trouble.strip().replace("\n", "\n    "), flush=True)
    return bool(trouble)


def run_all(args: argparse.Namespace, tmp: Path) -> int:
    """Runs what was asked for and prints a line a case; the number of failures."""
    wanted = [SANITIZERS[n] for n in (("address", "thread") if args.san == "all" else (args.san,))]
    prefixes = {s.name: prefix_for(s, args.cc, tmp) for s in wanted}
    cases = [Case(test, s, prefixes[s.name]) for test in chosen_tests(args.names) for s in wanted]
    builder = Builder(args.cc, tmp)
    with ThreadPoolExecutor(max(1, args.jobs)) as pool:
        builder.begin(pool, cases)
        troubles = pool.map(lambda case: run_case(case, builder, args.timeout), cases)
        failed = sum(report(case, trouble) for case, trouble in zip(cases, troubles, strict=True))
    print(f"{len(cases) - failed} passed, {failed} failed")
    return failed if cases else 1


def main(argv: Sequence[str] | None = None) -> int:
    args = arguments(argv)
    with tempfile.TemporaryDirectory(prefix="lbcore-native-") as tmp:
        try:
            return 1 if run_all(args, Path(tmp)) else 0
        except (BrokenToolError, FileNotFoundError) as e:
            print(e, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main())
