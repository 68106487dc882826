"""Builds and runs the fuzzers of what reads from the wire for a while: `python -m tests.native.fuzz [--seconds 20]`.

A `fuzz_<name>.c` tells how it is built, in its own first lines; clang with its libFuzzer is needed. It starts from the
corpus beside it and writes new inputs to a folder that is thrown away: to keep some, run it by hand as that file says.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.native.run import FLAGS, NATIVE, sources_of

HERE = Path(__file__).resolve().parent
NAMES = ("h1", "proxyproto")
SANITIZERS = ("-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")
GRACE = 60.0  # seconds that it may take to end when its time is over


def build(out: Path, clang: str, target: Path) -> None:
    """Compiles a fuzzer. Raises CalledProcessError if that fails; the compiler has said why."""
    files = [str(path) for path in (target, *sources_of(target))]
    include = [f"-I{NATIVE / 'include'}", f"-I{HERE}"]
    subprocess.run([clang, *FLAGS, *SANITIZERS, *include, "-o", str(out), *files], check=True)


def fuzz(program: Path, seconds: int, folder: Path, corpus: Path) -> int:
    """The exit code of a run of `seconds`, at least one of them; its last lines, and what broke it, are printed."""
    new = folder / "new"
    new.mkdir()
    limits = [f"-max_total_time={max(1, seconds)}", "-timeout=10", "-rss_limit_mb=2048", "-verbosity=0"]
    words = [str(program), *limits, "-print_final_stats=1", f"-artifact_prefix={folder}/", str(new), str(corpus)]
    done = subprocess.run(words, check=False, timeout=seconds + GRACE, stdin=subprocess.DEVNULL)
    for found in sorted(folder.glob("crash-*")):
        print(f"the input that broke it: {found.read_bytes()!r}")
    return done.returncode


def main(argv: Sequence[str] | None = None) -> int:
    """0 if nothing was found, or there is no clang to look with, which is said; 1 otherwise."""
    parser = argparse.ArgumentParser(description="Fuzzes what reads from the wire.")
    parser.add_argument("--seconds", type=int, default=20, help="for each fuzzer")
    parser.add_argument("--clang", default="clang")
    options = parser.parse_args(argv)
    clang = shutil.which(options.clang)
    if clang is None:
        print(f"{options.clang} is not installed: nothing was fuzzed")
        return 0
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda name: _finds(name, options.seconds, clang), NAMES))
    return 1 if any(found) else 0


def _finds(name: str, seconds: int, clang: str) -> bool:
    with tempfile.TemporaryDirectory(prefix="lbcore-fuzz-") as tmp:
        folder = Path(tmp)
        build(folder / f"fuzz_{name}", clang, HERE / f"fuzz_{name}.c")
        return fuzz(folder / f"fuzz_{name}", seconds, folder, HERE / "corpus" / name) != 0


if __name__ == "__main__":
    sys.exit(main())
