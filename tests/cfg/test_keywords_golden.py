"""Golden files of broken configurations: what every keyword says about wrong arguments, places and combinations.

A file under `golden/keywords/` holds the cases of one topic, with lines of `====` between them:

    configuration
    ---- why HAProxy 2.6 says something else, if it does
    = a message that both give
    + a message of lbcore alone
    - a message of HAProxy alone

Only a message's first line is kept. Each case is read by lbcore, and also by the real HAProxy 2.6 where that is
installed, so that no sign can be wrong. Suggestions are compared with lbcore's own only: its list of words is another.
Where the reason is "Not done yet", HAProxy's own messages are about something else (a missing file) and are left out.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from lbcore.cfg.loader import load

GOLDEN = Path(__file__).parent / "golden" / "keywords"
HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin")
FILE = "lb.cfg"
NOT_DONE = "Not done yet"


@dataclass(frozen=True)
class Case:
    config: str
    reason: str
    messages: tuple[tuple[str, str], ...]  # (sign, text)

    def of(self, signs: str) -> list[str]:
        return [text for sign, text in self.messages if sign in signs]


def parse(text: str) -> list[Case]:
    return [_case(block) for block in re.split(r"^====\n", text, flags=re.MULTILINE)]


def _case(block: str) -> Case:
    config, _, rest = block.partition("----")
    reason, _, messages = rest.partition("\n")
    pairs = tuple((line[0], line[2:]) for line in messages.splitlines())
    return Case(config, reason.strip(), pairs)


def cases() -> list[tuple[str, Case]]:
    found = []
    for file in sorted(GOLDEN.glob("*.txt")):
        found += [(f"{file.stem}-{n}", case) for n, case in enumerate(parse(file.read_text()), 1)]
    return found


CASES = cases()
each_case = pytest.mark.parametrize("case", [c for _, c in CASES], ids=[name for name, _ in CASES])


def ours(config: str) -> list[str]:
    _settings, diagnostics = load([(FILE, config)], env={})
    texts = (f"{m.severity.value} {m.text.removeprefix('config : ')}" for m in diagnostics.messages)
    return [re.sub(r"lbcore [\w.]+ yet", "lbcore yet", text.split("\n")[0]) for text in texts]


def haproxys(config: str) -> list[str]:
    """What HAProxy says about the configuration, without its closing messages."""
    assert HAPROXY is not None
    done = subprocess.run(
        [HAPROXY, "-c", "-f", "/dev/stdin"],
        input=config,
        capture_output=True,
        text=True,
        env={},
        timeout=20,
        check=False,
    )
    found = []
    for line in done.stderr.replace("/dev/stdin", FILE).splitlines():
        matched = re.match(r"\[(ALERT|WARNING)\] +\(\d+\) : config : (.*)", line)
        if matched and not re.match(r"Error\(s\) found|Fatal errors found", matched[2]):
            found.append(f"{matched[1]} {matched[2]}")
    return found


def is_oracle() -> bool:
    """Whether the installed HAProxy is the one whose words the golden files hold."""
    if HAPROXY is None:
        return False
    return "version 2.6" in subprocess.run([HAPROXY, "-v"], capture_output=True, text=True, check=True).stdout


def comparable(text: str) -> str:
    """A message without what may differ: the suggested word, full stops and blanks."""
    text = re.sub(r"[;.] [Dd]id you mean '[^']*' maybe \?", "", text)
    return re.sub(r"[ .]+", " ", text).strip()


@each_case
def test_says_what_the_golden_file_says(case: Case) -> None:
    assert ours(case.config) == case.of("=+")


@pytest.mark.skipif(not is_oracle(), reason="HAProxy 2.6 is not installed")
@each_case
def test_haproxy_says_the_same_but_for_the_marked_messages(case: Case) -> None:
    theirs = {comparable(text) for text in haproxys(case.config)}
    if case.reason == NOT_DONE:
        assert theirs >= {comparable(text) for text in case.of("=")}
    else:
        assert theirs == {comparable(text) for text in case.of("=-")}
    assert not theirs & {comparable(text) for text in case.of("+")}


@each_case
def test_a_difference_has_a_reason(case: Case) -> None:
    assert bool(case.of("+-")) == bool(case.reason)


def test_there_are_hundreds_of_broken_lines() -> None:
    assert sum(len(case.of("=+")) for _, case in CASES) >= 450
